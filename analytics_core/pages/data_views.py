"""A user's own data: taking it along, forgetting somebody, and deleting everything."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from analytics_core.engine import archive, leaving, people
from analytics_core.models import Export
from analytics_core.pages.data_forms import DeleteForm, PersonForm
from analytics_core.pages.responses import wanted_part
from postflow.limits import spend

TEMPLATES = "analytics_core/data"
EXPORTS_A_DAY = 5
LOOK_UPS_AN_HOUR = 60
PASSWORDS_AN_HOUR = 5


@require_safe
@login_required
@never_cache
def overview(request: HttpRequest) -> HttpResponse:
    """Say what can be done with one's data, and how far the last export is."""
    context = {"export": archive.newest(request.user), "keep_days": settings.KEEP_ENGAGEMENT_DAYS}
    part = "export" if wanted_part(request, ["export"]) else "overview"
    response = render(request, f"{TEMPLATES}/{part}.html", context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


@require_POST
@login_required
@never_cache
def export(request: HttpRequest) -> HttpResponse:
    """Have a file built of everything one has."""
    if not spend("export", request.user.pk, at_most=EXPORTS_A_DAY, seconds=24 * 3600):
        messages.warning(request, "You have asked for several exports today. Ask again tomorrow.")
    elif archive.start(request.user) is None:
        messages.info(request, "An export is on its way already.")
    return redirect("data:overview")


@require_safe
@login_required
def download(request: HttpRequest, export_id: str) -> HttpResponseBase:
    """Send one's own export, as long as its day lasts."""
    user: Any = request.user
    ready = Export.objects.filter(user=user, state=Export.State.READY, expires_at__gt=timezone.now())
    found = get_object_or_404(ready, pk=export_id)
    try:
        file = default_storage.open(found.file)
    except FileNotFoundError:
        raise Http404 from None
    name = f"postflow-{timezone.localdate(found.asked_at):%Y-%m-%d}.zip"
    response = FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")
    response["Cache-Control"] = "private, no-store"
    return response


@sensitive_post_parameters("handle", "confirmed")
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def person(request: HttpRequest) -> HttpResponse:
    """Say what is held of a person; take their name off it when told to. No address ever has the handle."""
    form = PersonForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"form": form, "found": None}
    if form.is_valid():
        if not spend("look up a person", request.user.pk, at_most=LOOK_UPS_AN_HOUR, seconds=3600):
            form.add_error("handle", "You have looked up many people within an hour. Try again later.")
        else:
            name, host = form.cleaned_data["handle"]
            found = people.find(name, host, user=request.user)
            confirmed = form.cleaned_data["confirmed"]
            meant = [held for held in found if held.handle == confirmed]
            if meant:
                people.forget(meant[0], user=request.user)
                messages.success(request, "The name is off everything. No number has changed.")
                return redirect("data:person")
            context |= {"found": found, "typed": request.POST["handle"].strip()}
    return render(request, f"{TEMPLATES}/person.html", context, status=400 if form.errors else 200)


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def delete(request: HttpRequest) -> HttpResponse:
    """Say what would be deleted; with the password, delete the user and everything of theirs."""
    user: Any = request.user
    form = DeleteForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        if not spend("delete an account", user.pk, at_most=PASSWORDS_AN_HOUR, seconds=3600):
            form.add_error("password", "Too many tries. Wait an hour, then try again.")
        elif not user.check_password(form.cleaned_data["password"]):
            form.add_error("password", "That is not your password. Nothing was deleted.")
        else:
            leaving.begin(user)
            logout(request)
            messages.success(
                request, "Your PostFlow account is closed. Everything it held is being deleted now."
            )
            return redirect(settings.LOGIN_URL)
    context = {"form": form, "held": leaving.belongings(user)}
    return render(request, f"{TEMPLATES}/delete.html", context, status=400 if form.errors else 200)
