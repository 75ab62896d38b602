"""Connected accounts in the admin, without their tokens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.utils import timezone

from core.http import InstanceAddressError, normalize_instance_url

from .models import InstanceApp, MastodonAccount

HIDDEN = (
    *("access_token", "refresh_token", "token_stored_at", "token_expires_at", "token_renew_at", "app"),
    *("avatar", "avatar_source", "avatar_due_at", "avatar_failures_count"),
)


class MastodonAccountForm(forms.ModelForm):
    """Takes a token and shows none. A new token sets an account going that had to be reconnected."""

    new_token = forms.CharField(
        label="Access token",
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Stored encrypted and never shown. Leave it empty to keep the one there is.",
    )

    class Meta:
        model = MastodonAccount
        exclude = HIDDEN  # noqa: DJ006 everything else may be seen

    def clean_instance_url(self) -> str:
        """Return the address in its one form; an address that cannot be an instance's is refused."""
        try:
            return normalize_instance_url(self.cleaned_data["instance_url"])
        except InstanceAddressError as error:
            raise forms.ValidationError(str(error)) from error

    def clean_username(self) -> str:
        """Return the handle alone, of "@ana@pixelfed.social" as of "ana"."""
        return self.cleaned_data["username"].strip().removeprefix("@").partition("@")[0]

    def clean_new_token(self) -> str:
        """Return the token; a new account cannot do without."""
        token = self.cleaned_data["new_token"].strip()
        if not token and self.instance.pk is None:
            raise forms.ValidationError("An account needs a token.")
        return token

    def save(self, commit: bool = True) -> MastodonAccount:
        """Save, with the new token if there is one."""
        token = self.cleaned_data["new_token"]
        if token:
            self.instance.access_token, self.instance.token_stored_at = token, timezone.now()
            # What belonged to the old one would end or replace this one.
            self.instance.refresh_token = self.instance.app = None
            self.instance.token_expires_at = self.instance.token_renew_at = None
            if self.instance.state == MastodonAccount.State.RECONNECT:
                self.instance.state, self.instance.state_reason = MastodonAccount.State.ACTIVE, ""
        return super().save(commit)


@admin.register(MastodonAccount)
class MastodonAccountAdmin(admin.ModelAdmin):
    """Connected accounts. Deleting one deletes everything that was read of it."""

    form = MastodonAccountForm
    list_display = ("__str__", "user", "software", "state", "state_reason", "created_at")
    list_filter = ("state", "software")
    search_fields = ("username", "instance_url", "user__email")
    list_select_related = ("user",)
    autocomplete_fields = ("user",)

    def get_queryset(self, request: Any) -> Any:
        """Leave the token out of what is loaded for lists."""
        return super().get_queryset(request).defer("access_token", "refresh_token")


@admin.register(InstanceApp)
class InstanceAppAdmin(admin.ModelAdmin):
    """Where PostFlow is registered. A deleted registration is made anew when somebody connects there."""

    fields = readonly_fields = ("instance_url", "redirect_uri", "client_id", "created_at")
    list_display = ("instance_url", "redirect_uri", "client_id", "created_at")
    search_fields = ("instance_url",)

    def get_queryset(self, request: Any) -> Any:
        """Leave the secret out of what is loaded."""
        return super().get_queryset(request).defer("client_secret")

    def has_add_permission(self, request: Any) -> bool:
        """Refuse: only an instance can give one."""
        return False
