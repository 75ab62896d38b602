"""What is no instance and what is no id is refused before anything is sent."""

import socket
from typing import Any

import pytest

from analytics_pixelfed.answers import TryLater, WrongAnswer
from analytics_pixelfed.pixelfed_client import PixelfedAPIClient, PixelfedAPIError
from core.tests.private_addresses import PRIVATE_LITERALS, PRIVATE_NAMES

from .answering import API, TOKEN


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
