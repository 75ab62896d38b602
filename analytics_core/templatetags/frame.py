"""What the frame of a page says: how fresh its numbers are, and where to connect an account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils import dateformat, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from analytics_core import freshness
from analytics_core.platforms import Platform

register = template.Library()


@register.simple_tag(name="freshness")
def freshness_of(entries: Sequence[freshness.Connected]) -> freshness.Freshness | None:
    """Return how fresh the numbers of these accounts are together."""
    return freshness.freshness(entries, now=timezone.localtime()) if entries else None


@register.filter
def account_words(entry: freshness.Connected) -> freshness.AccountWords:
    """Return what there is to say about a connected account."""
    return freshness.account_words(entry, now=timezone.localtime())


@register.filter
def clock(moment: datetime) -> SafeString:
    """Write a moment as short as the day allows, with the full one behind it."""
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        local.isoformat(),
        dateformat.format(local, "l, j F Y, H:i T"),
        freshness.clock(moment, timezone.localtime()),
    )


@register.filter
def connect_address(platform: Platform) -> str:
    """Return the address at which staff connect an account of a platform; "" where there is none."""
    return _admin_address(platform.account_model, "add")


@register.filter
def account_address(entry: freshness.Connected) -> str:
    """Return the address at which staff give an account a new access; "" where there is none."""
    return _admin_address(type(entry.account), "change", entry.account.pk)


def _admin_address(model: type[Any], what: str, *args: Any) -> str:
    try:
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{what}", args=args)
    except NoReverseMatch:
        return ""
