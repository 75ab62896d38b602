"""Talks to one Pixelfed instance for one account, and gets every page of what it asks for.

Written against api-facts and the recorded exchanges. It speaks the other side's words (status,
favourite, reblog) so that nobody else has to. It never touches the database.
"""

from __future__ import annotations

import logging
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import wraps
from time import sleep
from typing import Any, Self
from urllib.parse import urlsplit

from django.conf import settings

from analytics_core.platforms import id_order
from core import http, stopping

from .answers import (
    BadRequest,
    Gone,
    NoAnswer,
    PixelfedAPIError,
    ReconnectNeeded,
    WrongAnswer,
    checked_id,
    flat_comment,
    is_comment,
    is_own_post,
    read_json,
)
from .paging import Found, clean_id, is_newer, is_older, item_id, older_page, oldest_id, says_where

__all__ = ["Found", "PixelfedAPIClient", "PixelfedAPIError", "retry_on_failure"]

logger = logging.getLogger(__name__)

POSTS_LIMIT = 40
PEOPLE_LIMIT = 80  # reblogged_by answers an error to 81 (api-facts 3)
NOTIFICATIONS_LIMIT = 40
# Pixelfed lists at most this many direct answers in a context, without a way to ask for more (api-facts 4).
CONTEXT_LIMIT = 20
# Bounds against servers that never end: far above any real list, and within one visit's time.
MAX_PAGES = 500
MAX_CONTEXTS = 200
MAX_EMPTY_PAGES = 3
MAX_NOTIFICATION_PAGES = 50
RETRIES = 3

_TOKEN = re.compile(r"[\x21-\x7e]+")


