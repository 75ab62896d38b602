"""What hosts in trouble cost the others: an hour with five bad hosts, against the same hour with good ones.

Intervals, time-outs, pauses and drips are scaled down 20 times; what the machine needs for itself is not.
Needs PostgreSQL: `.ci/postgres make bench`.
"""

import statistics
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from analytics_core.models import AccountState, HostState, SyncRun
from analytics_core.tasks import fetch_account
from analytics_pixelfed.models import PixelfedPost
from analytics_pixelfed.tasks import fetch_all_pixelfed_engagement
from pixelfed.models import MastodonAccount
from tests.workers import installed, tasks_in_hand, wait_until, wait_until_it_is_there

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="several workers need PostgreSQL")

SCALE = 20
HEALTHY_HOSTS, ACCOUNTS_ON_HEALTHY, POSTS = 40, 6, 6
ACCOUNTS_ON_BAD = 4
PAUSE_SECONDS = 600 // SCALE
SETTINGS = {
    "FETCH_REQUEST_INTERVAL": 1 / SCALE,
    "FETCH_TIMEOUT": 30 / SCALE,
    "FETCH_RETRY_DELAY": 1 / SCALE,
}
FAULTS = (
    ("hangs", "hang", {"seconds": 3600 / SCALE}),
    ("drips", "drip", {"seconds": 1 / SCALE}),
    ("answers 500", "status", {"status": 500}),
    ("answers 429", "rate_limit", {"retry_after": "seconds", "seconds": PAUSE_SECONDS, "times": 1}),
    ("answers HTML", "html", {}),
)
ALLOWED = 1.10


class Hours:
    """Hours of one installation, alike but for the five bad hosts."""

    def __init__(self, houses) -> None:
        self.houses = houses
        self.bad_servers = houses.servers[HEALTHY_HOSTS:]
        self.bad_urls = {server.url for server in self.bad_servers}
        accounts = MastodonAccount.objects.all()
        self.bad = {account.pk for account in accounts if account.instance_url in self.bad_urls}
        self.seed = 0
        self.told: dict[int, set[str]] = {}
        self.seconds_on_bad = 0.0

    def is_over(self) -> bool:
        """Look whether all work is done; notes what the owners are told meanwhile."""
        for pk, message in AccountState.objects.filter(account_id__in=self.bad).values_list(
            "account_id", "message"
        ):
            self.told.setdefault(pk, set()).add(message)
        return not tasks_in_hand().exists()

    def pass_one(self, *, is_bad: bool) -> dict[int, float]:
        """Make an hour's visits; returns for each healthy account after how many seconds its own was over."""
        DBTaskResult.objects.all().delete()
        HostState.objects.all().delete()
        AccountState.objects.update(next_due_at=None, failures_count=0, failing_since_at=None, message="")
        self.seed += 1
        self.told.clear()
        for server in self.houses.servers:
            server.clear()
            # Of ten posts, one is liked by somebody new.
            fan = server.world.add_person(f"new{self.seed}")
            for post in [status for status in server.world.statuses.values() if not status.parent][::10]:
                server.world.like(post, fan)
        if is_bad:
            for server, (_, kind, options) in zip(self.bad_servers, FAULTS, strict=True):
                server.faults.add(kind, "*", **options)
        fetch_all_pixelfed_engagement.enqueue()
        wait_until(self.is_over, seconds=600, what="the queue is empty", every=0.2)
        run = SyncRun.objects.first()
        ended: dict[int, float] = {}
        spent: list[tuple[float, float]] = []
        for row in DBTaskResult.objects.successful().filter(task_path=fetch_account.module_path):
            account_id = row.args_kwargs["args"][1]
            after = (row.finished_at - run.started_at).total_seconds()
            ended[account_id] = max(after, ended.get(account_id, 0))
            if account_id in self.bad:
                spent.append((after, (row.finished_at - row.started_at).total_seconds()))
        assert run.accounts_processed == run.accounts_due == len(self.houses.people), run.result()
        assert not DBTaskResult.objects.failed().exists()
        healthy = {pk: after for pk, after in ended.items() if pk not in self.bad}
        self.seconds_on_bad = sum(seconds for after, seconds in spent if after <= max(healthy.values()))
        return healthy

    def check_the_bad(self) -> None:
        """Check what the owners are told, and that the pause was kept."""
        for server, (what, _, _) in zip(self.bad_servers, FAULTS, strict=True):
            accounts = MastodonAccount.objects.filter(instance_url=server.url).values_list("pk", flat=True)
            told = [self.told[pk] - {""} for pk in accounts]
            said = sorted(set.union(*told))
            print(f"    the host that {what}: {len(server.requests)} requests; {said}")  # noqa: T201
            assert len(told) == ACCOUNTS_ON_BAD
            # Who is visited after the pause is told nothing: it went well.
            assert any(told) if server is self.bad_servers[3] else all(told), f"on the host that {what}"
        paused = self.bad_servers[3].requests
        wait_until(lambda: len(paused) > 1, seconds=PAUSE_SECONDS + 10, what="it is asked again", every=0.2)
        gap = paused[1].at - paused[0].at
        print(f"    after 429 no request for {gap:.1f} s of {PAUSE_SECONDS} s")  # noqa: T201
        assert gap >= PAUSE_SECONDS
        wait_until(lambda: not tasks_in_hand().exists(), seconds=60, what="the queue is empty")


@pytest.fixture
def houses(database):
    with installed(hosts=HEALTHY_HOSTS, accounts=ACCOUNTS_ON_HEALTHY, posts=POSTS) as houses:
        houses.add_hosts(len(FAULTS), accounts=ACCOUNTS_ON_BAD, posts=POSTS)
        houses.read_all()
        # Pictures come behind all visits, and these are in no need of one.
        PixelfedPost.objects.update(picture_due_at=timezone.now() + timedelta(days=365))
        assert AccountState.objects.filter(failures_count=0).count() == len(houses.people)
        yield houses


@pytest.mark.parametrize("workers_count", [1, 4])
def test_five_bad_hosts_delay_nobody_else(houses, start, workers_count) -> None:
    print()  # noqa: T201 a benchmark's output
    hours = Hours(houses)
    for process in [start(**SETTINGS) for _ in range(workers_count)]:
        wait_until_it_is_there(process)
    found: dict[bool, list[dict[int, float]]] = {False: [], True: []}
    # In this order what grows with time touches both kinds alike.
    for is_bad in (False, True, True, False):
        ended = hours.pass_one(is_bad=is_bad)
        found[is_bad].append(ended)
        figures = [statistics.median(ended.values()), statistics.mean(ended.values()), max(ended.values())]
        print(  # noqa: T201
            f"  {workers_count} workers, five hosts {'bad ' if is_bad else 'good'}, {len(ended)} healthy "
            "accounts: median {:.2f}, mean {:.2f}, last {:.2f} s".format(*figures)
            + f"; until then {hours.seconds_on_bad:.2f} s went to the five"
        )
        if is_bad:
            hours.check_the_bad()
    ratios = {}
    for name, of in (("median", statistics.median), ("mean", statistics.mean), ("last", max)):
        good, bad = (sum(of(ended.values()) for ended in found[is_bad]) for is_bad in (False, True))
        ratios[name] = bad / good
    print("  moved: " + ", ".join(f"{name} {ratio:.3f}" for name, ratio in ratios.items()))  # noqa: T201
    assert max(ratios.values()) < ALLOWED
