"""The numbers of platforms and accounts beside each other, held against SQL of their own."""

import random
import statistics
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from analytics_core import platforms, selectors
from analytics_core.pages import comparison
from analytics_core.pages.comparison import median
from analytics_core.periods import asked, period
from analytics_core.tests.builders import build_post
from pixelfed.models import MastodonAccount

pytestmark = pytest.mark.django_db

ALL = period("all")


def connect(user, name="ana", host="pixelfed.example") -> MastodonAccount:
    return MastodonAccount.objects.create(
        user=user, instance_url=f"https://{host}", username=name, access_token="t", software="pixelfed"
    )


@pytest.fixture
def account(user):
    return connect(user)


@pytest.fixture
def other(user, account):
    return connect(user, "mono", "pixey.example")


def stats_of(user, *, span=ALL):
    connected = selectors.connected_accounts(user, platforms=platforms.all_platforms())
    return comparison.platform_stats(connected, period=span)


class TestNumbers:
    def test_each_platform_has_its_own(self, user, account, tiny, tiny_account) -> None:
        build_post("pixelfed", account, likes=1, comments=3)
        liked = build_post("pixelfed", account, likes=6, shares=1)
        build_post("pixelfed", account, likes=1)
        found = stats_of(user, span=period("28"))
        ours = found["pixelfed"]
        assert [ours[f"total_{kind}"] for kind in ("posts", "likes", "comments", "shares")] == [3, 8, 3, 1]
        assert (ours["total_engagement"], ours["avg_engagement"], ours["median_engagement"]) == (12, 4, 4)
        assert ours["posts_per_week"] == 0.75
        assert (ours["most_liked"], ours["most_commented"].total_comments) == (liked, 3)
        assert found["tiny"]["total_posts"] == 0
        assert found["tiny"]["avg_engagement"] is found["tiny"]["most_liked"] is None

    def test_accounts_add_up_to_their_platform(self, user, account, other) -> None:
        build_post("pixelfed", account, likes=2)
        best = build_post("pixelfed", other, likes=5)
        found = stats_of(user)["pixelfed"]
        assert [below["stats"]["total_likes"] for below in found["accounts"]] == [2, 5]
        assert (found["total_likes"], found["most_liked"]) == (7, best)

    def test_a_post_that_is_not_read_yet_pulls_no_average_down(self, user, tiny, tiny_account) -> None:
        build_post("tiny", tiny_account, likes=4)
        build_post("tiny", tiny_account, is_counted=False, likes_server_count=9)
        found = stats_of(user)["tiny"]
        assert (found["avg_engagement"], found["median_engagement"]) == (4, 4)
        assert (found["total_posts"], found["not_read"]) == (2, 1)

    def test_nobody_liked_any_is_no_most_liked_post(self, user, tiny, tiny_account) -> None:
        build_post("tiny", tiny_account)
        assert stats_of(user)["tiny"]["most_liked"] is None

    def test_the_newest_of_equals_is_the_best(self, user, account) -> None:
        newest = build_post("pixelfed", account, age=1, likes=3)
        build_post("pixelfed", account, age=2, likes=3)
        assert stats_of(user)["pixelfed"]["most_liked"] == newest

    def test_all_time_counts_weeks_since_the_first_post(self, user, account) -> None:
        for age in (1, 14 * 7 - 0.5):
            build_post("pixelfed", account, age=age)
        assert stats_of(user)["pixelfed"]["posts_per_week"] == pytest.approx(2 / 14, rel=0.02)

    def test_a_few_days_count_as_a_week(self, user, account) -> None:
        build_post("pixelfed", account, age=0)
        assert stats_of(user)["pixelfed"]["posts_per_week"] == 1

    def test_it_leaves_no_account_of_nobody(self) -> None:
        assert comparison.platform_stats([], period=ALL) == {}

    @given(st.lists(st.integers(-5, 20), min_size=1))
    def test_the_median_of_counted_values_is_that_of_the_values(self, values) -> None:
        assert median({value: values.count(value) for value in values}) == statistics.median(values)

    def test_there_is_no_median_of_nothing(self) -> None:
        assert median({}) is median({3: 0}) is None


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles", "UTC"])
def test_the_numbers_are_those_of_sql_of_its_own(user, account, other, zone, time_machine) -> None:
    # The morning after the night in which Los Angeles put its clocks on.
    time_machine.move_to("2026-03-09T08:30:00Z", tick=False)
    dice = random.Random(zone)
    for owner in (account, other):
        for _ in range(15):
            hours = dice.choice([0, 24 * 7, 24 * 30, 24 * 60]) + dice.random() * 36 - 12
            posted_at = timezone.now() - timedelta(hours=max(hours, 0))
            if dice.random() < 0.2:
                build_post("pixelfed", owner, posted_at=posted_at, is_counted=False, likes_server_count=1)
            else:
                numbers = {kind: dice.choice([0, 0, 1, 3]) for kind in ("likes", "comments", "shares")}
                build_post("pixelfed", owner, posted_at=posted_at, **numbers)
    with timezone.override(ZoneInfo(zone)):
        for span in ("7", "30", "all", "custom"):
            days = days_of(span, zone=zone)
            chosen = (
                asked("custom", first_day=days[0], last_day=days[1]) if span == "custom" else period(span)
            )
            found = stats_of(user, span=chosen)["pixelfed"]
            for below in found["accounts"]:
                posts = posts_by_sql([below["account"].pk], days=days, zone=zone)
                assert_equal(below["stats"], posts)
            assert_equal(found, posts_by_sql([account.pk, other.pk], days=days, zone=zone))


