"""A host in trouble delays nobody else, and its accounts are read as soon as it is well."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.tasks import default_task_backend
from django_tasks_db.models import DBTaskResult

from analytics_core import tasks
from analytics_core.engine import hosts, hourly, states
from analytics_core.models import AccountState, HostState, SyncRun
from analytics_core.platforms import Blocked, NoAnswer, TryLater
from analytics_pixelfed.tasks import fetch_all_pixelfed_engagement
from core import stopping
from tests.tiny.models import TinyAccount, TinyLike, TinyPost
from tests.tiny.platform import TinySource

from .test_hourly import work

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DOWN = "bad.example did not answer."


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def accounts(tiny, user, clock) -> list[TinyAccount]:
    """Two accounts on a host, and one on another."""
    tiny.instance.add_post("100", likes=2)
    return [
        TinyAccount.objects.create(
            user=user, instance_url=f"https://{host}.example", username=name, remote_id=name
        )
        for host, name in (("bad", "ana"), ("bad", "bea"), ("good", "cleo"))
    ]


@pytest.fixture
def down(monkeypatch) -> set[str]:
    """Hosts that do not answer; what was asked of whom is in `tiny.instance.asked`."""
    hosts_down: set[str] = set()
    real = TinySource.posts

    def posts(self, remote_account_id, **options):
        host = "good.example" if remote_account_id == "cleo" else "bad.example"
        if host in hosts_down:
            self.instance.asked.append(("nothing", remote_account_id))
            raise NoAnswer(f"{host} did not answer.")
        if not options["before_id"]:
            self.instance.asked.append(("posts of", remote_account_id))
        return real(self, remote_account_id, **options)

    monkeypatch.setattr(TinySource, "posts", posts)
    return hosts_down


def asked_of(tiny) -> list[str]:
    return [whom for what, whom in tiny.instance.asked if what in ("posts of", "nothing")]


def run_hour(tiny) -> SyncRun:
    hourly.run_hour(tiny, fetch_all_pixelfed_engagement)
    work()
    return SyncRun.objects.filter(platform="tiny").first()


def test_what_trouble_delays_comes_after_everybody_else(tiny, accounts, down) -> None:
    down.add("bad.example")
    run_hour(tiny)
    # One quick try tells that the host is in trouble; then comes a patient one, and the others are not sent.
    assert asked_of(tiny) == ["ana", "cleo", "ana"]
    order = [
        row.args_kwargs["args"][1] for row in DBTaskResult.objects.successful().order_by("finished_at", "pk")
    ]
    assert set(order) == {account.pk for account in accounts}


def test_a_host_that_is_down_is_left_alone_for_all_its_accounts_with_a_reason(tiny, accounts, down) -> None:
    down.add("bad.example")
    run = run_hour(tiny)
    assert (run.accounts_processed, run.errors, run.total_new_likes) == (3, 2, 2)
    assert run.finished_at == NOON
    host = HostState.objects.get(host="bad.example")
    assert (host.blocked_until_at, host.failing_since_at, host.message) == (NOON + HOUR, NOON, DOWN)
    for account in accounts[:2]:
        state = AccountState.objects.get(account_id=account.pk)
        assert (state.message, state.failing_since_at, state.next_due_at) == (DOWN, NOON, NOON + HOUR)
    assert AccountState.objects.get(account_id=accounts[2].pk).failures_count == 0


def test_one_broken_answer_is_the_accounts_own_trouble_and_two_are_the_hosts(tiny, accounts, down) -> None:
    for account in accounts[:2]:
        assert not hosts.is_in_trouble(hosts.check("bad.example"))
        account.remote_id = ""
        tiny.instance.failures["profile"] = [TryLater("bad.example is in trouble.")]
        tiny.fetcher(account).run()
    with pytest.raises(hosts.LeftAlone):
        hosts.check("bad.example")


def test_a_host_known_to_be_down_is_asked_once_an_hour_behind_all_others(tiny, accounts, down, clock) -> None:
    down.add("bad.example")
    run_hour(tiny)
    clock.shift(HOUR)
    tiny.instance.asked.clear()
    run_hour(tiny)
    assert asked_of(tiny) == ["cleo", "ana"]


def test_all_is_forgotten_with_the_first_answer(tiny, accounts, down, clock) -> None:
    down.add("bad.example")
    run_hour(tiny)
    down.clear()
    clock.shift(HOUR)
    run = run_hour(tiny)
    assert (run.accounts_processed, run.errors, run.total_new_likes) == (3, 0, 4)
    host = HostState.objects.get(host="bad.example")
    assert (host.failures_count, host.failing_since_at) == (0, None)
    clock.shift(HOUR)
    tiny.instance.asked.clear()
    run_hour(tiny)
    assert sorted(asked_of(tiny)) == ["ana", "bea", "cleo"], "no visit is put off any more"


def test_one_blip_costs_an_account_nothing_but_its_place(tiny, accounts, down) -> None:
    tiny.instance.failures["likers"] = [TryLater("bad.example is in trouble.")]
    run = run_hour(tiny)
    assert (run.accounts_processed, run.errors, run.total_new_likes) == (3, 0, 6)
    assert not AccountState.objects.exclude(message="").exists()


def test_a_pause_of_minutes_ends_with_a_visit_in_the_same_hour(tiny, accounts, down, clock) -> None:
    clock.move_to(NOON + timedelta(minutes=2))
    tiny.instance.failures["likers"] = [Blocked("bad.example asks for a pause.", seconds=600)]
    run = run_hour(tiny)
    assert (run.accounts_processed, run.errors) == (3, 2)
    waiting = default_task_backend.waiting(tasks.fetch_account)
    until = NOON + timedelta(minutes=12)
    assert list(waiting.values_list("run_after", flat=True)) == [until, until]
    clock.move_to(until)
    work()
    assert TinyLike.objects.count() == 6
    assert not AccountState.objects.exclude(failures_count=0).exists()


def test_a_pause_past_the_hour_waits_for_the_hourly_run(tiny, accounts, down) -> None:
    tiny.instance.failures["likers"] = [Blocked("bad.example asks for a pause.", seconds=3600)]
    run_hour(tiny)
    assert not default_task_backend.waiting(tasks.fetch_account).exists()


class TestLongVisits:
    def test_a_list_cut_short_ends_nobody_and_is_read_again(self, tiny, accounts, down, monkeypatch) -> None:
        tiny.instance.add_post("200", likes=3, posted_at=NOON)
        fetcher = tiny.fetcher(accounts[2])
        assert fetcher.run()["total_new_likes"] == 5
        for post_id in ("100", "200"):
            tiny.instance.likes[post_id] = [f"other{post_id}", *tiny.instance.likes[post_id]]
        real = TinySource.likers

        def cut(self, post_id):
            listing = real(self, post_id)
            if post_id == "100":
                listing.items, listing.is_complete, listing.is_cut = listing.items[:1], False, True
            return listing

        monkeypatch.setattr(TinySource, "likers", cut)
        stats = tiny.fetcher(accounts[2]).run()
        assert (stats["total_new_likes"], stats["work_left"]) == (2, True)
        assert TinyPost.objects.get(tiny_id="100").likes_read_count is None
        assert not TinyLike.objects.exclude(missed_at=None).exists()
        # It comes first now and has all the time there is: again would be no better.
        stats = tiny.fetcher(accounts[2]).run()
        assert stats["work_left"] is False
        assert TinyPost.objects.get(tiny_id="100").likes_read_count == 3

    def test_whoever_reads_for_long_keeps_the_account(self, tiny, accounts, down, clock, monkeypatch) -> None:
        monkeypatch.setattr("analytics_core.fetcher.RENEW_SECONDS", 0)
        fetcher = tiny.fetcher(accounts[2])
        seen = []
        real = TinySource.likers

        def slow(self, post_id):
            clock.shift(timedelta(minutes=10))
            fetcher.may_read_on()
            seen.append(
                AccountState.objects.get(account_id=accounts[2].pk).lease_until_at - datetime.now(UTC)
            )
            return real(self, post_id)

        monkeypatch.setattr(TinySource, "likers", slow)
        fetcher.run()
        assert seen == [timedelta(seconds=states.LEASE_SECONDS)]

    def test_whoever_lost_the_account_stops(self, tiny, accounts, down, monkeypatch) -> None:
        monkeypatch.setattr("analytics_core.fetcher.RENEW_SECONDS", 0)
        real = TinySource.posts

        def taken_over(self, remote_account_id, **options):
            AccountState.objects.update(lease_token="another's")
            return real(self, remote_account_id, **options)

        monkeypatch.setattr(TinySource, "posts", taken_over)
        tasks.fetch_account.enqueue("tiny", accounts[2].pk)
        work()
        row = DBTaskResult.objects.get(task_path=tasks.fetch_account.module_path)
        assert row.return_value == {"skipped": "busy"}
        state = AccountState.objects.get()
        assert (state.lease_token, state.last_success_at) == ("another's", None)


class TestStopping:
    @pytest.fixture(autouse=True)
    def _forget(self, monkeypatch):
        monkeypatch.setattr(stopping.signal, "setitimer", lambda *args: None)
        monkeypatch.setattr(stopping.signal, "signal", lambda *args: None)
        yield
        stopping.forget()

    def test_a_visit_ends_after_the_post_in_hand_and_the_rest_is_queued(
        self, tiny, accounts, down, monkeypatch
    ) -> None:
        for number in range(200, 205):
            tiny.instance.add_post(str(number), likes=1)
        real = TinySource.likers

        def stop_in_the_second(self, post_id):
            if [what for what, _ in self.instance.asked].count("likers") == 1:
                stopping.ask()
            return real(self, post_id)

        monkeypatch.setattr(TinySource, "likers", stop_in_the_second)
        tasks.fetch_account.enqueue("tiny", accounts[2].pk)
        call_command("db_worker", batch=True, max_tasks=1, verbosity=0)
        stats = DBTaskResult.objects.successful().get(task_path=tasks.fetch_account.module_path).return_value
        assert (stats["posts_processed"], stats["work_left"]) == (2, True)
        work()
        assert TinyLike.objects.count() == 7

    def test_what_was_broken_off_is_queued_again_and_counts_in_its_run(
        self, tiny, accounts, down, monkeypatch
    ) -> None:
        real, broken = TinySource.likers, []

        def break_off_once(self, post_id):
            if not broken:
                broken.append(post_id)
                raise stopping.Stopped
            return real(self, post_id)

        monkeypatch.setattr(TinySource, "likers", break_off_once)
        run = run_hour(tiny)
        assert (run.accounts_processed, run.errors, run.total_new_likes) == (3, 0, 6)
        assert not AccountState.objects.exclude(lease_token="").exists()


def test_hosts_whose_visits_go_well_are_written_nothing_about(tiny, accounts, down) -> None:
    run_hour(tiny)
    assert not HostState.objects.exclude(failures_count=0).exists()
    assert hosts.check("bad.example") is None
