"""How platforms, and accounts on them, do beside each other."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any, TypedDict

from django.utils import timezone

from analytics_core import selectors
from analytics_core.periods import Period, local_day
from analytics_core.platforms import Platform
from analytics_core.selectors import ConnectedAccount, Figures


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


def platform_stats(
    user: Any, *, connected: Sequence[ConnectedAccount], period: Period
) -> dict[str, PlatformStats]:
    """Return the numbers of each platform that the user has an account on, by its name. Two queries each."""
    result = {}
    for platform in dict.fromkeys(entry.platform for entry in connected):
        figures = selectors.post_figures(user, platform=platform, period=period)
        accounts = [entry.account for entry in connected if entry.platform is platform]
        by_account = [[row for row in figures if row.account_id == account.pk] for account in accounts]
        best = {row.pk for rows in (figures, *by_account) for row in _best(rows) if row}
        posts = selectors.posts_by_pk(user, platform=platform, pks=best)
        result[platform.name] = PlatformStats(
            **stats(figures, posts=posts, period=period),
            platform=platform,
            accounts=[
                AccountStats(account=account, stats=stats(rows, posts=posts, period=period))
                for account, rows in zip(accounts, by_account, strict=True)
            ],
        )
    return result


def stats(figures: Sequence[Figures], *, posts: dict[int, Any], period: Period) -> Stats:
    """Return the numbers of some posts, newest first; `posts` holds the best of them by key."""
    read = [row.engagement for row in figures if row.is_read]
    most_liked, most_commented = _best(figures)
    return Stats(
        total_posts=len(figures),
        total_likes=sum(row.likes for row in figures),
        total_comments=sum(row.comments for row in figures),
        total_shares=sum(row.shares for row in figures),
        total_engagement=sum(row.engagement for row in figures),
        avg_engagement=statistics.fmean(read) if read else None,
        median_engagement=statistics.median(read) if read else None,
        posts_per_week=_per_week(figures, period=period),
        not_read=len(figures) - len(read),
        most_liked=posts.get(most_liked.pk) if most_liked else None,
        most_commented=posts.get(most_commented.pk) if most_commented else None,
    )


def _best(figures: Sequence[Figures]) -> tuple[Figures | None, Figures | None]:
    """The most liked and the most commented, the newest of equals; None where the most is zero."""
    liked = max(figures, key=lambda row: row.likes, default=None)
    commented = max(figures, key=lambda row: row.comments, default=None)
    return (liked if liked and liked.likes else None, commented if commented and commented.comments else None)


def _per_week(figures: Sequence[Figures], *, period: Period) -> float | None:
    if not figures:
        return None
    days = period.days or (local_day(timezone.now()) - local_day(figures[-1].posted_at)).days + 1
    # Posts dated ahead of our clock must not make the time since the first of them negative.
    return len(figures) / max(days, 7) * 7
