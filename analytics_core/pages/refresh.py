"""The button that reads an account or a post now instead of at the next hour."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.tasks import Task
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from analytics_core import selectors, tasks
from analytics_core.models import Refresh
from analytics_core.pages import refresh_state
from analytics_core.pages.forms import RefreshForm
from analytics_core.pages.refresh_state import RefreshState
from analytics_core.platforms import Platform

logger = logging.getLogger(__name__)

WAIT = timedelta(seconds=60)
KEEP = timedelta(days=1)
STARTED = "Analytics refresh started"  # for programs; people read the state
TEMPLATE = "analytics_core/parts/refresh.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A task to queue, what it is told, and the account that it reads."""

    task: Task
    pk: int
    account_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of pressing the button: a sentence for people, the HTTP status, and where to go back to."""

    message: str
    back: str
    status: int = 200
    refresh: Refresh | None = None
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


def show_state(request: HttpRequest, platform: Platform, refresh_id: str) -> HttpResponse:
    """Show how far one of the user's presses has got: a part for HTMX, JSON for programs, else its page."""
    found = refresh_state.own_refresh(request.user, platform=platform, refresh_id=refresh_id)
    if found is None:
        raise Http404
    response: HttpResponse
    if getattr(request, "htmx", False):
        state = refresh_state.state_of(found)
        # Told once, at the end: a voice that repeats itself every two seconds is no help.
        words = state.words if state.is_over else ""
        context = {"platform": platform, "state": state, "post_id": found.post_id or "", "announce": words}
        response = render(request, TEMPLATE, context)
    elif _wants_page(request):
        response = HttpResponseRedirect(refresh_state.address_with(_back(platform, found.post_id), found.pk))
    else:
        response = JsonResponse(_as_data(refresh_state.state_of(found)))
    patch_vary_headers(response, ["Accept", "HX-Request"])
    return response


def _back(platform: Platform, post_id: int | None) -> str:
    return platform.dashboard_url() if post_id is None else platform.post_detail_url(post_id)


def _start(user: Any, platform: Platform, post_id: int | None) -> Outcome:
    accounts = platform.accounts().filter(user=user)
    if post_id is not None:
        post = get_object_or_404(selectors.own_posts(user, platform=platform), pk=post_id)
        accounts = accounts.filter(pk=post.account_id)
    back = _back(platform, post_id)
    active = platform.active_accounts().filter(pk__in=accounts.values("pk")).values_list("pk", flat=True)
    jobs = [
        Job(task=tasks.fetch_account, pk=pk, account_id=pk)
        if post_id is None
        else Job(task=tasks.fetch_post, pk=post_id, account_id=pk)
        for pk in active
    ]
    if not jobs:
        return Outcome(message=_why_none(platform, accounts.first()), back=back, status=400)
    try:
        found, left = _queue(user, platform, post_id, jobs)
    except Exception:  # which errors a queue raises is the queue's own affair
        logger.exception("A refresh of %s could not be queued", platform.name)
        return Outcome(message="The refresh could not be started. Try again later.", back=back, status=503)
    if found is None:
        message = f"You refreshed a moment ago. Try again in {left} second{'s' if left != 1 else ''}."
        return Outcome(message=message, back=back, status=429, retry_after=left)
    return Outcome(message=STARTED, back=back, refresh=found)


def _why_none(platform: Platform, account: Any) -> str:
    """Say why nothing can be read, in words for the owner."""
    if account is None:
        return f"No {platform.label} account is connected."
    state, reason = getattr(account, "state", ""), getattr(account, "state_reason", "")
    words = "The account is paused." if state == "paused" else "Connect the account again first."
    return f"{words} {reason}".strip()


def _queue(
    user: Any, platform: Platform, post_id: int | None, jobs: Sequence[Job]
) -> tuple[Refresh | None, int]:
    """Queue the tasks, all or none, if the user's last press is a minute ago.

    Returns:
        The press; or None and the seconds to wait.
    """
    with transaction.atomic():
        # A press has no row of its own yet that a conditional update could claim. So the presses of one user
        # wait here for each other, in whichever process they are; SQLite has one writer at a time anyway.
        get_user_model()._default_manager.select_for_update(no_key=True).get(pk=user.pk)
        now = timezone.now()
        own = Refresh.objects.filter(user=user)
        last = own.filter(asked_at__gt=now - WAIT).order_by("-asked_at").first()
        if last is not None:
            left = math.ceil((last.asked_at + WAIT - now).total_seconds())
            return None, min(max(left, 1), math.ceil(WAIT.total_seconds()))
        own.filter(asked_at__lt=now - KEEP).delete()
        # A person waits for it, so it goes before the hourly work.
        results = [
            (job.task.using(priority=tasks.PRIORITY_NOW).enqueue(platform.name, job.pk), job.account_id)
            for job in jobs
        ]
        account_ids = {str(result.id): account_id for result, account_id in results}
        found = Refresh.objects.create(
            pk=next(iter(account_ids)),
            user=user,
            platform=platform.name,
            post_id=post_id,
            asked_at=now,
            account_ids=account_ids,
        )
    return found, 0


def _answer(request: HttpRequest, platform: Platform, outcome: Outcome) -> HttpResponse:
    response: HttpResponse
    if getattr(request, "htmx", False):
        state = refresh_state.state_of(outcome.refresh) if outcome.refresh else None
        context = {
            "platform": platform,
            "state": state,
            "message": "" if state else outcome.message,
            "announce": state.words if state else outcome.message,
            "post_id": request.POST.get("post_id", ""),
        }
        response = render(request, TEMPLATE, context, status=outcome.status)
    elif _wants_page(request):
        address = outcome.back + _query_of(request, outcome.back)
        if outcome.refresh:
            return HttpResponseRedirect(refresh_state.address_with(address, outcome.refresh.pk))
        # To be early is no mistake.
        level = messages.INFO if outcome.retry_after else messages.WARNING
        messages.add_message(request, level, outcome.message)
        return HttpResponseRedirect(address)
    else:
        data: dict[str, Any] = {
            "status": "success" if outcome.refresh else "error",
            "message": outcome.message,
        }
        if outcome.refresh:
            data["task_id"] = outcome.refresh.pk
        if outcome.retry_after:
            data["retry_after"] = outcome.retry_after
        response = JsonResponse(data, status=outcome.status)
    if outcome.retry_after:
        response["Retry-After"] = str(outcome.retry_after)
    return response


def _as_data(state: RefreshState) -> dict[str, Any]:
    """Return a state for programs."""
    progress = state.progress
    return {
        "status": state.phase,
        "message": state.words,
        "is_over": state.is_over,
        "done": progress.done if progress else None,
        "total": progress.total if progress else None,
        "new": state.news,
    }


def _wants_page(request: HttpRequest) -> bool:
    return request.get_preferred_type(["application/json", "text/html"]) == "text/html"


def _query_of(request: HttpRequest, path: str) -> str:
    """Return the query string of the page the form was on, with its "?", if that is our page at `path`."""
    try:
        page = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return ""
    is_there = (page.netloc, page.path) == (request.get_host(), path)
    return f"?{page.query}" if is_there and page.query else ""
