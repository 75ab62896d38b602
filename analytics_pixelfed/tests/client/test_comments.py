"""Comments: the thread as far as the instance shows it, and whether it hides more."""

import itertools
import json
import re
from typing import Any

import pytest
import responses

from analytics_pixelfed import pixelfed_client
from analytics_pixelfed.pixelfed_client import PixelfedAPIError
from pixelfed.sandbox import World, load_recorded_scenario
from tests.recorded import RECORDINGS, answered

from .answering import INSTANCE, ids


def comment_world(count: int) -> tuple[World, Any, list[Any]]:
    world = World.empty()
    post = world.add_post(world.add_person("ana"))
    comments = [world.comment(post, fan, f"Hello from {fan.username}") for fan in world.add_people(count)]
    return world, post, comments


@pytest.mark.parametrize(("count", "found_count"), [(0, 0), (1, 1), (19, 19), (20, 20), (21, 20), (32, 20)])
def test_pixelfed_shows_twenty_comments_and_more_are_known_to_be_hidden(serve, count, found_count):
    world, post, _ = comment_world(count)
    _, client = serve(world)
    for known_count in (None, count):
        found = client.get_post_context(str(post.id), replies_count=known_count)
        assert (len(found), found.is_complete) == (found_count, count < 20)


def test_mastodon_shows_the_whole_thread_in_one_answer(client, mocked):
    def comment(number: int, parent: int, replies: int) -> dict[str, Any]:
        return {
            "id": str(number),
            "in_reply_to_id": str(parent),
            "replies_count": replies,
            "account": {"id": "7", "acct": "a"},
        }

    tree = [comment(2, 1, 1), comment(3, 2, 1), comment(4, 3, 0), *(comment(n, 1, 0) for n in range(5, 40))]
    mocked.get(f"{INSTANCE}/api/v1/statuses/1/context", json={"ancestors": [], "descendants": tree})
    found = client.get_post_context("1", replies_count=36)
    assert (len(found), found.is_complete, len(mocked.calls)) == (38, True, 1)


def test_answers_to_comments_are_found_however_deep(serve):
    world, post, comments = comment_world(3)
    ana = world.person("ana")
    deepest = comments[0]
    for level in range(6):
        deepest = world.comment(deepest, ana if level % 2 else world.person("fan0002"), f"level {level}")
    server, client = serve(world)
    found = client.get_post_context(str(post.id), replies_count=3)
    assert len(found) == 9
    assert found.is_complete
    assert {comment["id"]: comment["in_reply_to_id"] for comment in found}[str(deepest.id)] == str(
        deepest.parent.id
    )
    assert len(server.requests) == 7
    first = next(comment for comment in found if comment["id"] == str(comments[0].id))
    assert first == {
        "id": str(comments[0].id),
        "account_id": str(world.person("fan0001").id),
        "username": "fan0001",
        "display_name": "Fan0001",
        "content": "Hello from fan0001",
        "created_at": first["created_at"],
        "in_reply_to_id": str(post.id),
    }
    assert first["created_at"].endswith("Z")


def test_hidden_answers_below_a_comment_make_the_whole_incomplete(serve):
    world, post, comments = comment_world(1)
    for fan in world.add_people(25):
        world.comment(comments[0], fan, "me too")
    _, client = serve(world)
    found = client.get_post_context(str(post.id), replies_count=1)
    assert (len(found), found.is_complete) == (21, False)


def test_muted_people_take_a_place_among_the_twenty(serve):
    world, post, _ = comment_world(24)
    ana = world.person("ana")
    for number in (1, 2, 3):
        world.mute(ana, world.person(f"fan{number:04d}"))
    _, client = serve(world)
    found = client.get_post_context(str(post.id), replies_count=24)
    assert (len(found), found.is_complete) == (17, False)


def test_the_recorded_comment_of_a_muted_person_is_missing(serve):
    world = load_recorded_scenario(RECORDINGS)
    _, client = serve(world)
    found = client.get_post_context(str(world.posts["Q58"].id), replies_count=2)
    assert [comment["username"] for comment in found] == ["fan020"]


def test_the_recorded_thread_is_found_as_far_as_the_instance_shows_it(serve):
    world = load_recorded_scenario(RECORDINGS, stage="reading")
    _, client = serve(world)
    post = world.posts["P01_hit"]
    found = client.get_post_context(str(post.id), replies_count=32)
    top = [comment["id"] for comment in found if comment["in_reply_to_id"] == str(post.id)]
    recorded = answered(106)["body"]["descendants"]
    assert top == [status["id"] for status in recorded]
    assert len(found) > len(top)
    assert not found.is_complete


