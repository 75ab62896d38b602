"""Addresses of static files for pages that have to be shown whatever is wrong, such as the 500."""

from django import template
from django.conf import settings
from django.templatetags.static import static

register = template.Library()


@register.simple_tag
def static_or_plain(path: str) -> str:
    """Return the file's address; without its hash where the manifest does not know the file."""
    try:
        return static(path)
    except ValueError:
        return f"{settings.STATIC_URL}{path}"
