"""Making an account."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from core import visitors

from . import limits, ways
from .account_forms import TAKEN, SignUpForm
from .models import CustomUser
from .signing_in import TOO_MANY

# A workshop of photographers behind one address gets in; who tries a list of addresses gets nowhere.
TRIES = 40
TRIES_SECONDS = 3600
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@csrf_protect
@never_cache
def sign_up(request: HttpRequest) -> HttpResponse:
    """Make an account, sign its owner in and send them on to connect their first one."""
    way = ways.asked_for(request)
    if request.user.is_authenticated:
        return HttpResponseRedirect(way or reverse("home"))
    if not settings.SIGN_UP_OPEN:
        return render(request, "registration/sign_up_closed.html", status=403)
    if request.method != "POST":
        return _page(request, SignUpForm(), way)
    # Before the address is looked up: the answer tells whether it is taken.
    if not limits.spend("sign-up", visitors.address(request), at_most=TRIES, seconds=TRIES_SECONDS):
        unread = SignUpForm(initial={"email": request.POST.get("email", "")})
        return _page(request, unread, way, problem=TOO_MANY, status=429)
    form = SignUpForm(request.POST)
    user = _save(form)
    if user is None:
        return _page(request, form, way, status=400)
    login(request, user, backend=MODEL_BACKEND)
    messages.success(request, "Welcome. Times are in UTC until you choose your time zone in Settings.")
    return HttpResponseRedirect(way) if way else redirect("accounts:connect")


def _save(form: SignUpForm) -> CustomUser | None:
    if form.is_valid():
        try:
            with transaction.atomic():
                return form.save()
        except IntegrityError:  # somebody else has taken it this very moment
            form.add_error("email", TAKEN)
    return None


def _page(
    request: HttpRequest, form: SignUpForm, way: str, *, problem: str = "", status: int = 200
) -> HttpResponse:
    context = {"form": form, "next": way, "problem": problem}
    return render(request, "registration/sign_up.html", context, status=status)
