"""What people type on the pages about their data."""

from __future__ import annotations

from django import forms

from analytics_core.engine import people


class HandleField(forms.CharField):
    """A handle, with or without its instance."""

    def clean(self, value: str | None) -> tuple[str, str]:
        """Return name and host.

        Raises:
            forms.ValidationError: it is no handle.
        """
        try:
            return people.read_handle(super().clean(value))
        except people.NoHandle as error:
            raise forms.ValidationError(str(error)) from error


class PersonForm(forms.Form):
    """Who is to be forgotten, and once they are found, that they are meant."""

    handle = HandleField(
        error_messages={"required": "Type a handle, such as @bob@photos.example."}, max_length=300
    )
    confirmed = forms.CharField(required=False, max_length=400)


class DeleteForm(forms.Form):
    """The password, once more."""

    password = forms.CharField(
        strip=False, max_length=4096, error_messages={"required": "Type your password."}
    )
