"""Cuts lists into pages."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator

PAGE_SIZE = 20


def cut(rows: Any, *, number: Any, count: int) -> Page[Any]:
    """Return one page of rows; junk for a number is the first page, past the end is the last.

    Args:
        count: how many rows there are: asking again could disagree with the headline.
    """
    paginator = Paginator(rows, PAGE_SIZE)
    paginator.count = count
    try:
        wanted = max(int(number), 1)
    except (TypeError, ValueError):
        wanted = 1
    return paginator.page(min(wanted, paginator.num_pages))
