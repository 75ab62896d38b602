"""The initial sync as its operator sees it: a process, real hosts, stopped half-way (US-13.1)."""

import json
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from analytics_core.models import HostState
from analytics_pixelfed.models import PixelfedLike, PixelfedPost
from tests.workers import LONGEST_STOP_SECONDS, Process, all_rows, differences, installed, wait_until, worker

COMMAND = ("sync_all_accounts", "--json")


def test_it_is_stopped_and_started_again_beside_a_worker(database, tmp_path) -> None:
    with installed(hosts=2, accounts=2, posts=30) as houses:
        database.save()
        with Process(*COMMAND, url=database.url, log=tmp_path / "first.log") as first:
            wait_until(
                lambda: first.is_there() and PixelfedLike.objects.exists(), seconds=60, what="it reads"
            )
            first.terminate()
            assert first.wait(LONGEST_STOP_SECONDS) == 1
        assert "Stopped." in first.log
        stopped_at = PixelfedLike.objects.count()
        assert stopped_at < 4 * 30 * 4
        with (
            worker(database.url, tmp_path / "worker.log"),
            Process(*COMMAND, url=database.url, log=tmp_path / "second.log") as second,
        ):
            assert second.wait(120) == 0, second.log[-4000:]
        report = json.loads(second.log[second.log.index("{") : second.log.rindex("}") + 1])
        assert {account["result"] for account in report["accounts"]} == {"done"}
        assert sum(account["total_new_likes"] for account in report["accounts"]) + stopped_at == 4 * 30 * 4
        in_two_runs = all_rows()
        assert PixelfedPost.objects.count() == 4 * 30
        # One run without a stop brings the same rows.
        database.restore()
        houses.read_all()
        assert differences(in_two_runs, all_rows()) == []


@pytest.mark.django_db
def test_a_host_that_is_down_is_told_and_the_other_is_read(database, tmp_path) -> None:
    with installed(hosts=2, accounts=1, posts=3) as houses:
        houses.servers[0].stop()
        # Down for three hours, so its next try is hours away, at whatever minute this runs.
        HostState.objects.create(
            host=urlsplit(houses.servers[0].url).netloc, failing_since_at=timezone.now() - timedelta(hours=3)
        )
        with Process("sync_all_accounts", url=database.url, log=tmp_path / "sync.log") as process:
            assert process.wait(60) == 1, process.log
        assert "1 account up to date, 1 failed, 0 still to do." in process.log
        assert PixelfedPost.objects.count() == 3
