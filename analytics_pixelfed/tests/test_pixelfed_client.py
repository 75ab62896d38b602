"""What the client makes of answers and failures, how it waits, and where the token may go."""

import itertools
import json
import logging
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import responses
from django.db.backends.base.base import BaseDatabaseWrapper

from analytics_core import platforms
from analytics_pixelfed import answers, sending
from analytics_pixelfed.answers import Blocked, Gone, ReconnectNeeded, TryLater, WrongAnswer
from analytics_pixelfed.pixelfed_client import PixelfedAPIClient, PixelfedAPIError, retry_on_failure
from core.tests.private_addresses import PRIVATE_LITERALS, PRIVATE_NAMES
from pixelfed.sandbox import MASTODON, PIXELFED, PIXELFED_2026, SandboxServer, World

RECORDINGS = Path(__file__).parents[2] / "tests" / "recordings" / "pixelfed-0.11.13"
INSTANCE = "https://photos.example"
API = f"{INSTANCE}/api"
ME = f"{API}/v1/accounts/verify_credentials"
TOKEN = "eyJ0eXAiOiJKV1QifQ.c2VjcmV0.very-secret_token"


@pytest.fixture
def client() -> Iterator[PixelfedAPIClient]:
    with PixelfedAPIClient(INSTANCE, TOKEN) as client:
        yield client


