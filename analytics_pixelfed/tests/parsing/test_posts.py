"""Posts of any shape: their times, media, counts, texts and ids."""

from datetime import UTC, datetime, timedelta

import pytest

from analytics_core.models import MediaType
from analytics_pixelfed import parsing

from .statuses import photo, post, read, refused


@pytest.mark.parametrize(
    ("sent", "microsecond"),
    [
        ("2026-09-30T05:41:07Z", 0),
        ("2026-09-30T05:41:07.000Z", 0),
        ("2026-09-30T05:41:07.412Z", 412_000),
        ("2026-09-30T05:41:07.000000Z", 0),
        ("2026-09-30T05:41:07.123456Z", 123_456),
        ("2026-09-30T05:41:07.123456789Z", 123_456),
        ("2026-09-30T05:41:07+00:00", 0),
        ("2026-09-30T07:41:07+02:00", 0),
        ("2026-09-30 05:41:07", 0),
        ("2026-09-30T05:41:07", 0),
    ],
)
def test_times_are_read_in_every_notation_and_kept_in_utc(sent, microsecond):
    posted_at = read(created_at=sent).posted_at
    assert posted_at == datetime(2026, 9, 30, 5, 41, 7, microsecond, tzinfo=UTC)
    assert posted_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        "yesterday",
        0,
        1_791_200_000,
        1.5,
        True,
        [],
        {},
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-09-30T05:41:07\ud800",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "1989-12-31T23:59:59Z",
        "1990-01-01T00:30:00+01:00",
        "2101-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_a_post_without_a_possible_time_is_odd(sent):
    assert refused(post(created_at=sent))


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("image", MediaType.IMAGE),
        ("gif", MediaType.IMAGE),
        ("gifv", MediaType.VIDEO),
        ("video", MediaType.VIDEO),
        ("unknown", MediaType.IMAGE),
        ("document", MediaType.IMAGE),
        ("hologram", MediaType.IMAGE),
        (None, MediaType.IMAGE),
        (7, MediaType.IMAGE),
        ([], MediaType.IMAGE),
        ({}, MediaType.IMAGE),
    ],
)
def test_every_kind_of_media_is_a_picture_or_a_video(sent, expected):
    assert read(media_attachments=[photo(type=sent)]).media_type == expected


def test_several_media_are_an_album_whatever_they_are():
    mixed = [photo(type="video", url="https://photos.example/a.mp4"), photo(), photo()]
    record = read(media_attachments=mixed)
    assert (record.media_type, record.media_count) == (MediaType.CAROUSEL, 3)
    assert record.media_url == "https://photos.example/a.mp4"


def test_sound_and_media_without_an_address_do_not_count():
    media = [
        photo(type="audio"),
        photo(url=None),
        photo(url=""),
        None,
        "https://photos.example/a.jpg",
        {},
        photo(url="https://photos.example/b.jpg"),
    ]
    record = read(media_attachments=media)
    assert (record.media_url, record.media_count) == ("https://photos.example/b.jpg", 1)
    assert record.media_type == MediaType.IMAGE


@pytest.mark.parametrize(
    "media",
    [
        None,
        [],
        {},
        "x",
        7,
        [None],
        [{}],
        [photo(type="audio")],
        [photo(url="https://photos.example/" + "a" * 900)],
    ],
)
def test_a_post_without_any_picture_or_video_is_odd(media):
    assert refused(post(media_attachments=media))


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        7,
        ["https://photos.example/a.jpg"],
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "ftp://photos.example/a.jpg",
        "//photos.example/a.jpg",
        "/storage/a.jpg",
        "https://",
        "https:///a.jpg",
        "https://[::1/a.jpg",
        "https://photos.example/a b.jpg",
        "https://photos.example/a\n.jpg",
        "https://photos.example/a\0.jpg",
        "https://photos.example/\ud800.jpg",
        "https://photos.example/" + "a" * 478,
    ],
)
def test_only_web_addresses_that_fit_are_kept(url):
    record = read(url=url, uri=url, media_attachments=[photo(preview_url=url), photo(url=url)])
    assert (record.post_url, record.thumbnail_url, record.media_count) == ("", "", 1)


