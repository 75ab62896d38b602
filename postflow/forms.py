"""What people set for themselves."""

from __future__ import annotations

from typing import Any

from django import forms

from . import zones
from .models import CustomUser


class TimeZoneField(forms.CharField):
    """A time zone by its name, or by the place it is named for."""

    def to_python(self, value: Any) -> str:
        """Return the zone's name.

        Raises:
            forms.ValidationError: nothing is named so, or several zones are.
        """
        text = super().to_python(value)
        found = zones.find(text) if text else []
        if len(found) == 1 or not text:
            return found[0] if found else ""
        if found:
            raise forms.ValidationError(f"“{text}” may be {' or '.join(found)}. Choose one of them.")
        raise forms.ValidationError(
            f"“{text}” is no time zone. Choose one of the list, such as Europe/Berlin."
        )


class SettingsForm(forms.ModelForm):
    """A person's time zone, theme and calm mode."""

    time_zone = TimeZoneField(
        max_length=64, error_messages={"required": "Choose a time zone, such as Europe/Berlin."}
    )

    class Meta:
        model = CustomUser
        fields = ("time_zone", "theme", "is_calm")


class AppearanceForm(forms.Form):
    """What the menu of every page changes: the theme, calm mode, or both."""

    theme = forms.ChoiceField(choices=CustomUser.Theme, required=False)
    calm = forms.ChoiceField(choices=[("on", "On"), ("off", "Off")], required=False)
