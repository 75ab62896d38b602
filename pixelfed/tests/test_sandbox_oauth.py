"""The sandbox's sign-in pages and tokens, step by step beside the recorded ones."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from pixelfed.sandbox import PIXELFED_2026, SandboxServer, World, demo_world
from tests.recorded import answered

CALLBACK = "http://127.0.0.1:9999/callback"
OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
JSON = {"Accept": "application/json"}


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    world = World.empty()
    world.add_person("ana", password="correct horse")
    with SandboxServer(world) as running:
        yield running


def assert_like_recorded(response: requests.Response, number: int) -> None:
    """Same status, type and rate limit headers; same keys with the same types; errors word for word."""
    expected = answered(number)
    headers = {name.lower(): value for name, value in expected["headers"].items()}
    assert response.status_code == expected["status"]
    assert response.headers["Content-Type"] == headers["content-type"]
    for name in ("x-ratelimit-limit", "x-ratelimit-remaining", "access-control-allow-origin"):
        assert (name in headers) == (name in response.headers)
    if expected["body_kind"] == "json":
        body = response.json()
        assert {k: type(v) for k, v in body.items()} == {k: type(v) for k, v in expected["body"].items()}
        if "error" in body or "errors" in body:
            assert body == expected["body"]


def register(server: SandboxServer, redirect_uri: str = CALLBACK, name: str = "Analytics") -> dict[str, str]:
    form = {"client_name": name, "redirect_uris": redirect_uri, "scopes": "read"}
    response = requests.post(f"{server.url}/api/v1/apps", data=form, headers=JSON, timeout=5)
    assert_like_recorded(response, 10)
    return dict(response.json())


def authorize_url(server: SandboxServer, app: dict[str, str], **more: str) -> str:
    query = {"client_id": app["client_id"], "redirect_uri": app["redirect_uri"], "response_type": "code"}
    return f"{server.url}/oauth/authorize?{urlencode(query | {'scope': 'read', 'state': 'st-123'} | more)}"


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))


def sign_in(
    browser: requests.Session, server: SandboxServer, password: str = "correct horse"
) -> requests.Response:
    page = browser.get(f"{server.url}/login", timeout=5)
    form = {"_token": hidden(page.text)["_token"], "email": "ana", "password": password}
    return browser.post(f"{server.url}/login", data=form, allow_redirects=False, timeout=5)


def approve(server: SandboxServer, app: dict[str, str], **more: str) -> str:
    """Play the person who signs in and says yes; return where the browser is sent."""
    with requests.Session() as browser:
        url = authorize_url(server, app, **more)
        first = browser.get(url, allow_redirects=False, timeout=5)
        assert first.headers["Location"] == f"{server.url}/login"
        assert sign_in(browser, server).headers["Location"].startswith(f"{server.url}/oauth/authorize?")
        page = browser.get(url, timeout=5)
        fields = hidden(page.text.split('name="_method"')[0])
        answer = browser.post(f"{server.url}/oauth/authorize", data=fields, allow_redirects=False, timeout=5)
    assert answer.status_code == 302
    return answer.headers["Location"]


def code_of(location: str) -> str:
    return parse_qs(urlsplit(location).query)["code"][0]


def exchange(server: SandboxServer, app: dict[str, str], code: str, **more: str) -> requests.Response:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": app["redirect_uri"]}
    form |= {key: app[key] for key in ("client_id", "client_secret")} | more
    return requests.post(f"{server.url}/oauth/token", data=form, headers=JSON, timeout=5)


def whoami(server: SandboxServer, token: str) -> requests.Response:
    url = f"{server.url}/api/v1/accounts/verify_credentials"
    return requests.get(url, headers=JSON | {"Authorization": f"Bearer {token}"}, timeout=5)


def test_registering_needs_one_address_as_a_string(server: SandboxServer) -> None:
    url = f"{server.url}/api/v1/apps"
    response = requests.post(url, data={"client_name": "An App"}, headers=JSON, timeout=5)
    assert_like_recorded(response, 7)
    as_json = {"client_name": "An App", "redirect_uris": OUT_OF_BAND}
    assert_like_recorded(requests.post(url, json=as_json, headers=JSON, timeout=5), 8)
    with_list = as_json | {"redirect_uris": [OUT_OF_BAND]}
    assert requests.post(url, json=with_list, headers=JSON, timeout=5).status_code == 500


def test_a_person_signs_in_approves_and_the_code_becomes_a_token(server: SandboxServer) -> None:
    app = register(server)
    location = approve(server, app)
    assert location.startswith(CALLBACK + "?code=def50200")
    assert location.endswith("&state=st-123")
    assert len(code_of(location)) > 600
    response = exchange(server, app, code_of(location))
    assert_like_recorded(response, 15)
    token = response.json()["access_token"]
    assert 900 < len(token) < 1100
    assert whoami(server, token).json()["username"] == "ana"
    assert_like_recorded(exchange(server, app, code_of(location)), 16)
    assert_like_recorded(exchange(server, app, "wrong"), 21)
    assert_like_recorded(exchange(server, app, "x", client_secret="wrong"), 14)


def test_errors_are_proper_json_for_clients_that_do_not_ask_for_it(server: SandboxServer) -> None:
    app = register(server)
    form = {"grant_type": "authorization_code", "code": "x", "redirect_uri": CALLBACK}
    form |= {key: app[key] for key in ("client_id", "client_secret")}
    url = f"{server.url}/oauth/token"
    assert_like_recorded(requests.post(url, data=form | {"client_secret": "no"}, timeout=5), 333)
    assert_like_recorded(requests.post(url, data=form, timeout=5), 334)


def test_a_wrong_password_stays_on_the_page(server: SandboxServer) -> None:
    with requests.Session() as browser:
        answer = sign_in(browser, server, "wrong")
    assert (answer.status_code, "do not match" in answer.text) == (422, True)


def test_out_of_band_the_code_stands_in_the_address(server: SandboxServer) -> None:
    app = register(server, OUT_OF_BAND)
    location = approve(server, app)
    assert location.startswith(OUT_OF_BAND + "?code=")
    assert exchange(server, app, code_of(location)).status_code == 200


def test_cancelling_sends_the_reason_back(server: SandboxServer) -> None:
    app = register(server)
    with requests.Session() as browser:
        sign_in(browser, server)
        page = browser.get(authorize_url(server, app, state="s"), timeout=5)
        fields = hidden(page.text)
        answer = browser.post(f"{server.url}/oauth/authorize", data=fields, allow_redirects=False, timeout=5)
    assert fields["_method"] == "DELETE"
    assert answer.headers["Location"] == answered(307)["headers"]["Location"]


def test_prompt_login_asks_for_the_password_again(server: SandboxServer) -> None:
    app = register(server)
    with requests.Session() as browser:
        sign_in(browser, server)
        assert browser.get(authorize_url(server, app), timeout=5).status_code == 200
        url = authorize_url(server, app, prompt="login")
        again = browser.get(url, allow_redirects=False, timeout=5)
        assert again.headers["Location"] == f"{server.url}/login"
        back = sign_in(browser, server).headers["Location"]
        assert "prompt" not in back
        assert browser.get(back, timeout=5).status_code == 200
        forced = browser.get(authorize_url(server, app, force_login="true"), timeout=5)
    assert_like_recorded(forced, 306)


def test_an_approved_app_is_not_asked_about_twice(server: SandboxServer) -> None:
    app = register(server)
    with requests.Session() as browser:
        sign_in(browser, server)
        page = browser.get(authorize_url(server, app), timeout=5)
        fields = hidden(page.text.split('name="_method"')[0])
        browser.post(f"{server.url}/oauth/authorize", data=fields, allow_redirects=False, timeout=5)
        second = browser.get(authorize_url(server, app), allow_redirects=False, timeout=5)
        third = browser.get(authorize_url(server, app, prompt="consent"), timeout=5)
    assert second.headers["Location"].startswith(CALLBACK)
    assert "Authorize" in third.text


@pytest.mark.parametrize(
    ("change", "number"),
    [({"scope": "read:statuses"}, 303), ({"redirect_uri": "http://127.0.0.1:1/other"}, 304)],
)
def test_what_an_app_may_not_ask_for(server: SandboxServer, change: dict[str, str], number: int) -> None:
    url = authorize_url(server, register(server), **change)
    assert_like_recorded(requests.get(url, headers=JSON, timeout=5), number)


def test_a_wrong_address_is_401_for_a_browser(server: SandboxServer) -> None:
    url = authorize_url(server, register(server), redirect_uri="http://127.0.0.1:1/other")
    response = requests.get(url, headers={"Accept": "text/html"}, timeout=5)
    assert_like_recorded(response, 305)
    assert response.json() == answered(305)["body"]


def test_two_addresses_break_the_consent_page(server: SandboxServer) -> None:
    app = register(server, f"{CALLBACK}\n{OUT_OF_BAND}")
    with requests.Session() as browser:
        sign_in(browser, server)
        url = authorize_url(server, app, redirect_uri=CALLBACK)
        assert_like_recorded(browser.get(url, timeout=5), 367)


def test_refreshing_gives_new_tokens_and_ends_the_old(server: SandboxServer) -> None:
    app = register(server)
    old = exchange(server, app, code_of(approve(server, app))).json()
    form = {"grant_type": "refresh_token", "refresh_token": old["refresh_token"]}
    form |= {key: app[key] for key in ("client_id", "client_secret")}
    url = f"{server.url}/oauth/token"
    response = requests.post(url, data=form, headers=JSON, timeout=5)
    assert_like_recorded(response, 308)
    new = response.json()
    assert new["access_token"] != old["access_token"]
    assert new["refresh_token"] != old["refresh_token"]
    assert whoami(server, new["access_token"]).status_code == 200
    assert_like_recorded(whoami(server, old["access_token"]), 309)
    assert_like_recorded(requests.post(url, data=form, headers=JSON, timeout=5), 310)


def test_app_only_password_and_revocation(server: SandboxServer) -> None:
    app = register(server)
    keys = {key: app[key] for key in ("client_id", "client_secret")}
    url = f"{server.url}/oauth/token"
    only_app = keys | {"grant_type": "client_credentials", "scope": "read"}
    response = requests.post(url, data=only_app, headers=JSON, timeout=5)
    assert_like_recorded(response, 22)
    assert whoami(server, response.json()["access_token"]).status_code == 500
    with_password = keys | {"grant_type": "password", "username": "ana", "password": "correct horse"}
    assert_like_recorded(requests.post(url, data=with_password, headers=JSON, timeout=5), 23)
    revoke = requests.post(f"{server.url}/oauth/revoke", data=keys, headers=JSON, timeout=5)
    assert_like_recorded(revoke, 311)


def test_a_challenge_needs_its_verifier(server: SandboxServer) -> None:
    app, verifier = register(server), "v" * 50
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = {"code_challenge": challenge, "code_challenge_method": "S256", "prompt": "consent"}
    assert exchange(server, app, code_of(approve(server, app, **asked))).status_code == 500
    code = code_of(approve(server, app, **asked))
    assert exchange(server, app, code, code_verifier=verifier).status_code == 200


def test_revoked_tokens_are_refused_and_new_ones_are_not(server: SandboxServer) -> None:
    ana = server.world.person("ana")
    old = server.token_for(ana)
    server.world.revoke_tokens(ana)
    assert whoami(server, old).json() == {"error": "Unauthenticated."}
    assert whoami(server, server.token_for(ana)).status_code == 200


def test_tokens_and_apps_outlive_a_restart_of_the_demo() -> None:
    tokens: list[dict[str, str]] = []
    app: dict[str, str] = {}
    for _ in range(2):
        world = demo_world(3)
        world.photographer.password = "correct horse"
        world.people_by_name["ana"] = world.photographer
        with SandboxServer(world) as server:
            if not tokens:
                app = register(server)
                tokens.append(exchange(server, app, code_of(approve(server, app))).json())
            assert whoami(server, tokens[0]["access_token"]).json()["username"] == "marta"
            if world.apps:
                continue
            form = {"grant_type": "refresh_token", "refresh_token": tokens[0]["refresh_token"]}
            form |= {key: app[key] for key in ("client_id", "client_secret")}
            refreshed = requests.post(f"{server.url}/oauth/token", data=form, headers=JSON, timeout=5)
            assert refreshed.status_code == 200


def test_the_newer_dialect_names_the_scope_and_answers_401() -> None:
    world = World.empty()
    world.add_person("ana", password="correct horse")
    with SandboxServer(world, PIXELFED_2026) as server:
        app = register(server)
        answer = exchange(server, app, code_of(approve(server, app)))
        assert answer.json()["scope"] == "read"
        assert whoami(server, "bad").status_code == 401
        assert exchange(server, app, "bad").status_code == 400
