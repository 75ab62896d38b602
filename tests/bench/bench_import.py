"""The first import of a long history by a real worker: memory, seconds for a like, statements.

On the database that the tests run on: `make bench` and `.ci/postgres make bench`. Compared are seconds of the
processor, the worker's and its database's together: those of a clock tell of the machine's other work.
"""

import os
import time
from pathlib import Path
from random import Random

import pytest
import requests
from django.db import connection
from django_tasks_db.models import DBTaskResult

from analytics_core.tasks import fetch_account
from analytics_pixelfed.models import PixelfedLike, PixelfedPost
from analytics_pixelfed.services import PixelfedAnalyticsFetcher
from pixelfed.models import MastodonAccount
from tests.workers import installed, wait_until_it_is_there, work_off

LIKES = 60
MEGABYTES = 200
GROWTH = 1.3


def cpu_seconds(process) -> float:
    """Return what a worker has used of the processor, and PostgreSQL for it; its connection has to be one."""
    pids = [process.process.pid]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            pids += [pid for (pid,) in cursor.fetchall()]
    ticks = 0
    for pid in pids:
        # After the name, which may hold anything: user and system time are fields 14 and 15.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def requests_a_second(server, person, asked: list[str]) -> float:
    """Return how many of these questions the sandbox answers in a second when nobody else is at work."""
    headers = {"Authorization": f"Bearer {server.token_for(person)}"}
    with requests.Session() as session:
        began_at = time.perf_counter()
        for address in asked:
            assert session.get(server.url + address, headers=headers, timeout=30).status_code == 200
        return len(asked) / (time.perf_counter() - began_at)


def test_the_cost_of_a_like_does_not_grow_with_the_history(database, start) -> None:
    print(f"\n  {connection.vendor}")  # noqa: T201 a benchmark's output
    seconds_a_like = []
    with installed(hosts=0, accounts=0) as houses:
        for posts_count in (500, 5000):
            began_at = time.perf_counter()
            houses.add_hosts(1, accounts=1, posts=posts_count, likes=LIKES)
            made_seconds = time.perf_counter() - began_at
            server, person = houses.people[-1]
            account = MastodonAccount.objects.latest("pk")
            with start(CONN_MAX_AGE=86400) as process:
                wait_until_it_is_there(process)
                before_seconds = cpu_seconds(process)
                fetch_account.enqueue("pixelfed", account.pk)
                work_off(process, seconds=3600)
                used_seconds = cpu_seconds(process) - before_seconds
                megabytes = process.peak_megabytes()
            posts = PixelfedPost.objects.filter(account=account)
            likes_count = PixelfedLike.objects.filter(post__in=posts).count()
            assert (posts.count(), likes_count) == (posts_count, posts_count * LIKES)
            visits = DBTaskResult.objects.successful().filter(args_kwargs__args__1=account.pk)
            first, last = visits.order_by("started_at")[0], visits.order_by("-finished_at")[0]
            seconds = (last.finished_at - first.started_at).total_seconds()
            seconds_a_like.append(used_seconds / likes_count)
            requests_count = len(server.requests)
            sample = Random(1).sample(server.requests, 300)
            asked = [f"{seen.path}?{seen.query}".rstrip("?") for seen in sample]
            speed = requests_a_second(server, person, asked)
            print(  # noqa: T201
                f"  {posts_count} posts, {likes_count} likes: {seconds:.0f} s in {visits.count()} tasks, "
                f"{requests_count} requests, {used_seconds / likes_count * 1e6:.0f} us of the processor "
                f"a like, peak {megabytes:.0f} MB; the sandbox was filled in {made_seconds:.1f} s and needs "
                f"{1000 / speed:.1f} ms of the {1000 * seconds / requests_count:.1f} ms of a request"
            )
            assert megabytes < MEGABYTES
    growth = seconds_a_like[1] / seconds_a_like[0]
    print(f"  a like in the longer history costs {growth:.2f} of one in the shorter")  # noqa: T201
    assert growth < GROWTH


@pytest.mark.usefixtures("database")
def test_the_statements_of_a_post_are_few(settings) -> None:
    settings.ALLOW_PRIVATE_INSTANCES = True
    print(f"\n  {connection.vendor}")  # noqa: T201
    a_post = []
    with installed(hosts=0, accounts=0) as houses:
        for posts_count in (60, 300):
            houses.add_hosts(1, accounts=1, posts=posts_count, likes=LIKES)
            account = MastodonAccount.objects.latest("pk")
            statements: list[str] = []

            def note(execute, sql, *rest, statements=statements):
                statements.append(sql)
                return execute(sql, *rest)

            with connection.execute_wrapper(note):
                while PixelfedAnalyticsFetcher(account).run()["work_left"]:
                    pass
            a_post.append(len(statements) / posts_count)
            print(  # noqa: T201
                f"  {posts_count} posts of {LIKES} likes: {len(statements)} statements, {a_post[-1]:.1f} each"
            )
    assert PixelfedLike.objects.count() == 360 * LIKES
    assert max(a_post) < 20
    assert a_post[1] < a_post[0] * 1.1
