"""Task backends with two more options: `@task(max_retries=2, retry_delay=300)`.

A run that fails is queued again as a row of its own, so every attempt and its traceback stay visible in the
results table. How many there were stands in the row's JSON beside the arguments; the task never sees it.
"""

import logging
import math
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import SuspiciousOperation
from django.db import DatabaseError
from django.db.models import Q
from django.tasks.backends.base import BaseTaskBackend
from django.tasks.backends.immediate import ImmediateBackend
from django.tasks.base import Task, TaskResult, TaskResultStatus
from django.tasks.exceptions import InvalidTask
from django.tasks.signals import task_enqueued
from django.utils import timezone
from django_tasks_db.backend import DatabaseBackend

if TYPE_CHECKING:  # the backend is built before the models are loaded
    from django.db.models import QuerySet
    from django_tasks_db.models import DBTaskResult

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryingTask(Task):
    """A task that is tried up to `max_retries` more times, each `retry_delay` seconds after a failure."""

    max_retries: int = 0
    retry_delay: float = 0


class _RetryOptions(BaseTaskBackend):
    task_class = RetryingTask

    def validate_task(self, task: Task) -> None:
        """Raise InvalidTask for options that make no sense, when the task is defined."""
        super().validate_task(task)
        if getattr(task, "max_retries", 0) < 0:
            raise InvalidTask("max_retries must be zero or more.")
        if not 0 <= getattr(task, "retry_delay", 0) < math.inf:
            raise InvalidTask("retry_delay must be zero or more seconds.")


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


class WorkerDied(Exception):
    """The reason given for a task whose worker ended without a word."""


class RetryingDatabaseBackend(_RetryOptions, DatabaseBackend):
    """django-tasks-db's backend, trying failed tasks again, with a queue that can be tidied."""

    def enqueue_once(self, task: Task, *, run_after: datetime) -> bool:
        """Queue a task without arguments for later, unless it waits already. Returns whether it is new.

        Two calls at once make one row: its id follows from the task and the moment.
        """
        from django_tasks_db.models import DBTaskResult

        self.validate_task(task)
        if self.waiting(task).exists():
            return False
        _, is_new = DBTaskResult.objects.get_or_create(
            id=uuid.uuid5(uuid.NAMESPACE_URL, f"{task.module_path}@{run_after.timestamp():.0f}"),
            defaults={
                "args_kwargs": {"args": [], "kwargs": {}},
                "priority": task.priority,
                "task_path": task.module_path,
                "queue_name": task.queue_name,
                "backend_name": self.alias,
                "run_after": run_after,
            },
        )
        return is_new

    def waiting(self, task: Task) -> "QuerySet[DBTaskResult]":
        """Return the rows of a task that wait for a worker or for their time."""
        from django_tasks_db.models import DBTaskResult

        return DBTaskResult.objects.filter(
            task_path=task.module_path, backend_name=self.alias, status=TaskResultStatus.READY
        )

    def find(self, ids: Iterable[str]) -> "dict[str, DBTaskResult]":
        """Return the rows of these tasks by id, as far as there are any: results are not kept for ever."""
        from django_tasks_db.models import DBTaskResult

        return {str(row.pk): row for row in DBTaskResult.objects.filter(pk__in=[*filter(_is_uuid, ids)])}

    def is_queued(self, task: Task, *args: Any, lasts_at_most: timedelta) -> bool:
        """Tell whether a task with exactly these arguments waits or runs.

        One that runs for longer than `lasts_at_most` has lost its worker.
        """
        from django_tasks_db.models import DBTaskResult

        rows = DBTaskResult.objects.filter(
            task_path=task.module_path, backend_name=self.alias, args_kwargs__args=list(args)
        )
        runs = Q(status=TaskResultStatus.RUNNING, started_at__gte=timezone.now() - lasts_at_most)
        return rows.filter(Q(status=TaskResultStatus.READY) | runs).exists()

    def forget(self, task: Task, *args: Any) -> "list[list[Any]]":
        """Delete the rows of a task whose first arguments are these, save those that run at this moment.

        An argument that is a list stands for any of its values.

        Returns:
            The arguments of each that was still waiting.
        """
        from django_tasks_db.models import DBTaskResult

        of_it = {
            f"args_kwargs__args__{place}" + ("__in" if isinstance(value, list) else ""): value
            for place, value in enumerate(args)
        }
        rows = DBTaskResult.objects.filter(task_path=task.module_path, backend_name=self.alias, **of_it)
        waiting = []
        for row in rows.filter(status=TaskResultStatus.READY):
            # A worker may take it at this very moment.
            if rows.filter(pk=row.pk, status=TaskResultStatus.READY).delete()[0]:
                waiting.append(row.args_kwargs["args"])
        rows.exclude(status=TaskResultStatus.RUNNING).delete()
        return waiting

    def fail_abandoned(self, *, running_longer_than: timedelta) -> int:
        """Fail the tasks of workers that died, and queue their retries. Returns how many there were.

        `running_longer_than` is more than any task takes: a row does not tell whether its worker lives.
        """
        rows = self._running().filter(started_at__lt=timezone.now() - running_longer_than)
        return self._fail(rows, reason=f"The worker did not finish this within {running_longer_than}.")

    def fail_claimed(self, *, worker_id: str) -> int:
        """Fail what this worker claimed and does no more, and queue the retries. Returns how many."""
        rows = [row for row in self._running() if worker_id in row.worker_ids]
        return self._fail(rows, reason="The worker ended, or lost the database, before this was done.")

    def _running(self) -> "QuerySet[DBTaskResult]":
        from django_tasks_db.models import DBTaskResult

        return DBTaskResult.objects.filter(backend_name=self.alias, status=TaskResultStatus.RUNNING)

    def _fail(self, rows: "Iterable[DBTaskResult]", *, reason: str) -> int:
        failed_count = 0
        for row in rows:
            # The worker may finish it at this very moment: whoever changes the status first has it.
            failed_count += (
                self._running()
                .filter(pk=row.pk)
                .update(
                    status=TaskResultStatus.FAILED,
                    finished_at=timezone.now(),
                    exception_class_path=f"{__name__}.WorkerDied",
                    traceback=reason,
                )
            )
            row.refresh_from_db()
            retry_failed(row)
        return failed_count

    def prune(self, *, finished_longer_than: timedelta) -> int:
        """Delete the rows of tasks that ended so long ago. Returns how many there were."""
        from django_tasks_db.models import DBTaskResult

        finished_before = timezone.now() - finished_longer_than
        finished = DBTaskResult.objects.filter(
            backend_name=self.alias, status__in=(TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED)
        )
        return finished.filter(finished_at__lt=finished_before).delete()[0]