def thread(mocked: responses.RequestsMock, children: dict[str, Any], status: int = 200) -> None:
    for parent, body in children.items():
        mocked.get(f"{INSTANCE}/api/v1/statuses/{parent}/context", json=body, status=status)


def context(*comments: tuple[int, Any, Any]) -> dict[str, Any]:
    return {
        "ancestors": [],
        "descendants": [
            {
                "id": str(number),
                "in_reply_to_id": parent,
                "replies_count": below,
                "account": {"id": "7", "acct": "a"},
            }
            for number, parent, below in comments
        ],
    }


def test_comments_that_are_each_others_parents_end(client, mocked):
    thread(
        mocked,
        {
            "1": context((2, "1", 1), (1, "3", 1)),
            "2": context((3, "2", 1), (1, "2", 1)),
            "3": context((2, "3", 1), (3, "3", 1)),
        },
    )
    found = client.get_post_context("1")
    assert ids(found) == ["2", "3"]
    assert len(mocked.calls) == 3


def test_a_thread_without_end_stops_at_a_bound(client, mocked, monkeypatch):
    monkeypatch.setattr(pixelfed_client, "MAX_CONTEXTS", 9)
    number = itertools.count(2)

    def reply(request: Any) -> tuple[int, dict[str, str], str]:
        parent = request.url.split("/")[-2]
        return 200, {}, json.dumps(context(*((next(number), parent, 19) for _ in range(19))))

    mocked.add_callback(
        responses.GET,
        re.compile(f"{INSTANCE}/.*/context"),
        reply,
        content_type="application/json",
    )
    found = client.get_post_context("1")
    assert (len(mocked.calls), len(found), found.is_complete) == (9, 171, False)


@pytest.mark.parametrize("parent", [None, 1, [], {}, ["1"], {"id": "1"}, True, 1.5])
def test_a_parent_of_the_wrong_kind_harms_nobody(client, mocked, parent):
    thread(mocked, {"1": context((2, parent, 0), (3, "1", 0))})
    assert ids(client.get_post_context("1")) == ["2", "3"]


@pytest.mark.parametrize("below", [None, "3", [], -1, 2.5])
def test_a_count_of_answers_of_the_wrong_kind_is_no_count(client, mocked, below):
    thread(mocked, {"1": context((2, "1", below))})
    assert ids(client.get_post_context("1")) == ["2"]
    assert len(mocked.calls) == 1


def test_odd_comments_are_counted_and_the_rest_is_read(client, mocked):
    body = context((2, "1", 0))
    body["descendants"] += [
        None,
        5,
        "x",
        {},
        {"id": "4"},
        {"id": "5", "account": None},
        {"id": "6", "account": {}},
    ]
    body["descendants"] += [{"account": {"id": "7"}}, {"id": "8", "account": {"id": "7"}}]
    thread(mocked, {"1": body})
    found = client.get_post_context("1")
    assert (ids(found), found.skipped_count) == (["2", "8"], 8)
    assert found[1] | {"id": "", "account_id": ""} == {
        "id": "",
        "account_id": "",
        "username": None,
        "display_name": "",
        "content": "",
        "created_at": None,
        "in_reply_to_id": None,
    }


@pytest.mark.parametrize("status", [403, 404, 422])
def test_one_comment_that_cannot_be_asked_about_does_not_lose_the_others(client, mocked, status):
    thread(mocked, {"1": context((2, "1", 1), (3, "1", 1)), "3": context((4, "3", 0))})
    mocked.get(f"{INSTANCE}/api/v1/statuses/2/context", status=status, body=b"")
    found = client.get_post_context("1")
    assert (ids(found), found.is_complete) == (["2", "3", "4"], False)


@pytest.mark.parametrize(
    ("status", "body"), [(401, {}), (429, {}), (500, {"error": "Unauthenticated."}), (502, {})]
)
def test_a_dead_token_or_host_below_a_comment_is_the_same_as_anywhere(client, mocked, status, body):
    thread(mocked, {"1": context((2, "1", 1))})
    mocked.get(f"{INSTANCE}/api/v1/statuses/2/context", status=status, json=body)
    with pytest.raises(PixelfedAPIError):
        client.get_post_context("1")


def test_a_context_without_its_list_is_not_a_post_without_comments(client, mocked):
    thread(mocked, {"1": {}})
    found = client.get_post_context("1")
    assert (found, found.is_complete) == ([], False)
