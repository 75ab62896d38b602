"""Turns the choice "last 30 days" into the moments it starts and ends: the one place that does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from django.db.models import Q
from django.utils import timezone

ALL = "all"
DEFAULT_DAYS = "30"
LABELS = {
    "7": "7 days",
    "28": "28 days",
    "30": "30 days",
    "90": "90 days",
    "365": "1 year",
    ALL: "All time",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A span of whole calendar days in one time zone: `start_at` belongs to it, `end_at` no longer.

    Spans that follow one another share an edge, so nothing is counted twice and nothing falls between.

    Attributes:
        choice: a key of `LABELS`.
        start_at: the first moment of the first day; None: no beginning.
        end_at: the first moment after the last day; None: no end.
    """

    choice: str
    start_at: datetime | None
    end_at: datetime | None

    @property
    def days(self) -> int | None:
        """Length in calendar days; None for all time."""
        return None if self.choice == ALL else int(self.choice)

    @property
    def words(self) -> str:
        """How to say it within a sentence, such as "the last 30 days"."""
        return {ALL: "all time", "365": "the last year"}.get(self.choice, f"the last {self.choice} days")

    def holds(self, field: str) -> Q:
        """Return the condition that the moment in `field` lies in the period."""
        condition = Q()
        if self.start_at:
            condition &= Q(**{f"{field}__gte": self.start_at})
        if self.end_at:
            condition &= Q(**{f"{field}__lt": self.end_at})
        return condition


def day_start(day: date, *, zone: tzinfo) -> datetime:
    """Return the first moment of a calendar day.

    Where clocks jump over midnight the day starts at the jump: the wall time that does not exist is read
    with the offset before it, which is that very moment.
    """
    return datetime.combine(day, time.min, tzinfo=zone)


def local_day(moment: datetime) -> date:
    """Return the calendar day of a moment in the active time zone."""
    return timezone.localtime(moment).date()


def period(choice: str, *, now: datetime | None = None, zone: tzinfo | None = None) -> Period:
    """Return the period of a choice.

    "N days" are N calendar days of which today is the last. A window that compares finished days ends
    yesterday; a list of posts does not, for a photo of this morning must stand in it.

    Args:
        choice: a key of `LABELS`; anything else counts as `DEFAULT_DAYS`.
        now: the moment that "today" is taken from; left out: this one.
        zone: whose days; left out: the active time zone, which is the signed-in user's.
    """
    if choice not in LABELS:
        choice = DEFAULT_DAYS
    if choice == ALL:
        return Period(choice=ALL, start_at=None, end_at=None)
    zone = zone or timezone.get_current_timezone()
    today = (now or timezone.now()).astimezone(zone).date()
    first_day = today - timedelta(days=int(choice) - 1)
    return Period(
        choice=choice,
        start_at=day_start(first_day, zone=zone),
        end_at=day_start(today + timedelta(days=1), zone=zone),
    )
