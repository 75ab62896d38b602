"""What an answer of an instance means: its JSON, or the error that its reader has to act on.

Source of every rule: api-facts sections 8 to 10, and the recorded exchanges 198-230, 276-283, 302-332.
"""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import urlsplit

from django.utils import timezone

from analytics_core import platforms
from core.http import Answer, retry_after_seconds

from .paging import clean_id, item_id

# Without Retry-After a throttled server is left alone for a minute, spread so that accounts do not return
# in one burst.
THROTTLED_SECONDS = (60.0, 90.0)


class PixelfedAPIError(platforms.PlatformError):
    """Reading an instance failed. Its subclasses say what to do about it; none holds a token."""


class ReconnectNeeded(PixelfedAPIError, platforms.ReconnectNeeded):
    """The token is refused."""


class Gone(PixelfedAPIError, platforms.Gone):
    """The post or account is not there, or not any more."""


class Blocked(PixelfedAPIError, platforms.Blocked):
    """The instance asks to be left alone for `seconds`."""


class TryLater(PixelfedAPIError, platforms.TryLater):
    """The instance is down, slow or cut off."""


class NoAnswer(TryLater, platforms.NoAnswer):
    """The instance did not answer in time."""


class WrongAnswer(PixelfedAPIError, platforms.WrongAnswer):
    """The answer is not what this call brings, or the call is not allowed."""


class BadRequest(PixelfedAPIError, platforms.WrongAnswer, ValueError):
    """We were about to ask for something impossible: a bad address or id. Nothing was sent."""


def checked_id(remote_id: Any) -> str:
    """Return the id if it may stand in an address.

    Raises:
        PixelfedAPIError: also a ValueError: it may not.
    """
    if not clean_id(remote_id):
        raise BadRequest("This is not the id of a post or an account.")
    return clean_id(remote_id)


def read_json(answer: Answer, *, host: str) -> Any:
    """Return the JSON of a good answer.

    Raises:
        PixelfedAPIError: one of the subclasses above, for every other answer.
    """
    if not 200 <= answer.status < 300:
        raise _error(answer, host=host)
    if "json" not in answer.headers.get("Content-Type", "").lower():
        raise WrongAnswer(f"{host} answered with a web page instead of data.")
    data = _parse(answer)
    if data is None:
        raise WrongAnswer(f"{host} answered with broken data.")
    return data


def is_own_post(status: dict[str, Any]) -> bool:
    """Tell whether this is a post of the account's own, with media, that is not a private message."""
    has_media = bool(status.get("media_attachments"))
    return has_media and not status.get("reblog") and status.get("visibility") != "direct"


def is_comment(status: Any) -> bool:
    """Tell whether this can be a comment: it and its writer have ids."""
    return item_id(status) != "" and item_id(status.get("account")) != ""


def flat_comment(status: dict[str, Any]) -> dict[str, Any]:
    """Return a comment's facts in one dict (see `is_comment`)."""
    account = status["account"]
    return {
        "id": item_id(status),
        "account_id": item_id(account),
        "username": account.get("acct") or account.get("username"),
        "display_name": account.get("display_name") or "",
        "content": status.get("content") or "",
        "created_at": status.get("created_at"),
        "in_reply_to_id": status.get("in_reply_to_id"),
    }


def _parse(answer: Answer) -> Any:
    """Return the body's JSON, or None where it is none."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def _error(answer: Answer, *, host: str) -> PixelfedAPIError:
    body = _parse(answer)
    text = body.get("error") if isinstance(body, dict) else None
    text = text if isinstance(text, str) else ""
    status = answer.status
    if status == 401 or text == "Unauthenticated." or _is_sign_in(answer):
        return ReconnectNeeded(f"{host} no longer accepts PostFlow's access.")
    if status in (404, 410) or text.startswith("No query results for model"):
        return Gone(f"{host} does not have this any more.")
    # Pixelfed up to 0.12 answers a failed validation with 500 (api-facts, trap 2).
    if status == 422 or (isinstance(body, dict) and "errors" in body and "message" in body):
        return WrongAnswer(f"{host} did not accept the question (status {status}).")
    if status == 403:
        return WrongAnswer(f"{host} does not allow this (status 403).")
    if status in (429, 503):
        seconds = retry_after_seconds(answer.headers, now=timezone.now())
        if status == 429 and seconds is None:
            seconds = random.uniform(*THROTTLED_SECONDS)
        if seconds is not None:
            return Blocked(f"{host} asks for a pause.", seconds=seconds)
    if status >= 500:
        return TryLater(f"{host} is in trouble (status {status}).")
    return WrongAnswer(f"{host} answered with status {status}.")


def _is_sign_in(answer: Answer) -> bool:
    """Tell whether this is the redirect to the sign-in page that a dead token brings (api-facts, trap 1)."""
    if not 300 <= answer.status < 400:
        return False
    try:
        return urlsplit(answer.headers.get("Location", "")).path.rstrip("/").endswith("/login")
    except ValueError:
        return False
