"""The pages, for any platform: a platform's own views call these with its name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from analytics_core import exports, periods, platforms, selectors
from analytics_core.charts import Chart
from analytics_core.engine.status import current_status
from analytics_core.pages import comparison, comparison_page, dashboard, forms
from analytics_core.pages.responses import page_or_part, wanted_part
from analytics_core.platforms import Platform


@require_safe
@login_required
@never_cache
def unified_dashboard(request: HttpRequest) -> HttpResponse:
    """Show the posts of all platforms together."""
    return _dashboard(request, platforms.all_platforms(), "analytics_core/unified_dashboard.html")


def platform_dashboard(request: HttpRequest, platform: Platform, template: str) -> HttpResponse:
    """Show the posts of one platform."""
    return _dashboard(request, [platform], template, platform=platform)


def _dashboard(
    request: HttpRequest, shown: Iterable[Platform], template: str, *, platform: Platform | None = None
) -> HttpResponse:
    part = wanted_part(request, ["results", "people"])
    connected = selectors.connected_accounts(request.user, platforms=shown, with_states=part != "people")
    form_class = forms.PlatformForm if platform else forms.FilterForm
    form = form_class(request.GET, connected=connected)
    context: dict[str, Any] = {"form": form, "platform": platform or form.value("platform")}
    if part == "people":
        context |= dashboard.people(form)
    else:
        context |= dashboard.overview(form, page_number=request.GET.get("page"), path=request.path)
        if request.GET.get("show") == "people":
            context |= dashboard.people(form)
        chart: Chart = context["timeline"]
        if wanted := exports.wanted(request.GET, part=chart.id):
            return exports.respond(chart.table, wanted=wanted, name=f"postflow-{chart.id}")
    return page_or_part(
        request,
        template,
        context,
        parts_template="analytics_core/dashboard.html",
        part=part,
        query=None if part == "people" else _query(form, context["page_obj"]),
    )


def _query(form: forms.RangeForm, page: Page[Any]) -> dict[str, Any]:
    return {**form.query, "page": page.number} if page.number > 1 else form.query


@require_safe
@login_required
@never_cache
def platform_comparison(request: HttpRequest) -> HttpResponse:
    """Show the platforms, and the accounts on them, beside each other; or give their numbers as a file."""
    form = forms.RangeForm(request.GET)
    period = form.period
    connected = selectors.connected_accounts(request.user, platforms=platforms.all_platforms())
    stats = comparison.platform_stats(connected, period=period)
    rows = comparison_page.rows(stats, connected=connected)
    if wanted := exports.wanted(request.GET):
        return exports.respond(comparison_page.table(rows), wanted=wanted, name="postflow-comparison")
    csv_url, json_url = exports.addresses(request.path, query=form.query)
    total_posts = sum(entry["total_posts"] for entry in stats.values())
    context = {
        "form": form,
        "period": period,
        "days": period.days or periods.ALL,
        "platform_stats": stats,
        "total_posts": total_posts,
        "connected": connected,
        "rows": rows,
        "leaves": comparison_page.leaves(rows),
        "charts": comparison_page.charts(rows, period=period),
        "finding": comparison_page.finding(rows, period=period),
        "explanation": comparison_page.explanation(rows, connected=connected, period=period),
        "csv_url": csv_url,
        "json_url": json_url,
    }
    if not total_posts:
        context["latest_posted_at"] = selectors.latest_posted_at(connected)
    template = "analytics_core/platform_comparison.html"
    part = wanted_part(request, ["results"])
    return page_or_part(request, template, context, parts_template=template, part=part, query=form.query)


@require_safe
@login_required
@never_cache
def status(request: HttpRequest) -> HttpResponse:
    """Show the operator how the hourly work is doing; for everybody else there is no such page."""
    if not request.user.is_staff:
        raise Http404
    return render(request, "analytics_core/status.html", {"status": current_status()})
