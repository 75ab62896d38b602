"""Two workers at once: one visit to an account, one request at a time to a host."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.tasks import default_task_backend

from analytics_core.engine import hosts, hourly
from analytics_core.models import AccountState, HostState
from analytics_pixelfed.models import PixelfedLike, PixelfedPost
from analytics_pixelfed.tasks import fetch_all_pixelfed_engagement
from analytics_pixelfed.tests.visiting import visit_of
from pixelfed.models import MastodonAccount
from pixelfed.sandbox import World
from tests.concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def gaps(server) -> list[float]:
    at = sorted(request.at for request in server.requests)
    return [later - earlier for earlier, later in zip(at, at[1:], strict=False)]


class TestTwoAtOnce:
    INTERVAL = 0.05
    # Between a turn and the server's clock lie two system calls and a busy machine.
    TOLERANCE = 0.01
    PROGRAM = (
        "import sys, django; django.setup();"
        "from analytics_core.tasks import fetch_account;"
        "print(fetch_account.call('pixelfed', int(sys.argv[1])))"
    )

    @pytest.fixture
    def house(self, shared_database, serve):
        """A host with two accounts whose posts everybody likes."""
        world = World.empty()
        ana, bea = world.add_person("ana"), world.add_person("bea")
        world.add_posts(ana, 5, likes=7)
        world.add_posts(bea, 5, likes=7)
        server, first = serve(world)
        second = MastodonAccount.objects.create(
            user=first.user,
            instance_url=server.url,
            username="bea",
            software="pixelfed",
            access_token=server.token_for(bea),
        )
        return server, first, second

    def test_of_two_visits_to_one_account_one_is_made(self, house) -> None:
        server, account, _ = house
        server.faults.add("latency", "*/statuses*", seconds=0.2, times=1)
        results = at_once(lambda: visit_of(account), lambda: visit_of(account))
        assert sorted(type(result).__name__ for result in results) == ["AccountBusy", "dict"]
        assert PixelfedPost.objects.count() == 5
        assert PixelfedLike.objects.count() == 35
        state = AccountState.objects.get()
        assert (state.lease_until_at, state.failures_count) == (None, 0)

    def test_two_accounts_in_two_threads_keep_the_hosts_interval(self, house, settings) -> None:
        settings.FETCH_REQUEST_INTERVAL = self.INTERVAL
        server, first, second = house
        results = at_once(lambda: visit_of(first), lambda: visit_of(second))
        assert [result["errors"] for result in results] == [0, 0]
        assert PixelfedLike.objects.count() == 70
        assert len(server.requests) == sum(result["requests"] for result in results)
        assert min(gaps(server)) >= self.INTERVAL - self.TOLERANCE

    def test_two_accounts_in_two_processes_keep_the_hosts_interval(self, house, shared_database) -> None:
        server, first, second = house
        environment = {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "core.settings",
            "DATABASE_URL": shared_database,
            "SECRET_KEY": django_settings.SECRET_KEY,
            "DEBUG": "1",
            "FETCH_REQUEST_INTERVAL": str(self.INTERVAL),
            "LOG_LEVEL": "WARNING",
        }
        workers = [
            subprocess.Popen(
                [sys.executable, "-c", self.PROGRAM, str(account.pk)],
                cwd=Path(__file__).parents[2],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for account in (first, second)
        ]
        said = [worker.communicate(timeout=60)[0] for worker in workers]
        assert [worker.returncode for worker in workers] == [0, 0], said
        assert PixelfedLike.objects.count() == 70
        assert min(gaps(server)) >= self.INTERVAL - self.TOLERANCE

    def test_the_pause_that_one_account_is_asked_for_stops_the_others_at_once(self, house, settings) -> None:
        settings.FETCH_REQUEST_INTERVAL = self.INTERVAL
        server, first, second = house
        server.faults.add("rate_limit", "*", skip=5, times=1, retry_after="seconds", seconds=600)
        results = at_once(lambda: visit_of(first), lambda: visit_of(second))
        assert [result["errors"] for result in results] == [1, 1]
        # One more may have had its turn already.
        assert len(server.requests) <= 7
        assert visit_of(first)["requests"] == 0
        assert MastodonAccount.objects.active().count() == 2

    def test_two_pauses_at_once_leave_the_longer_one(self, shared_database) -> None:
        def block(host: str, seconds: int):
            return lambda: hosts.block(host, seconds=seconds, message="")

        for number in range(5):
            at_once(*[block(f"{number}.example", seconds) for seconds in (900, 60, 600, 30)])
        seconds = [
            (until_at - datetime.now(UTC)).total_seconds()
            for until_at in HostState.objects.values_list("blocked_until_at", flat=True)
        ]
        assert len(seconds) == 5
        assert min(seconds) > 800

    def test_two_processes_that_schedule_at_once_leave_one_task(self, shared_database) -> None:
        schedule = fetch_all_pixelfed_engagement
        made = at_once(*[lambda: hourly.ensure_scheduled(schedule)] * 4)
        assert sorted(made, key=str) == [False, False, False, True]
        assert default_task_backend.waiting(schedule).count() == 1
