"""Reading everybody to the end by one command, which may be stopped and started again (US-13.1)."""

import io
import json
import os
import signal
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from analytics_core.console import duration
from analytics_core.engine import catch_up, states
from analytics_core.models import AccountState
from analytics_core.platforms import Blocked, ReconnectNeeded, TryLater
from core import stopping
from tests.tiny.models import TinyAccount, TinyLike, TinyPost

pytestmark = pytest.mark.django_db


def sync(**options) -> str:
    out = io.StringIO()
    call_command("sync_all_accounts", stdout=out, stderr=out, no_color=True, **options)
    return out.getvalue()


def sync_and_fail(**options) -> tuple[str, str]:
    out = io.StringIO()
    with pytest.raises(CommandError) as failure:
        call_command("sync_all_accounts", stdout=out, stderr=out, no_color=True, **options)
    return out.getvalue(), str(failure.value)


@pytest.fixture
def ben(tiny, user) -> TinyAccount:
    return TinyAccount.objects.create(user=user, instance_url="https://other.example", username="ben")


@pytest.fixture
def instance(tiny):
    for number in range(100, 190):
        tiny.instance.add_post(str(number), likes=2)
    return tiny.instance


def stop_after(instance, monkeypatch, *, requests: int, number: int = signal.SIGTERM) -> None:
    """Send this process a signal at one of its requests to come."""
    from tests.tiny.platform import TinySource

    real, last = TinySource._ask, len(instance.asked) + requests

    def ask(self, what, about=""):
        real(self, what, about)
        if len(instance.asked) == last:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(TinySource, "_ask", ask)


def test_everybody_is_read_to_the_end(instance, tiny_account, ben) -> None:
    text = sync()
    assert "2 accounts: 0 up to date, 0 left out, 2 to read." in text
    assert "✓ Tiny @ana: 90 new posts, 180 new likes, 0 new comments, 0 new shares" in text
    assert "2 accounts up to date, 0 failed, 0 still to do." in text
    assert TinyPost.objects.filter(account=ben).count() == 90
    assert TinyLike.objects.count() == 2 * 2 * 90


def test_a_second_run_asks_nobody(instance, tiny_account) -> None:
    sync()
    asked_count = len(instance.asked)
    text = sync()
    assert "1 account: 1 up to date, 0 left out, 0 to read." in text
    assert "✓ Tiny @ana: was up to date" in text
    assert len(instance.asked) == asked_count


def test_an_account_that_is_due_is_visited_again(instance, tiny_account) -> None:
    sync()
    AccountState.objects.update(next_due_at=timezone.now() - timedelta(minutes=1))
    instance.likes["150"].append("late")
    assert "1 new likes" in sync()


def test_the_estimate_is_what_is_then_asked(instance, tiny, tiny_account, settings) -> None:
    settings.FETCH_REQUEST_INTERVAL = 2.0
    fetcher = tiny.fetcher(tiny_account)
    fetcher.survey()
    rest = catch_up.rest_of(tiny, tiny_account)
    assert rest.posts_count == 90 - 40
    before = len(instance.asked)
    text = sync(estimate=True)
    assert len(instance.asked) == before
    minutes = duration(2 * rest.requests_count)
    assert f"tiny.example: {rest.requests_count} requests, {minutes}" in text
    sync()
    # The newest page is listed at each visit, and the sweep looks once past the oldest post.
    assert 0 <= len(instance.asked) - before - rest.requests_count <= 3


