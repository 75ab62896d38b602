"""Starts the processes that `manage.py demo` lives in, and ends every one of them, whatever happens."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Self

from core import http

MANAGE = str(Path(__file__).resolve().parents[2] / "manage.py")
STOP_SECONDS = 10
POLL_SECONDS = 0.2


class ProcessDied(Exception):
    """A process ended that was meant to stay."""


class Processes:
    """Management commands as processes of their own; they end with the `with` block.

    SIGTERM and SIGHUP end the block like Ctrl-C does, so that no process outlives whoever started it. So does
    SIGINT where a script has started this in the background: shells have it ignored there.
    """

    def __init__(self) -> None:
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        return self

    def __exit__(self, *exc_info: object) -> None:
        # A second Ctrl-C must not leave half of them behind.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for process in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        for process in self._running.values():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start(self, name: str, *arguments: str, log: Path) -> None:
        """Run `manage.py` with these arguments; its output goes to the file `log`."""
        with log.open("ab") as out:
            self._running[name] = subprocess.Popen(  # noqa: S603 our own command
                [sys.executable, "-u", MANAGE, *arguments],
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                # Ctrl-C at the terminal is for the parent, which then ends its children in order.
                start_new_session=True,
                # Safe here, where no other thread runs that could hold a lock.
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )

    def check(self) -> None:
        """Raise ProcessDied if one of them has ended."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise ProcessDied(f"The {name} ended (exit code {process.returncode}).")

    def wait_until_open(self, port: int, *, seconds: float) -> None:
        """Return once something listens on 127.0.0.1:`port`.

        Raises:
            ProcessDied: one of the processes ended, or `seconds` went by.
        """
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            self.check()
            if http.is_listening(port):
                return
            time.sleep(POLL_SECONDS)
        raise ProcessDied(f"Nothing listens on port {port} after {seconds:.0f} seconds.")

    def wait(self) -> None:
        """Return never: raises ProcessDied when one of them ends, KeyboardInterrupt on Ctrl-C."""
        while True:
            self.check()
            time.sleep(POLL_SECONDS)


def _end_with_parent() -> None:
    """Let the kernel end this process when its parent is killed and cannot do it."""
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
