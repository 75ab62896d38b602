"""What may stand in a page's query string. Anything else falls back to the default, without a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms

from analytics_core import periods, platforms
from analytics_core.models import MediaType

if TYPE_CHECKING:
    from analytics_core.selectors import ConnectedAccount

ALL_PLATFORMS = "all"
ALL_ACCOUNTS = "all"
ALL_MEDIA = "all"
SORTS = {
    "-posted_at": "Newest first",
    "-engagement": "Most engagement",
    "-likes": "Most likes",
    "-comments": "Most comments",
    "-shares": "Most shares",
}
MEDIA = {
    ALL_MEDIA: "Photos and videos",
    MediaType.IMAGE.value: "Single photos",
    MediaType.CAROUSEL.value: "Albums",
    MediaType.VIDEO.value: "Videos",
}


def platform_choices() -> list[tuple[str, str]]:
    """Return the choices of the platform filter: all, then each registered one."""
    return [(ALL_PLATFORMS, "All platforms"), *((p.name, p.label) for p in platforms.all_platforms())]


class LenientForm(forms.Form):
    """A form over a query string, whose every field has a value that is always right."""

    defaults: ClassVar[dict[str, Any]] = {}

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        self.add_fields()
        self.is_valid()
        # What the widgets show is what the page uses, not what was asked.
        self.data = {name: self.value(name) for name in self.fields}

    def add_fields(self) -> None:
        """Add the fields that no class can name."""

    def value(self, name: str) -> Any:
        """Return the field's clean value, or its default."""
        value = self.cleaned_data.get(name)
        return self.defaults[name] if value in (None, "") else value

    @property
    def query(self) -> dict[str, Any]:
        """The clean values that differ from their defaults: what an address has to carry."""
        return {name: self.value(name) for name in self.fields if self.value(name) != self.defaults[name]}


class RangeForm(LenientForm):
    """A range of days: so many up to today, all, or `from` one day `to` another."""

    defaults: ClassVar[dict[str, Any]] = {"days": periods.DEFAULT_DAYS, "from": None, "to": None}

    days = forms.ChoiceField(
        label="Range", choices={**periods.LABELS, periods.CUSTOM: "From … to"}, required=False
    )

    def add_fields(self) -> None:
        """Add `from` and `to`: the first is a word of Python's own."""
        for name, label in (("from", "From"), ("to", "To")):
            self.fields[name] = forms.DateField(
                label=label,
                input_formats=["%Y-%m-%d"],
                required=False,
                widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            )

    @cached_property
    def period(self) -> periods.Period:
        """The range asked for, in the active time zone."""
        clean = self.cleaned_data
        return periods.asked(clean.get("days"), first_day=clean.get("from"), last_day=clean.get("to"))

    def value(self, name: str) -> Any:
        """Return the field's clean value; the range's own are those of the period they come to."""
        if name == "days":
            return self.period.choice
        if name in ("from", "to"):
            return self.period.first_day if name == "from" else self.period.last_day
        return super().value(name)

    @property
    def query(self) -> dict[str, Any]:
        """The clean values that differ from their defaults: what an address has to carry."""
        others = {name: self.value(name) for name in self.fields if name not in ("days", "from", "to")}
        changed = {name: value for name, value in others.items() if value != self.defaults[name]}
        return {**self.period.query, **changed}


class FilterForm(RangeForm):
    """What a dashboard shows: range, platform, account, kind of media, words in captions, order."""

    defaults: ClassVar[dict[str, Any]] = {
        **RangeForm.defaults,
        "platform": ALL_PLATFORMS,
        "account": ALL_ACCOUNTS,
        "media": ALL_MEDIA,
        "q": "",
        "sort": "-posted_at",
    }

    platform = forms.ChoiceField(label="Platform", choices=platform_choices, required=False)
    account = forms.ChoiceField(label="Account", required=False)
    q = forms.CharField(label="Search captions", max_length=200, required=False)
    sort = forms.ChoiceField(label="Order", choices=SORTS, required=False)

    def __init__(self, data: Mapping[str, Any], *, connected: Sequence[ConnectedAccount]) -> None:
        self.connected = connected
        super().__init__(data)

    def add_fields(self) -> None:
        """Add the range's days, kinds of media, and the user's accounts: those of the chosen platform."""
        super().add_fields()
        # In a class body the name is that of a form's style sheets and scripts.
        self.fields["media"] = forms.ChoiceField(label="Kind", choices=MEDIA, required=False)
        wanted = self.data.get("platform", "") if "platform" in self.fields else ""
        names = {entry.platform.name for entry in self.connected}
        entries = [e for e in self.connected if wanted not in names or e.platform.name == wanted]
        choices = [(ALL_ACCOUNTS, "All accounts"), *((entry.key, str(entry.account)) for entry in entries)]
        self.fields["account"].choices = choices  # type: ignore[attr-defined]

    @property
    def media_field(self) -> forms.BoundField:
        """The choice of a kind of media, for templates: `form.media` is something else."""
        return self["media"]

    @property
    def chosen(self) -> list[ConnectedAccount]:
        """The accounts to show: those of the platform and account asked for."""
        platform, account = self.value("platform"), self.value("account")
        return [
            entry
            for entry in self.connected
            if platform in (ALL_PLATFORMS, entry.platform.name) and account in (ALL_ACCOUNTS, entry.key)
        ]


class PlatformForm(FilterForm):
    """The same for the dashboard of one platform."""

    platform = None  # type: ignore[assignment]


class RefreshForm(forms.Form):
    """Which post to read anew; none: all accounts."""

    post_id = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
