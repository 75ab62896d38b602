"""What the frame of a page says: how fresh its numbers are, and what is wrong with an account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django import template
from django.utils import dateformat, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from analytics_core.pages import freshness

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
