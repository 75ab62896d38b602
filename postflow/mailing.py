"""Mails to people: plain and short, each a template below templates/mail/."""

from __future__ import annotations

import email.policy
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.crypto import salted_hmac

from .models import CustomUser

ADDRESS_SALT = "postflow.address"
ADDRESS_LINK_SECONDS = 24 * 60 * 60

# What SMTP takes. A shorter one breaks links in two where a mail is read as it is: in a console, in a file.
LONGEST_LINE = 998


class PlainMail(EmailMessage):
    """A mail whose links stay in one piece."""

    def message(self, *, policy: Any = email.policy.default) -> Any:
        """Return the mail as it is sent."""
        return super().message(policy=policy.clone(max_line_length=LONGEST_LINE))


def send(name: str, *, to: str, **context: Any) -> None:
    """Send the mail of this name: its template's first line is the subject.

    Raises:
        OSError: the server for mails did not take it.
    """
    subject, _, text = render_to_string(f"mail/{name}.txt", context).partition("\n")
    PlainMail(subject.strip(), text.strip() + "\n", to=[to]).send()


def origin(request: HttpRequest) -> str:
    """Return what the links of a mail begin with: https://photos.example.org."""
    # Behind a proxy the request may look like plain http.
    scheme = "https" if settings.HTTPS or request.is_secure() else "http"
    return f"{scheme}://{request.get_host()}"


def destination() -> str:
    """Return where mails end up that no server sends: "console" or "file"; "" where one sends them."""
    backend = str(settings.MAILERS["default"]["BACKEND"])
    return {"console": "console", "filebased": "file"}.get(backend.split(".")[-2], "")


def address_token(user: CustomUser) -> str:
    """Return what proves that a mail to the user's new address was read; it names neither address."""
    return signing.dumps(_what_changes(user), salt=ADDRESS_SALT)


def confirmed_address(user: CustomUser, token: str) -> str:
    """Return the address that a token confirms for this user; "" where it is too old or not theirs."""
    try:
        found = signing.loads(token, salt=ADDRESS_SALT, max_age=ADDRESS_LINK_SECONDS)
    except signing.BadSignature:
        return ""
    return user.new_email if user.new_email and found == _what_changes(user) else ""


def _what_changes(user: CustomUser) -> str:
    return salted_hmac(
        ADDRESS_SALT, f"{user.pk} {user.email} {user.new_email}", algorithm="sha256"
    ).hexdigest()
