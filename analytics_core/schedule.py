"""When what is due: pure functions of moments and counts, without a look at the database."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil

POSTS_PER_PAGE = 40
# Up to 1,000 posts are swept within a day, more of them within a week.
SWEEP_IN_A_DAY = 1000
# With the newest page this makes three requests, the most that an idle visit may cost.
SWEEP_PAGES_PER_VISIT = 2


def sweep_pages_due(*, posts_count: int, pages_done: int, started_at: datetime, now: datetime) -> int:
    """Return how many pages of older posts to list in this visit so that the sweep ends in time.

    Pages are done in twos, so that most idle visits need none. A sweep whose time is over goes on to the end
    of the history: that end shows as an empty page, and pages may hold fewer posts than they could.

    Args:
        posts_count: posts of the account; the newest page is listed at every visit anyway.
        pages_done: pages listed since the sweep began.
        started_at: when the sweep began.
        now: the visit's moment.
    """
    pages = ceil(max(posts_count - POSTS_PER_PAGE, 0) / POSTS_PER_PAGE)
    span = timedelta(days=1) if posts_count <= SWEEP_IN_A_DAY else timedelta(days=7)
    elapsed = min(max(now - started_at, timedelta(0)) / span, 1.0)
    behind = ceil(pages * elapsed) - pages_done
    is_over = pages > 0 and elapsed >= 1.0
    return SWEEP_PAGES_PER_VISIT if is_over or behind >= SWEEP_PAGES_PER_VISIT else 0
