"""Engagement over time, in the shape that charts take."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any, TypedDict

from django.db.models import Count, Exists, OuterRef
from django.db.models.functions import TruncDate

from analytics_core.models import KINDS
from analytics_core.periods import local_day


class Dataset(TypedDict):
    """One line of a chart: a number for each label."""

    label: str
    data: list[int]


class Timeline(TypedDict):
    """What happened to a post by day. For each kind: sum of data + undated + outside = all current ones."""

    labels: list[str]
    datasets: list[Dataset]
    undated: dict[str, int]
    outside: dict[str, int]


def get_engagement_timeline(post: Any, days: int = 7) -> Timeline:
    """Return a post's likes, comments and shares by day, from the day it was posted.

    A day is a calendar day of the active time zone. What was taken back is not counted.

    Args:
        post: a post of any platform.
        days: how many days after the day of posting; there is one label more than that.

    Returns:
        labels: the days in ISO form, the day of posting first.
        datasets: Likes, Comments and Shares: how many happened on each day.
        undated: how many of each kind happened at a time not known to the day: they are in no day.
        outside: how many of each kind happened on another day, mostly a later one.
    """
    first = local_day(post.posted_at)
    labels = [(first + timedelta(days=n)).isoformat() for n in range(days + 1)]
    datasets, undated, outside = [], {}, {}
    for kind in KINDS:
        by_day = _by_day(post, kind=kind)
        data = [by_day.pop(label, 0) for label in labels]
        datasets.append(Dataset(label=kind.capitalize(), data=data))
        undated[kind] = by_day.pop("", 0)
        outside[kind] = by_day.total()
    return Timeline(labels=labels, datasets=datasets, undated=undated, outside=outside)


def _by_day(post: Any, *, kind: str) -> Counter[str]:
    """Count one kind by ISO day; under "" those that no day is known of."""
    current = getattr(post, kind).current()
    rows = (
        current.order_by()
        .annotate(
            day=TruncDate(current.model.HAPPENED_AT),
            is_dated=Exists(current.dated().filter(pk=OuterRef("pk"))),
        )
        .values_list("day", "is_dated")
        .annotate(number=Count("pk"))
    )
    counts: Counter[str] = Counter()
    for day, is_dated, number in rows:
        counts[day.isoformat() if is_dated else ""] += number
    return counts
