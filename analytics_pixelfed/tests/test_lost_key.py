"""Tokens that no key opens any more: a sentence everywhere, an error nowhere, and nothing of them is sent."""

from datetime import timedelta

import pytest
import responses
from django.db import connection
from django.utils import timezone

from analytics_core import tasks
from analytics_core.engine import leaving
from analytics_core.models import Departure
from analytics_core.tests.builders import build_post, read
from analytics_pixelfed.renewing import renew_token
from pixelfed.models import InstanceApp, MastodonAccount
from postflow.models import CustomUser

pytestmark = pytest.mark.django_db

# What another key has made: from the specification of Fernet.
FOREIGN = (
    "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=="
)


@pytest.fixture
def account(user) -> MastodonAccount:
    app = InstanceApp.objects.create(
        instance_url="https://pixelfed.social",
        redirect_uri="https://p.example",
        client_id="1",
        client_secret="s",
    )
    account = MastodonAccount.objects.create(
        user=user, instance_url="https://pixelfed.social", username="ana", access_token="t",
        refresh_token="r", software="pixelfed", app=app, token_renew_at=timezone.now() - timedelta(days=1),
    )  # fmt: skip
    build_post("pixelfed", account, likes=1)
    read("pixelfed", account)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE pixelfed_mastodonaccount SET access_token = %s, refresh_token = %s", [FOREIGN, FOREIGN]
        )
        cursor.execute("UPDATE pixelfed_instanceapp SET client_secret = %s", [FOREIGN])
    return MastodonAccount.objects.get()


@responses.activate
def test_a_visit_sends_nothing_and_says_what_helps(account) -> None:
    stats = tasks.fetch_account.func("pixelfed", account.pk)
    assert stats["errors"] == 1
    assert "connecting it again helps too" in stats["message"]
    assert not responses.calls
    # When the right key is back, it goes on by itself.
    account.refresh_from_db()
    assert account.state == "active"


def test_every_page_works_and_the_list_says_it(client, user, account) -> None:
    tasks.fetch_account.func("pixelfed", account.pk)
    client.force_login(user)
    pages = ["/accounts/", "/analytics/", "/analytics/pixelfed/", "/settings/data/", "/settings/data/delete/"]
    pages += [
        f"/accounts/{account.pk}/disconnect/",
        f"/analytics/pixelfed/post/{account.analytics_posts.get().pk}/",
    ]
    for page in pages:
        response = client.get(page)
        assert response.status_code == 200, page
        assert FOREIGN not in response.content.decode()
    html = client.get("/accounts/").content.decode()
    assert "PostFlow cannot read its stored access to this account." in html


@responses.activate
def test_it_is_not_renewed_and_not_lost(account) -> None:
    assert renew_token(account) is False
    account.refresh_from_db()
    assert account.refresh_token == FOREIGN
    assert not responses.calls


@responses.activate
def test_it_can_be_disconnected_and_the_user_deleted(client, user, account) -> None:
    client.force_login(user)
    assert client.post(f"/accounts/{account.pk}/disconnect/").status_code == 302
    assert not MastodonAccount.objects.exists()
    leaving.begin(user)
    assert leaving.finish(Departure.objects.get().pk)
    assert not CustomUser.objects.exists()
    assert not responses.calls
