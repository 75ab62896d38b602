"""The engine's own state in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from analytics_core.models import AccountCount, AccountState, HostState, Ledger, SyncRun


class ReadOnlyAdmin(admin.ModelAdmin):
    """Shows rows that only the engine makes and changes; the next visit would undo anybody else's work."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds such a row by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody edits such a row by hand."""
        return False


@admin.register(AccountCount)
class AccountCountAdmin(ReadOnlyAdmin):
    """Followers by day."""

    list_display = ("__str__", "followers_count", "following_count", "posts_count")
    list_filter = ("platform",)
    date_hierarchy = "counted_on"


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyAdmin):
    """What each hour brought."""

    list_display = ("__str__", "finished_at", "accounts_due", *SyncRun.RESULT_KEYS, "requests")
    list_filter = ("platform",)
    date_hierarchy = "started_at"


@admin.register(AccountState)
class AccountStateAdmin(ReadOnlyAdmin):
    """How each account is doing."""

    list_display = (
        "__str__", "last_success_at", "next_due_at", "failing_since_at", "failures_count",
        "history_is_complete", "audited_at", "lease_until_at", "message",
    )  # fmt: skip
    list_filter = ("platform", "history_is_complete")
    exclude = ("lease_token",)


@admin.register(HostState)
class HostStateAdmin(ReadOnlyAdmin):
    """How each host is doing, and which are left alone."""

    list_display = (
        "host", "blocked_until_at", "failing_since_at", "failures_count", "next_request_at", "message",
    )  # fmt: skip
    search_fields = ("host",)


@admin.register(Ledger)
class LedgerAdmin(ReadOnlyAdmin):
    """In whose days each account is counted, and from when on its days are whole."""

    list_display = (
        "__str__", "begun_at", "whole_from_at", "undated_likes", "undated_comments", "undated_shares",
    )  # fmt: skip
    list_filter = ("platform",)
