from django.db import migrations, models

from core.large_tables import AddIndex


class Migration(migrations.Migration):
    """Who engaged in a time, and when somebody first came, are told by an index alone."""

    atomic = False

    dependencies = [
        ("analytics_core", "0007_forgetting_exports_and_departures"),
    ]

    operations = [
        AddIndex(
            "personspan",
            models.Index(
                fields=["ledger", "span", "starts_on", "person", "likes", "comments", "shares"],
                name="analytics_core_person_sums",
            ),
        ),
        AddIndex(
            "personspan",
            models.Index(
                fields=["person", "ledger", "span", "starts_on"], name="analytics_core_person_first"
            ),
        ),
        migrations.RemoveIndex("personspan", "analytics_core_person_spans"),
    ]