@pytest.fixture
def mocked() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        yield mocked


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that would have been made, in seconds."""
    made: list[float] = []
    monkeypatch.setattr(sending, "sleep", made.append)
    return made


@pytest.fixture
def sandbox(settings: Any) -> Iterator[SandboxServer]:
    settings.ALLOW_PRIVATE_INSTANCES = True
    world = World.empty()
    world.add_posts(world.add_person("ana"), 2, likes=3)
    with SandboxServer(world) as server:
        yield server


@pytest.fixture
def ana(sandbox: SandboxServer) -> Iterator[PixelfedAPIClient]:
    """A client that reads the sandbox as ana."""
    token = sandbox.token_for(sandbox.world.person("ana"))
    with PixelfedAPIClient(sandbox.url, token) as client:
        yield client


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


# The names and shapes that others rely on


def test_an_address_is_brought_into_one_form():
    for typed in (
        INSTANCE,
        f"{INSTANCE}/",
        "photos.example",
        " HTTPS://Photos.Example/ ",
        "photos.example:443",
    ):
        client = PixelfedAPIClient(instance_url=typed, access_token=TOKEN)
        assert (client.instance_url, client.base_url) == (INSTANCE, API)
        assert (client.host, client.access_token, client.requests_count) == ("photos.example", TOKEN, 0)
    assert (
        PixelfedAPIClient("https://photos.example:8443/", TOKEN).base_url == "https://photos.example:8443/api"
    )


def test_a_page_of_posts_is_a_list_of_dicts_as_the_instance_sent_them(client, mocked):
    status = {
        "id": "812345678901234567",
        "content": "Harbour",
        "created_at": "2026-09-30T05:41:07.000Z",
        "url": f"{INSTANCE}/p/ana/812345678901234567",
        "media_attachments": [{"id": "1", "type": "image", "url": f"{INSTANCE}/a.jpg"}],
    }
    mocked.get(f"{API}/v1/accounts/42/statuses", json=[status, status | {"id": "3", "media_attachments": []}])
    found = client.get_account_posts("42")
    assert found == [status]
    assert isinstance(found, list)
    asked = mocked.calls[0].request
    assert dict(parse_qsl(urlsplit(asked.url).query)) == {"limit": "40", "only_media": "true"}
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["Accept"] == "application/json"


def test_likes_and_shares_are_lists_of_accounts(client, mocked):
    people = [{"id": "7", "username": "bob", "display_name": "Bob"}, {"id": "8", "username": "eve"}]
    mocked.get(f"{API}/v1/statuses/1/favourited_by", json=people)
    mocked.get(f"{API}/v1/statuses/1/reblogged_by", json=people[:1])
    assert client.get_post_favourited_by("1") == people
    assert client.get_post_reblogged_by("1") == people[:1]


def test_comments_are_flat(client, mocked):
    account = {"id": "7", "username": "bob", "display_name": "Bob"}
    reply = {"id": "5", "account": account, "content": "Nice", "created_at": "2026-10-01T18:00:00Z"}
    body = {"ancestors": [], "descendants": [reply | {"in_reply_to_id": "1"}]}
    mocked.get(f"{API}/v1/statuses/1/context", json=body)
    assert client.get_post_context("1") == [
        {
            "id": "5",
            "account_id": "7",
            "username": "bob",
            "display_name": "Bob",
            "content": "Nice",
            "created_at": "2026-10-01T18:00:00Z",
            "in_reply_to_id": "1",
        }
    ]


def test_a_post_without_comments_has_an_empty_list(client, mocked):
    mocked.get(f"{API}/v1/statuses/1/context", json={"ancestors": [], "descendants": []})
    assert client.get_post_context("1") == []


def test_single_things_are_dicts(client, mocked):
    mocked.get(ME, json={"id": "42", "username": "ana"})
    mocked.get(f"{API}/v1/statuses/1", json={"id": "1"})
    assert client.verify_credentials() == {"id": "42", "username": "ana"}
    assert client.get_post("1") == {"id": "1"}
    assert client._make_request("/v1/statuses/1", method="GET", params={"a": "b"}) == {"id": "1"}
    assert client.requests_count == 3


def test_every_error_is_the_clients_own_and_the_engines():
    for error in (Blocked, Gone, ReconnectNeeded, TryLater, WrongAnswer):
        assert issubclass(error, PixelfedAPIError)
        assert issubclass(error, getattr(platforms, error.__name__))
    assert issubclass(answers.BadRequest, ValueError)
    assert [error.is_passing for error in (PixelfedAPIError, TryLater)] == [True, True]
    assert not any(
        error.is_passing for error in (Blocked, Gone, ReconnectNeeded, WrongAnswer, answers.BadRequest)
    )


def test_the_database_is_never_touched(ana, sandbox, monkeypatch):
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("the client opened the database")

    for name in ("connect", "ensure_connection", "cursor"):
        monkeypatch.setattr(BaseDatabaseWrapper, name, refuse)
    person = sandbox.world.person("ana")
    post = person.posts[0]
    sandbox.world.comment(post, sandbox.world.person("fan0001"), "Nice")
    assert ana.verify_credentials()["id"] == str(person.id)
    assert len(ana.get_account_posts(str(person.id))) == 2
    assert len(ana.get_post_favourited_by(str(post.id))) == 3
    assert ana.get_post_reblogged_by(str(post.id)) == []
    assert len(ana.get_post_context(str(post.id))) == 1
    assert len(ana.get_notifications()) == 7
    with pytest.raises(PixelfedAPIError):
        ana.get_post("1")


def test_a_closed_client_opens_again_and_connections_are_kept(ana, sandbox):
    with ana as client:
        assert client is ana
        for _ in range(3):
            client.verify_credentials()
        assert len(sandbox._http.connections) == 1
    assert ana._session is None
    ana.close()
    assert ana.verify_credentials()["username"] == "ana"


# Addresses


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "   ",
        "no",
        "https://",
        "https:///path",
        "https://photos.example/path",
        "https://photos.example/?a=b",
        "https://photos.example/#a",
        "photos.example/@ana",
        "http://photos.example",
        "ftp://photos.example",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "gopher://photos.example",
        "https://user:password@photos.example",
        "https://token@photos.example",
        "https://photos.example@127.0.0.1",
        "ana@photos.example",
        "https://photos.example:0",
        "https://photos.example:99999",
        "https://photos.example:",
        "https://photos.example\\@evil.example",
        "https://photos .example",
        "https://photos.example\0",
        "https://photos\n.example",
        "https://[::1",
        "https://-photos.example",
    ],
)
def test_what_is_no_instance_is_refused_before_anything_is_sent(settings, address):
    settings.ALLOW_PRIVATE_INSTANCES = False
    with pytest.raises(PixelfedAPIError) as caught:
        PixelfedAPIClient(address, TOKEN)
    assert isinstance(caught.value, ValueError)
    assert not caught.value.is_passing
    assert "password" not in str(caught.value)


@pytest.mark.parametrize("host", [*PRIVATE_LITERALS, *PRIVATE_NAMES])
def test_private_addresses_are_refused_in_every_notation(settings, host):
    settings.ALLOW_PRIVATE_INSTANCES = False
    with pytest.raises(PixelfedAPIError):
        PixelfedAPIClient(f"https://{host}", TOKEN)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.5", "169.254.169.254", "100.64.0.1", "::1", "::ffff:127.0.0.1", "fd00::1"],
)
def test_a_name_that_leads_to_a_private_address_is_not_connected_to(settings, monkeypatch, address):
    settings.ALLOW_PRIVATE_INSTANCES = False
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = [(family, socket.SOCK_STREAM, 6, "", (address, 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
    monkeypatch.setattr(socket.socket, "connect", lambda *args: pytest.fail("it connected"))
    with PixelfedAPIClient("https://rebound.example", TOKEN) as client, pytest.raises(WrongAnswer) as caught:
        client.verify_credentials()
    assert "private" in str(caught.value)
    assert client.requests_count == 1


def test_a_name_that_nobody_knows_is_tried_again(settings, monkeypatch, sleeps):
    settings.ALLOW_PRIVATE_INSTANCES = False

    def unknown(*args: Any, **kwargs: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with PixelfedAPIClient("https://gone.example", TOKEN) as client, pytest.raises(TryLater):
        client.verify_credentials()
    assert client.requests_count == 4


HOSTILE_IDS = [
    "",
    ".",
    "..",
    "../../admin",
    "1/../2",
    "1/context",
    "1?access_token=x",
    "1#a",
    "1%2F2",
    "1;2",
    "1&2",
    " 1",
    "1\n",
    "1\0",
    "1\r\nHost: evil.example",
    "１",
    "1" * 101,
    "//evil.example",
    "@evil.example",
    None,
    True,
    1.5,
    -1,
    b"1",
    ["1"],
    {"id": "1"},
]


@pytest.mark.parametrize("remote_id", HOSTILE_IDS, ids=repr)
def test_a_hostile_id_never_enters_an_address(client, mocked, remote_id):
    for ask in (
        client.get_post,
        client.get_account_posts,
        client.get_post_favourited_by,
        client.get_post_reblogged_by,
        client.get_post_context,
    ):
        with pytest.raises(PixelfedAPIError) as caught:
            ask(remote_id)
        assert isinstance(caught.value, ValueError)
    if remote_id:
        for ask in (client.get_account_posts, client.get_post_favourited_by, client.get_post_reblogged_by):
            with pytest.raises(PixelfedAPIError):
                ask("1", max_id=remote_id)
        with pytest.raises(PixelfedAPIError):
            client.get_notifications(remote_id)
    assert (len(mocked.calls), client.requests_count) == (0, 0)


def test_an_id_may_be_a_number_too(client, mocked):
    mocked.get(f"{API}/v1/statuses/812345678901234567", json={})
    client.get_post(812345678901234567)
    body = {"descendants": [{"id": 5, "in_reply_to_id": 1, "account": {"id": 7}}] * 20}
    mocked.get(f"{API}/v1/statuses/1/context", json=body)
    found = client.get_post_context(1)
    assert ([comment["id"] for comment in found], found.is_complete) == (["5"], False)


# What an answer means

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
    (file,) = RECORDINGS.glob(f"{number:03d}-*.json")
    answer = json.loads(file.read_text())["response"]
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


# Waiting and trying again


@pytest.fixture
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending.random, "uniform", lambda low, high: low)


def test_a_failing_server_is_asked_four_times_after_one_two_and_four_seconds(
    client, mocked, sleeps, settings, no_jitter
):
    settings.FETCH_RETRY_DELAY = 1.0
    mocked.get(ME, status=502)
    with pytest.raises(TryLater):
        client.verify_credentials()
    assert sleeps == [1, 2, 4]
    assert len(mocked.calls) == client.requests_count == 4


def test_the_pauses_are_spread_by_up_to_a_quarter(client, mocked, sleeps, settings):
    settings.FETCH_RETRY_DELAY = 2.0
    mocked.get(ME, status=502)
    for _ in range(20):
        with pytest.raises(TryLater):
            client.verify_credentials()
    for nth, base in enumerate((2, 4, 8)):
        pauses = sleeps[nth::3]
        assert all(base <= pause <= base * 1.25 for pause in pauses)
        assert len(set(pauses)) > 10


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_a_passing_failure_is_survived(client, mocked, sleeps, failures):
    for _ in range(failures):
        mocked.get(ME, status=500, json={"error": "Server Error"})
    mocked.get(ME, json={"id": "1"})
    assert client.verify_credentials() == {"id": "1"}
    assert (len(sleeps), client.requests_count) == (failures, failures + 1)


@pytest.mark.parametrize(
    "failure",
    [requests.ConnectTimeout(), requests.ReadTimeout(), requests.ConnectionError("x"), OSError("reset")],
)
def test_a_time_out_or_broken_connection_may_pass(client, mocked, sleeps, failure):
    mocked.get(ME, body=failure)
    with pytest.raises(TryLater, match=r"photos\.example did not answer"):
        client.verify_credentials()
    assert len(sleeps) == 3


@pytest.mark.parametrize(
    ("fault", "options"),
    [("drop", {}), ("cut", {}), ("hang", {}), ("drip", {"seconds": 0.02})],
)
def test_a_silent_slow_or_cut_answer_is_asked_for_again_on_a_real_connection(
    ana, sandbox, settings, sleeps, fault, options
):
    settings.FETCH_TIMEOUT = 0.5
    sandbox.faults.add(fault, times=2, **options)
    assert ana.verify_credentials()["username"] == "ana"
    assert (len(sandbox.requests), len(sleeps)) == (3, 2)


def test_only_what_may_pass_is_tried_again(sleeps):
    for error in (
        ReconnectNeeded("x"),
        Gone("x"),
        WrongAnswer("x"),
        Blocked("x", seconds=5),
        answers.BadRequest("x"),
        RuntimeError("x"),
    ):
        attempts = []

        @retry_on_failure(max_retries=3, initial_delay=1)
        def ask(attempts=attempts, error=error):
            attempts.append(1)
            raise error

        with pytest.raises(type(error)) as caught:
            ask()
        assert caught.value is error
        assert len(attempts) == 1
    assert sleeps == []


@pytest.mark.parametrize("max_retries", [0, 1, 2, 5])
def test_the_decorator_keeps_name_arguments_and_result(sleeps, no_jitter, max_retries):
    attempts = itertools.count()

    @retry_on_failure(max_retries=max_retries, initial_delay=0.5)
    def ask(left: int, *, right: int) -> int:
        """Ask."""
        if next(attempts) < max_retries:
            raise PixelfedAPIError("not yet")
        return left + right

    assert (ask.__name__, ask.__doc__) == ("ask", "Ask.")
    assert ask(1, right=2) == 3
    assert sleeps == [0.5 * 2**number for number in range(max_retries)]


def test_the_last_failure_is_raised_as_it_is(sleeps):
    errors = [TryLater(str(number)) for number in range(4)]
    left = iter(errors)

    @retry_on_failure()
    def ask() -> None:
        raise next(left)

    with pytest.raises(TryLater) as caught:
        ask()
    assert caught.value is errors[-1]


NOW = datetime(2026, 10, 5, 12, 30, tzinfo=UTC)


def in_seconds(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "30"}, 30),
        ({"Retry-After": "0"}, 1),
        ({"Retry-After": "-5"}, 1),
        ({"Retry-After": "99999999"}, 3600),
        ({"Retry-After": format_datetime(in_seconds(300), usegmt=True)}, 300),
        ({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}, 1),
        ({"X-RateLimit-Reset": str(int(in_seconds(300).timestamp()))}, 300),
        ({"X-RateLimit-Reset": in_seconds(300).isoformat().replace("+00:00", "Z")}, 300),
        ({"X-RateLimit-Reset": in_seconds(99999).isoformat()}, 3600),
        ({"Retry-After": "30", "X-RateLimit-Reset": str(int(in_seconds(300).timestamp()))}, 30),
        ({"Retry-After": "soon", "X-RateLimit-Reset": str(int(in_seconds(300).timestamp()))}, 300),
    ],
    ids=str,
)
def test_a_pause_that_is_asked_for_is_told_in_seconds_and_not_retried(
    client, mocked, sleeps, monkeypatch, status, headers, seconds
):
    monkeypatch.setattr(answers.timezone, "now", lambda: NOW)
    mocked.get(ME, status=status, headers=headers)
    with pytest.raises(Blocked) as caught:
        client.verify_credentials()
    assert caught.value.seconds == seconds
    assert (len(mocked.calls), sleeps) == (1, [])


@pytest.mark.parametrize(
    "headers", [{}, {"Retry-After": ""}, {"Retry-After": "soon"}, {"X-RateLimit-Reset": "never"}]
)
def test_a_throttle_without_a_time_means_a_minute_or_more(client, mocked, headers):
    mocked.get(ME, status=429, headers=headers, body="<html>", content_type="text/html")
    pauses = []
    for _ in range(20):
        with pytest.raises(Blocked) as caught:
            client.verify_credentials()
        pauses.append(caught.value.seconds)
    assert all(60 <= pause <= 90 for pause in pauses)
    assert len(set(pauses)) > 10


def test_the_limits_that_mastodon_sends_with_every_answer_block_nothing(client, mocked):
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "2100-01-01T00:00:00.000000Z"}
    mocked.get(ME, json={"id": "1"}, headers=headers)
    mocked.get(f"{API}/v1/statuses/1", status=404, headers=headers)
    assert client.verify_credentials() == {"id": "1"}
    with pytest.raises(Gone):
        client.get_post("1")


@pytest.mark.parametrize(
    "options", [{"retry_after": "seconds"}, {"retry_after": "date"}, {"reset": "epoch"}, {"reset": "iso"}]
)
def test_every_notation_of_a_pause_is_understood_on_a_real_connection(ana, sandbox, options):
    sandbox.faults.add("rate_limit", seconds=1200, **options)
    with pytest.raises(Blocked) as caught:
        ana.get_notifications()
    assert caught.value.seconds == pytest.approx(1200, abs=5)


# Pacing


@pytest.fixture
def fresh_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_pace", sending._Pacer())


def test_requests_to_one_host_are_a_second_apart(fresh_pace, mocked, sleeps, settings):
    settings.FETCH_REQUEST_INTERVAL = 1.0
    for host in ("photos.example", "other.example"):
        mocked.get(f"https://{host}/api/v1/accounts/verify_credentials", json={})
    with PixelfedAPIClient(INSTANCE, TOKEN) as client, PixelfedAPIClient(INSTANCE, "another") as second:
        client.verify_credentials()
        assert sleeps == []
        client.verify_credentials()
        second.verify_credentials()
    assert len(sleeps) == 2
    assert all(0 < pause <= 1 for pause in sleeps)
    with PixelfedAPIClient("other.example", TOKEN) as elsewhere:
        elsewhere.verify_credentials()
    assert len(sleeps) == 2


def test_every_page_and_every_retry_waits_for_its_turn(fresh_pace, mocked, sleeps, settings):
    settings.FETCH_REQUEST_INTERVAL = 5.0
    url = f"{API}/v1/statuses/1/favourited_by"
    mocked.get(url, json=[{"id": "1"}], headers={"Link": f'<{url}?max_id=5>; rel="next"'})
    mocked.get(url, status=502)
    mocked.get(url, json=[{"id": "2"}])
    with PixelfedAPIClient(INSTANCE, TOKEN) as client:
        assert len(client.get_post_favourited_by("1")) == 2
    turn, retry, second_turn = sleeps
    assert retry == 0
    assert 0 < turn <= 5
    assert 0 < second_turn <= 5


def test_the_interval_is_read_when_used_and_an_old_one_is_forgotten(fresh_pace, mocked, sleeps, settings):
    mocked.get(ME, json={})
    with PixelfedAPIClient(INSTANCE, TOKEN) as client:
        for interval in (3600, 3600, 0, 0.0, 7):
            settings.FETCH_REQUEST_INTERVAL = interval
            client.verify_credentials()
    long, short = sleeps
    assert 7 < long <= 3600
    assert 0 < short <= 7


def test_real_requests_keep_their_distance(fresh_pace, sandbox, settings):
    settings.FETCH_REQUEST_INTERVAL = 0.15
    world = sandbox.world
    (post,) = world.add_posts(world.person("ana"), 1, likes=200)
    with PixelfedAPIClient(sandbox.url, sandbox.token_for(world.person("ana"))) as client:
        client.get_post_favourited_by(str(post.id))
    moments = [request.at for request in sandbox.requests]
    assert len(moments) == 3
    assert all(later - earlier > 0.12 for earlier, later in itertools.pairwise(moments))


def test_turns_may_be_given_by_somebody_else(client, mocked, sleeps, settings):
    settings.FETCH_REQUEST_INTERVAL = 9
    mocked.get(ME, status=500)
    hosts: list[str] = []
    client.wait_turn = hosts.append
    with pytest.raises(TryLater):
        client.verify_credentials()
    assert hosts == ["photos.example"] * 4
    assert max(sleeps) == 0


# The token


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
