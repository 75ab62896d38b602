"""Posting, commenting and liking at the sandbox over HTTP, with the shapes that were recorded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from pixelfed.sandbox import SandboxServer, World
from tests.recorded import answered

PICTURE = b"\xff\xd8\xff\xe0 not much of a picture"
CLIP = b"\x00\x00\x00\x18ftypisom not much of a clip"


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    world = World.empty()
    for name in ("ana", "fan001"):
        world.add_person(name)
    with SandboxServer(world) as running:
        yield running


def call(server: SandboxServer, who: str, method: str, path: str, **more: Any) -> requests.Response:
    token = server.token_for(server.world.person(who), "read write follow")
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    return requests.request(method, server.url + path, headers=headers, timeout=5, **more)


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return [shape(item) for item in value] if isinstance(value, list) else type(value).__name__


def upload(server: SandboxServer, content: bytes = PICTURE, version: int = 1, text: str = "") -> Any:
    return call(
        server,
        "ana",
        "POST",
        f"/api/v{version}/media",
        files={"file": ("a.jpg", content)},
        data={"description": text} if text else {},
    )


@pytest.mark.parametrize(
    ("number", "version", "content", "text"),
    [(24, 1, PICTURE, "A lake"), (26, 2, PICTURE, ""), (30, 1, CLIP, "")],
)
def test_uploads_answer_as_recorded(
    server: SandboxServer, number: int, version: int, content: bytes, text: str
) -> None:
    response = upload(server, content, version, text)
    assert response.status_code == answered(number)["status"]
    assert shape(response.json()) == shape(answered(number)["body"])
    assert response.json()["type"] == answered(number)["body"]["type"]


@pytest.mark.parametrize(
    ("number", "extra"),
    [
        (32, {"visibility": "unlisted"}),
        (33, {"visibility": "private"}),
        (34, {"sensitive": "1", "spoiler_text": "spiders"}),
    ],
)
def test_posts_answer_as_recorded(server: SandboxServer, number: int, extra: dict[str, str]) -> None:
    media = upload(server).json()["id"]
    text = answered(number)["body"]["content"]
    form = {"status": text, "media_ids[]": [media]} | extra
    response = call(server, "ana", "POST", "/api/v1/statuses", data=form)
    assert response.status_code == answered(number)["status"]
    assert shape(response.json()) == shape(answered(number)["body"])
    for key in ("content", "visibility", "sensitive", "spoiler_text"):
        assert response.json()[key] == answered(number)["body"][key]
    url = response.json()["media_attachments"][0]["url"]
    assert requests.get(url, timeout=5).content == PICTURE


@pytest.mark.parametrize(("number", "form"), [(36, {"status": "Only words"}), (37, {})])
def test_words_alone_are_refused(server: SandboxServer, number: int, form: dict[str, str]) -> None:
    response = call(server, "ana", "POST", "/api/v1/statuses", data=form)
    assert (response.status_code, response.json()) == (answered(number)["status"], answered(number)["body"])


def test_a_comment_is_counted_announced_and_deleted_as_recorded(server: SandboxServer) -> None:
    world = server.world
    post = world.add_post(world.person("ana"), "A photo")
    form = {"status": "Comment 2", "in_reply_to_id": str(post.id)}
    comment = call(server, "fan001", "POST", "/api/v1/statuses", data=form).json()
    assert post.replies_count == 1
    told = call(server, "ana", "GET", "/api/v1/notifications").json()
    assert [(row["type"], row["status"]["id"]) for row in told] == [("mention", comment["id"])]
    gone = call(server, "fan001", "DELETE", f"/api/v1/statuses/{comment['id']}")
    assert shape(gone.json()) == shape(answered(40)["body"]) | {"account": shape(gone.json()["account"])}
    assert set(gone.json()["account"]) == set(answered(40)["body"]["account"])
    assert post.replies_count == 0
    assert call(server, "ana", "GET", "/api/v1/notifications").json() == []


def test_an_unlike_keeps_the_notification_and_an_unshare_does_not(server: SandboxServer) -> None:
    post = server.world.add_post(server.world.person("ana"))
    for verb in ("favourite", "reblog", "unfavourite", "unreblog"):
        assert call(server, "fan001", "POST", f"/api/v1/statuses/{post.id}/{verb}").status_code == 200
    told = call(server, "ana", "GET", "/api/v1/notifications").json()
    assert [row["type"] for row in told] == ["favourite"]
    assert (post.likes_count, post.shares_count) == (0, 0)


def test_an_archived_post_is_gone_and_comes_back_with_its_likes(server: SandboxServer) -> None:
    world = server.world
    post = world.add_post(world.person("ana"))
    world.like(post, world.person("fan001"))
    world.archive_post(post)
    path = f"/api/v1/statuses/{post.id}"
    assert call(server, "ana", "GET", path).status_code == 404
    assert call(server, "ana", "GET", f"/api/v1/accounts/{post.author.id}/statuses").json() == []
    world.unarchive_post(post)
    assert call(server, "ana", "GET", path).json()["favourites_count"] == 1
