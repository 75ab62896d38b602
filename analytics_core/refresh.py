"""The button that reads an account or a post now instead of at the next hour."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.tasks import Task

from analytics_core import selectors, tasks
from analytics_core.forms import RefreshForm
from analytics_core.platforms import Platform

logger = logging.getLogger(__name__)

WAIT_SECONDS = 60
STARTED = "Analytics refresh started"  # for programs; people read the next one
STARTED_WORDS = "Reading started. Reload in a moment to see what is new."


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of pressing the button: a sentence for people, the HTTP status, and where to go back to."""

    message: str
    back: str
    status: int = 200
    task_id: str = ""
    retry_after: int = 0


def refresh(request: HttpRequest, platform: Platform) -> HttpResponse:
    """Start reading the signed-in user's accounts on a platform, or one post (`post_id`), once a minute."""
    asked = request.POST.get("post_id", request.GET.get("post_id"))
    form = RefreshForm({"post_id": asked})
    if form.is_valid():
        outcome = _start(request.user, platform, form.cleaned_data["post_id"])
    else:
        outcome = Outcome(message="There is no such post.", back=platform.dashboard_url(), status=400)
    return _answer(request, platform, outcome)


def _start(user: Any, platform: Platform, post_id: int | None) -> Outcome:
    accounts = platform.active_accounts().filter(user=user)
    back = platform.dashboard_url()
    jobs: list[tuple[Task, int]] = []
    if post_id is not None:
        post = get_object_or_404(selectors.own_posts(user, platform=platform), pk=post_id)
        back = platform.post_detail_url(post.pk)
        accounts = accounts.filter(pk=post.account_id)
        jobs = [(tasks.fetch_post, post.pk)] if accounts.exists() else []
    else:
        jobs = [(tasks.fetch_account, pk) for pk in accounts.values_list("pk", flat=True)]
    if not jobs:
        if platform.accounts().filter(user=user).exists():
            return Outcome(message="Connect the account again first.", back=back, status=400)
        return Outcome(message=f"No {platform.label} account is connected.", back=back, status=400)
    key = f"analytics_refresh_{user.pk}"
    # add() sets the key only where there is none, so of two requests at once one passes.
    if not cache.add(key, time.time() + WAIT_SECONDS, WAIT_SECONDS):
        left = max(1, math.ceil(cache.get(key, 0) - time.time()))
        message = f"You refreshed a moment ago. Try again in {left} second{'s' if left != 1 else ''}."
        return Outcome(message=message, back=back, status=429, retry_after=left)
    try:
        # A person waits for it, so it goes before the hourly work.
        results = [task.using(priority=tasks.PRIORITY_NOW).enqueue(platform.name, pk) for task, pk in jobs]
    except Exception:  # which errors a queue raises is the queue's own affair
        logger.exception("A refresh of %s could not be queued", platform.name)
        cache.delete(key)
        return Outcome(message="The refresh could not be started. Try again later.", back=back, status=503)
    return Outcome(message=STARTED_WORDS, back=back, task_id=str(results[0].id))


def _answer(request: HttpRequest, platform: Platform, outcome: Outcome) -> HttpResponse:
    is_started = outcome.status == 200
    response: HttpResponse
    if getattr(request, "htmx", False):
        context = {"platform": platform, "outcome": outcome, "post_id": request.POST.get("post_id", "")}
        response = render(request, "analytics_core/parts/refresh.html", context, status=outcome.status)
    elif request.get_preferred_type(["application/json", "text/html"]) == "text/html":
        # To be early is no mistake.
        level = messages.SUCCESS if is_started else messages.INFO if outcome.retry_after else messages.WARNING
        messages.add_message(request, level, outcome.message)
        return HttpResponseRedirect(outcome.back + _query_of(request, outcome.back))
    else:
        data: dict[str, Any] = {
            "status": "success" if is_started else "error",
            "message": STARTED if is_started else outcome.message,
        }
        if outcome.task_id:
            data["task_id"] = outcome.task_id
        if outcome.retry_after:
            data["retry_after"] = outcome.retry_after
        response = JsonResponse(data, status=outcome.status)
    if outcome.retry_after:
        response["Retry-After"] = str(outcome.retry_after)
    return response


def _query_of(request: HttpRequest, path: str) -> str:
    """Return the query string of the page the form was on, with its "?", if that is our page at `path`."""
    try:
        page = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return ""
    is_there = (page.netloc, page.path) == (request.get_host(), path)
    return f"?{page.query}" if is_there and page.query else ""
