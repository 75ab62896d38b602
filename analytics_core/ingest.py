"""The only writer of posts and engagement. Each function is one short transaction, safe to run twice.

Reconciling: what a listing shows and we lack is new; what two complete listings in a row no longer show is
marked ended. Rows are never deleted. See docs/decisions/0003-reconcile.md.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F
from django.utils import timezone

from .models import KINDS, Notice, Precision
from .platforms import CommentRecord, Listing, NotificationRecord, PersonRecord, Platform, PostRecord

logger = logging.getLogger(__name__)

# How far the clocks of two honest servers may be apart.
CLOCK_SKEW = timedelta(minutes=5)
# A notice that no list has confirmed by then belongs to a like that was taken back, or to no post of ours.
NOTICE_LIFETIME = timedelta(days=30)
BATCH_SIZE = 500

CONTENT_FIELDS = (
    "caption", "media_url", "media_type", "media_count", "media_width", "media_height", "thumbnail_url",
    "alt_text", "blurhash", "visibility", "is_sensitive", "post_url", "posted_at",
)  # fmt: skip


@dataclass(slots=True)
class IngestedPosts:
    """What a page of posts changed; `posts` are the saved rows in the page's order."""

    posts: list[Any] = field(default_factory=list)
    created_count: int = 0
    updated_count: int = 0


@dataclass(slots=True)
class Reconciled:
    """What one listing changed."""

    new_count: int = 0
    ended_count: int = 0
    returned_count: int = 0
    missed_count: int = 0
    """Absent for the first time: the next complete listing decides."""


def ingest_posts(platform: Platform, account: Any, records: Iterable[PostRecord]) -> IngestedPosts:
    """Create or update an account's posts with their server counts.

    A post that was missing and is listed again is no longer missing.
    """
    model, id_field = platform.post_model, platform.post_id_field
    by_id = {record.remote_id: record for record in records}
    if not by_id:
        return IngestedPosts()
    rows = [
        model(
            **{id_field: remote_id},
            account=account,
            instance_url=account.instance_url,
            username=account.username,
            **{name: getattr(record, name) for name in CONTENT_FIELDS},
            **{f"{kind}_server_count": getattr(record, f"{kind}_count") for kind in KINDS},
        )
        for remote_id, record in by_id.items()
    ]
    with transaction.atomic():
        known = set(
            model.objects.filter(account=account, **{f"{id_field}__in": by_id}).values_list(
                id_field, flat=True
            )
        )
        model.objects.bulk_create(
            rows,
            batch_size=BATCH_SIZE,
            update_conflicts=True,
            unique_fields=["account", id_field],
            update_fields=[
                *CONTENT_FIELDS,
                *(f"{kind}_server_count" for kind in KINDS),
                "instance_url",
                "username",
                "missing_since_at",
                "absence_checked_at",
                "last_fetched_at",
            ],
        )
        saved = {
            getattr(row, id_field): row
            for row in model.objects.filter(account=account, **{f"{id_field}__in": by_id})
        }
        platform.summary_model.objects.bulk_create(
            [
                platform.summary_model(post=post)
                for remote_id, post in saved.items()
                if remote_id not in known
            ],
            ignore_conflicts=True,
        )
    posts = [saved[remote_id] for remote_id in by_id]
    platform.link_posts(account, posts)
    return IngestedPosts(posts=posts, created_count=len(rows) - len(known), updated_count=len(known))


def settle_quiet_posts(platform: Platform, account: Any) -> None:
    """Count as read what the server says nobody has done: a post that nobody noticed costs no request."""
    never_read = platform.post_model.objects.filter(account=account, missing_since_at=None)
    for kind in KINDS:
        quiet = never_read.filter(
            **{f"{kind}_server_count": 0, f"{kind}_read_count": None, f"{kind}_read_at": None}
        )
        quiet.update(**{f"{kind}_read_count": 0, f"{kind}_read_at": timezone.now()})


def ingest_engagement(
    platform: Platform,
    post: Any,
    listings: Mapping[str, Listing[Any]],
    *,
    seen_at: datetime,
) -> dict[str, Reconciled]:
    """Reconcile what was listed of one post, by kind, and bring its summary up to date.

    Args:
        listings: whole listings of people (likes, shares) or comments, by kind.
        seen_at: when the listings were read.

    Returns:
        What changed, by kind.
    """
    outcome = {}
    with transaction.atomic():
        for kind, listing in listings.items():
            read_at = getattr(post, f"{kind}_read_at")
            wanted = _comments(listing.items) if kind == "comments" else _people(listing.items)
            result = _reconcile(
                platform.engagement_models[kind],
                post,
                wanted,
                key="comment_id" if kind == "comments" else "account_id",
                seen_at=seen_at,
                previous_at=read_at,
                may_end=listing.is_complete,
            )
            outcome[kind] = result
            _note_reading(post, kind, listing, has_doubts=result.missed_count > 0, seen_at=seen_at)
        post.save(update_fields=[f"{kind}_{name}" for kind in listings for name in ("read_count", "read_at")])
        refresh_summaries(platform, [post.pk])
    return outcome


