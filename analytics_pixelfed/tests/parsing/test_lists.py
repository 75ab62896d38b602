"""Whole lists become records; what makes no sense is left out and counted."""

import json
from datetime import UTC, datetime

import pytest

from analytics_core.models import MediaType
from analytics_core.platforms import NotificationRecord, PersonRecord, PostRecord
from analytics_pixelfed import parsing
from analytics_pixelfed.paging import Found
from analytics_pixelfed.pixelfed_client import PixelfedAPIError
from tests.recorded import RECORDINGS

from .statuses import post, recorded


def test_a_recorded_post_is_read_field_by_field():
    status = recorded(100)
    record = parsing.parse_post(status)
    media = status["media_attachments"][0]
    assert record == PostRecord(
        remote_id="1030121037283663886",
        caption='Before the edit bold & "quotes" 日本語 😀\nsecond line https://example.test/a?b=c',
        media_url=media["url"],
        media_type=MediaType.IMAGE,
        post_url=status["url"],
        posted_at=datetime(2026, 11, 22, 14, 13, 14, tzinfo=UTC),
        media_count=1,
        media_width=600,
        media_height=800,
        thumbnail_url=media["preview_url"],
        alt_text="",
        blurhash=media["blurhash"],
        visibility="public",
        is_sensitive=False,
        likes_count=0,
        comments_count=0,
        shares_count=0,
    )


def test_every_recorded_list_is_read_without_leaving_anything_out():
    for numbers, parse, record_type in (
        ([58, 59, 60, 62, 63, 347], parsing.parse_post, PostRecord),
        ([115, 116, 119, 120, 137], parsing.parse_person, PersonRecord),
        ([*range(161, 172), 353], parsing.parse_notification, NotificationRecord),
    ):
        for number in numbers:
            listing = parsing.parse_each(recorded(number), parse)
            assert len(listing.items) == len(recorded(number)) > 0
            assert all(isinstance(record, record_type) for record in listing.items)
            assert (listing.is_complete, listing.skipped_count) == (True, 0)


def test_recorded_albums_videos_and_counts_are_told_apart():
    records = {
        record.remote_id: record
        for number in (62, 63)
        for record in parsing.parse_each(recorded(number), parsing.parse_post).items
    }
    names = json.loads((RECORDINGS / "scenario.json").read_text())["statuses"]
    hit, album, video = (records[names[name]] for name in ("P01_hit", "P02_album", "P03_video40"))
    assert (hit.likes_count, hit.comments_count, hit.shares_count) == (124, 32, 15)
    assert hit.caption == "Sunrise over the lake, thanks @fan001 #sunrise #lake"
    assert hit.alt_text == "A lake at sunrise"
    assert (album.media_type, album.media_count) == (MediaType.CAROUSEL, 3)
    assert (video.media_type, video.media_width, video.media_height) == (MediaType.VIDEO, None, None)


def test_a_list_keeps_what_the_client_knows_of_it():
    found = Found()
    found.take([post(), post(id="5"), None])
    found.next_id = "5"
    listing = parsing.parse_each(found, parsing.parse_post)
    assert (len(listing.items), listing.skipped_count, listing.is_complete, listing.next_id) == (
        2,
        1,
        False,
        "5",
    )
    found = Found()
    assert parsing.parse_each(found, parsing.parse_post).is_complete
    found.is_complete = False
    assert not parsing.parse_each(found, parsing.parse_post).is_complete


def test_odd_items_are_left_out_and_counted_and_a_plain_list_will_do():
    listing = parsing.parse_each([post(), None, "x", 7, [], {}, post(created_at=None)], parsing.parse_post)
    assert (len(listing.items), listing.skipped_count, listing.is_complete, listing.next_id) == (
        1,
        6,
        False,
        "",
    )
    assert parsing.parse_each([post()], parsing.parse_post).is_complete


@pytest.mark.parametrize("items", [None, {}, {"0": {}}, "list", 7, (post(),)])
def test_what_is_no_list_is_never_an_empty_one(items):
    with pytest.raises(PixelfedAPIError):
        parsing.parse_each(items, parsing.parse_post)
