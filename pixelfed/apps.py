"""Pixelfed as a connection: accounts on instances, and the sandbox instance."""

from django.apps import AppConfig


class PixelfedConfig(AppConfig):
    """Connections to Pixelfed instances."""

    name = "pixelfed"
    verbose_name = "Pixelfed connections"
