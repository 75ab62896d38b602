"""Every page is read, on every server's manner of paging, and nothing that a server offers never ends."""

import itertools
import json
import math
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses
from responses.matchers import query_param_matcher

from analytics_pixelfed import pixelfed_client
from analytics_pixelfed.paging import Found, clean_id, item_id, older_page, oldest_id
from analytics_pixelfed.pixelfed_client import PixelfedAPIClient, PixelfedAPIError
from pixelfed.sandbox import MASTODON, PIXELFED, PIXELFED_2026, SandboxServer, World, load_recorded_scenario
from pixelfed.sandbox.paging import encode_cursor

RECORDINGS = Path(__file__).parents[2] / "tests" / "recordings" / "pixelfed-0.11.13"
DIALECTS = pytest.mark.parametrize(
    "dialect", [PIXELFED, PIXELFED_2026, MASTODON], ids=["pixelfed", "pixelfed-2026", "mastodon"]
)
Serve = Callable[..., tuple[SandboxServer, PixelfedAPIClient]]

INSTANCE = "https://photos.example"
LIKERS = f"{INSTANCE}/api/v1/statuses/1/favourited_by"
STATUSES = f"{INSTANCE}/api/v1/accounts/1/statuses"
NOTIFICATIONS = f"{INSTANCE}/api/v1/notifications"
OLDER, NEWER = encode_cursor(85, older=True), encode_cursor(85, older=False)


@pytest.fixture
def client() -> Iterator[PixelfedAPIClient]:
    with PixelfedAPIClient(INSTANCE, "token") as client:
        yield client


@pytest.fixture
def mocked() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        yield mocked


@pytest.fixture(scope="module")
def stopping() -> Iterator[list[threading.Thread]]:
    """Servers on their way down, so that no test waits for its own."""
    threads: list[threading.Thread] = []
    yield threads
    for thread in threads:
        thread.join()


@pytest.fixture
def serve(settings: Any, stopping: list[threading.Thread]) -> Iterator[Serve]:
    """Serve a world on a real socket, and give a client that reads it as one of its people."""
    settings.ALLOW_PRIVATE_INSTANCES = True
    opened: list[tuple[SandboxServer, PixelfedAPIClient]] = []

    def start(world: World, name: str = "ana", **options: Any) -> tuple[SandboxServer, PixelfedAPIClient]:
        server = SandboxServer(world, **options).start()
        opened.append((server, PixelfedAPIClient(server.url, server.token_for(world.person(name)))))
        return opened[-1]

    yield start
    for server, client in opened:
        client.close()
        stopping.append(threading.Thread(target=server.stop))
        stopping[-1].start()


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


def accounts(*numbers: int) -> list[dict[str, Any]]:
    return [{"id": str(number), "username": f"fan{number}", "acct": f"fan{number}"} for number in numbers]


def recording(number: int) -> dict[str, Any]:
    (file,) = RECORDINGS.glob(f"{number:03d}-*.json")
    return json.loads(file.read_text())


def replay(mocked: responses.RequestsMock, origin: str, numbers: range) -> None:
    """Answer what was recorded to exactly what was asked then."""
    for number in numbers:
        asked, answered = recording(number)["request"], recording(number)["response"]
        headers = {"Link": answered["headers"]["Link"]} if "Link" in answered["headers"] else {}
        mocked.get(
            origin + asked["path"],
            json=answered["body"],
            headers=headers,
            match=[query_param_matcher(dict(parse_qsl(asked["query"], keep_blank_values=True)))],
        )


def answer_with(
    mocked: responses.RequestsMock, url: str, answer: Callable[[dict[str, str]], tuple[Any, str]]
) -> list[dict[str, str]]:
    """Answer from a function of the query that gives body and Link; return the queries as they come."""
    queries: list[dict[str, str]] = []

    def reply(request: Any) -> tuple[int, dict[str, str], str]:
        queries.append(dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True)))
        assert len(queries) < 100, "this would never end"
        body, link = answer(queries[-1])
        return 200, {"Link": link} if link else {}, json.dumps(body)

    mocked.add_callback(responses.GET, url, callback=reply, content_type="application/json")
    return queries


