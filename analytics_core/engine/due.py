"""Which lists of which posts are to be read: those whose counters moved, and those not read for long.

The server's own counters decide (docs/decisions/0005-reading-what-moved.md).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from math import ceil
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from analytics_core.models import KINDS, MOVED
from analytics_core.platforms import Platform

# Each day's audit takes this part of the lists with somebody in them, so that all are read within a week.
AUDITED_PART = 1 / 5
# Of that part three quarters go to the lists not read for longest, the rest to any: a list that always fails
# is the oldest for ever.
OLDEST_PART = 3 / 4
# What was read since the last audit is in no need of one.
AUDIT_AFTER = timedelta(hours=23)

type Reading = tuple[Any, Sequence[str]]
"""A post and the kinds of engagement to read of it."""


def moved_posts(platform: Platform, account: Any, *, at_most: int, is_random: bool = False) -> list[Reading]:
    """Return posts with counters that moved or lists never read, with those kinds.

    Args:
        at_most: how many posts, the newest first.
        is_random: instead any of them, in any order.
    """
    posts = platform.post_model.objects.filter(MOVED, account=account, missing_since_at=None)
    return [
        (post, [kind for kind in KINDS if has_moved(post, kind)])
        for post in posts.order_by("?" if is_random else "-posted_at")[:at_most]
    ]


def audits(platform: Platform, account: Any) -> list[Reading]:
    """Return the lists that a daily audit reads again though their counters stand still, in random order.

    Counters alone do not show somebody who left while somebody else came, and some servers count nothing.
    """
    due: list[Reading] = []
    for kind in KINDS:
        lists = _lists_with_somebody(platform, account, kind)
        part = ceil(lists.count() * AUDITED_PART) + 1
        never_or_long_ago = Q(**{f"{kind}_read_at": None}) | Q(
            **{f"{kind}_read_at__lt": timezone.now() - AUDIT_AFTER}
        )
        waiting = lists.filter(never_or_long_ago)
        chosen = {
            post.pk: post
            for post in (
                *waiting.order_by(F(f"{kind}_read_at").asc(nulls_last=True))[: int(part * OLDEST_PART)],
                *waiting.order_by("?")[:part],
            )
        }
        # What moved is read anyway, and twice in one hour would be too soon to end anybody.
        due += [(post, [kind]) for post in list(chosen.values())[:part] if not has_moved(post, kind)]
    random.shuffle(due)
    return due


def _lists_with_somebody(platform: Platform, account: Any, kind: str) -> QuerySet[Any]:
    has_some = (
        Q(**{f"{kind}_read_count__gt": 0})
        | Q(**{f"{kind}_server_count": None})
        # Rows that the server counts no more, and that a reading cut short could not end.
        | Q(**{f"engagement_summary__total_{kind}__gt": 0})
        # A list that was never read to its end may have somebody.
        | Q(**{f"{kind}_read_at": None, f"{kind}_read_count__isnull": False})
    )
    return platform.post_model.objects.filter(has_some, account=account, missing_since_at=None)


def has_moved(post: Any, kind: str) -> bool:
    """Tell whether a kind's list was never read to its end, or the server counts otherwise since."""
    server_count, read_count = getattr(post, f"{kind}_server_count"), getattr(post, f"{kind}_read_count")
    return read_count is None or (server_count is not None and server_count != read_count)
