"""The four numbers: what they compare, what they refuse to compare, and what they leave out."""

from datetime import UTC, date, datetime, timedelta

import pytest

from analytics_core import periods
from analytics_core.pages.numbers import Number, change_of, numbers, spark_days
from analytics_core.selectors import Days

NOW = datetime(2026, 3, 10, 15, tzinfo=UTC)
TODAY = date(2026, 3, 10)
ANA, BEN = ("tiny", 1), ("tiny", 2)


def week(choice="7"):
    return periods.period(choice, now=NOW, zone=UTC)


def ago(days):
    return TODAY - timedelta(days=days)


def days(by_day=(), **values):
    return Days(by_day=dict(by_day), whole_from=values.pop("whole_from", ago(400)), **values)


def number(kind, *, period=None, days=days(), followers=(), **values):  # noqa: B008 never changed
    found = numbers(period=period or week(), days=days, followers=dict(followers), **values)
    return next(entry for entry in found if entry.kind == kind)


class TestChange:
    @pytest.mark.parametrize(
        ("value", "previous", "words", "direction"),
        [
            (20, 10, "+100%", "up"),
            (10, 20, "−50%", "down"),
            (104, 100, "+4%", "same"),
            (96, 100, "−4%", "same"),
            (105, 100, "+5%", "up"),
            (100, 100, "±0%", "same"),
            (120, 10, "12 times", "up"),
            (0, 20, "−100%", "down"),
            # A share of nothing is no number.
            (12, 0, "new", "up"),
            (3, 0, "new", "same"),
            (0, 0, "0", "same"),
            # Of a handful, the difference.
            (3, 1, "+2", "same"),
            (1, 9, "−8", "same"),
            # What nobody measured.
            (5, None, "–", None),
            (None, 5, "–", None),
        ],
    )
    def test_of_events(self, value, previous, words, direction) -> None:
        assert change_of(value, previous) == (words, direction)

    @pytest.mark.parametrize(
        ("value", "previous", "words", "direction"),
        [(130, 100, "+30", "up"), (100, 130, "−30", "down"), (104, 100, "+4", "same"), (9, 0, "+9", "same"),
         (100, 100, "±0", "same"), (1, None, "–", None)],
    )  # fmt: skip
    def test_of_followers_it_is_how_many_came(self, value, previous, words, direction) -> None:
        assert change_of(value, previous, of_level=True) == (words, direction)

    def test_words_tell_the_value_before(self) -> None:
        assert Number(kind="likes", value=12, previous=10, change="+20%").change_words == (
            "2 more than before, 10"
        )
        assert Number(kind="likes", value=1, previous=10, change="−90%").change_words == (
            "9 fewer than before, 10"
        )
        assert Number(kind="likes", value=5, previous=5, change="±0").change_words == "as many as before, 5"
        assert Number(kind="likes", value=5, change="–").change_words == "the period before was not measured"
        assert Number(kind="likes", value=5).change_words == ""


class TestBeforeAnybodyWatched:
    def test_none_is_not_said_of_days_that_undated_likes_may_belong_to(self) -> None:
        undated = {"likes": 40, "comments": 0, "shares": 0}
        never_watched = days(whole_from=TODAY + timedelta(days=1), undated=undated)
        likes = number("likes", days=never_watched)
        assert (likes.value, likes.change) == (None, "–")
        assert "40 likes" in likes.note

    def test_a_day_of_it_watched_makes_none_an_answer(self) -> None:
        undated = {"likes": 40, "comments": 0, "shares": 0}
        assert number("likes", days=days(whole_from=TODAY, undated=undated)).value == 0

    def test_without_undated_ones_none_is_none(self) -> None:
        assert number("likes", days=days(whole_from=TODAY + timedelta(days=1))).value == 0

    def test_what_is_dated_counts_whoever_watched(self) -> None:
        undated = {"likes": 40, "comments": 0, "shares": 0}
        told = days({TODAY: [3, 0, 0]}, whole_from=TODAY + timedelta(days=1), undated=undated)
        assert number("likes", days=told).value == 3


