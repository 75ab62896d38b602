"""Charts as the pages show them: what `components/chart.html` draws, writes as a table and exports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from analytics_core.exports import Cell, Table

MARKS = 30
"""How many photos a chart can carry as marks; more would hide each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One kind of number in a chart: a colour in the drawing, a column in the table.

    Attributes:
        name: what the legend and the column are called, such as "Likes".
        kind: likes, comments, shares or followers: the custom property (`--likes`) that gives the colour.
        values: one for each label. None is "not known": a gap in the drawing and a dash in the table.
        is_marks: "steps" alone: no line of its own, but a mark on the first series' line wherever it grew.
    """

    name: str
    kind: str
    values: Sequence[int | float | None]
    is_marks: bool = False

    @property
    def has_key(self) -> bool:
        """Whether there is anything of it to explain in a legend."""
        return not self.is_marks or any(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A photo that stands in a chart at the time it was posted, as a link.

    Attributes:
        index: which label it belongs to.
        address: our page about it.
        title: what to call it, such as the first line of its caption.
        thumbnail: the address of our own small picture; "" draws a plain mark.
        width, height: the picture's size, for its shape; zero when it is not known.
    """

    index: int
    address: str
    title: str
    thumbnail: str = ""
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How a number or a chart is computed: formula, time zone, data up to when, n, what is left out."""

    paragraphs: Sequence[str]
    title: str = "How is this computed?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One chart: drawing, finding, table and files. Nothing here is markup; the template escapes all of it.

    Show it with `{% include "components/chart.html" with chart=chart %}`, and have the page load style and
    script with `{% include "components/chart_head.html" %}` in its block `styles`.

    Files need no address of their own. The page that shows the chart answers `?format=csv` and `?format=json`
    beside its other parameters, in three lines at the end of what its view does:

        csv_url, json_url = exports.addresses(request.path, query=form.query, part="timeline")
        ...
        if wanted := exports.wanted(request.GET, part="timeline"):
            return exports.respond(chart.table, wanted=wanted, name="postflow-timeline")

    Attributes:
        id: the element's id, unique on the page and the same after every swap.
        kind: "bars" (stacked, by day, week or month), "steps" (cumulative: a line that holds its value until
            the next), "compare" (horizontal bars, a panel for each series with an axis of its own; with a
            single label one panel, a bar for each series).
        labels: short texts below the axis, such as "3 Mar"; the table's first column too.
        series: at most three; bars are stacked in this order.
        sentence: the finding in words, with its numbers. It is the drawing's label, too.
        title: the heading; "" where the page has one already.
        label_name: heading of the table's first column.
        titles: long forms of the labels for the tooltip, such as "Tuesday 3 March 2026"; empty: the labels.
        starts: when each bucket starts, in the zone whose days they are: files show these, with their
            offset, instead of the labels. Empty: files show the labels.
        platforms: for "compare", the platform's name of each label: it gives the bars their colour.
        marks: photos at the time they were posted, at most `MARKS`, in time order.
        marks_left_out: how many more photos were posted in this time and have no mark.
        unfinished: index of the bucket that is not over; it is hatched or dashed and called "so far".
        breaks: indexes from which on a step of the axis is longer, with words such as "by day".
        note: what is not in the chart, such as "12 likes at an unknown time are left out."
        explanation: for "How is this computed?".
        csv_url, json_url: addresses of the same rows as files; "" leaves the link out.
        table_id: id of a table of the page that holds the same numbers; the chart then needs none of its own.
    """

    id: str
    kind: str
    labels: Sequence[str]
    series: Sequence[Series]
    sentence: str
    title: str = ""
    label_name: str = "Day"
    titles: Sequence[str] = ()
    starts: Sequence[datetime] = ()
    platforms: Sequence[str] = ()
    marks: Sequence[Mark] = ()
    marks_left_out: int = 0
    unfinished: int | None = None
    breaks: Sequence[tuple[int, str]] = ()
    note: str = ""
    explanation: Explanation | None = None
    csv_url: str = ""
    json_url: str = ""
    table_id: str = ""

    @property
    def has_marks(self) -> bool:
        """Whether a series is drawn as marks: these have no name at the end of a line."""
        return any(series.is_marks for series in self.series)

    @property
    def data_id(self) -> str:
        """The id of the element that holds `data`."""
        return f"{self.id}-data"

    @property
    def data(self) -> dict[str, Any]:
        """What the script draws from; it goes into the page as JSON."""
        return {
            "kind": self.kind,
            "labels": list(self.labels),
            "titles": list(self.titles),
            "platforms": list(self.platforms),
            "series": [
                {"name": s.name, "kind": s.kind, "isMarks": s.is_marks, "values": list(s.values)}
                for s in self.series
            ],
            "unfinished": self.unfinished,
            "breaks": list(self.breaks),
            "marks": [{"index": mark.index, "title": mark.title} for mark in self.marks],
        }

    @property
    def rows(self) -> list[Row]:
        """The rows of the table on the page: of "steps" those where something changed, and the last."""
        rows = self.all_rows
        if self.kind != "steps":
            return rows
        changed = [later for before, later in pairwise(rows) if before.values != later.values]
        return [*rows[:1], *changed, *(rows[-1:] if rows[-1] not in changed[-1:] else ())]

    @property
    def all_rows(self) -> list[Row]:
        """A row for each label."""
        columns = [series.values for series in self.series]
        return [
            Row(
                label=self.titles[index] if self.titles else label,
                start=self.starts[index] if self.starts else None,
                values=[values[index] for values in columns],
                is_unfinished=index == self.unfinished,
            )
            for index, label in enumerate(self.labels)
        ]

    @property
    def table(self) -> Table:
        """The same rows for a file; the bucket that is not over says so in a column of its own."""
        rows: list[list[Cell]] = [[row.start or row.label, *row.values] for row in self.all_rows]
        columns = [self.label_name, *(series.name for series in self.series)]
        if self.unfinished is not None:
            columns.append("So far")
            for row, shown in zip(rows, self.all_rows, strict=True):
                row.append("yes" if shown.is_unfinished else "")
        return Table(columns=columns, rows=rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a chart's table."""

    label: str
    start: datetime | None
    values: Sequence[int | float | None]
    is_unfinished: bool
