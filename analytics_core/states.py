"""How an account is doing: who is reading it now, how the last visit ended, when the next is due."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.crypto import get_random_string

from . import schedule
from .models import AccountState
from .platforms import Platform

# Longer than any task may take: a killed worker's account is free again after that.
LEASE_SECONDS = 15 * 60
AUDIT_EVERY = timedelta(hours=24)


def state_of(platform: Platform, account: Any) -> AccountState:
    """Return the account's state, created on first use."""
    state, _ = AccountState.objects.get_or_create(platform=platform.name, account_id=account.pk)
    return state


def is_due(platform: Platform, account: Any) -> bool:
    """Tell whether the account's next visit is due."""
    next_due_at = state_of(platform, account).next_due_at
    return next_due_at is None or next_due_at <= timezone.now()


def claim_lease(state: AccountState) -> str:
    """Reserve the account for one run. Returns the lease's token, "" if another run holds it."""
    now, token = timezone.now(), get_random_string(32)
    free = AccountState.objects.filter(Q(lease_until_at=None) | Q(lease_until_at__lte=now), pk=state.pk)
    lease_until_at = now + timedelta(seconds=LEASE_SECONDS)
    claimed = free.update(lease_token=token, lease_until_at=lease_until_at, last_attempt_at=now)
    return token if claimed else ""


def renew_lease(state: AccountState, token: str) -> bool:
    """Hold the lease for its whole length again. Returns whether it was still ours."""
    lease_until_at = timezone.now() + timedelta(seconds=LEASE_SECONDS)
    own = AccountState.objects.filter(pk=state.pk, lease_token=token)
    return bool(own.update(lease_until_at=lease_until_at))


def release_lease(state: AccountState, token: str) -> None:
    """Give the account free, if the lease is still ours."""
    AccountState.objects.filter(pk=state.pk, lease_token=token).update(lease_token="", lease_until_at=None)


def record_success(state: AccountState, token: str, *, message: str = "") -> None:
    """Note that a visit came to its end; the next is due at the next full hour.

    `message` tells the owner of single things that failed on the way.
    """
    now = timezone.now()
    AccountState.objects.filter(pk=state.pk, lease_token=token).update(
        last_success_at=now,
        next_due_at=schedule.next_full_hour(now),
        failures_count=0,
        failing_since_at=None,
        message=message[:300],
    )


def record_reading(state: AccountState, token: str) -> None:
    """Note that what somebody asked for by hand was read; when the next visit is due stays as it is."""
    AccountState.objects.filter(pk=state.pk, lease_token=token).update(
        last_success_at=timezone.now(), failures_count=0, failing_since_at=None, message=""
    )


def record_failure(
    state: AccountState, token: str, *, message: str, retry_at: datetime | None = None
) -> None:
    """Note that a visit failed, with a sentence for the owner.

    The next is due at `retry_at`, or when `schedule.next_try` says.
    """
    now = timezone.now()
    state.failures_count += 1
    state.failing_since_at = state.failing_since_at or now
    AccountState.objects.filter(pk=state.pk, lease_token=token).update(
        next_due_at=retry_at or schedule.next_try(failing_since_at=state.failing_since_at, now=now),
        failures_count=state.failures_count,
        failing_since_at=Coalesce("failing_since_at", state.failing_since_at),
        message=message[:300],
    )


def begin_audit(platform: Platform, account_id: int) -> bool:
    """Tell whether the account's daily audit is due, and note that it begins: only one caller hears yes."""
    now = timezone.now()
    due = AccountState.objects.filter(
        Q(audited_at=None) | Q(audited_at__lte=now - AUDIT_EVERY),
        platform=platform.name,
        account_id=account_id,
        history_is_complete=True,
    )
    return bool(due.update(audited_at=now))