class TestComparison:
    def test_the_period_before_has_as_many_days(self) -> None:
        found = number(
            "likes",
            days=days({ago(0): [1, 0, 0], ago(6): [20, 0, 0], ago(7): [11, 0, 0], ago(14): [99, 0, 0]}),
        )
        assert (found.value, found.previous, found.change, found.direction) == (21, 11, "+91%", "up")

    @pytest.mark.parametrize(("whole_from", "previous"), [(13, 4), (12, None), (None, None)])
    def test_a_period_before_anybody_watched_is_not_compared(self, whole_from, previous) -> None:
        when = whole_from and ago(whole_from)
        found = number("likes", days=days({ago(1): [9, 0, 0], ago(8): [4, 0, 0]}, whole_from=when))
        assert (found.value, found.previous) == (9, previous)
        assert found.change == ("–" if previous is None else "+5")

    def test_comments_have_their_own_times_from_the_beginning(self) -> None:
        found = number("comments", days=days({ago(8): [0, 4, 0]}, whole_from=ago(1)))
        assert found.previous == 4

    def test_nothing_is_compared_while_older_posts_are_still_being_listed(self) -> None:
        assert number("comments", days=days({ago(8): [0, 4, 0]}), is_filling=True).previous is None

    def test_all_time_has_nothing_before_it(self) -> None:
        found = number(
            "likes",
            period=week("all"),
            days=days({ago(500): [3, 0, 0]}, undated={"likes": 2, "comments": 0, "shares": 0}),
        )
        assert (found.value, found.previous, found.change, found.direction) == (5, None, "", None)
        assert found.note == "2 of them at an unknown time"

    def test_what_has_no_day_is_told(self) -> None:
        undated = {"likes": 1200, "comments": 1, "shares": 0}
        found = [number(kind, days=days(undated=undated)).note for kind in undated]
        assert found == [
            "1,200 likes at an unknown time are left out", "1 comment at an unknown time is left out", ""
        ]  # fmt: skip


class TestSpark:
    def test_it_has_the_days_of_a_week_and_the_last_28_of_more(self) -> None:
        assert spark_days(week())[0] == ago(6)
        for choice in ("28", "30", "90", "365", "all"):
            assert (len(spark_days(week(choice))), spark_days(week(choice))[-1]) == (28, TODAY)

    def test_before_the_watch_began_only_what_is_known_is_a_number(self) -> None:
        found = number("likes", days=days({ago(5): [4, 0, 0], ago(1): [2, 0, 0]}, whole_from=ago(2)))
        assert found.spark == [None, 4, None, None, 0, 2, 0]

    def test_nothing_read_yet_is_not_known(self) -> None:
        assert number("shares", days=Days()).spark == [None] * 7


class TestFollowers:
    def test_accounts_add_up_from_the_last_count_of_each(self) -> None:
        followers = {ANA: {ago(0): 100, ago(8): 90}, BEN: {ago(3): 50, ago(13): 45}}
        found = number("followers", followers=followers)
        assert (found.value, found.previous, found.change) == (150, 135, "+15")
        assert found.spark == [None] * 7

    def test_an_account_that_was_not_counted_before_is_compared_with_nothing(self) -> None:
        found = number("followers", followers={ANA: {ago(0): 100, ago(8): 90}, BEN: {ago(3): 50}})
        assert (found.value, found.previous, found.change) == (150, None, "–")

    def test_what_is_hidden_is_not_known(self) -> None:
        found = number("followers")
        assert (found.value, found.previous, found.change, found.direction) == (None, None, "–", None)

    def test_a_level_in_all_time_is_the_last_count(self) -> None:
        found = number("followers", period=week("all"), followers={ANA: {ago(700): 5, ago(2): 70}})
        assert (found.value, found.change) == (70, "")