def test_the_cursor_that_points_to_older_ones_is_taken_whatever_its_rel():
    older, newer = f"<{LIKERS}?limit=80&cursor={OLDER}>", f"<{LIKERS}?limit=80&cursor={NEWER}>"
    for link in (
        f'{older}; rel="prev"',
        f'{older}; rel="next"',
        f'{newer}; rel="next", {older}; rel="prev"',
        f'{newer}; rel="prev", {older}; rel="next"',
        f'{older}; rel="prev",{newer}; rel="next"',
        f"{older},{newer}",
        f'{newer}; rel="first", {older}; rel="last", {newer}; rel="next"',
    ):
        assert older_page(link) == {"cursor": OLDER}, link


@pytest.mark.parametrize("number", [115, 116, 117, 119, 121, 122, 124, 125, 139])
def test_the_recorded_links_lead_to_what_was_recorded_as_older(number):
    link = recording(number)["response"]["headers"]["Link"]
    (older,) = older_page(link).values()
    assert f'cursor={older}>; rel="prev"' in link


@pytest.mark.parametrize(
    "link",
    [
        "",
        " ",
        ",",
        "<>",
        "<>; rel",
        "garbage",
        '<https://[broken/?max_id=5>; rel="next"',
        f'<{LIKERS}?max_id=>; rel="next"',
        f'<{LIKERS}?max_id=0>; rel="next"',
        f'<{LIKERS}?max_id=000>; rel="next"',
        f'<{LIKERS}?since_id=9>; rel="prev"',
        f'<{LIKERS}?max_id=9>; rel="prev"',
        f'<{LIKERS}?max_id=9>; title="next"',
        f"<{LIKERS}?max_id=9>",
        f'<{LIKERS}?cursor=>; rel="prev"',
        f'<{LIKERS}?limit=80&cursor={NEWER}>; rel="next"',
        f'<{LIKERS}?cursor={NEWER}&max_id=9>; rel="next"',
        '<https://photos.example/next.html>; rel="next"',
        "<" * 10_000,
        "<a" * 10_000,
        "<a>; " * 10_000,
        "<a>;" + " " * 10_000,
    ],
    ids=lambda link: link[:60],
)
def test_no_older_page_is_seen_where_none_is_offered(link):
    assert older_page(link) == {}


@pytest.mark.parametrize(
    "link",
    [
        f'<{LIKERS}?limit=80&max_id=77>; rel="next", <{LIKERS}?since_id=99>; rel="prev"',
        f'<{LIKERS}?since_id=99>; rel="prev",<{LIKERS}?max_id=77>; rel="next"',
        f"<{LIKERS}?max_id=77>; rel=next",
        f'<{LIKERS}?max_id=77> ; REL = "Next"',
        f'<{LIKERS}?max_id=77>; title="a=b"; rel="last next"',
        f'<{NOTIFICATIONS}?limit=40&types[]=favourite&types[]=mention&max_id=77>; rel="next"',
        f'<{LIKERS}?a=1;b=2&max_id=77>; rel="next"',
        f'<http://elsewhere.example{urlsplit(LIKERS).path}?max_id=77>; rel="next"',
        f'<{urlsplit(LIKERS).path}?max_id=77>; rel="next"',
        f'<{LIKERS}?max_id=>; rel="next", <{LIKERS}?max_id=77>; rel="next"',
    ],
)
def test_without_cursors_the_next_link_leads_to_older_ones(link):
    assert older_page(link) == {"max_id": "77"}


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "%25%25",
        "bnVsbA",
        "W10",
        "e30",
        "eyJpZCI6ODV9",
        "W" * 3000,
        "eyJfcG9pbnRzVG9OZXh0SXRlbXMiOjF9",
        "é",
    ],
)
def test_a_cursor_that_says_nothing_is_followed_rather_than_taken_for_the_end(cursor):
    assert list(older_page(f'<{LIKERS}?cursor={cursor}>; rel="next"')) == ["cursor"]
    readable = f'<{LIKERS}?cursor={cursor}>; rel="next", <{LIKERS}?cursor={OLDER}>; rel="prev"'
    assert older_page(readable) == {"cursor": OLDER}


