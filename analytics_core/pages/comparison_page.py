"""What the comparison page says of the numbers: the finding, charts, rows, the file, how all is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import dateformat, timezone

from analytics_core.charts import Chart, Explanation, Series
from analytics_core.counts import noun, rate
from analytics_core.exports import Table
from analytics_core.models import KINDS
from analytics_core.pages.comparison import PlatformStats, Stats
from analytics_core.periods import Period
from analytics_core.platforms import Platform
from analytics_core.selectors import ConnectedAccount

BARS = 12
"""How many bars a chart shows; the table has all."""
ENOUGH = 5
"""A median of fewer posts says too little about the next one to be compared."""
COLUMNS = (
    "Posts",
    "Posts a week",
    "Engagement",
    "Average engagement per post",
    "Median engagement per post",
    "Likes",
    "Comments",
    "Shares",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A platform, or one account on it (`account` is set)."""

    platform: Platform
    account: Any
    stats: Stats
    is_read: bool
    """Whether any of its accounts was ever read: without posts it then has none, else that is not known."""

    @property
    def name(self) -> str:
        """What it is called on the page."""
        return str(self.account) if self.account else self.platform.label

    @property
    def key(self) -> str:
        """What tells it from the others in an element's id."""
        return f"{self.platform.name}-{self.account.pk}" if self.account else self.platform.name

    @property
    def has_posts_known(self) -> bool:
        """Whether it is known how many posts there are."""
        return self.is_read or self.stats["total_posts"] > 0

    @property
    def is_known(self) -> bool:
        """Whether likes, comments and shares are known of at least one post, or there is no post."""
        if not self.stats["total_posts"]:
            return self.is_read
        return self.stats["not_read"] < self.stats["total_posts"]

    @property
    def read_posts(self) -> int:
        """How many posts average and median are of."""
        return self.stats["total_posts"] - self.stats["not_read"]

    @property
    def values(self) -> list[int | float | None]:
        """Its numbers in the order of `COLUMNS`; rates with as many digits as the page shows."""
        stats = self.stats
        counts = [stats["total_engagement"], *(stats[f"total_{kind}"] for kind in KINDS)]  # type: ignore[literal-required]
        engagement, *kinds = counts if self.is_known else [None] * len(counts)
        per_week, average, median = (
            value if value is None else round(value, 2)
            for value in (stats["posts_per_week"], stats["avg_engagement"], stats["median_engagement"])
        )
        posts = stats["total_posts"] if self.has_posts_known else None
        return [posts, per_week, engagement, average, median, *kinds]


def rows(platform_stats: Mapping[str, PlatformStats], *, connected: Sequence[ConnectedAccount]) -> list[Row]:
    """Return a row for each platform, each followed by its accounts where it has more than one."""
    read = {(entry.platform.name, entry.account.pk) for entry in connected if entry.read_at}
    found = []
    for name, entry in platform_stats.items():
        platform, accounts = entry["platform"], entry["accounts"]
        is_read = any((name, below["account"].pk) in read for below in accounts)
        found.append(Row(platform=platform, account=None, stats=entry, is_read=is_read))
        if len(accounts) > 1:
            found += [
                Row(
                    platform=platform,
                    account=account,
                    stats=below["stats"],
                    is_read=(name, account.pk) in read,
                )
                for below in accounts
                for account in [below["account"]]
            ]
    return found


def leaves(all_rows: Sequence[Row]) -> list[Row]:
    """Return the rows that add up to all: accounts, and platforms with one account alone."""
    divided = {row.platform.name for row in all_rows if row.account}
    return [row for row in all_rows if row.account or row.platform.name not in divided]


def charts(all_rows: Sequence[Row], *, period: Period) -> list[Chart]:
    """Return the charts: of platforms where there are several, of accounts where a platform has several."""
    platforms = [row for row in all_rows if not row.account]
    parts = leaves(all_rows)
    if not any(row.stats["total_posts"] for row in platforms):
        return []
    if len(parts) == 1:
        return [_chart(parts, period=period, id="likes-comments-shares", title="Likes, comments and shares")]
    found = []
    if len(platforms) > 1:
        found.append(_chart(platforms, period=period, id="by-platform", title="By platform"))
    if len(parts) > len(platforms):
        found.append(_chart(parts, period=period, id="by-account", title="By account"))
    return found


def _chart(shown: Sequence[Row], *, period: Period, id: str, title: str) -> Chart:
    left_out = len(shown) - BARS
    if left_out > 0:
        shown = sorted(shown, key=lambda row: row.stats["total_engagement"], reverse=True)[:BARS]
    return Chart(
        id=id,
        kind="compare",
        title=title,
        labels=[row.name for row in shown],
        platforms=[row.platform.name for row in shown],
        series=[
            Series(name=kind.capitalize(), kind=kind, values=[_total(row, kind) for row in shown])
            for kind in KINDS
        ],
        sentence=_most_words(shown),
        label_name="Account" if any(row.account for row in shown) else "Platform",
        note=f"The {BARS} with most engagement are shown; {left_out} more stand in the table."
        if left_out > 0
        else "",
        table_id="compared",
    )


def _total(row: Row, kind: str) -> int | None:
    return row.stats[f"total_{kind}"] if row.is_known else None  # type: ignore[literal-required]


