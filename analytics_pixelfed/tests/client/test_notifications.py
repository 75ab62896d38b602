"""Notifications: all since the last one seen, and none before it."""

import itertools
from typing import Any

import pytest
from responses.matchers import query_param_matcher

from analytics_pixelfed import pixelfed_client
from analytics_pixelfed.pixelfed_client import PixelfedAPIClient
from pixelfed.sandbox import World, load_recorded_scenario
from tests.recorded import RECORDINGS, answered

from .answering import DIALECTS, NOTIFICATIONS, answer_with, ids, replay


def notified_ids(*numbers: int) -> set[str]:
    return {row["id"] for number in range(*numbers) for row in answered(number)["body"]}


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