def test_ids_are_short_words_of_plain_letters_and_whole_numbers():
    assert [clean_id(value) for value in ("7", "01HX", "a-b_c", 7, 2**63, 0)] == [
        "7",
        "01HX",
        "a-b_c",
        "7",
        "9223372036854775808",
        "0",
    ]
    hostile = ["", " 7", "7\n", "../7", "7/8", "7?x", "7#x", "7%2f", "٧", "7\0", "7" * 101, "a.b"]
    wrong = [None, True, False, -7, 7.0, 10**100, [], ["7"], {}, {"id": "7"}, b"7"]
    assert {clean_id(value) for value in hostile} | {clean_id(value) for value in wrong} == {""}
    assert [item_id(item) for item in ({"id": 7}, {"id": None}, {}, None, "7", [7])] == [
        "7",
        "",
        "",
        "",
        "",
        "",
    ]


def test_the_oldest_id_is_the_smallest_number_and_not_the_first_word():
    assert oldest_id([{"id": "1000"}, {"id": "999"}, {"id": "11111"}, {}, None]) == "999"
    assert oldest_id([{"id": str(2**80)}, {"id": 2**81}]) == str(2**80)
    assert oldest_id([{}, "x"]) == ""


def test_found_is_a_plain_list_that_takes_each_item_once_and_counts_the_odd():
    found = Found()
    assert found.take([{"id": "1"}, {"id": "2", "n": 1}, None, {}]) == 2
    assert found.take([{"id": 2, "n": 2}, {"id": "3"}, {"id": "3"}, "x"]) == 1
    assert found == [{"id": "1"}, {"id": "2", "n": 1}, {"id": "3"}]
    assert (found.skipped_count, found.is_complete, json.dumps(found)[:1]) == (3, True, "[")
    assert Found() == []


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
    assert found == recording(119)["response"]["body"] + recording(120)["response"]["body"]


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


# Posts


def all_posts(client: PixelfedAPIClient, account_id: str, **options: Any) -> list[dict[str, Any]]:
    found, before = [], None
    while True:
        page = client.get_account_posts(account_id, max_id=before, **options)
        found += page
        before = page.next_id
        if not before:
            return found


def test_all_recorded_posts_are_listed_each_once_and_newest_first(serve):
    world = load_recorded_scenario(RECORDINGS, stage="reading")
    _, client = serve(world)
    account_id = str(world.person("ana").id)
    recorded = [status["id"] for number in range(62, 65) for status in recording(number)["response"]["body"]]
    assert ids(all_posts(client, account_id)) == recorded
    world.play_until("final")
    assert len(all_posts(client, account_id)) == 57


@DIALECTS
@pytest.mark.parametrize("count", [0, 1, 39, 40, 41, 80, 81])
def test_every_post_is_listed(serve, dialect, count):
    world = World.empty()
    ana = world.add_person("ana")
    posts = world.add_posts(ana, count)
    _, client = serve(world, dialect=dialect)
    assert ids(all_posts(client, str(ana.id))) == [str(post.id) for post in reversed(posts)]


def test_posts_that_drop_out_of_a_page_do_not_end_the_list(serve):
    world = World.empty()
    ana = world.add_person("ana")
    posts = world.add_posts(ana, 90)
    for post in posts[45:55]:
        world.break_post(post)
    _, client = serve(world)
    assert len(all_posts(client, str(ana.id))) == 80


def test_a_page_of_texts_only_does_not_end_the_list(client, mocked):
    texts = [{"id": str(number), "media_attachments": []} for number in range(200, 240)]
    photo = {"id": "150", "media_attachments": [{"type": "image"}]}

    def answer(query: dict[str, str]) -> tuple[Any, str]:
        below = int(query.get("max_id", "1000"))
        return [item for item in [*reversed(texts), photo] if int(item["id"]) < below][:40], ""

    queries = answer_with(mocked, STATUSES, answer)
    page = client.get_account_posts("1")
    assert (ids(page), page.next_id) == (["150"], "150")
    assert [query.get("max_id") for query in queries] == [None, "200"]
    page = client.get_account_posts("1", max_id="150")
    assert (page, page.next_id, page.is_complete) == ([], "", True)


def test_texts_without_end_stop_at_a_bound(client, mocked, monkeypatch):
    monkeypatch.setattr(pixelfed_client, "MAX_PAGES", 5)
    number = itertools.count(10**6, -1)
    queries = answer_with(mocked, STATUSES, lambda query: ([{"id": str(next(number))}], ""))
    page = client.get_account_posts("1")
    assert (page, len(queries)) == ([], 5)
    assert page.next_id


