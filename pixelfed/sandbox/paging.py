"""Limits, cursors and Link headers, in the recorded manner and in Mastodon's."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from urllib.parse import urlencode

from pixelfed.sandbox.answers import Request, invalid
from pixelfed.sandbox.entities import Dialect


def encode_cursor(row: int, *, older: bool) -> str:
    """Return the opaque cursor that leads on from row `row`."""
    text = json.dumps({"id": row, "_pointsToNextItems": older}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[int, bool] | None:
    """Return row and direction of a cursor; None for one that means nothing (it gives page 1 again)."""
    try:
        value = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return int(value["id"]), bool(value["_pointsToNextItems"])
    except (ValueError, TypeError, KeyError):
        return None


def whole_number(request: Request, name: str, *, lowest: int = 0) -> int | None:
    """Return a parameter as a number; None if it is absent, empty or 0; junk is a validation error."""
    value = request.get(name).strip()
    if not value:
        return None
    words = name.replace("_", " ")
    if not value.lstrip("-").isdigit():
        raise invalid(name, f"The {words} must be an integer.")
    if int(value) < lowest:
        raise invalid(name, f"The {words} must be at least {lowest}.")
    return int(value) or None


def page_limit(
    request: Request, dialect: Dialect, *, default: int, highest: int, refuse_above: bool = False
) -> int:
    """Return the page size: capped, or refused above the highest where the server does so (surprise 4)."""
    if dialect.mastodon_errors:
        value = request.get("limit")
        return max(1, min(int(value), highest)) if value.isdigit() else default
    if not request.has("limit"):
        return default
    limit = whole_number(request, "limit", lowest=1)
    if limit is None:
        raise invalid("limit", "The limit must be at least 1.")
    if limit > highest and refuse_above:
        raise invalid("limit", f"The limit may not be greater than {highest}.")
    return min(limit, highest)


def cursor_page[Row](
    rows: Sequence[Row],
    row_id: Callable[[Row], int],
    request: Request,
    limit: int,
    address: str,
) -> tuple[list[Row], str]:
    """Cut one page out of `rows` (newest first) and return it with its Link header.

    The rels are swapped: "prev" leads to the OLDER page, "next" back to the newer one (surprise 1).
    """
    cursor = decode_cursor(request.get("cursor")) if request.has("cursor") else None
    if cursor is None:
        start = 0
    elif cursor[1]:
        start = next((place for place, row in enumerate(rows) if row_id(row) < cursor[0]), len(rows))
    else:
        end = next((place for place, row in enumerate(rows) if row_id(row) <= cursor[0]), len(rows))
        start = max(0, end - limit)
    page = list(rows[start : start + limit])
    kept = [(name, value) for name, value in request.query if name != "cursor"]

    def link(row: Row, *, older: bool) -> str:
        query = urlencode([*kept, ("cursor", encode_cursor(row_id(row), older=older))])
        return f'<{address}?{query}>; rel="{"prev" if older else "next"}"'

    links = []
    if page and start > 0:
        links.append(link(page[0], older=False))
    if page and start + limit < len(rows):
        links.append(link(page[-1], older=True))
    return page, ", ".join(links)


def id_page[Row](
    rows: Sequence[Row],
    row_id: Callable[[Row], int],
    request: Request,
    limit: int,
    address: str,
    *,
    newer: str = "since_id",
) -> tuple[list[Row], str]:
    """Cut one page in Mastodon's way: `next` is older and there only when the page is full (api-facts 3)."""
    highest, since, lowest = (_number(request, name) for name in ("max_id", "since_id", "min_id"))
    chosen = [
        row
        for row in rows
        if (not highest or row_id(row) < highest)
        and (not since or row_id(row) > since)
        and (not lowest or row_id(row) > lowest)
    ]
    page = chosen[-limit:] if lowest else chosen[:limit]
    kept = [
        (name, value)
        for name, value in request.query
        if name not in ("max_id", "since_id", "min_id", "limit", "cursor")
    ]

    def link(name: str, row: Row, rel: str) -> str:
        query = urlencode([("limit", limit), (name, row_id(row)), *kept])
        return f'<{address}?{query}>; rel="{rel}"'

    links = []
    if len(page) == limit:
        links.append(link("max_id", page[-1], "next"))
    if page:
        links.append(link(newer, page[0], "prev"))
    return page, ", ".join(links)


def _number(request: Request, name: str) -> int:
    value = request.get(name)
    return int(value) if value.isdigit() else 0
