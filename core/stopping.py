"""Ends long work soon after its process was asked to stop, without cutting a write in two.

A worker that is told to stop calls `ask`. From then on `is_asked` tells long work to end at the next good
place. After `GRACE_SECONDS` whatever still waits for another server is broken off by `Stopped`.
"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

GRACE_SECONDS = 10.0
_LOOK_AGAIN_SECONDS = 0.5

_asked_at: float | None = None
_is_waiting = False


class Stopped(BaseException):
    """The process has to end now, and this was waiting. Nothing was lost: do it again at the next start.

    No `Exception`, so that nothing on the way takes it for a failure of the other side.
    """


def ask() -> None:
    """Ask the work of this process to end. To be called in the main thread, by the handler of a signal."""
    global _asked_at
    if _asked_at is None:
        _asked_at = time.monotonic()
        signal.signal(signal.SIGALRM, _break_off)
        signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS, _LOOK_AGAIN_SECONDS)


def is_asked() -> bool:
    """Tell whether the work of this process is to end."""
    return _asked_at is not None


def forget() -> None:
    """Take `ask` back: the work has ended."""
    global _asked_at
    if _asked_at is not None:
        _asked_at = None
        # An alarm during the end of the interpreter would kill it.
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def breakable() -> Iterator[None]:
    """Allow what is inside to be broken off once the grace is over. For waiting only: nothing may be written.

    Raises:
        Stopped: then, or at once if it is over already.
    """
    global _is_waiting
    if threading.current_thread() is not threading.main_thread():
        # Signals reach the main thread only.
        yield
        return
    if _asked_at is not None and time.monotonic() - _asked_at >= GRACE_SECONDS:
        raise Stopped
    _is_waiting = True
    try:
        yield
    finally:
        _is_waiting = False


@contextmanager
def asked_by_signals() -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM `ask`; a second one breaks off at once with KeyboardInterrupt.

    For the main thread; in another one signals stay as they are.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def receive(signum: int, frame: FrameType | None) -> None:
        if is_asked():
            raise KeyboardInterrupt
        ask()

    before = {number: signal.signal(number, receive) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        forget()


def _break_off(signum: int, frame: FrameType | None) -> None:
    global _is_waiting
    if _is_waiting:
        # Here and not only where the waiting ends: this may strike before it got that far.
        _is_waiting = False
        raise Stopped
