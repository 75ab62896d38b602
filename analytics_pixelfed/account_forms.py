"""What people type to connect an account."""

from __future__ import annotations

from django import forms

from .connecting import MAX_TYPED_LENGTH

MAX_TOKEN_LENGTH = 20_000


class ConnectForm(forms.Form):
    """The instance: its address, a handle or the address of a profile."""

    instance = forms.CharField(
        label="Your instance, handle or profile",
        max_length=MAX_TYPED_LENGTH,
        error_messages={"required": "Enter the address of your instance, for example pixelfed.social."},
    )


class TokenForm(ConnectForm):
    """The instance, and a token that its owner has made there."""

    token = forms.RegexField(
        label="Access token",
        regex=r"\A[\x21-\x7e]+\Z",
        max_length=MAX_TOKEN_LENGTH,
        widget=forms.PasswordInput,
        error_messages={
            "required": "Paste the token that your instance showed you.",
            "invalid": "This is not a token: it has spaces or signs that none has.",
        },
    )
