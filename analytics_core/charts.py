"""Numbers as lengths: what the templates need to draw bars without a script or an inline style."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from analytics_core.comparison import PlatformStats, Stats
from analytics_core.counts import KindCount, noun
from analytics_core.models import KINDS
from analytics_core.platforms import Platform
from analytics_core.utils import Timeline

BAR_LENGTH = 1000
"""How long the longest bar is, in units of its drawing's view box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A piece of a bar: where it starts and how long it is, in units of `BAR_LENGTH`."""

    kind: str
    start: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """One day of a post and the bar that shows it.

    Attributes:
        counts: how many of each kind, in the order of the timeline; None where zero is not certain.
    """

    day: date
    is_unfinished: bool
    counts: list[int | None]
    bar: list[Segment]


def bar(values: Sequence[tuple[str, int]], *, longest: int) -> list[Segment]:
    """Return the pieces of a stacked bar.

    Args:
        values: kind and count of each piece, in order.
        longest: the sum that fills `BAR_LENGTH`; every bar of a chart shares it.
    """
    segments, passed = [], 0
    for kind, value in values:
        start, end = (round(BAR_LENGTH * n / longest) if longest else 0 for n in (passed, passed + value))
        passed += value
        if value:
            segments.append(Segment(kind=kind, start=start, length=end - start))
    return segments


def day_rows(timeline: Timeline, *, today: date, counts: Mapping[str, KindCount]) -> list[DayRow]:
    """Return the days of a timeline up to today; days to come have no number, not even zero.

    Args:
        counts: what is known of each kind. Of a kind that is not known in whole, and of one with some at a
            time not known, a day without any may have had some.
    """
    kinds = [dataset["label"].lower() for dataset in timeline["datasets"]]
    days = [date.fromisoformat(label) for label in timeline["labels"]]
    columns = list(zip(*(dataset["data"] for dataset in timeline["datasets"]), strict=True))
    longest = max(map(sum, columns), default=0)
    uncertain = {kind for kind in kinds if not counts[kind].is_whole or timeline["undated"][kind]}
    return [
        DayRow(
            day=day,
            is_unfinished=day == today,
            counts=[n or (None if kind in uncertain else 0) for kind, n in zip(kinds, numbers, strict=True)],
            bar=bar(list(zip(kinds, numbers, strict=True)), longest=longest),
        )
        for day, numbers in zip(days, columns, strict=True)
        if day <= today
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRow:
    """One platform, or one account below it (`account` is set), and the bar of its engagement."""

    platform: Platform
    account: Any
    stats: Stats
    bar: list[Segment]


def comparison_rows(platform_stats: Mapping[str, PlatformStats]) -> list[ComparisonRow]:
    """Return a row for each platform, each followed by its accounts where it has more than one."""
    longest = max((stats["total_engagement"] for stats in platform_stats.values()), default=0)
    rows = []
    for entry in platform_stats.values():
        several = entry["accounts"] if len(entry["accounts"]) > 1 else []
        for account, stats in [(None, entry), *((below["account"], below["stats"]) for below in several)]:
            counts = (stats["total_likes"], stats["total_comments"], stats["total_shares"])
            values = list(zip(KINDS, counts, strict=True))
            rows.append(
                ComparisonRow(
                    platform=entry["platform"], account=account, stats=stats, bar=bar(values, longest=longest)
                )
            )
    return rows


def left_out(timeline: Timeline, *, counts: Iterable[KindCount]) -> str:
    """Say what is in no day of the timeline, and why, in a sentence; "" where nothing is."""
    parts = [
        f"{words} {where}"
        for words, where in (
            (_counted(timeline["undated"]), "at a time not known to the day"),
            (_counted(timeline["outside"]), "on other days"),
        )
        if words
    ]
    parts += [count.unseen_words for count in counts if count.unseen]
    return f"Not shown here: {'; '.join(parts)}." if parts else ""


def _counted(counts: dict[str, int]) -> str:
    """Say several counts, such as "3 likes, 1 comment"."""
    return ", ".join(f"{count:,} {noun(kind, count)}" for kind, count in counts.items() if count)
