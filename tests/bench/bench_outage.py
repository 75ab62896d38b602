"""The database is away for a whole minute while a dozen people read: `.ci/postgres make bench`."""

import pytest
from django.db import connection

from tests.test_database_away import house, installation, stop_under_load

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite cannot be stopped")

__all__ = ["house", "installation"]

AWAY_SECONDS, PEOPLE = 60, 12


def test_a_minute_without_the_database(installation, house) -> None:
    seen = stop_under_load(installation, house[0], how="immediate", away_seconds=AWAY_SECONDS, people=PEOPLE)
    print(f"\n{AWAY_SECONDS} s away, {PEOPLE} people: {dict(seen)} answers by status")  # noqa: T201
