"""The PostgreSQL server of a load test: its settings, what it kept of statements, its sizes."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import connection

from tests.load.sql import literal, rows, run

SLOW_MS = 50
ROLES = ("web", "worker")
# To fill quickly; a crash loses everything, which is then filled anew.
FILLING = {
    "fsync": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "16GB",
    "shared_buffers": "1GB",
    "work_mem": "256MB",
    "maintenance_work_mem": "1GB",
    "autovacuum": "off",
    "jit": "off",
}
# Those of docs/performance.md for a machine of 8 GB; everything else is as PostgreSQL comes.
SERVING = {
    "shared_buffers": "2GB",
    "effective_cache_size": "5GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "random_page_cost": "1.1",
    "max_wal_size": "4GB",
    "jit": "off",
}
WATCHING = {
    "shared_preload_libraries": "pg_stat_statements",
    # A page waits for the planning too, which can be most of it.
    "pg_stat_statements.track_planning": "on",
    "logging_collector": "on",
    "log_destination": "jsonlog",
    "log_filename": "statements.log",
    "log_rotation_age": "0",
    "log_rotation_size": "0",
    "log_min_duration_statement": f"{SLOW_MS}ms",
    # A few of all, with the values they were called with: to have their plans told afterwards.
    "log_min_duration_sample": "0",
    "log_statement_sample_rate": "0.05",
}
LOG = Path("postgres/data/log/statements.json")


def restart(settings: dict[str, str]) -> None:
    """Start the server anew with these settings and PostgreSQL's own for the rest."""
    run("ALTER SYSTEM RESET ALL")
    for name, value in settings.items():
        run(f"ALTER SYSTEM SET {name} = {literal(value)}")
    connection.close()
    control = os.environ["POSTGRES_CONTROL"]
    # Its output would stay open as long as the server.
    subprocess.run([control, "restart", "-m", "fast"], check=True, stdout=subprocess.DEVNULL)


def huge_pages() -> str:
    """Tell whether the server has its memory in huge pages: it takes them where enough are held ready."""
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:
        return "unknown"
    pages = {name: int(number) for name, number in re.findall(r"HugePages_(\w+):\s+(\d+)", text)}
    return "yes" if pages.get("Rsvd") or pages.get("Free") != pages.get("Total") else "no"


def warm_up() -> None:
    """Have the database in memory, as on a server up for days: in PostgreSQL's own if it has room."""
    run("CREATE EXTENSION IF NOT EXISTS pg_prewarm")
    run(
        "SELECT pg_prewarm(oid, CASE WHEN pg_database_size(current_database()) "
        "< pg_size_bytes(current_setting('shared_buffers')) THEN 'buffer' ELSE 'read' END) "
        "FROM pg_class WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace"
    )


def watch(folder: Path) -> None:
    """Forget what was measured, and make a role for each kind of process, so that they can be told apart."""
    run("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    for role in ROLES:
        if not rows(f"SELECT 1 FROM pg_roles WHERE rolname = {literal(role)}"):
            run(f"CREATE ROLE {role} LOGIN SUPERUSER")
    (folder / LOG).write_text("")
    run("SELECT pg_stat_statements_reset()")


def url_of(role: str) -> str:
    """The address of the database for a role."""
    return os.environ["DATABASE_URL"].replace("//postflow@", f"//{role}@")


def logged(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield logged statements: role, query_id, ms, text."""
    with (folder / LOG).open() as lines:
        for line in lines:
            entry = json.loads(line)
            words = entry.get("message", "").split(" ms  statement: ", 1)
            if len(words) == 2 and entry.get("user") in ROLES:
                yield {
                    "role": entry["user"],
                    "query_id": entry.get("query_id"),
                    "ms": float(words[0].removeprefix("duration: ")),
                    "text": words[1],
                }


def statements(role: str, *, order: str, limit: int) -> list[dict[str, Any]]:
    """Return a role's statements on PostFlow's tables, those with most `calls` or `total` time first.

    Times are in milliseconds, of planning and executing together; none took longer than `most`.
    """
    names = ("query_id", "calls", "mean", "most", "share", "text")
    found = rows(
        "SELECT queryid, calls, mean_plan_time + mean_exec_time, max_plan_time + max_exec_time, "
        "100 * total / sum(total) OVER (), query "
        "FROM (SELECT *, total_plan_time + total_exec_time AS total FROM pg_stat_statements) s "
        "JOIN pg_roles r ON r.oid = s.userid "
        f"WHERE r.rolname = {literal(role)} AND query ~ '\"' ORDER BY {order} DESC LIMIT {limit}"
    )
    return [dict(zip(names, row, strict=True)) for row in found]


def sizes() -> list[tuple[str, int, int, int]]:
    """Return the larger tables: name, rows, bytes of the rows, bytes of the indexes."""
    return rows(
        "SELECT relname, n_live_tup, pg_table_size(relid), pg_indexes_size(relid) FROM pg_stat_user_tables "
        "WHERE n_live_tup > 0 ORDER BY pg_total_relation_size(relid) DESC LIMIT 12"
    )


def index_sizes(table: str) -> list[tuple[str, int]]:
    """Return a table's indexes and their bytes, the largest first."""
    return rows(
        "SELECT indexrelname, pg_relation_size(indexrelid) FROM pg_stat_user_indexes "
        f"WHERE relname = {literal(table)} ORDER BY 2 DESC"
    )


def database_size() -> int:
    """Return the bytes of all of the database."""
    return rows("SELECT pg_database_size(current_database())")[0][0]
