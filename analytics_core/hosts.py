"""Politeness owed to hosts, by all processes on all machines together.

A host's turn and its pauses are rows: whoever takes the next turn by a conditional update has it.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from time import sleep

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from .models import HostState
from .platforms import Blocked

logger = logging.getLogger(__name__)


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
            Blocked: it has asked for a pause meanwhile, through another account perhaps.
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


def block(host: str, *, seconds: float, message: str) -> datetime:
    """Leave `host` alone for `seconds`, for every account on it. Returns until when; pauses only grow."""
    until_at = timezone.now() + timedelta(seconds=seconds)
    state, _ = HostState.objects.get_or_create(host=host)
    is_shorter = Q(blocked_until_at=None) | Q(blocked_until_at__lt=until_at)
    shorter = HostState.objects.filter(is_shorter, pk=state.pk)
    if shorter.update(blocked_until_at=until_at, message=message[:300]):
        logger.info("%s is left alone until %s: %s", host, f"{until_at:%Y-%m-%d %H:%M:%S}", message)
    return until_at


def check(host: str) -> None:
    """Raise Blocked while `host` is to be left alone."""
    state = HostState.objects.filter(host=host).first()
    if state is not None:
        _raise_if_blocked(state)


def _raise_if_blocked(state: HostState) -> None:
    until_at, now = state.blocked_until_at, timezone.now()
    if until_at is not None and until_at > now:
        raise Blocked(
            f"{state.host} asked for a pause until {timezone.localtime(until_at):%H:%M}.",
            seconds=(until_at - now).total_seconds(),
        )
