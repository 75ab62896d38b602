"""What a dashboard shows: numbers, timeline, photos and people of a range, put together of few queries."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from analytics_core import exports, periods, selectors
from analytics_core.pages import forms
from analytics_core.pages.numbers import numbers
from analytics_core.pages.timeline import MARKS, timeline

BEST = 3


def overview(form: forms.FilterForm, *, page_number: Any, path: str) -> dict[str, Any]:
    """Return what the templates of a dashboard are given, but for the people.

    Numbers and timeline are those of the chosen accounts and range. Kind of media and search words narrow the
    photos down, in the grid and on the timeline: an event is not of one kind or the other.

    Args:
        path: the page's own address, for its files.

    Returns:
        period, days, sort; connected (all accounts) and chosen (those shown); totals, total_posts, page_obj,
        posts and latest_posted_at of the grid; best: up to `BEST` posts with most engagement; numbers and
        timeline; counting: a sentence while days are still those of another time zone. `people` is None:
        they come as a part of their own.
    """
    period, chosen = form.period, form.chosen
    media, search = form.value("media"), form.value("q")
    wanted = selectors.Wanted(period=period, media="" if media == forms.ALL_MEDIA else media, search=search)
    totals = selectors.totals(chosen, wanted=wanted)
    page = selectors.page_of_keys(
        chosen, wanted=wanted, sort=form.value("sort"), number=page_number, count=totals.posts
    )
    marked = selectors.best_keys(chosen, wanted=wanted, limit=MARKS)
    posts = selectors.posts_by_key(chosen, keys=[*page.object_list, *marked])
    page.object_list = [posts[key] for key in page.object_list if key in posts]
    days = selectors.days_of(chosen, period=period)
    followers = selectors.followers_of(chosen, period=period)
    is_filling = any(entry.is_filling for entry in chosen)
    photos = [posts[key] for key in marked if key in posts]
    chart = timeline(period=period, days=days, photos=photos, photos_count=totals.posts)
    csv_url, json_url = exports.addresses(path, query=form.query, part=chart.id)
    found: dict[str, Any] = {
        "best": photos[:BEST],
        "period": period,
        "days": period.days or periods.ALL,
        "sort": form.value("sort"),
        "connected": form.connected,
        "chosen": chosen,
        "totals": totals,
        "total_posts": totals.posts,
        "page_obj": page,
        "posts": page.object_list,
        "numbers": numbers(period=period, days=days, followers=followers, is_filling=is_filling),
        "timeline": replace(chart, csv_url=csv_url, json_url=json_url),
        "counting": _counting(days, page_zone=str(period.zone)),
        "people": None,
    }
    if not totals.posts:
        found["latest_posted_at"] = selectors.latest_posted_at(chosen)
    return found


def people(form: forms.FilterForm) -> dict[str, Any]:
    """Return who engaged in the range: people, people_count and new_people_count.

    They are a part of their own, with the address of the page and `show=people`, or asked for by HTMX: who
    did most among many thousands takes longer than all the rest.
    """
    found = selectors.people(form.chosen, connected=form.connected, period=form.period)
    return {
        "period": form.period,
        "people": found.top,
        "people_count": found.count,
        "new_people_count": found.new_count,
    }


def _counting(days: selectors.Days, *, page_zone: str) -> str:
    """Say that days are still those of another time zone; "" where they are not."""
    others = sorted(days.zones - {page_zone})
    if not others:
        return ""
    whose = f" are still those of {others[0]} and" if others[0] else ""
    return f"Days{whose} are being counted anew. Reload in a minute."
