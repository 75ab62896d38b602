"""How the pages look to one person: the theme, and calm mode.

A cookie keeps the theme beside the person's own choice: it is what the sign-in page and the error pages know.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from .models import CustomUser

COOKIE = "theme"
COOKIE_SECONDS = 365 * 24 * 60 * 60
Theme = CustomUser.Theme


def cookie_theme(request: HttpRequest) -> str:
    """Return the theme that the browser remembers; "system" without one."""
    theme = request.COOKIES.get(COOKIE, "")
    return theme if theme in Theme.values else Theme.SYSTEM.value


def context(request: HttpRequest) -> dict[str, Any]:
    """Tell templates the `theme` (system, light or dark) and whether numbers are covered (`is_calm`)."""
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return {"theme": user.theme, "is_calm": user.is_calm}
    return {"theme": cookie_theme(request), "is_calm": False}


def remember(request: HttpRequest, response: HttpResponse) -> None:
    """Let the browser keep the signed-in person's theme, where it keeps another one."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or user.theme == cookie_theme(request):
        return
    response.set_cookie(
        COOKIE,
        user.theme,
        max_age=COOKIE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
