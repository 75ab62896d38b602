"""`manage.py forget_person`: take somebody's name off everything that any user holds."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics_core.engine import people


class Command(BaseCommand):
    """Forgets a person in the rows of all users, now and later."""

    help = (
        "Take a person's name, handle and words off every like, comment and share of all users, and keep "
        "readings from naming them again. No number changes."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add HANDLE and --instance."""
        parser.add_argument(
            "handle", help="@name@instance, the address of a profile, or a name with --instance"
        )
        parser.add_argument("--instance", default="", help="the instance of a name without one")

    def handle(self, **options: Any) -> None:
        """Find who is meant, and forget exactly one person."""
        try:
            name, host = people.read_handle(options["handle"])
            host = host or options["instance"].lower().removeprefix("https://").strip("/")
        except people.NoHandle as error:
            raise CommandError(str(error)) from error
        found = people.find(name, host)
        if len(found) > 1:
            handles = ", ".join(f"@{held.handle}" for held in found)
            raise CommandError(f"Several people are called so: {handles}. Name one of them.")
        if not found and not host:
            raise CommandError("Nobody is called so here. With --instance they are forgotten for later, too.")
        # Nothing may be held yet: then nothing ever will be.
        held = found[0] if found else people.Held(handle=f"{name}@{host}")
        count = people.forget(held)
        self.stdout.write(
            f"Names taken off {count:,} row{'' if count == 1 else 's'}. Readings name them no more."
        )
