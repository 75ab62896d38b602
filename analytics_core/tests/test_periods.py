"""What "the last 7 days" means, on every day and in every zone."""

import zoneinfo
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from analytics_core import periods

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
DAYS = [choice for choice in periods.LABELS if choice != periods.ALL]
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Africa/Cairo",
    "America/Santiago",
    "Asia/Kathmandu",
    "Pacific/Apia",
]


def test_seven_days_are_seven_local_days_of_which_today_is_the_last() -> None:
    # 23:30 in Berlin on the 10th, though UTC says 22:30.
    period = periods.period("7", now=datetime(2026, 3, 10, 22, 30, tzinfo=UTC), zone=BERLIN)
    assert period.start_at == datetime(2026, 3, 4, tzinfo=BERLIN)
    assert period.end_at == datetime(2026, 3, 11, tzinfo=BERLIN)


def test_a_day_begins_at_local_midnight_and_not_at_that_of_utc() -> None:
    # 00:30 in Berlin on the 11th, while UTC is still on the 10th.
    period = periods.period("7", now=datetime(2026, 3, 10, 23, 30, tzinfo=UTC), zone=BERLIN)
    assert period.end_at == datetime(2026, 3, 12, tzinfo=BERLIN)


def test_a_week_with_a_change_of_clocks_is_an_hour_shorter() -> None:
    period = periods.period("7", now=datetime(2026, 4, 2, 12, tzinfo=UTC), zone=BERLIN)
    assert period.end_at.astimezone(UTC) - period.start_at.astimezone(UTC) == timedelta(days=7, hours=-1)


def test_a_day_whose_midnight_does_not_exist_begins_when_the_clocks_jump() -> None:
    cairo = zoneinfo.ZoneInfo("Africa/Cairo")  # 24 April 2026: 00:00 becomes 01:00
    start = periods.day_start(datetime(2026, 4, 24).date(), zone=cairo)  # noqa: DTZ001
    assert start.astimezone(UTC) == datetime(2026, 4, 23, 22, tzinfo=UTC)
    assert (start - timedelta(0)).astimezone(UTC).astimezone(cairo).hour == 1


@given(
    now=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    zone=st.sampled_from(ZONES).map(zoneinfo.ZoneInfo),
    choice=st.sampled_from(DAYS),
)
def test_two_windows_of_the_same_length_meet_without_gap_or_overlap(now, zone, choice) -> None:
    this = periods.period(choice, now=now, zone=zone)
    # Twelve hours into the day before the first one, whatever the clocks did.
    before = periods.period(choice, now=this.start_at.astimezone(UTC) - timedelta(hours=12), zone=zone)
    assert before.end_at.astimezone(UTC) == this.start_at.astimezone(UTC)
    days = {
        periods.day_start(this.start_at.date() + timedelta(days=n), zone=zone) for n in range(int(choice) + 1)
    }
    assert len(days) == int(choice) + 1
    assert max(days) == this.end_at
    assert this.start_at.astimezone(UTC) <= now < this.end_at.astimezone(UTC)


def test_all_time_has_no_edges_and_holds_everything() -> None:
    period = periods.period("all")
    assert (period.start_at, period.end_at, period.days) == (None, None, None)
    assert not period.holds("posted_at")


@pytest.mark.parametrize("choice", ["", "abc", "0", "-7", "31", "7\x00", "9" * 10_000])
def test_what_is_no_choice_is_the_default(choice) -> None:
    assert periods.period(choice).days == 30


def test_without_a_zone_the_active_one_counts() -> None:
    now = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)
    with timezone.override(BERLIN):
        assert periods.period("7", now=now).end_at == datetime(2026, 3, 12, tzinfo=BERLIN)
