"""Whether this installation can serve, and whether the work behind it goes on.

A word for each check, and nothing about anybody: see docs/decisions/0019-what-ready-means.md.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from analytics_core.engine.status import current_status
from core import beats, outage

OK = "ok"
UNKNOWN = "unknown"
# Without these no page can be right; without the others pages are right and grow old.
VITAL = ("database", "migrations")
WORK = ("schedule", "worker", "accounts")


@dataclass(slots=True)
class Health:
    """The word for each check: "ok", or what is the matter."""

    checks: dict[str, str] = field(default_factory=lambda: dict.fromkeys(VITAL + WORK, UNKNOWN))

    @property
    def status(self) -> str:
        """ "ready", "degraded" where only work behind the pages is late, else "unavailable"."""
        if any(self.checks[name] != OK for name in VITAL):
            return "unavailable"
        return "ready" if set(self.checks.values()) == {OK} else "degraded"

    def is_ok(self, required: Collection[str] = ()) -> bool:
        """Tell whether pages can be served, and these other checks are well too."""
        return all(self.checks[name] == OK for name in (*VITAL, *required))


def current_health() -> Health:
    """Look at everything, in a handful of queries, whatever the number of accounts. An outage is a word."""
    health = Health()
    try:
        connection.ensure_connection()
        health.checks["database"] = OK
        health.checks["migrations"] = OK if _migrations.are_applied() else "pending"
        if health.checks["migrations"] == OK:
            health.checks |= _work()
    except Exception as error:
        if not outage.is_outage(error):
            raise
        health = Health()
        health.checks["database"] = "unreachable"
    return health


def _work() -> dict[str, str]:
    status, now = current_status(), timezone.now()
    is_late = any(platform.is_late(now) for platform in status.platforms)
    return {
        "schedule": "missing" if any(each.is_scheduled is False for each in status.platforms) else OK,
        "worker": OK if beats.workers_alive() else "missing",
        "accounts": "late" if is_late else OK,
    }


class _Migrations:
    """Whether the database has all migrations of this code; once it has, it keeps them."""

    def __init__(self) -> None:
        self._were_applied = False

    def are_applied(self) -> bool:
        """Ask the database until the answer is yes, and not again: the code of a process stays the same."""
        if not self._were_applied:
            executor = MigrationExecutor(connection)
            self._were_applied = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        return self._were_applied


_migrations = _Migrations()
