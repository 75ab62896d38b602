"""Connected accounts in the admin, without their tokens."""

from django.contrib import admin
from django.http import HttpRequest

from .models import MastodonAccount


@admin.register(MastodonAccount)
class MastodonAccountAdmin(admin.ModelAdmin):
    """Connected accounts. A token can be given for a new account, and is shown nowhere."""

    list_display = ("__str__", "user", "software", "state", "state_reason", "created_at")
    list_filter = ("state", "software")
    search_fields = ("username", "instance_url", "user__email")
    list_select_related = ("user",)
    autocomplete_fields = ("user",)

    def get_exclude(self, request: HttpRequest, obj: MastodonAccount | None = None) -> tuple[str, ...]:
        """Hide the token of an account that exists."""
        return ("access_token",) if obj else ()
