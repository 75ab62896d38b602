"""Every hour: open a run, queue the accounts that are due, tidy up, and leave the task for the next hour.

That deferred task is the schedule; there is no other process (docs/decisions/0009-the-schedule-is-a-task.md).
"""

from __future__ import annotations

import logging
import sys
import threading
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import close_old_connections, connection
from django.db.models import Q
from django.tasks import Task
from django.utils import timezone

from analytics_core import schedule, tasks
from analytics_core.models import AccountState, Departure, Export, SyncRun
from analytics_core.platforms import Platform
from postflow import limits

logger = logging.getLogger(__name__)

# Longer than any task of ours may take (fetcher.LONGEST_SECONDS and one last request).
LONGEST_TASK = timedelta(minutes=15)
SERVERS = ("gunicorn", "uvicorn", "hypercorn", "daphne", "granian", "waitress-serve")
SERVING_COMMANDS = ("runserver", "db_worker")


def ensure_scheduled(task: Task) -> bool:
    """Queue the task for the next full hour unless it waits already. Returns whether it is new."""
    run_after = schedule.next_full_hour(timezone.now())
    backend: Any = task.get_backend()
    if hasattr(backend, "enqueue_once"):
        return backend.enqueue_once(task, run_after=run_after)
    # Another backend: it defers too, and keeps no two of them apart.
    task.using(run_after=run_after).enqueue()
    return True


def clear_schedule(task: Task) -> int | None:
    """Remove the task from the queue.

    Returns:
        How many times it was waiting; None: this task backend cannot take a task back.
    """
    backend: Any = task.get_backend()
    return backend.waiting(task).delete()[0] if hasattr(backend, "waiting") else None


def run_hour(platform: Platform, task: Task) -> dict[str, Any]:
    """Queue a visit to every account that is due, and the task itself for the next hour.

    Returns:
        The run's counts so far, by the names of US-7.1: they grow as the accounts finish.
    """
    # First, so that no failure below can end the chain.
    ensure_scheduled(task)
    tidy_up(task)
    if Export.objects.exists() or Departure.objects.exists():
        # A task of its own: a store of files in trouble must not keep anybody's account from being read.
        tasks.tend_requests.enqueue()
    if settings.KEEP_ENGAGEMENT_DAYS and not _has_run_today(platform):
        tasks.cover_old_names.enqueue(platform.name)
    platform.find_accounts()
    accounts = due_accounts(platform)
    run = SyncRun.objects.create(
        platform=platform.name,
        accounts_due=len(accounts),
        finished_at=None if accounts else timezone.now(),
    )
    for account_id in accounts:
        tasks.fetch_account.enqueue(platform.name, account_id, run.pk)
    logger.info("%s: %s accounts are due", platform.name, len(accounts))
    run.refresh_from_db()
    return run.result()


def due_accounts(platform: Platform) -> list[int]:
    """Return the ids of the active accounts whose time has come.

    Of one host's accounts the one that waits longest is first; hosts take turns (`schedule.spread`).
    """
    now = timezone.now()
    states = AccountState.objects.filter(platform=platform.name)
    waiting = dict(
        states.filter(Q(next_due_at=None) | Q(next_due_at__lte=now)).values_list("account_id", "next_due_at")
    )
    not_due = set(states.filter(next_due_at__gt=now).values_list("account_id", flat=True))
    active = platform.active_accounts().values_list("pk", "instance_url")
    never = datetime.min.replace(tzinfo=now.tzinfo)
    by_instance = defaultdict(list)
    for pk, instance_url in sorted(active, key=lambda pair: (waiting.get(pair[0]) or never, pair[0])):
        if pk not in not_due:
            by_instance[instance_url].append(pk)
    return schedule.spread(by_instance.values())


def tidy_up(task: Task) -> None:
    """Fail what dead workers left behind, and delete old results, runs and counts of tries.

    settings.KEEP_TASK_RESULTS_DAYS and KEEP_RUNS_DAYS say how old.
    """
    backend: Any = task.get_backend()
    if hasattr(backend, "fail_abandoned"):
        abandoned_count = backend.fail_abandoned(running_longer_than=LONGEST_TASK)
        if abandoned_count:
            logger.warning("%s tasks of dead workers failed", abandoned_count)
        backend.prune(finished_longer_than=timedelta(days=settings.KEEP_TASK_RESULTS_DAYS))
    oldest_at = timezone.now() - timedelta(days=settings.KEEP_RUNS_DAYS)
    SyncRun.objects.filter(started_at__lt=oldest_at).delete()
    # A run whose tasks were lost would stay open for ever.
    abandoned = SyncRun.objects.filter(finished_at=None, started_at__lt=timezone.now() - timedelta(hours=6))
    abandoned.update(finished_at=timezone.now())
    limits.forget_ended()


def _has_run_today(platform: Platform) -> bool:
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return SyncRun.objects.filter(platform=platform.name, started_at__gte=midnight).exists()


def is_serving(argv: Sequence[str]) -> bool:
    """Tell whether this command line serves pages or works off tasks."""
    program = PurePath(argv[0]).name if argv else ""
    if program in SERVERS:
        return True
    # `python -m gunicorn` starts a file of that package.
    if program == "__main__.py" and PurePath(argv[0]).parent.name in SERVERS:
        return True
    return (
        len(argv) > 1
        and program in ("manage.py", "django-admin", "__main__.py")
        and argv[1] in SERVING_COMMANDS
    )


def schedule_when_serving(task: Task) -> None:
    """In a process that serves, queue the task once Django is ready. A failure is a warning in the log.

    settings.SKIP_AUTO_SCHEDULE keeps it from doing so.
    """
    if settings.SKIP_AUTO_SCHEDULE or not is_serving(sys.argv):
        return
    # Apps may not touch the database while they load, so this waits beside them.
    threading.Thread(target=_schedule_when_ready, args=(task,), daemon=True).start()


def _schedule_when_ready(task: Task) -> None:
    apps.ready_event.wait()
    try:
        if ensure_scheduled(task):
            logger.info("%s is scheduled for the next full hour", task.name)
    # Whatever it is, the pages are to be served.
    except Exception as error:
        logger.warning("%s could not be scheduled: %s", task.name, error)
    finally:
        close_old_connections()
        connection.close()
