"""What people type to sign up, and to change their password or address."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import (
    BaseUserCreationForm,
    PasswordChangeForm,
    PasswordResetForm,
    SetPasswordForm,
)
from django.contrib.auth.password_validation import password_validators_help_texts
from django.http import HttpRequest
from django.utils.functional import lazy

from . import limits, mailing, tasks
from .models import CustomUser

TAKEN = "There is an account with this address already."
WRONG_PASSWORD = "This is not your password."  # noqa: S105
MISMATCH = "This is not the same as the password above."
NO_ADDRESS = "This is not a whole address, such as you@example.org."
# How long it has to be; whoever breaks one of the other rules is told then.
PASSWORD_RULE = lazy(lambda: password_validators_help_texts()[1], str)()


def same_case(address: str) -> str:
    """Return an e-mail address as it is stored: in lower case."""
    return address.strip().lower()


def _name_password_fields(form: forms.BaseForm, first: str, second: str) -> None:
    form.fields[first].label = "Password" if first == "password1" else "New password"
    form.fields[first].help_text = PASSWORD_RULE
    form.fields[second].label = "The same again"
    form.fields[second].help_text = ""
    form.fields[first].error_messages["required"] = "Choose a password."
    form.fields[second].error_messages["required"] = "Type the password a second time."


class SignUpForm(BaseUserCreationForm):
    """A new account: an address and a password."""

    error_messages = {"password_mismatch": MISMATCH}

    class Meta:
        model = CustomUser
        fields = ("email",)
        labels = {"email": "E-mail address"}
        error_messages = {
            "email": {"required": "Enter your e-mail address.", "invalid": NO_ADDRESS, "unique": TAKEN}
        }
        widgets = {"email": forms.EmailInput(attrs={"autocomplete": "username", "autocapitalize": "none"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _name_password_fields(self, "password1", "password2")

    def clean_email(self) -> str:
        """Return the address as it is stored, so that one in other case is found to be taken."""
        return same_case(self.cleaned_data["email"])

    def validate_constraints(self) -> None:
        """Look no second time: one that was taken since the look before would be told beside no field."""

    def validate_password_for_user(self, user: Any, *args: str) -> None:
        """Check the password; what is wrong stands beside the first field."""
        super().validate_password_for_user(user, "password1")  # type: ignore[misc]  # missing in the stubs


class AskForPasswordForm(PasswordResetForm):
    """An address whose password was forgotten."""

    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "autofocus": True}
        ),
        error_messages={"required": "Enter your e-mail address.", "invalid": NO_ADDRESS},
    )

    def save(self, *, request: HttpRequest, **options: Any) -> None:  # type: ignore[override]  # Django's takes a template for each part
        """Queue a mail to whoever has this address; the tries for one address are few."""
        address = same_case(self.cleaned_data["email"])
        # Said to nobody: the answer must not tell whether there is such an account.
        if not limits.spend("reset of", address, at_most=3, seconds=3600):
            return
        for user in self.get_users(address):
            tasks.send_mail.enqueue("password_link", user.pk, mailing.origin(request))


class NewPasswordForm(SetPasswordForm):
    """A new password for somebody who came by a link."""

    error_messages = {"password_mismatch": MISMATCH}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _name_password_fields(self, "new_password1", "new_password2")

    def validate_password_for_user(self, user: Any, *args: str) -> None:
        """Check the password; what is wrong stands beside the first field."""
        super().validate_password_for_user(user, "new_password1")


class ChangePasswordForm(NewPasswordForm, PasswordChangeForm):
    """A new password for somebody who knows the present one."""

    error_messages = {"password_mismatch": MISMATCH, "password_incorrect": WRONG_PASSWORD}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["old_password"].label = "Present password"
        self.fields["old_password"].error_messages["required"] = "Enter your present password."
        del self.fields["old_password"].widget.attrs["autofocus"]


class ChangeAddressForm(forms.Form):
    """Another address, and the password as a proof of who asks."""

    new_email = forms.EmailField(
        label="New e-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autocapitalize": "none"}),
        error_messages={"required": "Enter the new address.", "invalid": NO_ADDRESS},
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Enter your password."},
    )

    def __init__(self, user: CustomUser, *args: Any, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)

    def clean_new_email(self) -> str:
        """Return a free address, in lower case. Raises ValidationError: it is one's own, or taken."""
        address = same_case(self.cleaned_data["new_email"])
        if address == self.user.email:
            raise forms.ValidationError("This is your address already.")
        if CustomUser.objects.filter(email=address).exists():
            raise forms.ValidationError(TAKEN)
        return address

    def clean_password(self) -> str:
        """Return the password. Raises ValidationError: it is not the one of the account."""
        password = self.cleaned_data["password"]
        if not self.user.check_password(password):
            raise forms.ValidationError(WRONG_PASSWORD)
        return str(password)
