"""Talks to one Pixelfed instance for one account, and gets every page of what it asks for.

Written against api-facts and the recorded exchanges. It speaks the other side's words (status,
favourite, reblog) so that nobody else has to. It never touches the database.
"""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from functools import wraps
from time import sleep
from typing import Any, Self
from urllib.parse import urlsplit

from django.conf import settings

from analytics_core.platforms import id_order
from core import http

from .answers import BadRequest, PixelfedAPIError, TryLater, WrongAnswer, read_json
from .paging import ID, item_id, older_page, oldest_id

__all__ = ["Found", "PixelfedAPIClient", "PixelfedAPIError", "retry_on_failure"]

logger = logging.getLogger(__name__)

POSTS_LIMIT = 40
PEOPLE_LIMIT = 80  # reblogged_by answers an error to 81 (api-facts 3)
NOTIFICATIONS_LIMIT = 40
# Pixelfed lists at most this many direct answers in a context, without a way to ask for more (api-facts 4).
CONTEXT_LIMIT = 20
# Bounds against servers that never end: far above any real list.
MAX_PAGES = 1000
MAX_THREAD_DEPTH = 20
MAX_NOTIFICATIONS = 2000


class Found(list[dict[str, Any]]):
    """What a listing brought: a list of dicts, and how far it can be trusted.

    Attributes:
        is_complete: the whole list was read.
        skipped_count: odd entries that were left out.
        next_id: a page of posts only: its smallest id, to ask for the page before it; "" at the end.
    """

    is_complete: bool = True
    skipped_count: int = 0
    next_id: str = ""


