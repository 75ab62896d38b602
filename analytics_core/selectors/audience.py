"""The people who engaged with some accounts' posts in a period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from analytics_core.models import KINDS, Ledger, PersonSpan, PersonTotal
from analytics_core.models import Person as PersonRow
from analytics_core.periods import Period

from .accounts import ConnectedAccount
from .days import own

LIMIT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody, and what they did in a period.

    Attributes:
        handle: name and server, as their instance writes it.
        name: the name they show; may be empty.
        is_new: whether this user's accounts never met them before the period.
    """

    handle: str
    name: str
    likes: int
    comments: int
    shares: int
    is_new: bool

    @property
    def total(self) -> int:
        """How often they engaged."""
        return self.likes + self.comments + self.shares


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """The most engaged people of a period, how many there are in all, and how many for the first time."""

    top: list[Person] = field(default_factory=list)
    count: int = 0
    new_count: int = 0


def people(
    chosen: Sequence[ConnectedAccount], *, connected: Sequence[ConnectedAccount], period: Period
) -> People:
    """Return who engaged most with the chosen accounts: two queries, whatever the number of people.

    The user's own answers to comments are no engagement of anybody: their accounts are left out.
    In a period with an end only what is dated counts. Somebody who was met at a time not known is not new,
    and in all time nobody is: that everybody came once says nothing.

    Args:
        connected: all the user's accounts: who engaged with another one before is not new either.
    """
    if not chosen:
        return People()
    rows = _ranked(chosen, connected=connected, period=period)
    totals = PersonTotal.objects.filter(
        person__in=[row["person"] for row in rows], ledger__in=_ledgers(connected)
    ).select_related("person")
    who: dict[int, PersonRow] = {}
    met: dict[int, set[date | None]] = defaultdict(set)
    for total in totals:
        who[total.person_id] = total.person
        met[total.person_id].add(total.met_on)
    return People(
        top=[
            Person(
                handle=who[row["person"]].username,
                name=who[row["person"]].display_name,
                **{kind: row[f"{kind}_sum"] for kind in KINDS},
                is_new=all(_is_within(period, day) for day in met[row["person"]]),
            )
            for row in rows
            if row["person"] in who
        ],
        count=rows[0]["people"] if rows else 0,
        new_count=rows[0]["new_people"] if rows else 0,
    )


def _ledgers(entries: Sequence[ConnectedAccount]) -> QuerySet[Ledger, Any]:
    return Ledger.objects.filter(own(entries)).values("pk")


def _selves(connected: Sequence[ConnectedAccount]) -> QuerySet[PersonRow, Any]:
    """The user's own accounts, as the people that their instances know."""
    # Nobody. Of an empty list Django makes no statement that could be part of another.
    condition = Q(pk=0)
    for entry in connected:
        if entry.account.remote_id:
            condition |= Q(
                platform=entry.platform.name,
                instance_url=entry.account.instance_url,
                remote_id=entry.account.remote_id,
            )
    return PersonRow.objects.filter(condition).values("pk")


def _ranked(
    chosen: Sequence[ConnectedAccount], *, connected: Sequence[ConnectedAccount], period: Period
) -> list[dict[str, Any]]:
    """The most engaged people of a period with their sums, and in each row how many there are in all.

    Each account's days and months are queries of their own within the one: an index holds all of each.
    The user's own accounts are left out of the people, who are fewer than the rows.
    """
    parts = [part.order_by().values_list("person_id", *KINDS) for part in _parts_of(chosen, period=period)]
    if not parts:
        return []
    rows, params = parts[0].union(*parts[1:], all=True).query.sql_with_params()
    met = _new_people(chosen, connected=connected, period=period)
    new_count, new_params = met.query.sql_with_params() if met is not None else ("SELECT 1 WHERE 1 = 0", ())
    selves, own_params = _selves(connected).query.sql_with_params()
    # Statements of Django's own making; it cannot group what it has united.
    statement = f"""
        SELECT person_id, SUM(likes), SUM(comments), SUM(shares), COUNT(*) OVER (),
            (SELECT COUNT(*) FROM ({new_count}) newcomers)
        FROM ({rows}) parts
        GROUP BY person_id
        HAVING person_id NOT IN ({selves})
        ORDER BY SUM(likes) + SUM(comments) + SUM(shares) DESC, person_id
        LIMIT {LIMIT}
    """  # noqa: S608  # parts of our own; values are parameters
    names = ("person", *(f"{kind}_sum" for kind in KINDS), "people", "new_people")
    with connection.cursor() as cursor:
        cursor.execute(statement, [*new_params, *params, *own_params])
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _new_people(
    chosen: Sequence[ConnectedAccount], *, connected: Sequence[ConnectedAccount], period: Period
) -> QuerySet[Any, Any] | None:
    """Who was met in a period for the first time, each once; None: nobody is new in all time."""
    if period.first_day is None:
        return None
    met = PersonTotal.objects.filter(
        ledger__in=_ledgers(chosen), met_on__range=(period.first_day, period.last_day)
    ).exclude(person__in=_selves(connected))
    if len(connected) > 1:
        elsewhere = PersonTotal.objects.filter(person=OuterRef("person"), ledger__in=_ledgers(connected))
        before = Q(met_on__isnull=True) | Q(met_on__lt=period.first_day)
        met = met.filter(~Exists(elsewhere.filter(before)))
    return met.order_by().values("person").distinct()


def _is_within(period: Period, day: date | None) -> bool:
    return day is not None and period.first_day is not None and day >= period.first_day


def _parts_of(chosen: Sequence[ConnectedAccount], *, period: Period) -> list[QuerySet[Any]]:
    """The rows that make up a period: what people did in all time is kept as a sum."""
    if period.first_day is None:
        return [PersonTotal.objects.filter(ledger__in=_ledgers(chosen))]
    return [
        # A ledger is told as one value: with a list of them databases read the whole table.
        PersonSpan.objects.filter(
            ledger=Subquery(_ledgers([entry])[:1]), span=span, starts_on__range=(first_day, last_day)
        )
        for entry in chosen
        for span, first_day, last_day in _parts(period)
    ]


def _parts(period: Period) -> list[tuple[str, date, date]]:
    """A period as spans from one day to another: whole months, and the days before and after them."""
    if period.first_day is None or period.last_day is None:
        return []
    month = _month_after(period.first_day - timedelta(days=1))
    months = []
    while (following := _month_after(month)) - timedelta(days=1) <= period.last_day:
        months.append(month)
        month = following
    if not months:
        return [(PersonSpan.Span.DAY, period.first_day, period.last_day)]
    parts = [
        (PersonSpan.Span.MONTH, months[0], months[-1]),
        (PersonSpan.Span.DAY, period.first_day, months[0] - timedelta(days=1)),
        (PersonSpan.Span.DAY, month, period.last_day),
    ]
    return [part for part in parts if part[1] <= part[2]]


def _month_after(day: date) -> date:
    """The first day of the next month."""
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)
