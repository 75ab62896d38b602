"""Counts an account's rows by person and day: what its ledger has to hold, in memory or in the tables."""

from __future__ import annotations

import zoneinfo
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import batched
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Case, Count, DateField, Max, Min, Model, QuerySet, Sum, Value, When
from django.db.models.functions import TruncDate, TruncMonth

from analytics_core.day_models import EngagementDay, Ledger, Person, PersonSpan, PersonTotal
from analytics_core.models import KINDS, dated
from analytics_core.platforms import Platform

BATCH_SIZE = 1000

type Sums[Key] = dict[Key, list[int]]
"""Counts in the order of `KINDS`, by what they are about."""


class Place(NamedTuple):
    """Where a row counts: whose it is, and its day; None where that is not known."""

    person_id: str
    day: date | None


@dataclass(slots=True)
class Totals:
    """All that a ledger holds, or the difference that some rows make to it.

    Attributes:
        people: by the person's id and day.
        names: handle and name of everybody in `people`.
    """

    people: Sums[Place] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0]))
    names: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, kind: str, place: Place | None, number: int) -> None:
        """Count `number` more of a kind at a place; None is nowhere."""
        if place is not None:
            self.people[place][KINDS.index(kind)] += number

    @property
    def days(self) -> Sums[date | None]:
        """The sums over people."""
        sums: Sums[date | None] = defaultdict(lambda: [0, 0, 0])
        for place, counts in self.people.items():
            sums[place.day] = plus(sums[place.day], counts)
        return sums

    @property
    def spans(self) -> Sums[tuple[str, str, date]]:
        """Each person's days and months, by id, span and first day."""
        sums: Sums[tuple[str, str, date]] = defaultdict(lambda: [0, 0, 0])
        for (person_id, day), counts in self.people.items():
            if day is not None:
                for span, start in ((PersonSpan.Span.DAY, day), (PersonSpan.Span.MONTH, day.replace(day=1))):
                    key = (person_id, span.value, start)
                    sums[key] = plus(sums[key], counts)
        return sums

    @property
    def persons(self) -> dict[str, list[int]]:
        """Each person's likes, comments, shares, and how many of all these have no day, by id."""
        sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for (person_id, day), counts in self.people.items():
            sums[person_id] = plus(sums[person_id], [*counts, 0 if day else sum(counts)])
        return sums


def plus(a: Sequence[int], b: Sequence[int]) -> list[int]:
    """Add counts kind by kind."""
    return [x + y for x, y in zip(a, b, strict=True)]


def count(platform: Platform, account_id: int, *, zone: zoneinfo.ZoneInfo) -> Totals:
    """Count an account's current likes, comments and shares by person and day, in memory."""
    totals = Totals()
    for kind, model in platform.engagement_models.items():
        rows = _by_person_and_day(model, account_id, zone=zone).annotate(number=Count("pk"))
        for person_id, day, number in rows.values_list("account_id", "day", "number").iterator():
            totals.add(kind, Place(person_id, day), number)
    return totals


def fill(platform: Platform, ledger: Ledger) -> None:
    """Write a locked ledger anew, in days of its time zone: the same as `count`, by the database alone."""
    for model in (EngagementDay, PersonSpan, PersonTotal):
        model._default_manager.filter(ledger=ledger).delete()
    pks = store_people(ledger, _names(platform, ledger.account_id))
    _insert_days_of_people(platform, ledger)
    days = PersonSpan.objects.filter(ledger=ledger, span=PersonSpan.Span.DAY).order_by()
    _insert_sums(EngagementDay, ["day"], days.values("ledger", "starts_on"))
    months = days.annotate(kind=Value(PersonSpan.Span.MONTH), month=TruncMonth("starts_on"))
    _insert_sums(
        PersonSpan, ["person_id", "span", "starts_on"], months.values("ledger", "person", "kind", "month")
    )
    sums = {f"n_{kind}": Sum(kind) for kind in KINDS}
    by_person = days.values("person").annotate(first_day=Min("starts_on"), **sums)
    totals = {
        person: PersonTotal(
            ledger=ledger, person_id=person, met_on=met_on, likes=likes, comments=comments, shares=shares
        )
        for person, met_on, likes, comments, shares in by_person.values_list("person", "first_day", *sums)
    }
    for kind, model in platform.engagement_models.items():
        undated = _current(model, ledger.account_id).exclude(dated(model)).values("account_id")
        numbers = dict(undated.annotate(number=Count("pk")).values_list("account_id", "number"))
        setattr(ledger, f"undated_{kind}", sum(numbers.values()))
        for remote_id, number in numbers.items():
            person = pks[remote_id]
            total = totals.setdefault(person, PersonTotal(ledger=ledger, person_id=person))
            total.met_on, total.undated_count = None, total.undated_count + number
            setattr(total, kind, getattr(total, kind) + number)
    PersonTotal.objects.bulk_create(totals.values(), batch_size=BATCH_SIZE)
    ledger.save()


