"""Politeness to hosts: turns and pauses."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from analytics_core import hosts
from analytics_core.models import HostState

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


def test_requests_to_one_host_are_an_interval_apart(clock, settings) -> None:
    settings.FETCH_REQUEST_INTERVAL = 1.5
    for _ in range(3):
        hosts.wait_turn("one.example")
    assert clock.slept == [1.5, 1.5]


def test_hosts_do_not_wait_for_each_other(clock, settings) -> None:
    settings.FETCH_REQUEST_INTERVAL = 1
    for number in range(5):
        hosts.wait_turn(f"{number}.example")
    assert clock.slept == []


def test_a_turn_that_somebody_else_took_is_not_taken_twice(clock, settings, monkeypatch) -> None:
    settings.FETCH_REQUEST_INTERVAL = 1
    hosts.wait_turn("one.example")
    real_sleep = hosts.sleep

    def sleep_and_be_overtaken(seconds: float) -> None:
        real_sleep(seconds)
        monkeypatch.setattr(hosts, "sleep", real_sleep)
        HostState.objects.update(next_request_at=hosts.timezone.now() + timedelta(seconds=1))

    monkeypatch.setattr(hosts, "sleep", sleep_and_be_overtaken)
    hosts.wait_turn("one.example")
    assert clock.slept == [1, 1]


def test_a_clock_that_was_wrong_stops_nobody(clock, settings) -> None:
    settings.FETCH_REQUEST_INTERVAL = 1
    HostState.objects.create(host="one.example", next_request_at=NOON + timedelta(days=9000))
    hosts.wait_turn("one.example")
    assert clock.slept == []
    hosts.wait_turn("one.example")
    assert clock.slept == [1]


def test_without_an_interval_nothing_is_asked_of_the_database(settings, django_assert_num_queries) -> None:
    settings.FETCH_REQUEST_INTERVAL = 0
    with django_assert_num_queries(0):
        hosts.wait_turn("one.example")


def test_a_pause_holds_until_it_is_over_and_never_gets_shorter(clock) -> None:
    assert hosts.blocked_until("one.example") is None
    hosts.block("one.example", seconds=600, message="Slow down.")
    hosts.block("one.example", seconds=60, message="Slow down a little.")
    assert hosts.blocked_until("one.example") == NOON + timedelta(minutes=10)
    assert hosts.blocked_until("two.example") is None
    clock.shift(timedelta(minutes=10))
    assert hosts.blocked_until("one.example") is None
