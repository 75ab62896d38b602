"""How many SQL statements each step of a visit takes, whatever the size of what it reads.

Of these, the daily totals take 20 once for an account, 11 for a post whose engagement changed, and 1 for one
that was read and had not (its ledger is locked all the same).
"""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from analytics_core.platforms import NotificationRecord, PersonRecord
from tests.tiny.models import TinyPost

pytestmark = pytest.mark.django_db

SIZES = [3, 30]


@pytest.fixture
def count_statements(tiny, tiny_account):
    def count() -> int:
        fetcher = tiny.fetcher(tiny_account)
        with CaptureQueriesContext(connection) as statements:
            assert fetcher.run()["errors"] == 0
        return len(statements)

    return count


def fill(instance, size: int) -> None:
    for number in range(100, 100 + size):
        instance.add_post(str(number))
    instance.likes["101"] = [f"fan{number}" for number in range(size)]


@pytest.mark.parametrize("size", SIZES)
def test_the_first_visit(tiny, count_statements, size) -> None:
    fill(tiny.instance, size)
    assert count_statements() == 78


@pytest.mark.parametrize("size", SIZES)
def test_an_idle_visit(tiny, count_statements, size) -> None:
    fill(tiny.instance, size)
    count_statements()
    assert count_statements() == 12


@pytest.mark.parametrize("size", [3, 1200])
def test_an_idle_visit_to_an_account_that_was_emptied(tiny_account, count_statements, size) -> None:
    count_statements()
    now = timezone.now()
    TinyPost.objects.bulk_create(
        TinyPost(account=tiny_account, tiny_id=str(number), posted_at=now, missing_since_at=now)
        for number in range(size)
    )
    assert count_statements() == 12


@pytest.mark.parametrize("size", SIZES)
def test_a_visit_where_one_posts_likes_moved(tiny, count_statements, size) -> None:
    fill(tiny.instance, size)
    count_statements()
    tiny.instance.likes["101"] += [f"new{number}" for number in range(size)]
    assert count_statements() == 39


@pytest.mark.parametrize("size", SIZES)
def test_a_visit_with_news_by_notification(tiny, count_statements, size) -> None:
    fill(tiny.instance, size)
    count_statements()
    for number in range(size):
        tiny.instance.likes["101"].append(f"new{number}")
        tiny.instance.notifications.append(
            NotificationRecord(
                remote_id=str(1000 + number),
                happened_at=timezone.now(),
                kind="likes",
                person=PersonRecord(remote_id=f"new{number}", username=f"new{number}"),
                post_id="101",
            )
        )
    assert count_statements() == 52


@pytest.mark.parametrize("size", SIZES)
def test_a_visit_where_likes_were_taken_back(tiny, count_statements, size) -> None:
    fill(tiny.instance, size)
    count_statements()
    tiny.instance.likes["101"] = []
    assert count_statements() == 30


@pytest.mark.parametrize("size", SIZES)
def test_reading_a_post_by_hand(tiny, tiny_account, count_statements, size) -> None:
    fill(tiny.instance, size)
    count_statements()
    fetcher, post = tiny.fetcher(tiny_account), TinyPost.objects.get(tiny_id="101")
    TinyPost.objects.update(posted_at=timezone.now() - timedelta(days=1))
    with CaptureQueriesContext(connection) as statements:
        fetcher.fetch_post_engagement(post)
    assert len(statements) == 25
