"""Reads one account: which of its posts changed, and what of them. Writes through `ingest` only.

The rules are those of docs/architecture.md, "A visit": one lease, one budget of requests and seconds,
counters that moved decide what is read, one place that records how it ended.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db.models import QuerySet
from django.utils import timezone

from analytics_core import ingest
from analytics_core.engine import due, hosts, notices, states
from analytics_core.engine.history import PostLister
from analytics_core.engine.reader import EngagementReader
from analytics_core.engine.visit import OnProgress, Visit
from analytics_core.models import KINDS
from analytics_core.platforms import (
    Blocked,
    Platform,
    PlatformError,
    ReconnectNeeded,
    Source,
    TryLater,
)
from analytics_core.schedule import POSTS_PER_PAGE
from core import stopping

logger = logging.getLogger(__name__)

# One visit's bounds: what is left over is due first next time. After RUN_SECONDS nothing more is begun, after
# LONGEST_SECONDS a list in hand is cut short; with one last request and its retries that is under 10 minutes.
REQUEST_BUDGET = 400
RUN_SECONDS = 5 * 60
LONGEST_SECONDS = 7.5 * 60
# Whoever reads for longer, by hand, holds on to the lease.
RENEW_SECONDS = 5 * 60
# What a visit where nothing moved may cost.
IDLE_REQUESTS = 3
READING_FIELDS = ("server_count", "read_count", "read_at")


class AccountBusy(Exception):
    """Another visit reads this account right now."""


class AnalyticsFetcher:
    """Reads one account of one platform.

    Subclasses give `platform` and `source`. Every public method claims the account's lease, survives any
    failure of the other side, records how it went in the account's state, and returns counts with
    `errors` (how many things failed) and `message` (the last failure in words, "" if none). It also has
    `stopped` where the process was asked to end and the work in hand was broken off.

    Raises:
        AccountBusy: from every public method, while somebody else holds the lease.

    Attributes:
        is_quick: a first try, which must be in nobody's way: a host in trouble ends it, without a word to the
            owner, and the result has `put_off`. Somebody has to make another visit then, not a quick one.
    """

    platform: Platform
    is_quick = False

    def __init__(self, account: Any) -> None:
        self.account = account
        self.host = urlsplit(account.instance_url).netloc
        self._request_limit: int | None = None
        self._began_at = 0.0
        self._renew_at = 0.0

    @property
    def source(self) -> Source:
        """Where the account is read from."""
        raise NotImplementedError

    def sync_account_posts(
        self, limit: int = POSTS_PER_PAGE, max_posts: int = 100, progress: OnProgress | None = None
    ) -> dict[str, Any]:
        """Bring the newest posts and their counters up to date, without reading who engaged.

        Args:
            limit: posts per request, at most 40.
            max_posts: stop after so many.
            progress: told after each page.

        Returns:
            posts_synced, posts_created, posts_updated, skipped, errors, message.
        """
        stats: dict[str, Any] = {"posts_synced": 0, "posts_created": 0, "posts_updated": 0, "skipped": 0}

        def work() -> None:
            PostLister(self._shared(stats, progress)).list_newest(limit, max_posts)

        return self._visit(stats, work)

    def survey(self) -> dict[str, Any]:
        """List the newest page of posts, and note how many there are in all: two or three requests.

        Returns:
            posts_synced, posts_created, posts_updated, skipped, requests, errors, message.
        """
        stats: dict[str, Any] = {}
        first_request = self.source.requests_count

        def work() -> None:
            PostLister(self._shared(stats)).survey()

        try:
            return self._visit(stats, work)
        finally:
            stats["requests"] = self._requests_since(first_request)

    def fetch_post_engagement(self, post: Any) -> dict[str, Any]:
        """Read everybody who likes, comments or shares one post, whatever its counters say.

        Returns:
            new_likes, new_comments, new_shares, total_engagement, errors, message.
        """
        stats: dict[str, Any] = {"new_likes": 0, "new_comments": 0, "new_shares": 0, "total_engagement": 0}

        def work() -> None:
            # Whoever holds the post may have loaded it long ago.
            post.refresh_from_db(fields=[f"{kind}_{name}" for kind in KINDS for name in READING_FIELDS])
            EngagementReader(self._shared(stats)).read_post(post, KINDS)
            notices.apply_notices(self.platform, self.account)

        self._visit(stats, work)
        stats["total_engagement"] = post.refresh_engagement_summary().total_engagement
        return stats

    def fetch_recent_posts_engagement(
        self, hours: int = 24, max_posts: int = 50, progress: OnProgress | None = None
    ) -> dict[str, Any]:
        """Read the engagement of the posts of the last `hours` hours, newest first.

        Args:
            hours: how far back from now they were posted.
            max_posts: read no more than so many.
            progress: told before each post, and at the end.

        Returns:
            posts_processed, total_new_likes, total_new_comments, total_new_shares, errors, message.
        """
        stats = _new_stats()

        def work() -> None:
            since = timezone.now() - timedelta(hours=hours)
            posts = self._posts().filter(posted_at__gte=since).order_by("-posted_at")[:max_posts]
            readings: list[due.Reading] = [(post, KINDS) for post in posts]
            if readings:
                EngagementReader(self._shared(stats, progress)).read_all(readings)
            notices.apply_notices(self.platform, self.account)
            if not stats["errors"]:
                states.record_reading(self._state, self._lease)

        return self._visit(stats, work)

    def run(self, progress: OnProgress | None = None) -> dict[str, Any]:
        """Make one visit: list posts, then read what moved. An idle visit costs one request, at most three.

        Returns:
            The counts of `sync_account_posts` and `fetch_recent_posts_engagement`, requests, work_left
            (whether the budget ended before the work did), and retry_at where the next visit is due before
            its hour, when the host's pause is over.
        """
        stats = _new_stats() | {"posts_synced": 0, "posts_created": 0, "posts_updated": 0, "work_left": False}
        first_request = self.source.requests_count

        def work() -> None:
            self._request_limit = first_request + REQUEST_BUDGET
            visit = self._shared(stats, progress)
            stats["work_left"] = not PostLister(visit).list_due(
                sweep_pages=IDLE_REQUESTS - 1 - self._requests_since(first_request)
            )
            ingest.settle_quiet_posts(self.platform, self.account)
            moved = due.moved_posts(
                self.platform,
                self.account,
                # One more than there can be requests for, so that what is left is noticed.
                at_most=REQUEST_BUDGET + 1,
                # Two bad posts in a row end a visit: the same two must not keep the rest from being read.
                is_random=bool(self._state.failures_count),
            )
            if moved:
                EngagementReader(visit).read_all(moved)
            # Also those that a killed visit left behind.
            notices.apply_notices(self.platform, self.account)
            states.record_success(self._state, self._lease, message=stats["message"])

        try:
            return self._visit(stats, work)
        finally:
            stats["requests"] = self._requests_since(first_request)

    def audit(self) -> dict[str, Any]:
        """Read lists again whose counters stand still, each about once a week (`due.audits`).

        Returns:
            The counts of `fetch_recent_posts_engagement`, and requests.
        """
        stats = _new_stats()
        first_request = self.source.requests_count

        def work() -> None:
            self._request_limit = first_request + REQUEST_BUDGET
            try:
                EngagementReader(self._shared(stats)).read_posts(due.audits(self.platform, self.account))
            except TryLater as trouble:
                # A list that always fails is no reason to put off the account's next visit.
                logger.info("%s account %s: %s", self.platform.name, self.account.pk, trouble)
            notices.apply_notices(self.platform, self.account)

        try:
            return self._visit(stats, work)
        finally:
            stats["requests"] = self._requests_since(first_request)

    def _visit(self, stats: dict[str, Any], work: Callable[[], None]) -> dict[str, Any]:
        """Do the work under the account's lease; failures of the other side become `errors` and `message`.

        Raises:
            AccountBusy: another visit holds the lease.
        """
        stats.update(errors=0, message="")
        self._state = states.state_of(self.platform, self.account)
        self._request_limit = None
        self._is_refused = False
        self._began_at = time.monotonic()
        self._renew_at = self._began_at + RENEW_SECONDS
        self._lease = states.claim_lease(self._state)
        if not self._lease:
            raise AccountBusy(
                f"{self.account} is being read by another run; it will be done in a few minutes."
            )
        asked_before = self.source.requests_count
        try:
            host = hosts.check(self.host)
            self.check_access()
            if self.is_quick and hosts.is_in_trouble(host):
                stats.update(put_off=True, message=f"{self.host} is in trouble.")
            else:
                work()
            if self.source.requests_count != asked_before:
                hosts.note_answer(host)
                if not stats["errors"]:
                    self.platform.note_access(self.account)
        except PlatformError as error:
            self._fail(error, stats)
        except stopping.Stopped:
            stats["stopped"] = True
        finally:
            states.release_lease(self._state, self._lease)
            self.close()
        logger.info("%s account %s: %s", self.platform.name, self.account.pk, stats)
        return stats

    def check_access(self) -> None:
        """Raise a PlatformError, in words for the owner, if the account cannot be read at all."""

    def hurry(self) -> None:
        """Make this a quick try (see `is_quick`); a source that can should not wait for long either."""
        self.is_quick = True

    def close(self) -> None:
        """Let go of connections at the end of each visit; the fetcher may be used again."""

    def _fail(self, error: PlatformError, stats: dict[str, Any]) -> None:
        """Record the failure that ended a visit."""
        retry_at = None
        if isinstance(error, ReconnectNeeded):
            error = self._second_opinion(error)
        if isinstance(error, TryLater):
            retry_at = hosts.note_failure(self.host, error, is_final=not self.is_quick)
            if self.is_quick:
                logger.info("%s account %s is put off: %s", self.platform.name, self.account.pk, error)
                stats.update(put_off=True, message=str(error))
                return
        stats["errors"] += 1
        stats["message"] = str(error)
        logger.warning("%s account %s: %s", self.platform.name, self.account.pk, error)
        if isinstance(error, hosts.LeftAlone):
            retry_at = error.until_at
        elif isinstance(error, Blocked):
            retry_at = hosts.block(self.host, seconds=error.seconds, message=str(error))
        if retry_at is not None:
            stats["retry_at"] = retry_at.isoformat()
        if isinstance(error, ReconnectNeeded):
            self.platform.ask_to_reconnect(self.account, message=str(error))
        message = error.reason if isinstance(error, hosts.LeftAlone) else str(error)
        states.record_failure(self._state, self._lease, message=message, retry_at=retry_at)

    def _count_error(self, error: PlatformError, stats: dict[str, Any]) -> None:
        """Note a failure that the visit goes on after; raise one that ends it."""
        if isinstance(error, ReconnectNeeded):
            error = self._second_opinion(error)
        if isinstance(error, ReconnectNeeded | Blocked) or (self.is_quick and isinstance(error, TryLater)):
            raise error
        stats["errors"] += 1
        stats["message"] = str(error)
        logger.warning("%s account %s: %s", self.platform.name, self.account.pk, error)

    def _second_opinion(self, refusal: ReconnectNeeded) -> PlatformError:
        """Ask for the account itself: only a second refusal condemns the token (api-facts 10).

        Returns:
            The refusal if the token is dead; else the failure that the refused question was.
        """
        if self._is_refused:
            return refusal
        try:
            self._is_refused = not self.source.profile().remote_id
        except ReconnectNeeded:
            self._is_refused = True
        except PlatformError as trouble:
            # Neither yes nor no: the next visit will tell.
            return trouble
        if self._is_refused:
            return refusal
        return TryLater(f"{self.host} refused a question, though PostFlow's access is good.")

    def _requests_since(self, first_request: int) -> int:
        return self.source.requests_count - first_request

    def _may_go_on(self) -> bool:
        """Whether the visit may begin something more; what was named by hand is read to its end."""
        self._hold_lease()
        if stopping.is_asked():
            return False
        if self._request_limit is None:
            return True
        is_early = time.monotonic() < self._began_at + RUN_SECONDS
        return is_early and self.source.requests_count < self._request_limit

    def may_read_on(self) -> bool:
        """Whether a list in hand may be read on: for sources to ask between two pages."""
        self._hold_lease()
        is_early = time.monotonic() < self._began_at + LONGEST_SECONDS
        return not stopping.is_asked() and (is_early or self._request_limit is None)

    def _hold_lease(self) -> None:
        """Renew the lease of a visit that takes long.

        Raises:
            AccountBusy: it ran out, and another run has the account now.
        """
        if time.monotonic() >= self._renew_at:
            if not states.renew_lease(self._state, self._lease):
                raise AccountBusy(f"{self.account} is being read by another run now.")
            self._renew_at = time.monotonic() + RENEW_SECONDS

    def _posts(self) -> QuerySet[Any]:
        return self.platform.post_model.objects.filter(account=self.account)

    def _shared(self, stats: dict[str, Any], progress: OnProgress | None = None) -> Visit:
        return Visit(
            platform=self.platform,
            account=self.account,
            source=self.source,
            state=self._state,
            stats=stats,
            on_error=lambda error: self._count_error(error, stats),
            may_go_on=self._may_go_on,
            progress=progress,
        )


def _new_stats() -> dict[str, Any]:
    return {"posts_processed": 0, "total_new_likes": 0, "total_new_comments": 0, "total_new_shares": 0}
