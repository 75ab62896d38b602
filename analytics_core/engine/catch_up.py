"""Reads every account to its end, one visit after another: what `manage.py sync_all_accounts` does.

It makes the visits that workers make, under the same leases. So it works beside workers or alone, and whoever
starts it again goes on where it was.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Q
from django.utils import timezone

from analytics_core import platforms, schedule, tasks
from analytics_core.engine import due, states
from analytics_core.engine.visit import OnProgress
from analytics_core.fetcher import AccountBusy, AnalyticsFetcher
from analytics_core.models import KINDS, moved_list
from analytics_core.platforms import Platform, PlatformError
from core import stopping

# A host's pause that ends sooner is waited for, so many times in a row.
LONGEST_WAIT = timedelta(minutes=10)
WAITS_AT_MOST = 3
# How soon to look again at an account that another run is reading.
BUSY_SECONDS = 2
COUNTED = ("posts_created", "total_new_likes", "total_new_comments", "total_new_shares", "requests")


class Result(StrEnum):
    """How far an account has come."""

    WAITING = "to do"
    DONE = "done"
    FAILED = "failed"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """What is still to be asked about one account, as far as is known.

    Attributes:
        posts_count: posts that were not listed yet; None: nobody has asked how many there are.
        lists_count: lists of likes, comments and shares to read, those of unlisted posts guessed from the
            account's other posts.
    """

    posts_count: int | None
    lists_count: int

    @property
    def requests_count(self) -> int:
        """Requests: a page of posts each, a list each, and one for notifications. Long lists take more."""
        pages_count = ceil((self.posts_count or 0) / schedule.POSTS_PER_PAGE)
        return pages_count + self.lists_count + bool(self.lists_count)


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """One account to read, and how that went.

    Attributes:
        reason: why it failed or was left out, in words; what happened last while it waits.
        counts: what this run brought: the names of `COUNTED`.
        again_at: not before then.
        waits_count: how often in a row its host's pause was waited for.
        rest: what was still to be asked when it was last looked at.
    """

    platform: Platform
    account: Any
    result: Result = Result.WAITING
    reason: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    again_at: datetime | None = None
    waits_count: int = 0
    rest: Rest = field(init=False)

    def __post_init__(self) -> None:
        self.look()

    @property
    def host(self) -> str:
        """The host that its requests go to."""
        return urlsplit(self.account.instance_url).netloc

    def look(self) -> None:
        """Look at what is still to be asked."""
        self.rest = rest_of(self.platform, self.account)

    def end(self, result: Result, reason: str = "") -> None:
        """Note how it ended."""
        self.result, self.reason = result, reason


def jobs() -> list[Job]:
    """Return all accounts of all platforms, hosts in turns.

    Those that may not be read are left out, those that are up to date are done.
    """
    found, by_host = [], defaultdict(list)
    for platform in platforms.all_platforms():
        platform.find_accounts()
        active = set(platform.active_accounts().values_list("pk", flat=True))
        for account in platform.accounts().order_by("pk").distinct():
            job = Job(platform=platform, account=account)
            if account.pk not in active:
                job.end(Result.LEFT_OUT, "paused or waiting to be connected again")
            elif is_up_to_date(platform, account):
                job.end(Result.DONE)
            else:
                by_host[job.host].append(job)
                continue
            found.append(job)
    return schedule.spread(by_host.values()) + found


def is_up_to_date(platform: Platform, account: Any) -> bool:
    """Tell whether an account was read to its end, and this hour's visit was made."""
    state = states.state_of(platform, account)
    is_read = state.history_is_complete and state.last_success_at and not state.failures_count
    return bool(
        is_read and not states.is_due(platform, account) and not due.moved_posts(platform, account, at_most=1)
    )


def rest_of(platform: Platform, account: Any) -> Rest:
    """Count what is still to be asked about an account."""
    state = states.state_of(platform, account)
    counts = platform.post_model.objects.filter(account=account, missing_since_at=None).aggregate(
        known=Count("pk"),
        **{f"{kind}_due": Count("pk", filter=_needs_a_request(kind)) for kind in KINDS},
        **{f"{kind}_some": Count("pk", filter=Q(**{f"{kind}_server_count__gt": 0})) for kind in KINDS},
    )
    due_count = sum(counts[f"{kind}_due"] for kind in KINDS)
    if state.history_is_complete:
        return Rest(posts_count=0, lists_count=due_count)
    if state.server_posts_count is None:
        return Rest(posts_count=None, lists_count=due_count)
    unlisted_count = max(state.server_posts_count - counts["known"], 0)
    lists_per_post = sum(counts[f"{kind}_some"] for kind in KINDS) / max(counts["known"], 1)
    return Rest(posts_count=unlisted_count, lists_count=due_count + ceil(unlisted_count * lists_per_post))


