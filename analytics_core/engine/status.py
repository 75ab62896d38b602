"""How the whole installation is doing: for the operator's command and page, and for a monitor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Min
from django.tasks import Task
from django.utils import timezone

from analytics_core import platforms
from analytics_core.models import AccountState, HostState, SyncRun
from analytics_core.schedule import LATE_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformStatus:
    """One platform's accounts and its last run."""

    label: str
    accounts_count: int
    active_count: int
    failing_count: int
    oldest_due_at: datetime | None
    last_run: SyncRun | None
    is_scheduled: bool | None
    """None: this task backend does not tell."""

    def is_late(self, now: datetime) -> bool:
        """Tell whether an account that is to be read has been due for too long."""
        due_at = self.oldest_due_at
        return self.active_count > 0 and due_at is not None and now - due_at > LATE_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Everything together. `complaints` are sentences about what is late; empty: all is well."""

    platforms: Sequence[PlatformStatus]
    blocked_hosts: Sequence[HostState]
    waiting_tasks_count: int | None
    complaints: Sequence[str] = field(default_factory=list)


def current_status() -> Status:
    """Look at accounts, hosts, runs and the queue. A handful of queries, whatever the number of accounts."""
    found = [_platform_status(platform) for platform in platforms.all_platforms()]
    now = timezone.now()
    return Status(
        platforms=found,
        blocked_hosts=list(HostState.objects.filter(blocked_until_at__gt=now).order_by("blocked_until_at")),
        waiting_tasks_count=_waiting_tasks_count(now),
        complaints=[complaint for status in found for complaint in _complaints(status, now)],
    )


def _platform_status(platform: platforms.Platform) -> PlatformStatus:
    active = platform.active_accounts()
    states = AccountState.objects.filter(platform=platform.name, account_id__in=active.values("pk"))
    return PlatformStatus(
        label=platform.label,
        accounts_count=platform.accounts().count(),
        active_count=active.count(),
        failing_count=states.filter(failures_count__gt=0).count(),
        oldest_due_at=states.aggregate(oldest=Min("next_due_at"))["oldest"],
        last_run=SyncRun.objects.filter(platform=platform.name).first(),
        is_scheduled=_is_scheduled(platform.hourly_task),
    )


def _is_scheduled(task: Task | None) -> bool | None:
    backend: Any = task.get_backend() if task is not None else None
    return backend.waiting(task).exists() if hasattr(backend, "waiting") else None


def _waiting_tasks_count(now: datetime) -> int | None:
    """Count the tasks that could run now, where the tasks' table is ours to look at."""
    from django.apps import apps

    if not apps.is_installed("django_tasks_db"):
        return None
    from django_tasks_db.models import DBTaskResult

    return DBTaskResult.objects.ready().count()


def _complaints(status: PlatformStatus, now: datetime) -> list[str]:
    """Say what is late on a platform that has accounts to read."""
    if not status.active_count:
        return []
    complaints = []
    if status.is_scheduled is False:
        complaints.append(f"{status.label}: the next hour is not scheduled; start a worker (db_worker).")
    if status.oldest_due_at is not None and status.is_late(now):
        since = timezone.localtime(status.oldest_due_at)
        complaints.append(f"{status.label}: an account has been due since {since:%Y-%m-%d %H:%M}.")
    if status.last_run is not None and now - status.last_run.started_at > LATE_AFTER:
        at = timezone.localtime(status.last_run.started_at)
        complaints.append(f"{status.label}: the last hourly run began at {at:%Y-%m-%d %H:%M}.")
    return complaints
