"""Posts of all platforms together: how many, one page of them, the best of a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.core.paginator import Page
from django.db.models import CharField, Count, F, Max, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from analytics_core.counts import not_read_count
from analytics_core.models import KINDS, NEVER_READ, TOTALS
from analytics_core.periods import Period
from analytics_core.platforms import Platform
from analytics_core.text import fold

from .accounts import ConnectedAccount
from .comparison import BEGINNING
from .paging import cut

ORDERS = {
    "-posted_at": ("-posted_at",),
    "-engagement": ("-total_engagement", "-posted_at"),
    "-likes": ("-total_likes", "-posted_at"),
    "-comments": ("-total_comments", "-posted_at"),
    "-shares": ("-total_shares", "-posted_at"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which posts: those posted in a period, of a kind of media ("": any), with words in their captions."""

    period: Period
    media: str = ""
    search: str = ""

    def of(self, posts: QuerySet[Any]) -> QuerySet[Any]:
        """Return those of the posts that are wanted."""
        posts = posts.filter(self.period.holds("posted_at"))
        if self.media:
            posts = posts.filter(media_type=self.media)
        if words := fold(self.search.strip()):
            posts = posts.filter(caption_folded__contains=words)
        return posts


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over posts: their number, their likes, comments and shares, how many are not fully read yet."""

    posts: int = 0
    likes: int = 0
    comments: int = 0
    shares: int = 0
    not_read: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            **{name: getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__}
        )


class Key(NamedTuple):
    """Where a post is to be found."""

    platform_name: str
    pk: int


def totals(chosen: Sequence[ConnectedAccount], *, wanted: Wanted) -> Totals:
    """Return the sums over the wanted posts: one query for all platforms."""
    sums = []
    since_ever = Q(posted_at__gt=BEGINNING)
    for platform in _platforms(chosen):
        posts = wanted.of(_posts(chosen, platform=platform)).order_by()
        sums.append(
            posts.annotate(platform_name=Value(platform.name, output_field=CharField()))
            .values("platform_name")
            .annotate(
                # Not of a column: the index holds all the others.
                posts=Count("*"),
                **{kind: Coalesce(Sum(f"total_{kind}"), 0) for kind in KINDS},
                # Apart, for it is about few posts, which an index finds: the sums then read an index alone.
                not_read=Coalesce(_count_not_read(posts.filter(NEVER_READ, since_ever)), 0),
            )
            .values_list("posts", *KINDS, "not_read")
        )
    rows = sums[0].union(*sums[1:], all=True).order_by() if sums else []
    return sum((Totals(**dict(zip(Totals.__dataclass_fields__, row, strict=True))) for row in rows), Totals())


def latest_posted_at(chosen: Sequence[ConnectedAccount]) -> datetime | None:
    """Return when the newest post of these accounts was posted; None: there is none. One query a platform."""
    moments = (
        _posts(chosen, platform=platform).aggregate(moment=Max("posted_at"))["moment"]
        for platform in _platforms(chosen)
    )
    return max(filter(None, moments), default=None)


def page_of_keys(
    chosen: Sequence[ConnectedAccount], *, wanted: Wanted, sort: str, number: Any, count: int
) -> Page[Any]:
    """Return one page of the wanted posts as keys, sorted over all platforms: one query.

    Args:
        sort: a key of `ORDERS`.
        number: the page asked for; junk is the first page, past the end is the last.
        count: how many posts there are, as `totals` counted them.
    """
    page = cut(_keys(chosen, wanted=wanted, sort=sort), number=number, count=count)
    page.object_list = [Key(*row[:2]) for row in page.object_list]
    return page


def best_keys(chosen: Sequence[ConnectedAccount], *, wanted: Wanted, limit: int) -> list[Key]:
    """Return the wanted posts with most engagement, the newest of equals: one query."""
    return [Key(*row[:2]) for row in _keys(chosen, wanted=wanted, sort="-engagement")[:limit]]


def posts_by_key(chosen: Sequence[ConnectedAccount], *, keys: Iterable[Key]) -> dict[Key, Any]:
    """Return posts of these accounts by their keys: one query for each platform among the keys."""
    pks = defaultdict(set)
    for key in keys:
        pks[key.platform_name].add(key.pk)
    return {
        Key(platform.name, post.pk): post
        for platform in _platforms(chosen)
        if platform.name in pks
        for post in _posts(chosen, platform=platform)
        .select_related("account", "engagement_summary")
        # Sorted by time, SQLite would walk the accounts' posts to find these few.
        .order_by()
        .filter(pk__in=pks[platform.name])
    }


def _keys(chosen: Sequence[ConnectedAccount], *, wanted: Wanted, sort: str) -> Any:
    """Return (platform, key, ...) of the wanted posts in order.

    Each account is a query of its own within the one: then each comes sorted from an index, and the database
    has only to merge them, as far as the page needs.
    """
    arms = [
        wanted.of(entry.platform.post_model._default_manager.filter(account=entry.account.pk))
        .order_by()
        .annotate(platform_name=Value(entry.platform.name, output_field=CharField()), post_pk=F("pk"))
        .values_list("platform_name", "post_pk", "posted_at", *TOTALS)
        for entry in chosen
    ]
    if not arms:
        return []
    return arms[0].union(*arms[1:], all=True).order_by(*ORDERS[sort], "-post_pk", "platform_name")


def _count_not_read(posts: QuerySet[Any]) -> Subquery:
    """Return how many of the posts are not read, as a part of another query."""
    one = posts.annotate(one=Value(1)).values("one")
    return Subquery(one.annotate(number=not_read_count()).values("number"))


def _platforms(chosen: Sequence[ConnectedAccount]) -> list[Platform]:
    return list(dict.fromkeys(entry.platform for entry in chosen))


def _posts(chosen: Sequence[ConnectedAccount], *, platform: Platform) -> QuerySet[Any]:
    accounts = [entry.account.pk for entry in chosen if entry.platform is platform]
    return platform.post_model._default_manager.filter(account__in=accounts)
