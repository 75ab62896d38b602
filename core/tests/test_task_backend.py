"""A failed task is tried again, as often as it allows, and every attempt can be seen."""

import pickle
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
import time_machine
from django.core.management import call_command
from django.db import OperationalError
from django.tasks import TaskResultStatus, task
from django.tasks.exceptions import InvalidTask
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from core.task_backend import attempt_number, retry_failed
from core.tests import example_tasks

START = datetime(2026, 10, 5, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_calls_yet() -> None:
    example_tasks.calls.clear()


def work() -> None:
    call_command("db_worker", batch=True, interval=0, startup_delay=False, verbosity=0, reload=False)


def attempts() -> list[tuple[int, str]]:
    rows = DBTaskResult.objects.all()
    return sorted((attempt_number(row), str(row.status)) for row in rows)


@pytest.mark.django_db
class TestRetries:
    def test_a_failed_task_runs_again_after_its_delay_as_often_as_it_may(self) -> None:
        with time_machine.travel(START, tick=False) as clock:
            example_tasks.fails.enqueue(1, b="c")
            work()
            assert attempts() == [(1, "FAILED"), (2, "READY")]
            clock.shift(299)
            work()
            assert attempts() == [(1, "FAILED"), (2, "READY")]
            clock.shift(1)
            work()
            assert attempts() == [(1, "FAILED"), (2, "FAILED"), (3, "READY")]
            clock.shift(300)
            work()
            clock.shift(timedelta(days=7))
            work()
        assert attempts() == [(1, "FAILED"), (2, "FAILED"), (3, "FAILED")]
        assert example_tasks.calls == [((1,), {"b": "c"})] * 3

    def test_the_next_attempt_keeps_arguments_queue_and_priority(self) -> None:
        example_tasks.fails.using(priority=-7).enqueue([1, {"a": None}], b="c")
        work()
        first, second = DBTaskResult.objects.order_by("enqueued_at")
        for name in ("priority", "task_path", "queue_name", "backend_name"):
            assert getattr(second, name) == getattr(first, name), name
        assert second.priority == -7
        assert (second.task_result.args, second.task_result.kwargs) == ([[1, {"a": None}]], {"b": "c"})
        assert (second.traceback, second.worker_ids, second.started_at) == ("", [], None)

    def test_tasks_are_forgotten_by_their_first_arguments_save_one_that_runs(self) -> None:
        backend = example_tasks.fails.get_backend()
        for number in (1, 1, 2, 3):
            example_tasks.fails.enqueue("a", number, "more")
        example_tasks.fails.enqueue("b", 1)
        example_tasks.plain.enqueue()
        rows = DBTaskResult.objects.filter(args_kwargs__args__1=1, args_kwargs__args__0="a")
        rows.filter(pk=rows.first().pk).update(status=TaskResultStatus.RUNNING)
        DBTaskResult.objects.filter(args_kwargs__args__1=2).update(status=TaskResultStatus.SUCCESSFUL)
        assert backend.forget(example_tasks.fails, "a", 1) == [["a", 1, "more"]]
        assert backend.forget(example_tasks.fails, "a", [2, 3, 4]) == [["a", 3, "more"]]
        left = DBTaskResult.objects.values_list("status", "args_kwargs__args")
        assert sorted(left) == [("READY", []), ("READY", ["b", 1]), ("RUNNING", ["a", 1, "more"])]

    def test_success_ends_the_attempts(self) -> None:
        example_tasks.succeeds_at_third.enqueue(7)
        work()
        assert attempts() == [(1, "FAILED"), (2, "FAILED"), (3, "SUCCESSFUL")]
        assert DBTaskResult.objects.get(status="SUCCESSFUL").return_value == 7

    def test_a_task_without_the_option_is_not_repeated(self) -> None:
        example_tasks.plain.enqueue()
        work()
        assert attempts() == [(1, "FAILED")]

    def test_a_task_cut_by_a_forced_stop_is_repeated(self) -> None:
        example_tasks.exits.enqueue()
        work()
        assert attempts() == [(1, "FAILED"), (2, "FAILED")]

    def test_a_coroutine_is_repeated_too(self) -> None:
        example_tasks.fails_async.enqueue()
        work()
        assert attempts() == [(1, "FAILED"), (2, "READY")]

    def test_a_retry_is_queued_once_however_often_it_is_asked_for(self) -> None:
        result = example_tasks.fails.enqueue()
        work()
        row = DBTaskResult.objects.get(id=result.id)
        assert retry_failed(row) == retry_failed(row)
        assert attempts() == [(1, "FAILED"), (2, "READY")]

    def test_a_retry_lost_with_its_worker_can_be_made_up(self) -> None:
        with mock.patch("core.task_backend.retry_failed"):
            result = example_tasks.fails.enqueue()
            work()
        assert attempts() == [(1, "FAILED")]
        retry_failed(DBTaskResult.objects.get(id=result.id))
        assert attempts() == [(1, "FAILED"), (2, "READY")]

    def test_only_failed_rows_are_repeated(self) -> None:
        result = example_tasks.fails.enqueue()
        assert retry_failed(DBTaskResult.objects.get(id=result.id)) is None
        assert attempts() == [(1, "READY")]

    def test_a_task_whose_code_is_gone_is_not_repeated(self) -> None:
        result = example_tasks.fails.enqueue()
        DBTaskResult.objects.filter(id=result.id).update(task_path="core.tests.example_tasks.gone")
        work()
        assert attempts() == [(1, "FAILED")]

    def test_a_broken_database_does_not_take_the_worker_down(self, caplog: pytest.LogCaptureFixture) -> None:
        with mock.patch("core.task_backend.retry_failed", side_effect=OperationalError("locked")):
            example_tasks.fails.enqueue()
            example_tasks.plain.enqueue()
            work()
        assert attempts() == [(1, "FAILED"), (1, "FAILED")]
        assert "could not be queued again" in caplog.text


class TestOptions:
    def test_they_survive_using_and_pickling(self) -> None:
        later = example_tasks.fails.using(priority=9, run_after=timezone.now())
        for copy in (later, pickle.loads(pickle.dumps(later))):
            assert (copy.max_retries, copy.retry_delay, copy.priority) == (2, 300, 9)

    @pytest.mark.parametrize(
        "options", [{"max_retries": -1}, {"retry_delay": -1}, {"retry_delay": float("nan")}]
    )
    def test_nonsense_is_refused_when_the_task_is_defined(self, options: dict[str, Any]) -> None:
        with pytest.raises(InvalidTask):
            task(**options)(example_tasks.plain.func)

    def test_other_options_are_refused(self) -> None:
        with pytest.raises(TypeError):
            task(retries=2)(example_tasks.plain.func)


class TestImmediateBackend:
    @pytest.fixture(autouse=True)
    def _immediate(self, settings: Any) -> None:
        settings.TASKS = {"default": {"BACKEND": "core.task_backend.RetryingImmediateBackend"}}

    def test_the_options_are_taken_and_the_task_runs_once(self) -> None:
        again = task(priority=5, max_retries=2, retry_delay=300)(example_tasks.fails.func)
        assert (again.max_retries, again.retry_delay) == (2, 300)
        assert again.enqueue().status == TaskResultStatus.FAILED
        assert example_tasks.fails.enqueue().status == TaskResultStatus.FAILED
        assert len(example_tasks.calls) == 2

    def test_a_task_for_later_is_not_run(self) -> None:
        result = example_tasks.plain.using(run_after=timezone.now() + timedelta(hours=1)).enqueue()
        assert result.status == TaskResultStatus.READY
        assert example_tasks.calls == []
