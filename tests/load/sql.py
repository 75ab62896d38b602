"""Small helpers for statements that fill whole tables: values for every column, indexes after the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.management.color import no_style
from django.db import connection, models
from psycopg import sql


def run(statement: str) -> int:
    """Run one statement as it stands; returns how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, None)
        return cursor.rowcount


def rows(statement: str) -> list[tuple[Any, ...]]:
    """Return all rows of one query."""
    with connection.cursor() as cursor:
        cursor.execute(statement, None)
        return cursor.fetchall()


def literal(value: Any) -> str:
    """Return a Python value as it stands in a statement."""
    connection.ensure_connection()
    return sql.Literal(value).as_string(connection.connection)


def chance(key: str, salt: str | int, sides: str | int) -> str:
    """Return an expression for a whole number from 0 to `sides` - 1: the same for the same key and salt."""
    return f"((hashint8(({key})::bigint * 1009 + ({salt})) & 2147483647) % ({sides}))"


def insert(model: type[models.Model], values: dict[str, str], source: str) -> int:
    """Insert a row of `values`, expressions by column, for each row of `source`.

    Columns that are not named take what the model itself would give them.
    """
    table = model._meta
    given = dict(values)
    for field in table.concrete_fields:
        if field.column in given or field.primary_key:
            continue
        if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
            given[field.column] = "now()"
        else:
            given[field.column] = literal(field.get_db_prep_save(field.get_default(), connection))
    unknown = set(given) - {field.column for field in table.concrete_fields}
    assert not unknown, f"{table.db_table} has no {unknown}"
    return run(
        f"INSERT INTO {table.db_table} ({', '.join(given)}) SELECT {', '.join(given.values())} FROM {source}"
    )


@contextmanager
def without_indexes(*tables: type[models.Model]) -> Iterator[None]:
    """Drop the indexes and constraints of these tables but for the primary key, and make them at the end."""
    names = literal([model._meta.db_table for model in tables])
    kept = rows(
        "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint "
        f"WHERE conrelid::regclass::text = ANY({names}) AND contype IN ('u', 'p')"
    )
    for table, name, _ in kept:
        run(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    indexes = rows(f"SELECT quote_ident(indexname), indexdef FROM pg_indexes WHERE tablename = ANY({names})")
    for name, _ in indexes:
        run(f"DROP INDEX {name}")
    yield
    for _, definition in indexes:
        run(definition)
    for table, name, definition in kept:
        run(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")


@contextmanager
def without_foreign_keys() -> Iterator[None]:
    """Look up no foreign key of what is inserted: a statement's own sources hold them."""
    run("SET session_replication_role = replica")
    try:
        yield
    finally:
        run("SET session_replication_role = DEFAULT")


def move_sequences(*tables: type[models.Model]) -> None:
    """Let keys go on behind those that were given."""
    for statement in connection.ops.sequence_reset_sql(no_style(), list(tables)):
        run(statement)


def count(tables: Sequence[type[models.Model]]) -> int:
    """Return how many rows some tables have together."""
    return sum(model._default_manager.count() for model in tables)