def difference(platform: Platform, account_id: int) -> str:
    """Compare an account's daily totals with a count of its rows, and say what differs; "" for nothing."""
    ledger = Ledger.objects.filter(platform=platform.name, account_id=account_id).first()
    if ledger is None or not ledger.time_zone:
        has_rows = any(
            model.objects.current().filter(post__account=account_id).exists()
            for model in platform.engagement_models.values()
        )
        return "it has none" if has_rows else ""
    zone = owner_zone(platform, account_id)
    if zone != ledger.time_zone:
        return f"it is kept in days of {ledger.time_zone}, its owner's are those of {zone}"
    counted = count(platform, account_id, zone=zoneinfo.ZoneInfo(ledger.time_zone))
    days = counted.days
    undated = days.pop(None, [0, 0, 0])
    persons, spans = counted.persons, counted.spans
    met: dict[str, date | None] = {}
    for person_id, day in counted.people:
        if day is not None and not persons[person_id][3]:
            met[person_id] = min(day, met.get(person_id) or day)
    kept_days = EngagementDay.objects.filter(ledger=ledger).values_list("day", *KINDS)
    kept_spans = PersonSpan.objects.filter(ledger=ledger).values_list(
        "person__remote_id", "span", "starts_on", *KINDS
    )
    kept_people = PersonTotal.objects.filter(ledger=ledger).values_list(
        "person__remote_id", *KINDS, "undated_count", "met_on"
    )
    return "; ".join(
        words
        for words in (
            _differing("days", {row[0]: list(row[1:]) for row in kept_days}, days),
            _differing("spans of people", {row[:3]: list(row[3:]) for row in kept_spans.iterator()}, spans),
            _differing(
                "people",
                {row[0]: list(row[1:]) for row in kept_people},
                {person_id: [*counts, met.get(person_id)] for person_id, counts in persons.items()},
            ),
            "" if undated_of(ledger) == undated else "the undated ones differ",
        )
        if words
    )


def owner_zone(platform: Platform, account_id: int) -> str:
    """Return the name of the owner's time zone; UTC where this machine does not know it."""
    owners = platform.account_model._default_manager.filter(pk=account_id)
    name = owners.values_list("user__time_zone", flat=True).get()
    try:
        # One zone is kept in memory; the list of all is a walk through the disk.
        return zoneinfo.ZoneInfo(name).key
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return "UTC"


def undated_of(ledger: Ledger) -> list[int]:
    """Return how many of each kind have no day, in the order of `KINDS`."""
    return [ledger.undated_likes, ledger.undated_comments, ledger.undated_shares]


def store_people(ledger: Ledger, names: dict[str, tuple[str, str]]) -> dict[str, int]:
    """Store who is new or is called otherwise now; return everybody's primary key by id."""
    home = {"platform": ledger.platform, "instance_url": ledger.instance_url}
    known: dict[str, Person] = {}
    for ids in batched(sorted(names), BATCH_SIZE, strict=False):
        for person in Person.objects.filter(**home, remote_id__in=ids):
            known[person.remote_id] = person
    pks = {remote_id: person.pk for remote_id, person in known.items()}
    called = {person.remote_id: (person.username, person.display_name) for person in known.values()}
    unknown = [
        Person(**home, remote_id=remote_id, username=name[0], display_name=name[1])
        # In order, so that two accounts of one instance wait for each other and not in a circle.
        for remote_id, name in sorted(names.items())
        if called.get(remote_id) != name
    ]
    stored = Person.objects.bulk_create(
        unknown,
        batch_size=BATCH_SIZE,
        update_conflicts=True,
        unique_fields=["platform", "instance_url", "remote_id"],
        update_fields=["username", "display_name"],
    )
    return pks | {person.remote_id: person.pk for person in stored}


