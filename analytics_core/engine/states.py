"""How an account is doing: who is reading it now, how the last visit ended, when the next is due."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.crypto import get_random_string

from analytics_core import schedule
from analytics_core.models import AccountState
from analytics_core.platforms import Platform

# Longer than any task may take: a killed worker's account is free again after that.
LEASE_SECONDS = 15 * 60
AUDIT_EVERY = timedelta(hours=24)
# How often a visit's progress is written at most, and from when on an estimate is worth telling.
PROGRESS_SECONDS = 2
ESTIMATE_AFTER = timedelta(seconds=5)
NO_PROGRESS: dict[str, Any] = {
    "progress_kind": "",
    "progress_done": 0,
    "progress_total": None,
    "progress_began_at": None,
    "progress_at": None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the visit under way has got.

    Attributes:
        kind: what is done: "posts" (they are listed) or "engagement" (who likes, comments and shares).
        done: how many posts are done in this visit.
        total: how many there are to do in it; None: not known.
        at: when the visit said so.
        seconds_left: how long the rest will take if it goes on as it did; None: too early to tell.
    """

    kind: str
    done: int
    total: int | None
    at: datetime
    seconds_left: int | None

    @property
    def words(self) -> str:
        """How far it is, such as "12 of 40 posts"."""
        if not self.total:
            return f"{self.done:,} post{'' if self.done == 1 else 's'}"
        return f"{self.done:,} of {self.total:,} post{'' if self.total == 1 else 's'}"

    @property
    def left_words(self) -> str:
        """How long the rest will take, such as "about 6 minutes"; "" while that is not known."""
        if self.seconds_left is None:
            return ""
        minutes = math.ceil(self.seconds_left / 60)
        return "less than a minute" if minutes <= 1 else f"about {minutes:,} minutes"


class ProgressWriter:
    """Keeps a visit's progress in the account's state, for other processes to show.

    It is the `progress` of `AnalyticsFetcher`, and writes once in `PROGRESS_SECONDS` at most.
    """

    def __init__(self, platform: Platform, account: Any) -> None:
        self._states = AccountState.objects.filter(platform=platform.name, account_id=account.pk)
        self._kind = ""
        self._began_at: datetime | None = None
        self._written_at = -math.inf

    def __call__(self, kind: str, done: int, total: int | None) -> None:
        """Note that `done` of `total` (None: not known) posts are done."""
        now = timezone.now()
        if kind != self._kind:
            self._kind, self._began_at = kind, now
        if time.monotonic() - self._written_at < PROGRESS_SECONDS:
            return
        self._written_at = time.monotonic()
        # Only under a lease: what ended must not look as if it still ran.
        self._states.filter(lease_until_at__gt=now).update(
            progress_kind=kind,
            progress_done=done,
            progress_total=total,
            progress_began_at=self._began_at,
            progress_at=now,
        )


def is_being_read(state: AccountState | None) -> bool:
    """Tell whether a visit to the account is under way."""
    return bool(state and state.lease_until_at and state.lease_until_at > timezone.now())


def progress_of(state: AccountState | None) -> Progress | None:
    """Return how far the visit under way has got; None: there is none, or it has not told yet."""
    if state is None or not is_being_read(state) or not state.progress_at or not state.progress_began_at:
        return None
    return Progress(
        kind=state.progress_kind,
        done=state.progress_done,
        total=state.progress_total,
        at=state.progress_at,
        seconds_left=_seconds_left(state, took=state.progress_at - state.progress_began_at),
    )


def _seconds_left(state: AccountState, *, took: timedelta) -> int | None:
    done, total = state.progress_done, state.progress_total
    if not done or not total or took < ESTIMATE_AFTER:
        return None
    return math.ceil(took.total_seconds() * max(total - done, 0) / done)


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
    claimed = free.update(
        lease_token=token, lease_until_at=lease_until_at, last_attempt_at=now, **NO_PROGRESS
    )
    return token if claimed else ""


def renew_lease(state: AccountState, token: str) -> bool:
    """Hold the lease for its whole length again. Returns whether it was still ours."""
    lease_until_at = timezone.now() + timedelta(seconds=LEASE_SECONDS)
    own = AccountState.objects.filter(pk=state.pk, lease_token=token)
    return bool(own.update(lease_until_at=lease_until_at))


def release_lease(state: AccountState, token: str) -> None:
    """Give the account free, if the lease is still ours; nothing is under way any more."""
    held = AccountState.objects.filter(pk=state.pk, lease_token=token)
    held.update(lease_token="", lease_until_at=None, **NO_PROGRESS)


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
