"""The only writer of posts and engagement; `reconcile` and `notices` are parts of it.

Each function is one short transaction, safe to run twice.

Reconciling: what a listing shows and we lack is new; what two complete listings in a row no longer show is
marked ended. Rows are never deleted. See docs/decisions/0003-reconcile.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db import transaction
from django.db.models import Count, F, OuterRef, Q, Subquery

from analytics_core.engine import gallery, ledger
from analytics_core.engine.reconcile import BATCH_SIZE, Reconciled, comments_by_id, people_by_id, reconcile
from analytics_core.models import KINDS, NEVER_READ, TOTALS
from analytics_core.platforms import Listing, Platform, PostRecord
from analytics_core.text import fold

CONTENT_FIELDS = (
    "caption", "media_url", "media_type", "media_count", "media_width", "media_height", "thumbnail_url",
    "alt_text", "blurhash", "visibility", "is_sensitive", "post_url", "posted_at",
)  # fmt: skip


@dataclass(slots=True)
class IngestedPosts:
    """A page of posts: the saved rows in its order, how many of them are new, and how many were known."""

    posts: list[Any] = field(default_factory=list)
    created_count: int = 0
    updated_count: int = 0


def ingest_posts(platform: Platform, account: Any, records: Iterable[PostRecord]) -> IngestedPosts:
    """Create or update an account's posts with their server counts.

    Only what differs is written: most visits find the newest posts as they were. A post that was missing and
    is listed again is no longer missing.
    """
    listed = {record.remote_id: _columns(account, record) for record in records}
    if not listed:
        return IngestedPosts()
    # Outside the transaction, which most pages do not need. Whoever changes a row meanwhile comes after us;
    # `_new_ids` minds who deletes one.
    stored = _posts_by_id(platform, account, listed)
    news = {
        remote_id: columns
        for remote_id, columns in listed.items()
        if _is_news(columns, stored.get(remote_id))
    }
    saved = {**stored, **(_store_posts(platform, account, news, compared=stored) if news else {})}
    posts = [saved[remote_id] for remote_id in listed]
    gallery.note_addresses(platform.post_model, posts)
    platform.link_posts(account, posts)
    created_count = len(_new_ids(saved, compared=stored))
    return IngestedPosts(posts=posts, created_count=created_count, updated_count=len(posts) - created_count)


def _columns(account: Any, record: PostRecord) -> dict[str, Any]:
    """Return what a listing says of a post, by column: one that is listed is not missing either."""
    return {
        "instance_url": account.instance_url,
        "username": account.username,
        **{name: getattr(record, name) for name in CONTENT_FIELDS},
        "caption_folded": fold(record.caption),
        **{f"{kind}_server_count": getattr(record, f"{kind}_count") for kind in KINDS},
        "missing_since_at": None,
        "absence_checked_at": None,
    }


def _is_news(columns: Mapping[str, Any], stored: Any | None) -> bool:
    """Tell whether a post has to be written: it is new, it differs, or the time of this listing counts."""
    if stored is None or any(getattr(stored, name) != value for name, value in columns.items()):
        return True
    # `settle_quiet_posts` takes that time for the reading's.
    return any(
        (columns[f"{kind}_server_count"], getattr(stored, f"{kind}_read_count")) == (0, None)
        and getattr(stored, f"{kind}_read_at") is None
        for kind in KINDS
    )


def _posts_by_id(platform: Platform, account: Any, remote_ids: Iterable[str]) -> dict[str, Any]:
    id_field = platform.post_id_field
    posts = platform.post_model.objects.filter(account=account, **{f"{id_field}__in": list(remote_ids)})
    # Without an order, or the database may prefer all posts in that order to these few.
    return {getattr(post, id_field): post for post in posts.order_by()}


def _new_ids(saved: Mapping[str, Any], *, compared: Mapping[str, Any]) -> list[str]:
    """Return the ids of posts that have a new row: one deleted since it was compared has another key."""
    return [
        remote_id
        for remote_id, post in saved.items()
        if remote_id not in compared or compared[remote_id].pk != post.pk
    ]


def _store_posts(
    platform: Platform, account: Any, news: Mapping[str, Mapping[str, Any]], *, compared: Mapping[str, Any]
) -> dict[str, Any]:
    """Write posts by their columns, whoever else may have written them meanwhile; return the saved rows."""
    id_field = platform.post_id_field
    with transaction.atomic():
        platform.post_model.objects.bulk_create(
            [
                platform.post_model(**{id_field: remote_id}, account=account, **columns)
                for remote_id, columns in news.items()
            ],
            batch_size=BATCH_SIZE,
            update_conflicts=True,
            unique_fields=["account", id_field],
            update_fields=[*next(iter(news.values())), "last_fetched_at"],
        )
        saved = _posts_by_id(platform, account, news)
        new_ids = _new_ids(saved, compared=compared)
        platform.summary_model.objects.bulk_create(
            [
                platform.summary_model(post=saved[remote_id])
                for remote_id in new_ids
                # Where the server tells no count, an empty summary would pass for a counted zero.
                if news[remote_id]["likes_server_count"] is not None
            ],
            update_conflicts=True,
            unique_fields=["post"],
            # One that is there stays as it is.
            update_fields=["post"],
        )
        if new_ids:
            # From here on the account is watched, though nobody may have done anything yet.
            with ledger.keep(platform, account.pk):
                pass
    return saved


def settle_quiet_posts(platform: Platform, account: Any) -> None:
    """Count as read what the server says nobody has done: a post that nobody noticed costs no request.

    It said so when the post was listed, which may be many pages or a killed visit ago.
    """
    posts = platform.post_model.objects.filter(account=account, missing_since_at=None)
    quiet = {
        kind: Q(**{f"{kind}_server_count": 0, f"{kind}_read_count": None, f"{kind}_read_at": None})
        for kind in KINDS
    }
    # The first condition adds nothing: it is that of an index.
    if not posts.filter(NEVER_READ, reduce(or_, quiet.values())).exists():
        return
    for kind, is_quiet in quiet.items():
        posts.filter(is_quiet).update(**{f"{kind}_read_count": 0, f"{kind}_read_at": F("last_fetched_at")})


def ingest_engagement(
    platform: Platform,
    post: Any,
    listings: Mapping[str, Listing[Any]],
    *,
    began_at: datetime,
    seen_at: datetime,
) -> dict[str, Reconciled]:
    """Reconcile what was listed of one post, by kind, and bring its summary up to date.

    Args:
        listings: whole listings of people (likes, shares) or comments, by kind.
        began_at: before the first request: what happened later may be missing from the listings.
        seen_at: after the last answer: what they show had happened by then.

    Returns:
        What changed, by kind.
    """
    outcome = {}
    with transaction.atomic(), ledger.keep(platform, post.account_id) as book:
        for kind, listing in listings.items():
            read_at = getattr(post, f"{kind}_read_at")
            by_id = comments_by_id if kind == "comments" else people_by_id
            result = reconcile(
                platform.engagement_models[kind],
                post,
                by_id(listing.items),
                key="comment_id" if kind == "comments" else "account_id",
                book=book,
                kind=kind,
                seen_at=seen_at,
                previous_at=read_at,
                may_end=listing.is_complete,
            )
            outcome[kind] = result
            _note_reading(post, kind, listing, has_doubts=result.missed_count > 0, began_at=began_at)
        post.save(update_fields=[f"{kind}_{name}" for kind in listings for name in ("read_count", "read_at")])
        refresh_summaries(platform, [post.pk])
    return outcome


def refresh_summaries(platform: Platform, post_ids: Sequence[int]) -> None:
    """Count these posts' current likes, comments and shares into their summaries."""
    totals: dict[int, dict[str, int]] = {post_id: dict.fromkeys(KINDS, 0) for post_id in post_ids}
    for kind, model in platform.engagement_models.items():
        counted = (
            model.objects.current().filter(post_id__in=post_ids).values("post_id").annotate(count=Count("pk"))
        )
        for row in counted.order_by():
            totals[row["post_id"]][kind] = row["count"]
    summaries = [
        platform.summary_model(
            post_id=post_id,
            total_likes=counts["likes"],
            total_comments=counts["comments"],
            total_shares=counts["shares"],
            total_engagement=sum(counts.values()),
        )
        for post_id, counts in totals.items()
    ]
    platform.summary_model.objects.bulk_create(
        summaries,
        batch_size=BATCH_SIZE,
        update_conflicts=True,
        unique_fields=["post"],
        update_fields=[*TOTALS, "last_updated"],
    )
    counted = platform.summary_model.objects.filter(post=OuterRef("pk"))
    platform.post_model.objects.filter(pk__in=post_ids).update(
        **{name: Subquery(counted.values(name)) for name in TOTALS}
    )


def mark_missing(platform: Platform, post: Any, *, seen_at: datetime) -> None:
    """Note that the instance no longer shows a post. Nothing of it is deleted: it may come back."""
    platform.post_model.objects.filter(pk=post.pk, missing_since_at=None).update(missing_since_at=seen_at)
    post.missing_since_at = post.missing_since_at or seen_at


def _note_reading(
    post: Any, kind: str, listing: Listing[Any], *, has_doubts: bool, began_at: datetime
) -> None:
    """Remember the reading: what the server counted then, or that the list has to be read once more."""
    server_count = getattr(post, f"{kind}_server_count")
    settled_count = len(listing.items) if server_count is None else server_count
    setattr(post, f"{kind}_read_count", None if has_doubts or listing.is_cut else settled_count)
    # Comments have their own times; for the others an incomplete list can open no window.
    if listing.is_complete or kind == "comments":
        setattr(post, f"{kind}_read_at", began_at)
