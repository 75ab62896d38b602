"""Posts that a visit lists: what differs is written, whatever it is, and nothing else."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection

from analytics_core import ingest
from analytics_core.models import KINDS, Ledger
from analytics_core.platforms import PostRecord
from tests.tiny.models import TinyPost, TinySummary

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
BEFORE = PostRecord(
    remote_id="100",
    caption="Fjord at dawn",
    media_url="https://tiny.example/100.jpg",
    media_type="image",
    post_url="https://tiny.example/p/100",
    posted_at=NOON - timedelta(days=3, microseconds=7),
    likes_count=3,
    comments_count=2,
    shares_count=1,
)
AFTER = PostRecord(
    remote_id="100",
    caption="Évening at the fjord",
    media_url="https://tiny.example/200.jpg",
    media_type="carousel",
    post_url="https://tiny.example/p/200",
    posted_at=NOON - timedelta(days=2),
    media_count=2,
    media_width=1200,
    media_height=800,
    thumbnail_url="https://tiny.example/200s.jpg",
    alt_text="A fjord",
    blurhash="LEHV6n",
    visibility="public",
    is_sensitive=True,
    likes_count=4,
    comments_count=1,
    shares_count=None,
)
LISTED = [each.name for each in fields(PostRecord) if each.name != "remote_id"]
COLUMNS = {f"{kind}_count": f"{kind}_server_count" for kind in KINDS}


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def listing(tiny, tiny_account, clock):
    """List posts, an hour after the time before."""

    def store(*records: PostRecord) -> None:
        clock.shift(HOUR)
        ingest.ingest_posts(tiny, tiny_account, records)

    return store


@pytest.fixture
def visit(tiny, tiny_account, clock):
    def run() -> None:
        clock.shift(HOUR)
        assert tiny.fetcher(tiny_account).run()["errors"] == 0

    return run


def rows() -> list[dict]:
    """Everything that is stored of posts, with the time of the last writing."""
    return list(TinyPost.objects.order_by("pk").values())


def test_hours_in_which_nothing_happens_write_no_post(tiny, visit) -> None:
    for number in range(100, 150):
        tiny.instance.add_post(str(number), likes=number % 3)
    visit()
    before = rows()
    # A day's sweep lists the older ones too.
    for _ in range(24):
        visit()
    assert rows() == before


def test_the_two_records_differ_in_everything_that_a_listing_tells() -> None:
    assert [name for name in LISTED if getattr(BEFORE, name) == getattr(AFTER, name)] == []


@pytest.mark.parametrize("name", LISTED)
def test_whatever_a_listing_tells_anew_is_written_and_nothing_beside_it(listing, name) -> None:
    others = [replace(BEFORE, remote_id="99"), replace(BEFORE, remote_id="101")]
    listing(BEFORE, *others)
    _, *others_before = rows()
    changed = replace(BEFORE, **{name: getattr(AFTER, name)})

    listing(changed, *others)

    post, *others_after = rows()
    assert post[COLUMNS.get(name, name)] == getattr(AFTER, name)
    assert post["last_fetched_at"] == NOON + 2 * HOUR
    assert others_after == others_before


def test_a_changed_caption_is_found_by_its_words(listing) -> None:
    listing(BEFORE)
    listing(replace(BEFORE, caption="Évening AT the Fjord"))
    assert TinyPost.objects.get().caption_folded == "évening at the fjord"


@pytest.mark.parametrize("name", ["username", "instance_url"])
def test_what_an_account_is_called_now_is_written(listing, tiny_account, name) -> None:
    listing(BEFORE)
    setattr(tiny_account, name, "https://new.example")
    listing(BEFORE)
    assert rows()[0][name] == "https://new.example"


@pytest.mark.parametrize("name", ["missing_since_at", "absence_checked_at"])
def test_a_listed_post_is_neither_missing_nor_absent_any_more(listing, name) -> None:
    listing(BEFORE)
    TinyPost.objects.update(**{name: NOON})
    listing(BEFORE)
    assert rows()[0][name] is None


def test_a_quiet_post_counts_as_read_when_it_was_last_listed_before_the_first_reading(
    tiny, tiny_account, clock, visit
) -> None:
    tiny.instance.add_post("100")
    tiny.fetcher(tiny_account).survey()
    clock.shift(5 * HOUR)
    visit()
    visit()
    assert [rows()[0][f"{kind}_read_at"] for kind in KINDS] == [NOON + 6 * HOUR] * 3


def test_a_post_whose_row_was_deleted_comes_back_beside_one_that_stayed(listing) -> None:
    listing(BEFORE, replace(BEFORE, remote_id="101"))
    TinyPost.objects.filter(tiny_id="100").delete()
    listing(BEFORE, replace(BEFORE, remote_id="101"))
    assert TinyPost.objects.get(tiny_id="100").likes_server_count == 3
    assert TinyPost.objects.count() == 2


def test_a_post_deleted_while_its_page_is_compared_is_a_new_one_with_all_that_belongs_to_it(
    tiny, tiny_account, listing
) -> None:
    other = replace(BEFORE, remote_id="101")
    listing(BEFORE, other)
    Ledger.objects.all().delete()
    to_be_deleted = [TinyPost.objects.get(tiny_id="100")]

    def delete_before_writing(execute, sql, *args):
        if sql.startswith("INSERT") and to_be_deleted:
            to_be_deleted.pop().delete()
        return execute(sql, *args)

    with connection.execute_wrapper(delete_before_writing):
        saved = ingest.ingest_posts(tiny, tiny_account, [replace(BEFORE, likes_count=4), other])

    assert set(TinySummary.objects.values_list("post__tiny_id", flat=True)) == {"100", "101"}
    assert Ledger.objects.get().account_id == tiny_account.pk
    assert (saved.created_count, saved.updated_count) == (1, 1)
