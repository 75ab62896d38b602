"""`manage.py sync_pixelfed_posts`: list posts and their counters, by hand (US-6.1)."""

from __future__ import annotations

import argparse
from typing import Any

from analytics_pixelfed.management.base import AccountCommand


class Command(AccountCommand):
    """Lists the newest posts of accounts."""

    help = "List posts with media of connected Pixelfed accounts, with their counters."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the options of US-6.1."""
        super().add_arguments(parser)
        parser.add_argument(
            "--limit", type=int, default=40, help="posts per request, at most 40 (default: 40)"
        )
        parser.add_argument(
            "--max-posts", type=int, default=100, help="newest posts per account (default: 100)"
        )

    def handle(self, **options: Any) -> None:
        """Sync the chosen accounts."""
        self.check_selection(options, "account_id", "all")
        self.check_counts(options, "limit", "max_posts")
        self.go_through(
            self.chosen_accounts(options),
            lambda fetcher, progress: fetcher.sync_account_posts(
                limit=options["limit"], max_posts=options["max_posts"], progress=progress
            ),
            say=lambda stats: (
                f"Synced {stats['posts_synced']} post{'' if stats['posts_synced'] == 1 else 's'}, "
                f"{stats['posts_created']} of them new"
            ),
        )
