"""The timeline: which bar an event and a photo stand in, and what an empty bar says."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from analytics_core import periods
from analytics_core.pages.timeline import split, timeline
from analytics_core.selectors import Days
from analytics_core.tests.builders import build_post

NOW = datetime(2026, 3, 10, 15, tzinfo=UTC)
TODAY = date(2026, 3, 10)


def ago(days):
    return TODAY - timedelta(days=days)


def chart(choice="7", *, by_day=(), photos=(), count=0, period=None, **values):
    days = Days(by_day=dict(by_day), whole_from=values.pop("whole_from", ago(4000)), **values)
    period = period or periods.period(choice, now=NOW, zone=UTC)
    return timeline(period=period, days=days, photos=photos, photos_count=count)


class TestBuckets:
    @pytest.mark.parametrize(
        ("length", "unit", "count"), [(1, "day", 1), (120, "day", 120), (121, "week", 18), (365, "week", 53),
                                      (731, "week", 106), (732, "month", 25), (3650, "month", 121)]
    )  # fmt: skip
    def test_long_ranges_have_longer_bars(self, length, unit, count) -> None:
        found, buckets = split(ago(length - 1), TODAY)
        assert (found, len(buckets)) == (unit, count)

    @pytest.mark.parametrize("length", [1, 7, 120, 121, 400, 731, 732, 2000])
    def test_every_day_is_in_exactly_one(self, length) -> None:
        _, buckets = split(ago(length - 1), TODAY)
        days = [first + timedelta(days=n) for first, last in buckets for n in range((last - first).days + 1)]
        assert days == [ago(n) for n in reversed(range(length))]

    def test_weeks_begin_on_monday(self) -> None:
        _, buckets = split(ago(200), TODAY)
        assert {first.weekday() for first, _ in buckets[1:]} == {0}


class TestChart:
    def test_events_stand_in_their_day(self) -> None:
        found = chart(by_day={ago(6): [1, 2, 3], ago(0): [4, 0, 0], ago(7): [9, 9, 9]})
        assert [list(series.values) for series in found.series] == [
            [1, 0, 0, 0, 0, 0, 4],
            [2, 0, 0, 0, 0, 0, 0],
            [3, 0, 0, 0, 0, 0, 0],
        ]
        assert found.labels[0] == "4 Mar"
        assert found.titles[0] == "Wednesday 4 March 2026"
        assert (
            found.sentence == "5 likes, 2 comments and 3 shares; most on Wednesday 4 March 2026, 6 together."
        )

    def test_a_month_adds_up_its_days(self) -> None:
        found = chart(
            "all", by_day={ago(1000): [1, 0, 0], date(2026, 2, 1): [2, 0, 0], date(2026, 2, 28): [3, 0, 0]}
        )
        assert found.labels[-2:] == ["Feb 2026", "Mar 2026"]
        assert found.series[0].values[-2:] == [5, 0]
        assert "most in February 2026, 5 together" in found.sentence

    def test_today_is_not_over(self) -> None:
        assert chart().unfinished == 6
        past = periods.custom(ago(9), ago(3), zone=UTC, today=TODAY)
        assert chart(period=past).unfinished is None

    def test_an_empty_day_before_anybody_watched_is_not_known(self) -> None:
        found = chart(by_day={ago(5): [2, 0, 0]}, whole_from=ago(3))
        assert list(found.series[0].values) == [None, 2, None, 0, 0, 0, 0]
        assert list(found.series[1].values) == [0] * 7

    def test_what_has_no_day_is_told(self) -> None:
        found = chart(undated={"likes": 3, "comments": 0, "shares": 1})
        assert found.note == "3 likes and 1 share at an unknown time are in no day of any range."
        assert "days of UTC" in chart(zones={"UTC"}).explanation.paragraphs[0]

    def test_nothing_at_all_is_said_in_words(self) -> None:
        assert chart("all").sentence == "Nothing is known to have happened in this time."
        assert len(chart("all").labels) == 1

    def test_equal_days_have_no_best(self) -> None:
        found = chart(by_day={ago(1): [1, 0, 0], ago(2): [1, 0, 0]})
        assert found.sentence == "2 likes, 0 comments and 0 shares."


@pytest.mark.django_db
class TestMarks:
    def test_photos_stand_on_the_day_they_were_posted(self, tiny, tiny_account) -> None:
        photos = [
            build_post("tiny", tiny_account, posted_at=NOW - timedelta(days=2), caption="Fog\nand more"),
            build_post("tiny", tiny_account, posted_at=NOW - timedelta(days=5)),
        ]
        with time_machine.travel(NOW, tick=False):
            found = chart(photos=photos, count=15)
        assert [(mark.index, mark.title) for mark in found.marks] == [
            (1, "Image of 5 March 2026"), (4, "Fog")
        ]  # fmt: skip
        assert found.marks[1].address == f"/tiny/{photos[0].pk}/"
        assert (found.marks[1].width, found.marks[1].height) == (640, 427)
        assert found.marks_left_out == 13
