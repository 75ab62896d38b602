"""Real worker processes on a database of their own: started, killed, stopped, and what they leave behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import psycopg
from django.conf import settings
from django.db import connection, transaction
from django.db.models import DateTimeField, F, QuerySet
from django.test import override_settings
from django.utils import timezone
from django_tasks_db.models import DBTaskResult, get_date_max

from analytics_core.engine import hourly
from analytics_core.models import AccountState, HostState, Precision, SyncRun
from analytics_pixelfed.models import (
    PixelfedComment,
    PixelfedEngagementSummary,
    PixelfedLike,
    PixelfedPost,
    PixelfedShare,
)
from analytics_pixelfed.services import PixelfedAnalyticsFetcher
from analytics_pixelfed.tasks import fetch_all_pixelfed_engagement
from pixelfed.models import MastodonAccount
from pixelfed.sandbox import Person, SandboxServer, World
from postflow.models import CustomUser
from tests.concurrency import database_url, in_a_file

ROOT = Path(__file__).parent.parent
HOUR = timedelta(hours=1)
LONGEST_LEASE = timedelta(minutes=15)
# Told to stop, a process has ended after so many seconds.
LONGEST_STOP_SECONDS = 15
# What the engine and its tasks hold as moments to come or gone by: an hour passes by moving them back.
CLOCKWORK: tuple[Any, ...] = (AccountState, HostState, SyncRun, DBTaskResult)


def wait_until[T](condition: Callable[[], T], *, seconds: float, what: str, every: float = 0.02) -> T:
    """Return what the condition gives once that is true; AssertionError after so many seconds."""
    ends_at = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < ends_at, f"not within {seconds} seconds: {what}"
        time.sleep(every)
    return found


# A database of one's own


class OwnDatabase:
    """A copy of the tests' database that worker processes can open, and that can be put back as it was."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.at = connection.settings_dict
        self.is_sqlite = connection.vendor == "sqlite"
        self.name = str(folder / "own.sqlite3") if self.is_sqlite else f"{self.at['NAME']}_own{os.getpid()}"
        self.saved: set[str] = set()

    @property
    def url(self) -> str:
        """The database's address for other processes."""
        return database_url(self.name)

    def save(self, name: str = "before") -> None:
        """Keep the database as it is now. Nobody else may have it open."""
        if self.is_sqlite:
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                assert cursor.fetchone()[0] == 0, "somebody has the database open"
            connection.close()
            shutil.copy(self.name, self.folder / f"{name}.sqlite3")
            return
        connection.close()
        self.administer(f'CREATE DATABASE "{self.name}_{name}" TEMPLATE "{self.name}"')
        self.saved.add(f"{self.name}_{name}")

    def restore(self, name: str = "before") -> None:
        """Put the database back; whoever has it open is thrown out."""
        connection.close()
        if self.is_sqlite:
            for suffix in ("-wal", "-shm"):
                Path(self.name + suffix).unlink(missing_ok=True)
            shutil.copy(self.folder / f"{name}.sqlite3", self.name)
            return
        self.administer(
            f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)',
            f'CREATE DATABASE "{self.name}" TEMPLATE "{self.name}_{name}"',
            # Until then PostgreSQL logs nothing that sequences of a copy give out: a crash sets them back.
            "CHECKPOINT",
        )

    def administer(self, *statements: str) -> None:
        """Run statements from outside, on PostgreSQL."""
        parts = {"host": self.at["HOST"], "port": self.at["PORT"], "user": self.at["USER"]}
        parts |= {"password": self.at["PASSWORD"], "dbname": "postgres"}
        with psycopg.connect(**{key: value for key, value in parts.items() if value}, autocommit=True) as own:
            for statement in statements:
                own.execute(statement)


