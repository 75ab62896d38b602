"""`manage.py rebuild_daily_totals`: make the totals by day anew, or prove that they are right."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics_core import platforms
from analytics_core.engine import ledger, recount
from analytics_core.models import Ledger


class Command(BaseCommand):
    """Counts every account's likes, comments and shares by day and person from the rows."""

    help = (
        "Make the totals by day anew from every like, comment and share. With --check change nothing, "
        "compare, and end with exit code 1 when something differs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --check."""
        parser.add_argument("--check", action="store_true", help="compare only; exit code 1 on a difference")

    def handle(self, **options: Any) -> None:
        """Rebuild or compare, account by account."""
        wrong = 0
        for platform in platforms.all_platforms():
            accounts = dict.fromkeys(platform.accounts().order_by("pk").values_list("pk", flat=True))
            gone = Ledger.objects.filter(platform=platform.name).exclude(account_id__in=accounts)
            if not options["check"]:
                gone.delete()
            for account_id in accounts:
                if not options["check"]:
                    ledger.rebuild(platform, account_id)
                elif words := recount.difference(platform, account_id):
                    wrong += 1
                    self.stdout.write(f"{platform.name} account {account_id}: {words}.")
            count, done = len(accounts), "compared" if options["check"] else "counted anew"
            self.stdout.write(f"{platform.label}: {count:,} account{'' if count == 1 else 's'} {done}.")
        if wrong:
            raise CommandError(f"Totals that differ: {wrong}. Run rebuild_daily_totals without --check.")
