"""An instance that answers what a test says: its addresses, and ways to give it words."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses
from responses.matchers import query_param_matcher

from analytics_pixelfed.pixelfed_client import PixelfedAPIClient
from pixelfed.sandbox import MASTODON, PIXELFED, PIXELFED_2026
from pixelfed.sandbox.paging import encode_cursor
from tests.recorded import recording

DIALECTS = pytest.mark.parametrize(
    "dialect", [PIXELFED, PIXELFED_2026, MASTODON], ids=["pixelfed", "pixelfed-2026", "mastodon"]
)

INSTANCE = "https://photos.example"
API = f"{INSTANCE}/api"
ME = f"{API}/v1/accounts/verify_credentials"
LIKERS = f"{API}/v1/statuses/1/favourited_by"
STATUSES = f"{API}/v1/accounts/1/statuses"
NOTIFICATIONS = f"{API}/v1/notifications"
TOKEN = "eyJ0eXAiOiJKV1QifQ.c2VjcmV0.very-secret_token"
OLDER, NEWER = encode_cursor(85, older=True), encode_cursor(85, older=False)


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


def accounts(*numbers: int) -> list[dict[str, Any]]:
    return [{"id": str(number), "username": f"fan{number}", "acct": f"fan{number}"} for number in numbers]


def calls(client: PixelfedAPIClient) -> dict[str, Callable[[], Any]]:
    """Every way to ask the instance something."""
    return {
        "verify_credentials": client.verify_credentials,
        "get_post": lambda: client.get_post("1"),
        "get_account_posts": lambda: client.get_account_posts("1"),
        "get_post_favourited_by": lambda: client.get_post_favourited_by("1"),
        "get_post_reblogged_by": lambda: client.get_post_reblogged_by("1"),
        "get_post_context": lambda: client.get_post_context("1"),
        "get_notifications": client.get_notifications,
    }


def replay(mocked: responses.RequestsMock, origin: str, numbers: range) -> None:
    """Answer what was recorded to exactly what was asked then."""
    for number in numbers:
        asked, answered = recording(number)["request"], recording(number)["response"]
        headers = {"Link": answered["headers"]["Link"]} if "Link" in answered["headers"] else {}
        mocked.get(
            origin + asked["path"],
            json=answered["body"],
            headers=headers,
            match=[query_param_matcher(dict(parse_qsl(asked["query"], keep_blank_values=True)))],
        )


def answer_with(
    mocked: responses.RequestsMock, url: str, answer: Callable[[dict[str, str]], tuple[Any, str]]
) -> list[dict[str, str]]:
    """Answer from a function of the query that gives body and Link; return the queries as they come."""
    queries: list[dict[str, str]] = []

    def reply(request: Any) -> tuple[int, dict[str, str], str]:
        queries.append(dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True)))
        assert len(queries) < 100, "this would never end"
        body, link = answer(queries[-1])
        return 200, {"Link": link} if link else {}, json.dumps(body)

    mocked.add_callback(responses.GET, url, callback=reply, content_type="application/json")
    return queries