def test_the_longest_address_fits_and_the_second_best_is_taken():
    longest = "https://photos.example/" + "a" * 477
    assert len(longest) == 500
    assert read(url=longest).post_url == longest
    assert read(url=None, uri="https://photos.example/p/1").post_url == "https://photos.example/p/1"
    assert read(url=longest + "a", uri="http://photos.example/p/1").post_url == "http://photos.example/p/1"


def test_the_placeholder_is_no_preview():
    preview = "https://photos.example/storage/no-preview.png"
    assert read(media_attachments=[photo(preview_url=preview)]).thumbnail_url == ""
    preview = "https://photos.example/storage/a_thumb.jpg"
    assert read(media_attachments=[photo(preview_url=preview)]).thumbnail_url == preview


@pytest.mark.parametrize(
    ("meta", "size"),
    [
        ({"original": {"width": 1440, "height": 1080}}, (1440, 1080)),
        ({"original": {"width": 1440}}, (1440, None)),
        ({"original": {"width": 0, "height": -1}}, (None, None)),
        ({"original": {"width": "1440", "height": 1080.0}}, (None, None)),
        ({"original": {"width": 2**70, "height": True}}, (None, None)),
        ({"original": None}, (None, None)),
        ({"original": []}, (None, None)),
        ({"small": {"width": 5, "height": 5}}, (None, None)),
        ({}, (None, None)),
        ([], (None, None)),
        (None, (None, None)),
        ("1440x1080", (None, None)),
    ],
)
def test_the_size_is_that_of_the_original_or_not_known(meta, size):
    record = read(media_attachments=[photo(meta=meta)])
    assert (record.media_width, record.media_height) == size


@pytest.mark.parametrize(
    ("sent", "count"),
    [
        (0, 0),
        (37, 37),
        (2**31 - 1, 2**31 - 1),
        (2**31, None),
        (2**70, None),
        (-1, None),
        (True, None),
        (False, None),
        (37.0, None),
        ("37", None),
        (None, None),
        ([], None),
        (float("inf"), None),
        (float("nan"), None),
    ],
)
def test_a_count_is_a_whole_number_that_fits_or_not_known(sent, count):
    record = read(favourites_count=sent, replies_count=sent, reblogs_count=sent)
    assert (record.likes_count, record.comments_count, record.shares_count) == (count, count, count)


def test_missing_keys_are_not_known_rather_than_zero():
    record = read()
    assert (record.likes_count, record.comments_count, record.shares_count) == (None, None, None)
    assert (record.post_url, record.alt_text, record.blurhash, record.visibility) == ("", "", "", "")
    assert record.is_sensitive is False


def test_a_picture_that_has_no_colours_yet_gets_none():
    assert read(media_attachments=[photo(blurhash=parsing.NO_BLURHASH)]).blurhash == ""
    assert read(media_attachments=[photo(blurhash="UEKxM90G$?4A")]).blurhash == "UEKxM90G$?4A"


def test_texts_are_cleaned_and_cut_to_what_fits():
    media = photo(description="Boats\0 in <fog>", blurhash="U" * 300)
    record = read(
        content="<p>One</p><p>Two</p>", visibility="x" * 99, sensitive=True, media_attachments=[media]
    )
    assert record.caption == "One\n\nTwo"
    assert record.alt_text == "Boats in <fog>"
    assert (len(record.blurhash), len(record.visibility), record.is_sensitive) == (100, 20, True)
    assert read(sensitive="true").is_sensitive is False
    assert read(sensitive=1).is_sensitive is False


@pytest.mark.parametrize(
    "remote_id", [None, "", True, -1, 1.5, [], {}, "../1", "1 ", "1\0", "1/2", "9" * 101]
)
@pytest.mark.parametrize(
    "parse",
    [parsing.parse_post, parsing.parse_person, parsing.parse_comment, parsing.parse_notification],
    ids=lambda parse: parse.__name__,
)
def test_whatever_has_no_proper_id_is_odd(parse, remote_id):
    assert refused(post(account_id="1") | {"id": remote_id}, parse)
    assert refused({key: value for key, value in post(account_id="1").items() if key != "id"}, parse)


def test_an_id_sent_as_a_number_is_kept_exactly():
    assert read(id=812345678901234567).remote_id == "812345678901234567"
