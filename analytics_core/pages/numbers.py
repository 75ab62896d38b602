"""The four numbers at the head of a dashboard: how many, how many before, and whether that is a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from analytics_core.counts import noun
from analytics_core.models import KINDS
from analytics_core.periods import Period
from analytics_core.selectors import Days

SPARK_DAYS = 28
# Less than this is no change worth a colour: chance does as much.
LEAST_SHARE = 0.05
LEAST_EVENTS = 10
# From here on "so many times" is easier to read than per cent.
TIMES_FROM = 10

type Followers = Mapping[tuple[str, int], Mapping[date, int]]
"""Each account's followers by day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One of the four numbers of a period.

    Attributes:
        kind: likes, comments, shares or followers.
        value: how many happened in the period, or followers at its end; None: not known, as where
            nobody watched a day of it yet.
        previous: the same for as many days before; None: not measured, or nothing to compare with.
        change: how much that is, such as "+12%", "−3", "new" where there was none before, "–" where nobody
            measured, "" for all time.
        direction: "up", "down", "same" for what chance does as well; None: nothing to compare.
        spark: a value for each of the period's last `SPARK_DAYS` days; None: not known.
        note: what the number leaves out, in words; "" for nothing.
    """

    kind: str
    value: int | None
    previous: int | None = None
    change: str = ""
    direction: str | None = None
    spark: list[int | None] = field(default_factory=list)
    note: str = ""

    @property
    def label(self) -> str:
        """What to call it."""
        return self.kind.capitalize()

    @property
    def change_words(self) -> str:
        """The change as a sentence part for those who hear the page, with the value before."""
        if self.value is None or not self.change:
            return ""
        if self.previous is None:
            return "the period before was not measured"
        difference = self.value - self.previous
        if not difference:
            return f"as many as before, {self.previous:,}"
        return f"{abs(difference):,} {'more' if difference > 0 else 'fewer'} than before, {self.previous:,}"


def numbers(*, period: Period, days: Days, followers: Followers, is_filling: bool = False) -> list[Number]:
    """Return likes, comments, shares and followers of a period.

    Events count on the day they happened, in the user's time zone; those taken back, and those whose time is
    not known to the day, are in none. The period before is compared only if it was measured whole: for likes
    and shares from the day after PostFlow first saw the account, or after the oldest notification that its
    instance still had then, for nothing but notifications tells when somebody liked. Comments carry their
    own time, so they are measured from the first one, once the account's history is listed.

    Args:
        is_filling: whether an account's older posts are still being listed: nothing is compared then.
    """
    found = [_events(kind, period=period, days=days, is_filling=is_filling) for kind in KINDS]
    return [*found, _followers(period=period, followers=followers)]


def change_of(value: int | None, previous: int | None, *, of_level: bool = False) -> tuple[str, str | None]:
    """Return a change in words, and its direction.

    A share of nothing is no number: where there was none before, it is "new". Under `LEAST_EVENTS` the
    difference itself is told, for "+200%" of one like says nothing.

    Args:
        of_level: the numbers say how many there are and not how many came: their difference is what happened.
    """
    if value is None or previous is None:
        return "–", None
    difference = value - previous
    if not of_level and not previous:
        return ("new", "up" if value >= LEAST_EVENTS else "same") if value else ("0", "same")
    sign = "+" if difference > 0 else "−" if difference < 0 else "±"
    is_few = (abs(difference) if of_level else max(value, previous)) < LEAST_EVENTS
    if of_level or is_few:
        words = f"{sign}{abs(difference):,}"
        return words, "same" if is_few else _direction(difference)
    ratio = value / previous
    words = f"{ratio:.0f} times" if ratio >= TIMES_FROM else f"{sign}{abs(ratio - 1):.0%}"
    return words, "same" if abs(ratio - 1) < LEAST_SHARE else _direction(difference)


def _direction(difference: int) -> str:
    return "up" if difference > 0 else "down" if difference < 0 else "same"


def _events(kind: str, *, period: Period, days: Days, is_filling: bool) -> Number:
    counted = days.count(kind, first_day=period.first_day, last_day=period.last_day)
    undated = days.undated[kind]
    spark = [days.known(kind, day) for day in spark_days(period)]
    before = period.previous
    if before is None or before.first_day is None:
        # All time holds them, whenever it was.
        note = f"{undated:,} of them at an unknown time" if undated else ""
        return Number(kind=kind, value=counted + undated, spark=spark, note=note)
    # Any of the undated ones may have happened in days that nobody watched: then none is no answer.
    is_watched = days.is_whole(kind, from_day=period.last_day or period.today)
    value = counted if counted or is_watched or not undated else None
    previous = None
    if days.is_whole(kind, from_day=before.first_day) and not is_filling:
        previous = days.count(kind, first_day=before.first_day, last_day=before.last_day)
    change, direction = change_of(value, previous)
    note = f"{undated:,} {noun(kind, undated)} at an unknown time {_is(undated)} left out" if undated else ""
    return Number(
        kind=kind, value=value, previous=previous, change=change, direction=direction, spark=spark, note=note
    )


def _followers(*, period: Period, followers: Followers) -> Number:
    known = {key: last for key, days in followers.items() if (last := _last(days, period=period)) is not None}
    value = sum(known.values()) if known else None
    spark = [_together(followers, day) for day in spark_days(period)]
    before = period.previous
    if before is None:
        return Number(kind="followers", value=value, spark=spark)
    past = [_last(followers[key], period=before) for key in known]
    previous = None if None in past or not past else sum(number for number in past if number is not None)
    change, direction = change_of(value, previous, of_level=True)
    return Number(
        kind="followers", value=value, previous=previous, change=change, direction=direction, spark=spark
    )


def _last(days: Mapping[date, int], *, period: Period) -> int | None:
    """The last count within a period."""
    within = [
        day
        for day in days
        if (period.first_day is None or day >= period.first_day)
        and (period.last_day is None or day <= period.last_day)
    ]
    return days[max(within)] if within else None


def _together(followers: Followers, day: date) -> int | None:
    """All accounts' followers on a day; None where one of them was not counted."""
    counts = [days.get(day) for days in followers.values()]
    return None if None in counts or not counts else sum(count for count in counts if count is not None)


def spark_days(period: Period) -> list[date]:
    """Return the period's last days, as many as a small line can show, oldest first."""
    last_day = min(period.last_day or period.today, period.today)
    length = min(period.days or SPARK_DAYS, SPARK_DAYS)
    return [last_day - timedelta(days=ago) for ago in reversed(range(length))]


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
