"""A real browser for the pages; skipped where no Chromium is installed."""

from __future__ import annotations

import io
import os
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.servers.basehttp import ThreadedWSGIServer
from django.db import transaction
from PIL import Image
from pytest_django.live_server_helper import LiveServer

from analytics_core.selectors.paging import PAGE_SIZE
from analytics_core.tests.builders import build_post, counted_once, read
from pixelfed.models import MastodonAccount
from tests.concurrency import in_a_file

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page, Request

# What takes longer will not come.
TIMEOUT = 10_000
PASSWORD = "a long sentence"

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
    with ExitStack() as stack:
        with django_db_blocker.unblock():
            stack.enter_context(in_a_file(tmp_path_factory.mktemp("browser") / "db.sqlite3"))
            # This thread's own is opened by whoever needs it, beside the browser's event loop.
            connection.close()
        yield


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


class Watch:
    """What a page does that nobody should notice: complaints, requests elsewhere, parts that jump."""

    def __init__(self, page: Page, home: str) -> None:
        self.page, self.home = page, urlsplit(home).netloc
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._look_where)
        page.add_init_script(path=Path(__file__).with_name("measure.js"))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _look_where(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https") and parts.netloc != self.home:
            self.elsewhere.append(request.url)

    @property
    def shift(self) -> float:
        """How far things have jumped on the page that is open."""
        return self.page.evaluate("measured.shift")

    @property
    def largest_paint(self) -> float:
        """When the largest thing on the first screen was painted, in seconds after the page was asked for."""
        return self.page.evaluate("measured.painted.then(() => measured.paint)") / 1000

    def settle(self) -> None:
        """Wait until fonts are there and the browser has nothing left to do."""
        idle = "new Promise((done) => requestIdleCallback(done, { timeout: 1000 }))"
        self.page.evaluate(f"document.fonts.ready.then(() => {idle})")


@pytest.fixture
def page(browser, live_server):
    """Open a page of a phone's size; whatever it complains about fails the test at its end."""
    context = browser.new_context(base_url=live_server.url, viewport={"width": 390, "height": 844})
    context.set_default_timeout(TIMEOUT)
    page = context.new_page()
    page.watch = Watch(page, live_server.url)
    yield page
    context.close()
    assert page.watch.complaints == []
    assert page.watch.elsewhere == []


@cache
def picture() -> bytes:
    """Return a small picture as the worker keeps it."""
    file = io.BytesIO()
    Image.new("RGB", (640, 427), "#7a8b99").save(file, "WEBP")
    return file.getvalue()


@pytest.fixture
def account(user):
    """A connected account that was read a moment ago."""
    account = MastodonAccount.objects.create(
        user=user,
        instance_url="https://pixelfed.example",
        username="ana",
        access_token="t",
        software="pixelfed",
    )
    read("pixelfed", account)
    return account


@pytest.fixture
def posts(account, live_server):
    """One photo more than a page holds, and an older one; all pictures come from the server under test."""
    large = f"{live_server.url}/static/postflow/mark-180.png"
    long_word = "Donaudampfschifffahrtsgesellschaftskapitaen" * 3
    values = [{"age": 2, "likes": 23, "comments": 2, "caption": long_word, "alt_text": "Hills in fog"}]
    values += [{"age": 3 + n % 3, "likes": 1, "caption": f"Photo {n}"} for n in range(PAGE_SIZE)]
    values.append({"age": 60, "likes": 100, "caption": "An older one"})
    # One transaction: a file takes a moment for each.
    with transaction.atomic(), counted_once():
        made = [build_post("pixelfed", account, media_url=large, **value) for value in values]
        for post in made:
            post.picture = default_storage.save(f"pictures/{post.pk}.webp", ContentFile(picture()))
            post.picture_width, post.picture_height = 640, 427
            post.save()
    return made


@pytest.fixture
def signed_in(page, live_server, user, posts, client):
    """The overview, of somebody whose browser is signed in already."""
    client.force_login(user)
    session = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page.goto("/analytics/")
    return page


def sign_in(page: Page, user) -> None:
    """Sign in as people do."""
    page.goto("/")
    page.get_by_label("E-mail address").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/analytics/")
