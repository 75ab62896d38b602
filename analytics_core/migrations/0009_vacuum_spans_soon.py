from typing import Any

from django.db import migrations

# The database would wait for a fifth of the table: months, in which pages look at its newest rows one by one.
ROWS = 50_000
SETTINGS = {
    "autovacuum_vacuum_scale_factor": 0,
    "autovacuum_vacuum_threshold": ROWS,
    "autovacuum_vacuum_insert_scale_factor": 0,
    "autovacuum_vacuum_insert_threshold": ROWS,
}


def tell(apps: Any, schema_editor: Any) -> None:
    words = ", ".join(f"{name} = {value}" for name, value in SETTINGS.items())
    _alter(apps, schema_editor, f"SET ({words})")


def forget(apps: Any, schema_editor: Any) -> None:
    _alter(apps, schema_editor, f"RESET ({', '.join(SETTINGS)})")


def _alter(apps: Any, schema_editor: Any, what: str) -> None:
    if schema_editor.connection.vendor == "postgresql":
        table = apps.get_model("analytics_core", "PersonSpan")._meta.db_table
        schema_editor.execute(f"ALTER TABLE {schema_editor.quote_name(table)} {what}")


class Migration(migrations.Migration):
    """Tidy the table of who engaged when every day or two, so that its index alone tells of the last days too."""

    dependencies = [
        ("analytics_core", "0008_person_span_indexes"),
    ]

    operations = [
        migrations.RunPython(tell, forget),
    ]
