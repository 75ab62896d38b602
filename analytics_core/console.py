"""Progress that a person at a terminal can watch and a log can keep."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from typing import Protocol


class Output(Protocol):
    """What a command writes to."""

    def isatty(self) -> bool:
        """Whether a person watches."""

    def write(self, text: str, style_func: None = None, ending: str = "") -> object:
        """Write text."""

    def flush(self) -> object:
        """Show what was written."""


BAR_WIDTH = 30
LINES_EVERY = 10


@contextmanager
def quiet_log() -> Iterator[None]:
    """Keep the engine's log lines off the terminal while a command says the same in its own words."""
    logger = logging.getLogger("analytics_core")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def duration(seconds: float) -> str:
    """Return a length of time in words that promise no more than an estimate can."""
    minutes = ceil(seconds / 60)
    if minutes <= 1:
        return "less than a minute"
    if minutes < 120:
        return f"about {minutes} minutes"
    hours = round(minutes / 60)
    return f"about {hours} hours" if hours < 48 else f"about {round(hours / 24)} days"


class ConsoleProgress:
    """Shows how far a run has got: a bar that moves on a terminal, a plain line now and then elsewhere.

    Args:
        out: where to write.
        name: what is being read, for example the account.
    """

    def __init__(self, out: Output, name: str) -> None:
        self.out = out
        self.name = name
        self.is_terminal = out.isatty()
        self._shown = 0
        self._line_is_open = False

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """Show that `done` of `total` (None: not known) posts are read."""
        if done < self._shown:
            # The next part of the work begins.
            self._shown = 0
        text = f"{self.name}: {what} {done}" + (f" of {total}" if total else "")
        if self.is_terminal:
            filled = BAR_WIDTH * min(done, total) // total if total else 0
            bar = f" [{'#' * filled}{'.' * (BAR_WIDTH - filled)}]" if total else ""
            self.out.write(f"\r\x1b[K{text}{bar}", ending="")
            self.out.flush()
            self._line_is_open = True
        elif done and (done - self._shown >= LINES_EVERY or done == total) and done != self._shown:
            self._shown = done
            self.out.write(text, ending="\n")

    def close(self) -> None:
        """Leave the bar's line, so that the next output starts on its own."""
        if self._line_is_open:
            self.out.write("\r\x1b[K", ending="")
            self._line_is_open = False
