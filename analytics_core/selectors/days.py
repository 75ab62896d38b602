"""What happened on which day, read from the daily totals: it costs the same at any number of posts."""

from __future__ import annotations

import zoneinfo
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.db.models import F, FilteredRelation, Q

from analytics_core.models import KINDS, AccountCount, Ledger
from analytics_core.periods import Period

from .accounts import ConnectedAccount


@dataclass(slots=True, kw_only=True)
class Days:
    """Likes, comments and shares by the day they happened, over some accounts.

    Attributes:
        by_day: counts in the order of `KINDS`; a day on which nothing happened is not there.
        undated: by kind, how many that count now happened at a time not known to the day: they are in no day.
        whole_from: the first day from which on no like or share is missing, as far as anybody can tell;
            None: no account was read yet. Comments carry their own time and are whole from the beginning.
        zones: in whose days the totals are kept; more than the page's own while they are counted anew.
    """

    by_day: dict[date, list[int]] = field(default_factory=dict)
    undated: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    whole_from: date | None = None
    zones: set[str] = field(default_factory=set)

    def count(self, kind: str, *, first_day: date | None, last_day: date | None) -> int:
        """Return how many of a kind happened on these days, both included; None: no end on that side."""
        place = KINDS.index(kind)
        return sum(
            counts[place]
            for day, counts in self.by_day.items()
            if (first_day is None or day >= first_day) and (last_day is None or day <= last_day)
        )

    def is_whole(self, kind: str, *, from_day: date) -> bool:
        """Whether all of a kind that happened since a day are in the days."""
        return kind == "comments" or (self.whole_from is not None and from_day >= self.whole_from)

    def known(self, kind: str, day: date) -> int | None:
        """Return how many of a kind happened on a day; None where there may have been some nobody saw."""
        counts = self.by_day.get(day)
        return (counts[KINDS.index(kind)] if counts else 0) or (
            0 if self.is_whole(kind, from_day=day) else None
        )


def days_of(chosen: Sequence[ConnectedAccount], *, period: Period) -> Days:
    """Return the days of a period and of the one before it: one query, whatever the number of posts."""
    since = period.previous.first_day if period.previous else None
    condition = Q(days__day__gte=since) if since else Q()
    if period.last_day:
        condition &= Q(days__day__lte=period.last_day)
    rows = (
        Ledger.objects.filter(own(chosen))
        .annotate(wanted=FilteredRelation("days", condition=condition))
        .values_list(
            "pk", "time_zone", "whole_from_at", *(f"undated_{kind}" for kind in KINDS),
            "wanted__day", *(F(f"wanted__{kind}") for kind in KINDS),
        )
    )  # fmt: skip
    days = Days()
    seen = set()
    for pk, zone, whole_from_at, likes, comments, shares, day, *counts in rows:
        if pk not in seen:
            seen.add(pk)
            days.zones.add(zone)
            for kind, number in zip(KINDS, (likes, comments, shares), strict=True):
                days.undated[kind] += number
            if not zone:
                # Its days are to be counted anew.
                continue
            # The day in the middle of which the watch began is no whole one.
            whole_from = whole_from_at.astimezone(zoneinfo.ZoneInfo(zone)).date() + timedelta(days=1)
            days.whole_from = max(whole_from, days.whole_from or whole_from)
        if day is not None:
            before = days.by_day.get(day)
            days.by_day[day] = [a + b for a, b in zip(before, counts, strict=True)] if before else counts
    return days


def followers_of(
    chosen: Sequence[ConnectedAccount], *, period: Period
) -> dict[tuple[str, int], dict[date, int]]:
    """Return each account's followers by day, in a period and the one before it: one query.

    The days are those of UTC, in which they are counted once each. A hidden count is not there.
    """
    counts = AccountCount.objects.filter(own(chosen), followers_count__isnull=False)
    if period.previous:
        counts = counts.filter(counted_on__range=(period.previous.first_day, period.last_day))
    found: dict[tuple[str, int], dict[date, int]] = defaultdict(dict)
    for platform, account_id, day, number in counts.order_by("counted_on").values_list(
        "platform", "account_id", "counted_on", "followers_count"
    ):
        found[platform, account_id][day] = number or 0
    return found


def own(chosen: Sequence[ConnectedAccount]) -> Q:
    """Return the condition that a row of a platform and an account is one of these accounts'."""
    pks = defaultdict(list)
    for entry in chosen:
        pks[entry.platform.name].append(entry.account.pk)
    # Of no accounts nothing is wanted, and not everything.
    condition = Q(pk__in=[])
    for name, accounts in pks.items():
        condition |= Q(platform=name, account_id__in=accounts)
    return condition