@contextmanager
def own_database(folder: Path) -> Iterator[OwnDatabase]:
    """Let this process's connection lead to a copy of the tests' database, and away from it afterwards."""
    own, shared_name = OwnDatabase(folder), connection.settings_dict["NAME"]
    if own.is_sqlite:
        with in_a_file(Path(own.name)):
            yield own
        return
    connection.close()
    own.administer(f'CREATE DATABASE "{own.name}" TEMPLATE "{shared_name}"')
    connection.settings_dict["NAME"] = own.name
    try:
        yield own
    finally:
        connection.close()
        connection.settings_dict["NAME"] = shared_name
        for name in (own.name, *own.saved):
            own.administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


# Processes


class Process:
    """A command of manage.py in a process of its own; its log is kept. Ended at the end of a `with` block."""

    def __init__(self, *command: str, url: str, log: Path, **variables: Any) -> None:
        self.log_path = log
        environment = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": url,
            "SECRET_KEY": settings.SECRET_KEY,
            "DEBUG": "0",
            "HTTPS": "0",
            "ALLOW_PRIVATE_INSTANCES": "1",
            "SKIP_AUTO_SCHEDULE": "1",
            "LOG_LEVEL": "INFO",
            "FETCH_REQUEST_INTERVAL": "0",
            "FETCH_RETRY_DELAY": "0",
            "FETCH_TIMEOUT": "30",
            "PYTHONDONTWRITEBYTECODE": "1",
        } | {name: str(value) for name, value in variables.items()}
        with log.open("a") as out:
            self.process = subprocess.Popen(
                # Who is told to end leaves its connections to the system.
                [sys.executable, "-u", "-W", "error", "-W", "ignore::ResourceWarning", "manage.py", *command],
                cwd=ROOT,
                env=environment,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *exception: object) -> None:
        self.kill()

    @property
    def log(self) -> str:
        """Everything it has said so far."""
        return self.log_path.read_text()

    def is_there(self) -> bool:
        """Return True; AssertionError if it has ended."""
        assert self.process.poll() is None, self.log[-4000:]
        return True

    def kill(self) -> None:
        """End it at once, in the middle of whatever it does."""
        self.process.kill()
        self.process.wait(30)

    def terminate(self) -> None:
        """Ask it to end."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float) -> int:
        """Return its exit code; AssertionError if it does not end by itself."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still there after {seconds} seconds: {self.log[-4000:]}") from None

    def peak_megabytes(self) -> float:
        """Return the most memory it had so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def worker(url: str, log: Path, *options: str, **variables: Any) -> Process:
    """Start a worker process that looks for tasks twenty times a second."""
    command = ("db_worker", "--no-startup-delay", "--interval=0.05", *options)
    return Process(*command, url=url, log=log, **variables)


def errors_in(log: str) -> list[str]:
    """Return the lines of a log that no healthy hour writes."""
    is_bad = re.compile(r" (ERROR|CRITICAL) |^\S*(Error|Exception|Warning)\b|Traceback|locked|deadlock")
    return [line for line in log.splitlines() if is_bad.search(line)]


# Time


def tasks_in_hand() -> QuerySet[DBTaskResult]:
    """Return the tasks that run or could."""
    return DBTaskResult.objects.ready() | DBTaskResult.objects.running()


def work_off(process: Process, *, seconds: float = 60) -> None:
    """Wait until a worker has nothing left to do now."""

    wait_until(
        lambda: process.is_there() and not tasks_in_hand().exists(),
        seconds=seconds,
        what="the queue is empty",
    )


@transaction.atomic
def pass_an_hour() -> None:
    """Let everything that was to come within the hour be due, and everything that is old be an hour older."""
    for model in CLOCKWORK:
        for field in model._meta.fields:
            if isinstance(field, DateTimeField):
                rows = model.objects.filter(**{f"{field.name}__lt": get_date_max()})
                rows.update(**{field.name: F(field.name) - HOUR})
    # The id of an hour's task follows from its moment, which is another one now.
    for row in DBTaskResult.objects.filter(task_path=fetch_all_pixelfed_engagement.module_path):
        DBTaskResult.objects.filter(pk=row.pk).update(id=uuid4())


def live_hours(start: Callable[..., Process], count: int) -> float:
    """Let so many hours pass, the first of them now, with a worker that is there all the time.

    Returns how many seconds it worked in the first.
    """
    with start() as process:
        wait_for_the_hour(process)
        began_at = time.monotonic()
        work_off(process)
        worked_seconds = time.monotonic() - began_at
        for _ in range(count - 1):
            pass_an_hour()
            work_off(process)
        process.terminate()
        assert process.wait(LONGEST_STOP_SECONDS) == 0, process.log[-4000:]
        assert errors_in(process.log) == [], process.log[:6000]
    return worked_seconds


def wait_until_it_is_there(process: Process) -> None:
    """Wait until a worker has started and looks for tasks."""
    wait_until(lambda: "Starting worker" in process.log, seconds=60, what="the worker is there")


def wait_for_the_hour(process: Process) -> None:
    """Wait until a worker has taken up the task of the hour that is due."""
    hour = DBTaskResult.objects.ready().filter(task_path=fetch_all_pixelfed_engagement.module_path)
    wait_until(
        lambda: process.is_there() and not hour.exists(), seconds=60, what="the hour has begun", every=0.005
    )


def kill_and_go_on(
    database: OwnDatabase, start: Callable[..., Process], wait_for_moment: Callable[[], None]
) -> dict[str, int]:
    """Kill a worker in the hour that is due in the saved database, and let two more hours pass.

    Returns what it left behind (`left_behind`).
    """
    database.restore()
    with start() as process:
        wait_for_the_hour(process)
        wait_for_moment()
    left = left_behind()
    pass_an_hour()
    live_hours(start, 2)
    return left


def left_behind() -> dict[str, int]:
    """Count what a worker that was killed leaves behind, and the leases that are longer than they may be."""
    held = AccountState.objects.exclude(lease_until_at=None)
    return {
        "running": DBTaskResult.objects.running().count(),
        "waiting": DBTaskResult.objects.ready().count(),
        "leases": held.count(),
        "leases too long": held.filter(lease_until_at__gt=timezone.now() + LONGEST_LEASE).count(),
    }


def what_is_unfinished() -> list[str]:
    """Return in words what no worker takes care of any more, though nothing runs."""
    found = [f"{state} is reserved" for state in AccountState.objects.exclude(lease_until_at=None)]
    found += [f"{row.task_name} is running" for row in DBTaskResult.objects.running()]
    failed = DBTaskResult.objects.failed().exclude(exception_class_path__endswith="WorkerDied")
    return found + [row.traceback for row in failed]


# An installation


class Installation:
    """Some hosts with accounts on them, connected to PostFlow, whose people live on when told to."""

    def __init__(self) -> None:
        self.servers: list[SandboxServer] = []
        self.people: list[tuple[SandboxServer, Person]] = []
        self.user = CustomUser.objects.create_user(email="ana@example.org", password="a long sentence")

    def add_hosts(self, count: int, *, accounts: int, posts: int, likes: int = 4) -> None:
        """Serve so many more hosts with so many accounts on each."""
        for _ in range(count):
            server = SandboxServer(World.empty()).start()
            self.servers.append(server)
            people = [server.world.add_person(f"p{number}") for number in range(accounts)]
            for person in people:
                server.world.add_posts(person, posts, likes=likes)
                self.people.append((server, person))
            MastodonAccount.objects.bulk_create(
                MastodonAccount(
                    user=self.user,
                    instance_url=server.url,
                    username=person.username,
                    software="pixelfed",
                    access_token=server.token_for(person),
                )
                for person in people
            )

    def stop(self) -> None:
        """End all hosts."""
        for server in self.servers:
            server.stop()

    def live_on(self, seed: int = 1) -> None:
        """Let something of every kind happen on every account."""
        rng = Random(seed)
        for server, person in self.people:
            world = server.world
            fans = world.add_people(4)
            newcomers = world.add_people(5, prefix=f"new{seed}for{person.username}n")
            posts = [post for post in person.posts if not post.deleted]
            liked, disliked, gone, *_ = rng.sample(posts, len(posts))
            for newcomer in newcomers:
                world.like(liked, newcomer)
            # Of one's own like nobody is notified: its time stays a window.
            world.like(liked, person)
            world.share(liked, newcomers[0])
            world.unlike(disliked, fans[0])
            world.unlike(disliked, fans[1])
            comment = world.comment(disliked, newcomers[1], "Lovely light")
            world.comment(comment, person, "Thank you")
            world.delete_post(gone)
            new = world.add_post(person, "A new one #photo")
            world.like(new, fans[2])
            world.share(new, fans[3])

    @property
    def requests_count(self) -> int:
        """How many requests all hosts have seen since `clear`."""
        return sum(len(server.requests) for server in self.servers)

    def clear(self) -> None:
        """Forget requests and end faults, on all hosts."""
        for server in self.servers:
            server.clear()

    def read_all(self) -> None:
        """Visit every account in this process, as an hour's tasks would do; the next hour is scheduled."""
        with override_settings(ALLOW_PRIVATE_INSTANCES=True):
            for account in MastodonAccount.objects.all():
                stats = PixelfedAnalyticsFetcher(account).run()
                assert (stats["errors"], stats["work_left"]) == (0, False), stats
        hourly.ensure_scheduled(fetch_all_pixelfed_engagement)


