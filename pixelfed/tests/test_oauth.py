"""The OAuth client against a real socket, its faults, and the recorded exchanges."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses
import time_machine
from django.utils import timezone

from pixelfed import oauth
from pixelfed.sandbox import PIXELFED_2026, SandboxServer, World
from pixelfed.tests.browsing import PASSWORD, answer_consent
from tests.recorded import answered

CALLBACK = "https://postflow.example/accounts/connect/callback/"
SITE = "https://photos.example"
CLIENT = oauth.Client(SITE, CALLBACK, "8", "the-secret-of-this-app")
VERIFIER = "v" * 43
# Each way in which a server fails, and what its person should do: try later, or nothing.
FAULTS: list[tuple[str, dict[str, Any], type[oauth.OAuthError]]] = [
    ("status", {"status": 500}, oauth.Trouble),
    ("status", {"status": 502, "html": "nginx"}, oauth.Trouble),
    ("rate_limit", {}, oauth.Trouble),
    ("hang", {}, oauth.Trouble),
    ("drip", {"seconds": 0.2}, oauth.Trouble),
    ("drop", {}, oauth.Trouble),
    ("cut", {}, oauth.Trouble),
    ("html", {}, oauth.OAuthError),
    ("broken_json", {}, oauth.OAuthError),
    ("empty", {}, oauth.OAuthError),
    ("huge", {}, oauth.OAuthError),
    ("redirect", {}, oauth.OAuthError),
    ("status", {"status": 403}, oauth.OAuthError),
    ("wrong_type", {"value": []}, oauth.OAuthError),
    ("wrong_type", {"value": "text"}, oauth.OAuthError),
    ("wrong_type", {"value": {"unexpected": True}}, oauth.OAuthError),
    ("wrong_type", {"value": {"client_id": [8], "client_secret": "x", "access_token": 5}}, oauth.OAuthError),
    (
        "wrong_type",
        {"value": {"client_id": "8 9", "client_secret": "x y", "access_token": "a b"}},
        oauth.OAuthError,
    ),
    (
        "wrong_type",
        {"value": {"client_id": "8", "client_secret": None, "access_token": ""}},
        oauth.OAuthError,
    ),
    (
        "wrong_type",
        {"value": {"client_id": "", "client_secret": "x", "access_token": "a\u00e9"}},
        oauth.OAuthError,
    ),
]


@pytest.fixture(params=["0.11", "2026"])
def server(settings, request) -> Iterator[SandboxServer]:
    settings.ALLOW_PRIVATE_INSTANCES = True
    settings.FETCH_TIMEOUT = 1.5
    world = World.empty()
    world.add_person("ana", password=PASSWORD)
    options = {"dialect": PIXELFED_2026} if request.param == "2026" else {}
    with SandboxServer(world, **options) as running:
        yield running


@pytest.fixture
def client(server) -> oauth.Client:
    return oauth.register_app(server.url, redirect_uri=CALLBACK)


@pytest.fixture
def mocked() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mocked:
        yield mocked


def replay(mocked, number: int, path: str = "/oauth/token") -> None:
    response = answered(number)
    mocked.post(
        f"{SITE}{path}",
        status=response["status"],
        body=json.dumps(response["body"]),
        content_type=response["headers"]["Content-Type"],
    )


def consent(client: oauth.Client, state: str = "st-1") -> str:
    return oauth.consent_address(client, state=state, verifier=VERIFIER, sign_in_anew=False)


def code_of(location: str) -> str:
    return parse_qs(urlsplit(location).query)["code"][0]


def whoami(server, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    return requests.get(
        f"{server.url}/api/v1/accounts/verify_credentials", headers=headers, timeout=5
    ).status_code


def test_a_code_becomes_tokens_that_are_renewed_once(server, client) -> None:
    assert oauth.is_known(client)
    location = answer_consent(server, consent(client))
    assert location.startswith(CALLBACK)
    grant = oauth.exchange_code(client, code=code_of(location), verifier=VERIFIER)
    assert whoami(server, grant.access_token) == 200
    year = timedelta(days=365)
    assert abs(grant.expires_at - timezone.now() - year) < timedelta(minutes=1)
    assert abs(grant.renew_at - timezone.now() - year * 0.8) < timedelta(minutes=1)
    newer = oauth.renew(client, refresh_token=grant.refresh_token)
    assert newer.access_token != grant.access_token
    assert newer.refresh_token != grant.refresh_token
    assert whoami(server, newer.access_token) == 200
    assert whoami(server, grant.access_token) != 200
    with pytest.raises(oauth.GrantRefused):
        oauth.renew(client, refresh_token=grant.refresh_token)


def test_a_code_works_once_and_only_with_its_verifier(server, client) -> None:
    code = code_of(answer_consent(server, consent(client)))
    with pytest.raises(oauth.GrantRefused):
        oauth.exchange_code(client, code=code, verifier="w" * 43)
    oauth.exchange_code(client, code=code, verifier=VERIFIER)
    with pytest.raises(oauth.GrantRefused):
        oauth.exchange_code(client, code=code, verifier=VERIFIER)


@pytest.mark.parametrize("code", ["", "with space", "x" * 20_001, "new\nline", "\u00e9"])
def test_a_code_that_can_be_none_is_not_sent(client, server, code) -> None:
    server.clear()
    with pytest.raises(oauth.GrantRefused):
        oauth.exchange_code(client, code=code, verifier=VERIFIER)
    assert not server.requests


def test_a_forgotten_registration_is_told_from_a_bad_code(server, client) -> None:
    server.world.apps.clear()
    assert not oauth.is_known(client)
    with pytest.raises(oauth.AppForgotten):
        oauth.exchange_code(client, code="def50200", verifier=VERIFIER)
    with pytest.raises(oauth.AppForgotten):
        oauth.renew(client, refresh_token="def50200")


def test_pixelfed_takes_no_token_back(server, client) -> None:
    assert oauth.revoke(client, token="x") is False
    assert server.requests[-1].path == "/oauth/revoke"


def test_the_consent_page_is_asked_for_reading_only_with_proof(client) -> None:
    address = urlsplit(consent(client, state="a&b"))
    query = {name: values[0] for name, values in parse_qs(address.query).items()}
    digest = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
    assert query == {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": CALLBACK,
        "scope": "read",
        "state": "a&b",
        "code_challenge": digest,
        "code_challenge_method": "S256",
    }
    anew = oauth.consent_address(client, state="s", verifier=VERIFIER, sign_in_anew=True)
    assert anew.endswith("&prompt=login")


def test_states_and_verifiers_are_long_and_never_the_same() -> None:
    made = {oauth.new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(len(each) >= 43 for each in made)


@pytest.mark.parametrize(("kind", "options", "expected"), FAULTS)
@pytest.mark.parametrize("step", ["register", "exchange", "renew"])
@pytest.mark.parametrize("server", ["0.11"], indirect=True)
def test_every_fault_of_every_step_is_an_error_with_a_sentence(
    server, client, step, kind, options, expected
) -> None:
    server.faults.add(kind, "*", **options)
    secret = "code-that-nobody-may-read"
    steps = {
        "register": lambda: oauth.register_app(server.url, redirect_uri=CALLBACK),
        "exchange": lambda: oauth.exchange_code(client, code=secret, verifier=VERIFIER),
        "renew": lambda: oauth.renew(client, refresh_token=secret),
    }
    with pytest.raises(expected) as caught:
        steps[step]()
    message = str(caught.value)
    assert message.startswith(server.url.removeprefix("http://"))
    assert message.endswith(".")
    for each in (client.client_secret, VERIFIER, secret):
        assert each not in message + repr(caught.value) + repr(client)


@pytest.mark.parametrize("status", [404, 405, 410])
def test_an_instance_without_registration_is_told_apart(mocked, status) -> None:
    mocked.post(f"{SITE}/api/v1/apps", status=status, body="<html>")
    with pytest.raises(oauth.NoOAuth):
        oauth.register_app(SITE, redirect_uri=CALLBACK)


def test_the_recorded_registration_is_read(mocked) -> None:
    replay(mocked, 10, "/api/v1/apps")
    client = oauth.register_app(SITE, redirect_uri=CALLBACK)
    assert (client.client_id, client.redirect_uri) == ("8", CALLBACK)
    sent = parse_qs(mocked.calls[0].request.body)
    assert (sent["redirect_uris"], sent["scopes"], sent["client_name"]) == (
        [CALLBACK],
        ["read"],
        ["PostFlow"],
    )


@pytest.mark.parametrize("number", [15, 308])
@time_machine.travel("2026-11-22T14:00:00Z", tick=False)
def test_the_recorded_tokens_are_read(mocked, number) -> None:
    replay(mocked, number)
    grant = oauth.renew(CLIENT, refresh_token="r")
    assert grant.access_token == answered(number)["body"]["access_token"]
    assert grant.refresh_token == answered(number)["body"]["refresh_token"]
    assert grant.expires_at == timezone.now() + timedelta(days=365)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (14, oauth.AppForgotten),
        (333, oauth.AppForgotten),
        (16, oauth.GrantRefused),
        (21, oauth.GrantRefused),
        (310, oauth.GrantRefused),
        (334, oauth.GrantRefused),
        (327, oauth.Trouble),
        (331, oauth.Trouble),
        (332, oauth.Trouble),
        (198, oauth.Trouble),
    ],
)
def test_the_recorded_refusals_mean_what_they_meant(mocked, number, expected) -> None:
    replay(mocked, number)
    with pytest.raises(expected):
        oauth.exchange_code(CLIENT, code="c", verifier=VERIFIER)


@pytest.mark.parametrize(("number", "is_known"), [(14, False), (333, False), (21, True), (334, True)])
def test_the_recorded_answers_to_a_code_that_is_none_tell_whether_the_app_is_known(
    mocked, number, is_known
) -> None:
    replay(mocked, number)
    assert oauth.is_known(CLIENT) is is_known


def test_the_recorded_refusal_to_revoke_is_no_error(mocked) -> None:
    replay(mocked, 311, "/oauth/revoke")
    assert oauth.revoke(CLIENT, token="x") is False


@pytest.mark.parametrize(
    ("values", "expires_in", "can_renew"),
    [
        ({}, None, False),
        ({"expires_in": 3600, "refresh_token": "r"}, 3600, True),
        ({"expires_in": "3600", "refresh_token": "r"}, 3600, True),
        ({"expires_in": 3600}, 3600, False),
        ({"expires_in": 3600, "refresh_token": ["r"]}, 3600, False),
        ({"expires_in": 0, "refresh_token": "r"}, None, False),
        ({"expires_in": -5, "refresh_token": "r"}, None, False),
        ({"expires_in": True, "refresh_token": "r"}, None, False),
        ({"expires_in": "soon", "refresh_token": "r"}, None, False),
        ({"expires_in": 1e300, "refresh_token": "r"}, oauth.LONGEST_LIFE_SECONDS, True),
        ({"expires_in": float("nan"), "refresh_token": "r"}, None, False),
        ({"expires_in": {}, "refresh_token": ""}, None, False),
    ],
)
@time_machine.travel("2026-11-22T14:00:00Z", tick=False)
def test_odd_lives_of_tokens_are_survived(mocked, values, expires_in, can_renew) -> None:
    body = json.dumps({"access_token": "t", "token_type": "bearer", **values})
    mocked.post(f"{SITE}/oauth/token", body=body, content_type="application/json")
    grant = oauth.renew(CLIENT, refresh_token="r")
    life = grant.expires_at and (grant.expires_at - timezone.now()).total_seconds()
    assert (life, grant.renew_at is not None) == (expires_in, can_renew)


def test_a_token_of_another_kind_is_refused(mocked) -> None:
    mocked.post(f"{SITE}/oauth/token", json={"access_token": "t", "token_type": "mac"})
    with pytest.raises(oauth.OAuthError):
        oauth.renew(CLIENT, refresh_token="r")


def test_a_private_instance_is_not_asked(settings) -> None:
    settings.ALLOW_PRIVATE_INSTANCES = False
    with pytest.raises(oauth.OAuthError, match="private network"):
        oauth.register_app("https://127.0.0.1", redirect_uri=CALLBACK)
