"""What the dashboards need to say their numbers in words and to lead from one range to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import template
from django.utils import dateformat, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from analytics_core import periods
from analytics_core.pages import forms
from analytics_core.pages.numbers import LEAST_EVENTS, LEAST_SHARE, Number
from analytics_core.periods import Period

register = template.Library()


@register.filter
def in_days(period: Period) -> str:
    """Say which days a range has, such as "24 October to 22 November 2026"."""
    if period.first_day is None or period.last_day is None:
        return f"Until {dateformat.format(period.today, 'j F Y')}"
    return periods.span_words(period.first_day, period.last_day)


@register.filter
def day(moment: datetime) -> SafeString:
    """Write the day of a moment in the active time zone, as short as a page of many photos needs it."""
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}">{}</time>', local.date().isoformat(), dateformat.format(local, "j M Y")
    )


@register.simple_tag
def range_link(form: forms.RangeForm, change: Mapping[str, Any]) -> str:
    """Return the query string that keeps a page's other choices and shows another range."""
    others = {name: value for name, value in form.query.items() if name not in ("days", "from", "to")}
    return f"?{urlencode({**change, **others})}"


@register.filter
def reaching(moment: datetime, period: Period) -> tuple[str, str]:
    """Return the shortest range that holds a moment, as its choice and in words within a sentence."""
    age = (period.today - timezone.localtime(moment, timezone=period.zone).date()).days
    found = next(
        (choice for choice in periods.LABELS if choice != periods.ALL and age < int(choice)), periods.ALL
    )
    return found, periods.period(found).words


@register.simple_tag
def numbers_explanation(numbers: Iterable[Number], *, period: Period) -> list[str]:
    """Return how the numbers at the head of a dashboard are computed, a paragraph each."""
    paragraphs = [
        "Likes, comments and shares count on the day they happened, on photos of any age, in days of "
        f"{period.zone}{_so_far(period)}. What was taken back since is not counted. Followers are those "
        "of the last day that was counted.",
    ]
    if before := period.previous:
        paragraphs.append(
            f"The change compares with {in_days(before)}. It stays grey under {LEAST_SHARE:.0%} and under "
            f"{LEAST_EVENTS} events: chance does as much. Where not all of that time was measured, there is "
            "none."
        )
    paragraphs += [f"{number.label}: {number.note}." for number in numbers if number.note]
    paragraphs.append("The small lines show the last 28 days at most; a gap is a day that nobody knows.")
    return paragraphs


def _so_far(period: Period) -> str:
    return "; today counts so far" if period.is_unfinished else ""
