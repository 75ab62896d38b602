"""What an answer means: each failure is the decision that its caller has to make."""

import json
import time

import pytest

from analytics_pixelfed.answers import Blocked, Gone, ReconnectNeeded, TryLater, WrongAnswer
from analytics_pixelfed.pixelfed_client import PixelfedAPIClient, PixelfedAPIError
from pixelfed.sandbox import MASTODON, PIXELFED, PIXELFED_2026, SandboxServer, World
from tests.recorded import answered

from .answering import API, INSTANCE, ME, TOKEN, calls

RECORDED_FAILURES = {
    104: WrongAnswer,
    128: WrongAnswer,
    198: ReconnectNeeded,
    200: ReconnectNeeded,
    202: Gone,
    203: WrongAnswer,
    204: Gone,
    206: ReconnectNeeded,
    207: ReconnectNeeded,
    211: WrongAnswer,
    278: Gone,
    279: Gone,
    280: Gone,
    309: ReconnectNeeded,
    312: ReconnectNeeded,
    318: WrongAnswer,
    322: Blocked,
    325: Blocked,
    326: Blocked,
    327: TryLater,
    328: Blocked,
    331: TryLater,
    332: Blocked,
}


@pytest.mark.parametrize(("number", "error"), RECORDED_FAILURES.items())
def test_every_recorded_failure_is_told_apart(client, mocked, sleeps, number, error):
    answer = answered(number)
    body = json.dumps(answer["body"]) if answer["body_kind"] == "json" else answer["body"]
    skipped = ("Content-Length", "Transfer-Encoding", "Connection", "Content-Type", "Set-Cookie")
    headers = {name: value for name, value in answer["headers"].items() if name not in skipped}
    content_type = answer["headers"].get("Content-Type", "")
    mocked.get(ME, body=body, status=answer["status"], headers=headers, content_type=content_type)
    with pytest.raises(PixelfedAPIError) as caught:
        client.verify_credentials()
    assert type(caught.value) is error
    assert len(mocked.calls) == (4 if error is TryLater else 1)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, '{"error":"The access token was revoked"}', ReconnectNeeded),
        (401, "", ReconnectNeeded),
        (401, '{"error":"Unauthenticated."}', ReconnectNeeded),
        (500, '{"error":"Unauthenticated."}', ReconnectNeeded),
        (500, '{"message":"Unauthenticated."}', TryLater),
        (500, '{"error":"Server Error"}', TryLater),
        (500, '{"error":["Unauthenticated."]}', TryLater),
        (500, '["Unauthenticated."]', TryLater),
        (500, '{"message":"Server Error"}', TryLater),
        (500, '{"message":"The limit is odd.","errors":{"limit":["odd"]}}', WrongAnswer),
        (500, '{"error":"No query results for model [App\\\\Status] 123"}', Gone),
        (500, "", TryLater),
        (500, "<html>", TryLater),
        (500, "[" * 100_000, TryLater),
        (500, "\udcff", TryLater),
        (502, "", TryLater),
        (503, "", TryLater),
        (504, "", TryLater),
        (521, "", TryLater),
        (404, "", Gone),
        (404, '{"error":"Record not found"}', Gone),
        (410, '{"error":"Gone"}', Gone),
        (403, '{"error":""}', WrongAnswer),
        (403, "<html>blocked by a wall</html>", WrongAnswer),
        (422, '{"error":"This method requires an authenticated user"}', WrongAnswer),
        (400, "", WrongAnswer),
        (418, "", WrongAnswer),
        (304, "", WrongAnswer),
        (429, "", Blocked),
    ],
)
def test_each_failure_is_the_decision_its_caller_has_to_make(client, mocked, sleeps, status, body, error):
    mocked.get(ME, body=body.encode(errors="surrogateescape"), status=status, content_type="application/json")
    with pytest.raises(PixelfedAPIError) as caught:
        client.verify_credentials()
    assert type(caught.value) is error
    assert len(mocked.calls) == (4 if error is TryLater else 1)
    assert "photos.example" in str(caught.value)


@pytest.mark.parametrize("form", ["500", "302", "401"])
@pytest.mark.parametrize("name", calls(PixelfedAPIClient(INSTANCE, TOKEN)))
def test_a_dead_token_is_known_in_its_three_forms_by_every_call(ana, sandbox, sleeps, form, name):
    sandbox.faults.add("dead_token", form=form)
    with pytest.raises(ReconnectNeeded):
        calls(ana)[name]()
    assert len(sandbox.requests) == 1
    assert sleeps == []


