"""When what is due: pure functions of moments and counts, without a look at the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from math import ceil

POSTS_PER_PAGE = 40
# Up to 1,000 posts are swept within a day, more of them within a week.
SWEEP_IN_A_DAY = 1000
# With the newest page this makes three requests, the most that an idle visit may cost.
SWEEP_PAGES_PER_VISIT = 2
LONGEST_BACK_OFF_HOURS = 6
# A reading is due every hour: after two missed ones pages and the operator's status say so.
LATE_AFTER = timedelta(hours=2)


def next_full_hour(now: datetime) -> datetime:
    """Return the first full hour after `now`."""
    return (now + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)


def next_try(*, failing_since_at: datetime, now: datetime) -> datetime:
    """Return the full hour at which to try again what failed.

    That is the next one, and then after as many hours as it has been failing already, so that each wait is
    twice the one before; six hours at most.
    """
    hours = round((now - failing_since_at) / timedelta(hours=1))
    return next_full_hour(now) + timedelta(hours=min(max(hours, 1), LONGEST_BACK_OFF_HOURS) - 1)


def spread[T](groups: Iterable[Sequence[T]]) -> list[T]:
    """Return the members of all groups in one row, each group's in their order, evenly over the whole of it.

    So that workers meet one another at the same host as seldom as can be.
    """
    places: list[tuple[float, int, T]] = []
    for number, group in enumerate(groups):
        places += [((place + 0.5) / len(group), number, member) for place, member in enumerate(group)]
    return [member for _, _, member in sorted(places, key=lambda place: place[:2])]


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
    behind = int(pages * elapsed) - pages_done
    is_over = pages > 0 and elapsed >= 1.0
    return SWEEP_PAGES_PER_VISIT if is_over or behind >= SWEEP_PAGES_PER_VISIT else 0


def looks_for_older_posts(*, started_at: datetime, account_id: int) -> bool:
    """Tell whether the sweep begun then goes on past our oldest post: on one day of the week, not all on one.

    Posts older than all we know are rare (imported ones), and looking for them costs a request.
    """
    return (started_at.toordinal() + account_id) % 7 == 0
