"""The page of somebody's own account: address, password, devices."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from . import limits, mailing, tasks
from .account_forms import TAKEN, ChangeAddressForm, ChangePasswordForm
from .models import CustomUser

# Whoever finds a signed-in browser may not guess its owner's password for long.
TRIES = 10
TRIES_SECONDS = 3600
TOO_MANY = "Too many tries. Try again in an hour."


@require_safe
@login_required
@never_cache
def account_page(request: HttpRequest) -> HttpResponse:
    """Show the signed-in person's address, and the forms to change it and the password."""
    return _page(request, _fresh_user(request))


@require_POST
@sensitive_post_parameters()
@login_required
@never_cache
def change_password(request: HttpRequest) -> HttpResponse:
    """Change the password; every other device is signed out."""
    user = _fresh_user(request)
    if not _may_try(request):
        return _page(request, user, password_problem=TOO_MANY, status=429)
    form = ChangePasswordForm(user, request.POST, auto_id="password_%s")
    if not form.is_valid():
        return _page(request, _fresh_user(request), password_form=form, status=400)
    form.save()
    update_session_auth_hash(request, user)
    tasks.send_mail.enqueue("password_changed", user.pk, mailing.origin(request))
    messages.success(request, "Your password is changed. Every other device is signed out.")
    return redirect("postflow:account")


@require_POST
@sensitive_post_parameters()
@login_required
@never_cache
def change_address(request: HttpRequest) -> HttpResponse:
    """Send a link to a new address, which holds once it is confirmed; or take a change back."""
    user = _fresh_user(request)
    if "take_back" in request.POST:
        CustomUser.objects.filter(pk=user.pk).update(new_email="")
        messages.success(request, "Your address stays as it is.")
        return redirect("postflow:account")
    if not _may_try(request):
        typed = {"new_email": request.POST.get("new_email", "")}
        unread = ChangeAddressForm(user, initial=typed, auto_id="address_%s")
        return _page(request, user, address_form=unread, address_problem=TOO_MANY, status=429)
    form = ChangeAddressForm(user, request.POST, auto_id="address_%s")
    if not form.is_valid():
        return _page(request, user, address_form=form, status=400)
    CustomUser.objects.filter(pk=user.pk).update(new_email=form.cleaned_data["new_email"])
    tasks.send_mail.enqueue("new_address", user.pk, mailing.origin(request))
    messages.success(request, "Open the link in the mail to your new address. Until then nothing changes.")
    return redirect("postflow:account")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def confirm_address(request: HttpRequest, token: str) -> HttpResponse:
    """Ask once more, then let the new address take the place of the old one."""
    user = _fresh_user(request)
    address = mailing.confirmed_address(user, token)
    if not address:
        return render(request, "postflow/confirm_address.html", status=404)
    if request.method != "POST":
        return render(request, "postflow/confirm_address.html", {"address": address, "token": token})
    try:
        with transaction.atomic():
            CustomUser.objects.filter(pk=user.pk, new_email=address).update(email=address, new_email="")
    except IntegrityError:
        messages.error(request, TAKEN)
    else:
        messages.success(request, f"Your address is {address} now. Sign in with it from now on.")
    return redirect("postflow:account")


@require_POST
@login_required
def sign_out_elsewhere(request: HttpRequest) -> HttpResponse:
    """End the user's sessions on every device but this one."""
    user = _fresh_user(request)
    CustomUser.objects.filter(pk=user.pk).update(session_round=F("session_round") + 1)
    user.refresh_from_db()
    update_session_auth_hash(request, user)
    messages.success(request, "Every other device is signed out.")
    return redirect("postflow:account")


def _page(request: HttpRequest, user: CustomUser, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "account": user,
        "address_form": ChangeAddressForm(user, auto_id="address_%s"),
        "password_form": ChangePasswordForm(user, auto_id="password_%s"),
        "mails_to": mailing.destination(),
    }
    return render(request, "postflow/account.html", context | more, status=status)


def _may_try(request: HttpRequest) -> bool:
    return limits.spend("password", request.user.pk, at_most=TRIES, seconds=TRIES_SECONDS)


def _fresh_user(request: HttpRequest) -> CustomUser:
    """Return the signed-in person anew: what a form refuses must not be what the page around it shows."""
    return CustomUser.objects.get(email=request.user.get_username())
