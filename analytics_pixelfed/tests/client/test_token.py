"""Where the token goes, and where it is never told."""

import logging
import traceback
from collections.abc import Iterator

import pytest

from analytics_pixelfed.answers import ReconnectNeeded
from analytics_pixelfed.pixelfed_client import PixelfedAPIClient, PixelfedAPIError
from pixelfed.sandbox import SandboxServer, World

from .answering import API, INSTANCE, ME, TOKEN, calls


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and everything it comes from, as a report shows them."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def whole_chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and everything it comes from, what is kept out of reports too."""
    if error is not None:
        yield error
        yield from whole_chain(error.__cause__)
        yield from whole_chain(error.__context__)


def everything_told_of(error: BaseException) -> str:
    told = "".join(traceback.format_exception(error))
    for link in whole_chain(error):
        told += f"{link!s} {link!r} {link.args!r}"
    for link in chain(error):
        told += repr(vars(link))
        for frame, _ in traceback.walk_tb(link.__traceback__):
            # The test's own frames know the token.
            if frame.f_code.co_filename != __file__:
                told += repr([repr(value) for value in frame.f_locals.values()])
    return told


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("dead_token", {}),
        ("dead_token", {"form": "302"}),
        ("drop", {}),
        ("cut", {}),
        ("hang", {}),
        ("huge", {}),
        ("html", {}),
        ("wrong_type", {"value": 7}),
        ("status", {"status": 500}),
        ("status", {"status": 404}),
        ("rate_limit", {}),
        ("redirect", {}),
    ],
)
def test_no_error_and_no_log_line_tells_the_token(ana, sandbox, settings, caplog, fault, options):
    settings.FETCH_TIMEOUT = 0.2 if fault == "hang" else 10
    caplog.set_level(logging.DEBUG)
    sandbox.faults.add(fault, **options)
    for call in calls(ana).values():
        with pytest.raises(PixelfedAPIError) as caught:
            call()
        told = everything_told_of(caught.value)
        assert ana.access_token not in told
        assert "Bearer" not in told
        if fault in ("hang", "huge"):
            break
    assert caplog.records
    lines = "".join(f"{record.getMessage()} {record.args!r}" for record in caplog.records)
    assert ana.access_token not in lines
    assert sandbox.host in lines
    assert sandbox.requests[0].headers["authorization"] == f"Bearer {ana.access_token}"


def test_requests_are_logged_without_their_query(client, mocked, caplog):
    caplog.set_level(logging.DEBUG, logger="analytics_pixelfed")
    mocked.get(f"{API}/v1/statuses/1/favourited_by", json=[{"id": "7"}])
    client.get_post_favourited_by("1")
    assert caplog.messages == [
        "GET photos.example/v1/statuses/1/favourited_by",
        "GET photos.example/v1/statuses/1/favourited_by: 200",
        "photos.example: 1 people",
    ]


def test_a_client_shows_its_host_and_nothing_else(client):
    assert repr(client) == str(client) == "<PixelfedAPIClient photos.example>"
    assert TOKEN not in f"{client!r}{client}{[client]}"


def test_the_token_goes_to_the_instance_only(ana, sandbox):
    with SandboxServer(World.empty()) as elsewhere:
        (post,) = sandbox.world.add_posts(sandbox.world.person("ana"), 1, likes=200)
        path = f"/api/v1/statuses/{post.id}/favourited_by"
        for status in (301, 302, 307):
            sandbox.faults.add("redirect", times=1, location=elsewhere.url + path, status=status)
            with pytest.raises(PixelfedAPIError):
                ana.get_post_favourited_by(str(post.id))
        cursor = "eyJpZCI6MSwiX3BvaW50c1RvTmV4dEl0ZW1zIjp0cnVlfQ"
        for value in (f"{elsewhere.url}{path}?cursor={cursor}", f"{elsewhere.url}{path}?max_id=1"):
            sandbox.faults.add("link", times=1, value=f'<{value}>; rel="next"')
            ana.get_post_favourited_by(str(post.id))
        assert elsewhere.requests == []
    asked = [request for request in sandbox.requests if request.headers.get("authorization")]
    assert len(asked) == len(sandbox.requests)
    assert not any(ana.access_token in request.query + request.path for request in sandbox.requests)


@pytest.mark.parametrize(
    "token", ["", None, " ", "a b", "a\n", "a\r\nX-Evil: 1", "\0", "täken", "token\u2028", "日本"]
)
def test_a_damaged_token_asks_for_a_new_one_and_is_not_sent(mocked, sleeps, token):
    mocked.get(ME, json={})
    with PixelfedAPIClient(INSTANCE, token) as client, pytest.raises(ReconnectNeeded) as caught:
        client.verify_credentials()
    assert (len(mocked.calls), client.requests_count, sleeps) == (0, 0, [])
    assert not (token or "").strip() or token not in everything_told_of(caught.value)


def test_a_token_of_a_thousand_characters_is_sent_whole(mocked):
    token = "x" * 1000 + ".-_~+/="
    mocked.get(ME, json={})
    with PixelfedAPIClient(INSTANCE, token) as client:
        client.verify_credentials()
    assert mocked.calls[0].request.headers["Authorization"] == f"Bearer {token}"
