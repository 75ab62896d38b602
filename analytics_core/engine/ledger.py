"""Keeps the daily totals equal to the rows of engagement, in the transactions that change those rows.

Whoever changes rows of an account opens its ledger first (`keep`), which makes everybody else wait, tells a
`Tally` what each row was and is, and the totals move by the difference when the ledger closes. A ledger that
is missing or void is made anew from the rows, here and now. See docs/decisions/0014-daily-totals.md.
"""

from __future__ import annotations

import logging
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import batched
from typing import Any

from django.db import transaction
from django.db.models import Min, OuterRef, Subquery

from analytics_core.day_models import EngagementDay, Ledger, Person, PersonSpan, PersonTotal
from analytics_core.engine.recount import (
    BATCH_SIZE,
    Place,
    Totals,
    fill,
    owner_zone,
    store_people,
    undated_of,
)
from analytics_core.engine.veil import Veil, digests_of, site_salt
from analytics_core.models import KINDS, Precision
from analytics_core.platforms import Platform

logger = logging.getLogger(__name__)


class Tally:
    """Notes what becomes of rows of one kind."""

    def __init__(self, totals: Totals, kind: str, zone: zoneinfo.ZoneInfo) -> None:
        self._totals, self._kind, self._zone = totals, kind, zone

    def place(self, row: Any) -> Place | None:
        """Return where a row counts now; None: it was taken back."""
        if row.ended_at is not None:
            return None
        day = row.happened_at.astimezone(self._zone).date() if row.is_dated else None
        return Place(row.account_id, day)

    def added(self, row: Any) -> None:
        """Note a new row."""
        self.changed(None, row)

    def changed(self, before: Place | None, row: Any) -> None:
        """Note a row that counted at another place before its change, or as another's name."""
        self._totals.add(self._kind, before, -1)
        self._totals.add(self._kind, self.place(row), 1)
        self._totals.names[row.account_id] = (row.username, row.display_name)

    def ended(self, row: Any) -> None:
        """Note a row that is taken back."""
        self._totals.add(self._kind, self.place(row), -1)
        self._totals.names.setdefault(row.account_id, (row.username, row.display_name))


class Book:
    """An account's open ledger: nobody else changes the account's engagement meanwhile."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.totals = Totals()
        self.veil = Veil(ledger)
        self._zone = zoneinfo.ZoneInfo(ledger.time_zone)

    def tally(self, kind: str) -> Tally:
        """Return what notes changes of rows of one kind."""
        return Tally(self.totals, kind, self._zone)


@contextmanager
def keep(platform: Platform, account_id: int) -> Iterator[Book]:
    """Open an account's ledger within a transaction, and write what was noted when the block ends well."""
    book = Book(_locked(platform, account_id))
    yield book
    _write(book.ledger, book.totals)


def rebuild(platform: Platform, account_id: int) -> None:
    """Make an account's daily totals anew from its rows, in its owner's time zone."""
    with transaction.atomic():
        ledger = _claim(platform, account_id)
        if ledger is not None:
            _fill(platform, ledger)


def void(platform: Platform, account_id: int) -> bool:
    """Declare an account's daily totals void: the next who opens them makes them anew. Tells if they held."""
    own = Ledger.objects.filter(platform=platform.name, account_id=account_id)
    return bool(own.exclude(time_zone="").update(time_zone=""))


def forget(platform: Platform, account_id: int) -> None:
    """Drop the daily totals of an account that is gone, and the people whom no other account knows."""
    Ledger.objects.filter(platform=platform.name, account_id=account_id).delete()
    Person.objects.filter(platform=platform.name, totals=None).delete()


def note_oldest_notification(ledger: Ledger, moments: Iterable[datetime]) -> None:
    """Note from when on notifications tell of every like and share.

    An instance lists them newest first without a gap, and drops the one of a like that is taken back.
    """
    oldest = min(moments, default=None)
    if oldest is not None and oldest < ledger.whole_from_at:
        ledger.whole_from_at = oldest
        ledger.save(update_fields=["whole_from_at"])


def doubt_notifications(platform: Platform, account: Any, ledger: Ledger) -> None:
    """Take back what `note_oldest_notification` noted if a like proves that notifications do not tell all.

    It does so when its post is younger than the oldest notification, and yet nothing told when it was liked.
    The owner's own likes are told to nobody.
    """
    if ledger.whole_from_at >= ledger.begun_at:
        return
    posts = platform.post_model.objects.filter(
        account=account, posted_at__range=(ledger.whole_from_at, ledger.begun_at)
    )
    for kind in ("likes", "shares"):
        untold = (
            platform.engagement_models[kind]
            .objects.current()
            .filter(post=OuterRef("pk"), precision=Precision.UNKNOWN)
            .exclude(account_id=platform.remote_account_id(account))
            .order_by()
        )
        # Post by post: of Exists PostgreSQL makes a join. While many accounts were first imported, with the
        # statistics of one, that began with the likes of all.
        if posts.filter(pk=Subquery(untold.values("post")[:1])).exists():
            ledger.whole_from_at = ledger.begun_at
            ledger.save(update_fields=["whole_from_at"])
            return


