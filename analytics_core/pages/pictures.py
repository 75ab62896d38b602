"""Which pictures a page shows, and from where the browser may load them: ours, and one large one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.csp import CSP
from django.views.decorators.csp import csp_override

from analytics_core.engine.gallery import origin, sources
from analytics_core.models import MediaType

LONG_SIDE = 640
_BASE83 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"


def address(post: Any) -> str:
    """Return the address of our own small picture of a post; "" while there is none.

    It changes with the picture, so that a browser may keep what it shows for ever.
    """
    if not post.picture:
        return ""
    return f"{reverse('analytics_core:picture', args=[post.platform, post.pk])}?v={version(post.picture)}"


def version(name: str) -> str:
    """Return what tells a stored picture from the one that replaces it."""
    return PurePosixPath(name).stem[:12]


def frame(post: Any) -> tuple[int, int]:
    """Return width and height of a post's picture as we show it, in pixels; 3:2 where nobody tells."""
    if post.picture_width and post.picture_height:
        return post.picture_width, post.picture_height
    if post.media_width and post.media_height:
        shrink = min(1, LONG_SIDE / max(post.media_width, post.media_height))
        return max(1, round(post.media_width * shrink)), max(1, round(post.media_height * shrink))
    return LONG_SIDE, round(LONG_SIDE / 1.5)


def tone(post: Any) -> str:
    """Return the average colour that a post's blurhash tells, such as "#6a7f8c"; "" where it tells none."""
    digits = [_BASE83.find(character) for character in post.blurhash[2:6]]
    if len(post.blurhash) < 6 or -1 in digits:
        return ""
    value = 0
    for digit in digits:
        value = value * len(_BASE83) + digit
    return f"#{value:06x}" if value <= 0xFFFFFF else ""


def absence(post: Any) -> str:
    """Say why there is no picture of a post yet, or none at all."""
    if not sources(post):
        return "no picture to show"
    if not post.picture_problem:
        return "the picture is on its way"
    return f"the picture could not be fetched{' yet' if post.picture_due_at else ''}"


def large_picture(post: Any) -> str:
    """Return the address of a post's picture at its instance; "" where our own small one has to do."""
    return str(post.media_url) if post.media_type != MediaType.VIDEO and origin(post.media_url) else ""


def allow_pictures(request: HttpRequest, response: HttpResponse, urls: Iterable[str]) -> HttpResponse:
    """Let this one response load pictures from the origins of these addresses, and from nowhere else.

    An instance keeps its pictures at its own address or at that of its store, so the pictures themselves
    tell where they are.
    """
    policy: dict[str, Any] = {**(settings.SECURE_CSP or {"default-src": [CSP.SELF]})}
    policy["img-src"] = [*policy.get("img-src", [CSP.SELF]), *sorted({origin(url) for url in urls} - {""})]
    return csp_override(policy)(lambda request: response)(request)
