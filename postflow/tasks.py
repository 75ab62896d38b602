"""Mails, sent by the worker: nobody waits for a slow server, nor learns from the wait whom a mail went to.

A task holds the user's id and no address, link or token: those are made when the mail is sent.
"""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.tokens import default_token_generator
from django.tasks import task
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from . import mailing
from .models import CustomUser


def _password_link(user: CustomUser, origin: str) -> None:
    args = [urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)]
    link = origin + reverse("password_reset_confirm", args=args)
    mailing.send("password_link", to=user.email, user=user, link=link, origin=origin)


def _password_changed(user: CustomUser, origin: str) -> None:
    link = origin + reverse("password_reset")
    mailing.send("password_changed", to=user.email, user=user, link=link, origin=origin)


def _new_address(user: CustomUser, origin: str) -> None:
    if not user.new_email:  # it was confirmed or taken back meanwhile
        return
    # The old address is told first: the new one may be somebody else's.
    mailing.send("address_changing", to=user.email, user=user, origin=origin)
    link = origin + reverse("postflow:confirm_address", args=[mailing.address_token(user)])
    mailing.send("address_link", to=user.new_email, user=user, link=link, origin=origin)


MAILS: dict[str, Callable[[CustomUser, str], None]] = {
    "password_link": _password_link,
    "password_changed": _password_changed,
    "new_address": _new_address,
}


@task(  # type: ignore[call-overload]  # the retry options are our backend's
    queue_name="default", priority=20, max_retries=3, retry_delay=60
)
def send_mail(name: str, user_id: int, origin: str) -> None:
    """Send a user the mail of this name, with links that begin with `origin`.

    Raises:
        OSError: the server for mails did not take it; it is tried again.
    """
    user = CustomUser.objects.filter(pk=user_id, is_active=True).first()
    if user is not None:
        MAILS[name](user, origin)
