"""Up to when the numbers of a page hold, when the next come, and what to say where something is wrong.

Pure: every function takes the moment `now`, and writes times in its time zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.utils import dateformat

from analytics_core.engine import states
from analytics_core.models import AccountState
from analytics_core.platforms import Platform
from analytics_core.schedule import LATE_AFTER, next_full_hour

ASK = "Connect it again, and PostFlow goes on where it was."


class Connected(Protocol):
    """An account as the selectors bring it."""

    @property
    def platform(self) -> Platform:
        """Its platform."""

    @property
    def account(self) -> Any:
        """The platform's row; its text is the handle."""

    @property
    def state(self) -> AccountState | None:
        """How far the engine has got with it; None: never begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """The line in the head of a page: up to when all numbers on it hold, and when the next come.

    Attributes:
        up_to_at: the oldest of the accounts' last readings; None: there was none yet.
        next_at: the full hour at which the next account is read; None: none will be.
        is_reading: whether an account is being read at this moment.
        is_late: whether the numbers are older than they should be.
    """

    up_to_at: datetime | None
    next_at: datetime | None
    is_reading: bool
    is_late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountWords:
    """What to say about one account.

    Attributes:
        kind: "good", "reading" (at this moment), "first" (its first reading has not ended), "filling" (older
            posts are still to be read), "part" (something failed), "failing", "paused" or "reconnect".
        short: a few words beside its name; "" where there is nothing to say, or a title says it.
        title: what is wrong, in a sentence; "" where nothing is.
        text: the reason, and what comes next.
    """

    kind: str
    short: str = ""
    title: str = ""
    text: str = ""

    @property
    def is_serious(self) -> bool:
        """Whether the owner's numbers stand still against their will."""
        return self.kind in ("failing", "reconnect")


def clock(moment: datetime, now: datetime) -> str:
    """Write a moment beside others of the same day: "14:05", "yesterday 14:05" or "3 March 14:05"."""
    local = moment.astimezone(now.tzinfo)
    days = (local.date() - now.date()).days
    day = {0: "", -1: "yesterday ", 1: "tomorrow "}.get(days)
    if day is None:
        day = dateformat.format(local, "j F " if local.year == now.year else "j F Y, ")
    return f"{day}{dateformat.format(local, 'H:i')}"


def next_visit_at(state: AccountState | None, now: datetime) -> datetime:
    """Return the full hour at which an active account is read next: visits begin at full hours alone."""
    due_at = state.next_due_at if state else None
    if due_at is None or due_at <= now:
        return next_full_hour(now)
    return next_full_hour(due_at - timedelta(microseconds=1))


def is_active(entry: Connected) -> bool:
    """Tell whether the account is read at all: neither paused nor waiting to be connected again."""
    return getattr(entry.account, "state", "active") == "active"


def freshness(entries: Sequence[Connected], *, now: datetime) -> Freshness | None:
    """Return how fresh the numbers of these accounts are together; None: there is no account.

    Paused accounts are left out: their owner wants their numbers to stand still.
    """
    shown = [entry for entry in entries if getattr(entry.account, "state", "") != "paused"]
    if not shown:
        return None
    read = [entry.state.last_success_at for entry in shown if entry.state and entry.state.last_success_at]
    up_to_at = min(read, default=None)
    active = [entry.state for entry in shown if is_active(entry)]
    return Freshness(
        up_to_at=up_to_at,
        next_at=min((next_visit_at(state, now) for state in active), default=None),
        is_reading=any(states.is_being_read(state) for state in active),
        is_late=up_to_at is not None and now - up_to_at > LATE_AFTER,
    )


def account_words(entry: Connected, *, now: datetime) -> AccountWords:
    """Return what to say about one account: the most serious thing alone."""
    name, state = str(entry.account), entry.state
    own_state = getattr(entry.account, "state", "active")
    if own_state == "reconnect":
        reason = getattr(entry.account, "state_reason", "") or "Its instance no longer lets PostFlow in."
        return AccountWords(
            kind="reconnect",
            title=f"{name} has to be connected again.",
            text=f"{reason} {ASK} {_hold(state, now)}".strip(),
        )
    if own_state == "paused":
        held = state.last_success_at if state else None
        return AccountWords(
            kind="paused", short=f"paused, numbers up to {clock(held, now)}" if held else "paused"
        )
    if state is None:
        return AccountWords(kind="first", short=f"first reading {clock(next_visit_at(None, now), now)}")
    if state.failures_count:
        return _failing(name, state, now)
    if state.message:
        again = clock(next_visit_at(state, now), now)
        return AccountWords(
            kind="part",
            title=f"Something of {name} could not be read.",
            text=f"{state.message} PostFlow tries again by itself, {again}.",
        )
    return _under_way(state, now)


def _failing(name: str, state: AccountState, now: datetime) -> AccountWords:
    since = f" since {clock(state.failing_since_at, now)}" if state.failing_since_at else ""
    again = clock(next_visit_at(state, now), now)
    if state.last_success_at is None:
        words = f"could not be read yet{since and '; tried' + since}"
    elif since:
        words = f"could not be read{since}"
    else:
        words = "could not be read the last time"
    return AccountWords(
        kind="failing",
        title=f"{name} {words}, next try {again}.",
        text=f"{state.message} {_hold(state, now)}".strip(),
    )


def _under_way(state: AccountState, now: datetime) -> AccountWords:
    progress = states.progress_of(state)
    far = f"{progress.words}{progress.left_words and ', ' + progress.left_words}" if progress else ""
    if state.last_success_at is None:
        if states.is_being_read(state):
            return AccountWords(kind="first", short=f"first reading: {far or 'under way'}")
        return AccountWords(kind="first", short=f"first reading {clock(next_visit_at(state, now), now)}")
    if not state.history_is_complete:
        return AccountWords(kind="filling", short=f"older posts are still being read{far and ': ' + far}")
    if far:
        return AccountWords(kind="reading", short=f"being read: {far}")
    return AccountWords(kind="good")


def _hold(state: AccountState | None, now: datetime) -> str:
    if state is None or state.last_success_at is None:
        return ""
    return f"Its numbers hold up to {clock(state.last_success_at, now)}."
