"""Politeness owed to hosts, by all processes on all machines together, and how the hosts are doing.

A host's turn, its pauses and its troubles are in a row: whoever takes the next turn by a conditional update
has it.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from time import sleep

from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from analytics_core import schedule
from analytics_core.models import HostState
from analytics_core.platforms import Blocked, NoAnswer, TryLater
from core import stopping

logger = logging.getLogger(__name__)

# One broken answer may be the account's own trouble; two in a row, of any accounts, are the host's. No answer
# at all is so at once.
TROUBLE_COUNT = 2


class LeftAlone(Blocked):
    """A host is not to be asked now, as we know already.

    Attributes:
        reason: what it answered, or did not, when it was last asked.
        until_at: when it may be asked again.
    """

    def __init__(self, host: str, *, reason: str, until_at: datetime) -> None:
        super().__init__(
            f"{host} is left alone until {timezone.localtime(until_at):%H:%M}: {reason}",
            seconds=(until_at - timezone.now()).total_seconds(),
        )
        self.reason = reason
        self.until_at = until_at


class Turn:
    """One after the other: at most one request to a host under way, and an interval after its answer.

    What a connection or a busy machine takes then never brings two requests closer than
    settings.FETCH_REQUEST_INTERVAL seconds.
    """

    def __init__(self) -> None:
        self._taken_until_at: datetime | None = None

    def wait(self, host: str) -> None:
        """Return when the next request to `host` may be sent.

        Raises:
            LeftAlone: it has asked for a pause meanwhile, through another account perhaps.
        """
        interval = timedelta(seconds=settings.FETCH_REQUEST_INTERVAL)
        if not interval:
            return
        # Whoever dies with the turn in hand loses it after the longest that an answer may take.
        longest = interval + timedelta(seconds=settings.FETCH_TIMEOUT)
        while True:
            state, _ = HostState.objects.get_or_create(host=host)
            now = timezone.now()
            _raise_if_blocked(state)
            wait = (state.next_request_at or now) - now
            # A turn further away was taken by a clock that was wrong.
            if timedelta(0) < wait <= longest:
                # The answer under way is likely to come sooner than it has to.
                with stopping.breakable():
                    sleep(min(wait, interval).total_seconds())
                continue
            # Somebody else took the turn if the row changed under us: look again.
            free = HostState.objects.filter(pk=state.pk, next_request_at=state.next_request_at)
            if free.update(next_request_at=now + longest):
                self._taken_until_at = now + longest
                return

    def end(self, host: str) -> None:
        """Note that the answer is there, or will not come: the next may go an interval later."""
        if self._taken_until_at is not None:
            own = HostState.objects.filter(host=host, next_request_at=self._taken_until_at)
            own.update(next_request_at=timezone.now() + timedelta(seconds=settings.FETCH_REQUEST_INTERVAL))
            self._taken_until_at = None


def check(host: str) -> HostState | None:
    """Return what is known of the host, None if nothing is.

    Raises:
        LeftAlone: it is not to be asked now.
    """
    state = HostState.objects.filter(host=host).first()
    if state is not None:
        _raise_if_blocked(state)
    return state


def is_in_trouble(state: HostState | None) -> bool:
    """Tell whether the last visits to a host failed: what goes there should be in nobody's way."""
    return state is not None and state.failures_count >= TROUBLE_COUNT


def block(host: str, *, seconds: float, message: str) -> datetime:
    """Leave `host` alone for `seconds`, for every account on it. Returns until when; pauses only grow."""
    state, _ = HostState.objects.get_or_create(host=host)
    return _block_until(state, timezone.now() + timedelta(seconds=seconds), message)


def note_failure(host: str, error: TryLater, *, is_final: bool) -> datetime | None:
    """Note a visit that the host's trouble ended.

    Args:
        error: what it was.
        is_final: nothing more was left to try. A host in trouble is then left alone, for every account on
            it, the longer the longer it has been failing (`schedule.next_try`).

    Returns:
        Until when it is left alone; None: it is not.
    """
    now = timezone.now()
    state, _ = HostState.objects.get_or_create(host=host)
    HostState.objects.filter(pk=state.pk).update(
        failures_count=F("failures_count") + (TROUBLE_COUNT if isinstance(error, NoAnswer) else 1),
        failing_since_at=Coalesce("failing_since_at", now),
    )
    state.refresh_from_db()
    if not is_final or not is_in_trouble(state):
        return None
    until_at = schedule.next_try(failing_since_at=state.failing_since_at or now, now=now)
    return _block_until(state, until_at, str(error))


def note_answer(state: HostState | None) -> None:
    """Note a visit that went well: whatever the host's trouble was, it is over."""
    if state is not None and state.failures_count:
        HostState.objects.filter(pk=state.pk).update(failures_count=0, failing_since_at=None)


def _block_until(state: HostState, until_at: datetime, message: str) -> datetime:
    is_shorter = Q(blocked_until_at=None) | Q(blocked_until_at__lt=until_at)
    shorter = HostState.objects.filter(is_shorter, pk=state.pk)
    if shorter.update(blocked_until_at=until_at, message=message[:300]):
        logger.info("%s is left alone until %s: %s", state.host, f"{until_at:%Y-%m-%d %H:%M:%S}", message)
    return until_at


def _raise_if_blocked(state: HostState) -> None:
    if state.blocked_until_at is not None and state.blocked_until_at > timezone.now():
        raise LeftAlone(state.host, reason=state.message, until_at=state.blocked_until_at)
