"""Pixelfed for the analytics engine."""

from django.apps import AppConfig


class AnalyticsPixelfedConfig(AppConfig):
    """Registers Pixelfed with the engine."""

    name = "analytics_pixelfed"
    verbose_name = "Pixelfed analytics"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the platform."""
        from analytics_core import platforms

        from .platform import PixelfedPlatform

        platforms.register(PixelfedPlatform())
