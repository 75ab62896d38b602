"""The sandbox as tests use it: built worlds, dialects, short pages, several servers, the command."""

from __future__ import annotations

import io
import re
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from django.core.management import CommandError, call_command
from pytest_django import Settings

from pixelfed.sandbox import MASTODON, PIXELFED, PIXELFED_2026, Dialect, SandboxServer, World


@pytest.fixture
def world() -> World:
    world = World.empty()
    world.add_posts(world.add_person("ana"), 3, likes=90)
    return world


@pytest.fixture
def server(world: World) -> Iterator[SandboxServer]:
    with SandboxServer(world) as running:
        yield running


def get(server: SandboxServer, path: str, who: str = "ana") -> requests.Response:
    token = server.token_for(server.world.person(who))
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    return requests.get(server.url + path, headers=headers, timeout=5, allow_redirects=False)


def links(response: requests.Response) -> dict[str, str]:
    found = re.findall(r'<([^>]+)>; rel="(\w+)"', response.headers.get("Link", ""))
    return {rel: url for url, rel in found}


def everybody(server: SandboxServer, path: str, rel: str) -> list[str]:
    names: list[str] = []
    while path:
        response = get(server, path)
        names += [person["username"] for person in response.json()]
        path = links(response).get(rel, "").removeprefix(server.url)
    return names


@pytest.mark.parametrize(
    ("dialect", "older"), [(PIXELFED, "prev"), (PIXELFED_2026, "prev"), (MASTODON, "next")]
)
def test_all_likers_are_found_in_each_dialect(world: World, dialect: Dialect, older: str) -> None:
    post = world.person("ana").posts[0]
    with SandboxServer(world, dialect) as server:
        names = everybody(server, f"/api/v1/statuses/{post.id}/favourited_by?limit=40", older)
    assert names == [f"fan{number:04d}" for number in range(90, 0, -1)]


def test_mastodon_pages_statuses_and_notifications_by_link(world: World) -> None:
    ana = world.person("ana")
    with SandboxServer(world, MASTODON) as server:
        page = get(server, f"/api/v1/accounts/{ana.id}/statuses?limit=2")
        following = get(server, links(page)["next"].removeprefix(server.url))
        assert [len(page.json()), len(following.json())] == [2, 1]
        assert "next" not in links(following)
        notifications = get(server, "/api/v1/notifications?limit=40")
        assert f"max_id={notifications.json()[-1]['id']}" in links(notifications)["next"]


@pytest.mark.parametrize(
    ("dialect", "status", "error"),
    [
        (PIXELFED, 500, "Unauthenticated."),
        (PIXELFED_2026, 401, "Unauthenticated."),
        (MASTODON, 401, "The access token is invalid"),
    ],
)
def test_each_dialect_refuses_a_bad_token_in_its_way(
    world: World, dialect: Dialect, status: int, error: str
) -> None:
    with SandboxServer(world, dialect) as server:
        response = requests.get(
            f"{server.url}/api/v1/accounts/verify_credentials",
            headers={"Accept": "application/json", "Authorization": "Bearer x"},
            timeout=5,
        )
        gone = get(server, "/api/v1/statuses/12345/favourited_by")
    assert (response.status_code, response.json()) == (status, {"error": error})
    assert gone.status_code == (500 if dialect is PIXELFED else 404)


def test_likers_who_no_longer_resolve_make_pages_short(world: World, server: SandboxServer) -> None:
    post = world.person("ana").posts[0]
    world.remove(world.person("fan0090"), keep_rows=True)
    first = get(server, f"/api/v1/statuses/{post.id}/favourited_by?limit=40")
    assert len(first.json()) == 39
    assert "prev" in links(first)
    assert post.likes_count == 90


def test_posts_that_cannot_be_rendered_make_pages_short(world: World, server: SandboxServer) -> None:
    ana = world.person("ana")
    world.break_post(ana.posts[-1])
    page = get(server, f"/api/v1/accounts/{ana.id}/statuses?limit=2")
    assert [entity["id"] for entity in page.json()] == [str(ana.posts[1].id)]


