"""The analytics engine: it reads, keeps and shows engagement, and names no platform."""

from django.apps import AppConfig


class AnalyticsCoreConfig(AppConfig):
    """The engine's app."""

    name = "analytics_core"
    verbose_name = "Analytics"
