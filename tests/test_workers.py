"""Real worker processes, killed and stopped at bad moments: in the end all is as if nothing had happened."""

from __future__ import annotations

import socket
import time
from random import Random

import pytest
import requests
from django.db import connection
from django.test import Client
from django_tasks_db.models import DBTaskResult

from analytics_core.models import AccountState, SyncRun
from analytics_pixelfed.models import PixelfedPost
from analytics_pixelfed.tasks import fetch_all_pixelfed_engagement
from pixelfed.models import MastodonAccount
from tests.workers import (
    LONGEST_STOP_SECONDS,
    Process,
    all_rows,
    differences,
    errors_in,
    installed,
    kill_and_go_on,
    live_hours,
    pass_an_hour,
    tasks_in_hand,
    wait_for_the_hour,
    wait_until,
    wait_until_it_is_there,
    what_is_unfinished,
    work_off,
)


class TestKilled:
    MOMENTS = 3

    def test_whatever_it_was_doing_the_next_ends_as_if_nothing_had_been(self, database, start) -> None:
        rng = Random(1)
        with installed(hosts=2, accounts=2) as houses:
            houses.read_all()
            houses.live_on()
            pass_an_hour()
            database.save()
            houses.clear()
            live_hours(start, 1)
            requests_count = houses.requests_count
            pass_an_hour()
            live_hours(start, 1)
            undisturbed = all_rows()
            assert sum(row[-1] for row in undisturbed["likes"]) == 8, "what was taken back has ended"
            leases_count = 0
            for number in range(self.MOMENTS):
                houses.clear()
                nth = int((number + rng.random()) / self.MOMENTS * requests_count)

                def wait_for_moment(nth: int = nth) -> None:
                    wait_until(lambda: houses.requests_count > nth, seconds=30, what="so many", every=0.001)
                    time.sleep(rng.uniform(0, 0.02))

                left = kill_and_go_on(database, start, wait_for_moment)
                leases_count += left["leases"]
                assert left["leases too long"] == 0
                assert differences(all_rows(), undisturbed) == [], f"killed after request {nth}"
                assert what_is_unfinished() == []
            assert leases_count, "somebody was killed in the middle of a visit"


class TestToldToStop:
    """A worker that is told to stop ends soon, by itself, and what it was doing is done by the next."""

    @pytest.fixture
    def house(self, database):
        """A host with an account that a lot has happened on, and what undisturbed visits make of it."""
        with installed(hosts=1, accounts=1, posts=12) as houses:
            houses.read_all()
            houses.live_on()
            for post in houses.people[0][1].posts[:10]:
                houses.servers[0].world.like(post, houses.servers[0].world.add_person(f"late{post.id}"))
            pass_an_hour()
            database.save()
            houses.read_all()
            houses.read_all()
            self.undisturbed = all_rows()
            database.restore()
            houses.servers[0].clear()
            yield houses.servers[0]

    def stop(self, process, *, times: int = 1) -> float:
        """Tell it to stop; returns how many seconds it took to do so."""
        asked_at = time.monotonic()
        for number in range(times):
            if number:
                wait_until(lambda: "shutting down" in process.log, seconds=5, what="it has heard the first")
            process.terminate()
        assert process.wait(LONGEST_STOP_SECONDS) == 0, process.log[-4000:]
        assert times > 1 or errors_in(process.log) == []
        assert not AccountState.objects.exclude(lease_until_at=None).exists(), "the account is free"
        assert not DBTaskResult.objects.running().exists()
        return time.monotonic() - asked_at

    def assert_the_next_ends_it(self, start) -> None:
        assert differences(all_rows(), self.undisturbed), "there was something left to do"
        live_hours(start, 2)
        assert differences(all_rows(), self.undisturbed) == []
        assert what_is_unfinished() == []

    def test_in_the_middle_of_a_visit_with_many_posts(self, house, start) -> None:
        house.faults.add("latency", "*", seconds=0.3)
        process = start()
        wait_until(lambda: len(house.requests) >= 5, seconds=30, what="some posts are read")
        assert self.stop(process) < 5
        assert len(house.requests) <= 8, "the post in hand is read to its end, and no other"
        assert not DBTaskResult.objects.failed().exists()
        house.clear()
        self.assert_the_next_ends_it(start)

    def test_while_a_request_hangs(self, house, start) -> None:
        house.faults.add("hang", "*/favourited_by*", times=1)
        process = start(FETCH_TIMEOUT=300)
        wait_until(lambda: house.faults.active[0].hits, seconds=30, what="a request hangs")
        self.stop(process)
        assert not DBTaskResult.objects.failed().exists()
        self.assert_the_next_ends_it(start)

    def test_while_it_waits_for_the_turn_of_a_host(self, house, start) -> None:
        process = start(FETCH_REQUEST_INTERVAL=120)
        wait_until(lambda: house.requests, seconds=30, what="the first request is answered")
        self.stop(process)
        assert len(house.requests) == 1
        assert not DBTaskResult.objects.failed().exists()
        self.assert_the_next_ends_it(start)

    def test_twice_it_does_not_wait_for_anything(self, house, start) -> None:
        house.faults.add("hang", "*/favourited_by*", times=1)
        process = start(FETCH_TIMEOUT=300)
        wait_until(lambda: house.faults.active[0].hits, seconds=30, what="a request hangs")
        assert self.stop(process, times=2) < 5
        # It is tried again after some minutes.
        pass_an_hour()
        live_hours(start, 2)
        assert differences(all_rows(), self.undisturbed) == []

    def test_with_nothing_to_do(self, database, start) -> None:
        process = start()
        wait_until_it_is_there(process)
        assert self.stop(process) < 5


