"""What reading an account costs: requests, SQL statements and seconds, and how they grow.

Figures of one run on one machine. Times are compared with each other, never with a clock elsewhere.
"""

import time
from dataclasses import dataclass

import pytest
from django.db import connection

from analytics_pixelfed.models import PixelfedLike, PixelfedPost
from analytics_pixelfed.services import PixelfedAnalyticsFetcher
from pixelfed.models import MastodonAccount
from pixelfed.sandbox import SandboxServer, World, demo_world

pytestmark = pytest.mark.django_db


@dataclass
class Cost:
    requests: int
    statements: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.requests:>6} requests {self.statements:>7} statements {self.seconds:>8.2f} s"


def read_all(account: MastodonAccount) -> Cost:
    """Visit until nothing is left."""
    requests_count = statements_count = 0
    started_at = time.perf_counter()
    work_left = True

    def count(execute, *args):
        nonlocal statements_count
        statements_count += 1
        return execute(*args)

    while work_left:
        with connection.execute_wrapper(count):
            stats = PixelfedAnalyticsFetcher(account).run()
        assert stats["errors"] == 0, stats["message"]
        requests_count += stats["requests"]
        work_left = stats["work_left"]
    return Cost(requests_count, statements_count, time.perf_counter() - started_at)


def connect(user, server, person) -> MastodonAccount:
    return MastodonAccount.objects.create(
        user=user,
        instance_url=server.url,
        username=person.username,
        software="pixelfed",
        access_token=server.token_for(person),
    )


def show(title: str, cost: Cost) -> None:
    print(f"  {title:<46}{cost}")  # noqa: T201 a benchmark's output


@pytest.fixture(autouse=True)
def sandboxes_allowed(settings):
    settings.ALLOW_PRIVATE_INSTANCES = True


def test_first_import_and_a_visit_with_nothing_new(user) -> None:
    world = demo_world(clock=lambda: 1_795_000_000)
    with SandboxServer(world) as server:
        account = connect(user, server, world.photographer)
        first = read_all(account)
        second = read_all(account)
    posts, likes = PixelfedPost.objects.count(), PixelfedLike.objects.current().count()
    print(f"\nThe sandbox photographer, {posts} posts, {likes} likes")  # noqa: T201
    show("first import", first)
    show("second visit, nothing new", second)
    print(f"  first / second: {first.seconds / second.seconds:.0f} times the seconds")  # noqa: T201
    assert second.requests <= 3


@pytest.mark.parametrize("posts_count", [40, 1000])
def test_an_idle_day(user, posts_count) -> None:
    import time_machine
    from django.utils import timezone

    world = World.empty()
    ana = world.add_person("ana")
    world.add_posts(ana, posts_count)
    with SandboxServer(world) as server:
        account = connect(user, server, ana)
        show(f"\n  first import of {posts_count} quiet posts", read_all(account))
        costs = []
        start = timezone.now().timestamp()
        for hour in range(1, 26):
            with time_machine.travel(start + hour * 3600, tick=False):
                costs.append(PixelfedAnalyticsFetcher(account).run()["requests"])
    costs.sort()
    print(f"  25 idle hours: median {costs[12]}, most {costs[-1]} requests, {sum(costs)} in all")  # noqa: T201
    assert (costs[12], costs[-1] <= 3) == (1, True)
