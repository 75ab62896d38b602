"""`manage.py schedule_pixelfed_analytics`: the hourly task, by hand (US-7.3)."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from analytics_core import schedule
from analytics_core.engine import hourly
from analytics_pixelfed.tasks import fetch_all_pixelfed_engagement


class Command(BaseCommand):
    """Schedules the hourly task, once however often it is called."""

    help = "Read all Pixelfed accounts every full hour. A worker (db_worker) has to run."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add --clear."""
        parser.add_argument("--clear", action="store_true", help="remove the schedule instead")

    def handle(self, **options: Any) -> None:
        """Schedule or clear."""
        if options["clear"]:
            removed_count = hourly.clear_schedule(fetch_all_pixelfed_engagement)
            if removed_count is None:
                raise CommandError("This task backend cannot take a waiting task back.")
            text = "The schedule is cleared." if removed_count else "There was no schedule to clear."
            self.stdout.write(self.style.SUCCESS(text))
            return
        is_new = hourly.ensure_scheduled(fetch_all_pixelfed_engagement)
        at = timezone.localtime(schedule.next_full_hour(timezone.now()))
        text = (
            f"Scheduled for {at:%H:%M} and every full hour after." if is_new else "It is scheduled already."
        )
        self.stdout.write(self.style.SUCCESS(text))
