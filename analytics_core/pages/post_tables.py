"""Who liked and shared a post, and what was said below it, as tables for files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from analytics_core.exports import Cell, Table
from analytics_core.models import Precision

PEOPLE = ("Handle", "Name", "When", "Time is", "Not before", "Not after")


def people_table(rows: Iterable[Any]) -> Table:
    """Return likes or shares as a table: "When" is empty where the exact time is not known."""
    return Table(columns=PEOPLE, rows=[[row.username, row.display_name, *_times(row)] for row in rows])


def comments_table(rows: Iterable[Any]) -> Table:
    """Return comments as a table, oldest first, with the handle that each answers."""
    found = list(rows)
    handles = {row.comment_id: row.username for row in found}
    return Table(
        columns=(*PEOPLE, "Answers", "Comment"),
        rows=[
            [
                row.username,
                row.display_name,
                *_times(row),
                handles.get(row.in_reply_to_id or "", ""),
                row.content,
            ]
            for row in found
        ],
    )


def _times(row: Any) -> list[Cell]:
    """Return when it happened, how well that is known, and between which moments it lies."""
    is_exact = row.precision == Precision.EXACT
    not_before = row.happened_at if is_exact else row.not_before_at
    return [
        row.happened_at if is_exact else None,
        row.get_precision_display(),
        not_before,
        row.happened_at,
    ]
