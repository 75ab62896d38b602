"""Posts: all that have media are listed, each once, whatever a page leaves out."""

import itertools
from typing import Any

import pytest

from analytics_pixelfed import pixelfed_client
from analytics_pixelfed.pixelfed_client import PixelfedAPIClient
from pixelfed.sandbox import World, load_recorded_scenario
from tests.recorded import RECORDINGS, answered

from .answering import DIALECTS, STATUSES, answer_with, ids


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
    recorded = [status["id"] for number in range(62, 65) for status in answered(number)["body"]]
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