def test_a_server_that_ignores_max_id_shows_its_newest_page_once(client, mocked):
    newest = [{"id": str(number), "media_attachments": [{}]} for number in range(99, 59, -1)]
    queries = answer_with(mocked, STATUSES, lambda query: (newest, ""))
    assert ids(all_posts(client, "1")) == ids(newest)
    assert len(queries) == 2
    assert not client.get_account_posts("1", max_id="60").is_complete
    assert ids(client.get_account_posts("1", max_id="62")) == ["61", "60"]


def test_ids_of_different_lengths_page_as_numbers(client, mocked):
    numbers = [1_000_000_000_000_000_000, 999_999_999_999_999_999, 1_234, 999, 5]

    def answer(query: dict[str, str]) -> tuple[Any, str]:
        below = int(query.get("max_id", 2**70))
        page = [{"id": str(number), "media_attachments": [{}]} for number in numbers if number < below]
        return page[: int(query["limit"])], ""

    answer_with(mocked, STATUSES, answer)
    assert ids(all_posts(client, "1", limit=2)) == [str(number) for number in numbers]


def test_boosts_private_messages_texts_and_stubs_are_left_out(client, mocked):
    photo = {"media_attachments": [{"type": "image", "url": "https://photos.example/a.jpg"}]}
    page = [
        {"id": "9", **photo, "reblog": None, "visibility": "public"},
        {"id": "8", **photo, "reblog": {"id": "3"}},
        {"id": "7", **photo, "visibility": "direct"},
        {"id": "6", "media_attachments": []},
        {"id": "5"},
        {"account": {}, "favourited": False, "reblogged": False, "bookmarked": False},
        None,
        {"id": "4", **photo, "visibility": "private"},
        {"id": "9", **photo, "visibility": "public"},
    ]
    answer_with(mocked, STATUSES, lambda query: (page, ""))
    found = client.get_account_posts("1")
    assert (ids(found), found.skipped_count, found.next_id) == (["9", "4"], 2, "4")


def test_the_list_of_posts_asks_for_media_and_at_most_40(client, mocked):
    queries = answer_with(mocked, STATUSES, lambda query: ([], ""))
    for limit in (40, 100, 7, 0):
        client.get_account_posts("1", max_id="77", limit=limit)
    assert queries == [
        {"limit": size, "only_media": "true", "max_id": "77"} for size in ("40", "40", "7", "1")
    ]


# Notifications


def notified_ids(*numbers: int) -> set[str]:
    return {row["id"] for number in range(*numbers) for row in recording(number)["response"]["body"]}


def notes(*numbers: int) -> list[dict[str, Any]]:
    return [{"id": str(number), "type": "favourite"} for number in numbers]


def test_all_400_recorded_notifications_are_found_exactly_once(serve):
    world = load_recorded_scenario(RECORDINGS, stage="reading")
    server, client = serve(world)
    found = client.get_notifications()
    assert len(found) == 400
    assert set(ids(found)) == notified_ids(161, 172)
    assert ids(found) == sorted(ids(found), key=int, reverse=True)
    assert found.is_complete
    assert len(server.requests) <= 13


def test_the_recorded_pages_of_notifications_hold_400_and_end(settings, mocked):
    settings.ALLOW_PRIVATE_INSTANCES = True
    origin = "http://127.0.0.1:58080"
    replay(mocked, origin, range(161, 172))
    oldest = min(notified_ids(161, 172), key=int)
    mocked.get(
        f"{origin}/api/v1/notifications",
        json=[],
        match=[query_param_matcher({"limit": "40", "max_id": oldest})],
    )
    with PixelfedAPIClient(origin, "token") as client:
        found = client.get_notifications()
    assert (len(found), set(ids(found)), found.is_complete) == (400, notified_ids(161, 172), True)


@DIALECTS
@pytest.mark.parametrize("new_count", [0, 1, 2, 38, 39, 40, 41, 79, 80, 81, 150])
def test_everything_after_the_last_seen_notification_is_found_and_nothing_before(serve, dialect, new_count):
    world = World.empty()
    ana = world.add_person("ana")
    world.add_posts(ana, 1, likes=200)
    rows = [str(row.id) for row in ana.notification_log]
    _, client = serve(world, dialect=dialect)
    found = client.get_notifications(rows[-1 - new_count])
    assert ids(found) == rows[len(rows) - new_count :][::-1]
    assert found.is_complete


