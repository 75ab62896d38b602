"""How log lines look, as text or as JSON, and which request or task each of them belongs to."""

import logging
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from core.outage import is_outage

_request_id: ContextVar[str] = ContextVar("request_id", default="")
_task_id: ContextVar[str] = ContextVar("task_id", default="")
_SOUND_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_FIELDS = ("time", "level", "logger", "message", "request_id", "task_id", "exc_info", "stack_info")


def sound_id(text: str) -> str:
    """Return the id a proxy gave the request, or a new one where that is missing or could break a line."""
    return text if _SOUND_ID.fullmatch(text) else uuid.uuid4().hex


def begin_request(request_id: str) -> None:
    """Let every line from now on say which request it belongs to."""
    _request_id.set(request_id)


def end_request(**kwargs: Any) -> None:
    """Receive `request_finished`: only then has everything been logged."""
    _request_id.set("")


@contextmanager
def task(task_id: str) -> Iterator[None]:
    """Let every line within say which task it belongs to."""
    token = _task_id.set(task_id)
    try:
        yield
    finally:
        _task_id.reset(token)


class Context(logging.Filter):
    """Gives each line its ids; an outage is one line without a traceback, however many pages it costs."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True: nothing is left out."""
        ids = {"request": _request_id.get(), "task": _task_id.get()}
        vars(record).update({f"{word}_id": value for word, value in ids.items()})
        vars(record)["ids"] = "".join(f" [{word} {value}]" for word, value in ids.items() if value)
        if record.name == "django.request" and record.exc_info and is_outage(record.exc_info[1]):
            # The text of the error may hold the address of the database.
            record.msg = f"{record.getMessage()} (the database does not answer)"
            record.args, record.exc_info, record.exc_text = (), None, None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


class NoQuery(logging.Filter):
    """Cuts the query off the request lines of `runserver`: an OAuth callback carries its code there."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True: nothing is left out but queries."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                re.sub(r"\?\S*", "", arg) if isinstance(arg, str) else arg for arg in record.args
            )
        return True


class Json(JsonFormatter):
    """One JSON object a line, of known fields: what libraries attach may hold an address with its query."""

    def __init__(self) -> None:
        super().__init__(
            "{asctime}{levelname}{name}{message}",
            style="{",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Return what is written."""
        return {name: log_data[name] for name in _FIELDS if log_data.get(name)}