def _most_words(shown: Sequence[Row]) -> str:
    """Say who has most of what: "Most likes and comments: @ana (1,204 and 90). No shares."."""
    totals = {kind: [_total(row, kind) or 0 for row in shown] for kind in KINDS}
    if len(shown) == 1:
        counted = [f"{values[0]:,} {noun(kind, values[0])}" for kind, values in totals.items()]
        return f"{_joined(counted)}."
    leaders: dict[str, list[str]] = {}
    for kind, values in totals.items():
        most = max(values)
        names = [row.name for row, value in zip(shown, values, strict=True) if value == most]
        leaders.setdefault(_joined(names) if most else "", []).append(kind)
    nothing = leaders.pop("", [])
    said = [
        f"Most {_joined(kinds)}: {names} ({_joined([f'{max(totals[kind]):,}' for kind in kinds])})."
        for names, kinds in leaders.items()
    ]
    return " ".join([*said, *([f"No {_joined(nothing)}."] if nothing else [])])


def finding(all_rows: Sequence[Row], *, period: Period) -> str:
    """Say in a sentence or two what the page shows; nothing is compared that has too few posts."""
    parts = leaves(all_rows)
    posts = sum(row.stats["total_posts"] for row in parts)
    if not posts:
        return ""
    if len(parts) == 1:
        return _one_finding(parts[0], period=period)
    enough = [row for row in parts if row.read_posts >= ENOUGH]
    if len(enough) < 2:
        counts = _joined([f"{row.name} has {row.stats['total_posts']:,}" for row in parts[:BARS]])
        return f"Too few posts to compare what is typical: it takes {ENOUGH} on each side, and {counts}."
    low, *_, high = sorted(enough, key=lambda row: row.stats["median_engagement"] or 0)
    medians = [row.stats["median_engagement"] or 0.0 for row in (high, low)]
    if medians[0] == medians[1]:
        return f"The typical post has the same engagement everywhere: {rate(medians[0])} (median)."
    return (
        f"The typical post has most engagement on {high.name}: {rate(medians[0])}, and least on {low.name}: "
        f"{rate(medians[1])} (medians of {high.read_posts:,} and {low.read_posts:,} posts)."
    )


def _one_finding(row: Row, *, period: Period) -> str:
    total, median = row.stats["total_posts"], row.stats["median_engagement"]
    said = f"{total:,} post{'' if total == 1 else 's'} from {period.words}"
    if period.days is None:
        said = f"{total:,} post{'' if total == 1 else 's'} in all"
    if median is None or row.read_posts < ENOUGH:
        return f"{said}. What is typical shows from {ENOUGH} posts on."
    return f"{said}. The typical one has {rate(median)} likes, comments and shares together (median)."


def table(all_rows: Sequence[Row]) -> Table:
    """Return the page's table for a file: a row for each platform, and for each account of several."""
    return Table(
        columns=["Platform", "Account", *COLUMNS],
        rows=[[row.platform.label, str(row.account or ""), *row.values] for row in all_rows],
    )


def explanation(
    all_rows: Sequence[Row], *, connected: Sequence[ConnectedAccount], period: Period
) -> Explanation:
    """Say how the numbers are computed: what counts, of which days, up to when, what is left out."""
    platforms = [row for row in all_rows if not row.account]
    posts = sum(row.stats["total_posts"] for row in platforms)
    not_read = sum(row.stats["not_read"] for row in platforms)
    zone = timezone.get_current_timezone_name()
    if period.first_day and period.last_day:
        first, last = (dateformat.format(day, "j F Y") for day in (period.first_day, period.last_day))
        which = f"Posts that were posted from {first} to {last}, both days included, in the time zone {zone}"
        weeks = f"{period.days:,} days of the range ÷ 7"
    else:
        which = f"All posts; days are those of the time zone {zone}"
        weeks = "weeks since the first of them"
    return Explanation(
        paragraphs=[
            f"{which}: {posts:,}. Each counts with all it has received up to now, whenever that was. So no "
            "like is left out because its time is not known.",
            "Engagement = likes + comments + shares. Comments include answers, your own too. What was taken "
            "back is not counted. Where an instance lists only a part, that part is counted.",
            "Average = engagement ÷ posts. Median: half of the posts have at least as much, half at most as "
            "much. A single post that did very well moves the average and not the median.",
            f"Posts a week = posts ÷ weeks ({weeks}, at least one week).",
            _left_out(not_read),
            "Younger posts have had less time. Over short ranges compare with care.",
            *[_fresh(entry) for entry in connected[:BARS]],
        ]
    )


def _left_out(not_read: int) -> str:
    if not not_read:
        return "All of these posts have been read. None is left out of average and median."
    verb = "is" if not_read == 1 else "are"
    return f"{not_read:,} of these posts {verb} not fully read yet and left out of average and median."


def _fresh(entry: ConnectedAccount) -> str:
    if entry.read_at is None:
        return f"{entry.account} has not been read yet."
    moment = dateformat.format(timezone.localtime(entry.read_at), "j F Y, H:i T")
    older = " Older posts are still being read." if entry.is_filling else ""
    return f"{entry.account}: data up to {moment}.{older}"


def _joined(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
