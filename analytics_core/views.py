"""The pages, for any platform: a platform's own views call these with its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_htmx.middleware import HtmxDetails

from analytics_core import charts, comparison, forms, periods, pictures, platforms, selectors
from analytics_core.models import KINDS
from analytics_core.platforms import Platform
from analytics_core.status import current_status
from analytics_core.utils import get_engagement_timeline


@require_safe
@login_required
@never_cache
def unified_dashboard(request: HttpRequest) -> HttpResponse:
    """Show the posts of all platforms together."""
    form = forms.FilterForm(request.GET)
    wanted = form.value("platform")
    chosen = [p for p in platforms.all_platforms() if wanted in (forms.ALL_PLATFORMS, p.name)]
    return _dashboard(request, "analytics_core/unified_dashboard.html", chosen, form, {"platform": wanted})


def platform_dashboard(request: HttpRequest, platform: Platform, template: str) -> HttpResponse:
    """Show the posts of one platform."""
    form = forms.FilterForm(request.GET)
    del form.fields["platform"]
    return _dashboard(request, template, [platform], form, {"platform": platform})


def _dashboard(
    request: HttpRequest,
    template: str,
    chosen: Sequence[Platform],
    form: forms.FilterForm,
    extra: dict[str, Any],
) -> HttpResponse:
    period = periods.period(form.value("days"))
    totals = selectors.totals(request.user, platforms=chosen, period=period)
    page = selectors.posts_page(
        request.user,
        platforms=chosen,
        period=period,
        sort=form.value("sort"),
        number=request.GET.get("page"),
        count=totals.posts,
    )
    context = {
        "form": form,
        "period": period,
        "days": period.days or periods.ALL,
        "sort": form.value("sort"),
        "totals": totals,
        "total_posts": totals.posts,
        "page_obj": page,
        "posts": page.object_list,
        "connected": selectors.connected_accounts(request.user, platforms=chosen),
        **extra,
    }
    if not totals.posts:
        context["latest_posted_at"] = selectors.latest_posted_at(request.user, platforms=chosen)
    response = _page_or_part(request, template, "analytics_core/dashboard.html", ["results"], context)
    return pictures.allow_pictures(request, response, map(pictures.small_picture, page.object_list))


def post_page(request: HttpRequest, platform: Platform, post_id: int, template: str) -> HttpResponse:
    """Show everything about one post of the signed-in user."""
    own = selectors.own_posts(request.user, platform=platform).select_related("engagement_summary", "account")
    post = get_object_or_404(own, pk=post_id)
    counts = selectors.post_counts(post)
    numbers = {kind: request.GET.get(f"{kind}_page") for kind in KINDS}
    lists = {
        kind: selectors.people_page(post, kind=kind, number=numbers[kind], count=counts[kind].value)
        for kind in ("likes", "shares")
    }
    lists["comments"] = selectors.threads_page(post, number=numbers["comments"])
    timeline = get_engagement_timeline(post)
    days = charts.day_rows(timeline, today=periods.local_day(timezone.now()), counts=counts)
    context = {
        "post": post,
        "platform": platform,
        "counts": counts,
        **lists,
        "query": {f"{kind}_page": page.number for kind, page in lists.items() if page.number > 1},
        "timeline": timeline,
        "days": days,
        "has_days": any(row.bar for row in days),
        "left_out": charts.left_out(timeline, counts=counts.values()),
        "kinds": KINDS,
        "is_known": all(count.is_known for count in counts.values()),
        "connected": [
            entry
            for entry in selectors.connected_accounts(request.user, platforms=[platform])
            if entry.account.pk == post.account_id
        ],
    }
    response = _page_or_part(request, template, "analytics_core/post.html", KINDS, context)
    return pictures.allow_pictures(request, response, [pictures.large_picture(post)])


@require_safe
@login_required
@never_cache
def platform_comparison(request: HttpRequest) -> HttpResponse:
    """Show the platforms, and the accounts on them, beside each other."""
    form = forms.RangeForm(request.GET)
    period = periods.period(form.value("days"))
    connected = selectors.connected_accounts(request.user, platforms=platforms.all_platforms())
    stats = comparison.platform_stats(request.user, connected=connected, period=period)
    context = {
        "form": form,
        "period": period,
        "days": period.days or periods.ALL,
        "platform_stats": stats,
        "connected": connected,
        "rows": charts.comparison_rows(stats),
        "not_read": sum(entry["not_read"] for entry in stats.values()),
    }
    response = _page_or_part(
        request,
        "analytics_core/platform_comparison.html",
        "analytics_core/platform_comparison.html",
        ["results"],
        context,
    )
    shown = [
        post for entry in stats.values() for post in (entry["most_liked"], entry["most_commented"]) if post
    ]
    return pictures.allow_pictures(request, response, map(pictures.small_picture, shown))


@require_safe
@login_required
@never_cache
def status(request: HttpRequest) -> HttpResponse:
    """Show the operator how the hourly work is doing; for everybody else there is no such page."""
    if not request.user.is_staff:
        raise Http404
    return render(request, "analytics_core/status.html", {"status": current_status()})


def _page_or_part(
    request: HttpRequest, template: str, parts_template: str, parts: Sequence[str], context: dict[str, Any]
) -> HttpResponse:
    """Render the whole page, or the one part of it that HTMX asked for."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    target = htmx.target if htmx and not htmx.history_restore_request else None
    name = f"{parts_template}#{target}" if target in parts else template
    response = render(request, name, context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response
