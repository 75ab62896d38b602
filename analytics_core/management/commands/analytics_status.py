"""`manage.py analytics_status`: how the hourly work is doing, with an exit code for cron and monitors."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from analytics_core.engine.status import PlatformStatus, current_status


class Command(BaseCommand):
    """Prints the state of accounts, hosts, runs and the queue; exit code 1 when something is late."""

    help = "Show how the hourly work is doing. Ends with exit code 1 when something is late."

    def handle(self, **options: Any) -> None:
        """Print the status."""
        status = current_status()
        for platform in status.platforms:
            self._write_platform(platform)
        for host in status.blocked_hosts:
            until = timezone.localtime(host.blocked_until_at)
            self.stdout.write(f"{host.host} is left alone until {until:%H:%M}: {host.message}")
        if status.waiting_tasks_count is not None:
            self.stdout.write(f"Tasks that could run now: {status.waiting_tasks_count}")
        if status.complaints:
            raise CommandError("\n".join(status.complaints))
        self.stdout.write(self.style.SUCCESS("Nothing is late."))

    def _write_platform(self, platform: PlatformStatus) -> None:
        inactive_count = platform.accounts_count - platform.active_count
        self.stdout.write(
            f"{platform.label}: {platform.active_count} accounts active, "
            f"{platform.failing_count} of them failing; {inactive_count} paused or waiting to be reconnected"
        )
        if platform.oldest_due_at is not None:
            self.stdout.write(f"  next due: {timezone.localtime(platform.oldest_due_at):%Y-%m-%d %H:%M}")
        run = platform.last_run
        if run is not None:
            state = "done" if run.finished_at else "under way"
            self.stdout.write(
                f"  last run: {timezone.localtime(run.started_at):%Y-%m-%d %H:%M}, {state}, "
                f"{run.accounts_processed} of {run.accounts_due} accounts, {run.total_new_likes} new likes, "
                f"{run.errors} errors, {run.requests} requests"
            )
