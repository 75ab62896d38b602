"""What "the last 7 days" means, on every day and in every zone."""

import zoneinfo
from datetime import UTC, date, datetime, timedelta

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


class TestNeighbours:
    NOW = datetime(2026, 3, 10, 15, tzinfo=UTC)

    def period(self, choice="7"):
        return periods.period(choice, now=self.NOW, zone=UTC)

    @given(
        now=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
        zone=st.sampled_from([*ZONES, "Pacific/Auckland", "America/Los_Angeles"]).map(zoneinfo.ZoneInfo),
        choice=st.sampled_from(DAYS),
    )
    def test_the_previous_one_has_as_many_calendar_days_and_ends_where_this_begins(
        self, now, zone, choice
    ) -> None:
        this = periods.period(choice, now=now, zone=zone)
        assert this.previous.days == this.days == int(choice)
        assert this.previous.end_at == this.start_at
        assert not this.previous.is_unfinished
        assert this.is_unfinished

    @pytest.mark.parametrize(
        ("zone", "now"),
        [
            # Clocks go forward in Auckland on 27 September and back in Los Angeles on 1 November 2026.
            ("Pacific/Auckland", datetime(2026, 9, 27, 10, 59, 59, tzinfo=UTC)),
            ("America/Los_Angeles", datetime(2026, 11, 2, 7, 59, 59, tzinfo=UTC)),
        ],
    )
    def test_at_the_last_second_of_a_day_on_which_clocks_change(self, zone, now) -> None:
        zone = zoneinfo.ZoneInfo(zone)
        this = periods.period("7", now=now, zone=zone)
        next_one = periods.period("7", now=now + timedelta(seconds=1), zone=zone)
        assert this.end_at == now + timedelta(seconds=1)
        assert next_one.first_day == this.first_day + timedelta(days=1)
        hours = (this.end_at.astimezone(UTC) - this.start_at.astimezone(UTC)) / timedelta(hours=1)
        assert hours == 7 * 24 + (-1 if zone.key == "Pacific/Auckland" else 1)

    def test_arrows_go_a_period_back_and_forward(self) -> None:
        this = self.period()
        assert this.earlier == {"from": "2026-02-25", "to": "2026-03-03"}
        assert this.later is None
        with timezone.override(UTC):
            back = periods.asked(
                None, first_day=this.previous.first_day, last_day=this.previous.last_day, now=self.NOW
            )
        assert back.words == "25 February to 3 March 2026"
        assert back.later == {"days": "7"}
        assert periods.custom(
            this.first_day, this.last_day - timedelta(days=1), zone=UTC, today=this.today
        ).later == {"from": "2026-03-05", "to": "2026-03-10"}
        assert (self.period("all").earlier, self.period("all").later) == (None, None)

    def test_the_default_period_is_no_part_of_an_address(self) -> None:
        assert self.period("30").query == {}
        assert self.period("90").query == {"days": "90"}
        assert self.period("30").previous.later == {"days": "30"}


@pytest.mark.parametrize(
    ("choice", "first", "last", "expected"),
    [
        (None, "2026-01-03", "2026-02-01", ("2026-01-03", "2026-02-01")),
        ("custom", "2026-01-03", "2026-02-01", ("2026-01-03", "2026-02-01")),
        ("custom", "2026-02-01", "2026-01-03", ("2026-01-03", "2026-02-01")),
        ("custom", "2026-03-01", None, ("2026-03-01", "2026-03-10")),
        ("custom", None, "2026-02-01", ("2026-01-03", "2026-02-01")),
        ("custom", "2026-03-01", "2099-01-01", ("2026-03-01", "2026-03-10")),
        ("custom", "0001-01-01", "2026-03-01", ("1970-01-01", "2026-03-01")),
        # Nothing is left of these, or they are not asked for.
        ("custom", None, None, ("2026-02-09", "2026-03-10")),
        ("custom", "2099-01-01", "2099-02-01", ("2026-02-09", "2026-03-10")),
        ("custom", None, "0001-01-01", ("2026-02-09", "2026-03-10")),
        ("custom", "9999-12-31", None, ("2026-02-09", "2026-03-10")),
        ("7", "2026-01-03", "2026-02-01", ("2026-03-04", "2026-03-10")),
        ("junk", "2026-01-03", "2026-02-01", ("2026-01-03", "2026-02-01")),
    ],
)
def test_days_asked_for(choice, first, last, expected) -> None:
    as_day = {"first_day": first and date.fromisoformat(first), "last_day": last and date.fromisoformat(last)}
    with timezone.override(UTC):
        found = periods.asked(choice, **as_day, now=datetime(2026, 3, 10, 15, tzinfo=UTC))
    assert (found.first_day.isoformat(), found.last_day.isoformat()) == expected


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (date(2026, 3, 3), date(2026, 3, 3), "3 March 2026"),
        (date(2026, 3, 3), date(2026, 3, 9), "3 to 9 March 2026"),
        (date(2026, 2, 3), date(2026, 3, 9), "3 February to 9 March 2026"),
        (date(2025, 2, 3), date(2026, 3, 9), "3 February 2025 to 9 March 2026"),
    ],
)
def test_days_in_words(first, last, words) -> None:
    assert periods.span_words(first, last) == words