@DIALECTS
@pytest.mark.parametrize("new_count", [0, 5, 45])
def test_a_last_seen_notification_that_vanished_changes_nothing(serve, dialect, new_count):
    world = World.empty()
    ana = world.add_person("ana")
    world.add_posts(ana, 1, likes=100)
    rows = list(ana.notification_cache)
    last_seen = rows[-1 - new_count]
    ana.notification_cache.remove(last_seen)
    _, client = serve(world, dialect=dialect)
    found = client.get_notifications(str(last_seen.id))
    assert ids(found) == [str(row.id) for row in reversed(rows[len(rows) - new_count :])]


@pytest.mark.parametrize("lowest_shown", [0, 1, 2], ids=["inclusive", "exclusive", "off by one"])
@pytest.mark.parametrize("new_count", [0, 1, 3, 40, 60])
def test_limits_may_include_the_id_exclude_it_or_be_off_by_one(client, mocked, lowest_shown, new_count):
    rows = list(range(100, 200))

    def answer(query: dict[str, str]) -> tuple[Any, str]:
        shown = [row for row in reversed(rows) if row < int(query.get("max_id", 1000))]
        if "since_id" in query:
            shown = [row for row in shown if row >= int(query["since_id"]) + lowest_shown]
        return notes(*shown[: int(query["limit"])]), ""

    answer_with(mocked, NOTIFICATIONS, answer)
    found = client.get_notifications(str(199 - new_count))
    assert ids(found) == [str(row) for row in range(199, 199 - new_count, -1)]


@pytest.mark.parametrize("since_id", [None, "150"])
def test_short_and_empty_pages_of_notifications_do_not_end_the_list(client, mocked, since_id):
    def answer(query: dict[str, str]) -> tuple[Any, str]:
        scanned = [row for row in range(300, 99, -1) if row < int(query.get("max_id", 1000))][:40]
        shown = [row for row in scanned if not 200 <= row <= 285]
        if not scanned:
            return [], ""
        older, newer = f"{NOTIFICATIONS}?max_id={scanned[-1]}", f"{NOTIFICATIONS}?min_id={scanned[0]}"
        return notes(*shown), f'<{older}>; rel="next",<{newer}>; rel="prev"'

    queries = answer_with(
        mocked, NOTIFICATIONS, lambda query: answer(query) if query.get("max_id") != "100" else ([], "")
    )
    found = client.get_notifications(since_id)
    lowest = int(since_id or 99)
    assert ids(found) == [str(row) for row in range(300, lowest, -1) if not 200 <= row <= 285]
    assert len(queries) <= 7
    assert found.is_complete


@pytest.mark.parametrize("max_id", ["", "0"])
def test_the_empty_limit_of_the_last_page_does_not_start_over(client, mocked, max_id):
    last = f'<{NOTIFICATIONS}?limit=40&max_id={max_id}>; rel="next"'

    def answer(query: dict[str, str]) -> tuple[Any, str]:
        below = int(query.get("max_id") or 0) or 1000
        return (notes(9, 8), "") if below > 8 else (notes(7), last) if below > 7 else ([], "")

    queries = answer_with(mocked, NOTIFICATIONS, answer)
    found = client.get_notifications()
    assert (ids(found), found.is_complete) == (["9", "8", "7"], True)
    assert [query.get("max_id") for query in queries] == [None, "8", "7"]


def test_notifications_that_start_over_end_and_are_not_taken_for_everything(client, mocked):
    queries = answer_with(mocked, NOTIFICATIONS, lambda query: (notes(*range(99, 59, -1)), ""))
    found = client.get_notifications()
    assert (len(found), found.is_complete, len(queries)) == (40, False, 2)


def test_empty_pages_that_lead_on_and_on_end_at_a_bound(client, mocked, monkeypatch):
    monkeypatch.setattr(pixelfed_client, "MAX_NOTIFICATION_PAGES", 6)
    number = itertools.count(10**9, -1)
    queries = answer_with(
        mocked, NOTIFICATIONS, lambda query: ([], f'<{NOTIFICATIONS}?max_id={next(number)}>; rel="next"')
    )
    found = client.get_notifications()
    assert (found, found.is_complete, len(queries)) == ([], False, 7)


