"""The settings page, the switches of the menu, the note about news, and the pages for errors of our own."""

from __future__ import annotations

import sys

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.shortcuts import redirect, render
from django.template import loader
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.views import defaults
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import requires_csrf_token
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.outage import RETRY_AFTER_SECONDS, is_outage

from . import appearance, news, ways, zones
from .forms import AppearanceForm, SettingsForm
from .models import CustomUser


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def settings_page(request: HttpRequest) -> HttpResponse:
    """Show the signed-in person's settings, and save them."""
    user = _fresh_user(request)
    form = SettingsForm(request.POST if request.method == "POST" else None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        request.user = user
        messages.success(request, "Saved.")
        return redirect("postflow:settings")
    context = {"form": form, "zones": zones.choices(timezone.now())}
    return render(request, "postflow/settings.html", context, status=400 if form.is_bound else 200)


@require_POST
@login_required
def change_appearance(request: HttpRequest) -> HttpResponse:
    """Change the theme or calm mode from the menu, and go back to the page it was on."""
    form = AppearanceForm(request.POST)
    if form.is_valid():
        user = _fresh_user(request)
        user.theme = form.cleaned_data["theme"] or user.theme
        if form.cleaned_data["calm"]:
            user.is_calm = form.cleaned_data["calm"] == "on"
        user.save(update_fields=["theme", "is_calm"])
        request.user = user
    return redirect(_way_back(request))


@require_POST
@login_required
def close_news(request: HttpRequest) -> HttpResponse:
    """Show the signed-in person the note about what is new no more, and go back to the page it was on."""
    if request.POST.get("news") == news.LATEST:
        user = _fresh_user(request)
        user.news_seen = news.LATEST
        user.save(update_fields=["news_seen"])
    return redirect(_way_back(request))


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Send browsers that ask unbidden, such as on pages of the admin, to the mark."""
    return redirect(static("postflow/mark.svg"))


@requires_csrf_token
def server_error(request: HttpRequest) -> HttpResponse:
    """Say that something broke, or that the database is away, which nothing is asked of."""
    if is_outage(sys.exception()):
        return _unavailable(request)
    html = loader.get_template("500.html").render({"theme": appearance.cookie_theme(request)})
    return HttpResponseServerError(html)


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that a request makes no sense. A session that the database could not take is none of those."""
    if is_outage(exception):
        return _unavailable(request)
    return defaults.bad_request(request, exception)


def _unavailable(request: HttpRequest) -> HttpResponse:
    html = loader.get_template("503.html").render({"theme": appearance.cookie_theme(request)})
    return HttpResponse(
        html, status=503, headers={"Retry-After": RETRY_AFTER_SECONDS, "Cache-Control": "no-store"}
    )


def _way_back(request: HttpRequest) -> str:
    """Return the page that a form was on: the browser says so with its query, else the form does without."""
    for address in (request.headers.get("Referer", ""), request.POST.get("next", "")):
        if ways.is_ours(request, address):
            return address
    return reverse("home")


def _fresh_user(request: HttpRequest) -> CustomUser:
    """Return the signed-in person anew: what a form refuses must not be what the page around it shows."""
    return CustomUser.objects.get(email=request.user.get_username())
