"""Posts, people, comments and notifications of any shape become records, or are left out and counted."""

import copy
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_core.models import MediaType
from analytics_core.platforms import (
    CommentRecord,
    NotificationRecord,
    PersonRecord,
    PostRecord,
    ProfileRecord,
)
from analytics_pixelfed import parsing
from analytics_pixelfed.paging import Found
from analytics_pixelfed.pixelfed_client import PixelfedAPIClient, PixelfedAPIError
from core import http

RECORDINGS = Path(__file__).parents[2] / "tests" / "recordings" / "pixelfed-0.11.13"


@cache
def recorded_bodies() -> dict[int, Any]:
    files = sorted(RECORDINGS.glob("[0-9][0-9][0-9]-*.json"))
    return {int(file.name[:3]): json.loads(file.read_text())["response"]["body"] for file in files}


def recorded(number: int) -> Any:
    return copy.deepcopy(recorded_bodies()[number])


def photo(**changes: Any) -> dict[str, Any]:
    return {"id": "17", "type": "image", "url": "https://photos.example/a.jpg"} | changes


def post(**changes: Any) -> dict[str, Any]:
    return {
        "id": "812345678901234567",
        "content": "Harbour",
        "created_at": "2026-09-30T05:41:07.000Z",
        "media_attachments": [photo()],
    } | changes


def read(**changes: Any) -> PostRecord:
    return parsing.parse_post(post(**changes))


def refused(item: Any, parse: Any = parsing.parse_post) -> bool:
    try:
        parse(item)
    except PixelfedAPIError:
        return True
    return False


# Whole answers


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


# Times


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


# Media


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


# Other fields of a post


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


# People


def test_people_from_elsewhere_keep_their_host_and_nameless_ones_their_id():
    people = [
        {"id": "1", "username": "bob", "acct": "bob@social.example", "display_name": "Bob"},
        {"id": "2", "username": "eve"},
        {"id": "3", "acct": None, "username": None, "display_name": None},
        {"id": 4, "acct": "\0", "username": 7, "display_name": "E\0ve " * 99},
    ]
    records = parsing.parse_each(people, parsing.parse_person).items
    assert [record.username for record in records] == ["bob@social.example", "eve", "3", "4"]
    assert [record.display_name[:6] for record in records] == ["Bob", "", "", "Eve Ev"]
    assert len(records[3].display_name) <= 200
    assert len(parsing.parse_person({"id": "1", "acct": "a" * 999}).username) == 255


def test_the_own_account_is_read():
    profile = parsing.parse_profile(recorded(42))
    assert (profile.remote_id, profile.username, profile.display_name) == (
        "1030119999953145857",
        "ana",
        "Ana Author",
    )
    assert profile.avatar_url.endswith("/storage/avatars/default.jpg")
    assert isinstance(profile.posts_count, int)


@pytest.mark.parametrize("item", [{}, None, [], {"id": None}, {"id": {"a": 1}}, {"id": "../"}, {"id": ["1"]}])
def test_an_account_without_an_id_has_none(item):
    assert parsing.parse_profile(item) == ProfileRecord(remote_id="", username="")


# Comments and notifications


def comment(**changes: Any) -> dict[str, Any]:
    return {
        "id": "5",
        "account_id": "7",
        "username": "bob@social.example",
        "display_name": "Bob",
        "content": "<p>Lovely &amp; calm</p>",
        "created_at": "2026-10-01T18:22:41.000Z",
        "in_reply_to_id": "1",
    } | changes


def test_a_comment_is_read():
    assert parsing.parse_comment(comment()) == CommentRecord(
        remote_id="5",
        person=PersonRecord(remote_id="7", username="bob@social.example", display_name="Bob"),
        content="Lovely & calm",
        commented_at=datetime(2026, 10, 1, 18, 22, 41, tzinfo=UTC),
        in_reply_to_id="1",
    )


@pytest.mark.parametrize(
    "changes", [{"account_id": ""}, {"account_id": None}, {"created_at": None}, {"id": ""}]
)
def test_a_comment_without_a_writer_a_time_or_an_id_is_odd(changes):
    assert refused(comment(**changes), parsing.parse_comment)


@pytest.mark.parametrize("parent", [None, "", [], {"id": "1"}, True, "../1"])
def test_a_comment_on_nothing_that_can_be_named_has_no_parent(parent):
    assert parsing.parse_comment(comment(in_reply_to_id=parent)).in_reply_to_id is None


def notification(**changes: Any) -> dict[str, Any]:
    return {
        "id": "88123",
        "type": "favourite",
        "created_at": "2026-10-01T18:22:41.000Z",
        "account": {"id": "7", "acct": "bob", "display_name": "Bob"},
        "status": {"id": "1"},
    } | changes


@pytest.mark.parametrize(("sent", "kind"), [("favourite", "likes"), ("reblog", "shares")])
def test_a_like_or_share_tells_who_when_and_of_which_post(sent, kind):
    assert parsing.parse_notification(notification(type=sent)) == NotificationRecord(
        remote_id="88123",
        happened_at=datetime(2026, 10, 1, 18, 22, 41, tzinfo=UTC),
        kind=kind,
        person=PersonRecord(remote_id="7", username="bob", display_name="Bob"),
        post_id="1",
    )


