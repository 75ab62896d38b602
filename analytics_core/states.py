"""How an account is doing: who is reading it now, how the last visit ended, when the next is due."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import get_random_string

from .models import AccountState
from .platforms import Platform

# Longer than any run may take: a killed worker's account is free again after that.
LEASE_SECONDS = 15 * 60
INTERVAL = timedelta(hours=1)
LONGEST_BACK_OFF = timedelta(hours=6)


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


def release_lease(state: AccountState, token: str) -> None:
    """Give the account free, if the lease is still ours."""
    AccountState.objects.filter(pk=state.pk, lease_token=token).update(lease_token="", lease_until_at=None)


def record_success(state: AccountState, token: str, *, message: str = "") -> None:
    """Note that a visit came to its end; the next is due at the next full hour.

    `message` tells the owner of single things that failed on the way.
    """
    now = timezone.now()
    next_due_at = (now + INTERVAL).replace(minute=0, second=0, microsecond=0)
    AccountState.objects.filter(pk=state.pk, lease_token=token).update(
        last_success_at=now, next_due_at=next_due_at, failures_count=0, message=message[:300]
    )


def record_reading(state: AccountState, token: str) -> None:
    """Note that what somebody asked for by hand was read; when the next visit is due stays as it is."""
    AccountState.objects.filter(pk=state.pk, lease_token=token).update(
        last_success_at=timezone.now(), failures_count=0, message=""
    )


def record_failure(
    state: AccountState, token: str, *, message: str, retry_at: datetime | None = None
) -> None:
    """Note that a visit failed, with a sentence for the owner.

    The next is due at `retry_at`; without it, each failure in a row doubles the wait, up to six hours.
    """
    state.failures_count += 1
    wait = min(INTERVAL * 2 ** min(state.failures_count - 1, 10), LONGEST_BACK_OFF)
    AccountState.objects.filter(pk=state.pk, lease_token=token).update(
        next_due_at=retry_at or timezone.now() + wait,
        failures_count=state.failures_count,
        message=message[:300],
    )
