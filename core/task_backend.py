"""Task backends with two more options: `@task(max_retries=2, retry_delay=300)`.

A run that fails is queued again as a row of its own, so every attempt and its traceback stay visible in the
results table. How many there were stands in the row's JSON beside the arguments; the task never sees it.
"""

import logging
import math
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import SuspiciousOperation
from django.db import DatabaseError
from django.tasks.backends.base import BaseTaskBackend
from django.tasks.backends.immediate import ImmediateBackend
from django.tasks.base import Task, TaskResult, TaskResultStatus
from django.tasks.exceptions import InvalidTask
from django.tasks.signals import task_enqueued
from django.utils import timezone
from django_tasks_db.backend import DatabaseBackend

if TYPE_CHECKING:  # the backend is built before the models are loaded
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


class RetryingDatabaseBackend(_RetryOptions, DatabaseBackend):
    """django-tasks-db's backend, trying failed tasks again."""


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
