"""A database that is away is told from a fault of ours, and people are told so."""

import sqlite3

import psycopg
import pytest
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError
from django.test import RequestFactory

from core.outage import is_outage
from postflow.views import bad_request


def error(kind: type[Exception], cause: Exception) -> Exception:
    found = kind("text")
    found.__cause__ = cause
    return found


def sqlite_error(code: int) -> sqlite3.OperationalError:
    found = sqlite3.OperationalError("text")
    found.sqlite_errorcode = code
    return found


@pytest.mark.parametrize(
    "loss",
    [
        error(OperationalError, psycopg.OperationalError("connection refused")),
        error(OperationalError, psycopg.errors.AdminShutdown("terminating")),
        error(OperationalError, psycopg.errors.CannotConnectNow("starting up")),
        error(OperationalError, psycopg.errors.ConnectionFailure("gone")),
        error(OperationalError, psycopg.errors.TooManyConnections("full")),
        error(InterfaceError, psycopg.InterfaceError("the connection is closed")),
        error(OperationalError, sqlite_error(sqlite3.SQLITE_BUSY)),
        error(OperationalError, sqlite_error(sqlite3.SQLITE_CANTOPEN)),
    ],
)
def test_the_loss_of_the_connection_is_an_outage(loss) -> None:
    assert is_outage(loss)
    assert is_outage(error(RuntimeError, error(KeyError, loss)))


@pytest.mark.parametrize(
    "fault",
    [
        None,
        RuntimeError("broken"),
        OperationalError("raised by hand"),
        error(OperationalError, psycopg.errors.DeadlockDetected("deadlock")),
        error(OperationalError, psycopg.errors.QueryCanceled("too slow")),
        error(OperationalError, psycopg.errors.DiskFull("full")),
        error(ProgrammingError, psycopg.errors.UndefinedTable("no such table")),
        error(InterfaceError, psycopg.InterfaceError("wrong number of parameters")),
        error(OperationalError, sqlite_error(sqlite3.SQLITE_ERROR)),
        error(DatabaseError, psycopg.DatabaseError("odd")),
    ],
)
def test_a_fault_of_ours_is_none(fault) -> None:
    assert not is_outage(fault)


def test_a_session_that_could_not_be_saved_is_no_bad_request() -> None:
    lost = SessionInterrupted("deleted")
    lost.__context__ = error(OperationalError, psycopg.OperationalError("gone"))
    request = RequestFactory().post("/")
    assert bad_request(request, lost).status_code == 503
    assert bad_request(request, SessionInterrupted("deleted")).status_code == 400


@pytest.mark.django_db
def test_people_are_told_to_come_back(client, user, monkeypatch, caplog) -> None:
    client.force_login(user)
    caplog.clear()
    client.raise_request_exception = False
    loss = error(OperationalError, psycopg.OperationalError("password=secret"))

    def away(*args, **kwargs):
        raise loss

    monkeypatch.setattr("django.db.models.query.QuerySet.get", away)
    response = client.get("/analytics/")
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert "Nothing is lost" in response.content.decode()
    assert "secret" not in response.content.decode()
    [line] = caplog.records
    assert (line.levelname, line.exc_info) == ("WARNING", None), "one line a page, not a traceback"