def days_of(span: str, *, zone: str):
    """First and last day of a range, counted on the fingers."""
    today = timezone.now().astimezone(ZoneInfo(zone)).date()
    if span == "custom":
        return datetime(2026, 2, 10).date(), datetime(2026, 3, 8).date()  # noqa: DTZ001
    return (None, None) if span == "all" else (today - timedelta(days=int(span) - 1), today)


def posts_by_sql(accounts, *, days, zone):
    """Every post with its current rows counted one by one: (likes, comments, shares, is read)."""
    counted = ", ".join(
        f"(SELECT COUNT(*) FROM analytics_pixelfed_{kind} e WHERE e.post_id = p.id AND e.ended_at IS NULL)"
        for kind in ("like", "comment", "share")
    )
    sql = (
        f"SELECT {counted}, p.likes_server_count, p.posted_at FROM analytics_pixelfed_post p "
        f"WHERE p.account_id IN ({', '.join(map(str, accounts))})"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows = cursor.fetchall()
    kept = []
    for likes, comments, shares, server_count, posted_at in rows:
        moment = datetime.fromisoformat(posted_at) if isinstance(posted_at, str) else posted_at
        day = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(ZoneInfo(zone)).date()
        if days[0] is None or days[0] <= day <= days[1]:
            kept.append((likes, comments, shares, server_count is None))
    return kept


def assert_equal(stats, posts) -> None:
    """Hold the page's numbers against those of the posts."""
    whole = [sum(post[:3]) for post in posts if post[3]]
    assert stats["total_posts"] == len(posts)
    assert stats["not_read"] == len(posts) - len(whole)
    for index, kind in enumerate(("likes", "comments", "shares")):
        assert stats[f"total_{kind}"] == sum(post[index] for post in posts)
    assert stats["total_engagement"] == sum(sum(post[:3]) for post in posts)
    assert stats["avg_engagement"] == (pytest.approx(statistics.fmean(whole)) if whole else None)
    assert stats["median_engagement"] == (statistics.median(whole) if whole else None)
    for index, name in ((0, "most_liked"), (1, "most_commented")):
        most = max((post[index] for post in posts), default=0)
        kind = ("total_likes", "total_comments")[index]
        assert getattr(stats[name], kind, 0) == most
