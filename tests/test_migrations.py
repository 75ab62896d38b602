"""Migrations of tables that may hold millions of rows keep nobody waiting, and go back."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader

from core import large_tables

# What was there before anybody had large tables.
OLD = {
    "analytics_core": "0006_failing_since_and_audits",
    "analytics_pixelfed": "0005_comparison_indexes",
}
LARGE = {
    "analytics_core": ["engagementday", "person", "personspan", "persontotal"],
    "analytics_pixelfed": [
        "pixelfedpost",
        "pixelfedlike",
        "pixelfedcomment",
        "pixelfedshare",
        "pixelfedengagementsummary",
    ],
}
# These lock a table for as long as it takes to read all of it.
SLOW = (migrations.AddIndex, migrations.AddConstraint, migrations.AlterUniqueTogether)


def operations():
    loader = MigrationLoader(None)
    for (app, name), migration in loader.disk_migrations.items():
        for operation in migration.operations:
            if app in OLD and name > OLD[app] and getattr(operation, "model_name_lower", "") in LARGE[app]:
                yield migration, operation


def test_the_large_tables_are_all_there() -> None:
    assert [apps.get_model(app, name) for app, names in LARGE.items() for name in names]


def test_no_migration_locks_a_large_table_for_long() -> None:
    for migration, operation in operations():
        if isinstance(operation, (large_tables.AddIndex, large_tables.DropIndexOfKey)):
            assert not migration.atomic, f"{migration} needs atomic = False"
        else:
            assert not isinstance(operation, SLOW), (
                f"{migration} locks a large table: see core/large_tables.py"
            )


@pytest.mark.django_db(transaction=True)
def test_an_index_is_added_beside_everybody_and_goes_again() -> None:
    index = models.Index(fields=["precision"], name="for_a_test")
    operation = large_tables.AddIndex("pixelfedlike", index)
    loader = MigrationLoader(connection)
    before = loader.project_state()
    after = before.clone()
    operation.state_forwards("analytics_pixelfed", after)

    with connection.schema_editor(atomic=False) as editor:
        operation.database_forwards("analytics_pixelfed", editor, before, after)
    assert "for_a_test" in indexes()
    with connection.schema_editor(atomic=False) as editor:
        operation.database_backwards("analytics_pixelfed", editor, after, before)
    assert "for_a_test" not in indexes()


@pytest.mark.django_db(transaction=True)
def test_the_index_of_a_key_comes_back_when_its_migration_is_taken_back() -> None:
    assert ["post_id"] not in columns()
    call_command("migrate", "analytics_pixelfed", OLD["analytics_pixelfed"], verbosity=0)
    try:
        assert ["post_id"] in columns()
    finally:
        call_command("migrate", verbosity=0)
    assert ["post_id"] not in columns()


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL vacuums by itself")
def test_who_engaged_when_is_vacuumed_every_day_or_two() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname = 'analytics_core_personspan'")
        (options,) = cursor.fetchone()
    assert "autovacuum_vacuum_insert_threshold=50000" in options


def indexes():
    with connection.cursor() as cursor:
        return connection.introspection.get_constraints(cursor, "analytics_pixelfed_like")


def columns():
    return [facts["columns"] for facts in indexes().values() if facts["index"] and not facts["unique"]]
