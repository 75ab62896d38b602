"""What the Refresh button says beside itself."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import Context
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from analytics_core.pages import refresh_state
from analytics_core.platforms import Platform

register = template.Library()


@register.filter
def state_address(state: refresh_state.RefreshState, platform: Platform) -> str:
    """Return the address that tells how far a press has got."""
    return reverse(f"{platform.url_namespace}:refresh_state", args=[state.refresh.pk])


@register.simple_tag(takes_context=True)
def refresh_state_of_page(context: Context) -> refresh_state.RefreshState | None:
    """Return the state that a part was given, else that of the press in the page's address (`?refresh=`).

    A post's page shows no press for another post.
    """
    if "state" in context:
        given: refresh_state.RefreshState | None = context["state"]
        return given
    request = context["request"]
    asked = request.GET.get("refresh", "")
    if not asked:
        return None
    found = refresh_state.own_refresh(request.user, platform=context["platform"], refresh_id=asked)
    if found is None or (found.post_id or "") != context.get("post_id", ""):
        return None
    return refresh_state.state_of(found, connected=context.get("connected") or ())


@register.simple_tag(takes_context=True)
def page_here(context: Context, refresh_id: str = "") -> str:
    """Return the address of the page that the button is on, with its choices and the state of this press."""
    request: Any = context["request"]
    shown = request.get_full_path()
    if getattr(request, "htmx", False):
        # What asks is the part's own address; the browser tells which page it stands on.
        shown = request.htmx.current_url_abs_path or ""
    if not url_has_allowed_host_and_scheme(shown, allowed_hosts=None):
        shown = context["platform"].dashboard_url()
    return refresh_state.address_with(shown, refresh_id)
