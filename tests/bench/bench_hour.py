"""An hour of a large installation: 500 accounts, 300 of them on one host, with 1, 2 and 4 workers.

The interval between two requests to a host is scaled down 20 times, and so are the results. The sandboxes'
own logs prove that it is kept. Needs PostgreSQL: `.ci/postgres make bench`.
"""

import itertools
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from analytics_core import platforms
from analytics_core.engine import hourly
from analytics_core.models import AccountState, HostState, SyncRun
from analytics_core.tasks import fetch_account
from analytics_pixelfed.models import PixelfedPost
from analytics_pixelfed.tasks import fetch_all_pixelfed_engagement
from pixelfed.models import MastodonAccount
from pixelfed.sandbox import SandboxServer, World

ROOT = Path(__file__).parents[2]
SCALE = 20
INTERVAL = 1 / SCALE
BIG_HOST, SMALL_HOSTS, ACCOUNTS_ON_SMALL = 300, 50, 4
POSTS = 6

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="more than one worker needs PostgreSQL"),
]


@pytest.fixture
def installation(user, settings):
    settings.ALLOW_PRIVATE_INSTANCES = True
    settings.FETCH_REQUEST_INTERVAL = 0
    with ExitStack() as stack:
        servers = []
        for accounts_count in [BIG_HOST] + [ACCOUNTS_ON_SMALL] * SMALL_HOSTS:
            world = World.empty()
            server = stack.enter_context(SandboxServer(world))
            servers.append(server)
            for number in range(accounts_count):
                person = world.add_person(f"p{number}")
                world.add_posts(person, POSTS, likes=2)
                MastodonAccount.objects.create(
                    user=user,
                    instance_url=server.url,
                    username=person.username,
                    software="pixelfed",
                    access_token=server.token_for(person),
                )
        platform = platforms.get("pixelfed")
        for account in platform.accounts():
            assert platform.fetcher(account).run()["errors"] == 0
        yield servers


def new_engagement(servers, per_cent: int) -> int:
    """Let somebody new like so many of a hundred posts; returns how many likes that makes."""
    likes_count = 0
    for server in servers:
        world = server.world
        fan = world.add_person(f"new{time.monotonic_ns()}")
        posts = [status for status in world.statuses.values() if status.parent is None]
        for post in posts[:: 100 // per_cent]:
            world.like(post, fan)
            likes_count += 1
    return likes_count


def work(workers_count: int) -> None:
    """Work the queue off with so many processes."""
    server, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    environment = {
        **os.environ,
        "DATABASE_URL": f"{server}/{connection.settings_dict['NAME']}",
        "SECRET_KEY": os.environ["BENCH_SECRET_KEY"],
        "DEBUG": "1",
        "LOG_LEVEL": "ERROR",
        "SKIP_AUTO_SCHEDULE": "1",
        "FETCH_REQUEST_INTERVAL": str(INTERVAL),
    }
    workers = [
        subprocess.Popen(
            [sys.executable, "manage.py", "db_worker", "--batch", "--no-reload", "--no-startup-delay"],
            cwd=ROOT,
            env=environment,
        )
        for _ in range(workers_count)
    ]
    for worker in workers:
        assert worker.wait(600) == 0


def test_five_hundred_accounts_finish_inside_the_hour(installation, settings, monkeypatch) -> None:
    monkeypatch.setenv("BENCH_SECRET_KEY", settings.SECRET_KEY)
    print()  # noqa: T201 a benchmark's output
    for workers_count in (1, 2, 4):
        DBTaskResult.objects.all().delete()
        HostState.objects.all().delete()
        AccountState.objects.update(next_due_at=None)
        likes_count = new_engagement(installation, 10)
        for server in installation:
            server.clear()
        hourly.run_hour(platforms.get("pixelfed"), fetch_all_pixelfed_engagement)
        # Pictures come behind all visits, and these are in no need of one.
        PixelfedPost.objects.update(picture_due_at=timezone.now() + timedelta(days=365))
        work(workers_count)
        run = SyncRun.objects.first()
        seconds = (run.finished_at - run.started_at).total_seconds()
        gaps = [
            later.at - earlier.at
            for server in installation
            for earlier, later in itertools.pairwise(server.requests)
        ]
        print(  # noqa: T201
            f"  {workers_count} workers: {run.accounts_processed} accounts, {run.requests} requests, "
            f"{run.total_new_likes} new likes in {seconds:.0f} s, {seconds * SCALE / 60:.0f} minutes at full "
            f"scale; closest requests {min(gaps) * 1000:.0f} ms apart"
        )
        assert run.result() == {
            **run.result(),
            "accounts_processed": 500,
            "total_new_likes": likes_count,
            "errors": 0,
        }
        assert DBTaskResult.objects.filter(task_path=fetch_account.module_path).count() == 500
        assert min(gaps) >= INTERVAL
        assert seconds * SCALE < 3600
