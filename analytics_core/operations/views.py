"""The addresses for monitors. None of them needs a session, and none tells of anybody's data."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from analytics_core.operations.health import WORK, current_health
from analytics_core.operations.metrics import exposition
from core.outage import RETRY_AFTER_SECONDS


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that this process answers. Asks nothing of anybody, the database included."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Say how each check went; 503 where pages cannot be served.

    `?require=worker,schedule,accounts` makes it 503 where one of these is not well either.
    """
    required = {word for word in request.GET.get("require", "").split(",") if word}
    if not required <= set(WORK):
        return JsonResponse({"error": f"require takes {', '.join(WORK)}"}, status=400)
    health = current_health()
    response = JsonResponse({"status": health.status, "checks": health.checks})
    if not health.is_ok(required):
        response.status_code = 503
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Show the figures to whoever has settings.METRICS_TOKEN; to everybody else there is no such page."""
    token, given = settings.METRICS_TOKEN, request.headers.get("Authorization", "")
    if not token or not constant_time_compare(given, f"Bearer {token}"):
        raise Http404
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)
