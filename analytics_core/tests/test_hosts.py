"""Politeness to hosts: turns and pauses."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from analytics_core.engine import hosts
from analytics_core.models import HostState
from analytics_core.platforms import Blocked

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only by sleeping."""
    with time_machine.travel(NOON, tick=False) as traveller:
        slept = []

        def sleep(seconds: float) -> None:
            slept.append(round(seconds, 3))
            traveller.shift(timedelta(seconds=seconds))

        monkeypatch.setattr(hosts, "sleep", sleep)
        traveller.slept = slept
        yield traveller


def ask(host: str, *, answer_seconds: float = 0, clock=None) -> None:
    turn = hosts.Turn()
    turn.wait(host)
    if answer_seconds:
        clock.shift(timedelta(seconds=answer_seconds))
    turn.end(host)


def test_requests_to_one_host_are_an_interval_apart(clock, settings) -> None:
    settings.FETCH_REQUEST_INTERVAL = 1.5
    for _ in range(3):
        ask("one.example")
    assert clock.slept == [1.5, 1.5]


def test_the_interval_begins_when_the_answer_is_there(clock, settings) -> None:
    settings.FETCH_REQUEST_INTERVAL = 1
    ask("one.example", answer_seconds=20, clock=clock)
    ask("one.example")
    assert clock.slept == [1]


def test_nobody_asks_while_an_answer_is_under_way(clock, settings, monkeypatch) -> None:
    settings.FETCH_REQUEST_INTERVAL, settings.FETCH_TIMEOUT = 1, 30
    first = hosts.Turn()
    first.wait("one.example")
    real_sleep = hosts.sleep

    def answer_comes_while_the_other_waits(seconds: float) -> None:
        real_sleep(seconds)
        if len(clock.slept) == 3:
            first.end("one.example")

    monkeypatch.setattr(hosts, "sleep", answer_comes_while_the_other_waits)
    ask("one.example")
    assert clock.slept == [1, 1, 1, 1]


def test_the_turn_of_a_killed_worker_is_over_after_the_longest_answer(clock, settings) -> None:
    settings.FETCH_REQUEST_INTERVAL, settings.FETCH_TIMEOUT = 1, 30
    hosts.Turn().wait("one.example")
    ask("one.example")
    assert sum(clock.slept) == 31


def test_an_answer_that_comes_after_its_turn_shortens_nobody_elses(clock, settings) -> None:
    settings.FETCH_REQUEST_INTERVAL, settings.FETCH_TIMEOUT = 1, 30
    late, other = hosts.Turn(), hosts.Turn()
    late.wait("one.example")
    clock.shift(timedelta(seconds=40))
    other.wait("one.example")
    late.end("one.example")
    assert HostState.objects.get().next_request_at == NOON + timedelta(seconds=40 + 31)


def test_hosts_do_not_wait_for_each_other(clock, settings) -> None:
    settings.FETCH_REQUEST_INTERVAL = 1
    for number in range(5):
        ask(f"{number}.example")
    assert clock.slept == []


def test_a_turn_that_somebody_else_took_is_not_taken_twice(clock, settings, monkeypatch) -> None:
    settings.FETCH_REQUEST_INTERVAL = 1
    ask("one.example")
    real_sleep = hosts.sleep

    def sleep_and_be_overtaken(seconds: float) -> None:
        real_sleep(seconds)
        monkeypatch.setattr(hosts, "sleep", real_sleep)
        HostState.objects.update(next_request_at=hosts.timezone.now() + timedelta(seconds=1))

    monkeypatch.setattr(hosts, "sleep", sleep_and_be_overtaken)
    ask("one.example")
    assert clock.slept == [1, 1]


def test_a_clock_that_was_wrong_stops_nobody(clock, settings) -> None:
    settings.FETCH_REQUEST_INTERVAL = 1
    HostState.objects.create(host="one.example", next_request_at=NOON + timedelta(days=9000))
    ask("one.example")
    assert clock.slept == []
    ask("one.example")
    assert clock.slept == [1]


def test_a_pause_that_began_meanwhile_stops_the_next_request(clock, settings) -> None:
    settings.FETCH_REQUEST_INTERVAL = 1
    hosts.block("one.example", seconds=600, message="Slow down.")
    with pytest.raises(Blocked) as blocked:
        hosts.Turn().wait("one.example")
    assert blocked.value.seconds == 600


def test_without_an_interval_nothing_is_asked_of_the_database(settings, django_assert_num_queries) -> None:
    settings.FETCH_REQUEST_INTERVAL = 0
    with django_assert_num_queries(0):
        ask("one.example")


def test_a_pause_holds_until_it_is_over_and_never_gets_shorter(clock) -> None:
    hosts.check("one.example")
    hosts.block("one.example", seconds=600, message="Slow down.")
    hosts.block("one.example", seconds=60, message="Slow down a little.")
    with pytest.raises(Blocked, match="one.example is left alone until 12:10: Slow down.") as blocked:
        hosts.check("one.example")
    assert blocked.value.seconds == 600
    hosts.check("two.example")
    clock.shift(timedelta(minutes=10))
    hosts.check("one.example")
