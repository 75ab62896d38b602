"""Likes and shares: every page is read, on every manner of paging, and nothing is followed for ever."""

import itertools
import math
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from analytics_pixelfed import pixelfed_client
from analytics_pixelfed.pixelfed_client import PixelfedAPIClient
from pixelfed.sandbox import MASTODON, World, load_recorded_scenario
from pixelfed.sandbox.paging import encode_cursor
from tests.recorded import RECORDINGS, answered

from .answering import DIALECTS, LIKERS, OLDER, accounts, answer_with, ids, replay


@DIALECTS
@pytest.mark.parametrize("count", [0, 1, 39, 40, 41, 79, 80, 81, 160, 500])
def test_every_like_and_every_share_is_found_once(serve, dialect, count):
    world = World.empty()
    post = world.add_post(world.add_person("ana"))
    for fan in world.add_people(count):
        world.like(post, fan)
        world.share(post, fan)
    server, client = serve(world, dialect=dialect)
    newest_first = [str(fan.id) for fan in reversed(world.add_people(count))]

    for read in (client.get_post_favourited_by, client.get_post_reblogged_by):
        server.clear()
        found = read(str(post.id))
        assert ids(found) == newest_first
        assert (found.is_complete, found.skipped_count) == (True, 0)
        full_last_page = dialect is MASTODON and count > 0 and count % 80 == 0
        assert len(server.requests) == max(1, math.ceil(count / 80)) + full_last_page


def test_the_recorded_instance_gives_up_every_like_and_share(serve):
    world = load_recorded_scenario(RECORDINGS, stage="reading")
    _, client = serve(world)
    names = ["P01_hit", "P03_video40", "P04_80likes", "P08_zero", "P10_unlike", "P14_gone_likers"]
    liked = {name: client.get_post_favourited_by(str(world.posts[name].id)) for name in names}
    assert {name: len(set(ids(found))) for name, found in liked.items()} == {
        "P01_hit": 124,
        "P03_video40": 40,
        "P04_80likes": 80,
        "P08_zero": 0,
        "P10_unlike": 9,
        "P14_gone_likers": 10,
    }
    assert all(found.is_complete for found in liked.values())
    shared = client.get_post_reblogged_by(str(world.posts["P01_hit"].id))
    assert [person["username"] for person in shared] == [f"fan{number:03d}" for number in range(15, 0, -1)]


def test_the_recorded_pages_themselves_hold_124_likes(settings, mocked):
    settings.ALLOW_PRIVATE_INSTANCES = True
    replay(mocked, "http://127.0.0.1:58080", range(119, 121))
    with PixelfedAPIClient("http://127.0.0.1:58080", "token") as client:
        found = client.get_post_favourited_by("1030121032011046913")
    assert (len(found), len(set(ids(found))), found.is_complete) == (124, 124, True)
    assert found == answered(119)["body"] + answered(120)["body"]


@DIALECTS
@pytest.mark.parametrize("limit", [1, 3, 80, 81, 1000, 0, -5])
def test_the_size_of_a_page_never_changes_what_is_found(serve, dialect, limit):
    world = World.empty()
    (post,) = world.add_posts(world.add_person("ana"), 1, likes=7)
    server, client = serve(world, dialect=dialect)
    assert len(client.get_post_favourited_by(str(post.id), limit=limit)) == 7
    sizes = {dict(parse_qsl(request.query))["limit"] for request in server.requests}
    assert sizes == {str(max(1, min(limit, 80)))}


def test_a_short_page_is_not_the_last_one(serve):
    world = World.empty()
    (post,) = world.add_posts(world.add_person("ana"), 1, likes=100)
    for number in (100, 99, 60, 30):
        world.remove(world.person(f"fan{number:04d}"), keep_rows=True)
    _, client = serve(world)
    found = client.get_post_favourited_by(str(post.id))
    assert (len(found), found.is_complete) == (96, True)


def test_behind_a_page_of_people_who_all_left_the_list_goes_on(serve):
    world = World.empty()
    (post,) = world.add_posts(world.add_person("ana"), 1, likes=100)
    for number in range(21, 101):
        world.remove(world.person(f"fan{number:04d}"), keep_rows=True)
    _, client = serve(world)
    found = client.get_post_favourited_by(str(post.id))
    assert len(found) == 20
    assert found.is_complete


def test_pages_of_nobody_that_offer_more_for_ever_are_not_followed_for_ever(serve):
    world = World.empty()
    (post,) = world.add_posts(world.add_person("ana"), 1, likes=500)
    for number in range(1, 501):
        world.remove(world.person(f"fan{number:04d}"), keep_rows=True)
    server, client = serve(world)
    found = client.get_post_favourited_by(str(post.id))
    assert not found.is_complete
    assert len(server.requests) == 4


@pytest.mark.parametrize("link", ["nonsense", '<https://x.example/?offset=80>; rel="older"', "<>; rel=next"])
def test_a_link_of_a_kind_we_do_not_know_makes_no_list_complete(serve, link):
    world = World.empty()
    (post,) = world.add_posts(world.add_person("ana"), 1, likes=3)
    server, client = serve(world)
    server.faults.add("link", value=link)
    found = client.get_post_favourited_by(str(post.id))
    assert len(found) == 3
    assert not found.is_complete


