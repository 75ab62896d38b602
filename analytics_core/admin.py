"""The engine's own state in the admin."""

from django.contrib import admin

from .models import AccountState, HostState, SyncRun


@admin.register(SyncRun)
class SyncRunAdmin(admin.ModelAdmin):
    """What each hour brought."""

    list_display = ("__str__", "finished_at", "accounts_due", *SyncRun.RESULT_KEYS, "requests")
    list_filter = ("platform",)
    date_hierarchy = "started_at"


@admin.register(AccountState)
class AccountStateAdmin(admin.ModelAdmin):
    """How each account is doing."""

    list_display = (
        "__str__", "last_success_at", "next_due_at", "failures_count", "history_is_complete",
        "lease_until_at",
        "message",
    )  # fmt: skip
    list_filter = ("platform", "history_is_complete")
    exclude = ("lease_token",)


@admin.register(HostState)
class HostStateAdmin(admin.ModelAdmin):
    """Which hosts asked for a pause."""

    list_display = ("host", "blocked_until_at", "next_request_at", "message")
    search_fields = ("host",)
