"""What the database does for the most frequent statements: each is run with the values of a real call."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

from django.db import transaction

from tests.load import server
from tests.load.sql import rows

LINE = 160


def make(statements: dict[str, list[dict[str, Any]]], *, folder: Path) -> list[dict[str, Any]]:
    """Return role, text and plan of each statement that was logged; nothing they change is kept."""
    calls: dict[Any, list[str]] = {}
    for each in server.logged(folder):
        calls.setdefault(each["query_id"], []).append(each["text"])
    found = []
    for role, listed in statements.items():
        for statement in listed:
            if texts := calls.get(statement["query_id"]):
                text = random.choice(texts)
                if re.match(r"(WITH|SELECT|INSERT|UPDATE|DELETE|\()", text):
                    found.append({"role": role, "text": text, "plan": _explain(text)})
    return found


def _explain(text: str) -> list[str]:
    with transaction.atomic():
        lines = [line for (line,) in rows(f"EXPLAIN (ANALYZE, BUFFERS) {text}")]
        transaction.set_rollback(True)
    return [line[:LINE] for line in lines]
