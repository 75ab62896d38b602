"""PostFlow itself: its users and the posts they plan."""

from django.apps import AppConfig


class PostflowConfig(AppConfig):
    """The product's app."""

    name = "postflow"
    verbose_name = "PostFlow"
