"""`manage.py fetch_pixelfed_engagement`: read likes, comments and shares, by hand (US-6.2)."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import CommandError

from analytics_pixelfed.management.base import AccountCommand
from analytics_pixelfed.models import PixelfedPost


class Command(AccountCommand):
    """Reads who engaged with posts."""

    help = "Read likes, comments and shares of Pixelfed posts."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the options of US-6.2."""
        super().add_arguments(parser)
        parser.add_argument("--post-id", type=int, metavar="ID", help="one post, by its id in PostFlow")
        parser.add_argument(
            "--hours", type=int, default=24, help="posts of the last so many hours (default: 24)"
        )
        parser.add_argument(
            "--max-posts", type=int, default=50, help="newest posts per account (default: 50)"
        )

    def handle(self, **options: Any) -> None:
        """Read the chosen post, or the recent posts of the chosen accounts."""
        self.check_selection(options, "post_id", "account_id", "all")
        self.check_counts(options, "hours", "max_posts")
        if options["post_id"] is not None:
            post = PixelfedPost.objects.select_related("account").filter(pk=options["post_id"]).first()
            if post is None:
                raise CommandError(
                    f"There is no post {options['post_id']}. The address of a post's page ends in its id."
                )
            self.go_through(
                [post.account],
                lambda fetcher, _: fetcher.fetch_post_engagement(post),
                say=lambda stats: f"Fetched {stats['total_engagement']} engagements of post {post.pk}",
            )
            return
        self.go_through(
            self.chosen_accounts(options),
            lambda fetcher, progress: fetcher.fetch_recent_posts_engagement(
                hours=options["hours"], max_posts=options["max_posts"], progress=progress
            ),
            say=lambda stats: (
                f"{stats['posts_processed']} posts, {stats['total_new_likes']} new likes, "
                f"{stats['total_new_comments']} new comments, {stats['total_new_shares']} new shares"
            ),
        )