def test_a_mention_that_answers_something_is_a_comment_with_its_own_time_and_writer():
    status = {
        "id": "5",
        "in_reply_to_id": "1",
        "content": "Nice",
        "created_at": "2026-10-01T18:00:00Z",
        "account": {"id": "8", "username": "eve", "acct": "eve@far.example", "display_name": None},
    }
    record = parsing.parse_notification(notification(type="mention", status=status))
    assert record.kind == "comments"
    assert record.comment == CommentRecord(
        remote_id="5",
        person=PersonRecord(remote_id="8", username="eve@far.example"),
        content="Nice",
        commented_at=datetime(2026, 10, 1, 18, tzinfo=UTC),
        in_reply_to_id="1",
    )
    without_account = parsing.parse_notification(
        notification(type="mention", status=status | {"account": None})
    )
    assert without_account.person == PersonRecord(remote_id="7", username="bob", display_name="Bob")
    mention_only = notification(type="mention", status=status | {"in_reply_to_id": None})
    assert parsing.parse_notification(mention_only).kind == ""
    assert parsing.parse_notification(mention_only).comment is None


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "follow", "status": None},
        {"type": "poll"},
        {"type": "annual_report"},
        {"type": None},
        {"type": ["favourite"]},
        {"account": None},
        {"account": []},
        {"status": None},
        {"status": {}},
        {"status": "1"},
    ],
)
def test_other_notifications_count_as_seen_and_tell_nothing(changes):
    record = parsing.parse_notification(notification(**changes))
    assert (record.remote_id, record.kind, record.person, record.comment) == ("88123", "", None, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"created_at": None},
        {"account": {"acct": "bob"}},
        {"status": {"id": "../"}},
        {"type": "mention", "status": {"id": "5", "in_reply_to_id": "1"}},
    ],
)
def test_a_notification_with_holes_where_it_matters_is_odd(changes):
    assert refused(notification(**changes), parsing.parse_notification)


# Mutated recordings

ODD_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**31, 2**63, 2**70, -(2**70), 10**100]),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        [
            "\0",
            "\ud800",
            "a" * 900,
            "<script>",
            "https://[",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59Z",
        ]
    ),
    st.just([]),
    st.just({}),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=5), st.none(), max_size=2),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place within a JSON value, itself left out."""
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [place for key, child in children for place in ((*path, key), *places(child, (*path, key)))]


@st.composite
def mutated(draw: st.DrawFn, numbers: list[int]) -> Any:
    """A recorded body in which a few things are missing or odd."""
    body = recorded(draw(st.sampled_from(numbers)))
    if isinstance(body, list):
        body = body[:3]
    for _ in range(draw(st.integers(1, 4))):
        found = places(body)
        if not found:
            break
        *path, last = draw(st.sampled_from(found))
        parent = body
        for key in path:
            parent = parent[key]
        if draw(st.booleans()):
            parent[last] = draw(ODD_VALUES)
        else:
            del parent[last]
    return body


def check(record: Any) -> None:
    """Nothing in a record may be refused by a database."""
    for name in record.__slots__:
        value = getattr(record, name)
        if isinstance(value, str):
            value.encode()
            assert "\0" not in value
            assert not name.endswith("_url") or len(value) <= 500
            assert not name.endswith("_id") or len(value) <= 100
            assert name not in ("username", "display_name") or len(value) <= 255
        elif isinstance(value, bool):
            assert name == "is_sensitive"
        elif isinstance(value, int):
            assert 0 <= value < 2**31
        elif isinstance(value, datetime):
            assert value.tzinfo is UTC
            assert 1990 <= value.year <= 2100
        elif value is not None:
            check(value)


PARSERS = [
    (parsing.parse_post, [58, 62, 63, 347]),
    (parsing.parse_person, [115, 119]),
    (parsing.parse_notification, [161, 165, 171]),
]


@pytest.mark.parametrize(("parse", "numbers"), PARSERS, ids=lambda value: getattr(value, "__name__", ""))
@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_mutated_recordings_become_good_records_or_are_counted(parse, numbers, data):
    items = data.draw(mutated(numbers))
    listing = parsing.parse_each(items, parse)
    assert len(listing.items) + listing.skipped_count == len(items)
    for record in listing.items:
        check(record)


class OneAnswer:
    """Stands for the outside world: whatever is asked, the same JSON comes."""

    def __init__(self, body: Any) -> None:
        self.body = json.dumps(body).encode()

    def __call__(self, session: Any, method: str, url: str, **options: Any) -> http.Answer:
        return http.Answer(200, url, {"Content-Type": "application/json"}, self.body)


def calls(client: PixelfedAPIClient) -> list[Any]:
    """Every reading that the client offers, through to the records."""
    return [
        lambda: [parsing.parse_profile(client.verify_credentials())],
        lambda: parsing.parse_each(client.get_account_posts("1"), parsing.parse_post).items,
        lambda: parsing.parse_each(client.get_post_favourited_by("1"), parsing.parse_person).items,
        lambda: parsing.parse_each(client.get_post_context("1"), parsing.parse_comment).items,
        lambda: parsing.parse_each(client.get_notifications("1"), parsing.parse_notification).items,
        lambda: [client.get_post("1")][:0],
    ]


def no_other_error(body: Any) -> None:
    with (
        pytest.MonkeyPatch.context() as patch,
        PixelfedAPIClient("https://photos.example", "token") as client,
    ):
        patch.setattr(http, "fetch", OneAnswer(body))
        client.wait_turn = lambda host: None
        for call in calls(client):
            try:
                records = call()
            except PixelfedAPIError:
                continue
            for record in records:
                check(record)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(mutated([106, 107, 110, 111, 339, 100, 42, 62, 115, 161]))
def test_mutated_answers_bring_no_error_but_the_clients_own(body):
    no_other_error(body)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    st.recursive(
        ODD_VALUES,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(["id", "descendants", "account", "media_attachments", "in_reply_to_id", "x"]),
                inner,
                max_size=4,
            ),
        ),
        max_leaves=12,
    )
)
def test_any_json_at_all_brings_no_error_but_the_clients_own(body):
    no_other_error(body)