@pytest.mark.parametrize("dialect", [PIXELFED, PIXELFED_2026, MASTODON], ids=["pixelfed", "2026", "mastodon"])
def test_a_revoked_token_and_a_deleted_post_are_known_on_every_server(settings, dialect):
    settings.ALLOW_PRIVATE_INSTANCES = True
    world = World.empty()
    ana = world.add_person("ana")
    (post,) = world.add_posts(ana, 1, likes=1)
    with (
        SandboxServer(world, dialect=dialect) as server,
        PixelfedAPIClient(server.url, server.token_for(ana)) as client,
    ):
        world.delete_post(post)
        for name in ("get_post", "get_post_favourited_by", "get_post_reblogged_by", "get_post_context"):
            with pytest.raises(Gone):
                getattr(client, name)(str(post.id))
        world.revoke_tokens(ana)
        for call in calls(client).values():
            with pytest.raises(ReconnectNeeded):
                call()
        assert client.requests_count == len(server.requests) == 11


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("/login", ReconnectNeeded),
        ("https://photos.example/login?back=x", ReconnectNeeded),
        ("/auth/login/", ReconnectNeeded),
        ("/i/verify-email", WrongAnswer),
        ("https://elsewhere.example/api/v1/accounts/verify_credentials", WrongAnswer),
        ("https://[broken/login", WrongAnswer),
        ("", WrongAnswer),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(client, mocked, status, location, error):
    mocked.get(ME, status=status, headers={"Location": location}, content_type="text/html")
    mocked.get(f"{INSTANCE}/login", body="<html>")
    with pytest.raises(PixelfedAPIError) as caught:
        client.verify_credentials()
    assert type(caught.value) is error
    assert len(mocked.calls) == 1


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<!DOCTYPE html><html>Sign in</html>", "text/html; charset=UTF-8"),
        (b'{"id":"1"}', "text/html"),
        (b'{"id":"1"}', "text/plain"),
        (b"", "application/json"),
        (b"null", "application/json"),
        (b'{"id":"1"', "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"\xff\xfe\xfd", "application/json"),
        (b"1" * 5000, "application/json"),
        (b"<html>", "application/json"),
        (b'"text"', "application/json"),
        (b"7", "application/json"),
        (b"true", "application/json"),
    ],
    ids=lambda value: str(value[:20]),
)
def test_an_answer_that_makes_no_sense_is_wrong_and_not_asked_for_again(client, mocked, body, content_type):
    mocked.get(f"{API}/v1/statuses/1/context", body=body, content_type=content_type)
    mocked.get(ME, body=body, content_type=content_type)
    mocked.get(f"{API}/v1/notifications", body=body, content_type=content_type)
    for call in (client.verify_credentials, client.get_notifications, lambda: client.get_post_context("1")):
        with pytest.raises(WrongAnswer):
            call()
    assert len(mocked.calls) == 3


@pytest.mark.parametrize("name", ["verify_credentials", "get_post", "get_post_context"])
def test_a_list_where_an_object_belongs_is_wrong(client, mocked, name):
    for path in ("accounts/verify_credentials", "statuses/1", "statuses/1/context"):
        mocked.get(f"{API}/v1/{path}", json=[])
    with pytest.raises(WrongAnswer):
        calls(client)[name]()


@pytest.mark.parametrize(
    "body", [{}, {"error": "x"}, {"0": {"id": "1"}}, {"descendants": {}}, {"descendants": None}]
)
def test_an_object_where_a_list_belongs_is_wrong(client, mocked, body):
    for path in (
        "accounts/1/statuses",
        "statuses/1/favourited_by",
        "statuses/1/reblogged_by",
        "notifications",
    ):
        mocked.get(f"{API}/v1/{path}", json=body)
    for name in ("get_account_posts", "get_post_favourited_by", "get_post_reblogged_by", "get_notifications"):
        with pytest.raises(WrongAnswer):
            calls(client)[name]()
    if "descendants" in body:
        mocked.get(f"{API}/v1/statuses/1/context", json=body)
        with pytest.raises(WrongAnswer):
            client.get_post_context("1")


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/activity+json", "Application/JSON; charset=x"]
)
def test_any_kind_of_json_is_read(client, mocked, content_type):
    mocked.get(ME, body=b'\n {"id": "1", "n": 1e999, "t": "\\u0000\\ud800"}', content_type=content_type)
    assert client.verify_credentials()["id"] == "1"


def test_fifty_megabytes_are_not_read(ana, sandbox, sleeps):
    sandbox.faults.add("huge", size=50_000_000)
    begun = time.perf_counter()
    with pytest.raises(WrongAnswer, match="larger"):
        ana.get_notifications()
    assert time.perf_counter() - begun < 5
    assert len(sandbox.requests) == 1
