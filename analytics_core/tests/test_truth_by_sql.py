"""The numbers of the pages equal those of SQL written by hand, which knows nothing of how they are made.

Hand-written: every event is read as a bare row, and its day told by `zoneinfo` alone.
"""

import random
import zoneinfo
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import connection

from analytics_core.engine import ledger
from analytics_core.models import AccountCount, Precision
from analytics_core.tests.builders import build_post, read
from pixelfed.models import MastodonAccount

pytestmark = pytest.mark.django_db

KINDS = {
    "likes": ("like", "liked_at"),
    "comments": ("comment", "commented_at"),
    "shares": ("share", "shared_at"),
}
# In each, clocks change within the 30 days before and the range's border lies at a midnight nearby.
MOMENTS = {
    "Pacific/Auckland": datetime(2026, 10, 10, 11, 30, tzinfo=UTC),  # half past midnight, two weeks after
    "America/Los_Angeles": datetime(2026, 11, 10, 7, 30, tzinfo=UTC),  # half an hour before midnight
    "Europe/Berlin": datetime(2026, 4, 2, 22, 15, tzinfo=UTC),
}


@pytest.fixture(params=list(MOMENTS))
def zone(request):
    return zoneinfo.ZoneInfo(request.param)


@pytest.fixture
def account(user, zone):
    user.time_zone = str(zone)
    user.save()
    return MastodonAccount.objects.create(
        user=user,
        instance_url="https://pixelfed.example",
        username="ana",
        access_token="t",
        software="pixelfed",
    )


@pytest.fixture
def now(zone):
    with time_machine.travel(MOMENTS[str(zone)], tick=False):
        yield MOMENTS[str(zone)]


def fill(platform, account, *, now, zone, seed):
    """Random events, many of them within minutes of a local midnight."""
    chance = random.Random(seed)
    posts = [
        build_post(platform.name, account, posted_at=now - timedelta(days=chance.uniform(0, 130)))
        for _ in range(6)
    ]
    midnights = [
        datetime.combine(now.astimezone(zone).date() - timedelta(days=n), datetime.min.time(), tzinfo=zone)
        for n in range(130)
    ]
    for kind, model in platform.engagement_models.items():
        rows = []
        for number in range(150):
            midnight = chance.choice(midnights).astimezone(UTC)
            moment = midnight + timedelta(
                seconds=chance.choice([-1, 0, 1, -3600, 3600, chance.randrange(86400)])
            )
            precision = chance.choice(Precision.values)
            window = chance.choice([1, 23, 24, 25, 99])
            extra = {"comment_id": f"{kind}{number}", "content": "Oh"} if kind == "comments" else {}
            rows.append(
                model(
                    post=chance.choice(posts),
                    account_id=f"{chance.randrange(40)}"
                    if kind == "comments"
                    else f"{number % 40}-{number // 40}",
                    username="fan",
                    precision=precision,
                    not_before_at=moment - timedelta(hours=window) if precision == "window" else None,
                    ended_at=now if chance.random() < 0.1 else None,
                    **{model.HAPPENED_AT: min(moment, now)},
                    **extra,
                )
            )
        model.objects.bulk_create(rows)
    for post in posts:
        post.refresh_engagement_summary()
    ledger.rebuild(platform, account.pk)
    ledger.Ledger.objects.update(whole_from_at=now - timedelta(days=400))


def as_moment(value):
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def events(kind, zone, table="analytics_pixelfed"):
    """(day or None, person) of each current event."""
    name, column = KINDS[kind]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {column}, precision, not_before_at, account_id FROM {table}_{name} "
            "WHERE ended_at IS NULL"
        )
        for happened_at, precision, not_before_at, person in cursor.fetchall():
            moment = as_moment(happened_at)
            is_known = precision == "exact" or (
                precision == "window" and moment - as_moment(not_before_at) <= timedelta(hours=24)
            )
            yield moment.astimezone(zone).date() if is_known else None, person


def posted_days(zone):
    with connection.cursor() as cursor:
        cursor.execute("SELECT posted_at, id FROM analytics_pixelfed_post")
        return {pk: as_moment(posted_at).astimezone(zone).date() for posted_at, pk in cursor.fetchall()}


RANGES = ["days=7", "days=28", "days=30", "days=90", "from={0}&to={1}", "from={1}&to={1}"]


@pytest.mark.parametrize("seed", [1, 2])
def test_numbers_days_posts_and_people_are_those_of_the_rows(client, user, account, zone, now, seed) -> None:
    from analytics_core import platforms

    fill(platforms.get("pixelfed"), account, now=now, zone=zone, seed=seed)
    read("pixelfed", account)
    client.force_login(user)
    today = now.astimezone(zone).date()
    for query in RANGES:
        query = query.format(today - timedelta(days=20), today - timedelta(days=13))
        response = client.get(f"/analytics/?{query}&show=people")
        period = response.context["period"]
        days = [period.first_day + timedelta(days=n) for n in range(period.days)]
        before = [day - timedelta(days=period.days) for day in days]
        people = defaultdict(Counter)
        first_days = {}
        for number, series in zip(
            response.context["numbers"][:3], response.context["timeline"].series, strict=True
        ):
            kind = number.kind
            by_day = Counter(day for day, _ in events(kind, zone))
            assert number.value == sum(by_day[day] for day in days), (query, kind)
            assert number.previous == sum(by_day[day] for day in before), (query, kind)
            assert list(series.values) == [by_day[day] for day in days], (query, kind)
            assert number.spark == [by_day[day] for day in days[-28:]], (query, kind)
            assert f"{by_day[None]:,} {kind}" in number.note
            for day, person in events(kind, zone):
                first_days[person] = min(day or date.min, first_days.get(person, date.max))
                if day in days:
                    people[person][kind] += 1
        assert response.context["people_count"] == len(people)
        totals = sorted((counter.total() for counter in people.values()), reverse=True)
        assert [person.total for person in response.context["people"]] == totals[:10]
        new = sum(days[0] <= first_days[person] <= days[-1] for person in people)
        assert response.context["new_people_count"] == new
        posted = [pk for pk, day in posted_days(zone).items() if days[0] <= day <= days[-1]]
        assert response.context["total_posts"] == len(posted)
        assert {post.pk for post in response.context["posts"]} == set(posted)


def test_all_time_is_everything_known_or_not(client, user, account, zone, now) -> None:
    from analytics_core import platforms

    fill(platforms.get("pixelfed"), account, now=now, zone=zone, seed=3)
    client.force_login(user)
    response = client.get("/analytics/?days=all&show=people")
    everybody = set()
    for number, series in zip(
        response.context["numbers"][:3], response.context["timeline"].series, strict=True
    ):
        rows = list(events(number.kind, zone))
        everybody.update(person for _, person in rows)
        assert number.value == len(rows)
        assert number.previous is None
        assert sum(value or 0 for value in series.values) == sum(day is not None for day, _ in rows)
    assert response.context["people_count"] == len(everybody)


def test_followers_are_the_last_count_of_each_period(client, user, account, zone, now) -> None:
    today = now.astimezone(zone).date()
    for ago, count in ((0, 130), (6, 120), (7, 100), (20, 90)):
        AccountCount.objects.create(
            platform="pixelfed", account_id=account.pk, counted_on=today - timedelta(days=ago),
            followers_count=count,
        )  # fmt: skip
    client.force_login(user)
    followers = client.get("/analytics/?days=7").context["numbers"][3]
    assert (followers.value, followers.previous, followers.change) == (130, 100, "+30")
    assert followers.spark == [120, None, None, None, None, None, 130]
