"""Pixelfed for the analytics engine."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_delete


class AnalyticsPixelfedConfig(AppConfig):
    """Registers Pixelfed with the engine."""

    name = "analytics_pixelfed"
    verbose_name = "Pixelfed analytics"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the platform, and in a process that serves see to it that the hourly task waits."""
        from analytics_core import platforms
        from analytics_core.engine import forgetting, hourly
        from pixelfed.models import MastodonAccount

        from .platform import PixelfedPlatform
        from .tasks import fetch_all_pixelfed_engagement

        platforms.register(PixelfedPlatform())

        def forget(instance: MastodonAccount, **kwargs: Any) -> None:
            forgetting.forget_rows(platforms.get(PixelfedPlatform.name), instance.pk)

        # Deleted in the admin or with its user, an account leaves no more behind than when disconnected.
        post_delete.connect(
            forget, sender=MastodonAccount, weak=False, dispatch_uid="analytics_pixelfed.forget"
        )
        hourly.schedule_when_serving(fetch_all_pixelfed_engagement)