def test_notifications_without_end_stop_at_a_bound(client, mocked, monkeypatch):
    monkeypatch.setattr(pixelfed_client, "MAX_NOTIFICATION_PAGES", 6)
    number = itertools.count(10**9, -1)
    queries = answer_with(mocked, NOTIFICATIONS, lambda query: (notes(next(number)), ""))
    found = client.get_notifications()
    assert (len(found), found.is_complete, len(queries)) == (6, False, 6)


def test_the_first_answer_after_a_lost_cache_is_empty_and_asked_for_again(serve):
    world = World.empty()
    ana = world.add_person("ana")
    world.add_posts(ana, 1, likes=50)
    world.cool_cache(ana)
    server, client = serve(world)
    assert len(client.get_notifications()) == 50
    server.clear()
    nobody = world.add_person("nobody")
    with PixelfedAPIClient(server.url, server.token_for(nobody)) as client:
        assert client.get_notifications() == []
    assert len(server.requests) == 2


def test_notifications_without_an_account_or_an_id_do_not_stop_the_rest(client, mocked):
    page = [{"id": "9", "type": "favourite", "account": None}, None, {"type": "mention"}, *notes(8)]
    answer_with(mocked, NOTIFICATIONS, lambda query: ([] if "max_id" in query else page, ""))
    found = client.get_notifications()
    assert (ids(found), found.skipped_count) == (["9", "8"], 2)


def test_ids_that_are_no_numbers_are_paged_as_well(client, mocked):
    words = ["01HD", "01HC", "01HB", "01HA"]

    def answer(query: dict[str, str]) -> tuple[Any, str]:
        return [{"id": word} for word in words if word < query.get("max_id", "Z")][:2], ""

    queries = answer_with(mocked, NOTIFICATIONS, answer)
    assert ids(client.get_notifications("01HA")) == ["01HD", "01HC", "01HB"]
    assert "since_id" not in queries[0]


def test_a_huge_last_seen_id_is_still_a_number(client, mocked):
    queries = answer_with(mocked, NOTIFICATIONS, lambda query: ([], ""))
    client.get_notifications(str(2**64))
    client.get_notifications("0")
    assert [query["since_id"] for query in queries] == [str(2**64 - 1)] * 2 + ["0"] * 2


# Comments


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
    recorded = recording(106)["response"]["body"]["descendants"]
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


# What ends a listing


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500},
        {"kind": "drop"},
        {"kind": "html"},
        {"kind": "wrong_type"},
        {"kind": "rate_limit", "retry_after": "seconds"},
        {"kind": "dead_token"},
        {"kind": "broken_json"},
        {"kind": "cut"},
    ],
    ids=lambda fault: fault["kind"],
)
def test_a_failure_on_the_second_page_brings_an_error_and_never_half_a_list(serve, fault):
    world = World.empty()
    ana = world.add_person("ana")
    (post,) = world.add_posts(ana, 1, likes=200)
    for fan in world.add_people(200):
        world.share(post, fan)
    server, client = serve(world)
    reads = {
        "*/favourited_by*": lambda: client.get_post_favourited_by(str(post.id)),
        "*/reblogged_by*": lambda: client.get_post_reblogged_by(str(post.id)),
        "*/notifications*": client.get_notifications,
    }
    for path, read in reads.items():
        server.faults.clear()
        server.faults.add(path=path, skip=1, **fault)
        with pytest.raises(PixelfedAPIError):
            read()


def test_a_passing_failure_on_the_second_page_costs_a_request_and_nobody(serve):
    world = World.empty()
    (post,) = world.add_posts(world.add_person("ana"), 1, likes=200)
    server, client = serve(world)
    server.faults.add("status", "*/favourited_by*", skip=1, times=1, status=502, html="nginx")
    server.faults.add("cut", "*/favourited_by*", skip=2, times=1)
    found = client.get_post_favourited_by(str(post.id))
    assert (len(set(ids(found))), found.is_complete) == (200, True)
    assert len(server.requests) == client.requests_count == 5
