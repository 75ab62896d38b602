"""What tests of several threads and processes share: a database that all can open, and a start at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection, connections


@contextmanager
def in_a_file(path: Path) -> Iterator[None]:
    """Let a copy in a file take the place of the tests' own SQLite: that is one connection, in memory."""
    connection.ensure_connection()
    at = connection.settings_dict
    memory, name = connection.connection, at["NAME"]
    at["NAME"], connection.connection = str(path), None
    try:
        connection.ensure_connection()
        memory.backup(connection.connection)
        yield
    finally:
        connection.close()
        at["NAME"], connection.connection = name, memory


def database_url(name: str) -> str:
    """Return the address under which other processes find a database beside the tests' own."""
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    at = connection.settings_dict
    who = ":".join(filter(None, (at["USER"], at["PASSWORD"])))
    # A socket's folder is a part of the path.
    where = f"/{at['HOST']}" if at["HOST"].startswith("/") else f"{at['HOST']}:{at['PORT'] or 5432}"
    return f"postgres://{who}@{where}/{name}"


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Do all of this at the same moment, each in a thread; return what came of each, errors included."""
    start, results = threading.Barrier(len(works)), [None] * len(works)

    def run(place: int) -> None:
        start.wait()
        try:
            results[place] = works[place]()
        except Exception as error:
            results[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results