def ingest_notifications(platform: Platform, account: Any, records: Sequence[NotificationRecord]) -> int:
    """Keep the times that notifications tell, and add the comments they carry. Returns how many are new.

    A like's notification makes no like: it may have been taken back since. A comment's does make a comment:
    it vanishes with its comment, and is the only sign of those that no list shows (INDEX.md, surprise 10).
    """
    notices = [
        Notice(
            platform=platform.name,
            account_id=account.pk,
            kind=record.kind,
            post_remote_id=record.post_id,
            person_id=record.person.remote_id,
            happened_at=record.happened_at,
        )
        for record in records
        if record.kind in ("likes", "shares") and record.person
    ]
    comments = [record.comment for record in records if record.comment]
    with transaction.atomic():
        Notice.objects.bulk_create(notices, batch_size=BATCH_SIZE, ignore_conflicts=True)
        return _add_comments(platform, account, comments)


def apply_notices(platform: Platform, account: Any) -> int:
    """Give likes and shares the exact times that notices tell. Returns how many times became exact.

    A notice is used up once its post's list was read after it, whether it found its like or not.
    """
    own = Notice.objects.filter(platform=platform.name, account_id=account.pk)
    own.filter(created_at__lt=timezone.now() - NOTICE_LIFETIME).delete()
    notices = list(own)
    if not notices:
        return 0
    id_field = platform.post_id_field
    posts = {
        getattr(post, id_field): post
        for post in platform.post_model.objects.filter(
            account=account, **{f"{id_field}__in": {notice.post_remote_id for notice in notices}}
        )
    }
    exact_count = 0
    used: set[int] = set()
    for kind in ("likes", "shares"):
        of_kind = [notice for notice in notices if notice.kind == kind and notice.post_remote_id in posts]
        found = _set_exact(platform.engagement_models[kind], of_kind, posts)
        exact_count += len(found)
        used.update(found)
        for notice in of_kind:
            read_at = getattr(posts[notice.post_remote_id], f"{kind}_read_at")
            if read_at is not None and read_at >= notice.happened_at + CLOCK_SKEW:
                used.add(notice.pk)
    Notice.objects.filter(pk__in=used).delete()
    return exact_count


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
        update_fields=["total_likes", "total_comments", "total_shares", "total_engagement", "last_updated"],
    )


def mark_missing(platform: Platform, post: Any, *, seen_at: datetime) -> None:
    """Note that the instance no longer shows a post. Nothing of it is deleted: it may come back."""
    platform.post_model.objects.filter(pk=post.pk, missing_since_at=None).update(missing_since_at=seen_at)
    post.missing_since_at = post.missing_since_at or seen_at


def _people(records: Iterable[PersonRecord]) -> dict[str, dict[str, Any]]:
    return {
        person.remote_id: {"username": person.username, "display_name": person.display_name}
        for person in records
    }


def _comments(records: Iterable[CommentRecord]) -> dict[str, dict[str, Any]]:
    return {
        comment.remote_id: {
            "account_id": comment.person.remote_id,
            "username": comment.person.username,
            "display_name": comment.person.display_name,
            "content": comment.content,
            "in_reply_to_id": comment.in_reply_to_id,
            "commented_at": comment.commented_at,
        }
        for comment in records
    }


def _reconcile(
    model: type[Any],
    post: Any,
    wanted: Mapping[str, dict[str, Any]],
    *,
    key: str,
    seen_at: datetime,
    previous_at: datetime | None,
    may_end: bool,
) -> Reconciled:
    """Bring the rows of one post and kind in line with a listing of it."""
    result = Reconciled()
    rows = {getattr(row, key): row for row in model.objects.filter(post=post)}
    has_own_time = key == "comment_id"
    new, changed = [], []
    for remote_id, values in wanted.items():
        row = rows.get(remote_id)
        if row is None:
            when = {} if has_own_time else _first_seen(model, seen_at=seen_at, previous_at=previous_at)
            new.append(model(post=post, **{key: remote_id}, **values, **when))
            continue
        if row.ended_at is not None and not has_own_time:
            ended_at = row.ended_at
            _assign(
                row, _first_seen(model, seen_at=seen_at, previous_at=max(previous_at or ended_at, ended_at))
            )
        result.returned_count += row.ended_at is not None
        if _assign(row, {**values, "missed_at": None, "ended_at": None}):
            changed.append(row)
    model.objects.bulk_create(new, batch_size=BATCH_SIZE, ignore_conflicts=True)
    result.new_count = len(new)
    if changed:
        fields = [
            *next(iter(wanted.values())),
            "missed_at",
            "ended_at",
            "precision",
            "not_before_at",
            model.HAPPENED_AT,
        ]
        model.objects.bulk_update(changed, sorted(set(fields)), batch_size=BATCH_SIZE)
    if may_end:
        absent = [row for remote_id, row in rows.items() if remote_id not in wanted and row.ended_at is None]
        ended = [row.pk for row in absent if row.missed_at is not None]
        missed = [row.pk for row in absent if row.missed_at is None]
        if ended:
            # It ended before the first listing that lacked it, as far as anybody can tell.
            model.objects.filter(pk__in=ended).update(ended_at=F("missed_at"))
        if missed:
            model.objects.filter(pk__in=missed).update(missed_at=seen_at)
        result.ended_count, result.missed_count = len(ended), len(missed)
    return result


