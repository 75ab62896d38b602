"""Up to when numbers hold, and the sentences for what is wrong: no database, no clock but the given one."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from analytics_core.models import AccountState
from analytics_core.pages.freshness import account_words, clock, freshness, next_visit_at

NOW = datetime(2026, 3, 10, 14, 20, tzinfo=UTC)
READ = datetime(2026, 3, 10, 14, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
ASK = "Connect it again, and PostFlow goes on where it was."


@dataclass
class Account:
    state: str = "active"
    state_reason: str = ""

    def __str__(self) -> str:
        return "@ana@pixelfed.example"


@dataclass
class Entry:
    state: AccountState | None
    account: Any
    platform: Any = None


def entry(*, own_state: str = "active", reason: str = "", **values: Any) -> Entry:
    state = AccountState(
        **{"last_success_at": READ, "next_due_at": NOW + HOUR, "history_is_complete": True, **values}
    )
    return Entry(state, Account(own_state, reason))


def new(**values: Any) -> Entry:
    return entry(last_success_at=None, next_due_at=None, history_is_complete=False, **values)


def failing(**values: Any) -> Entry:
    return entry(
        **{
            "failures_count": 2,
            "failing_since_at": datetime(2026, 3, 10, 9, 0, tzinfo=UTC),
            "message": "pixelfed.example did not answer.",
            "next_due_at": datetime(2026, 3, 10, 16, 20, tzinfo=UTC),
            "last_success_at": datetime(2026, 3, 10, 8, 5, tzinfo=UTC),
            **values,
        }
    )


@pytest.fixture(autouse=True)
def at_twenty_past_two():
    with time_machine.travel(NOW, tick=False):
        yield


class TestClock:
    @pytest.mark.parametrize(
        ("moment", "words"),
        [
            (NOW, "14:20"),
            (NOW.replace(hour=0, minute=0), "00:00"),
            (NOW - timedelta(days=1), "yesterday 14:20"),
            (NOW + timedelta(days=1), "tomorrow 14:20"),
            (NOW - timedelta(days=7), "3 March 14:20"),
            (NOW - timedelta(days=100), "30 November 2025, 14:20"),
        ],
    )
    def test_it_says_the_day_where_it_is_another(self, moment, words) -> None:
        assert clock(moment, NOW) == words

    def test_days_are_those_of_the_zone_of_now(self) -> None:
        auckland = NOW.astimezone(ZoneInfo("Pacific/Auckland"))  # 03:20 on the 11th
        assert clock(READ, auckland) == "03:05"
        assert clock(READ - 4 * HOUR, auckland) == "yesterday 23:05"


class TestNextVisit:
    @pytest.mark.parametrize(
        ("due_at", "hour"),
        [
            (None, 15),
            (NOW - HOUR, 15),
            (NOW + timedelta(minutes=1), 15),
            (datetime(2026, 3, 10, 15, 0, tzinfo=UTC), 15),
            (datetime(2026, 3, 10, 15, 0, 1, tzinfo=UTC), 16),
            (datetime(2026, 3, 10, 18, 30, tzinfo=UTC), 19),
        ],
    )
    def test_it_is_the_first_full_hour_at_which_the_account_is_due(self, due_at, hour) -> None:
        assert next_visit_at(AccountState(next_due_at=due_at), NOW) == NOW.replace(hour=hour, minute=0)

    def test_an_account_that_was_never_begun_is_due_at_the_next_hour(self) -> None:
        assert next_visit_at(None, NOW) == NOW.replace(hour=15, minute=0)


class TestFreshness:
    def test_without_accounts_there_is_nothing_to_say(self) -> None:
        assert freshness([], now=NOW) is None
        assert freshness([entry(own_state="paused")], now=NOW) is None

    def test_the_oldest_reading_and_the_next_hour_count(self) -> None:
        old = READ - timedelta(minutes=50)
        fresh = freshness([entry(), entry(last_success_at=old, next_due_at=NOW + 3 * HOUR)], now=NOW)
        assert (fresh.up_to_at, fresh.next_at) == (old, NOW.replace(hour=16, minute=0))
        assert not fresh.is_late
        assert not fresh.is_reading

    @pytest.mark.parametrize(("age", "is_late"), [(2 * HOUR, False), (2 * HOUR + timedelta(seconds=1), True)])
    def test_two_missed_hours_make_it_a_warning(self, age, is_late) -> None:
        assert freshness([entry(last_success_at=NOW - age)], now=NOW).is_late is is_late

    def test_an_account_that_waits_to_be_connected_again_is_old_and_has_no_next(self) -> None:
        fresh = freshness([entry(own_state="reconnect", last_success_at=NOW - 9 * HOUR)], now=NOW)
        assert (fresh.is_late, fresh.next_at) == (True, None)

    def test_a_paused_account_makes_nothing_late(self) -> None:
        fresh = freshness([entry(), entry(own_state="paused", last_success_at=NOW - 99 * HOUR)], now=NOW)
        assert fresh.up_to_at == READ

    def test_an_account_that_was_never_read_has_no_time_and_is_not_late(self) -> None:
        fresh = freshness([Entry(None, Account())], now=NOW)
        assert (fresh.up_to_at, fresh.is_late, fresh.next_at.hour) == (None, False, 15)

    def test_it_knows_when_an_account_is_being_read(self) -> None:
        assert freshness([entry(), entry(lease_until_at=NOW + HOUR)], now=NOW).is_reading
        assert not freshness([entry(lease_until_at=NOW)], now=NOW).is_reading


class TestAccountWords:
    def test_where_all_is_well_there_is_nothing_to_say(self) -> None:
        words = account_words(entry(), now=NOW)
        assert (words.kind, words.short, words.title, words.text) == ("good", "", "", "")

    def test_an_instance_that_does_not_answer(self) -> None:
        words = account_words(failing(), now=NOW)
        assert words.is_serious
        assert words.title == "@ana@pixelfed.example could not be read since 09:00, next try 17:00."
        assert words.text == "pixelfed.example did not answer. Its numbers hold up to 08:05."

    def test_one_that_never_answered_has_no_numbers(self) -> None:
        words = account_words(failing(last_success_at=None), now=NOW)
        assert (
            words.title == "@ana@pixelfed.example could not be read yet; tried since 09:00, next try 17:00."
        )
        assert words.text == "pixelfed.example did not answer."

    def test_a_failure_of_which_the_beginning_is_not_known(self) -> None:
        words = account_words(failing(failing_since_at=None), now=NOW)
        assert words.title == "@ana@pixelfed.example could not be read the last time, next try 17:00."

    def test_a_part_that_failed_is_no_failed_reading(self) -> None:
        words = account_words(entry(message="One list was refused."), now=NOW)
        assert (words.kind, words.short, words.is_serious) == ("part", "", False)
        assert words.title == "Something of @ana@pixelfed.example could not be read."
        assert words.text == "One list was refused. PostFlow tries again by itself, 16:00."

    def test_a_refused_access_says_what_to_do(self) -> None:
        words = account_words(
            entry(own_state="reconnect", reason="pixelfed.example no longer accepts it."), now=NOW
        )
        assert (words.kind, words.is_serious) == ("reconnect", True)
        assert words.title == "@ana@pixelfed.example has to be connected again."
        assert words.text == (f"pixelfed.example no longer accepts it. {ASK} Its numbers hold up to 14:05.")

    def test_a_refused_access_of_an_account_that_was_never_read(self) -> None:
        words = account_words(Entry(None, Account("reconnect")), now=NOW)
        assert words.text == f"Its instance no longer lets PostFlow in. {ASK}"

    def test_paused_is_quiet(self) -> None:
        words = account_words(entry(own_state="paused", failures_count=3, message="It is down."), now=NOW)
        assert (words.kind, words.is_serious) == ("paused", False)
        assert (words.short, words.title) == ("paused, numbers up to 14:05", "")
        assert account_words(Entry(None, Account("paused")), now=NOW).short == "paused"

    @pytest.mark.parametrize("read", [Entry(None, Account()), new()])
    def test_never_read_says_when(self, read) -> None:
        assert account_words(read, now=NOW).short == "first reading 15:00"

    def test_the_first_reading_tells_how_far_it_is(self) -> None:
        begun = NOW - timedelta(seconds=200)
        reading = new(lease_until_at=NOW + HOUR)
        assert account_words(reading, now=NOW).short == "first reading: under way"
        reading = new(
            lease_until_at=NOW + HOUR,
            progress_kind="engagement",
            progress_done=412,
            progress_total=1160,
            progress_began_at=begun,
            progress_at=NOW,
        )
        words = account_words(reading, now=NOW)
        assert (words.kind, words.short) == ("first", "first reading: 412 of 1,160 posts, about 7 minutes")

    def test_older_posts_that_are_still_to_be_read(self) -> None:
        words = account_words(entry(history_is_complete=False), now=NOW)
        assert (words.kind, words.short) == ("filling", "older posts are still being read")

    def test_an_hourly_visit_tells_how_far_it_is(self) -> None:
        reading = entry(
            lease_until_at=NOW + HOUR,
            progress_kind="engagement",
            progress_done=12,
            progress_total=40,
            progress_began_at=NOW - timedelta(seconds=1),
            progress_at=NOW,
        )
        assert account_words(reading, now=NOW).short == "being read: 12 of 40 posts"
