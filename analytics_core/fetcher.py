"""Reads one account: which of its posts changed, and what of them. Writes through `ingest` only.

The rules are those of docs/architecture.md, "A visit": one lease, one budget of requests and seconds,
counters that moved decide what is read, one place that records how it ended.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from . import hosts, ingest, states
from .history import PostLister
from .models import KINDS
from .platforms import (
    Blocked,
    Gone,
    Listing,
    Platform,
    PlatformError,
    ReconnectNeeded,
    Source,
    TryLater,
    id_order,
)
from .schedule import POSTS_PER_PAGE

logger = logging.getLogger(__name__)

type Reading = tuple[Any, Sequence[str]]
"""A post and the kinds of engagement to read of it."""

Progress = Callable[[str, int, int | None], None]
"""Called with what is being read ("posts", "engagement"), how many are done, how many there are."""

# One visit's bounds: what is left over is due first next time.
REQUEST_BUDGET = 400
RUN_SECONDS = 8 * 60
# A list is read again after this, though its counter stands still; within what an idle visit may cost.
RE_READ_AFTER = timedelta(days=7)
IDLE_REQUESTS = 3
# A host that fails twice in a row, retries included, is left alone for this visit.
TROUBLE_LIMIT = 2


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
            self._read_engagement(post, KINDS, stats)
            ingest.apply_notices(self.platform, self.account)

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
            readings: list[Reading] = [(post, KINDS) for post in posts]
            if readings:
                self._read_notifications(stats)
                self._read_posts(readings, stats, progress)
                ingest.apply_notices(self.platform, self.account)

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
            stats["work_left"] = not self._lister(stats).list_due(
                may_go_on=self._may_go_on, on_page=lambda: self._tell_posts(progress, stats)
            )
            ingest.settle_quiet_posts(self.platform, self.account)
            due = self._moved_posts() or self._audits(
                at_most=IDLE_REQUESTS - self._requests_since(first_request)
            )
            if due:
                if self._is_worth_notifications(due):
                    self._read_notifications(stats)
                self._read_posts(due, stats, progress)
                ingest.apply_notices(self.platform, self.account)
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
        self._lease = states.claim_lease(self._state)
        if not self._lease:
            raise AccountBusy(
                f"{self.account} is being read by another run; it will be done in a few minutes."
            )
        try:
            self._check_host()
            work()
        except PlatformError as error:
            self._fail(error, stats)
        finally:
            states.release_lease(self._state, self._lease)
        logger.info("%s account %s: %s", self.platform.name, self.account.pk, stats)
        return stats

    def _check_host(self) -> None:
        until_at = hosts.blocked_until(self.host)
        if until_at is not None:
            seconds = (until_at - timezone.now()).total_seconds()
            raise Blocked(
                f"{self.host} asked for a pause until {timezone.localtime(until_at):%H:%M}.", seconds=seconds
            )

    def _fail(self, error: PlatformError, stats: dict[str, Any]) -> None:
        """Record the failure that ended a visit."""
        stats["errors"] += 1
        stats["message"] = str(error)
        logger.warning("%s account %s: %s", self.platform.name, self.account.pk, error)
        retry_at = None
        if isinstance(error, Blocked):
            retry_at = hosts.block(self.host, seconds=error.seconds, message=str(error))
        if isinstance(error, ReconnectNeeded):
            self.platform.ask_to_reconnect(self.account, message=str(error))
        states.record_failure(self._state, self._lease, message=str(error), retry_at=retry_at)

    def _count_error(self, error: PlatformError, stats: dict[str, Any]) -> None:
        """Note a failure that the visit goes on after; raise one that ends it."""
        if isinstance(error, ReconnectNeeded) and self._token_works():
            error = PlatformError(f"{self.host} refused one question, though PostFlow's access is good.")
        if isinstance(error, ReconnectNeeded | Blocked):
            raise error
        stats["errors"] += 1
        stats["message"] = str(error)
        logger.warning("%s account %s: %s", self.platform.name, self.account.pk, error)

    def _token_works(self) -> bool:
        """Ask for the account itself: only a clear answer acquits the token (api-facts 10)."""
        try:
            self.source.profile()
        except PlatformError:
            return False
        return True

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

    def _lister(self, stats: dict[str, Any]) -> PostLister:
        return PostLister(self.platform, self.account, source=self.source, state=self._state, stats=stats)

    def _moved_posts(self) -> list[Reading]:
        """Return the posts with counters that moved or lists never read, newest first, with those kinds."""
        moved = Q()
        for kind in KINDS:
            unread = Q(**{f"{kind}_read_count": None})
            differs = Q(**{f"{kind}_server_count__isnull": False}) & ~Q(
                **{f"{kind}_server_count": F(f"{kind}_read_count")}
            )
            moved |= unread | differs
        posts = self._posts().filter(moved, missing_since_at=None).order_by("-posted_at")
        return [(post, [kind for kind in KINDS if _has_moved(post, kind)]) for post in posts]

    def _audits(self, *, at_most: int) -> list[Reading]:
        """Return lists that were last read over a week ago, the oldest first: counters alone do not show
        somebody who left while somebody else came.
        """
        due: list[Reading] = []
        for kind in KINDS:
            posts = self._posts().filter(
                **{f"{kind}_read_at__lt": timezone.now() - RE_READ_AFTER, f"{kind}_read_count__gt": 0},
                missing_since_at=None,
            )
            due += [(post, [kind]) for post in posts.order_by(f"{kind}_read_at")[: max(at_most, 0)]]
        due.sort(key=lambda audit: getattr(audit[0], f"{audit[1][0]}_read_at"))
        return due[: max(at_most, 0)]

    def _is_worth_notifications(self, due: Sequence[Reading]) -> bool:
        """Whether anything new is to be expected: an audit alone finds nothing that has a notification."""
        return any(_has_moved(post, kind) for post, kinds in due for kind in kinds)

    def _read_posts(self, posts: Sequence[Reading], stats: dict[str, Any], progress: Progress | None) -> None:
        """Read posts one by one until the budget ends or the host fails too often in a row."""
        troubles = 0
        for done, (post, kinds) in enumerate(posts):
            if not self._may_go_on():
                stats["work_left"] = True
                return
            if progress:
                progress("engagement", done, len(posts))
            errors_before = stats["errors"]
            trouble = self._read_engagement(post, kinds, stats)
            stats["posts_processed"] += 1
            troubles = troubles + 1 if trouble else 0
            if troubles >= TROUBLE_LIMIT and stats["errors"] > errors_before:
                raise TryLater(stats["message"])
        if progress:
            progress("engagement", len(posts), len(posts))

    def _read_engagement(self, post: Any, kinds: Sequence[str], stats: dict[str, Any]) -> bool:
        """Read some kinds of one post and store what was read whole. Tells if the host was in trouble."""
        listings: dict[str, Listing[Any]] = {}
        trouble = False
        try:
            for kind in kinds:
                try:
                    listings[kind] = self._read_kind(post, kind)
                except Gone as error:
                    if self.source.post_exists(getattr(post, self.platform.post_id_field)):
                        self._count_error(error, stats)
                    else:
                        ingest.mark_missing(self.platform, post, seen_at=timezone.now())
                        break
                except PlatformError as error:
                    trouble = trouble or isinstance(error, TryLater)
                    self._count_error(error, stats)
        finally:
            # What was read before a failure is good.
            if listings:
                outcome = ingest.ingest_engagement(self.platform, post, listings, seen_at=timezone.now())
                for kind, result in outcome.items():
                    _add(stats, f"new_{kind}", result.new_count + result.returned_count)
        return trouble

    def _read_kind(self, post: Any, kind: str) -> Listing[Any]:
        post_id = getattr(post, self.platform.post_id_field)
        server_count = getattr(post, f"{kind}_server_count")
        if kind == "likes":
            return self.source.likers(post_id)
        if kind == "shares":
            return self.source.sharers(post_id)
        return self.source.comments(post_id, expected_count=server_count)

    def _read_notifications(self, stats: dict[str, Any]) -> None:
        """Keep the times and comments that notifications tell; without them times are less exact."""
        state = self._state
        try:
            listing = self.source.notifications(since_id=state.seen_notification_id)
        except PlatformError as error:
            self._count_error(error, stats)
            return
        new_comments_count = ingest.ingest_notifications(self.platform, self.account, listing.items)
        _add(stats, "new_comments", new_comments_count)
        newest = max((record.remote_id for record in listing.items), key=id_order, default="")
        if newest:
            state.seen_notification_id = newest
            state.save(update_fields=["seen_notification_id"])


def _has_moved(post: Any, kind: str) -> bool:
    server_count, read_count = getattr(post, f"{kind}_server_count"), getattr(post, f"{kind}_read_count")
    return read_count is None or (server_count is not None and server_count != read_count)


def _new_stats() -> dict[str, Any]:
    return {"posts_processed": 0, "total_new_likes": 0, "total_new_comments": 0, "total_new_shares": 0}


def _add(stats: dict[str, Any], name: str, count: int) -> None:
    """Add to the total where the result has one, else to the count of the single post."""
    key = f"total_{name}" if f"total_{name}" in stats else name
    stats[key] = stats.get(key, 0) + count