class RetryingImmediateBackend(_RetryOptions, ImmediateBackend):
    """Runs a task where it is enqueued, once; a task for later is not run at all.

    Running those too would never end: the hourly task enqueues itself for the next hour.
    """

    supports_defer = True

    def _execute_task(self, task_result: TaskResult) -> None:
        if task_result.task.run_after is None:
            super()._execute_task(task_result)  # type: ignore[misc]  # missing in the stubs


def attempt_number(row: "DBTaskResult") -> int:
    """Return the number of this attempt, from 1 to the task's `max_retries` + 1."""
    return int(row.args_kwargs.get("attempt", 1))


def retry_failed(row: "DBTaskResult") -> "DBTaskResult | None":
    """Queue the next attempt of a failed row; None if its task allows no more. Safe to call twice.

    Whatever ended the run counts, SystemExit included: a worker stopped by force leaves work undone that
    nobody else would take up, and every task is safe to repeat.
    """
    from django_tasks_db.models import DBTaskResult

    try:
        task = row.task
    except (ImportError, SuspiciousOperation):  # the code it belonged to is gone
        return None
    attempt = attempt_number(row)
    if (
        row.status != TaskResultStatus.FAILED
        or not isinstance(task, RetryingTask)
        or attempt > task.max_retries
    ):
        return None
    # Its id follows from the failed row's, so a second call finds the row instead of making another.
    retry, is_new = DBTaskResult.objects.get_or_create(
        id=uuid.uuid5(row.id, "retry"),
        defaults={
            "args_kwargs": {**row.args_kwargs, "attempt": attempt + 1},
            "priority": row.priority,
            "task_path": row.task_path,
            "queue_name": row.queue_name,
            "backend_name": row.backend_name,
            "run_after": timezone.now() + timedelta(seconds=task.retry_delay),
        },
    )
    if is_new:
        task_enqueued.send(type(task.get_backend()), task_result=retry.task_result)
        logger.info("Task %s failed, retry %d of %d is queued", task.name, attempt, task.max_retries)
    return retry


def queue_retry(*, task_result: TaskResult, **kwargs: Any) -> None:
    """Receive `task_finished`: queue the next attempt of a run that failed.

    A worker killed between the failure and this leaves a failed row without a successor, which `retry_failed`
    mends. An error of the database is logged and not raised: it would take the worker down.
    """
    row = getattr(task_result, "db_result", None)
    if row is None or task_result.status != TaskResultStatus.FAILED:
        return
    try:
        retry_failed(row)
    except DatabaseError:
        logger.exception("Task %s failed and could not be queued again", row.task_name)
