"""The queries of docs/analytics-migration.md run on this database, and say what the pages say."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from analytics_core.engine import hourly
from analytics_core.models import AccountState, SyncRun
from analytics_core.tests.builders import add, build_post, counted_once, read
from analytics_pixelfed.models import PixelfedEngagementSummary
from analytics_pixelfed.tasks import fetch_all_pixelfed_engagement
from pixelfed.models import MastodonAccount

pytestmark = pytest.mark.django_db

GUIDE = Path(__file__).parent.parent / "docs" / "analytics-migration.md"
QUERIES = dict(re.findall(r"^```sql\n-- (.+?)\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL))


def rows(name: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(QUERIES[name].rstrip().rstrip(";"))
        return cursor.fetchall()


@pytest.fixture
def accounts(user) -> list[MastodonAccount]:
    """Two accounts: one with four posts and something taken back, one with a single post."""
    found = []
    with counted_once():
        for name, count in (("ana", 4), ("ben", 1)):
            account = MastodonAccount.objects.create(
                user=user,
                instance_url=f"https://{name}.example",
                username=name,
                access_token="t",
                software="pixelfed",
            )
            read("pixelfed", account)
            posts = [
                build_post("pixelfed", account, likes=number + 3, comments=number, shares=1, is_counted=False)
                for number in range(count)
            ]
            add(posts[0], "likes", ended_at=timezone.now())
            for post in posts:
                post.refresh_engagement_summary()
            found.append(account)
    AccountState.objects.update(history_is_complete=True)
    return found


@pytest.fixture
def comparison(client, user) -> dict[str, dict[str, Any]]:
    """The comparison page's table by account, as its file gives it."""

    def of_the_page() -> dict[str, dict[str, Any]]:
        client.force_login(user)
        answer = client.get(
            reverse("analytics_core:platform_comparison"), {"range": "all", "days": "all", "format": "json"}
        )
        return {row["Account"]: row for row in answer.json()["rows"] if row["Account"]}

    return of_the_page


@pytest.fixture
def status(client, django_user_model):
    def page() -> str:
        client.force_login(django_user_model.objects.create_superuser(email="o@example.org", password="o"))
        return " ".join(re.sub(r"<[^>]+>", " ", client.get("/analytics/status/").content.decode()).split())

    return page


def test_posts_are_those_of_the_comparison(accounts, comparison) -> None:
    page = comparison()
    assert dict(rows("posts")) == {a.username: page[str(a)]["Posts"] for a in accounts}


def test_engagement_is_that_of_the_comparison(accounts, comparison) -> None:
    page = comparison()
    assert rows("engagement") == [
        (a.username, *(page[str(a)][name] for name in ("Likes", "Comments", "Shares"))) for a in accounts
    ]


def test_a_summary_that_is_wrong_is_found(accounts) -> None:
    assert rows("wrong summaries") == []
    summary = PixelfedEngagementSummary.objects.first()
    PixelfedEngagementSummary.objects.filter(pk=summary.pk).update(total_shares=9)
    assert rows("wrong summaries") == [(summary.post_id,)]


def test_failing_accounts_are_those_of_the_status_page(accounts, status) -> None:
    AccountState.objects.filter(account_id=accounts[1].pk).update(failures_count=2, message="No answer.")
    assert rows("failing accounts") == [("pixelfed", accounts[1].pk, 2, "No answer.")]
    assert f"Failing {len(rows('failing accounts'))} " in status()


def test_first_readings_under_way_are_named(accounts) -> None:
    assert rows("first readings under way") == []
    AccountState.objects.filter(account_id=accounts[0].pk).update(
        history_is_complete=False, server_posts_count=70
    )
    assert rows("first readings under way") == [("pixelfed", accounts[0].pk, 70)]


def test_the_schedule_is_that_of_the_status_page(accounts, status) -> None:
    assert rows("schedule") == []
    assert "The next hour is not scheduled." in status()
    hourly.ensure_scheduled(fetch_all_pixelfed_engagement)
    assert [path for path, _ in rows("schedule")] == [fetch_all_pixelfed_engagement.module_path]


def test_runs_are_newest_first_with_the_counts_of_the_status_page(accounts, status) -> None:
    now = timezone.now()
    for hours in (2, 1):
        SyncRun.objects.create(
            platform="pixelfed",
            started_at=now - timedelta(hours=hours),
            accounts_due=2,
            accounts_processed=hours,
            total_new_likes=hours * 10,
            requests=7,
        )
    newest = rows("runs")[0]
    assert newest[2:] == (2, 1, 10, 0, 7)
    assert "Accounts read 1 of 2 New likes 10 " in status()


def test_every_query_is_compared() -> None:
    source = Path(__file__).read_text()
    assert [name for name in QUERIES if f'rows("{name}")' not in source] == []