def _current(model: type[Any], account_id: int) -> QuerySet[Any]:
    return model.objects.current().filter(post__account=account_id).order_by()


def _by_person_and_day(model: type[Any], account_id: int, *, zone: zoneinfo.ZoneInfo) -> QuerySet[Any, Any]:
    """An account's current rows of one kind, grouped; `day` is empty where no day is known."""
    day = Case(
        When(dated(model), then=TruncDate(model.HAPPENED_AT, tzinfo=zone)),
        default=Value(None),
        output_field=DateField(),
    )
    return _current(model, account_id).annotate(day=day).values("account_id", "day")


def _names(platform: Platform, account_id: int) -> dict[str, tuple[str, str]]:
    """What everybody is called, in their newest row of each kind."""
    names = {}
    for model in platform.engagement_models.values():
        newest = _current(model, account_id).values("account_id").annotate(newest=Max("pk")).values("newest")
        for row in model.objects.filter(pk__in=newest).values_list("account_id", "username", "display_name"):
            names[row[0]] = row[1:]
    return names


def _insert_days_of_people(platform: Platform, ledger: Ledger) -> None:
    """Write what each person did on each day, in one statement: it may be millions of rows."""
    zone = zoneinfo.ZoneInfo(ledger.time_zone)
    parts, params = [], []
    for kind, model in platform.engagement_models.items():
        numbers = {f"n_{k}": Count("pk") if k == kind else Value(0) for k in KINDS}
        grouped = (
            _by_person_and_day(model, ledger.account_id, zone=zone).filter(dated(model)).annotate(**numbers)
        )
        sql, values = grouped.values_list("account_id", "day", *numbers).query.sql_with_params()
        parts.append(sql)
        params += values
    quote = connection.ops.quote_name
    # Names of our own tables, and statements of Django's own making. The person is looked up for each row: a
    # join would leave the plan to what the database guesses of tables that were empty a moment ago.
    statement = f"""
        INSERT INTO {quote(PersonSpan._meta.db_table)}
            (ledger_id, person_id, span, starts_on, likes, comments, shares)
        SELECT %s, e.person, %s, e.day, SUM(e.n_likes), SUM(e.n_comments), SUM(e.n_shares)
        FROM (
            SELECT day, n_likes, n_comments, n_shares, (
                SELECT p.id FROM {quote(Person._meta.db_table)} p
                WHERE p.platform = %s AND p.instance_url = %s AND p.remote_id = g.account_id
            ) AS person
            FROM ({" UNION ALL ".join(parts)}) g
        ) e
        GROUP BY e.person, e.day
    """  # noqa: S608  # names of our own tables and columns
    home = [ledger.platform, ledger.instance_url]
    with connection.cursor() as cursor:
        cursor.execute(statement, [ledger.pk, PersonSpan.Span.DAY, *home, *params])


def _insert_sums(model: type[Model], columns: Sequence[str], grouped: QuerySet[Any, Any]) -> None:
    """Write the sums of grouped spans into a table: the ledger, these columns, and the counts."""
    sums = {f"n_{kind}": Sum(kind) for kind in KINDS}
    sql, params = grouped.annotate(**sums).query.sql_with_params()
    quote = connection.ops.quote_name
    into = ", ".join(map(quote, ["ledger_id", *columns, *KINDS]))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {quote(model._meta.db_table)} ({into}) {sql}", params)


def _differing(what: str, kept: Mapping[Any, Any], counted: Mapping[Any, Any]) -> str:
    """Say how many totals differ from what was counted."""
    wrong = [key for key in kept.keys() | counted.keys() if kept.get(key) != counted.get(key)]
    return f"{len(wrong)} of {len(kept.keys() | counted.keys())} {what} differ" if wrong else ""