def test_a_removed_liker_leaves_the_list_but_not_the_count(world: World, server: SandboxServer) -> None:
    post = world.person("ana").posts[0]
    world.remove(world.person("fan0001"))
    entity = get(server, f"/api/v1/statuses/{post.id}").json()
    assert entity["favourites_count"] == 90
    assert len(everybody(server, f"/api/v1/statuses/{post.id}/favourited_by?limit=80", "prev")) == 89


def test_only_twenty_comments_can_be_read_and_muted_people_take_a_place(
    world: World, server: SandboxServer
) -> None:
    ana = world.person("ana")
    post = ana.posts[0]
    for number in range(1, 26):
        world.comment(post, world.person(f"fan{number:04d}"), f"Comment {number}")
    world.mute(ana, world.person("fan0003"))
    body = get(server, f"/api/v1/statuses/{post.id}/context").json()
    assert len(body["descendants"]) == 19
    assert post.replies_count == 25


def test_a_lost_cache_answers_empty_once(world: World, server: SandboxServer) -> None:
    world.cool_cache(world.person("ana"))
    lengths = [len(get(server, "/api/v1/notifications?limit=40").json()) for _ in range(2)]
    assert lengths == [0, 40]


def test_only_the_newest_notifications_are_served(world: World, server: SandboxServer) -> None:
    world.add_posts(world.person("ana"), 3, likes=90)
    path, seen = "/api/v1/notifications?limit=40", set()
    for _ in range(30):
        page = get(server, path)
        seen |= {row["id"] for row in page.json()}
        following = links(page).get("next", "")
        if not following or following.endswith("max_id="):
            break
        path = following.removeprefix(server.url)
    assert len(seen) == 401


def test_servers_side_by_side_have_worlds_of_their_own() -> None:
    worlds = [World.empty(), World.empty()]
    for number, world in enumerate(worlds):
        world.add_posts(world.add_person("ana"), number + 1)
    with SandboxServer(worlds[0]) as first, SandboxServer(worlds[1]) as second:
        assert first.url != second.url
        for number, server in enumerate((first, second)):
            ana = server.world.person("ana")
            assert len(get(server, f"/api/v1/accounts/{ana.id}/statuses").json()) == number + 1
        foreign = first.token_for(worlds[0].person("ana"))
        refused = requests.get(
            f"{second.url}/api/v1/accounts/verify_credentials",
            headers={"Authorization": f"Bearer {foreign}", "Accept": "application/json"},
            timeout=5,
        )
    assert refused.status_code == 500


def test_one_connection_carries_many_requests(server: SandboxServer) -> None:
    token = server.token_for(server.world.person("ana"))
    with requests.Session() as session:
        session.headers.update({"Authorization": f"Bearer {token}", "Accept": "application/json"})
        for _ in range(20):
            session.get(f"{server.url}/api/v1/accounts/verify_credentials", timeout=5)
    assert (server.connection_count, len(server.requests)) == (1, 20)


def test_many_clients_at_once_are_answered(server: SandboxServer) -> None:
    results: list[int] = []
    ana = server.world.person("ana")

    def ask() -> None:
        results.extend(get(server, f"/api/v1/accounts/{ana.id}/statuses").status_code for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [200] * 40


def test_names_are_given_once() -> None:
    world = World.empty()
    world.add_person("ana")
    with pytest.raises(ValueError, match="already somebody called 'ana'"):
        world.add_person("ana")


def run_command(**options: Any) -> str:
    out = io.StringIO()
    call_command("run_sandbox", stdout=out, **options)
    return out.getvalue()


def test_the_command_runs_only_while_debugging(settings: Settings) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="only with DEBUG=true"):
        run_command()


@pytest.mark.parametrize(("port", "message"), [(-1, "no port -1"), (70000, "no port 70000")])
def test_the_command_explains_a_bad_port(settings: Settings, port: int, message: str) -> None:
    settings.DEBUG = True
    with pytest.raises(CommandError, match=message):
        run_command(port=port)


def test_the_command_explains_a_port_that_is_taken(settings: Settings) -> None:
    settings.DEBUG = True
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(CommandError, match=r"Cannot listen on 127\.0\.0\.1:"),
    ):
        run_command(port=taken.getsockname()[1])


def test_the_command_prints_where_it_is_and_who_signs_in(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEBUG = True
    monkeypatch.setattr(SandboxServer, "serve", lambda self: None)
    said = run_command(port=0)
    assert "http://127.0.0.1:" in said
    assert "marta" in said
