"""Tells a database that is away from a fault of ours."""

import sqlite3

import psycopg
from django.db import InterfaceError, OperationalError

# Seconds after which a browser or a monitor may ask again.
RETRY_AFTER_SECONDS = 10
# The server is being shut down, has crashed, is starting, or has no connection left (PostgreSQL, appendix A).
_SQLSTATES = ("57P01", "57P02", "57P03", "53300")
_SQLITE_CODES = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN)


def is_outage(error: BaseException | None) -> bool:
    """Tell whether an error, or one that led to it, is the loss of the database's connection."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OperationalError | InterfaceError) and _is_loss(error.__cause__):
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_loss(cause: BaseException | None) -> bool:
    if isinstance(cause, sqlite3.OperationalError):
        return getattr(cause, "sqlite_errorcode", None) in _SQLITE_CODES
    if isinstance(cause, psycopg.OperationalError):
        # Without a state there was no answer at all; class 08 is about connections.
        state = cause.sqlstate
        return state is None or state.startswith("08") or state in _SQLSTATES
    return isinstance(cause, psycopg.InterfaceError) and "clos" in str(cause)
