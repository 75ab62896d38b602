"""Reads one account: which of its posts changed, and what of them. Writes through `ingest` only.

The rules are those of docs/architecture.md, "A visit": one lease, one budget of requests and seconds,
counters that moved decide what is read, one place that records how it ended.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db.models import QuerySet
from django.utils import timezone

from . import due, hosts, ingest, notices, states
from .history import PostLister
from .models import KINDS
from .platforms import (
    Blocked,
    Platform,
    PlatformError,
    ReconnectNeeded,
    Source,
    TryLater,
)
from .reader import EngagementReader, Progress
from .schedule import POSTS_PER_PAGE

logger = logging.getLogger(__name__)

# One visit's bounds: what is left over is due first next time.
REQUEST_BUDGET = 400
RUN_SECONDS = 8 * 60
# What a visit where nothing moved may cost.
IDLE_REQUESTS = 3
# Lists read again for safety, beyond what moved.
AUDITS = 2
READING_FIELDS = ("server_count", "read_count", "read_at")


class AccountBusy(Exception):
    """Another run reads this account right now."""


class AnalyticsFetcher:
    """Reads one account of one platform.

    Subclasses give `platform` and `source`. Every public method claims the account's lease, survives any
    failure of the other side, records how it went in the account's state, and returns counts with
    `errors` (how many things failed) and `message` (the last failure in words, "" if none).
    """

    platform: Platform

    def __init__(self, account: Any) -> None:
        self.account = account
        self.host = urlsplit(account.instance_url).netloc
        self._request_limit: int | None = None

    @property
    def source(self) -> Source:
        """Where the account is read from."""
        raise NotImplementedError

    def sync_account_posts(
        self, limit: int = POSTS_PER_PAGE, max_posts: int = 100, progress: Progress | None = None
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
            self._lister(stats).list_newest(limit, max_posts, lambda: self._tell_posts(progress, stats))

        return self._visit(stats, work)

    def fetch_post_engagement(self, post: Any) -> dict[str, Any]:
        """Read everybody who likes, comments or shares one post, whatever its counters say.

        Returns:
            new_likes, new_comments, new_shares, total_engagement, errors, message.
        """
        stats: dict[str, Any] = {"new_likes": 0, "new_comments": 0, "new_shares": 0, "total_engagement": 0}

        def work() -> None:
            # Whoever holds the post may have loaded it long ago.
            post.refresh_from_db(fields=[f"{kind}_{name}" for kind in KINDS for name in READING_FIELDS])
            self._reader(stats).read_post(post, KINDS)
            notices.apply_notices(self.platform, self.account)

        self._visit(stats, work)
        stats["total_engagement"] = post.refresh_engagement_summary().total_engagement
        return stats

    def fetch_recent_posts_engagement(
        self, hours: int = 24, max_posts: int = 50, progress: Progress | None = None
    ) -> dict[str, Any]:
        """Read the engagement of the posts of the last `hours` hours, newest first.

        Returns:
            posts_processed, total_new_likes, total_new_comments, total_new_shares, errors, message.
        """
        stats = _new_stats()

        def work() -> None:
            since = timezone.now() - timedelta(hours=hours)
            posts = self._posts().filter(posted_at__gte=since).order_by("-posted_at")[:max_posts]
            readings: list[due.Reading] = [(post, KINDS) for post in posts]
            if readings:
                self._reader(stats, progress).read_all(readings)
            notices.apply_notices(self.platform, self.account)
            if not stats["errors"]:
                states.record_reading(self._state, self._lease)

        return self._visit(stats, work)

    def run(self, progress: Progress | None = None) -> dict[str, Any]:
        """Make one visit: list posts, then read what moved. An idle visit costs one request, at most three.

        Returns:
            The counts of `sync_account_posts` and `fetch_recent_posts_engagement`, requests, and work_left:
            whether the budget ended before the work did.
        """
        stats = _new_stats() | {"posts_synced": 0, "posts_created": 0, "posts_updated": 0, "work_left": False}
        first_request = self.source.requests_count

        def work() -> None:
            self._ends_at = time.monotonic() + RUN_SECONDS
            self._request_limit = first_request + REQUEST_BUDGET
            lister = self._lister(stats)
            lister.count_account()
            stats["work_left"] = not lister.list_due(
                sweep_pages=IDLE_REQUESTS - 1 - self._requests_since(first_request),
                may_go_on=self._may_go_on,
                on_page=lambda: self._tell_posts(progress, stats),
            )
            ingest.settle_quiet_posts(self.platform, self.account)
            audits = due.audits(self.platform, self.account, at_most=AUDITS)
            moved = due.moved_posts(self.platform, self.account)
            if self._state.failures_count:
                # Two bad posts in a row end a visit: the same two must not keep the rest from being read.
                random.shuffle(moved)
            if moved:
                self._reader(stats, progress).read_all(moved)
            elif self._requests_since(first_request) > 1:
                # A sweep has used up what a quiet visit may cost.
                audits = []
            self._reader(stats).read_posts(audits)
            # Also those that a killed visit left behind.
            notices.apply_notices(self.platform, self.account)
            states.record_success(self._state, self._lease, message=stats["message"])

        try:
            return self._visit(stats, work)
        finally:
            stats["requests"] = self._requests_since(first_request)

    def _visit(self, stats: dict[str, Any], work: Callable[[], None]) -> dict[str, Any]:
        """Do the work under the account's lease; failures of the other side become `errors` and `message`.

        Raises:
            AccountBusy: another run holds the lease.
        """
        stats.update(errors=0, message="")
        self._state = states.state_of(self.platform, self.account)
        self._request_limit = None
        self._is_refused = False
        self._lease = states.claim_lease(self._state)
        if not self._lease:
            raise AccountBusy(
                f"{self.account} is being read by another run; it will be done in a few minutes."
            )
        asked_before = self.source.requests_count
        try:
            hosts.check(self.host)
            self.check_access()
            work()
            if not stats["errors"] and self.source.requests_count != asked_before:
                self.platform.note_access(self.account)
        except PlatformError as error:
            self._fail(error, stats)
        finally:
            states.release_lease(self._state, self._lease)
            self.close()
        logger.info("%s account %s: %s", self.platform.name, self.account.pk, stats)
        return stats

    def check_access(self) -> None:
        """Raise a PlatformError, in words for the owner, if the account cannot be read at all."""

    def close(self) -> None:
        """Let go of connections at the end of each visit; the fetcher may be used again."""

    def _fail(self, error: PlatformError, stats: dict[str, Any]) -> None:
        """Record the failure that ended a visit."""
        retry_at = None
        if isinstance(error, ReconnectNeeded):
            error = self._second_opinion(error)
        stats["errors"] += 1
        stats["message"] = str(error)
        logger.warning("%s account %s: %s", self.platform.name, self.account.pk, error)
        if isinstance(error, Blocked):
            retry_at = hosts.block(self.host, seconds=error.seconds, message=str(error))
        if isinstance(error, ReconnectNeeded):
            self.platform.ask_to_reconnect(self.account, message=str(error))
        states.record_failure(self._state, self._lease, message=str(error), retry_at=retry_at)

    def _count_error(self, error: PlatformError, stats: dict[str, Any]) -> None:
        """Note a failure that the visit goes on after; raise one that ends it."""
        if isinstance(error, ReconnectNeeded):
            error = self._second_opinion(error)
        if isinstance(error, ReconnectNeeded | Blocked):
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
        """Whether the visit's budget allows more; what was named by hand is read to its end."""
        if self._request_limit is None:
            return True
        return time.monotonic() < self._ends_at and self.source.requests_count < self._request_limit

    def _posts(self) -> QuerySet[Any]:
        return self.platform.post_model.objects.filter(account=self.account)

    def _tell_posts(self, progress: Progress | None, stats: dict[str, Any]) -> None:
        if progress:
            progress("posts", stats["posts_synced"], self._state.server_posts_count)

    def _reader(self, stats: dict[str, Any], progress: Progress | None = None) -> EngagementReader:
        return EngagementReader(
            self.platform,
            self.account,
            source=self.source,
            state=self._state,
            stats=stats,
            on_error=lambda error: self._count_error(error, stats),
            may_go_on=self._may_go_on,
            progress=progress,
        )

    def _lister(self, stats: dict[str, Any]) -> PostLister:
        return PostLister(
            self.platform,
            self.account,
            source=self.source,
            state=self._state,
            stats=stats,
            on_error=lambda error: self._count_error(error, stats),
        )


def _new_stats() -> dict[str, Any]:
    return {"posts_processed": 0, "total_new_likes": 0, "total_new_comments": 0, "total_new_shares": 0}