@contextmanager
def installed(*, hosts: int, accounts: int, posts: int = 5) -> Iterator[Installation]:
    """Serve an installation of so many hosts with so many accounts on each."""
    houses = Installation()
    try:
        houses.add_hosts(hosts, accounts=accounts, posts=posts)
        yield houses
    finally:
        houses.stop()


# What they left behind

POST_FIELDS = (
    "account_id", "pixelfed_post_id", "instance_url", "username", "caption", "media_url", "media_type",
    "media_count", "media_width", "media_height", "thumbnail_url", "alt_text", "blurhash", "visibility",
    "is_sensitive", "post_url", "posted_at", "likes_server_count", "likes_read_count",
    "comments_server_count", "comments_read_count", "shares_server_count", "shares_read_count",
)  # fmt: skip
PERSON_FIELDS = ("account_id", "username", "display_name", "precision")


def all_rows() -> dict[str, list[tuple[Any, ...]]]:
    """Return what the database holds, without primary keys and moments that depend on when we looked."""
    post = ("post__account_id", "post__pixelfed_post_id")
    rows: dict[str, list[tuple[Any, ...]]] = {
        "posts": [
            (*(getattr(row, name) for name in POST_FIELDS), row.missing_since_at is not None)
            for row in PixelfedPost.objects.all()
        ],
        "comments": [
            (*values[:-1], values[-1] is not None)
            for values in PixelfedComment.objects.values_list(
                *post, *PERSON_FIELDS, "comment_id", "content", "in_reply_to_id", "commented_at", "ended_at"
            )
        ],
        "summaries": list(
            PixelfedEngagementSummary.objects.values_list(
                *post, "total_likes", "total_comments", "total_shares", "total_engagement"
            )
        ),
        "accounts": list(
            AccountState.objects.values_list(
                "account_id", "history_is_complete", "seen_notification_id", "failures_count", "message"
            )
        ),
    }
    for name, model in (("likes", PixelfedLike), ("shares", PixelfedShare)):
        rows[name] = [
            (
                *(row.post.account_id, row.post.pixelfed_post_id),
                *(getattr(row, field) for field in PERSON_FIELDS),
                row.happened_at if row.precision == Precision.EXACT else None,
                row.ended_at is not None,
            )
            for row in model.objects.select_related("post")
        ]
    return {name: sorted(found, key=repr) for name, found in rows.items()}


def differences(
    these: dict[str, list[tuple[Any, ...]]], those: dict[str, list[tuple[Any, ...]]]
) -> list[str]:
    """Return in words what is in one and not in the other."""
    found = []
    for name in these:
        lacks, has = list(those[name]), []
        for row in these[name]:
            if row in lacks:
                lacks.remove(row)
            else:
                has.append(row)
        found += [f"{name} has {row}" for row in has] + [f"{name} lacks {row}" for row in lacks]
    return found
