"""The worker waits for a database that is away, and does again what it was doing."""

import os
import signal
import threading
from contextlib import nullcontext
from unittest import mock

import pytest
from django.core.management import call_command, get_commands
from django.db import OperationalError, connection
from django_tasks_db.models import DBTaskResult

from core.management.commands import db_worker
from core.tests import example_tasks


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    example_tasks.calls.clear()
    monkeypatch.setattr(db_worker, "LOOK_AGAIN_SECONDS", 0)
    # The connection of a test cannot be opened again.
    monkeypatch.setattr(db_worker.connections, "close_all", lambda: None)


def work() -> None:
    call_command("db_worker", batch=True, interval=0, startup_delay=False, verbosity=0, reload=False)


def test_the_worker_is_ours() -> None:
    assert get_commands()["db_worker"] == "core"


@pytest.mark.django_db
def test_a_database_that_is_away_for_a_while_ends_nothing(caplog) -> None:
    example_tasks.fails.enqueue(1, b="c")
    real, failures = (
        DBTaskResult.objects.ready,
        [OperationalError("password=secret"), OperationalError("gone")],
    )

    def ready():
        if failures:
            raise failures.pop(0)
        return real()

    with mock.patch.object(type(DBTaskResult.objects), "ready", side_effect=ready):
        work()
    assert example_tasks.calls == [((1,), {"b": "c"})]
    assert caplog.text.count("The database does not answer (OperationalError)") == 2
    assert "secret" not in caplog.text


@pytest.mark.django_db
def test_a_batch_does_not_wait_for_ever(monkeypatch) -> None:
    monkeypatch.setattr(db_worker, "BATCH_TRIES", 3)
    with (
        mock.patch.object(type(DBTaskResult.objects), "ready", side_effect=OperationalError("gone")),
        mock.patch.object(db_worker.Worker, "_fail_own_tasks"),
        pytest.raises(OperationalError),
    ):
        work()


@pytest.fixture
def own_signals():
    """The worker takes signals for itself: give them back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def work_until_told(monkeypatch) -> None:
    monkeypatch.setattr(db_worker.beats, "heart", lambda worker_id: nullcontext())
    call_command("db_worker", interval=60, startup_delay=False, verbosity=0, reload=False)


@pytest.mark.django_db
@pytest.mark.usefixtures("own_signals")
def test_told_to_stop_while_the_database_is_away_it_ends_well(monkeypatch) -> None:
    def ready():
        os.kill(os.getpid(), signal.SIGTERM)
        raise OperationalError("gone")

    with (
        mock.patch.object(type(DBTaskResult.objects), "ready", side_effect=ready),
        mock.patch.object(db_worker.Worker, "_fail_own_tasks", side_effect=OperationalError("gone")),
    ):
        work_until_told(monkeypatch)


@pytest.mark.django_db
@pytest.mark.usefixtures("own_signals")
def test_told_to_stop_when_the_database_failed_below_a_task_it_gives_that_back(monkeypatch) -> None:
    row_id = example_tasks.fails.enqueue(1, b="c").id

    def set_failed(self, error):
        os.kill(os.getpid(), signal.SIGTERM)
        raise OperationalError("gone")

    with mock.patch.object(DBTaskResult, "set_failed", set_failed):
        work_until_told(monkeypatch)
    assert DBTaskResult.objects.get(pk=row_id).status == "FAILED"
    assert DBTaskResult.objects.filter(status="READY").count() == 1


@pytest.mark.django_db
@pytest.mark.usefixtures("own_signals")
def test_told_to_stop_within_a_statement_it_ends_that_and_what_it_took(monkeypatch) -> None:
    example_tasks.fails.enqueue(1, b="c")
    statements = []

    def tell(execute, sql, params, many, context):
        answer = execute(sql, params, many, context)
        if "django_tasks" in sql:
            statements.append(sql)
            if len(statements) == 1:
                # The handler runs before this returns: an end here and now would be one within the statement.
                os.kill(os.getpid(), signal.SIGTERM)
        return answer

    with connection.execute_wrapper(tell):
        work_until_told(monkeypatch)
    assert example_tasks.calls == [((1,), {"b": "c"})]


@pytest.mark.django_db
@pytest.mark.usefixtures("own_signals")
def test_told_to_stop_while_it_sleeps_it_ends_at_once(monkeypatch) -> None:
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    with pytest.raises(SystemExit) as ended:
        work_until_told(monkeypatch)
    assert ended.value.code == 0


@pytest.mark.django_db
def test_what_it_was_doing_is_failed_and_queued_again() -> None:
    row_id = example_tasks.fails.enqueue(1, b="c").id
    other_id = example_tasks.fails.enqueue(2, b="c").id
    DBTaskResult.objects.get(pk=other_id).claim("another worker")
    real = DBTaskResult.set_failed
    failures = [OperationalError("gone")]

    def set_failed(self, error):
        if failures:
            raise failures.pop(0)
        real(self, error)

    with mock.patch.object(DBTaskResult, "set_failed", set_failed):
        work()
    row = DBTaskResult.objects.get(pk=row_id)
    assert (row.status, row.exception_class_path) == ("FAILED", "core.task_backend.WorkerDied")
    assert DBTaskResult.objects.filter(status="READY").count() == 1
    assert DBTaskResult.objects.get(pk=other_id).status == "RUNNING", "another worker is at it"