def _needs_a_request(kind: str) -> Q:
    # A list that was never read and whose counter is zero counts as read.
    return moved_list(kind) & ~Q(**{f"{kind}_server_count": 0, f"{kind}_read_at": None})


class CatchUp:
    """One run over all accounts.

    Args:
        work: what `jobs` returned.
        say: told of each job after each visit to it.
        progress: called with a job, returns what a visit tells its progress.
    """

    def __init__(
        self, work: Iterable[Job], *, say: Callable[[Job], None], progress: Callable[[Job], OnProgress]
    ) -> None:
        self.jobs = list(work)
        self.say = say
        self.progress = progress
        self._seconds = 0.0
        self._requests = 0

    @property
    def waiting(self) -> list[Job]:
        """The accounts that are not at their end."""
        return [job for job in self.jobs if job.result == Result.WAITING]

    @property
    def seconds_per_request(self) -> float:
        """What a request takes: the interval that hosts are owed, or more where this run has seen more."""
        measured = self._seconds / self._requests if self._requests else 0.0
        return max(settings.FETCH_REQUEST_INTERVAL, measured)

    def requests_left(self) -> tuple[Counter[str], int]:
        """Return the requests still to do by host, and how many accounts nobody knows the size of."""
        by_host: Counter[str] = Counter()
        for job in self.waiting:
            by_host[job.host] += job.rest.requests_count
        return by_host, sum(job.rest.posts_count is None for job in self.waiting)

    def survey(self) -> None:
        """Ask each account that was never read how many posts it has, and list the newest."""
        for job in self.waiting:
            if stopping.is_asked():
                return
            if job.rest.posts_count is None:
                stats = self._work(job, lambda fetcher: fetcher.survey())
                # What else fails here fails again at the visit, which tells why.
                job.reason = stats["message"] if stats else job.reason

    def run(self) -> None:
        """Visit the accounts in turns until each is at its end, or this process is asked to stop."""
        while self.waiting and not stopping.is_asked():
            job = min(self.waiting, key=lambda job: job.again_at or timezone.now())
            wait = (job.again_at - timezone.now()).total_seconds() if job.again_at else 0
            if wait > 0:
                time.sleep(min(wait, BUSY_SECONDS))
                continue
            self.visit(job)
            self.say(job)

    def visit(self, job: Job) -> None:
        """Make one visit and note what came of it."""
        began_at = time.monotonic()
        stats = self._work(job, lambda fetcher: fetcher.run(self.progress(job)))
        if stats is None:
            return
        self._seconds += time.monotonic() - began_at
        self._requests += stats["requests"]
        if stopping.is_asked():
            return
        job.again_at, job.reason = timezone.now(), stats["message"]
        if states.state_of(job.platform, job.account).failures_count:
            self._wait_or_give_up(job, stats)
            return
        job.waits_count = 0
        if stats["work_left"]:
            return
        if stats["errors"]:
            job.end(Result.FAILED, f"read, but not all of it: {stats['message']}")
        else:
            job.end(Result.DONE)
        tasks.queue_pictures(job.platform, job.account)

    def _work(self, job: Job, work: Callable[[AnalyticsFetcher], dict[str, Any]]) -> dict[str, Any] | None:
        """Let a fetcher do something; None: it could not be done, which is noted."""
        try:
            # It may have been paused, refused or renewed since.
            account = job.platform.active_accounts().filter(pk=job.account.pk).first()
            if account is None:
                job.end(Result.FAILED, job.reason or "paused or disconnected meanwhile")
                return None
            stats = work(job.platform.fetcher(account))
            job.counts.update({name: stats.get(name, 0) for name in COUNTED})
            return stats
        except AccountBusy:
            job.reason = "being read by another run"
            job.again_at = timezone.now() + timedelta(seconds=BUSY_SECONDS)
        except PlatformError as error:
            job.end(Result.FAILED, str(error))
        except (DatabaseError, LookupError):
            if job.platform.accounts().filter(pk=job.account.pk).exists():
                raise
            job.end(Result.FAILED, "disconnected meanwhile")
        finally:
            job.look()
        return None

    def _wait_or_give_up(self, job: Job, stats: dict[str, Any]) -> None:
        """Wait for a host's short pause; whatever else ended the visit is for the hourly work."""
        retry_at = datetime.fromisoformat(stats["retry_at"]) if "retry_at" in stats else None
        is_soon = retry_at is not None and retry_at - timezone.now() <= LONGEST_WAIT
        if is_soon and job.waits_count < WAITS_AT_MOST:
            job.waits_count += 1
            job.again_at = retry_at
        else:
            job.end(Result.FAILED, stats["message"])