def test_an_estimate_says_whose_size_nobody_knows(tiny_account) -> None:
    assert "1 account of unknown size, not in this estimate." in sync(estimate=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_stopped_goes_on_where_it_was(instance, tiny_account, monkeypatch, number) -> None:
    stop_after(instance, monkeypatch, requests=30, number=number)
    text, failure = sync_and_fail()
    assert failure.startswith("Stopped. 0 accounts up to date, 0 failed, 1 still to do.")
    assert "… Tiny @ana: to do, about" in text
    assert not stopping.is_asked()
    assert not AccountState.objects.exclude(lease_token="").exists()
    asked_before = [entry for entry in instance.asked if entry[0] == "likers"]
    assert 0 < len(asked_before) < 90
    sync()
    likers = [entry for entry in instance.asked if entry[0] == "likers"]
    # Nothing was asked twice, and nothing is missing.
    assert len(likers) == len(set(likers)) == 90
    assert TinyLike.objects.count() == 180


def test_a_stop_before_the_first_visit_is_heard(instance, tiny_account, monkeypatch) -> None:
    stop_after(instance, monkeypatch, requests=1)
    _, failure = sync_and_fail()
    assert "1 still to do" in failure
    assert not TinyLike.objects.exists()


def test_one_failure_is_told_and_keeps_nobody_else_from_being_read(instance, tiny_account, ben) -> None:
    instance.failures["posts"] = [ReconnectNeeded("The access has ended.")]
    # The first question of each account is who it is; the third is the second opinion.
    instance.failures["profile"] = [ReconnectNeeded("The access has ended.")] * 2
    text, failure = sync_and_fail()
    assert "1 account up to date, 1 failed, 0 still to do." in failure
    assert "⚠ Tiny @ana: failed, The access has ended." in text
    assert set(TinyPost.objects.values_list("account", flat=True)) == {ben.pk}


def test_an_account_paused_during_the_run_is_left_alone(instance, tiny, tiny_account) -> None:
    run = catch_up.CatchUp(
        catch_up.jobs(), say=lambda job: None, progress=lambda job: lambda what, done, total: None
    )
    TinyAccount.objects.update(state="paused")
    run.run()
    assert [(job.result, job.reason) for job in run.jobs] == [("failed", "paused or disconnected meanwhile")]
    assert instance.asked == []


def test_a_list_that_cannot_be_read_is_a_failure(instance, tiny_account) -> None:
    instance.failures["likers"] = [TryLater("tiny.example answered 500.")]
    text, failure = sync_and_fail()
    assert "⚠ Tiny @ana: failed, read, but not all of it: tiny.example answered 500." in text
    assert "1 failed" in failure
    # The next run reads what is left.
    assert "✓ Tiny @ana: 0 new posts, 2 new likes" in sync()


def test_a_short_pause_of_a_host_is_waited_for(instance, tiny, tiny_account, monkeypatch) -> None:
    tiny.fetcher(tiny_account).survey()
    instance.failures["posts"] = [Blocked("tiny.example asks for a pause.", seconds=1)]
    text = sync()
    assert "… @ana: tiny.example asks for a pause." in text
    assert "1 account up to date, 0 failed" in text


def test_a_long_pause_of_a_host_is_left_to_the_hourly_work(instance, tiny, tiny_account) -> None:
    tiny.fetcher(tiny_account).survey()
    instance.failures["posts"] = [Blocked("tiny.example asks for a pause.", seconds=3600)]
    text, _ = sync_and_fail()
    assert "⚠ Tiny @ana: failed, tiny.example asks for a pause." in text


def test_an_account_that_a_worker_reads_is_waited_for(instance, tiny, tiny_account, monkeypatch) -> None:
    tiny.fetcher(tiny_account).survey()
    state = states.state_of(tiny, tiny_account)
    token = states.claim_lease(state)
    monkeypatch.setattr(catch_up.time, "sleep", lambda seconds: states.release_lease(state, token))
    text = sync()
    assert "… @ana: being read by another run" in text
    assert "✓ Tiny @ana" in text


def test_the_report_can_be_read_by_programs(instance, tiny_account, ben) -> None:
    TinyAccount.objects.filter(pk=ben.pk).update(state="paused")
    out, err = io.StringIO(), io.StringIO()
    call_command("sync_all_accounts", json=True, stdout=out, stderr=err, no_color=True)
    report = json.loads(out.getvalue())
    assert report["stopped"] is False
    ana, left_out = report["accounts"]
    assert (ana["result"], ana["total_new_likes"], ana["requests_left"]) == ("done", 180, 0)
    assert (left_out["result"], left_out["reason"]) == (
        "left out",
        "paused or waiting to be connected again",
    )
    assert "2 accounts" in err.getvalue()


def test_without_accounts_there_is_nothing_to_do(db) -> None:
    assert "0 accounts up to date, 0 failed, 0 still to do." in sync()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than a minute"),
        (61, "about 2 minutes"),
        (7199, "about 2 hours"),
        (86400 * 3, "about 3 days"),
    ],
)
def test_a_length_of_time_in_words(seconds: int, words: str) -> None:
    assert duration(seconds) == words
