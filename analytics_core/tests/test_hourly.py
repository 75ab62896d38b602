"""The hour: who is due, what it adds up to, and that exactly one task waits for the next."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.tasks import default_task_backend
from django_tasks_db.models import DBTaskResult

from analytics_core import platforms
from analytics_core.engine import hourly
from analytics_core.models import AccountState, SyncRun
from analytics_pixelfed.tasks import fetch_all_pixelfed_engagement
from core.task_backend import RetryingDatabaseBackend
from tests.tiny.models import TinyAccount, TinyLike

pytestmark = pytest.mark.django_db(transaction=True)

HALF_PAST = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
ONE = datetime(2026, 3, 10, 13, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def clock():
    with time_machine.travel(HALF_PAST, tick=False) as traveller:
        yield traveller


def waiting() -> list[datetime]:
    return list(
        default_task_backend.waiting(fetch_all_pixelfed_engagement).values_list("run_after", flat=True)
    )


def work() -> None:
    call_command("db_worker", batch=True, verbosity=0)


class TestSchedule:
    def test_the_task_waits_for_the_next_full_hour_once(self, clock) -> None:
        assert hourly.ensure_scheduled(fetch_all_pixelfed_engagement)
        assert not hourly.ensure_scheduled(fetch_all_pixelfed_engagement)
        assert waiting() == [ONE]

    def test_two_at_once_make_one(self, clock, monkeypatch) -> None:
        # Neither sees the other's row when it looks.
        monkeypatch.setattr(
            RetryingDatabaseBackend, "waiting", lambda self, task: DBTaskResult.objects.none()
        )
        made = [hourly.ensure_scheduled(fetch_all_pixelfed_engagement) for _ in range(2)]
        assert made == [True, False]
        assert DBTaskResult.objects.count() == 1

    def test_a_run_leaves_the_next_hour_behind(self, clock) -> None:
        fetch_all_pixelfed_engagement.enqueue()
        work()
        assert waiting() == [ONE]
        clock.move_to(ONE)
        work()
        assert waiting() == [ONE + HOUR]

    def test_a_worker_that_was_down_for_five_hours_runs_once_and_then_at_the_next_hour(self, clock) -> None:
        hourly.ensure_scheduled(fetch_all_pixelfed_engagement)
        clock.move_to(ONE + 5 * HOUR + timedelta(minutes=20))
        hourly.ensure_scheduled(fetch_all_pixelfed_engagement)
        work()
        assert SyncRun.objects.count() == 1
        assert waiting() == [ONE + 6 * HOUR]

    def test_a_failing_hour_does_not_end_the_chain(self, clock, monkeypatch) -> None:
        monkeypatch.setattr(hourly, "due_accounts", lambda platform: 1 / 0)
        fetch_all_pixelfed_engagement.enqueue()
        work()
        assert DBTaskResult.objects.failed().count() == 1
        # The next hour, and the retry in five minutes.
        assert sorted(waiting()) == [HALF_PAST + timedelta(minutes=5), ONE]

    def test_the_command_schedules_and_clears(self, clock, capsys) -> None:
        call_command("schedule_pixelfed_analytics")
        call_command("schedule_pixelfed_analytics")
        assert waiting() == [ONE]
        call_command("schedule_pixelfed_analytics", clear=True)
        assert waiting() == []
        call_command("schedule_pixelfed_analytics", clear=True)
        said = capsys.readouterr().out.splitlines()
        assert said == [
            "Scheduled for 13:00 and every full hour after.",
            "It is scheduled already.",
            "The schedule is cleared.",
            "There was no schedule to clear.",
        ]

    def test_the_task_has_the_options_it_is_known_for(self) -> None:
        task = fetch_all_pixelfed_engagement
        assert (task.queue_name, task.priority, task.max_retries, task.retry_delay) == ("default", 5, 2, 300)


class TestServing:
    @pytest.mark.parametrize(
        ("argv", "serves"),
        [
            (["manage.py", "runserver"], True),
            (["manage.py", "db_worker", "--batch"], True),
            (["/srv/.venv/bin/gunicorn", "core.wsgi"], True),
            (["/lib/python3.13/site-packages/gunicorn/__main__.py", "core.wsgi"], True),
            (["uvicorn", "core.asgi:application"], True),
            (["manage.py", "migrate"], False),
            (["manage.py", "shell"], False),
            (["manage.py", "sync_pixelfed_posts", "--all"], False),
            (["manage.py"], False),
            (["/usr/bin/pytest"], False),
            (["-c"], False),
            ([], False),
        ],
    )
    def test_only_serving_processes_schedule(self, argv, serves) -> None:
        assert hourly.is_serving(argv) is serves

    def test_a_serving_process_schedules_unless_told_not_to(self, clock, monkeypatch, settings) -> None:
        monkeypatch.setattr("sys.argv", ["manage.py", "runserver"])
        started = []
        monkeypatch.setattr(
            hourly.threading, "Thread", lambda target, args, daemon: _Started(started, target, args)
        )
        hourly.schedule_when_serving(fetch_all_pixelfed_engagement)
        assert started == [(fetch_all_pixelfed_engagement,)]
        settings.SKIP_AUTO_SCHEDULE = True
        hourly.schedule_when_serving(fetch_all_pixelfed_engagement)
        assert len(started) == 1

    def test_a_failure_to_schedule_is_a_warning(self, monkeypatch, caplog) -> None:
        monkeypatch.setattr(hourly, "close_old_connections", lambda: None)
        monkeypatch.setattr(hourly.connection, "close", lambda: None)
        monkeypatch.setattr(hourly, "ensure_scheduled", lambda task: 1 / 0)
        hourly._schedule_when_ready(fetch_all_pixelfed_engagement)
        assert "fetch_all_pixelfed_engagement could not be scheduled: division by zero" in caplog.text


class _Started:
    def __init__(self, started, target, args) -> None:
        self.start = lambda: started.append(args)


class TestRun:
    @pytest.fixture
    def run_hour(self, tiny, clock):
        def run(at: datetime) -> SyncRun:
            clock.move_to(at)
            hourly.run_hour(tiny, fetch_all_pixelfed_engagement)
            work()
            return SyncRun.objects.filter(platform="tiny").first()

        return run

    @pytest.fixture
    def accounts(self, user, tiny) -> list[TinyAccount]:
        tiny.instance.add_post("100", likes=2)
        return [
            TinyAccount.objects.create(user=user, instance_url=f"https://{name}.example", username=name)
            for name in ("one", "two", "three")
        ]

    def test_a_run_adds_up_what_its_accounts_bring(self, run_hour, accounts) -> None:
        run = run_hour(HALF_PAST)
        assert run.result() == {
            "accounts_processed": 3,
            "posts_processed": 3,
            "total_new_likes": 6,
            "total_new_comments": 0,
            "total_new_shares": 0,
            "errors": 0,
            "requests": 15,
        }
        assert (run.accounts_due, run.finished_at) == (3, HALF_PAST)

    def test_a_failed_account_is_an_error_and_not_a_success(self, run_hour, accounts, tiny) -> None:
        tiny.instance.failures["profile"] = [platforms.WrongAnswer("one.example answered nonsense.")]
        run = run_hour(HALF_PAST)
        assert (run.accounts_processed, run.errors, run.total_new_likes) == (3, 1, 4)
        assert run.finished_at is not None

    def test_nobody_is_visited_twice_an_hour(self, run_hour, accounts, tiny) -> None:
        run_hour(HALF_PAST)
        assert run_hour(HALF_PAST + timedelta(minutes=5)).accounts_due == 0
        assert run_hour(ONE).accounts_due == 3

    def test_an_account_that_an_hour_before_was_late_with_is_visited_once(
        self, tiny, accounts, clock
    ) -> None:
        for _ in range(2):
            hourly.run_hour(tiny, fetch_all_pixelfed_engagement)
        work()
        assert [run.accounts_processed for run in SyncRun.objects.all()] == [3, 3]
        assert TinyLike.objects.count() == 6
        assert sum(1 for what, _ in tiny.instance.asked if what == "posts") == 6

    def test_paused_accounts_are_not_due(self, run_hour, accounts) -> None:
        accounts[0].state = "reconnect"
        accounts[0].save()
        assert run_hour(HALF_PAST).accounts_due == 2

    def test_the_account_that_waits_longest_is_first(self, tiny, accounts, clock) -> None:
        for account, minutes in zip(accounts, (5, 50), strict=False):
            AccountState.objects.create(
                platform="tiny", account_id=account.pk, next_due_at=HALF_PAST - timedelta(minutes=minutes)
            )
        assert hourly.due_accounts(tiny) == [accounts[2].pk, accounts[1].pk, accounts[0].pk]

    def test_a_run_without_accounts_ends_at_once(self, run_hour, tiny) -> None:
        assert run_hour(HALF_PAST).finished_at == HALF_PAST


class TestTidyingUp:
    def test_a_task_whose_worker_died_fails_and_is_tried_again(self, clock, user, tiny) -> None:
        from analytics_core.tasks import fetch_account

        fetch_account.enqueue("tiny", 1)
        row = DBTaskResult.objects.get()
        row.claim("a dead worker")
        clock.shift(timedelta(minutes=14))
        hourly.tidy_up(fetch_all_pixelfed_engagement)
        row.refresh_from_db()
        assert row.status == "RUNNING"
        clock.shift(timedelta(minutes=2))
        hourly.tidy_up(fetch_all_pixelfed_engagement)
        row.refresh_from_db()
        assert (row.status, row.exception_class_path) == ("FAILED", "core.task_backend.WorkerDied")
        assert "did not finish" in row.traceback
        assert default_task_backend.waiting(fetch_account).count() == 1

    def test_old_results_and_runs_are_deleted(self, clock, settings, tiny) -> None:
        settings.KEEP_TASK_RESULTS_DAYS, settings.KEEP_RUNS_DAYS = 2, 5
        hourly.run_hour(tiny, fetch_all_pixelfed_engagement)
        fetch_all_pixelfed_engagement.enqueue()
        work()
        assert DBTaskResult.objects.finished().count() == 1
        clock.shift(timedelta(days=3))
        hourly.tidy_up(fetch_all_pixelfed_engagement)
        assert DBTaskResult.objects.finished().count() == 0
        assert SyncRun.objects.count() == 2
        clock.shift(timedelta(days=3))
        hourly.tidy_up(fetch_all_pixelfed_engagement)
        assert SyncRun.objects.count() == 0
        assert len(waiting()) == 1, "what waits is never deleted"

    def test_a_run_whose_tasks_were_lost_is_closed(self, clock, tiny) -> None:
        SyncRun.objects.create(platform="tiny", accounts_due=5)
        clock.shift(timedelta(hours=7))
        hourly.tidy_up(fetch_all_pixelfed_engagement)
        assert SyncRun.objects.get().finished_at is not None


def test_the_engine_runs_on_another_task_backend(settings, tiny, user) -> None:
    settings.TASKS = {"default": {"BACKEND": "core.task_backend.RetryingImmediateBackend"}}
    tiny.instance.add_post("100", likes=2)
    TinyAccount.objects.create(user=user, instance_url="https://one.example", username="one")
    hourly.run_hour(tiny, fetch_all_pixelfed_engagement)
    assert SyncRun.objects.get().total_new_likes == 2
    assert not DBTaskResult.objects.exists()
    assert hourly.clear_schedule(fetch_all_pixelfed_engagement) is None
