"""`manage.py reencrypt_tokens`: the second step of changing SECRET_KEY or SALT_KEY."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pixelfed.reencrypting import reencrypt_all


class Command(BaseCommand):
    """Encrypts all tokens and secrets with the first key."""

    help = (
        "Write every stored token and secret anew with the first of SECRET_KEY and SALT_KEY. Afterwards the "
        "old keys can be left out of SALT_KEY and SECRET_KEY_FALLBACKS. Ends with exit code 1 when one "
        "cannot be read."
    )

    def handle(self, **options: Any) -> None:
        """Rewrite, and say how many; name what cannot be read, and no secret."""
        outcome = reencrypt_all()
        self.stdout.write(
            f"{outcome.rewritten:,} rewritten, {outcome.kept:,} had the first key already, "
            f"{outcome.changed:,} changed by themselves meanwhile."
        )
        for each in outcome.unreadable:
            self.stdout.write(f"No key opens {each}.")
        if outcome.unreadable:
            raise CommandError(
                f"Not readable: {len(outcome.unreadable)}. Put the key they were made with behind the first "
                "one and run this again, or have these accounts connected again."
            )
