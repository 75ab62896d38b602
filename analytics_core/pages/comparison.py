"""How platforms, and accounts on them, do beside each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

from django.utils import timezone

from analytics_core import selectors
from analytics_core.periods import Period, local_day
from analytics_core.platforms import Platform
from analytics_core.selectors import ConnectedAccount, Key
from analytics_core.selectors.comparison import Best, Group, best_posts, engagement_groups


class Stats(TypedDict):
    """The numbers of some posts. Averages leave out posts that are not read yet; None: nothing to average.

    Attributes:
        avg_engagement: likes + comments + shares, divided by the number of posts.
        median_engagement: half of the posts have more, half have less.
        posts_per_week: posts divided by the weeks of the range; for all time since the first of them.
        most_liked: the post with most likes, the newest of equals; None where nobody liked any.
    """

    total_posts: int
    total_likes: int
    total_comments: int
    total_shares: int
    total_engagement: int
    avg_engagement: float | None
    median_engagement: float | None
    posts_per_week: float | None
    not_read: int
    most_liked: Any
    most_commented: Any


class AccountStats(TypedDict):
    """The numbers of one account."""

    account: Any
    stats: Stats


class PlatformStats(Stats):
    """The numbers of one platform and, below it, of each account there."""

    platform: Platform
    accounts: list[AccountStats]


def platform_stats(connected: Sequence[ConnectedAccount], *, period: Period) -> dict[str, PlatformStats]:
    """Return the numbers of each platform among these accounts, by its name.

    Two queries for all, and one for the best posts of each platform.
    """
    groups = engagement_groups(connected, period=period)
    best = best_posts(connected, period=period)
    posts = selectors.posts_by_key(connected, keys=[key for each in best for key in keys_of(each)])
    result = {}
    for platform in dict.fromkeys(entry.platform for entry in connected):
        own_groups = [group for group in groups if group.platform_name == platform.name]
        own_best = [each for each in best if each.platform_name == platform.name]
        result[platform.name] = PlatformStats(
            **stats(own_groups, best=own_best, posts=posts, period=period),
            platform=platform,
            accounts=[
                AccountStats(
                    account=entry.account,
                    stats=stats(
                        [group for group in own_groups if group.account_id == entry.account.pk],
                        best=[each for each in own_best if each.account_id == entry.account.pk],
                        posts=posts,
                        period=period,
                    ),
                )
                for entry in connected
                if entry.platform is platform
            ],
        )
    return result


def keys_of(best: Best) -> list[Key]:
    """Return where an account's best posts are to be found: at most two."""
    return [Key(best.platform_name, pk) for pk in (best.most_liked, best.most_commented) if pk]


def stats(
    groups: Sequence[Group], *, best: Sequence[Best], posts: Mapping[Key, Any], period: Period
) -> Stats:
    """Return the numbers of some posts in groups; `posts` holds the best of them by key."""
    totals = [group for group in groups if group.what == "all"]
    total_posts = sum(group.posts for group in totals)
    counted = Counter[int]()
    for group in groups:
        if group.what == "engagement":
            counted[group.engagement] += group.posts
        elif group.what == "not read":
            counted[group.engagement] -= group.posts
    read_posts = counted.total()
    read_engagement = sum(value * count for value, count in counted.items())
    return Stats(
        total_posts=total_posts,
        total_likes=sum(group.likes for group in totals),
        total_comments=sum(group.comments for group in totals),
        total_shares=sum(group.shares for group in totals),
        total_engagement=sum(group.engagement for group in totals),
        avg_engagement=read_engagement / read_posts if read_posts else None,
        median_engagement=median(counted),
        posts_per_week=_per_week(
            total_posts,
            first_posted_at=min(
                (group.first_posted_at for group in totals if group.first_posted_at), default=None
            ),
            period=period,
        ),
        not_read=total_posts - read_posts,
        most_liked=_top(
            [posts.get(Key(each.platform_name, each.most_liked or 0)) for each in best], by="total_likes"
        ),
        most_commented=_top(
            [posts.get(Key(each.platform_name, each.most_commented or 0)) for each in best],
            by="total_comments",
        ),
    )


def median(counted: Mapping[int, int]) -> float | None:
    """Return the median of values that are given with how often each occurs; None where there is none."""
    ordered = sorted(counted.items())
    total = sum(counted.values())
    if not total:
        return None

    def at(position: int) -> int:
        for value, count in ordered:
            if position < count:
                return value
            position -= count
        raise IndexError(position)

    return (at((total - 1) // 2) + at(total // 2)) / 2


def _top(posts: Iterable[Any], *, by: str) -> Any:
    """The post with most, the newest of equals."""
    found = [post for post in posts if post is not None]
    return max(found, key=lambda post: (getattr(post, by), post.posted_at, post.pk), default=None)


def _per_week(total_posts: int, *, first_posted_at: datetime | None, period: Period) -> float | None:
    if first_posted_at is None:
        return None
    days = period.days or (local_day(timezone.now()) - local_day(first_posted_at)).days + 1
    # Posts dated ahead of our clock must not make the time since the first of them negative.
    return total_posts / max(days, 7) * 7
