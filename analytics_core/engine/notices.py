"""What notifications tell: true times of likes and shares, and comments that no list shows.

A part of `ingest`. See docs/decisions/0004-times.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from analytics_core.engine import ledger
from analytics_core.engine.reconcile import BATCH_SIZE, comments_by_id, reconcile
from analytics_core.ingest import refresh_summaries
from analytics_core.models import Notice, Precision
from analytics_core.platforms import CommentRecord, NotificationRecord, Platform

# How far the clocks of two honest servers may be apart.
CLOCK_SKEW = timedelta(minutes=5)
# A notice that no list has confirmed by then belongs to a like that was taken back, or to no post of ours.
NOTICE_LIFETIME = timedelta(days=30)


def ingest_notifications(platform: Platform, account: Any, records: Sequence[NotificationRecord]) -> int:
    """Keep the times that notifications tell, and add the comments they carry. Returns how many are new.

    A like's notification makes no like: it may have been taken back since. A comment's does make a comment:
    it vanishes with its comment, and is the only sign of those that no list shows (INDEX.md, surprise 10).
    """
    own = {"platform": platform.name, "account_id": account.pk}
    comments = [record.comment for record in records if record.comment]
    with transaction.atomic(), ledger.keep(platform, account.pk) as book:
        ledger.note_oldest_notification(book.ledger, [record.happened_at for record in records])
        told = {
            # Each once: PostgreSQL takes no key twice in a batch.
            (record.kind, record.post_id, book.veil.id_of(record.person), record.happened_at)
            for record in records
            if record.kind in ("likes", "shares") and record.person
        }
        notices = [
            Notice(**own, kind=kind, post_remote_id=post_id, person_id=person_id, happened_at=happened_at)
            for kind, post_id, person_id, happened_at in told
        ]
        Notice.objects.bulk_create(
            notices,
            batch_size=BATCH_SIZE,
            update_conflicts=True,
            unique_fields=[*own, "kind", "post_remote_id", "person_id", "happened_at"],
            update_fields=["happened_at"],
        )
        return _add_comments(platform, account, comments, book=book)


def add_comments(platform: Platform, account: Any, comments: Sequence[CommentRecord]) -> int:
    """Store comments that answer a post of this account or a known comment; return how many are new."""
    if not comments:
        return 0
    with transaction.atomic(), ledger.keep(platform, account.pk) as book:
        return _add_comments(platform, account, comments, book=book)


def _add_comments(
    platform: Platform, account: Any, comments: Sequence[CommentRecord], *, book: ledger.Book
) -> int:
    if not comments:
        return 0
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
        new_count += reconcile(
            model,
            post,
            comments_by_id(by_post[post.pk]),
            key="comment_id",
            book=book,
            kind="comments",
            seen_at=timezone.now(),
            previous_at=None,
            may_end=False,
        ).new_count
    refresh_summaries(platform, list(by_post))
    return new_count


def apply_notices(platform: Platform, account: Any) -> int:
    """Give likes and shares the exact times that notices tell. Returns how many times became exact.

    A notice is used up once its post's list was read after it, whether it found its like or not.
    """
    own = Notice.objects.filter(platform=platform.name, account_id=account.pk)
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
    with transaction.atomic(), ledger.keep(platform, account.pk) as book:
        exact_count, used = _apply(platform, notices, posts, book=book)
        Notice.objects.filter(pk__in=used).delete()
        ledger.doubt_notifications(platform, account, book.ledger)
    return exact_count


def _apply(
    platform: Platform, notices: Sequence[Notice], posts: Mapping[str, Any], *, book: ledger.Book
) -> tuple[int, set[int]]:
    """Give rows their exact times. Returns how many became exact, and which notices are used up."""
    exact_count = 0
    # Those too old are given one last try.
    oldest_at = timezone.now() - NOTICE_LIFETIME
    used: set[int] = {notice.pk for notice in notices if notice.created_at < oldest_at}
    for kind in ("likes", "shares"):
        of_kind = [notice for notice in notices if notice.kind == kind and notice.post_remote_id in posts]
        found = _set_exact(platform.engagement_models[kind], of_kind, posts, tally=book.tally(kind))
        exact_count += len(found)
        used.update(found)
        for notice in of_kind:
            read_at = getattr(posts[notice.post_remote_id], f"{kind}_read_at")
            if read_at is not None and read_at >= notice.happened_at + CLOCK_SKEW:
                used.add(notice.pk)
    return exact_count, used


def _set_exact(
    model: type[Any], notices: Sequence[Notice], posts: Mapping[str, Any], *, tally: ledger.Tally
) -> list[int]:
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
        row = rows[place]
        before = tally.place(row)
        setattr(row, model.HAPPENED_AT, notice.happened_at)
        row.precision, row.not_before_at = Precision.EXACT, None
        tally.changed(before, row)
    changed = [rows[place] for place in fitting]
    model.objects.bulk_update(
        changed, [model.HAPPENED_AT, "precision", "not_before_at"], batch_size=BATCH_SIZE
    )
    return [notice.pk for notice in fitting.values()]