def _first_seen(model: type[Any], *, seen_at: datetime, previous_at: datetime | None) -> dict[str, Any]:
    """The time of a like or share that is seen for the first time, or again (design: three precisions)."""
    precision = Precision.WINDOW if previous_at else Precision.UNKNOWN
    return {model.HAPPENED_AT: seen_at, "precision": precision, "not_before_at": previous_at}


def _assign(row: Any, values: Mapping[str, Any]) -> bool:
    """Set what differs; tell whether anything did."""
    differing = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in differing.items():
        setattr(row, name, value)
    return bool(differing)


def _note_reading(
    post: Any, kind: str, listing: Listing[Any], *, has_doubts: bool, seen_at: datetime
) -> None:
    """Remember the reading: what the server counted then, or that the list has to be read once more."""
    server_count = getattr(post, f"{kind}_server_count")
    settled_count = len(listing.items) if server_count is None else server_count
    setattr(post, f"{kind}_read_count", None if has_doubts else settled_count)
    # Comments have their own times; for the others an incomplete list can open no window.
    if listing.is_complete or kind == "comments":
        setattr(post, f"{kind}_read_at", seen_at)


def _add_comments(platform: Platform, account: Any, comments: Sequence[CommentRecord]) -> int:
    """Store comments that answer a post of this account or a known comment under one."""
    model, id_field = platform.engagement_models["comments"], platform.post_id_field
    parents = {comment.in_reply_to_id for comment in comments if comment.in_reply_to_id}
    posts = platform.post_model.objects.filter(account=account, **{f"{id_field}__in": parents})
    post_of = dict(posts.values_list(id_field, "pk"))
    known = model.objects.filter(post__account=account, comment_id__in=parents).values_list(
        "comment_id", "post_id"
    )
    post_of.update(known)
    by_post: dict[int, list[CommentRecord]] = defaultdict(list)
    # Oldest first: an answer may answer another one of this batch.
    for comment in sorted(comments, key=lambda comment: comment.commented_at):
        post_id = post_of.get(comment.in_reply_to_id or "")
        if post_id is not None:
            by_post[post_id].append(comment)
            post_of[comment.remote_id] = post_id
    new_count = 0
    for post in platform.post_model.objects.filter(pk__in=by_post):
        new_count += _reconcile(
            model,
            post,
            _comments(by_post[post.pk]),
            key="comment_id",
            seen_at=timezone.now(),
            previous_at=None,
            may_end=False,
        ).new_count
    refresh_summaries(platform, list(by_post))
    return new_count


def _set_exact(model: type[Any], notices: Sequence[Notice], posts: Mapping[str, Any]) -> list[int]:
    """Set the times of rows that are not exact yet and that a notice fits; return the notices used."""
    rows = {
        (row.post_id, row.account_id): row
        for row in model.objects.current()
        .exclude(precision=Precision.EXACT)
        .filter(
            post_id__in={posts[notice.post_remote_id].pk for notice in notices},
            account_id__in={notice.person_id for notice in notices},
        )
    }
    fitting: dict[tuple[int, str], Notice] = {}
    for notice in notices:
        place = (posts[notice.post_remote_id].pk, notice.person_id)
        row = rows.get(place)
        if row is None or notice.happened_at > row.happened_at + CLOCK_SKEW:
            continue
        if row.not_before_at is not None and notice.happened_at < row.not_before_at - CLOCK_SKEW:
            # It tells of an earlier like that was taken back (INDEX.md, surprise 14).
            continue
        if place not in fitting or fitting[place].happened_at < notice.happened_at:
            fitting[place] = notice
    for place, notice in fitting.items():
        setattr(rows[place], model.HAPPENED_AT, notice.happened_at)
        rows[place].precision = Precision.EXACT
        rows[place].not_before_at = None
    changed = [rows[place] for place in fitting]
    model.objects.bulk_update(
        changed, [model.HAPPENED_AT, "precision", "not_before_at"], batch_size=BATCH_SIZE
    )
    return [notice.pk for notice in fitting.values()]
