"""The pages of a platform that brings none of its own: its dashboard, its posts, its Refresh button."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from analytics_core import views
from analytics_core.pages import post_views, refresh
from analytics_core.platforms import Platform

Page = Callable[..., HttpResponse]


def addresses(platform: Platform) -> list[URLPattern]:
    """Return a platform's addresses, by the names that `Platform.url_namespace` promises."""

    def dashboard(request: HttpRequest) -> HttpResponse:
        return views.platform_dashboard(request, platform, "analytics_core/platform_dashboard.html")

    def post_detail(request: HttpRequest, post_id: int) -> HttpResponse:
        return post_views.post_page(request, platform, post_id, "analytics_core/post.html")

    def refresh_now(request: HttpRequest) -> HttpResponse:
        return refresh.refresh(request, platform)

    def refresh_state(request: HttpRequest, refresh_id: str) -> HttpResponse:
        return refresh.show_state(request, platform, refresh_id)

    return [
        path("", _own(require_safe, dashboard), name="dashboard"),
        path("post/<int:post_id>/", _own(require_safe, post_detail), name="post_detail"),
        path("refresh/", _own(require_POST, refresh_now), name="refresh"),
        path("refresh/<str:refresh_id>/", _own(require_safe, refresh_state), name="refresh_state"),
    ]


def _own(method: Callable[[Page], Page], page: Page) -> Page:
    return method(login_required(never_cache(page)))
