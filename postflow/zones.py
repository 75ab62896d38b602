"""Time zones, as people find them."""

from __future__ import annotations

import zoneinfo
from datetime import datetime
from functools import cache

# The others are older names of the same zones, or files that are no zone.
REGIONS = {
    "Africa", "America", "Antarctica", "Arctic", "Asia",
    "Atlantic", "Australia", "Europe", "Indian", "Pacific",
}  # fmt: skip


@cache
def names() -> tuple[str, ...]:
    """Return the names to choose from, such as Europe/Berlin, and UTC."""
    return (
        "UTC",
        *sorted(name for name in zoneinfo.available_timezones() if name.partition("/")[0] in REGIONS),
    )


def choices(now: datetime) -> list[tuple[str, str]]:
    """Return each name with the time it is there at the moment `now`, such as "14:05"."""
    return [(name, f"{now.astimezone(zoneinfo.ZoneInfo(name)):%H:%M}") for name in names()]


def find(text: str) -> list[str]:
    """Return the names that `text` may mean: the very name in any case, else those whose place it is.

    "europe/berlin" and "berlin" are Europe/Berlin, "new york" is America/New_York.
    """
    if text in zoneinfo.available_timezones():
        return [text]
    wanted = "_".join(text.split()).casefold()
    exact = [name for name in names() if name.casefold() == wanted]
    return exact or [name for name in names() if name.casefold().rpartition("/")[2] == wanted]
