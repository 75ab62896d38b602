"""Which pictures a page shows, and from where the browser may load them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.csp import CSP
from django.views.decorators.csp import csp_override

from analytics_core.models import MediaType

# Nothing else may reach the header: a space or semicolon would write policy.
_ORIGIN = re.compile(r"https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?")


def origin(url: str) -> str:
    """Return scheme, host and port of a web address; "" for anything that is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    found = f"{parts.scheme}://{parts.netloc}".lower()
    return found if _ORIGIN.fullmatch(found) else ""


def small_picture(post: Any) -> str:
    """Return the address of a post's picture for lists; "" where there is none to show."""
    if post.media_type == MediaType.VIDEO:
        candidates = [post.thumbnail_url] if post.thumbnail_url != post.media_url else []
    else:
        candidates = [post.thumbnail_url, post.media_url]
    return next((url for url in candidates if origin(url)), "")


def large_picture(post: Any) -> str:
    """Return the address of a post's picture for its own page; "" where there is none to show."""
    if post.media_type != MediaType.VIDEO and origin(post.media_url):
        return str(post.media_url)
    return small_picture(post)


def allow_pictures(request: HttpRequest, response: HttpResponse, urls: Iterable[str]) -> HttpResponse:
    """Let this one response load pictures from the origins of these addresses, and from nowhere else.

    An instance keeps its pictures at its own address or at that of its store, so the pictures themselves
    tell where they are.
    """
    policy: dict[str, Any] = {**(settings.SECURE_CSP or {"default-src": [CSP.SELF]})}
    policy["img-src"] = [*policy.get("img-src", [CSP.SELF]), *sorted({origin(url) for url in urls} - {""})]
    return csp_override(policy)(lambda request: response)(request)
