"""Politeness owed to hosts, by all processes on all machines together.

A host's turn and its pauses are rows: whoever takes the next turn by a conditional update has it.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from time import sleep

from django.conf import settings
from django.utils import timezone

from .models import HostState

logger = logging.getLogger(__name__)


def wait_turn(host: str) -> None:
    """Return when the next request to `host` may be sent: one per settings.FETCH_REQUEST_INTERVAL seconds."""
    interval = timedelta(seconds=settings.FETCH_REQUEST_INTERVAL)
    if not interval:
        return
    while True:
        state, _ = HostState.objects.get_or_create(host=host)
        now = timezone.now()
        wait = (state.next_request_at or now) - now
        # A turn further away than two intervals was taken by a clock that was wrong.
        if timedelta(0) < wait <= interval * 2:
            sleep(wait.total_seconds())
            continue
        # Taken at the moment of sending, not before a sleep that may last longer than it should. Somebody
        # else took the turn if the row changed under us: look again.
        free = HostState.objects.filter(pk=state.pk, next_request_at=state.next_request_at)
        if free.update(next_request_at=now + interval):
            return


def block(host: str, *, seconds: float, message: str) -> datetime:
    """Leave `host` alone for `seconds`, for every account on it. Returns until when; pauses only grow."""
    until_at = timezone.now() + timedelta(seconds=seconds)
    state, _ = HostState.objects.get_or_create(host=host)
    if state.blocked_until_at is None or state.blocked_until_at < until_at:
        HostState.objects.filter(pk=state.pk).update(blocked_until_at=until_at, message=message[:300])
        logger.info("%s is left alone until %s: %s", host, f"{until_at:%Y-%m-%d %H:%M:%S}", message)
    return until_at


def blocked_until(host: str) -> datetime | None:
    """Return until when `host` is to be left alone, None if it may be asked now."""
    until_at = HostState.objects.filter(host=host).values_list("blocked_until_at", flat=True).first()
    return until_at if until_at is not None and until_at > timezone.now() else None
