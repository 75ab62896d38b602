from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("postflow", "0004_account_changes"),
    ]

    operations = [
        migrations.AddField(
            model_name="customuser",
            name="news_seen",
            field=models.CharField(blank=True, default="", max_length=20),
        ),
    ]
