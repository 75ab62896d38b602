"""`manage.py run_sandbox`: serves the believable photographer's instance for trying PostFlow out."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from pixelfed.sandbox import SandboxServer, demo_world


class Command(BaseCommand):
    """Starts a sandbox instance and answers until interrupted; never in production."""

    help = "Serve a sandbox that answers like a Pixelfed, with a photographer's believable account."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the address, the seed of the world and a folder for pictures."""
        parser.add_argument("--port", type=int, default=8081, help="port to listen on (default 8081)")
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
        parser.add_argument("--seed", type=int, default=1, help="another seed is another world (default 1)")
        parser.add_argument("--pictures", default=None, help="folder in which drawn pictures are kept")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve; CommandError outside DEBUG and for a port that cannot be taken."""
        if not settings.DEBUG:
            raise CommandError("The sandbox holds made-up people: it runs only with DEBUG=true.")
        host, port = options["host"], options["port"]
        if not 0 <= port <= 65535:
            raise CommandError(f"There is no port {port}: give one from 1 to 65535, or 0 for any free one.")
        world = demo_world(options["seed"])
        try:
            server = SandboxServer(world, port=port, host=host, picture_folder=options["pictures"])
        except OSError as error:
            raise CommandError(f"Cannot listen on {host}:{port}: {error.strerror or error}.") from error
        self.stdout.write(f"A sandbox Pixelfed is at {server.url}")
        self.stdout.write(f"Sign in there as {world.username} with the password {world.password}")
        self.stdout.flush()
        try:
            server.serve()
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")
        finally:
            server.stop()
