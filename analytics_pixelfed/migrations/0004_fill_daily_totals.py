"""Fills the totals of posts, days and people from the rows: as `analytics_core.recount`, in its own words."""

import unicodedata
import zoneinfo
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

from django.db import migrations
from django.db.models import Case, Count, DateField, F, Max, Min, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import TruncDate

TOTALS = ("total_likes", "total_comments", "total_shares", "total_engagement")
KINDS = (("PixelfedLike", "liked_at"), ("PixelfedComment", "commented_at"), ("PixelfedShare", "shared_at"))


def fold(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def fill_posts(apps: Any) -> None:
    post_model = apps.get_model("analytics_pixelfed", "PixelfedPost")
    summaries = apps.get_model("analytics_pixelfed", "PixelfedEngagementSummary").objects.filter(
        post=OuterRef("pk")
    )
    post_model.objects.filter(engagement_summary__isnull=False).update(
        **{name: Subquery(summaries.values(name)) for name in TOTALS}
    )
    for posts in batched(
        post_model.objects.only("pk", "caption").iterator(chunk_size=500), 500, strict=False
    ):
        for post in posts:
            post.caption_folded = fold(post.caption)
        post_model.objects.bulk_update(posts, ["caption_folded"])


def count(apps: Any, account_id: int, zone: zoneinfo.ZoneInfo) -> tuple[dict, dict]:
    """Current events by person and day (None: not known), and what people are called."""
    places, names = defaultdict(lambda: [0, 0, 0]), {}
    for index, (name, happened_at) in enumerate(KINDS):
        model = apps.get_model("analytics_pixelfed", name)
        rows = model.objects.filter(post__account=account_id, ended_at=None).order_by()
        is_dated = Q(precision="exact") | Q(
            precision="window", not_before_at__gte=F(happened_at) - timedelta(hours=24)
        )
        day = Case(
            When(is_dated, then=TruncDate(happened_at, tzinfo=zone)),
            default=Value(None),
            output_field=DateField(),
        )
        counted = rows.annotate(day=day).values_list("account_id", "day").annotate(number=Count("pk"))
        for person_id, on_day, number in counted.iterator():
            places[person_id, on_day][index] += number
        newest = rows.values("account_id").annotate(newest=Max("pk")).values("newest")
        for row in model.objects.filter(pk__in=newest):
            names[row.account_id] = (row.username, row.display_name)
    return places, names


def fill_account(apps: Any, account: Any, began_at: datetime) -> None:
    ledger_model = apps.get_model("analytics_core", "Ledger")
    day_model = apps.get_model("analytics_core", "EngagementDay")
    person_model = apps.get_model("analytics_core", "Person")
    span_model = apps.get_model("analytics_core", "PersonSpan")
    total_model = apps.get_model("analytics_core", "PersonTotal")
    name = account.user.time_zone if account.user.time_zone in zoneinfo.available_timezones() else "UTC"
    places, names = count(apps, account.pk, zoneinfo.ZoneInfo(name))
    days, spans = defaultdict(lambda: [0, 0, 0]), defaultdict(lambda: [0, 0, 0])
    people, undated_counts, met = defaultdict(lambda: [0, 0, 0]), defaultdict(int), {}
    for (person_id, day), counts in places.items():
        sums = [days[day], people[person_id]]
        if day is None:
            undated_counts[person_id] += sum(counts)
        else:
            sums += [spans[person_id, "d", day], spans[person_id, "m", day.replace(day=1)]]
            met[person_id] = min(day, met.get(person_id, day))
        for total in sums:
            total[:] = [a + b for a, b in zip(total, counts, strict=True)]
    undated = days.pop(None, [0, 0, 0])
    ledger = ledger_model.objects.create(
        platform="pixelfed",
        account_id=account.pk,
        instance_url=account.instance_url,
        time_zone=name,
        begun_at=began_at,
        whole_from_at=began_at,
        undated_likes=undated[0],
        undated_comments=undated[1],
        undated_shares=undated[2],
    )
    home = {"platform": "pixelfed", "instance_url": account.instance_url}
    person_model.objects.bulk_create(
        [person_model(**home, remote_id=key, username=n[0], display_name=n[1]) for key, n in names.items()],
        batch_size=1000,
        ignore_conflicts=True,
    )
    pks = dict(person_model.objects.filter(**home).values_list("remote_id", "pk"))

    def columns(counts: list[int]) -> dict[str, int]:
        return dict(zip(("likes", "comments", "shares"), counts, strict=True))

    day_model.objects.bulk_create(
        [day_model(ledger=ledger, day=day, **columns(counts)) for day, counts in days.items()],
        batch_size=1000,
    )
    span_model.objects.bulk_create(
        [
            span_model(ledger=ledger, person_id=pks[key], span=span, starts_on=start, **columns(counts))
            for (key, span, start), counts in spans.items()
        ],
        batch_size=1000,
    )
    total_model.objects.bulk_create(
        [
            total_model(
                ledger=ledger,
                person_id=pks[key],
                undated_count=undated_counts[key],
                met_on=None if undated_counts[key] else met.get(key),
                **columns(counts),
            )
            for key, counts in people.items()
        ],
        batch_size=1000,
    )


def fill(apps: Any, schema_editor: Any) -> None:
    fill_posts(apps)
    posts = apps.get_model("analytics_pixelfed", "PixelfedPost").objects.order_by()
    began = dict(posts.values_list("account_id").annotate(began_at=Min("created_at")))
    accounts = apps.get_model("pixelfed", "MastodonAccount").objects.select_related("user")
    for account in accounts.filter(pk__in=began):
        fill_account(apps, account, began[account.pk])


def empty(apps: Any, schema_editor: Any) -> None:
    apps.get_model("analytics_core", "Ledger").objects.filter(platform="pixelfed").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("analytics_pixelfed", "0003_daily_totals"),
        ("analytics_core", "0005_person_totals"),
        ("pixelfed", "0001_initial"),
        ("postflow", "0001_initial"),
    ]

    operations = [migrations.RunPython(fill, empty)]
