from django.apps import AppConfig


class TinyConfig(AppConfig):
    name = "tests.tiny"
    label = "tiny"
    default_auto_field = "django.db.models.BigAutoField"
