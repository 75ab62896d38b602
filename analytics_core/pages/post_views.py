"""The page of one post, for any platform: a platform's own view calls it with its name."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone

from analytics_core import exports, selectors
from analytics_core.counts import KindCount, counts_explanation
from analytics_core.models import KINDS
from analytics_core.pages import pictures, post_curve, post_tables
from analytics_core.pages.responses import page_or_part, wanted_part
from analytics_core.platforms import Platform
from analytics_core.selectors import post as reading
from analytics_core.utils import count_days

TEMPLATE = "analytics_core/post.html"
TAKEN_BACK = "taken_back"
PARTS = (*KINDS, TAKEN_BACK)
FILES = (*KINDS, "curve")


def post_page(request: HttpRequest, platform: Platform, post_id: int, template: str) -> HttpResponse:
    """Show everything about one post of the signed-in user: the page, a list of it, or a table as a file."""
    own = selectors.own_posts(request.user, platform=platform).select_related("engagement_summary", "account")
    post = get_object_or_404(own, pk=post_id)
    for part in FILES:
        if wanted := exports.wanted(request.GET, part=part):
            return _file(post, part=part, wanted=wanted)
    part = wanted_part(request, PARTS)
    counts = reading.post_counts(post)
    lists = _lists(request, post, counts, part)
    pages = {kind: page.number for kind, page in lists.items()}
    context: dict[str, Any] = {
        "post": post,
        "platform": platform,
        "post_id": post.pk,
        "counts": counts,
        "kinds": KINDS,
        **lists,
        "files": {kind: exports.addresses(request.path, query={}, part=kind) for kind in KINDS},
        # What HTMX does not ask for keeps the page that the address names.
        "query": {
            f"{kind}_page": number
            for kind in KINDS
            if (number := pages.get(kind) or _asked(request, kind)) > 1
        },
        "taken_back_count": sum(count.taken_back for count in counts.values()),
        "taken_back": _taken_back(request, post, part),
    }
    if not part:
        context |= _whole(request, post, platform, counts)
    response = page_or_part(request, template, context, parts_template=TEMPLATE, part=part)
    return pictures.allow_pictures(request, response, [context.get("large_picture", "")])


def _whole(
    request: HttpRequest, post: Any, platform: Platform, counts: dict[str, KindCount]
) -> dict[str, Any]:
    """Return what the lists do without: the picture, the curve, how the account is doing."""
    events = reading.post_events(post)
    csv_url, json_url = exports.addresses(request.path, query={}, part="curve")
    return {
        "connected": [reading.post_account(post, platform=platform)],
        "large_picture": _large_picture(post),
        "timeline": count_days(post, events),
        "curve": post_curve.curve(
            post, events, counts=counts, now=timezone.now(), csv_url=csv_url, json_url=json_url
        ),
        "explanation": counts_explanation(counts),
        "is_known": all(count.is_known for count in counts.values()),
        "is_empty": not any(count.value for count in counts.values()),
    }


def _lists(request: HttpRequest, post: Any, counts: dict[str, KindCount], part: str) -> dict[str, Any]:
    """Return the page of each list that is shown."""
    shown = [kind for kind in KINDS if part in ("", kind)]
    return {
        kind: reading.threads_page(post, number=request.GET.get(f"{kind}_page"))
        if kind == "comments"
        else reading.people_page(
            post, kind=kind, number=request.GET.get(f"{kind}_page"), count=counts[kind].value
        )
        for kind in shown
    }


def _asked(request: HttpRequest, kind: str) -> int:
    try:
        return min(max(int(request.GET.get(f"{kind}_page", "1")), 1), 10**6)
    except ValueError:
        return 1


def _taken_back(request: HttpRequest, post: Any, part: str) -> list[dict[str, Any]] | None:
    """Return who took something back, if the owner asks for names; None: only how many is shown."""
    is_asked = part == TAKEN_BACK or (not part and "refresh" not in request.GET)
    return reading.taken_back(post) if is_asked and request.GET.get(TAKEN_BACK) else None


def _large_picture(post: Any) -> str:
    """Return the address at the instance; "" where our own small picture is all there is or is left."""
    if post.missing_since_at and post.picture:
        return ""
    return pictures.large_picture(post)


def _file(post: Any, *, part: str, wanted: str) -> HttpResponse:
    name = f"postflow-post-{post.pk}-{part}"
    if part == "comments":
        table = post_tables.comments_table(post.comments.current().iterator())
    elif part == "curve":
        counts, events = reading.post_counts(post), reading.post_events(post)
        chart = post_curve.curve(post, events, counts=counts, now=timezone.now())
        table = chart.table if chart else exports.Table(columns=["Age"], rows=[])
    else:
        table = post_tables.people_table(reading.people(post, kind=part))
    return exports.respond(table, wanted=wanted, name=name)
