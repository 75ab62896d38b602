"""Which way older items lie, what an id is, and what a list takes."""

import json
from urllib.parse import urlsplit

import pytest

from analytics_pixelfed.paging import Found, clean_id, item_id, older_page, oldest_id
from tests.recorded import answered

from .answering import LIKERS, NEWER, NOTIFICATIONS, OLDER


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
    link = answered(number)["headers"]["Link"]
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
