"""A real browser for the pages; skipped where no Chromium is installed."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.core.servers.basehttp import ThreadedWSGIServer
from pytest_django.live_server_helper import LiveServer

CHROMIUM = Path("/usr/bin/chromium")
# What Chromium would otherwise ask of the internet, and what it cannot have without a screen or as root.
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class PatientServer(ThreadedWSGIServer):
    """A server that ends only when each of its threads has: none is left to use or close a connection."""

    daemon_threads = False


@pytest.fixture(scope="package")
def database_file(django_db_setup, django_db_blocker, tmp_path_factory):
    """Move the test database into a file, where every thread opens a connection of its own.

    One in memory is a single connection: the server's threads would get into each other's transactions. And
    Django never closes it, which the one that it opens beside Playwright's event loop would need.
    """
    from django.db import connection

    if connection.vendor != "sqlite" or not connection.is_in_memory_db():
        yield
        return
    settings, in_memory = connection.settings_dict, connection.settings_dict["NAME"]
    with django_db_blocker.unblock():
        connection.ensure_connection()
    kept, connection.connection = connection.connection, None
    settings["NAME"] = str(tmp_path_factory.mktemp("browser") / "db.sqlite3")
    with closing(sqlite3.connect(settings["NAME"])) as file:
        kept.backup(file)
    yield
    connection.close()
    settings["NAME"], connection.connection = in_memory, kept


@pytest.fixture(scope="package")
def browser(database_file):
    """Start Chromium once; it is gone before other tests run in this thread."""
    if not CHROMIUM.exists():
        pytest.skip(f"there is no Chromium at {CHROMIUM}: install the package chromium to run browser tests")
    from playwright.sync_api import sync_playwright

    # Playwright keeps an event loop in this thread, so Django takes every query for one made in a coroutine.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=OPTIONS)
        yield chromium
        chromium.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def live_server(database_file, transactional_db):
    """Start a server for one test; no request outlives it, so none meets the emptied database."""
    server = LiveServer("localhost", start=False)
    server.thread.server_class = PatientServer
    server.start()
    yield server
    server.stop()


@pytest.fixture
def page(browser, live_server):
    """Open a page of a phone's size; whatever it complains about fails the test at its end."""
    context = browser.new_context(base_url=live_server.url, viewport={"width": 390, "height": 844})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []
