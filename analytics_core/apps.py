"""The analytics engine: it reads, keeps and shows engagement, and names no platform."""

from django.apps import AppConfig


class AnalyticsCoreConfig(AppConfig):
    """The engine's app."""

    name = "analytics_core"
    verbose_name = "Analytics"

    def ready(self) -> None:
        """Have the daily totals follow their owner's time zone, and files go with their exports."""
        from analytics_core.engine.archive import delete_file_with_export
        from analytics_core.engine.signals import connect_users

        connect_users()
        delete_file_with_export()
