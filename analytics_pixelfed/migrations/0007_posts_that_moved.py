from django.db import migrations, models

from core.large_tables import AddIndex


class Migration(migrations.Migration):
    """Which lists moved was asked of all posts of an account at each visit; this index holds only those."""

    atomic = False

    dependencies = [
        ("analytics_pixelfed", "0006_no_index_of_the_post_alone"),
    ]

    operations = [
        AddIndex(
            model_name="pixelfedpost",
            index=models.Index(
                condition=models.Q(
                    models.Q(
                        ("likes_read_count__isnull", True),
                        ("likes_server_count__lt", models.F("likes_read_count")),
                        ("likes_server_count__gt", models.F("likes_read_count")),
                        ("comments_read_count__isnull", True),
                        ("comments_server_count__lt", models.F("comments_read_count")),
                        ("comments_server_count__gt", models.F("comments_read_count")),
                        ("shares_read_count__isnull", True),
                        ("shares_server_count__lt", models.F("shares_read_count")),
                        ("shares_server_count__gt", models.F("shares_read_count")),
                        _connector="OR",
                    ),
                    ("missing_since_at__isnull", True),
                ),
                fields=["account", "posted_at"],
                name="pixelfedpost_moved",
            ),
        ),
    ]
