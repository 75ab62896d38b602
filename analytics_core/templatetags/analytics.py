"""What the pages say about posts and platforms."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import reverse
from django.utils import dateformat, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from analytics_core import counts, platforms
from analytics_core.models import Precision
from analytics_core.pages import pictures
from analytics_core.periods import local_day

register = template.Library()
register.filter("photo_address", pictures.address)
register.filter("photo_size", pictures.frame)
register.filter("photo_tone", pictures.tone)
register.filter("photo_absence", pictures.absence)
register.filter("card_counts", counts.card_counts)
register.filter("rate", counts.rate)

# Wider or taller pictures stand in a frame of this shape, whole; photos.css knows each value between.
NARROWEST, WIDEST, STEP = 66, 250, 2


@register.simple_tag(name="platforms")
def all_platforms() -> Iterable[platforms.Platform]:
    """Return the registered platforms."""
    return platforms.all_platforms()


@register.filter
def platform(post: Any) -> platforms.Platform:
    """Return the platform of a post."""
    return platforms.get(post.platform)


@register.filter
def page_address(post: Any) -> str:
    """Return the address of our page about a post."""
    return platforms.get(post.platform).post_detail_url(post.pk)


@register.filter
def refresh_address(platform: platforms.Platform) -> str:
    """Return the address that reads a platform's accounts or posts now."""
    return reverse(f"{platform.url_namespace}:refresh")


@register.filter
def headline(post: Any) -> str:
    """Return what to call a post: the first line of its caption, or what and of when it is."""
    first_line = next((line.strip() for line in post.caption.splitlines() if line.strip()), "")
    if first_line:
        return Truncator(first_line).chars(80)
    return f"{post.get_media_type_display()} of {timezone.localtime(post.posted_at):%-d %B %Y}"


@register.filter
def ratio(post: Any) -> int:
    """Return width / height of a post's picture in hundredths, as a value that photos.css knows."""
    width, height = pictures.frame(post)
    steps = round(100 * width / height / STEP)
    return min(max(steps * STEP, NARROWEST), WIDEST)


@register.simple_tag
def page_link(query: dict[str, Any], name: str, number: int) -> str:
    """Return the query string that keeps a page's choices and turns to page `number` of the list `name`."""
    return f"?{urlencode({**query, name: number})}"


@register.filter
def short_range(choice: str) -> str:
    """Return a range's choice as it fits on a button, such as "30 d"."""
    return {"365": "1 y", "all": "All"}.get(choice, f"{choice} d")


@register.filter
def moment(value: datetime, shape: str = "") -> SafeString:
    """Write a moment as people do, in the active time zone, with the full one behind it.

    Args:
        shape: "day" leaves the time of day out, "time" the day; left out: the time alone where it was today.
    """
    local = timezone.localtime(value)
    is_time_enough = shape == "time" or (not shape and local.date() == timezone.localdate())
    text = dateformat.format(local, "H:i" if is_time_enough else "j M Y" if shape == "day" else "j M Y, H:i")
    full = dateformat.format(local, "l, j F Y, H:i:s T")
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), full, text)


@register.filter
def known_time(event: Any) -> SafeString:
    """Say when something happened, and how well that is known."""
    end = moment(event.happened_at, "full")
    if event.precision == Precision.UNKNOWN:
        return format_html("before {}", end)
    if event.precision == Precision.EXACT:
        return end
    if event.not_before_at is None:
        return format_html("by {}", end)
    if local_day(event.not_before_at) != local_day(event.happened_at):
        return format_html("between {} and {}", moment(event.not_before_at, "full"), end)
    start, end = moment(event.not_before_at, "time"), moment(event.happened_at, "time")
    return format_html("between {} and {}, {}", start, end, moment(event.happened_at, "day"))