def _locked(platform: Platform, account_id: int) -> Ledger:
    """Return the account's ledger, locked until the transaction ends, filled if nobody has filled it yet."""
    own = Ledger.objects.select_for_update().filter(platform=platform.name, account_id=account_id)
    ledger = own.first()
    if ledger is None or not ledger.time_zone:
        ledger = _claim(platform, account_id)
        if ledger is None:
            raise LookupError(f"there is no {platform.name} account {account_id}")
        if not ledger.time_zone:
            _fill(platform, ledger)
    return ledger


def _claim(platform: Platform, account_id: int) -> Ledger | None:
    """Return the account's ledger, locked, made if there is none; None: there is no such account."""
    model = platform.account_model
    home = model._default_manager.filter(pk=account_id).values_list("instance_url", "user_id").first()
    if home is None:
        return None
    own = Ledger.objects.select_for_update().filter(platform=platform.name, account_id=account_id)
    if (ledger := own.first()) is not None:
        return ledger
    instance_url, user_id = home
    began = platform.post_model._default_manager.filter(account=account_id).aggregate(at=Min("created_at"))
    since = {"begun_at": began["at"], "whole_from_at": began["at"]} if began["at"] else {}
    Ledger.objects.bulk_create(
        [
            Ledger(
                platform=platform.name,
                account_id=account_id,
                instance_url=instance_url,
                salt=site_salt(),
                forgotten=digests_of(user_id),
                **since,
            )
        ],
        ignore_conflicts=True,
    )
    return own.get()


def _fill(platform: Platform, ledger: Ledger) -> None:
    ledger.time_zone = owner_zone(platform, ledger.account_id)
    fill(platform, ledger)


def _write(ledger: Ledger, totals: Totals) -> None:
    """Move a locked ledger by a difference."""
    days = totals.days
    undated = days.pop(None, [0, 0, 0])
    if any(undated):
        for kind, kept, number in zip(KINDS, undated_of(ledger), undated, strict=True):
            setattr(ledger, f"undated_{kind}", _not_below_zero(kept + number, ledger))
        ledger.save(update_fields=[f"undated_{kind}" for kind in KINDS])
    _move(EngagementDay, ledger, {(day,): counts for day, counts in days.items()}, names=("day",))
    if totals.names:
        pks = store_people(ledger, totals.names)
        spans = {(pks[key[0]], *key[1:]): counts for key, counts in totals.spans.items()}
        _move(PersonSpan, ledger, spans, names=("person_id", "span", "starts_on"))
        _move_people(ledger, {pks[key]: counts for key, counts in totals.persons.items()})


def _move(
    model: type[Any], ledger: Ledger, sums: Mapping[Any, Sequence[int]], *, names: Sequence[str]
) -> None:
    """Add to a ledger's counts, by key; what comes to zero is deleted."""
    wanted = sorted(key for key, counts in sums.items() if any(counts))
    rows: list[Any] = []
    empty: list[Any] = []
    for keys in batched(wanted, BATCH_SIZE, strict=False):
        among = {f"{name}__in": {key[place] for key in keys} for place, name in enumerate(names)}
        kept = {
            tuple(getattr(row, name) for name in names): row
            for row in model.objects.filter(ledger=ledger, **among)
        }
        for key in keys:
            row = kept.get(key) or model(ledger=ledger, **dict(zip(names, key, strict=True)))
            _add(row, sums[key], names=KINDS)
            (rows if any(_counts_of(row)) else empty).append(row)
    _store(model, rows, empty, unique=names, columns=KINDS)


def _move_people(ledger: Ledger, sums: Mapping[int, Sequence[int]]) -> None:
    """Add to what people did in all, and find the day that each was first met on."""
    columns = (*KINDS, "undated_count")
    wanted = sorted(sums)
    rows: list[Any] = []
    empty: list[Any] = []
    for people in batched(wanted, BATCH_SIZE, strict=False):
        own = {"ledger": ledger, "person__in": people}
        kept = {row.person_id: row for row in PersonTotal.objects.filter(**own)}
        days = PersonSpan.objects.filter(**own, span=PersonSpan.Span.DAY).order_by().values("person")
        first_days = dict(days.annotate(first_day=Min("starts_on")).values_list("person", "first_day"))
        for person in people:
            row = kept.get(person) or PersonTotal(ledger=ledger, person_id=person)
            _add(row, sums[person], names=columns)
            row.met_on = None if row.undated_count else first_days.get(person)
            (rows if any(_counts_of(row)) else empty).append(row)
    _store(PersonTotal, rows, empty, unique=("person",), columns=(*columns, "met_on"))


def _add(row: Any, counts: Sequence[int], *, names: Sequence[str]) -> None:
    for name, number in zip(names, counts, strict=True):
        setattr(row, name, _not_below_zero(getattr(row, name) + number, row))


def _not_below_zero(number: int, row: Any) -> int:
    """A total that was wrong before must not keep an account from being read."""
    if number < 0:
        logger.error("%r fell below zero; run rebuild_daily_totals", row)
    return max(number, 0)


def _store(
    model: type[Any],
    rows: Sequence[Any],
    empty: Sequence[Any],
    *,
    unique: Sequence[str],
    columns: Sequence[str],
) -> None:
    model.objects.bulk_create(
        rows,
        batch_size=BATCH_SIZE,
        update_conflicts=True,
        unique_fields=["ledger", *unique],
        update_fields=columns,
    )
    gone = [row.pk for row in empty if row.pk]
    if gone:
        model.objects.filter(pk__in=gone).delete()


def _counts_of(row: Any) -> list[int]:
    return [row.likes, row.comments, row.shares]
