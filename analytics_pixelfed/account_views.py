"""The pages about connected accounts: the list, connecting, and what can be done with each."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.csp import CSP
from django.views.decorators.cache import never_cache
from django.views.decorators.csp import csp_override
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from analytics_core import platforms
from analytics_core.engine.forgetting import holdings
from analytics_core.pages import picture_views
from pixelfed import oauth
from pixelfed.models import ConnectAttempt, MastodonAccount, host_of
from postflow import limits

from . import connecting
from . import connections as own
from .account_forms import ConnectForm, TokenForm
from .platform import PixelfedPlatform

logger = logging.getLogger(__name__)

SESSION_KEY = "connect_key"
# Each try makes PostFlow ask an address that a person chose.
TRIES, TRIES_SECONDS = 20, 600
TOO_MANY = "You have tried often within a few minutes. Wait ten minutes, then try again."
TEMPLATES = "analytics_pixelfed/accounts"


@require_safe
@login_required
@never_cache
def connections(request: HttpRequest) -> HttpResponse:
    """List the signed-in user's accounts."""
    return render(request, f"{TEMPLATES}/connections.html", {"connections": own.connections(request.user)})


@require_safe
@login_required
@never_cache
def progress(request: HttpRequest, account_id: int) -> HttpResponse:
    """Show how far the reading of one account is: a part for HTMX, which asks while there is more to come."""
    found = own.connections(request.user, account_id=account_id)
    if not found:
        raise Http404
    (connection,) = found
    if not getattr(request, "htmx", False):
        return redirect("accounts:connections")
    if not connection.is_active:
        # It was paused, or refused meanwhile: other buttons belong below it now.
        return HttpResponseClientRefresh()
    # Told once, at the end: a voice that repeats itself every two seconds is no help.
    words = "" if connection.is_watched else f"{connection.account}: {connection.words}"
    context = {"each": connection, "announce": words}
    return render(request, f"{TEMPLATES}/progress.html", context)


@require_safe
@login_required
def picture(request: HttpRequest, account_id: int) -> HttpResponse:
    """Return our copy of an account's picture; 404 while there is none, and for another's account."""
    account = _own_account(request, account_id)
    if not account.avatar:
        raise Http404
    return picture_views.serve(request, account.avatar)


