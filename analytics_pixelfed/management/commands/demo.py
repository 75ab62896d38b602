"""`manage.py demo`: PostFlow on this machine with a sandbox instance and a photographer to look at.

What `make run` calls. Nothing it makes leaves this machine, and nothing is lost between two runs.
"""

from __future__ import annotations

import argparse
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.tasks import default_task_backend

from analytics_core import platforms, tasks
from analytics_core.console import ConsoleProgress, quiet_log
from analytics_core.engine import gallery
from analytics_core.fetcher import AccountBusy
from analytics_core.models import AccountState
from analytics_pixelfed.management.demo_processes import ProcessDied, Processes
from analytics_pixelfed.models import PixelfedPost
from analytics_pixelfed.services import PixelfedAnalyticsFetcher
from core import http
from pixelfed.models import MastodonAccount
from pixelfed.sandbox import demo_world
from postflow.models import CustomUser

EMAIL = "marta@postflow.example"
PASSWORD = "light table"  # noqa: S105 of the trial run, on this machine only
TIME_ZONE = "Europe/Stockholm"
LOCAL = "http://127.0.0.1:"
START_SECONDS = 60
# The sandbox needs no politeness; the hourly work keeps to it all the same.
FIRST_IMPORT_INTERVAL = 0
# The sandbox takes a third of a second to draw one.
FIRST_PICTURES = 12


