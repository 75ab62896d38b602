"""The Pixelfed pages: the pages of every platform, for this one."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from analytics_core import platforms, views
from analytics_core.pages import post_views, refresh

from .platform import PixelfedPlatform


@require_safe
@login_required
@never_cache
def pixelfed_dashboard(request: HttpRequest) -> HttpResponse:
    """Show the signed-in user's Pixelfed posts."""
    return views.platform_dashboard(
        request, platforms.get(PixelfedPlatform.name), "analytics_pixelfed/dashboard.html"
    )


@require_safe
@login_required
@never_cache
def post_detail(request: HttpRequest, post_id: int) -> HttpResponse:
    """Show one of the signed-in user's Pixelfed posts."""
    platform = platforms.get(PixelfedPlatform.name)
    return post_views.post_page(request, platform, post_id, "analytics_pixelfed/post_detail.html")


@require_POST
@login_required
@never_cache
def refresh_analytics(request: HttpRequest) -> HttpResponse:
    """Read the signed-in user's Pixelfed accounts, or one post, now."""
    return refresh.refresh(request, platforms.get(PixelfedPlatform.name))


@require_safe
@login_required
@never_cache
def refresh_state(request: HttpRequest, refresh_id: str) -> HttpResponse:
    """Show how far a reading has got that the signed-in user asked for."""
    return refresh.show_state(request, platforms.get(PixelfedPlatform.name), refresh_id)
