"""Operations of migrations on tables that may hold millions of rows: nobody waits for them.

PostgreSQL builds and drops an index beside readers and writers, though not within a transaction: a migration
with one of these says `atomic = False`. Other databases do it the plain way.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations


class AddIndex(migrations.AddIndex):
    """Add an index while the table goes on being written."""

    atomic = False

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Build it; one that an interrupted try left behind has to be dropped by hand first."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            schema_editor.add_index(model, self.index, **_beside(schema_editor))

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Drop it."""
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            schema_editor.remove_index(model, self.index, **_beside(schema_editor))


class DropIndexOfKey(migrations.AlterField):
    """Take the index of its own from a foreign key, whose `field` now says `db_index=False`.

    The plain way checks the key of every row anew, and keeps writers out meanwhile.
    """

    atomic = False

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Drop the index."""
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            for name in _indexes_of(schema_editor, model, model._meta.get_field(self.name).column):
                # Names are our own, made by Django.
                beside = "CONCURRENTLY " if _beside(schema_editor) else ""
                schema_editor.execute(f"DROP INDEX {beside}IF EXISTS {schema_editor.quote_name(name)}")

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Build it again, under the name that Django gives it."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            for statement in schema_editor._field_indexes_sql(model, model._meta.get_field(self.name)):
                text = str(statement)
                if _beside(schema_editor):
                    text = text.replace("CREATE INDEX ", "CREATE INDEX CONCURRENTLY ", 1)
                schema_editor.execute(text)


def _indexes_of(schema_editor: Any, model: Any, column: str) -> list[str]:
    """Return the plain indexes of one column alone."""
    with schema_editor.connection.cursor() as cursor:
        found = schema_editor.connection.introspection.get_constraints(cursor, model._meta.db_table)
    return [
        name
        for name, facts in found.items()
        if facts["index"] and not facts["unique"] and facts["columns"] == [column]
    ]


def _beside(schema_editor: Any) -> dict[str, bool]:
    return {"concurrently": True} if schema_editor.connection.vendor == "postgresql" else {}
