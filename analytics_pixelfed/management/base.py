"""What the commands of this app share: choosing accounts, going through them, saying how it went."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analytics_core import platforms
from analytics_core.console import ConsoleProgress, quiet_log
from analytics_core.fetcher import AccountBusy
from analytics_core.platforms import PlatformError
from analytics_pixelfed.services import PixelfedAnalyticsFetcher
from pixelfed.models import MastodonAccount

HIGHEST_COUNT = 1_000_000

Work = Callable[[PixelfedAnalyticsFetcher, ConsoleProgress], dict[str, Any]]


class AccountCommand(BaseCommand):
    """A command that reads one account or all of them.

    Ends with exit code 1 if anything failed, after everything else was done.
    """

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add --account-id and --all."""
        parser.add_argument("--account-id", type=int, metavar="ID", help="one account, by its id in PostFlow")
        parser.add_argument("--all", action="store_true", help="all active Pixelfed accounts")

    def check_counts(self, options: dict[str, Any], *names: str) -> None:
        """Refuse numbers below 1 and beyond a million."""
        for name in names:
            option = f"--{name.replace('_', '-')}"
            if options[name] < 1:
                raise CommandError(f"{option} has to be 1 or more, not {options[name]}.")
            if options[name] > HIGHEST_COUNT:
                raise CommandError(f"{option} has to be {HIGHEST_COUNT} or less, not {options[name]}.")

    def check_selection(self, options: dict[str, Any], *names: str) -> None:
        """Refuse none or several of the options that choose what to read."""
        given = [name for name in names if options[name] not in (None, False)]
        if len(given) != 1:
            choices = ", ".join(f"--{name.replace('_', '-')}" for name in names)
            raise CommandError(f"Say what to read: exactly one of {choices}.")

    def chosen_accounts(self, options: dict[str, Any]) -> list[MastodonAccount]:
        """Return the accounts that the options choose.

        Raises:
            CommandError: there is no such account.
        """
        accounts = MastodonAccount.objects.select_related("user")
        if options["all"]:
            platforms.get("pixelfed").find_accounts()
            left_out = accounts.pixelfed().exclude(state=MastodonAccount.State.ACTIVE)
            for account in left_out:
                self.stdout.write(
                    self.style.WARNING(f"- {account}: left out, {account.get_state_display().lower()}")
                )
            return list(accounts.pixelfed().active())
        chosen = accounts.filter(pk=options["account_id"]).first()
        if chosen is None:
            known = (
                ", ".join(f"{pk} ({name})" for pk, name in self._known_accounts()) or "none is connected yet"
            )
            raise CommandError(f"There is no account {options['account_id']}. Known: {known}.")
        return [chosen]

    def go_through(
        self, accounts: Iterable[MastodonAccount], work: Work, *, say: Callable[[dict[str, Any]], str]
    ) -> None:
        """Do `work` for each account, whatever happens to the others, and sum up.

        Raises:
            CommandError: at the end, if anything failed.
        """
        done, errors_count = 0, 0
        for account in accounts:
            progress = ConsoleProgress(self.stdout, str(account))
            try:
                with quiet_log():
                    stats = work(PixelfedAnalyticsFetcher(account), progress)
            except (AccountBusy, PlatformError) as error:
                stats = {"errors": 1, "message": str(error)}
            finally:
                progress.close()
            done += 1
            errors_count += stats["errors"]
            if stats["errors"]:
                self.stderr.write(self.style.WARNING(f"⚠ {account}: {stats['message']}"))
            if not stats["errors"] or any(stats[name] for name in stats if name not in ("errors", "message")):
                self.stdout.write(self.style.SUCCESS(f"✓ {account}: {say(stats)}"))
        if not done:
            self.stdout.write("No Pixelfed account is connected and active, so there was nothing to read.")
        accounts_text = "1 account" if done == 1 else f"{done} accounts"
        errors_text = "1 error" if errors_count == 1 else f"{errors_count} errors"
        if errors_count:
            raise CommandError(f"{accounts_text} read, {errors_text}.")
        self.stdout.write(self.style.SUCCESS(f"{accounts_text} read, no errors."))

    def _known_accounts(self) -> list[tuple[int, str]]:
        return [(account.pk, str(account)) for account in MastodonAccount.objects.all()[:10]]
