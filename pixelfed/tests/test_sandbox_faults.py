"""Every fault does to a client what it says, and to no other request."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from pixelfed.sandbox import SandboxServer, World
from pixelfed.sandbox.faults import KINDS

PATH = "/api/v1/accounts/verify_credentials"


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    world = World.empty()
    world.add_posts(world.add_person("ana"), 3, likes=5)
    with SandboxServer(world) as running:
        yield running


def get(server: SandboxServer, path: str = PATH, *, timeout: float = 5, **more: Any) -> requests.Response:
    token = server.token_for(server.world.person("ana"))
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    with requests.Session() as session:
        return session.get(server.url + path, headers=headers, timeout=timeout, allow_redirects=False, **more)


def test_a_fault_strikes_as_often_as_it_should(server: SandboxServer) -> None:
    server.faults.add("status", PATH, times=2, skip=1, status=503)
    assert [get(server).status_code for _ in range(5)] == [200, 503, 503, 200, 200]


def test_a_fault_can_mean_the_second_page_only(server: SandboxServer) -> None:
    post = server.world.person("ana").posts[0]
    path = f"/api/v1/statuses/{post.id}/favourited_by?limit=3"
    server.faults.add("status", r"re:/favourited_by\?.*cursor=", status=502, html=True)
    first = get(server, path)
    older = re.findall(r"<([^>]+)>", first.headers["Link"])[0].removeprefix(server.url)
    assert (first.status_code, get(server, older).status_code) == (200, 502)
    server.faults.clear()
    server.faults.add("status", "*/favourited_by?*limit=3", status=500)
    assert (get(server, path).status_code, get(server).status_code) == (500, 200)


def test_a_fault_can_mean_one_method(server: SandboxServer) -> None:
    server.faults.add("status", method="post", status=500)
    assert get(server).status_code == 200


@pytest.mark.parametrize("form", ["seconds", "date", "epoch", "iso"])
def test_rate_limits_say_when_to_come_back_in_every_way(server: SandboxServer, form: str) -> None:
    server.faults.add("rate_limit", retry_after=form, reset=form, seconds=90)
    response = get(server)
    value = response.headers["Retry-After"]
    assert response.status_code == 429
    assert response.headers["X-RateLimit-Remaining"] == "0"
    assert response.headers["X-RateLimit-Reset"]
    until = time.time() + 90
    if form == "seconds":
        assert value == "90"
    elif form == "date":
        assert abs(parsedate_to_datetime(value).timestamp() - until) < 5
    elif form == "epoch":
        assert abs(int(value) - until) < 5
    else:
        assert value.endswith("Z")


def test_a_rate_limit_may_say_nothing(server: SandboxServer) -> None:
    server.faults.add("rate_limit", html="nginx")
    response = get(server)
    assert (response.status_code, response.headers["Content-Type"]) == (429, "text/html")
    assert not {"Retry-After", "X-RateLimit-Reset"} & set(response.headers)


def test_latency_comes_on_top_of_other_faults(server: SandboxServer) -> None:
    server.faults.add("latency", seconds=0.2)
    server.faults.add("status", status=500)
    begin = time.monotonic()
    assert get(server).status_code == 500
    assert time.monotonic() - begin >= 0.2


def test_a_hang_gives_no_answer(server: SandboxServer) -> None:
    server.faults.add("hang", PATH)
    with pytest.raises(requests.ReadTimeout):
        get(server, timeout=0.3)
    assert server.requests[-1].status is None


def test_stopping_does_not_wait_for_what_hangs(server: SandboxServer) -> None:
    server.faults.add("hang", PATH)
    with pytest.raises(requests.ReadTimeout):
        get(server, timeout=0.2)
    begin = time.monotonic()
    server.stop()
    assert time.monotonic() - begin < 1


def test_a_drip_keeps_a_reader_busy(server: SandboxServer) -> None:
    server.faults.add("drip", seconds=0.01, chunk=50)
    begin = time.monotonic()
    assert get(server).json()["username"] == "ana"
    assert time.monotonic() - begin > 0.08


def test_a_cut_body_ends_before_it_said(server: SandboxServer) -> None:
    server.faults.add("cut", keep=0.4)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        get(server)


def test_a_dropped_connection_gives_nothing_at_all(server: SandboxServer) -> None:
    server.faults.add("drop")
    with pytest.raises(requests.ConnectionError):
        get(server)


def test_bodies_that_are_not_what_they_should_be(server: SandboxServer) -> None:
    server.faults.add("html", times=1)
    page = get(server)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=UTF-8")
    server.faults.add("broken_json", times=1)
    with pytest.raises(requests.JSONDecodeError):
        get(server).json()
    server.faults.add("empty", times=1)
    assert get(server).content == b""
    server.faults.add("wrong_type", times=1, value=[1, "two"])
    assert get(server).json() == [1, "two"]


def test_a_huge_body_is_as_large_as_it_says(server: SandboxServer) -> None:
    server.faults.add("huge", size=3_000_000)
    response = get(server)
    assert (len(response.content), response.json()) == (3_000_000, [])


def test_redirects_lead_where_they_are_told(server: SandboxServer) -> None:
    server.faults.add("redirect", times=1)
    assert get(server).headers["Location"] == f"{server.url}/elsewhere"
    server.faults.add("redirect", times=1, location="http://elsewhere.invalid/x", status=301)
    response = get(server)
    assert (response.status_code, response.headers["Location"]) == (301, "http://elsewhere.invalid/x")


def test_links_can_lead_in_circles_or_away(server: SandboxServer) -> None:
    path = f"/api/v1/statuses/{server.world.person('ana').posts[0].id}/favourited_by?limit=2"
    server.faults.add("link", times=1)
    assert f"<{server.url}{path}>" in get(server, path).headers["Link"]
    server.faults.add("link", times=1, value="elsewhere")
    assert "http://elsewhere.invalid" in get(server, path).headers["Link"]


@pytest.mark.parametrize(("form", "status"), [("500", 500), ("302", 302), ("401", 401)])
def test_a_dead_token_has_three_forms(server: SandboxServer, form: str, status: int) -> None:
    server.faults.add("dead_token", form=form)
    response = get(server)
    assert response.status_code == status
    assert (response.headers.get("Location") == f"{server.url}/login") == (form == "302")


def test_unknown_faults_and_options_are_named(server: SandboxServer) -> None:
    with pytest.raises(ValueError, match=r"known are latency, hang"):
        server.faults.add("earthquake")
    with pytest.raises(ValueError, match="options are seconds"):
        server.faults.add("latency", minutes=1)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_asked_for_over_http(server: SandboxServer, kind: str) -> None:
    answer = requests.post(f"{server.url}/_sandbox/faults", json={"kind": kind, "path": "/x"}, timeout=5)
    assert answer.json() == {"id": 1}
    assert server.faults.active[0].kind == kind
    requests.delete(f"{server.url}/_sandbox/faults", timeout=5)
    assert server.faults.active == []


def test_another_process_can_change_the_world(server: SandboxServer) -> None:
    post = server.world.person("ana").posts[0]

    def do(action: str, **more: str) -> requests.Response:
        body = {"action": action, "status": str(post.id)} | more
        return requests.post(f"{server.url}/_sandbox/do", json=body, timeout=5)

    assert do("unlike", person="fan0001").status_code == 200
    assert post.likes_count == 4
    assert do("share", person="fan0002").json()["id"]
    comment = do("comment", person="fan0002", text="Hello").json()["id"]
    assert post.replies_count == 1
    assert do("delete_comment", status=comment).status_code == 200
    assert do("archive_post").status_code == 200
    assert post.archived
    assert do("delete_post").status_code == 200
    assert post.deleted
    assert do("revoke_tokens", person="ana").status_code == 200
    assert "no person 'nobody'" in do("like", person="nobody").json()["error"]
    assert "known are like" in do("explode").json()["error"]
    overview = requests.get(f"{server.url}/_sandbox", timeout=5).json()
    assert [author["username"] for author in overview["authors"]] == ["ana"]


def test_what_was_asked_can_be_read_and_forgotten(server: SandboxServer) -> None:
    get(server)
    seen = server.requests[-1]
    assert (seen.method, seen.path, seen.query, seen.status) == ("GET", PATH, "", 200)
    assert seen.headers["accept"] == "application/json"
    assert len(requests.get(f"{server.url}/_sandbox/requests", timeout=5).json()) == 1
    requests.delete(f"{server.url}/_sandbox/requests", timeout=5)
    assert server.requests == []
