"""Numbers of posts added up by account, without loading a post."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.models import (
    CharField,
    Count,
    DateTimeField,
    F,
    IntegerField,
    Min,
    OuterRef,
    QuerySet,
    Subquery,
    Sum,
    Value,
)
from django.db.models.expressions import Combinable

from analytics_core.counts import not_read_count
from analytics_core.models import KINDS, NEVER_READ
from analytics_core.periods import Period
from analytics_core.platforms import Platform

from .accounts import ConnectedAccount

BEGINNING = datetime.min.replace(tzinfo=UTC)


class Group(NamedTuple):
    """Some posts of one account, added up.

    From these follow sums, averages and medians. There are as many groups as there are different numbers,
    however many posts there are.

    Attributes:
        what: "all" posts of the account; those with the same "engagement"; those of them "not read" yet.
        engagement: that of each post; for "all" the sum.
        likes, comments, shares, first_posted_at: of "all" alone; else zero and None.
    """

    what: str
    platform_name: str
    account_id: int
    engagement: int
    posts: int
    likes: int
    comments: int
    shares: int
    first_posted_at: datetime | None


class Best(NamedTuple):
    """The keys of an account's most liked and most commented post; None where the most is zero."""

    platform_name: str
    account_id: int
    most_liked: int | None
    most_commented: int | None


def engagement_groups(chosen: Sequence[ConnectedAccount], *, period: Period) -> list[Group]:
    """Return the posts of these accounts from a period in groups, in no order.

    One query of three parts for each platform, each of which an index answers without its table.
    """
    parts = []
    for platform, accounts in _by_platform(chosen):
        posts = platform.post_model._default_manager.order_by().filter(
            period.holds("posted_at"), account__in=accounts
        )
        # SQLite chooses an index by rule of thumb. `+ 0` says that the order by engagement is of no use to a
        # part of the time; a beginning, however early, leads it to the index of the few that are not read.
        unordered = F("total_engagement") + 0
        ordered = unordered if period.start_at else F("total_engagement")
        few = posts.filter(NEVER_READ, posted_at__gt=BEGINNING)
        parts += [
            _grouped(posts, platform, "all"),
            _grouped(posts, platform, "engagement", by=ordered),
            _grouped(few, platform, "not read", by=unordered, count=not_read_count()).filter(posts__gt=0),
        ]
    return [Group(*row) for row in _union(parts)]


def best_posts(chosen: Sequence[ConnectedAccount], *, period: Period) -> list[Best]:
    """Return each account's most liked and most commented post, the newest of equals: one query."""
    rows = [
        platform.account_model._default_manager.filter(pk__in=accounts)
        .order_by()
        .annotate(
            platform_name=Value(platform.name, output_field=CharField()),
            account_id=F("pk"),
            most_liked=_most(platform, total="total_likes", period=period),
            most_commented=_most(platform, total="total_comments", period=period),
        )
        .values_list(*Best._fields)
        for platform, accounts in _by_platform(chosen)
    ]
    return [Best(*row) for row in _union(rows)]


def _grouped(
    posts: QuerySet[Any],
    platform: Platform,
    what: str,
    *,
    by: Combinable | None = None,
    count: Count | None = None,
) -> QuerySet[Any, Any]:
    keys: dict[str, Any] = {
        "what": Value(what, output_field=CharField()),
        "platform_name": Value(platform.name, output_field=CharField()),
    }
    # Not of a column unless told: the index holds all the others.
    sums: dict[str, Any] = {"posts": count or Count("*")}
    if by is None:
        sums |= {"engagement": Sum("total_engagement"), "first_posted_at": Min("posted_at")}
        sums |= {kind: Sum(f"total_{kind}") for kind in KINDS}
    else:
        keys["engagement"] = by
        sums |= {kind: Value(0, output_field=IntegerField()) for kind in KINDS}
        sums["first_posted_at"] = Value(None, output_field=DateTimeField())
    return posts.annotate(**keys).values(*keys, "account_id").annotate(**sums).values_list(*Group._fields)


def _most(platform: Platform, *, total: str, period: Period) -> Subquery:
    posts = platform.post_model._default_manager.filter(
        period.holds("posted_at"), account=OuterRef("pk"), **{f"{total}__gt": 0}
    )
    return Subquery(posts.order_by(f"-{total}", "-posted_at", "-pk").values("pk")[:1])


def _by_platform(chosen: Sequence[ConnectedAccount]) -> list[tuple[Platform, list[int]]]:
    return [
        (platform, [entry.account.pk for entry in chosen if entry.platform is platform])
        for platform in dict.fromkeys(entry.platform for entry in chosen)
    ]


def _union(rows: Sequence[QuerySet[Any, Any]]) -> QuerySet[Any, Any] | list[Any]:
    return rows[0].union(*rows[1:], all=True).order_by() if rows else []
