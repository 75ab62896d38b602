"""Tables as files: CSV that a spreadsheet opens without running anything, and JSON of the same rows."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, JsonResponse
from django.utils import timezone

type Cell = str | int | float | date | datetime | None

FORMATS = ("csv", "json")
# A spreadsheet takes a cell that starts so for a formula, some after white space, some in full width too.
_CONTROLS = ("\t", "\r", "\n")
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under named columns. Moments are written with their offset; None is an empty cell, or null."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def addresses(path: str, *, query: Mapping[str, Any], part: str = "") -> tuple[str, str]:
    """Return the addresses of a table as CSV and as JSON.

    Args:
        path: the page that shows the table.
        query: the page's choices, such as a form's `query`.
        part: which table, where the page has several.
    """
    rest = {**query, "part": part} if part else dict(query)
    csv_url, json_url = (f"{path}?{urlencode({**rest, 'format': wanted})}" for wanted in FORMATS)
    return csv_url, json_url


def wanted(asked: Mapping[str, Any], *, part: str = "") -> str:
    """Return the format that a query string asks for; "" for a page, and for a table other than `part`."""
    found = asked.get("format")
    return str(found) if found in FORMATS and asked.get("part", "") == part else ""


def respond(table: Table, *, wanted: str, name: str) -> HttpResponse:
    """Return the table as a file.

    Args:
        wanted: one of `FORMATS`.
        name: the file's name without its ending; the day is added.
    """
    response = _json(table) if wanted == "json" else _csv(table)
    filename = f"{name}-{timezone.localdate():%Y-%m-%d}.{wanted}"
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def _csv(table: Table) -> HttpResponse:
    # The mark at the beginning tells spreadsheets that this is UTF-8.
    response = HttpResponse("\N{ZERO WIDTH NO-BREAK SPACE}", content_type="text/csv; charset=utf-8")
    writer = csv.writer(response)
    writer.writerow(map(safe_cell, table.columns))
    writer.writerows(map(safe_cell, row) for row in table.rows)
    return response


def _json(table: Table) -> HttpResponse:
    rows = [dict(zip(table.columns, map(plain, row), strict=True)) for row in table.rows]
    return JsonResponse({"columns": list(table.columns), "rows": rows}, json_dumps_params={"indent": 1})


def plain(cell: Cell) -> str | int | float | None:
    """Return a cell as text or number; a moment in ISO form with the offset of the active time zone."""
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    if isinstance(cell, datetime):
        return timezone.localtime(cell).isoformat(timespec="seconds")
    return cell.isoformat() if isinstance(cell, date) else cell


def safe_cell(cell: Cell) -> str | int | float:
    """Return a cell for CSV; a text that a spreadsheet would run gets an apostrophe before it."""
    value = plain(cell)
    if isinstance(value, str):
        is_risky = value.startswith(_CONTROLS) or value.lstrip().startswith(_FORMULA)
        return f"'{value}" if is_risky else value
    return "" if value is None else value