class TestManyAtOnce:
    @pytest.mark.skipif(connection.vendor != "postgresql", reason="more than one worker needs PostgreSQL")
    def test_four_workers_and_two_schedulers_make_one_run_an_hour(self, database, start, tmp_path) -> None:
        with installed(hosts=3, accounts=4) as houses:
            workers = [start(SKIP_AUTO_SCHEDULE=0) for _ in range(4)]
            schedulers = [
                Process(
                    "schedule_pixelfed_analytics", url=database.url, log=tmp_path / f"scheduler{number}.log"
                )
                for number in range(2)
            ]
            assert [scheduler.wait(60) for scheduler in schedulers] == [0, 0]
            for process in workers:
                wait_until(
                    lambda process=process: "Starting worker" in process.log, seconds=60, what="is there"
                )
            hour = DBTaskResult.objects.filter(task_path=fetch_all_pixelfed_engagement.module_path)
            assert hour.count() == 1
            for hours_count in (1, 2, 3):
                houses.live_on(hours_count)
                houses.clear()
                pass_an_hour()
                wait_for_the_hour(workers[0])
                for process in workers:
                    work_off(process)
                run = SyncRun.objects.first()
                assert SyncRun.objects.count() == hours_count
                assert (run.accounts_due, run.accounts_processed, run.errors) == (12, 12, 0)
                visits = DBTaskResult.objects.successful().filter(args_kwargs__args__2=run.pk)
                assert sorted(visit.args_kwargs["args"][1] for visit in visits) == sorted(
                    MastodonAccount.objects.values_list("pk", flat=True)
                )
                assert all("posts_synced" in visit.return_value for visit in visits)
                assert hour.filter(status="READY").count() == 1
            for process in workers:
                process.terminate()
            for process in workers:
                assert process.wait(LONGEST_STOP_SECONDS) == 0
            assert [errors_in(process.log) for process in (*workers, *schedulers)] == [[]] * 6
            assert what_is_unfinished() == []
            assert not DBTaskResult.objects.failed().exists()
            used = {row.worker_ids[-1] for row in DBTaskResult.objects.successful()}
            assert len(used) == 4, "all of them had something to do"

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL locks rows, not the database")
    def test_pages_are_served_while_a_worker_writes_to_the_same_file(self, database, start, tmp_path) -> None:
        with installed(hosts=2, accounts=2, posts=6) as houses, socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port = sock.getsockname()[1]
            sock.close()
            browser = Client()
            browser.force_login(houses.user)
            web = Process(
                *("runserver", f"127.0.0.1:{port}", "--noreload"),
                url=database.url,
                log=tmp_path / "web.log",
                DEBUG=1,
            )
            with web, requests.Session() as session:
                session.cookies.set("sessionid", browser.cookies["sessionid"].value)
                site = f"http://127.0.0.1:{port}"
                wait_until(lambda: web.is_there() and is_open(port), seconds=60, what="pages")
                fetch_all_pixelfed_engagement.enqueue()
                process, seen = start(), []
                for hour in (1, 2):
                    while tasks_in_hand().exists():
                        post = PixelfedPost.objects.last()
                        paths = ["/analytics/", "/analytics/pixelfed/", "/analytics/comparison/"]
                        for path in [*paths, f"/analytics/pixelfed/post/{post.pk}/"] if post else paths:
                            seen.append(
                                session.get(site + path, timeout=30, allow_redirects=False).status_code
                            )
                        # Signing in writes.
                        Client().force_login(houses.user)
                        assert len(seen) < 2000
                    houses.live_on(hour)
                    pass_an_hour()
                assert set(seen) == {200}
                assert len(seen) >= 12
                process.terminate()
                assert process.wait(LONGEST_STOP_SECONDS) == 0
                assert errors_in(process.log) == []
                assert errors_in(web.log) == []
            assert not DBTaskResult.objects.failed().exists()


def is_open(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0
