"""What the database does for the most frequent statements: each is run with the values of a real call."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction

from tests.load import server
from tests.load.sql import rows

SCAN = re.compile(
    r"(?P<kind>(?:Index (?P<only>Only )?|Bitmap (?:Heap|Index) |Seq |Function )Scan)(?: Backward)?"
    r"(?: using (?P<index>\w+))?(?: on (?P<table>\w+))?"
)
NUMBERS = re.compile(r"(?:hit|read)=(\d+)")


def make(statements: Sequence[dict[str, Any]], *, folder: Path) -> dict[Any, dict[str, Any]]:
    """Return text and plan of each statement that was logged, by its id; nothing they change is kept."""
    calls: dict[Any, list[str]] = {}
    for each in server.logged(folder):
        calls.setdefault(each["query_id"], []).append(each["text"])
    found = {}
    for query_id in dict.fromkeys(statement["query_id"] for statement in statements):
        if texts := [
            text
            for text in calls.get(query_id, ())
            if re.match(r"\W*(WITH|SELECT|INSERT|UPDATE|DELETE)\b", text)
        ]:
            text = random.choice(texts)
            # A row that was inserted cannot be once more: such a statement has no plan here.
            with suppress(IntegrityError):
                found[query_id] = {"text": text, "plan": _explain(text)}
    return found


def in_words(plan: list[str]) -> tuple[str, str]:
    """Return how many blocks a plan read, and by which scans, each once."""
    blocks = next((line for line in plan if "Buffers: shared" in line), "")
    found = (SCAN.search(line) for line in plan)
    scans = dict.fromkeys(
        f"index {match['index']}{' alone' if match['only'] else ''}"
        if match["index"]
        else match["kind"].lower() + (f" of {match['table']}" if match["table"] else "")
        for match in found
        if match
    )
    return f"{sum(int(number) for number in NUMBERS.findall(blocks)):,}", ", ".join(scans)


def _explain(text: str) -> list[str]:
    with transaction.atomic():
        lines = [line for (line,) in rows(f"EXPLAIN (ANALYZE, BUFFERS) {text}")]
        transaction.set_rollback(True)
    return lines