def retry_on_failure[**P, R](
    max_retries: int = 3, initial_delay: float | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Call again, after a growing pause, what failed in a way that may pass.

    Args:
        max_retries: how many times to call again after the first failure.
        initial_delay: seconds before the first retry, doubled with each (default: settings.FETCH_RETRY_DELAY),
            plus up to a quarter of itself at random.

    The last failure is raised as it is; one that cannot pass (see `PlatformError.is_passing`) at once.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            delay = settings.FETCH_RETRY_DELAY if initial_delay is None else initial_delay
            for attempt in range(max_retries):
                try:
                    return function(*args, **kwargs)
                except PixelfedAPIError as error:
                    if not error.is_passing:
                        raise
                    logger.info("attempt %s of %s: %s", attempt + 1, max_retries + 1, error)
                    sleep(delay * 2**attempt * random.uniform(1, 1.25))  # noqa: S311 jitter, no secret
            return function(*args, **kwargs)

        return wrapper

    return decorate


class _Pacer:
    """Spaces this process's requests to one host, where nobody does it for all processes."""

    def __init__(self) -> None:
        self._free_at: dict[str, float] = {}

    def __call__(self, host: str) -> None:
        now = time.monotonic()
        turn = max(now, self._free_at.get(host, now))
        self._free_at[host] = turn + settings.FETCH_REQUEST_INTERVAL
        if turn > now:
            sleep(turn - now)


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

    Raises:
        PixelfedAPIError: also a ValueError: the address is not that of an instance.
    """

    def __init__(self, instance_url: str, access_token: str) -> None:
        try:
            self.instance_url = http.normalize_instance_url(instance_url)
        except http.InstanceAddressError as error:
            raise BadRequest(str(error)) from error
        self.access_token = access_token
        self.base_url = f"{self.instance_url}/api"
        self.host = urlsplit(self.instance_url).netloc
        self.requests_count = 0
        self.wait_turn: Callable[[str], None] = _pace
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
        return self._object(self._make_request("/v1/accounts/verify_credentials"))

    def get_post(self, post_id: str) -> dict[str, Any]:
        """Return one status (GET /api/v1/statuses/:id).

        Raises:
            PixelfedAPIError: Gone if it is deleted or archived.
        """
        return self._object(self._make_request(f"/v1/statuses/{_checked(post_id)}"))

    def get_account_posts(self, account_id: str, max_id: str | None = None, limit: int = POSTS_LIMIT) -> Found:
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
        endpoint = f"/v1/accounts/{_checked(account_id)}/statuses"
        before, found = max_id or "", Found()
        # A page may hold nothing with media while older ones do.
        for _ in range(MAX_PAGES):
            params = {"limit": max(1, min(limit, POSTS_LIMIT)), "only_media": "true"} | ({"max_id": before} if before else {})
            page = self._list(self._make_request(endpoint, params=params))
            # A server that ignores max_id would send the newest page for ever.
            older = [item for item in page if not before or _is_older(item, before)]
            found.next_id = oldest_id(older)
            for status in older:
                if _has_own_media(status):
                    found.append(status)
                elif not item_id(status):
                    found.skipped_count += 1
            if found or not found.next_id:
                break
            before = found.next_id
        logger.debug("%s: %s posts", self.host, len(found))
        return found

    def get_post_favourited_by(self, post_id: str, max_id: str | None = None, limit: int = PEOPLE_LIMIT) -> Found:
        """Return everybody who likes a post, newest like first, all pages (GET .../favourited_by).

        The instance tells no time of a like. `max_id` starts in the middle where the instance knows it
        (Mastodon; Pixelfed ignores it); `limit` is people per request, at most 80.
        """
        return self._people(f"/v1/statuses/{_checked(post_id)}/favourited_by", max_id, limit)

    def get_post_reblogged_by(self, post_id: str, max_id: str | None = None, limit: int = PEOPLE_LIMIT) -> Found:
        """Return everybody who shares a post, newest share first, all pages (GET .../reblogged_by)."""
        return self._people(f"/v1/statuses/{_checked(post_id)}/reblogged_by", max_id, limit)

    def get_post_context(self, post_id: str, *, replies_count: int | None = None) -> Found:
        """Return the comments under a post and the answers below them.

        GET /api/v1/statuses/:id/context brings direct answers only on Pixelfed, at most 20, so it is asked
        again below each comment that has answers (api-facts 4). `replies_count` is the post's own count of
        direct answers, where it is known.

        Returns:
            Dicts of id, account_id, username, display_name, content (HTML), created_at and in_reply_to_id.
            `is_complete` is False where the instance may hide more.
        """
        found, todo, seen = Found(), [(post_id, replies_count, 1)], {post_id}
        while todo:
            parent, expected, depth = todo.pop()
            context = self._object(self._make_request(f"/v1/statuses/{_checked(parent)}/context"))
            answers = self._list(context.get("descendants", []))
            parents = Counter(item.get("in_reply_to_id") for item in answers if isinstance(item, dict))
            if parents[parent] == CONTEXT_LIMIT or parents[parent] < CONTEXT_LIMIT < (expected or 0):
                found.is_complete = False
            for item in answers:
                comment = _comment(item)
                if comment is None:
                    found.skipped_count += 1
                    continue
                if comment["id"] in seen:
                    continue
                seen.add(comment["id"])
                found.append(comment)
                below = item.get("replies_count")
                # Mastodon lists the whole tree at once: what has answers in the list needs no second look.
                if isinstance(below, int) and below > 0 and not parents[comment["id"]]:
                    if depth < MAX_THREAD_DEPTH:
                        todo.append((comment["id"], below, depth + 1))
                    else:
                        found.is_complete = False
        return found

    def get_notifications(self, since_id: str | None = None) -> Found:
        """Return what was notified after `since_id`, newest first; all that the instance still has if None.

        GET /api/v1/notifications, paged as api-facts 6 advises: it holds for servers whose limits include
        or exclude the id itself, whose last link is empty, and whose first answer ever is empty.

        Returns:
            Notifications as the instance gives them; `is_complete` is False if `MAX_NOTIFICATIONS` cut it.
        """
        found, seen = Found(), set()
        params: dict[str, Any] = {"limit": NOTIFICATIONS_LIMIT}
        if since_id and since_id.isdigit():
            params["since_id"] = str(max(int(since_id) - 1, 0))
        page, link = self._page("/v1/notifications", params)
        if not page:
            # Right after a cache loss the first answer is empty, the second full (recordings 352, 353).
            page, link = self._page("/v1/notifications", params)
        before = ""
        while len(found) < MAX_NOTIFICATIONS:
            for notification in page:
                remote_id = item_id(notification)
                if not remote_id:
                    found.skipped_count += 1
                elif remote_id not in seen and (since_id is None or id_order(remote_id) > id_order(since_id)):
                    seen.add(remote_id)
                    found.append(notification)
            offers = [oldest_id(page), older_page(link).get("max_id", "")]
            lowest = min(filter(None, offers), key=id_order, default="")
            # Done at the end, at what is known, and where a server does not get any further down.
            if not lowest or (since_id and id_order(lowest) <= id_order(since_id)):
                return found
            if before and id_order(lowest) >= id_order(before):
                return found
            before = lowest
            page, link = self._page("/v1/notifications", {"limit": NOTIFICATIONS_LIMIT, "max_id": lowest})
        found.is_complete = False
        return found

    def _people(self, endpoint: str, max_id: str | None, limit: int) -> Found:
        """Return the accounts of a paged listing, each once, following the cursor to older ones."""
        size = max(1, min(limit, PEOPLE_LIMIT))
        params: dict[str, Any] = {"limit": size} | ({"max_id": max_id} if max_id else {})
        found, seen, asked = Found(), set(), set()
        for _ in range(MAX_PAGES):
            page, link = self._page(endpoint, params)
            new = {item_id(person): person for person in page} if page else {}
            found.skipped_count += sum(1 for person in page if not item_id(person))
            new = {remote_id: person for remote_id, person in new.items() if remote_id and remote_id not in seen}
            seen.update(new)
            found.extend(new.values())
            older = older_page(link)
            if not older:
                return found
            cursor = tuple(older.items())
            if not new or cursor in asked:
                # More is offered, but this way leads in a circle or nowhere.
                break
            asked.add(cursor)
            params = {"limit": size, **older}
        found.is_complete = False
        return found

    def _page(self, endpoint: str, params: dict[str, Any]) -> tuple[list[Any], str]:
        answer = self._send("GET", endpoint, params)
        return self._list(read_json(answer, host=self.host)), answer.headers.get("Link", "")

    def _make_request(self, endpoint: str, method: str = "GET", params: dict[str, Any] | None = None) -> Any:
        """Return the JSON that `endpoint` ("/v1/...") answers.

        Raises:
            PixelfedAPIError: after up to three retries where asking again can help.
        """
        return read_json(self._send(method, endpoint, params), host=self.host)

    @retry_on_failure(max_retries=3)
    def _send(self, method: str, endpoint: str, params: dict[str, Any] | None) -> http.Answer:
        self.wait_turn(self.host)
        self.requests_count += 1
        if self._session is None:
            self._session = http.open_session()
        try:
            answer = http.fetch(
                self._session,
                method,
                f"{self.base_url}{endpoint}",
                params=params,
                headers={"Authorization": f"Bearer {self.access_token}"},
            )
        except http.Unreachable as error:
            raise TryLater(f"{self.host} did not answer.") from error
        except http.HTTPError as error:
            raise WrongAnswer(str(error)) from error
        logger.debug("%s %s%s: %s", method, self.host, endpoint, answer.status)
        if answer.status >= 400:
            # Raises here, inside the retries; a good answer is read by the caller.
            read_json(answer, host=self.host)
        return answer

    def _list(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            raise WrongAnswer(f"{self.host} answered with something other than a list.")
        return data

    def _object(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise WrongAnswer(f"{self.host} answered with something other than an object.")
        return data


def _checked(remote_id: str) -> str:
    """Return the id if it may stand in a path."""
    if not isinstance(remote_id, str) or not ID.fullmatch(remote_id):
        raise BadRequest("This is not the id of a post or an account.")
    return remote_id


def _is_older(item: Any, before: str) -> bool:
    # What has no id stays in, to be counted as odd.
    return not item_id(item) or id_order(item_id(item)) < id_order(before)


def _has_own_media(status: Any) -> bool:
    """Tell whether this is a post of the account's own, with media, that is not a private message."""
    return (
        item_id(status) != ""
        and bool(status.get("media_attachments"))
        and not status.get("reblog")
        and status.get("visibility") != "direct"
    )


def _comment(item: Any) -> dict[str, Any] | None:
    """Return a comment's facts flat, or None for an odd one."""
    account = item.get("account") if isinstance(item, dict) else None
    if not isinstance(account, dict) or not item_id(item):
        return None
    return {
        "id": item_id(item),
        "account_id": item_id(account),
        "username": account.get("acct") or account.get("username"),
        "display_name": account.get("display_name") or "",
        "content": item.get("content") or "",
        "created_at": item.get("created_at"),
        "in_reply_to_id": item.get("in_reply_to_id"),
    }
