"""The timeline of a dashboard: what happened on which day, and which photos were posted then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.utils import dateformat

from analytics_core.charts import Chart, Explanation, Mark, Series
from analytics_core.counts import noun
from analytics_core.models import KINDS
from analytics_core.pages import pictures
from analytics_core.periods import Period, day_start, local_day, span_words
from analytics_core.platforms import get as get_platform
from analytics_core.selectors import Days
from analytics_core.templatetags.analytics import headline

MARKS = 12
WEEKS_FROM = 121
MONTHS_FROM = 2 * 366
"""From how many days on a bar is a week, or a month."""

type Bucket = tuple[date, date]
"""A bar's first and last day."""


def timeline(*, period: Period, days: Days, photos: Sequence[Any], photos_count: int) -> Chart:
    """Return likes, comments and shares by the day they happened: a day, a week or a month to a bar.

    A bar that today belongs to is unfinished. Where a like may have happened that nobody saw, an empty bar
    is "not known" and no zero.

    Args:
        photos: those to mark, at most `MARKS`, each posted within the period.
        photos_count: how many were posted within it.
    """
    first_day, last_day = _edges(period, days=days, photos=photos)
    unit, buckets = split(first_day, last_day)
    series = [
        Series(name=kind.capitalize(), kind=kind, values=_values(kind, buckets, days)) for kind in KINDS
    ]
    starts = [day_start(bucket[0], zone=period.zone) for bucket in buckets]
    return Chart(
        id="timeline",
        kind="bars",
        title="Timeline",
        label_name=unit.capitalize(),
        labels=[_label(unit, bucket, long=last_day.year != first_day.year) for bucket in buckets],
        titles=[_title(unit, bucket) for bucket in buckets],
        starts=starts,
        series=series,
        sentence=_sentence(unit, buckets, series),
        marks=_marks(photos, buckets),
        marks_left_out=max(photos_count - len(photos), 0),
        unfinished=len(buckets) - 1 if buckets[-1][1] >= period.today else None,
        note=_note(unit, days),
        explanation=_explanation(unit, period=period, days=days),
    )


def split(first_day: date, last_day: date) -> tuple[str, list[Bucket]]:
    """Cut days into days, beyond 120 of them into weeks, beyond two years months; the outer may be short."""
    length = (last_day - first_day).days + 1
    unit, next_start = "day", _next_day
    if length >= MONTHS_FROM:
        unit, next_start = "month", _next_month
    elif length >= WEEKS_FROM:
        unit, next_start = "week", _next_week
    buckets, start = [], first_day
    while start <= last_day:
        following = next_start(start)
        buckets.append((start, min(following - timedelta(days=1), last_day)))
        start = following
    return unit, buckets


def _next_day(day: date) -> date:
    return day + timedelta(days=1)


def _next_week(day: date) -> date:
    return day + timedelta(days=7 - day.weekday())


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


def _edges(period: Period, *, days: Days, photos: Sequence[Any]) -> Bucket:
    """The period's days; all time begins with the first thing that is known."""
    last_day = min(period.last_day or period.today, period.today)
    if period.first_day:
        return period.first_day, last_day
    known = [*days.by_day, *(local_day(post.posted_at) for post in photos)]
    return min([*known, last_day]), last_day


def _values(kind: str, buckets: Sequence[Bucket], days: Days) -> list[int | None]:
    place = KINDS.index(kind)
    values: list[int | None] = []
    for first_day, last_day in buckets:
        total = sum(
            days.by_day[day][place]
            for day in (first_day + timedelta(days=n) for n in range((last_day - first_day).days + 1))
            if day in days.by_day
        )
        values.append(total or (0 if days.is_whole(kind, from_day=first_day) else None))
    return values


def _marks(photos: Sequence[Any], buckets: Sequence[Bucket]) -> list[Mark]:
    marks = []
    for post in sorted(photos, key=lambda post: post.posted_at):
        day = local_day(post.posted_at)
        index = next((i for i, (first, last) in enumerate(buckets) if first <= day <= last), None)
        if index is None:
            continue
        width, height = pictures.frame(post)
        marks.append(
            Mark(
                index=index,
                address=get_platform(post.platform).post_detail_url(post.pk),
                title=headline(post),
                thumbnail=pictures.address(post),
                width=width,
                height=height,
            )
        )
    return marks


def _label(unit: str, bucket: Bucket, *, long: bool) -> str:
    if unit == "month":
        return dateformat.format(bucket[0], "M Y")
    return dateformat.format(bucket[0], "j M y" if long and unit == "week" else "j M")


def _title(unit: str, bucket: Bucket) -> str:
    if unit == "day":
        return dateformat.format(bucket[0], "l j F Y")
    is_month = unit == "month" and bucket[0].day == 1 and _next_month(bucket[0]) > bucket[1]
    return dateformat.format(bucket[0], "F Y") if is_month else span_words(*bucket)


def _sentence(unit: str, buckets: Sequence[Bucket], series: Sequence[Series]) -> str:
    """Say how many there were in all, and when there were most."""
    sums = [sum(int(line.values[i] or 0) for line in series) for i in range(len(buckets))]
    totals = [sum(int(value or 0) for value in line.values) for line in series]
    counted = [f"{n:,} {noun(kind, n)}" for kind, n in zip(KINDS, totals, strict=True)]
    words = f"{counted[0]}, {counted[1]} and {counted[2]}"
    if not any(totals):
        return "Nothing is known to have happened in this time."
    best = sums.index(max(sums))
    # The first of equals would be chance.
    if len(buckets) == 1 or sums.count(max(sums)) > 1:
        return f"{words}."
    when = _title(unit, buckets[best])
    return f"{words}; most {'on' if unit == 'day' else 'in'} {when}, {max(sums):,} together."


def _note(unit: str, days: Days) -> str:
    left_out = [f"{n:,} {noun(kind, n)}" for kind, n in days.undated.items() if n]
    if not left_out:
        return ""
    verb = "is" if sum(days.undated.values()) == 1 else "are"
    return f"{' and '.join(left_out)} at an unknown time {verb} in no {unit} of any range."


def _explanation(unit: str, *, period: Period, days: Days) -> Explanation:
    zone = ", ".join(sorted(days.zones)) or str(period.zone)
    paragraphs = [
        f"Each like, comment and share counts in the {unit} in which it happened, in days of {zone}. "
        "What was taken back since is in none.",
        "A time is known when a notification told it, or when it happened between two readings at most a day "
        "apart. What was there at the first reading has no known time and is left out.",
    ]
    if days.whole_from:
        paragraphs.append(
            f"From {dateformat.format(days.whole_from, 'j F Y')} on all likes and shares have a day. Before, "
            "an empty place means that nobody knows, not that nothing happened. Comments have their own time."
        )
    return Explanation(paragraphs=paragraphs)
