"""Whatever is missing or odd in an answer, records are good, and errors the client's own."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_pixelfed import parsing
from analytics_pixelfed.pixelfed_client import PixelfedAPIClient, PixelfedAPIError
from core import http

from .statuses import recorded

ODD_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**31, 2**63, 2**70, -(2**70), 10**100]),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        [
            "\0",
            "\ud800",
            "a" * 900,
            "<script>",
            "https://[",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59Z",
        ]
    ),
    st.just([]),
    st.just({}),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=5), st.none(), max_size=2),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place within a JSON value, itself left out."""
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [place for key, child in children for place in ((*path, key), *places(child, (*path, key)))]


@st.composite
def mutated(draw: st.DrawFn, numbers: list[int]) -> Any:
    """A recorded body in which a few things are missing or odd."""
    body = recorded(draw(st.sampled_from(numbers)))
    if isinstance(body, list):
        body = body[:3]
    for _ in range(draw(st.integers(1, 4))):
        found = places(body)
        if not found:
            break
        *path, last = draw(st.sampled_from(found))
        parent = body
        for key in path:
            parent = parent[key]
        if draw(st.booleans()):
            parent[last] = draw(ODD_VALUES)
        else:
            del parent[last]
    return body


def check(record: Any) -> None:
    """Nothing in a record may be refused by a database."""
    for name in record.__slots__:
        value = getattr(record, name)
        if isinstance(value, str):
            value.encode()
            assert "\0" not in value
            assert not name.endswith("_url") or len(value) <= 500
            assert not name.endswith("_id") or len(value) <= 100
            assert name not in ("username", "display_name") or len(value) <= 255
        elif isinstance(value, bool):
            assert name == "is_sensitive"
        elif isinstance(value, int):
            assert 0 <= value < 2**31
        elif isinstance(value, datetime):
            assert value.tzinfo is UTC
            assert 1990 <= value.year <= 2100
        elif value is not None:
            check(value)


PARSERS = [
    (parsing.parse_post, [58, 62, 63, 347]),
    (parsing.parse_person, [115, 119]),
    (parsing.parse_notification, [161, 165, 171]),
]


@pytest.mark.parametrize(("parse", "numbers"), PARSERS, ids=lambda value: getattr(value, "__name__", ""))
@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_mutated_recordings_become_good_records_or_are_counted(parse, numbers, data):
    items = data.draw(mutated(numbers))
    listing = parsing.parse_each(items, parse)
    assert len(listing.items) + listing.skipped_count == len(items)
    for record in listing.items:
        check(record)


class OneAnswer:
    """Stands for the outside world: whatever is asked, the same JSON comes."""

    def __init__(self, body: Any) -> None:
        self.body = json.dumps(body).encode()

    def __call__(self, session: Any, method: str, url: str, **options: Any) -> http.Answer:
        return http.Answer(200, url, {"Content-Type": "application/json"}, self.body)


def calls(client: PixelfedAPIClient) -> list[Any]:
    """Every reading that the client offers, through to the records."""
    return [
        lambda: [parsing.parse_profile(client.verify_credentials())],
        lambda: parsing.parse_each(client.get_account_posts("1"), parsing.parse_post).items,
        lambda: parsing.parse_each(client.get_post_favourited_by("1"), parsing.parse_person).items,
        lambda: parsing.parse_each(client.get_post_context("1"), parsing.parse_comment).items,
        lambda: parsing.parse_each(client.get_notifications("1"), parsing.parse_notification).items,
        lambda: [client.get_post("1")][:0],
    ]


def no_other_error(body: Any) -> None:
    with (
        pytest.MonkeyPatch.context() as patch,
        PixelfedAPIClient("https://photos.example", "token") as client,
    ):
        patch.setattr(http, "fetch", OneAnswer(body))
        client.wait_turn = lambda host: None
        for call in calls(client):
            try:
                records = call()
            except PixelfedAPIError:
                continue
            for record in records:
                check(record)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(mutated([106, 107, 110, 111, 339, 100, 42, 62, 115, 161]))
def test_mutated_answers_bring_no_error_but_the_clients_own(body):
    no_other_error(body)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    st.recursive(
        ODD_VALUES,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(["id", "descendants", "account", "media_attachments", "in_reply_to_id", "x"]),
                inner,
                max_size=4,
            ),
        ),
        max_leaves=12,
    )
)
def test_any_json_at_all_brings_no_error_but_the_clients_own(body):
    no_other_error(body)