class Command(BaseCommand):
    """Starts the sandbox, the web server and a worker, and ends them on Ctrl-C."""

    help = "Try PostFlow out: a sandbox instance, its photographer's account, the web server and a worker."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the ports."""
        parser.add_argument("--port", type=int, default=8000, help="PostFlow's own port (default: 8000)")
        parser.add_argument(
            "--sandbox-port", type=int, default=8081, help="the sandbox's port (default: 8081)"
        )
        parser.add_argument("--folder", default=settings.BASE_DIR / ".run", help="for logs and pictures")

    def handle(self, **options: Any) -> None:
        """Prepare everything, say where it is, and stay until interrupted."""
        self._refuse_what_cannot_work(options)
        folder = Path(options["folder"])
        folder.mkdir(parents=True, exist_ok=True)
        self.stdout.write("Preparing the database ...")
        call_command("migrate", verbosity=0)
        try:
            with Processes() as processes:
                self._run(processes, folder, options)
        except ProcessDied as error:
            raise CommandError(f"{error} The logs are in {folder}.") from error
        except KeyboardInterrupt:
            self.stdout.write("\nStopped. Everything is kept; `make run` starts it again.")

    def _refuse_what_cannot_work(self, options: dict[str, Any]) -> None:
        if not settings.DEBUG:
            raise CommandError("This is for trying PostFlow out: it needs DEBUG=1 in .env.")
        if settings.SECRET_KEY_IS_TEMPORARY:
            raise CommandError("This needs a SECRET_KEY in .env that stays the same; `make run` writes one.")
        for name in ("port", "sandbox_port"):
            port, option = options[name], f"--{name.replace('_', '-')}"
            if not 1 <= port <= 65535:
                raise CommandError(f"{option} has to be from 1 to 65535, not {port}.")
            if options["port"] == options["sandbox_port"]:
                raise CommandError("--port and --sandbox-port have to be two different ones.")
            if http.is_listening(port):
                raise CommandError(
                    f"Port {port} is taken. End what uses it, or choose another: "
                    f"make run OPTIONS='{option} {port + 10}'"
                )

    def _run(self, processes: Processes, folder: Path, options: dict[str, Any]) -> None:
        sandbox_port, port = options["sandbox_port"], options["port"]
        self.stdout.write("Starting the sandbox instance ...")
        processes.start(
            "sandbox",
            "run_sandbox",
            f"--port={sandbox_port}",
            f"--pictures={folder / 'pictures'}",
            log=folder / "sandbox.log",
        )
        processes.wait_until_open(sandbox_port, seconds=START_SECONDS)
        account = self._connect(f"{LOCAL}{sandbox_port}")
        self._import(account)
        self._fetch_pictures(account)
        processes.start("web server", "runserver", "--noreload", f"127.0.0.1:{port}", log=folder / "web.log")
        processes.start("worker", "db_worker", "--no-reload", log=folder / "worker.log")
        processes.wait_until_open(port, seconds=START_SECONDS)
        self.stdout.write(
            self.style.SUCCESS("\nPostFlow is running:")
            + f"\n\n  Address   http://127.0.0.1:{port}/"
            + f"\n  E-mail    {EMAIL}"
            + f"\n  Password  {PASSWORD}"
            + f"\n\nThe photographer's instance is at http://127.0.0.1:{sandbox_port}/."
            + "\nShe is read every full hour. Ctrl-C ends everything."
        )
        self.stdout.flush()
        processes.wait()

    def _connect(self, instance_url: str) -> MastodonAccount:
        """Return the sandbox photographer's account, connected to the trial user."""
        user = CustomUser.objects.filter(email=EMAIL).first()
        if user is None:
            user = CustomUser.objects.create_superuser(
                EMAIL, PASSWORD, name="Marta Lindqvist", time_zone=TIME_ZONE
            )
        world = demo_world()
        # By her name alone: with another port it is still the same sandbox.
        hers = MastodonAccount.objects.filter(user=user, username=world.username)
        account = hers.filter(instance_url__startswith=LOCAL).first() or MastodonAccount(
            user=user, username=world.username
        )
        account.instance_url, account.access_token = instance_url, world.access_token
        account.software, account.state, account.state_reason = "pixelfed", MastodonAccount.State.ACTIVE, ""
        account.save()
        # Nothing else runs yet: a lease or task there is belongs to a trial run that was killed.
        AccountState.objects.filter(platform="pixelfed", account_id=account.pk).update(
            lease_token="", lease_until_at=None
        )
        backend: Any = default_task_backend
        backend.fail_abandoned(running_longer_than=timedelta(0))
        return account

    def _import(self, account: MastodonAccount) -> None:
        """Read the account until nothing is left; only the first time takes long."""
        settings.FETCH_REQUEST_INTERVAL = FIRST_IMPORT_INTERVAL
        progress = ConsoleProgress(self.stdout, "Reading the photographer's account")
        done_before = 0

        def over_all_visits(what: str, done: int, total: int | None) -> None:
            if what == "engagement" and total is not None:
                progress(what, done_before + done, done_before + total)
            elif not done_before:
                progress(what, done, total)

        stats: dict[str, Any] = {"work_left": True}
        try:
            with quiet_log():
                # All of them, since their pictures move with the sandbox's port.
                PixelfedAnalyticsFetcher(account).sync_account_posts(max_posts=100_000)
            while stats["work_left"]:
                with quiet_log():
                    stats = PixelfedAnalyticsFetcher(account).run(over_all_visits)
                done_before += stats["posts_processed"]
                if stats["errors"]:
                    self.stderr.write(self.style.WARNING(stats["message"]))
                    return
        except AccountBusy as error:
            self.stderr.write(self.style.WARNING(str(error)))
        finally:
            progress.close()

    def _fetch_pictures(self, account: MastodonAccount) -> None:
        """Fetch what the first page shows, and leave the rest to the worker."""
        platform = platforms.get("pixelfed")
        newest = PixelfedPost.objects.filter(account=account).order_by("-posted_at")[:FIRST_PICTURES]
        missing_count = sum(post.picture_due_at is not None and not post.picture for post in newest)
        if missing_count:
            self.stdout.write("Fetching the newest pictures ...")
            self.stdout.flush()
            with quiet_log():
                stats = gallery.fetch_due(platform, account, at_most=missing_count)
            if stats["failed"]:
                self.stderr.write(self.style.WARNING(stats["message"]))
        tasks.queue_pictures(platform, account)
