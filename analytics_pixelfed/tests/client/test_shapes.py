"""The names and shapes of the client that others rely on."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper

from analytics_core import platforms
from analytics_pixelfed import answers
from analytics_pixelfed.answers import Blocked, Gone, ReconnectNeeded, TryLater, WrongAnswer
from analytics_pixelfed.pixelfed_client import PixelfedAPIClient, PixelfedAPIError

from .answering import API, INSTANCE, ME, TOKEN


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
