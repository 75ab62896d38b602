"""What may stand in a page's query string. Anything else falls back to the default, without a word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms

from analytics_core import periods, platforms

ALL_PLATFORMS = "all"
SORTS = {
    "-posted_at": "Newest first",
    "-engagement": "Most engagement",
    "-likes": "Most likes",
    "-comments": "Most comments",
    "-shares": "Most shares",
}


def platform_choices() -> list[tuple[str, str]]:
    """Return the choices of the platform filter: all, then each registered one."""
    return [(ALL_PLATFORMS, "All platforms"), *((p.name, p.label) for p in platforms.all_platforms())]


class LenientForm(forms.Form):
    """A form over a query string, whose every field has a value that is always right."""

    defaults: ClassVar[dict[str, Any]] = {}

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        self.is_valid()
        # What the widgets show is what the page uses, not what was asked.
        self.data = {name: self.value(name) for name in self.fields}

    def value(self, name: str) -> Any:
        """Return the field's clean value, or its default."""
        value = self.cleaned_data.get(name)
        return self.defaults[name] if value in (None, "") else value

    @property
    def query(self) -> dict[str, Any]:
        """The clean values that differ from their defaults: what an address has to carry."""
        return {name: self.value(name) for name in self.fields if self.value(name) != self.defaults[name]}


class FilterForm(LenientForm):
    """Range, order and platform of a dashboard."""

    defaults: ClassVar[dict[str, Any]] = {
        "days": periods.DEFAULT_DAYS,
        "sort": "-posted_at",
        "platform": ALL_PLATFORMS,
    }

    days = forms.ChoiceField(label="Posts from", choices=periods.LABELS, required=False)
    sort = forms.ChoiceField(label="Order", choices=SORTS, required=False)
    platform = forms.ChoiceField(label="Platform", choices=platform_choices, required=False)


class RangeForm(LenientForm):
    """Range of the comparison."""

    defaults: ClassVar[dict[str, Any]] = {"days": periods.DEFAULT_DAYS}

    days = forms.ChoiceField(label="Posts from", choices=periods.LABELS, required=False)


class RefreshForm(forms.Form):
    """Which post to read anew; none: all accounts."""

    post_id = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