def retry_on_failure[**P, R](
    max_retries: int = 3, initial_delay: float | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Call again, after a growing pause, what failed in a way that may pass.

    Args:
        max_retries: how many times to call again after the first failure.
        initial_delay: seconds before the first retry, doubled with each, plus up to a quarter of itself at
            random (default: settings.FETCH_RETRY_DELAY).

    The last failure is raised as it is; one that cannot pass (see `PlatformError.is_passing`) at once.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            delay = settings.FETCH_RETRY_DELAY if initial_delay is None else initial_delay
            for attempt in range(max_retries):
                try:
                    return function(*args, **kwargs)
                except (PixelfedAPIError, OSError) as error:
                    # Errors of the network are all OSErrors, and all may pass.
                    if isinstance(error, PixelfedAPIError) and not error.is_passing:
                        raise
                    logger.info("attempt %s of %s: %s", attempt + 1, max_retries + 1, error)
                    with stopping.breakable():
                        sleep(delay * 2**attempt * random.uniform(1, 1.25))
            return function(*args, **kwargs)

        return wrapper

    return decorate


class _Pacer:
    """Spaces this process's requests to one host, where nobody does it for all processes."""

    def __init__(self) -> None:
        self._last_at: dict[str, float] = {}
        self._locks: dict[str, threading.Lock] = {}

    def __call__(self, host: str) -> None:
        with self._locks.setdefault(host, threading.Lock()):
            passed = time.monotonic() - self._last_at.get(host, float("-inf"))
            wait = settings.FETCH_REQUEST_INTERVAL - max(passed, 0)
            if wait > 0:
                sleep(wait)
            self._last_at[host] = time.monotonic()


_pace = _Pacer()


class PixelfedAPIClient:
    """One account's view of its instance. Use it in a `with` block, or call `close`.

    Args:
        instance_url: the instance, with or without a trailing slash.
        access_token: sent to this instance's own origin and nowhere else.

    Attributes:
        requests_count: requests sent so far, retries included.
        wait_turn: called with the host before each request; returns when it may be sent. Replace it to
            share turns with other processes: by default this process alone keeps to one request per
            settings.FETCH_REQUEST_INTERVAL seconds and host.
        end_turn: called with the host when its answer is there, or will not come. Default: does nothing.
        may_go_on: asked before each further page of people or comments; False cuts the list short, which
            `Found.is_cut` then tells. Default: always True.
        retries: how many times to ask again after a failure that may pass.
        timeout_seconds: limit for one request; None: settings.FETCH_TIMEOUT.

    Raises:
        PixelfedAPIError: also a ValueError: the address is not that of an instance.
    """

    def __init__(self, instance_url: str, access_token: str) -> None:
        try:
            self.instance_url = http.normalize_instance_url(instance_url or "")
        except http.InstanceAddressError as error:
            raise BadRequest(str(error)) from error
        self.access_token = access_token or ""
        self.base_url = f"{self.instance_url}/api"
        self.host = urlsplit(self.instance_url).netloc
        self.requests_count = 0
        self.wait_turn: Callable[[str], None] = _pace
        self.end_turn: Callable[[str], None] = lambda host: None
        self.may_go_on: Callable[[], bool] = lambda: True
        self.retries = RETRIES
        self.timeout_seconds: float | None = None
        self._session: http.Session | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<PixelfedAPIClient {self.host}>"

    def close(self) -> None:
        """Close the connections. The client may be used again."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def verify_credentials(self) -> dict[str, Any]:
        """Return the account that the token belongs to (GET /api/v1/accounts/verify_credentials)."""
        return self._expect(dict, self._make_request("/v1/accounts/verify_credentials"))

    def get_post(self, post_id: str) -> dict[str, Any]:
        """Return one status (GET /api/v1/statuses/:id).

        Raises:
            PixelfedAPIError: Gone if it is deleted or archived.
        """
        return self._expect(dict, self._make_request(f"/v1/statuses/{checked_id(post_id)}"))

    def get_account_posts(
        self, account_id: str, max_id: str | None = None, limit: int = POSTS_LIMIT
    ) -> Found:
        """Return one page of an account's statuses that have media, newest first.

        GET /api/v1/accounts/:id/statuses, which has no Link header on Pixelfed: the smallest id of a page
        asks for the next one, and only an empty page is the end (api-facts 2).

        Args:
            account_id: the account's id on its instance.
            max_id: return only posts older than this one.
            limit: statuses per request, at most 40.

        Returns:
            Statuses as the instance gives them; `next_id` is "" when there are no older ones.
        """
        endpoint = f"/v1/accounts/{checked_id(account_id)}/statuses"
        params: dict[str, Any] = {"limit": _clamped(limit, POSTS_LIMIT), "only_media": "true"}
        before, found = checked_id(max_id) if max_id else "", Found()
        # A page may hold nothing with media while older ones do.
        for _ in range(MAX_PAGES):
            page = self._expect(list, self._make_request(endpoint, params=params | _before(before)))
            # A server that ignores max_id would send the newest page for ever.
            older = [item for item in page if not before or is_older(item, before)]
            found.is_complete = bool(older) or not page
            found.next_id = oldest_id(older)
            found.take(item for item in older if not item_id(item) or is_own_post(item))
            if found or not found.next_id:
                break
            before = found.next_id
        logger.debug("%s: %s posts", self.host, len(found))
        return found

    def get_post_favourited_by(
        self, post_id: str, max_id: str | None = None, limit: int = PEOPLE_LIMIT
    ) -> Found:
        """Return everybody who likes a post, newest like first, all pages (GET .../favourited_by).

        The instance tells no time of a like. `max_id` starts in the middle where the instance knows it
        (Mastodon; Pixelfed ignores it); `limit` is people per request, at most 80.
        """
        return self._people(f"/v1/statuses/{checked_id(post_id)}/favourited_by", max_id, limit)

    def get_post_reblogged_by(
        self, post_id: str, max_id: str | None = None, limit: int = PEOPLE_LIMIT
    ) -> Found:
        """Return everybody who shares a post, newest share first, all pages (GET .../reblogged_by)."""
        return self._people(f"/v1/statuses/{checked_id(post_id)}/reblogged_by", max_id, limit)

    def get_post_context(self, post_id: str, *, replies_count: int | None = None) -> Found:
        """Return the comments under a post and the answers below them.

        GET /api/v1/statuses/:id/context brings direct answers only on Pixelfed, at most 20, so it is asked
        again below each comment that has answers (api-facts 4). `replies_count` is the post's own count of
        direct answers, where it is known.

        Returns:
            Dicts of id, account_id, username, display_name, content (HTML), created_at and in_reply_to_id.
            `is_complete` is False where the instance may hide more.
        """
        post_id = checked_id(post_id)
        found, todo = Found(), [(post_id, replies_count)]
        for _ in range(MAX_CONTEXTS):
            if not todo:
                break
            if found and not self.may_go_on():
                found.cut()
                break
            parent, expected = todo.pop(0)
            try:
                answers = self._answers_below(parent, found)
            except (Gone, WrongAnswer):
                if parent == post_id:
                    raise
                # Only this comment cannot be asked about: it went away meanwhile, or is for few to see.
                found.is_complete = False
                continue
            parents = Counter(clean_id(item.get("in_reply_to_id")) for item in answers)
            if parents[parent] == CONTEXT_LIMIT or parents[parent] < CONTEXT_LIMIT < (expected or 0):
                found.is_complete = False
            for item in answers:
                comment = flat_comment(item)
                if comment["id"] == post_id or not found.take([comment]):
                    continue
                below = item.get("replies_count")
                # Mastodon lists the whole tree at once: what has answers in the list needs no second look.
                if isinstance(below, int) and below > 0 and not parents[comment["id"]]:
                    todo.append((comment["id"], below))
        found.is_complete = found.is_complete and not todo
        logger.debug("%s: %s comments", self.host, len(found))
        return found

    def get_notifications(self, since_id: str | None = None) -> Found:
        """Return what was notified after `since_id`, newest first; all that the instance still has if None.

        GET /api/v1/notifications, paged as api-facts 6 advises: it holds for servers whose limits include
        or exclude the id itself, whose last link is empty, and whose first answer ever is empty.

        Returns:
            Notifications as the instance gives them; `is_complete` is False where it gave no end.
        """
        since, before, found = checked_id(since_id) if since_id else "", "", Found()
        params: dict[str, Any] = {"limit": NOTIFICATIONS_LIMIT}
        if since.isdigit():
            params["since_id"] = str(max(int(since) - 1, 0))
        for _ in range(MAX_NOTIFICATION_PAGES):
            page, link = self._page("/v1/notifications", params)
            if not page and not before:
                # Right after a cache loss the first answer is empty, the second full (recordings 352, 353).
                page, link = self._page("/v1/notifications", params)
            found.take(item for item in page if not since or is_newer(item, since))
            offers = [oldest_id(page), older_page(link).get("max_id", "")]
            lowest = min(filter(None, offers), key=id_order, default="")
            if not lowest or (since and id_order(lowest) <= id_order(since)):
                break
            if before and id_order(lowest) >= id_order(before):
                # The server does not get any further down.
                found.is_complete = False
                break
            before = lowest
            params = {"limit": NOTIFICATIONS_LIMIT, "max_id": lowest}
        else:
            found.is_complete = False
        logger.debug("%s: %s notifications", self.host, len(found))
        return found

    def _people(self, endpoint: str, max_id: str | None, limit: int) -> Found:
        """Return the accounts of a paged listing, each once, following the cursor to older ones."""
        size, found = _clamped(limit, PEOPLE_LIMIT), Found()
        older = _before(checked_id(max_id) if max_id else "")
        asked: list[dict[str, str]] = []
        empty_count = 0
        for _ in range(MAX_PAGES):
            if asked and not self.may_go_on():
                found.cut()
                break
            page, link = self._page(endpoint, {"limit": size, **older})
            new_count, older = found.take(page), older_page(link)
            # Everybody on a page may have left; several such pages in a row are a server's fault.
            empty_count = 0 if page else empty_count + 1
            if not older:
                found.is_complete = found.is_complete and says_where(link)
                break
            if (page and not new_count) or empty_count > MAX_EMPTY_PAGES or older in asked:
                # More is offered, but this way leads in a circle or nowhere.
                found.is_complete = False
                break
            asked.append(older)
        else:
            found.is_complete = False
        logger.debug("%s: %s people", self.host, len(found))
        return found

    def _answers_below(self, remote_id: str, found: Found) -> list[dict[str, Any]]:
        """Return the comments of a context; odd ones are counted."""
        context = self._expect(dict, self._make_request(f"/v1/statuses/{remote_id}/context"))
        if "descendants" not in context:
            found.is_complete = False
        answers = self._expect(list, context.get("descendants", []))
        comments = [item for item in answers if is_comment(item)]
        found.skipped_count += len(answers) - len(comments)
        return comments

    def _page(self, endpoint: str, params: dict[str, Any]) -> tuple[list[Any], str]:
        data, link = self._send("GET", endpoint, params)
        return self._expect(list, data), link

    def _make_request(self, endpoint: str, method: str = "GET", params: dict[str, Any] | None = None) -> Any:
        """Return the JSON that `endpoint` ("/v1/...") answers.

        Raises:
            PixelfedAPIError: after up to three retries where asking again can help.
        """
        return self._send(method, endpoint, params)[0]

    def _send(self, method: str, endpoint: str, params: dict[str, Any] | None) -> tuple[Any, str]:
        """Return a good answer's JSON and its Link header."""
        return retry_on_failure(self.retries)(self._send_once)(method, endpoint, params)

    def _send_once(self, method: str, endpoint: str, params: dict[str, Any] | None) -> tuple[Any, str]:
        if not _TOKEN.fullmatch(self.access_token):
            raise ReconnectNeeded(f"PostFlow's access to {self.host} is damaged.")
        self.wait_turn(self.host)
        self.requests_count += 1
        if self._session is None:
            self._session = http.open_session()
        # In the session rather than an argument: reports of errors show the arguments of every call.
        self._session.headers["Authorization"] = f"Bearer {self.access_token}"
        logger.debug("%s %s%s", method, self.host, endpoint)
        try:
            with stopping.breakable():
                answer = http.fetch(
                    self._session,
                    method,
                    f"{self.base_url}{endpoint}",
                    params=params,
                    timeout_seconds=self.timeout_seconds,
                )
        except http.Unreachable as error:
            raise NoAnswer(f"{self.host} did not answer.") from error
        except http.HTTPError as error:
            raise WrongAnswer(str(error)) from error
        finally:
            self.end_turn(self.host)
        logger.debug("%s %s%s: %s", method, self.host, endpoint, answer.status)
        return read_json(answer, host=self.host), answer.headers.get("Link", "")

    def _expect[T](self, shape: type[T], data: Any) -> T:
        if not isinstance(data, shape):
            raise WrongAnswer(f"{self.host} answered with something other than what was asked for.")
        return data


def _clamped(limit: int, highest: int) -> int:
    return max(1, min(limit, highest))


def _before(max_id: str) -> dict[str, str]:
    return {"max_id": max_id} if max_id else {}
