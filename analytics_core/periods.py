"""Turns the choice "last 30 days" into the moments it starts and ends: the one place that does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from django.db.models import Q
from django.utils import dateformat, timezone

ALL = "all"
CUSTOM = "custom"
DEFAULT_DAYS = "30"
LABELS = {
    "7": "7 days",
    "28": "28 days",
    "30": "30 days",
    "90": "90 days",
    "365": "12 months",
    ALL: "All time",
}
# Nothing that anybody has posted is older, and calendar sums with it stay within what a date can hold.
EARLIEST = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A span of whole calendar days in one time zone: `start_at` belongs to it, `end_at` no longer.

    Spans that follow one another share an edge, so nothing is counted twice and nothing falls between.

    Attributes:
        choice: a key of `LABELS`, or `CUSTOM`.
        first_day, last_day: its days, both included; None: no beginning, no end.
        zone: whose days they are.
        today: the day that was going on there when the period was made.
    """

    choice: str
    first_day: date | None
    last_day: date | None
    zone: tzinfo
    today: date

    @property
    def start_at(self) -> datetime | None:
        """The first moment of the first day; None: no beginning."""
        return day_start(self.first_day, zone=self.zone) if self.first_day else None

    @property
    def end_at(self) -> datetime | None:
        """The first moment after the last day; None: no end."""
        return day_start(self.last_day + timedelta(days=1), zone=self.zone) if self.last_day else None

    @property
    def days(self) -> int | None:
        """Length in calendar days; None for all time."""
        if self.first_day is None or self.last_day is None:
            return None
        return (self.last_day - self.first_day).days + 1

    @property
    def is_unfinished(self) -> bool:
        """Whether today is a part of it: its last number is one "so far"."""
        return self.last_day is None or self.last_day >= self.today

    @property
    def words(self) -> str:
        """How to say it within a sentence, such as "the last 30 days"."""
        if self.choice == CUSTOM and self.first_day and self.last_day:
            return span_words(self.first_day, self.last_day)
        return {ALL: "all time", "365": "the last 12 months"}.get(self.choice, f"the last {self.choice} days")

    @property
    def query(self) -> dict[str, str]:
        """What an address carries to mean this period; nothing for the default."""
        if self.choice == CUSTOM and self.first_day and self.last_day:
            return {"from": self.first_day.isoformat(), "to": self.last_day.isoformat()}
        return {} if self.choice == DEFAULT_DAYS else {"days": self.choice}

    @property
    def previous(self) -> Period | None:
        """The period of as many calendar days right before this one; None: there is none."""
        if self.first_day is None or self.days is None:
            return None
        return custom(
            self.first_day - timedelta(days=self.days),
            self.first_day - timedelta(days=1),
            zone=self.zone,
            today=self.today,
        )

    @property
    def earlier(self) -> dict[str, str] | None:
        """What an address carries to go one period back; None: it goes no further."""
        previous = self.previous
        if previous is None or previous.first_day is None or previous.first_day < EARLIEST:
            return None
        return previous.query

    @property
    def later(self) -> dict[str, str] | None:
        """What an address carries to go one period on, at most up to today; None: this one ends today."""
        if self.last_day is None or self.days is None or self.is_unfinished:
            return None
        last_day = min(self.last_day + timedelta(days=self.days), self.today)
        if last_day == self.today and str(self.days) in LABELS:
            return period(str(self.days), zone=self.zone).query or {"days": str(self.days)}
        first_day = last_day - timedelta(days=self.days - 1)
        return custom(first_day, last_day, zone=self.zone, today=self.today).query

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


def span_words(first_day: date, last_day: date) -> str:
    """Say some days as people do, such as "28 February to 9 March 2026"."""
    last = dateformat.format(last_day, "j F Y")
    if first_day == last_day:
        return last
    if (first_day.year, first_day.month) == (last_day.year, last_day.month):
        return f"{first_day.day} to {last}"
    same_year = first_day.year == last_day.year
    return f"{dateformat.format(first_day, 'j F' if same_year else 'j F Y')} to {last}"


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
    zone = zone or timezone.get_current_timezone()
    today = (now or timezone.now()).astimezone(zone).date()
    if choice == ALL:
        return Period(choice=ALL, first_day=None, last_day=None, zone=zone, today=today)
    first_day = today - timedelta(days=int(choice) - 1)
    return Period(choice=choice, first_day=first_day, last_day=today, zone=zone, today=today)


def custom(first_day: date, last_day: date, *, zone: tzinfo, today: date) -> Period:
    """Return the period of these days."""
    return Period(choice=CUSTOM, first_day=first_day, last_day=last_day, zone=zone, today=today)


def asked(
    choice: str | None, *, first_day: date | None, last_day: date | None, now: datetime | None = None
) -> Period:
    """Return the period that an address asks for, in the active time zone.

    A choice of `LABELS` counts before days. Days may come in any order; the end may be left out, which
    means today, and so may the beginning, which means `DEFAULT_DAYS` before the end. Days to come, and days
    before `EARLIEST`, are cut off; where nothing is left, the default counts.
    """
    default = period(DEFAULT_DAYS, now=now)
    if choice in LABELS or (first_day is None and last_day is None):
        return period(choice or DEFAULT_DAYS, now=now)
    today = default.today
    if last_day is None:
        last_day = max(first_day or today, today)
    if first_day is None:
        # A date can hold no day before the year 1.
        first_day = last_day - timedelta(days=int(DEFAULT_DAYS) - 1) if last_day > EARLIEST else last_day
    first_day, last_day = sorted((first_day, last_day))
    first_day, last_day = max(first_day, EARLIEST), min(last_day, today)
    if first_day > last_day:
        return default
    return custom(first_day, last_day, zone=default.zone, today=today)
