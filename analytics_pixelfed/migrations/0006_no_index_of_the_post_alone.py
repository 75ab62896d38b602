import django.db.models.deletion
from django.db import migrations, models

from core.large_tables import DropIndexOfKey


class Migration(migrations.Migration):
    """Likes, comments and shares have two indexes that begin with the post; a third served nobody."""

    atomic = False

    dependencies = [
        ("analytics_pixelfed", "0005_comparison_indexes"),
    ]

    operations = [
        DropIndexOfKey(
            model_name=model_name,
            name="post",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name=related_name,
                to="analytics_pixelfed.pixelfedpost",
            ),
        )
        for model_name, related_name in (
            ("pixelfedlike", "likes"),
            ("pixelfedcomment", "comments"),
            ("pixelfedshare", "shares"),
        )
    ]
