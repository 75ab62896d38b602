"""How a post's likes, comments and shares have added up since it was posted: a stepped curve. No query."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.utils import dateformat, timezone

from analytics_core.charts import Chart, Explanation, Series
from analytics_core.counts import KindCount, noun
from analytics_core.models import KINDS
from analytics_core.selectors.post import Event

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
BY_HOUR = 2 * DAY
# Up to this age every day has a step of its own; older posts have one for each week after the first month.
BY_DAY = 92 * DAY
DAYS_OF_OLD = 28 * DAY
BY_WEEK = 104 * WEEK
_STEP_NAMES = {DAY: "by day", WEEK: "by week", 4 * WEEK: "by 4 weeks"}
# Two visits that are no further apart tell a time well enough for a step by the hour.
CLOSE = 2 * HOUR
# The line has a gap where more than one in so many may or may not have come by then.
TOLERANCE = 10


@dataclass(frozen=True, slots=True)
class Known:
    """The ages at which one kind came: the latest each may have come at, and the earliest, both in order.

    Attributes:
        vague: how many have a time that is not known closely.
        has_close_last: whether the time of the last one is.
    """

    latest: list[timedelta]
    earliest: list[timedelta]
    vague: int
    has_close_last: bool

    def by(self, age: timedelta) -> int | None:
        """Return how many had come by this age; None where too many may or may not have."""
        surely, possibly = bisect_right(self.latest, age), bisect_right(self.earliest, age)
        is_vague = age > timedelta(0) and (possibly - surely) * TOLERANCE > possibly
        return None if is_vague else surely


def curve(
    post: Any,
    events: Mapping[str, Sequence[Event]],
    *,
    counts: Mapping[str, KindCount],
    now: datetime,
    csv_url: str = "",
    json_url: str = "",
) -> Chart | None:
    """Return the curve up to `now`; None where nothing has happened, or nobody knows when.

    Each number is how many had come by that age and still stand. A kind that was never read, and one of which
    nobody knows when it came, is not in it.
    """
    edges = ages(now - post.posted_at)
    known = {kind: _known(post, events[kind]) for kind in KINDS}
    values = {kind: [known[kind].by(edge) for edge in edges] for kind in KINDS if counts[kind].is_known}
    drawn = {kind: line for kind, line in values.items() if _is_line(line) or not events[kind]}
    if not any(events[kind] for kind in drawn):
        return None
    moments = [post.posted_at + edge for edge in edges]
    return Chart(
        id="curve",
        kind="steps",
        labels=[label(edge, of=edges[-1]) for edge in edges],
        titles=[_title(edge, moment) for edge, moment in zip(edges, moments, strict=True)],
        starts=moments,
        label_name="Age",
        breaks=breaks(edges),
        series=[
            # Marks need a line to stand on.
            Series(
                name=kind.capitalize(), kind=kind, values=line, is_marks=kind != "likes" and "likes" in drawn
            )
            for kind, line in drawn.items()
        ],
        unfinished=len(edges) - 1 if moments[-1] > now else None,
        title="Since it was posted",
        sentence=finding(known),
        note=vague_words(known, counts=counts, drawn=drawn),
        explanation=explanation(edges),
        csv_url=csv_url,
        json_url=json_url,
    )


def _known(post: Any, events: Sequence[Event]) -> Known:
    latest, earliest, vague = [], [], 0
    last: Event | None = None
    for event in events:
        is_close = event.is_within(CLOSE)
        start = event.latest if is_close else event.earliest or post.posted_at
        latest.append(event.latest - post.posted_at)
        earliest.append(start - post.posted_at)
        vague += not is_close
        last = event if last is None or event.latest > last.latest else last
    return Known(
        latest=sorted(latest),
        earliest=sorted(earliest),
        vague=vague,
        has_close_last=last is not None and last.is_within(CLOSE),
    )


def _is_line(values: Sequence[int | None]) -> bool:
    """Tell whether there is more than points between gaps to draw, and not only at zero."""
    return any(a is not None and b for a, b in pairwise(values))


def ages(age: timedelta) -> list[timedelta]:
    """Return the ages at which the curve has a value, from 0 to the first that is not before `age`.

    By the hour for two days, then by day; where that would be more than three months of days, by week after
    four weeks, and by four weeks after two years.
    """
    edges = [timedelta(0)]
    while edges[-1] < max(age, timedelta(microseconds=1)):
        edges.append(edges[-1] + _step(edges[-1], age))
    return edges


def _step(reached: timedelta, age: timedelta) -> timedelta:
    if reached < BY_HOUR:
        return HOUR
    if age <= BY_DAY or reached < DAYS_OF_OLD:
        return DAY
    return WEEK if reached < BY_WEEK else 4 * WEEK


def breaks(edges: Sequence[timedelta]) -> list[tuple[int, str]]:
    """Return where steps grow longer: the index from which on they are, and the words for the longer ones."""
    steps = [later - earlier for earlier, later in pairwise(edges)]
    return [
        (index, _STEP_NAMES[after])
        for index, (before, after) in enumerate(pairwise(steps), start=1)
        if before != after
    ]


def label(age: timedelta, *, of: timedelta) -> str:
    """Return an age as it fits below the axis of a curve up to the age `of`: "3 h", "5 d", "16 wk"."""
    if age <= BY_HOUR:
        return f"{age // HOUR} h"
    is_in_days = of <= BY_DAY or age <= DAYS_OF_OLD
    return f"{age // DAY} d" if is_in_days else f"{age // WEEK:,} wk"


def age_words(age: timedelta) -> str:
    """Return an age in words, rounded up to the unit that it is told in: "3 hours", "12 days"."""
    for unit, name, up_to in ((timedelta(minutes=1), "minute", HOUR), (HOUR, "hour", BY_HOUR)):
        if age <= up_to:
            return _plural(max(-(-age // unit), 1), name)
    return _plural(-(-age // DAY), "day")


def finding(known: Mapping[str, Known]) -> str:
    """Say how fast the likes came, as far as that is known, and how many of the others there are."""
    parts = [_likes_finding(known["likes"])]
    words = _counted({kind: len(known[kind].latest) for kind in KINDS[1:] if known[kind].latest})
    if words:
        parts.append(f"{'Also ' if parts[0] else ''}{words}{'' if parts[0] else ' so far'}.")
    return " ".join(filter(None, parts))


def _likes_finding(likes: Known) -> str:
    count = len(likes.latest)
    if not count:
        return ""
    said = f"{count:,} {noun('likes', count)}"
    middle = (count - 1) // 2
    half = likes.latest[middle]
    if half - likes.earliest[middle] > CLOSE:
        return f"{said} so far; when most of them came is not known."
    if count < 3:
        return f"{said} within {age_words(likes.latest[-1])} of posting."
    whole = f", all within {age_words(likes.latest[-1])}" if likes.has_close_last else ""
    return f"Half of these {said} came within {age_words(half)} of posting{whole}."


def vague_words(known: Mapping[str, Known], *, counts: Mapping[str, KindCount], drawn: Iterable[str]) -> str:
    """Say what the lines do not show for certain, and what they lack; "" where that is nothing."""
    vague = {kind: known[kind].vague for kind in KINDS if known[kind].vague and counts[kind].is_known}
    without_line = _counted({kind: count for kind, count in vague.items() if kind not in drawn})
    with_gap = _counted({kind: count for kind, count in vague.items() if kind in drawn})
    parts = []
    if without_line:
        parts.append(f"When {without_line} came is not known, so they have no line here.")
    if with_gap:
        parts.append(
            f"When {with_gap} came is not known: they count from when PostFlow saw them, and the line has a "
            "gap where that leaves too much open."
        )
    unseen = [counts[kind].unseen_words for kind in KINDS if counts[kind].unseen]
    if unseen:
        parts.append(f"Not shown: {'; '.join(unseen)}.")
    return " ".join(parts)


def _counted(numbers: Mapping[str, int]) -> str:
    return " and ".join(f"{count:,} {noun(kind, count)}" for kind, count in numbers.items())


def explanation(edges: Sequence[timedelta]) -> Explanation:
    """Return how the curve is computed."""
    later = "by day" if edges[-1] <= BY_DAY else "by day for four weeks, then by week"
    return Explanation(
        paragraphs=[
            "Each step is the number of likes that had come by that age of the post and still stand: by the "
            f"hour for the first two days, then {later}. Comments and shares are marks where one came. What "
            "was taken back is in none of them. The table leaves out the ages at which nothing came.",
            "A time is exact where the instance sent a notification, and for every comment. Else it lies "
            "between two visits of PostFlow, mostly an hour apart, and stands at the later one. What was "
            "there at the first look, or came between visits more than two hours apart, has no such time: "
            "where it makes more than a tenth of the number, the line has a gap.",
            f"Times are in {timezone.get_current_timezone_name()}.",
        ]
    )


def _title(age: timedelta, moment: datetime) -> str:
    local = dateformat.format(timezone.localtime(moment), "j M Y, H:i")
    return f"{age_words(age)} after posting ({local})" if age else f"Posted ({local})"


def _plural(count: int, name: str) -> str:
    return f"{count:,} {name}{'' if count == 1 else 's'}"
