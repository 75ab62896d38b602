"""`manage.py make_staff`: let somebody into the admin, or no longer."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from postflow.models import CustomUser


class Command(BaseCommand):
    """Gives a user every right of the operator, or takes them back."""

    help = "Let the user with this e-mail address see the status page and do everything in the admin."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the address and --undo."""
        parser.add_argument("email", help="the address that the user signs in with")
        parser.add_argument("--undo", action="store_true", help="take these rights back")

    def handle(self, *, email: str, undo: bool, **options: Any) -> None:
        """Change the rights and say what came of it."""
        try:
            user = CustomUser.objects.get_by_natural_key(email)
        except CustomUser.DoesNotExist:
            raise CommandError(f"Nobody signs in with {email}. Sign up in the browser first.") from None
        if user.is_staff == user.is_superuser == (not undo):
            self.stdout.write(f"{user} {'is no operator' if undo else 'is an operator'} already.")
            return
        user.is_staff = user.is_superuser = not undo
        user.save(update_fields=["is_staff", "is_superuser"])
        self.stdout.write(f"{user} {'is an operator no longer' if undo else 'is an operator now'}.")
        if undo and not CustomUser.objects.filter(is_superuser=True, is_active=True).exists():
            self.stdout.write("Nobody is an operator now.")