def test_somebody_elses_post_gives_one_page_only_and_that_ends(serve):
    world = World.empty()
    (post,) = world.add_posts(world.add_person("ana"), 1, likes=81)
    server, client = serve(world, name="fan0001")
    assert len(client.get_post_favourited_by(str(post.id))) == 80
    assert len(server.requests) == 1


@DIALECTS
def test_new_likes_while_paging_neither_repeat_nor_hide_anybody(serve, dialect, monkeypatch):
    world = World.empty()
    (post,) = world.add_posts(world.add_person("ana"), 1, likes=200)
    _, client = serve(world, dialect=dialect)
    late = iter(world.add_people(20, prefix="late"))

    def somebody_likes(host: str) -> None:
        with world.lock:
            for fan in itertools.islice(late, 3):
                world.like(post, fan)

    client.wait_turn = somebody_likes
    found = client.get_post_favourited_by(str(post.id))
    assert len(ids(found)) == len(set(ids(found)))
    assert {f"fan{number:04d}" for number in range(1, 201)} <= {person["username"] for person in found}


def test_mastodon_may_be_read_from_the_middle(serve):
    world = World.empty()
    (post,) = world.add_posts(world.add_person("ana"), 1, likes=10)
    _, client = serve(world, dialect=MASTODON)
    middle = str(post.likes[4].id)
    found = client.get_post_favourited_by(str(post.id), max_id=middle)
    assert [person["username"] for person in found] == ["fan0004", "fan0003", "fan0002", "fan0001"]


@pytest.mark.parametrize(
    "link",
    [
        "self",
        f'<{LIKERS}?cursor={OLDER}>; rel="prev"',
        f'<{LIKERS}?max_id=5>; rel="next"',
        f'<{LIKERS}?cursor=unreadable>; rel="next"',
    ],
)
def test_a_link_that_leads_to_itself_ends_and_is_not_taken_for_everything(serve, link):
    world = World.empty()
    (post,) = world.add_posts(world.add_person("ana"), 1, likes=200)
    server, client = serve(world)
    server.faults.add("link", "*/favourited_by*", skip=1, value=link)
    found = client.get_post_favourited_by(str(post.id))
    assert len(server.requests) <= 4
    assert len(ids(found)) == len(set(ids(found))) >= 160
    assert not (found.is_complete and len(found) < 200)


def test_the_same_page_for_ever_under_new_cursors_ends(client, mocked):
    rows = itertools.count(1000, -1)
    queries = answer_with(
        mocked,
        LIKERS,
        lambda query: (
            accounts(1, 2),
            f'<{LIKERS}?cursor={encode_cursor(next(rows), older=True)}>; rel="prev"',
        ),
    )
    found = client.get_post_favourited_by("1")
    assert ids(found) == ["1", "2"]
    assert not found.is_complete
    assert len(queries) == 2


def test_a_circle_of_two_pages_ends(client, mocked):
    pages = {"": (1, "a"), "a": (2, "b"), "b": (3, "a")}

    def answer(query: dict[str, str]) -> tuple[Any, str]:
        number, following = pages[query.get("cursor", "")]
        return accounts(number), f'<{LIKERS}?cursor={following}>; rel="prev"'

    queries = answer_with(mocked, LIKERS, answer)
    found = client.get_post_favourited_by("1")
    assert ids(found) == ["1", "2", "3"]
    assert not found.is_complete
    assert len(queries) == 3


def test_ever_new_people_end_at_a_bound(client, mocked, monkeypatch):
    monkeypatch.setattr(pixelfed_client, "MAX_PAGES", 7)
    number = itertools.count(1)
    queries = answer_with(
        mocked,
        LIKERS,
        lambda query: (accounts(next(number)), f'<{LIKERS}?max_id={10**9 - next(number)}>; rel="next"'),
    )
    found = client.get_post_favourited_by("1")
    assert (len(queries), len(found), found.is_complete) == (7, 7, False)


def test_people_without_an_id_are_counted_and_the_rest_is_read(client, mocked):
    odd = [None, 7, "x", [], {}, {"id": None}, {"id": True}, {"id": "../1"}, {"username": "nobody"}]
    answer_with(mocked, LIKERS, lambda query: (odd + accounts(1) + accounts(1, 2), ""))
    found = client.get_post_favourited_by("1")
    assert ids(found) == ["1", "2"]
    assert found.skipped_count == len(odd)


@pytest.mark.parametrize(
    "elsewhere", ["http://photos.example", "https://evil.example", "//evil.example", "http://[::1]"]
)
def test_whatever_address_a_link_names_the_instance_itself_is_asked(client, mocked, elsewhere):
    path = urlsplit(LIKERS).path
    link = f'<{elsewhere}{path}?cursor={OLDER}>; rel="prev"'
    queries = answer_with(
        mocked,
        LIKERS,
        lambda query: (accounts(2 if query.get("cursor") else 1), "" if query.get("cursor") else link),
    )
    assert ids(client.get_post_favourited_by("1")) == ["1", "2"]
    assert queries == [{"limit": "80"}, {"limit": "80", "cursor": OLDER}]
    assert {urlsplit(call.request.url).netloc for call in mocked.calls} == {"photos.example"}
