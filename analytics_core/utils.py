"""Engagement over time, in the shape that charts take."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any, TypedDict

from django.utils import timezone

from analytics_core.models import KINDS
from analytics_core.periods import day_start, local_day
from analytics_core.selectors.post import Event, post_events


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
    return count_days(post, post_events(post), days=days)


def count_days(post: Any, events: Mapping[str, Sequence[Event]], *, days: int = 7) -> Timeline:
    """Return the timeline of events that are read already: no query."""
    first, zone = local_day(post.posted_at), timezone.get_current_timezone()
    labels = [(first + timedelta(days=n)).isoformat() for n in range(days + 1)]
    borders = [day_start(first + timedelta(days=n), zone=zone) for n in range(days + 2)]
    datasets, undated, outside = [], {}, {}
    for kind in KINDS:
        dated = sorted(event.latest for event in events[kind] if event.is_dated)
        places = [bisect_left(dated, border) for border in borders]
        data = [end - start for start, end in pairwise(places)]
        datasets.append(Dataset(label=kind.capitalize(), data=data))
        undated[kind] = len(events[kind]) - len(dated)
        outside[kind] = len(dated) - sum(data)
    return Timeline(labels=labels, datasets=datasets, undated=undated, outside=outside)
