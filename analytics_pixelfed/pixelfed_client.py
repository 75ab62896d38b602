"""Talks to one Pixelfed instance for one account, and gets every page of what it asks for.

Written against api-facts and the recorded exchanges. It speaks the other side's words (status,
favourite, reblog) so that nobody else has to. It never touches the database.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

from analytics_core.platforms import id_order

from .answers import Gone, PixelfedAPIError, WrongAnswer, checked_id, flat_comment, is_comment, is_own_post
from .paging import Found, clean_id, is_newer, is_older, item_id, older_page, oldest_id, says_where
from .sending import Sender, retry_on_failure

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


class PixelfedAPIClient(Sender):
    """One account's view of its instance: a `Sender` that knows which requests make a whole list.

    Attributes:
        may_go_on: asked before each further page of people or comments; False cuts the list short, which
            `Found.is_cut` then tells. Default: always True.

    Raises:
        PixelfedAPIError: from every method, in the class that says what to do about it (see `answers`).
    """

    def __init__(self, instance_url: str, access_token: str) -> None:
        super().__init__(instance_url, access_token)
        self.may_go_on: Callable[[], bool] = lambda: True

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


def _clamped(limit: int, highest: int) -> int:
    return max(1, min(limit, highest))


def _before(max_id: str) -> dict[str, str]:
    return {"max_id": max_id} if max_id else {}
