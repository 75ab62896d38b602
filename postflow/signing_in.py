"""Signing in, what becomes of too many wrong passwords, and the way back in without one."""

from __future__ import annotations

import math
from typing import Any

from axes.models import AccessAttempt
from axes.utils import reset
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.utils import timezone

from core import visitors

from . import limits, mailing, tasks
from .account_forms import AskForPasswordForm, NewPasswordForm, same_case

# From one place, for all addresses together; axes counts for each.
TRIES = 100
TOO_MANY = "Too many tries from where you are. Try again in an hour."


class SignIn(views.LoginView):
    """The page to sign in; axes counts the wrong passwords."""

    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Sign in, unless too many addresses were tried from the same place."""
        seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
        if not limits.spend("sign-in", visitors.address(request), at_most=TRIES, seconds=seconds):
            return _refuse(request, minutes=math.ceil(seconds / 60), is_place=True)
        return super().post(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Tell the template whether people may sign up."""
        return super().get_context_data(may_sign_up=settings.SIGN_UP_OPEN, **kwargs)


class PasswordReset(views.PasswordResetView):
    """Asks for the address that a link to a new password is sent to."""

    form_class = AskForPasswordForm

    def form_valid(self, form: Any) -> HttpResponse:
        """Send the mail, unless too many were asked for from the same place."""
        if not limits.spend("reset from", visitors.address(self.request), at_most=20, seconds=3600):
            form.add_error("email", TOO_MANY)
            return self.render_to_response(self.get_context_data(form=form), status=429)
        return super().form_valid(form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Tell the template where mails end up."""
        return super().get_context_data(mails_to=mailing.destination(), **kwargs)


class PasswordResetDone(views.PasswordResetDoneView):
    """Says to look for the mail, whether there is such an account or not."""

    extra_context = None

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Tell the template where mails end up."""
        return super().get_context_data(mails_to=mailing.destination(), **kwargs)


class PasswordResetConfirm(views.PasswordResetConfirmView):
    """Takes the new password of whoever came by the link."""

    form_class = NewPasswordForm
    success_url = reverse_lazy("login")

    def form_valid(self, form: Any) -> HttpResponse:
        """Save it, let its owner in again who had guessed too often, and tell them by mail."""
        response = super().form_valid(form)
        reset(username=form.user.email)
        tasks.send_mail.enqueue("password_changed", form.user.pk, mailing.origin(self.request))
        messages.success(self.request, "Your password is changed. Sign in with the new one.")
        return response


def typed_address(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """Return the e-mail address that somebody tries to sign in with, for axes: the same whatever its case."""
    return same_case((credentials or {}).get("username") or request.POST.get("username", ""))[:254]


def locked_out(
    request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None
) -> HttpResponse:
    """Say when somebody may try again who had too many wrong passwords; axes asks for it."""
    tries = AccessAttempt.objects.filter(
        username=typed_address(request, credentials), ip_address=visitors.address(request)
    )
    last = tries.order_by("-attempt_time").first()
    ends_at = (last.attempt_time if last else timezone.now()) + settings.AXES_COOLOFF_TIME
    minutes = max(1, math.ceil((ends_at - timezone.now()).total_seconds() / 60))
    return _refuse(request, minutes=minutes)


def _refuse(request: HttpRequest, *, minutes: int, is_place: bool = False) -> HttpResponse:
    context = {"minutes": minutes, "is_place": is_place}
    return render(request, "registration/locked_out.html", context, status=429)