def _may_lead_out(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let the page's form end at another server: browsers hold the policy against redirects too."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        schemes = ["https:", "http:"] if settings.ALLOW_PRIVATE_INSTANCES else ["https:"]
        policy: dict[str, Any] = {**(settings.SECURE_CSP or {}), "form-action": [CSP.SELF, *schemes]}
        return csp_override(policy)(view)(request, *args, **kwargs)

    return wrapper


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@_may_lead_out
@sensitive_variables("address")
def connect(request: HttpRequest) -> HttpResponse:
    """Ask for the instance, and lead to its consent page. `?instance=` fills the field in."""
    form = ConnectForm(request.POST or None, initial={"instance": request.GET.get("instance", "")})
    problem: connecting.ConnectError | None = None
    if form.is_valid():
        try:
            _count_try(request)
            address = connecting.begin(
                request.user,
                typed=form.cleaned_data["instance"],
                redirect_uri=_callback_address(request),
                session_key=_session_key(request),
            )
            return redirect(address)
        except connecting.ConnectError as error:
            problem = error
            form.add_error("instance", str(error))
    return render(request, f"{TEMPLATES}/connect.html", {"form": form, "problem": problem})


@require_GET
@never_cache
@sensitive_variables()
def callback(request: HttpRequest) -> HttpResponse:
    """Take what the instance's consent page sent, and lead on: nothing of it stays in an address.

    Pixelfed sends no `state` with a denial (api-facts 1.3), so an error is a message and nothing else.
    """
    if not request.user.is_authenticated:
        messages.warning(request, "You were signed out meanwhile. Sign in and connect once more.")
        return redirect_to_login(reverse("accounts:connect"))
    state, code, key = request.GET.get("state", ""), request.GET.get("code", ""), _session_key(request)
    attempt = connecting.take_attempt(request.user, state=state, session_key=key) if state else None
    if "error" in request.GET:
        return _explain_refusal(request, attempt or connecting.latest_attempt(request.user, session_key=key))
    if attempt is None or not code:
        messages.warning(
            request,
            "This approval was used already, is too old, or was not begun in this browser. "
            "If the account is not in your list, connect it once more.",
        )
        return redirect("accounts:connections")
    try:
        connected = connecting.finish(attempt, code=code)
    except connecting.ConnectError as error:
        messages.error(request, str(error))
        return redirect(_connect_address(attempt.app.instance_url))
    return _welcome(request, connected)


@sensitive_post_parameters("token")
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@sensitive_variables()
def connect_with_token(request: HttpRequest) -> HttpResponse:
    """Connect with a token that was made at the instance, where it offers nothing else."""
    form = TokenForm(request.POST or None, initial={"instance": request.GET.get("instance", "")})
    if form.is_valid():
        try:
            _count_try(request)
            connected = connecting.connect_with_token(
                request.user, typed=form.cleaned_data["instance"], token=form.cleaned_data["token"]
            )
            return _welcome(request, connected)
        except connecting.ConnectError as error:
            form.add_error(None, str(error))
    return render(request, f"{TEMPLATES}/token.html", {"form": form})


@require_POST
@login_required
@never_cache
def sync(request: HttpRequest, account_id: int) -> HttpResponse:
    """Read an account now."""
    account = _own_account(request, account_id)
    if account.state != MastodonAccount.State.ACTIVE:
        messages.warning(request, f"{account} is not being read now: resume or reconnect it first.")
    elif own.start_visit(account):
        messages.success(request, f"Reading {account} has started.")
    else:
        messages.info(request, f"{account} was asked for a moment ago. Wait a minute.")
    return redirect("accounts:connections")


@require_POST
@login_required
@never_cache
def pause(request: HttpRequest, account_id: int) -> HttpResponse:
    """Stop reading an account; everything that is held stays."""
    account = _own_account(request, account_id)
    if own.pause(account):
        messages.success(request, f"{account} is paused. Its numbers stay as they are until you resume it.")
    return redirect("accounts:connections")


@require_POST
@login_required
@never_cache
def resume(request: HttpRequest, account_id: int) -> HttpResponse:
    """Go on reading an account that was paused."""
    account = _own_account(request, account_id)
    if own.resume(account):
        own.start_visit(account)
        messages.success(request, f"{account} is read again, from now on every hour.")
    return redirect("accounts:connections")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def disconnect(request: HttpRequest, account_id: int) -> HttpResponse:
    """Say what would be deleted, and delete it when told to."""
    account = _own_account(request, account_id)
    if request.method != "POST":
        held = holdings(platforms.get(PixelfedPlatform.name), account)
        return render(request, f"{TEMPLATES}/disconnect.html", {"account": account, "held": held})
    name, host = str(account), account.host
    if own.disconnect(account):
        messages.success(request, f"{name} is disconnected and its data deleted.")
    else:
        messages.success(
            request,
            f"{name} is disconnected and its data deleted. To end the access on {host} too, remove "
            f"{oauth.APP_NAME} there under Settings, Applications: only you can.",
        )
    return redirect("accounts:connections")


def _own_account(request: HttpRequest, account_id: int) -> MastodonAccount:
    user: Any = request.user
    accounts = MastodonAccount.objects.select_related("app").filter(user=user)
    return get_object_or_404(accounts, pk=account_id)


def _welcome(request: HttpRequest, connected: connecting.Connected) -> HttpResponse:
    """Start the first visit, and say which account it is."""
    account = connected.account
    try:
        own.start_visit(account)
    except Exception:  # which errors a queue raises is the queue's own affair; the next hour reads it anyway
        logger.exception("The first visit to %s could not be queued", account)
    if connected.is_new:
        messages.success(request, f"{account} is connected. Its newest photos are being read now.")
    elif connected.was_waiting:
        messages.success(request, f"{account} is connected again and being read now.")
    else:
        messages.success(request, f"{account} was here already: its access is renewed, its numbers stay.")
        others = own.waiting_for_reconnect(request.user, account.instance_url)
        if others:
            messages.warning(
                request,
                f"{others[0]} still has to be connected again: sign out on {account.host}, then try again.",
            )
        else:
            messages.info(
                request,
                f"To add another account of {account.host}, sign out there first, then connect again.",
            )
    return redirect("accounts:connections")


def _explain_refusal(request: HttpRequest, attempt: ConnectAttempt | None) -> HttpResponse:
    host = host_of(attempt.app.instance_url) if attempt else "Your instance"
    # What the instance says in its own words is for nobody: anyone can write it into an address.
    if request.GET["error"] == "access_denied":
        messages.info(request, f"{host} says that you did not approve. Nothing was connected.")
    else:
        messages.warning(request, f"{host} did not let PostFlow in. Nothing was connected; try once more.")
    return redirect(_connect_address(attempt.app.instance_url if attempt else ""))


def _connect_address(instance_url: str) -> str:
    query = f"?{urlencode({'instance': instance_url})}" if instance_url else ""
    return reverse("accounts:connect") + query


def _callback_address(request: HttpRequest) -> str:
    """Return where instances send people back to. Behind a proxy the request may look like plain http."""
    address = request.build_absolute_uri(reverse("accounts:callback"))
    return urlsplit(address)._replace(scheme="https").geturl() if settings.HTTPS else address


def _session_key(request: HttpRequest) -> str:
    """Return a secret of this browser session; it outlives a sign-in, which changes the session's number."""
    return str(request.session.setdefault(SESSION_KEY, oauth.new_secret()))


def _count_try(request: HttpRequest) -> None:
    """Raise ConnectError for who tries too often."""
    if not limits.spend("connect", request.user.pk, at_most=TRIES, seconds=TRIES_SECONDS):
        raise connecting.ConnectError(TOO_MANY)
