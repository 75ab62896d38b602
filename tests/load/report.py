"""Tells what a load test measured: tables as Markdown, and sentences for what is not as it has to be."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.load import plans, server

PAGE_MS = 300
# A password's hash is slow on purpose, so signing in is measured and not held to it.
NOT_HELD = ("signing in",)
# The 95th percentile of fewer is the slowest of them.
LEAST_REQUESTS = 20
PLAN_LINES, PLAN_WIDTH = 16, 150


def make(facts: dict[str, Any], *, folder: Path) -> tuple[str, list[str]]:
    """Return the report as Markdown, and what breaks the limits."""
    parts, wrong = [_setup(facts), _sizes()], []
    if "pages" in facts:
        parts += [_pages(facts), _statements(facts), _slow(facts), _plans(facts)]
        wrong = _wrong(facts)
    return "\n\n".join(parts) + "\n", wrong


def _wrong(facts: dict[str, Any]) -> list[str]:
    wrong = [*facts["wrong"]]
    for page in facts["pages"]:
        if page["failures"]:
            wrong.append(f"{page['name']}: {page['failures']} failures")
        is_held = page["name"] not in NOT_HELD and page["requests"] >= LEAST_REQUESTS
        if is_held and page["p95"] >= PAGE_MS:
            wrong.append(f"{page['name']}: p95 of {page['p95']:.0f} ms")
    if facts["hour"]["errors"]:
        wrong.append(f"the hourly run met {facts['hour']['errors']} errors")
    if not facts["hour"]["requests"]:
        wrong.append("the hourly run did nothing meanwhile")
    wrong += [
        f"a page waited {each['ms']:.0f} ms, {len(same)} of them {server.SLOW_MS} or more, for: "
        f"{shortened(each['text'])}"
        for each, same in _slowest(facts["slow"])
        if each["role"] == "web"
    ]
    return wrong


def _slowest(slow: list[dict[str, Any]]) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """The slowest call of each statement with all its slow calls, the slowest statement first."""
    by_statement: dict[Any, list[dict[str, Any]]] = {}
    for each in sorted(slow, key=lambda each: -each["ms"]):
        by_statement.setdefault((each["role"], each["query_id"]), []).append(each)
    return [(same[0], same) for same in by_statement.values()]


def _setup(facts: dict[str, Any]) -> str:
    options = facts["options"]
    lines = [
        f"Measured on {facts['date']}: {facts['machine']}, on which everything ran, the readers included.",
        f"{options['users']} users, {options['months']} months, {options['hosts']} instances.",
    ]
    if facts["fill"] is not None:
        lines.append(f"Filled in {facts['fill'] / 60:.1f} minutes.")
    settings = ", ".join(f"{name} = {value}" for name, value in facts["settings"].items())
    lines.append(f"PostgreSQL: {settings}. Huge pages: {facts['huge pages']}.")
    return "\n".join(lines)


def _sizes() -> str:
    lines = [
        f"Database: {gb(server.database_size())}.",
        "",
        table(
            ["table", "rows", "rows' bytes", "indexes' bytes", "bytes a row, with indexes"],
            [
                [name, f"{count:,}", gb(own), gb(indexes), f"{(own + indexes) / count:.0f}"]
                for name, count, own, indexes in server.sizes()
            ],
        ),
    ]
    for name in ("analytics_pixelfed_like", "analytics_core_personspan"):
        own = ", ".join(f"{index} {gb(size)}" for index, size in server.index_sizes(name))
        lines += ["", f"Indexes of {name}: {own}."]
    return "\n".join(lines)


def _pages(facts: dict[str, Any]) -> str:
    pages = sorted(facts["pages"], key=lambda page: -(page["p95"] or 0))
    counted = [page for page in pages if page["name"] != "picture"]
    hour, options = facts["hour"], facts["options"]
    requests = sum(page["requests"] for page in counted)
    pictures = sum(page["requests"] for page in pages) - requests
    return "\n".join(
        [
            f"{options['readers']} readers, {options['think']} seconds between two pages of each: "
            f"{requests:,} requests and {pictures:,} pictures in {facts['seconds']:.0f} s, "
            f"{(requests + pictures) / max(facts['seconds'], 1):.0f} a second, "
            f"{sum(page['failures'] for page in pages)} failures.",
            f"Meanwhile the worker read {hour['accounts_processed']} of {hour['accounts_due']} accounts with "
            f"{hour['requests']:,} requests and stored {hour['total_new_likes']:,} new likes, "
            f"{hour['errors']} errors.",
            "",
            table(
                ["page", "requests", "failures", "median ms", "p95 ms", "p99 ms", "slowest ms"],
                [
                    [
                        page["name"],
                        f"{page['requests']:,}",
                        page["failures"],
                        *(f"{page[key]:.0f}" for key in ("p50", "p95", "p99", "most")),
                    ]
                    for page in pages
                ],
            ),
        ]
    )


def _statements(facts: dict[str, Any]) -> str:
    parts = []
    for role, listed in facts["frequent"].items():
        rows = []
        for each in listed:
            plan = facts["plans"].get(each["query_id"])
            blocks, scans = plans.in_words(plan["plan"]) if plan else ("", "")
            times = [f"{each['calls']:,}", f"{each['mean']:.2f}", f"{each['most']:.1f}"]
            rows.append([*times, f"{each['share']:.0f} %", blocks, scans, shortened(each["text"])])
        head = ["calls", "mean ms", "slowest ms", "of its time", "blocks", "read by", "statement"]
        parts.append(f"The most frequent statements of {role}:\n\n" + table(head, rows))
    return "\n\n".join(parts)


def _slow(facts: dict[str, Any]) -> str:
    if not facts["slow"]:
        return f"No statement took {server.SLOW_MS} ms or longer."
    rows = [
        [each["role"], len(same), f"{each['ms']:.0f}", shortened(each["text"])]
        for each, same in _slowest(facts["slow"])
    ]
    return f"Statements of {server.SLOW_MS} ms and longer:\n\n" + table(
        ["of", "times", "slowest ms", "statement"], rows
    )


def _plans(facts: dict[str, Any]) -> str:
    parts = ["The statements that took most of the pages' time in the database:"]
    for each in facts["heaviest"]:
        if plan := facts["plans"].get(each["query_id"]):
            lines = [line[:PLAN_WIDTH] for line in plan["plan"]]
            if len(lines) > PLAN_LINES:
                lines = [*lines[: PLAN_LINES - 1], "  ...", lines[-1]]
            parts.append(
                f"{each['share']:.0f} % of it, {each['calls']:,} calls of {each['mean']:.1f} ms, "
                f"the slowest {each['most']:.0f} ms: {shortened(plan['text'])}"
            )
            parts.append("```\n" + "\n".join(lines) + "\n```")
    return "\n\n".join(parts)


def all_plans(found: dict[Any, dict[str, Any]]) -> str:
    """Return all plans in full, below their statements."""
    return "\n\n".join(f"{each['text']}\n\n" + "\n".join(each["plan"]) for each in found.values())


def shortened(text: str) -> str:
    """Return a statement in one line, without its lists of columns."""
    text = " ".join(text.split())
    text = re.sub(r'"(\w+)"', r"\1", text)
    text = re.sub(r"(SELECT(?: DISTINCT)?) (?:\w+\.)?\w+(?: AS \w+)?, .*? FROM ", r"\1 ... FROM ", text)
    text = re.sub(r"\((?:\$?\d+|'[^']*')(?:, (?:\$?\d+|'[^']*'))+(?: /\*.*?\*/)?\)", "(...)", text)
    return (text if len(text) <= 220 else text[:217] + "...").replace("|", "\\|")


def gb(size: int) -> str:
    """Return a number of bytes in words."""
    return f"{size / 2**30:.2f} GB" if size >= 2**28 else f"{size / 2**20:.1f} MB"


def table(head: list[str], rows: list[list[Any]]) -> str:
    """Return a Markdown table; numbers stand at the right."""
    is_number = [all(re.match(r"[-\d.,]+( %|$)", str(row[n])) for row in rows) for n in range(len(head))]
    lines = [head, ["---:" if number else "---" for number in is_number], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
