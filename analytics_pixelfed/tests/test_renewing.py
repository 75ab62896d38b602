"""Tokens that end are renewed in good time, once, and the new pair is never lost."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests
from django.utils import timezone

from analytics_pixelfed.connecting import token_values
from analytics_pixelfed.renewing import TRY_AGAIN, renew_token
from analytics_pixelfed.services import PixelfedAnalyticsFetcher
from pixelfed import oauth
from pixelfed.models import InstanceApp, MastodonAccount
from pixelfed.sandbox import SandboxServer, World
from pixelfed.tests.browsing import PASSWORD, answer_consent

pytestmark = pytest.mark.django_db

CALLBACK = "https://postflow.example/accounts/connect/callback/"
VERIFIER = "v" * 43


@pytest.fixture
def server(settings) -> Iterator[SandboxServer]:
    settings.ALLOW_PRIVATE_INSTANCES = True
    settings.FETCH_TIMEOUT = 3
    world = World.empty()
    world.add_posts(world.add_person("ana", password=PASSWORD), 2, likes=1)
    with SandboxServer(world) as running:
        yield running


@pytest.fixture
def account(user, server) -> MastodonAccount:
    """An account whose token has to be renewed since a minute."""
    client = oauth.register_app(server.url, redirect_uri=CALLBACK)
    address = oauth.consent_address(client, state="s", verifier=VERIFIER, sign_in_anew=False)
    code = answer_consent(server, address).partition("code=")[2].partition("&")[0]
    grant = oauth.exchange_code(client, code=code, verifier=VERIFIER)
    app = InstanceApp.objects.create(
        instance_url=server.url,
        redirect_uri=CALLBACK,
        client_id=client.client_id,
        client_secret=client.client_secret,
    )
    due = {"token_renew_at": timezone.now() - timedelta(minutes=1)}
    return MastodonAccount.objects.create(
        user=user,
        instance_url=server.url,
        username="ana",
        software="pixelfed",
        app=app,
        **(token_values(grant) | due),
    )


def token_requests(server) -> int:
    return [request.path for request in server.requests].count("/oauth/token")


def works(server, token) -> bool:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    url = f"{server.url}/api/v1/accounts/verify_credentials"
    return requests.get(url, headers=headers, timeout=5).status_code == 200


def test_a_visit_renews_stores_and_uses_the_new_token(server, account) -> None:
    old = account.access_token
    assert PixelfedAnalyticsFetcher(account).run()["errors"] == 0
    stored = MastodonAccount.objects.get()
    assert stored.access_token != old
    assert stored.token_renew_at > timezone.now() + timedelta(days=200)
    assert works(server, stored.access_token)
    assert not works(server, old)
    assert stored.state == "active"


def test_the_pair_is_stored_before_the_new_token_is_sent_anywhere(server, account, monkeypatch) -> None:
    from core import http

    real, tokens_sent = http.fetch, []

    def fetch(session, method, url, **kwargs):
        if "/api/" in url:
            sent = session.headers["Authorization"].removeprefix("Bearer ")
            tokens_sent.append(sent == MastodonAccount.objects.get().access_token)
        return real(session, method, url, **kwargs)

    monkeypatch.setattr("core.http.fetch", fetch)
    PixelfedAnalyticsFetcher(account).run()
    assert tokens_sent
    assert all(tokens_sent)


def test_a_token_that_is_good_for_long_or_for_ever_costs_nothing(
    server, account, django_assert_num_queries
) -> None:
    server.clear()
    for renew_at in (None, timezone.now() + timedelta(days=1)):
        account.token_renew_at = renew_at
        with django_assert_num_queries(0):
            assert renew_token(account) is False
    assert not server.requests


def test_of_two_at_once_one_asks_and_the_other_takes_what_is_stored(server, account) -> None:
    server.clear()
    twin = MastodonAccount.objects.get()
    assert renew_token(account) is True
    assert renew_token(twin) is True
    assert twin.access_token == account.access_token
    assert token_requests(server) == 1


def test_while_another_process_asks_the_old_token_is_used(server, account) -> None:
    server.clear()
    MastodonAccount.objects.update(token_renew_at=timezone.now() + TRY_AGAIN)
    old = account.access_token
    assert renew_token(account) is False
    assert (account.access_token, token_requests(server)) == (old, 0)


def test_an_owner_who_connects_meanwhile_wins(server, account, monkeypatch) -> None:
    real = oauth.renew

    def renew(client, *, refresh_token):
        grant = real(client, refresh_token=refresh_token)
        MastodonAccount.objects.update(
            access_token="fresh", token_stored_at=timezone.now(), token_renew_at=None
        )
        return grant

    monkeypatch.setattr("pixelfed.oauth.renew", renew)
    assert renew_token(account) is True
    assert account.access_token == MastodonAccount.objects.get().access_token == "fresh"


@pytest.mark.parametrize("kind", ["status", "html", "hang", "drop", "rate_limit"])
def test_a_server_in_trouble_is_asked_again_an_hour_later_and_the_visit_goes_on(
    server, account, kind
) -> None:
    server.faults.add(kind, "/oauth/token")
    old = account.access_token
    assert PixelfedAnalyticsFetcher(account).run()["errors"] == 0
    stored = MastodonAccount.objects.get()
    assert (stored.access_token, stored.state) == (old, "active")
    assert stored.refresh_token
    wait = stored.token_renew_at - timezone.now()
    assert timedelta(minutes=50) < wait <= TRY_AGAIN
    server.faults.clear()
    MastodonAccount.objects.update(token_renew_at=timezone.now())
    assert renew_token(MastodonAccount.objects.get()) is True


@pytest.mark.parametrize("kind", ["cut", "broken_json"])
def test_an_answer_that_was_lost_leads_to_reconnect(server, account, kind) -> None:
    """The server has ended both tokens, and nobody ever got the new ones."""
    server.faults.add(kind, "/oauth/token", times=1)
    PixelfedAnalyticsFetcher(account).run()
    account = MastodonAccount.objects.get()
    assert account.state == "reconnect"
    assert "no longer accepts PostFlow's access" in account.state_reason


def test_a_dead_refresh_token_is_tried_once_and_leads_to_reconnect_when_the_access_ends(
    server, account
) -> None:
    account.refresh_token = "def50200"
    account.save()
    server.clear()
    assert PixelfedAnalyticsFetcher(account).run()["errors"] == 0
    stored = MastodonAccount.objects.get()
    assert (stored.refresh_token, stored.token_renew_at, stored.state) == (None, None, "active")
    PixelfedAnalyticsFetcher(stored).run()
    assert token_requests(server) == 1
    server.faults.add("dead_token", "/api/*")
    PixelfedAnalyticsFetcher(MastodonAccount.objects.get()).run()
    assert MastodonAccount.objects.get().state == "reconnect"


def test_a_forgotten_registration_and_a_missing_one_end_the_renewing(server, account) -> None:
    server.world.apps.clear()
    assert renew_token(account) is False
    assert MastodonAccount.objects.get().refresh_token is None
    account.app, account.refresh_token = None, "r"
    account.token_renew_at = timezone.now() - timedelta(minutes=1)
    account.save()
    server.clear()
    assert renew_token(MastodonAccount.objects.get()) is False
    assert MastodonAccount.objects.get().token_renew_at is None
    assert not server.requests


def test_no_token_is_in_the_log(server, account, caplog) -> None:
    caplog.set_level("INFO")
    secrets = [account.access_token, account.refresh_token, account.app.client_secret]
    PixelfedAnalyticsFetcher(account).run()
    stored = MastodonAccount.objects.get()
    secrets += [stored.access_token, stored.refresh_token]
    assert "its access was renewed" in caplog.text
    assert not [secret for secret in secrets if secret in caplog.text]
