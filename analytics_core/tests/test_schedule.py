"""When what is due."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_core import schedule

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("failing_hours", "wait_hours"), [(0, 1), (0.9, 1), (1.1, 1), (2, 2), (4, 4), (5.8, 6), (30, 6)]
)
def test_the_next_try_waits_as_long_as_it_has_been_failing_and_six_hours_at_most(
    failing_hours, wait_hours
) -> None:
    now = NOON + timedelta(minutes=20)
    at = schedule.next_try(failing_since_at=now - failing_hours * HOUR, now=now)
    assert at == NOON + wait_hours * HOUR


def test_members_of_a_large_group_and_of_small_ones_take_turns() -> None:
    groups = [[("a", n) for n in range(6)], [("b", n) for n in range(2)], [("c", 0)]]
    row = schedule.spread(groups)
    assert "".join(name for name, _ in row) == "aabacaaba"


@given(st.lists(st.integers(1, 30), max_size=8))
def test_nobody_is_lost_and_every_group_keeps_its_order_and_its_distance(sizes) -> None:
    groups = [[(number, place) for place in range(size)] for number, size in enumerate(sizes)]
    row = schedule.spread(groups)
    assert sorted(row) == sorted(member for group in groups for member in group)
    for number, size in enumerate(sizes):
        places = [place for place, (group, _) in enumerate(row) if group == number]
        assert [row[place][1] for place in places] == list(range(size))
        share = len(row) / size
        assert all(later - earlier <= share + len(sizes) for earlier, later in pairwise(places))


class TestSweep:
    def sweep(self, posts_count: int, hours: int) -> list[int]:
        """Return how many pages each hourly visit lists."""
        done, pages = 0, []
        for hour in range(1, hours + 1):
            due = schedule.sweep_pages_due(
                posts_count=posts_count, pages_done=done, started_at=NOON, now=NOON + hour * HOUR
            )
            done += due
            pages.append(due)
        return pages

    @pytest.mark.parametrize(
        ("posts_count", "hours"), [(41, 24), (500, 24), (1000, 24), (1001, 168), (9000, 168)]
    )
    def test_every_page_has_its_turn_in_time_and_two_at_most_in_a_visit(self, posts_count, hours) -> None:
        pages = self.sweep(posts_count, hours)
        assert sum(pages) >= -(-(posts_count - 40) // 40)
        assert max(pages) == 2

    def test_a_thousand_posts_leave_half_of_the_visits_alone(self) -> None:
        assert self.sweep(1000, 24) == [0, 2] * 12

    def test_forty_posts_need_none(self) -> None:
        assert not any(self.sweep(40, 48))

    def test_older_posts_are_looked_for_on_one_day_of_a_week(self) -> None:
        days = [NOON + timedelta(days=n) for n in range(7)]
        for account_id in range(10):
            looks = [schedule.looks_for_older_posts(started_at=day, account_id=account_id) for day in days]
            assert sum(looks) == 1
