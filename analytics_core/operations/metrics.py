"""The figures that Prometheus collects: out of the database, so any process tells of all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.conf import settings
from django.db.models import Case, CharField, Count, Min, Q, Sum, Value, When
from django.tasks.base import TaskResultStatus
from django.utils import timezone
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from analytics_core.engine.status import PlatformStatus, current_status
from core import beats, outage
from core.models import HostRequests

# The hosts asked most have names of their own, all others share one: people may connect any host.
HOSTS_NAMED = 100
PLATFORM = ["platform"]
STATES = ("ready", "deferred", "running", "failed", "successful")
RUN_FIGURES = {
    "accounts_due": "Accounts that the last run had to visit.",
    "accounts_processed": "Accounts that the last run is done with.",
    "posts_processed": "Posts that the last run read.",
    "total_new_likes": "New likes that the last run found.",
    "total_new_comments": "New comments that the last run found.",
    "total_new_shares": "New shares that the last run found.",
    "errors": "Failures of the last run.",
    "requests": "Requests that the last run sent.",
}


def exposition() -> bytes:
    """Return all figures as text; without the database, that it is away and what processes measured."""
    database, pages = CollectorRegistry(), REGISTRY
    database.register(DatabaseCollector())
    if settings.PROMETHEUS_MULTIPROC_DIR:
        pages = CollectorRegistry()
        MultiProcessCollector(pages, path=settings.PROMETHEUS_MULTIPROC_DIR)
    return generate_latest(database) + generate_latest(pages)


class DatabaseCollector(Collector):
    """Reads the figures at each collection. A handful of queries, whatever the number of accounts."""

    def describe(self) -> list[Metric]:
        """Return nothing: so nothing is asked of the database when this is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Give every figure, or that there is no database."""
        try:
            found = [*_queue(), *_platforms(), *_hosts()]
        except Exception as error:
            if not outage.is_outage(error):
                raise
            found = []
        yield _gauge("postflow_database_up", "1 while the database answers.", float(bool(found)))
        yield from found


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)


def _queue() -> Iterator[Metric]:
    from django_tasks_db.models import DBTaskResult, get_date_max

    now = timezone.now()
    is_put_off = ~Q(run_after=get_date_max())
    is_deferred = Q(status=TaskResultStatus.READY, run_after__gt=now) & is_put_off
    state = Case(
        When(is_deferred, then=Value("deferred")),
        *(When(status=status, then=Value(status.lower())) for status in TaskResultStatus.values),
        output_field=CharField(),
    )
    rows = DBTaskResult.objects.order_by().annotate(state=state).values_list("state")
    counts = dict(rows.annotate(count=Count("pk")))
    tasks = GaugeMetricFamily("postflow_tasks", "Tasks in the queue, and results kept.", labels=["state"])
    for name in STATES:
        tasks.add_metric([name], counts.get(name, 0))
    yield tasks
    # A task that was put off waits since its moment, any other since it was queued.
    ready = DBTaskResult.objects.ready().order_by()
    oldest = ready.aggregate(
        put_off=Min("run_after", filter=is_put_off), at_once=Min("enqueued_at", filter=~is_put_off)
    )
    yield _gauge(
        "postflow_oldest_task_seconds",
        "Seconds that the task at the head of the queue has waited for a worker.",
        max(_seconds_since(moment, now) for moment in oldest.values()),
    )
    yield _gauge("postflow_workers", "Workers seen within the last minute.", beats.workers_alive())


def _platforms() -> Iterator[Metric]:
    status, now = current_status(), timezone.now()
    accounts = GaugeMetricFamily("postflow_accounts", "Connected accounts.", labels=[*PLATFORM, "state"])
    late = GaugeMetricFamily(
        "postflow_accounts_late_seconds",
        "Seconds that the account due longest is late.",
        labels=PLATFORM,
    )
    scheduled = GaugeMetricFamily("postflow_scheduled", "1 while the next hour is queued.", labels=PLATFORM)
    for each in status.platforms:
        accounts.add_metric([each.label, "active"], each.active_count)
        accounts.add_metric([each.label, "failing"], each.failing_count)
        accounts.add_metric([each.label, "inactive"], each.accounts_count - each.active_count)
        late.add_metric([each.label], _seconds_since(each.oldest_due_at, now))
        if each.is_scheduled is not None:
            scheduled.add_metric([each.label], each.is_scheduled)
    yield from (accounts, late, scheduled)
    yield _gauge("postflow_hosts_blocked", "Hosts that are left alone now.", len(status.blocked_hosts))
    yield from _last_runs(status.platforms, now)


def _last_runs(platforms: Sequence[PlatformStatus], now: datetime) -> Iterator[Metric]:
    age = GaugeMetricFamily("postflow_run_age_seconds", "Seconds since the last run began.", labels=PLATFORM)
    took = GaugeMetricFamily(
        "postflow_run_seconds",
        "Seconds from the last run's begin to its end or to now.",
        labels=PLATFORM,
    )
    figures = {
        name: GaugeMetricFamily(f"postflow_run_{name}", words, labels=PLATFORM)
        for name, words in RUN_FIGURES.items()
    }
    for each in platforms:
        run = each.last_run
        if run is not None:
            age.add_metric([each.label], _seconds_since(run.started_at, now))
            took.add_metric([each.label], _seconds_since(run.started_at, run.finished_at or now))
            for name, figure in figures.items():
                figure.add_metric([each.label], getattr(run, name))
    yield from (age, took, *figures.values())


def _hosts() -> Iterator[Metric]:
    found = CounterMetricFamily(
        "postflow_host_requests",
        "Requests of workers to other servers, by how they ended.",
        labels=["host", "result"],
    )
    by_host = HostRequests.objects.values_list("host").annotate(total=Sum("count")).order_by("-total", "host")
    named = [host for host, _ in by_host[:HOSTS_NAMED]]
    label = Case(When(host__in=named, then="host"), default=Value("other"), output_field=CharField())
    rows = HostRequests.objects.order_by().annotate(label=label).values_list("label", "result")
    for host, result, count in rows.annotate(total=Sum("count")).order_by("label", "result"):
        found.add_metric([host, result], count)
    yield found


def _seconds_since(moment: datetime | None, now: datetime) -> float:
    return max((now - moment).total_seconds(), 0.0) if moment is not None else 0.0
