"""Pixelfed for the analytics engine."""

from django.apps import AppConfig


class AnalyticsPixelfedConfig(AppConfig):
    """Registers Pixelfed with the engine."""

    name = "analytics_pixelfed"
    verbose_name = "Pixelfed analytics"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the platform, and in a process that serves see to it that the hourly task waits."""
        from analytics_core import platforms
        from analytics_core.engine import hourly

        from .platform import PixelfedPlatform
        from .tasks import fetch_all_pixelfed_engagement

        platforms.register(PixelfedPlatform())
        hourly.schedule_when_serving(fetch_all_pixelfed_engagement)
