"""A limit holds for all together: threads, and processes that share nothing but the database."""

import subprocess
import sys
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings as django_settings
from django.utils import timezone

from postflow import limits
from postflow.models import TryCount
from tests.concurrency import at_once

NOW = "2026-03-10T12:00Z"


def spend(who: object = "ana", *, action: str = "reset", at_most: int = 3, seconds: int = 60) -> bool:
    return limits.spend(action, who, at_most=at_most, seconds=seconds)


@pytest.mark.django_db
class TestOneAfterTheOther:
    def test_as_many_as_are_allowed_go_through(self) -> None:
        assert [spend() for _ in range(5)] == [True, True, True, False, False]

    def test_everybody_and_every_action_has_a_count_of_its_own(self) -> None:
        assert spend(at_most=1)
        assert spend("ben", at_most=1)
        assert spend(action="export", at_most=1)
        assert not spend(at_most=1)

    def test_none_is_none(self) -> None:
        assert not spend(at_most=0)

    def test_a_window_begins_with_the_first_try_and_ends_by_the_clock(self) -> None:
        with time_machine.travel(NOW, tick=False) as clock:
            assert spend(at_most=1)
            clock.shift(timedelta(seconds=59))
            # A refused try does not make the wait longer.
            assert not spend(at_most=1)
            clock.shift(timedelta(seconds=1))
            assert [spend(at_most=1), spend(at_most=1)] == [True, False]

    def test_what_ended_is_forgotten_and_what_runs_stays(self) -> None:
        with time_machine.travel(NOW, tick=False) as clock:
            spend("ben", seconds=3600)
            spend(seconds=60)
            clock.shift(timedelta(seconds=60))
            assert limits.forget_ended() == 1
            assert TryCount.objects.get().ends_at > timezone.now()

    def test_it_holds_no_address_and_takes_any_text(self) -> None:
        for who in ("ana@example.org", "x" * 5000, "\0", "ä", 7):
            assert spend(who)
        names = TryCount.objects.values_list("who", flat=True)
        assert {len(name) for name in names} == {64}
        assert not any("ana" in name for name in names)

    def test_its_queries(self, django_assert_num_queries) -> None:
        with django_assert_num_queries(4):
            spend()
        with django_assert_num_queries(1):
            spend()


@pytest.mark.usefixtures("shared_database")
class TestAtOnce:
    def test_threads_never_go_over(self) -> None:
        assert sum(at_once(*[lambda: [spend() for _ in range(4)].count(True)] * 4)) == 3

    def test_of_threads_that_open_the_next_window_as_many_go_through(self) -> None:
        spend()
        TryCount.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
        assert at_once(*[spend] * 6).count(True) == 3

    def test_processes_never_go_over(self, shared_database) -> None:
        code = (
            "import django; django.setup(); from postflow import limits;"
            "print(sum(limits.spend('reset', 'ana', at_most=7, seconds=600) for _ in range(10)))"
        )
        environment = {
            "DJANGO_SETTINGS_MODULE": "core.settings",
            "DATABASE_URL": shared_database,
            "SECRET_KEY": django_settings.SECRET_KEY,
            "DEBUG": "1",
        }
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", code],
                cwd=django_settings.BASE_DIR,
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        assert sum(int(process.communicate(timeout=60)[0]) for process in processes) == 7
