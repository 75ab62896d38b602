"""Brings rows in line with a listing: what is new, what is back, what is gone.

A part of `ingest`, which is the only one to call it. See docs/decisions/0003-reconcile.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F

from analytics_core.engine.ledger import Book
from analytics_core.models import Precision
from analytics_core.platforms import CommentRecord, PersonRecord

BATCH_SIZE = 500


@dataclass(slots=True)
class Reconciled:
    """What one listing changed."""

    new_count: int = 0
    returned_count: int = 0
    missed_count: int = 0
    """Absent for the first time: the next complete listing decides."""


def people_by_id(records: Iterable[PersonRecord]) -> dict[str, dict[str, Any]]:
    """Return the columns of likes or shares by the person's id."""
    return {
        person.remote_id: {"username": person.username, "display_name": person.display_name}
        for person in records
    }


def comments_by_id(records: Iterable[CommentRecord]) -> dict[str, dict[str, Any]]:
    """Return the columns of comments by the comment's id."""
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


def reconcile(
    model: type[Any],
    post: Any,
    wanted: Mapping[str, dict[str, Any]],
    *,
    key: str,
    book: Book,
    kind: str,
    seen_at: datetime,
    previous_at: datetime | None,
    may_end: bool,
) -> Reconciled:
    """Bring the rows of one post and kind in line with a listing of it; the book notes each that changes."""
    result, tally = Reconciled(), book.tally(kind)
    rows = {getattr(row, key): row for row in model.objects.filter(post=post)}
    wanted = book.veil.cover(wanted, rows)
    has_own_time = key == "comment_id"
    new, changed = [], []
    for remote_id, values in wanted.items():
        row = rows.get(remote_id)
        if row is None:
            when = {} if has_own_time else _first_seen(model, seen_at=seen_at, previous_at=previous_at)
            new.append(model(post=post, **{key: remote_id}, **values, **when))
            tally.added(new[-1])
            continue
        place = tally.place(row)
        if row.ended_at is not None and not has_own_time:
            ended_at = row.ended_at
            _assign(
                row, _first_seen(model, seen_at=seen_at, previous_at=max(previous_at or ended_at, ended_at))
            )
        result.returned_count += row.ended_at is not None
        if _assign(row, {**values, "missed_at": None, "ended_at": None}):
            changed.append(row)
            tally.changed(place, row)
    if new:
        # The constraint is named: a second copy of ourselves does no harm, any other conflict is no secret.
        model.objects.bulk_create(
            new,
            batch_size=BATCH_SIZE,
            update_conflicts=True,
            unique_fields=["post", key],
            update_fields=list(next(iter(wanted.values()))),
        )
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
        for row in absent:
            if row.missed_at is not None:
                tally.ended(row)
        ended = [row.pk for row in absent if row.missed_at is not None]
        missed = [row.pk for row in absent if row.missed_at is None]
        if ended:
            # It ended before the first listing that lacked it, as far as anybody can tell.
            model.objects.filter(pk__in=ended).update(ended_at=F("missed_at"))
        if missed:
            model.objects.filter(pk__in=missed).update(missed_at=seen_at)
        result.missed_count = len(missed)
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
