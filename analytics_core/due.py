"""Which lists of which posts are to be read: those whose counters moved, and those not read for long.

The server's own counters decide (docs/decisions/0005-reading-what-moved.md).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db.models import F, Q
from django.utils import timezone

from .models import KINDS
from .platforms import Platform

# A list is read again after this, though its counter stands still.
RE_READ_AFTER = timedelta(days=7)

type Reading = tuple[Any, Sequence[str]]
"""A post and the kinds of engagement to read of it."""


def moved_posts(platform: Platform, account: Any) -> list[Reading]:
    """Return the posts with counters that moved or lists never read, newest first, with those kinds."""
    moved = Q()
    for kind in KINDS:
        unread = Q(**{f"{kind}_read_count": None})
        differs = Q(**{f"{kind}_server_count__isnull": False}) & ~Q(
            **{f"{kind}_server_count": F(f"{kind}_read_count")}
        )
        moved |= unread | differs
    posts = platform.post_model.objects.filter(moved, account=account, missing_since_at=None)
    return [
        (post, [kind for kind in KINDS if has_moved(post, kind)]) for post in posts.order_by("-posted_at")
    ]


def audits(platform: Platform, account: Any, *, at_most: int) -> list[Reading]:
    """Return lists that were last read to their end over a week ago, or never were.

    Counters alone do not show somebody who left while somebody else came, and some servers count nothing.
    They come in random order: a list that always fails would be the oldest for ever, and in the others' way.
    """
    due: list[Reading] = []
    for kind in KINDS:
        has_some = (
            Q(**{f"{kind}_read_count__gt": 0})
            | Q(**{f"{kind}_server_count": None})
            # Rows that the server counts no more, and that a reading cut short could not end.
            | Q(**{f"engagement_summary__total_{kind}__gt": 0})
        )
        is_old = Q(**{f"{kind}_read_at__lt": timezone.now() - RE_READ_AFTER})
        was_never_whole = Q(**{f"{kind}_read_at": None, f"{kind}_read_count__isnull": False})
        posts = platform.post_model.objects.filter(
            is_old & has_some | was_never_whole, account=account, missing_since_at=None
        )
        # What moved is read anyway, and twice in one visit would be too soon to end anybody.
        due += [(post, [kind]) for post in posts.order_by("?")[:at_most] if not has_moved(post, kind)]
    random.shuffle(due)
    return due[:at_most]


def has_moved(post: Any, kind: str) -> bool:
    """Tell whether a kind's list was never read to its end, or the server counts otherwise since."""
    server_count, read_count = getattr(post, f"{kind}_server_count"), getattr(post, f"{kind}_read_count")
    return read_count is None or (server_count is not None and server_count != read_count)
