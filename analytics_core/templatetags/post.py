"""What the page of one post needs to say it in words."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import template

from analytics_core.templatetags.analytics import headline

register = template.Library()


@register.filter
def web_address(url: str) -> str:
    """Return an address that a link may lead to, as the instance gave it; "" for anything but the web's."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname else ""


@register.filter
def singular(kind: str) -> str:
    """Return the name of one of a kind: "like" for "likes"."""
    return kind.removesuffix("s")


@register.filter
def caption_below(post: Any) -> str:
    """Return what of a post's caption the page's heading does not say already."""
    lines = post.caption.strip().splitlines()
    is_said = bool(lines) and lines[0].strip() == headline(post)
    return "\n".join(lines[1:] if is_said else lines).strip()
