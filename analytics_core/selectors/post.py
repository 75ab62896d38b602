"""One post: what is counted of it, when it happened, who did it, what was said below it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.core.paginator import Page
from django.db.models import Case, CharField, Count, F, Q, QuerySet, Value, When

from analytics_core.counts import KindCount
from analytics_core.models import DATED_WINDOW, KINDS, AccountState, Precision
from analytics_core.platforms import Platform
from analytics_core.platforms import get as get_platform
from analytics_core.selectors import threads

from .accounts import ConnectedAccount
from .paging import cut

TAKEN_BACK_LIMIT = 100
"""How many of those who took something back are named; more would be a page of their own."""


def post_account(post: Any, *, platform: Platform) -> ConnectedAccount:
    """Return the account of a post, which is loaded with it, and how far the engine has got with it."""
    state = AccountState.objects.filter(platform=platform.name, account_id=post.account_id).first()
    return ConnectedAccount(platform=platform, account=post.account, state=state)


def post_counts(post: Any) -> dict[str, KindCount]:
    """Return what is known of a post's likes, comments and shares, counted row by row: one query."""
    current = Q(ended_at__isnull=True)
    post_id = getattr(post, get_platform(post.platform).post_id_field)
    is_answer = Q(in_reply_to_id__isnull=False) & ~Q(in_reply_to_id=post_id)
    parts = [
        getattr(post, kind)
        .order_by()
        .values(kind=_named(kind))
        .annotate(
            value=Count("pk", filter=current),
            taken_back=Count("pk", filter=~current),
            answers=Count("pk", filter=current & is_answer) if kind == "comments" else Value(0),
        )
        for kind in KINDS
    ]
    rows = {row["kind"]: row for row in parts[0].union(*parts[1:], all=True).order_by()}
    return {kind: KindCount.of(post, **{"kind": kind, "value": 0, **rows.get(kind, {})}) for kind in KINDS}


class Event(NamedTuple):
    """When something happened: not before `earliest` (None: nobody knows), not after `latest`."""

    earliest: datetime | None
    latest: datetime

    @property
    def is_dated(self) -> bool:
        """Whether that is close enough for a count by day: `EngagementQuerySet.dated`."""
        return self.is_within(DATED_WINDOW)

    def is_within(self, window: timedelta) -> bool:
        """Whether the time is known to `window` or better."""
        return self.earliest is not None and self.latest - self.earliest <= window


def post_events(post: Any) -> dict[str, list[Event]]:
    """Return when each current like, comment and share happened, as well as it is known: one query."""
    parts = [
        getattr(post, kind)
        .current()
        .order_by()
        .values_list(_named(kind), "precision", "not_before_at", F(getattr(post, kind).model.HAPPENED_AT))
        for kind in KINDS
    ]
    events: dict[str, list[Event]] = {kind: [] for kind in KINDS}
    for kind, precision, not_before_at, happened_at in parts[0].union(*parts[1:], all=True).order_by():
        earliest = happened_at if precision == Precision.EXACT else not_before_at
        events[kind].append(Event(None if precision == Precision.UNKNOWN else earliest, happened_at))
    return events


def people_page(post: Any, *, kind: str, number: Any, count: int) -> Page[Any]:
    """Return one page of the post's current likes or shares, newest first, unknown times last."""
    return cut(_people(post, kind=kind), number=number, count=count)


def people(post: Any, *, kind: str) -> Iterator[Any]:
    """Return all of the post's current likes or shares, in the order of the pages, a piece at a time."""
    return _people(post, kind=kind).iterator()


def threads_page(post: Any, *, number: Any) -> Page[threads.Thread]:
    """Return one page of the post's conversations: each a comment and all answers below it, oldest first.

    The ids of all the post's comments are read to find the conversations, the texts of one page only.
    """
    keys = (
        post.comments.current()
        .order_by("commented_at", "pk")
        .values_list("pk", "comment_id", "in_reply_to_id")
    )
    post_id = getattr(post, get_platform(post.platform).post_id_field)
    outline = threads.outline(keys, post_id=post_id)
    page = cut(outline, number=number, count=len(outline))
    rows = post.comments.current().in_bulk([pk for branch in page.object_list for pk in branch.pks])
    page.object_list = [threads.fill(branch, rows) for branch in page.object_list if branch.pks[0] in rows]
    return page


def taken_back(post: Any) -> list[dict[str, Any]]:
    """Return who took back a like, comment or share, newest first: kind, username, display_name, ended_at."""
    parts = [
        getattr(post, kind)
        .filter(ended_at__isnull=False)
        .order_by()
        .values("username", "display_name", "ended_at", kind=_named(kind))
        for kind in KINDS
    ]
    return list(parts[0].union(*parts[1:], all=True).order_by("-ended_at", "username")[:TAKEN_BACK_LIMIT])


def _people(post: Any, *, kind: str) -> QuerySet[Any]:
    rows = getattr(post, kind).current()
    is_unknown = Case(When(precision=Precision.UNKNOWN, then=1), default=0)
    return rows.order_by(is_unknown, f"-{rows.model.HAPPENED_AT}", "-pk")


def _named(kind: str) -> Value:
    return Value(kind, output_field=CharField())
