"""A photographer's whole way: from making an account to a photo's likes, and to leaving with everything.

A real worker process reads; the instance's own sign-in and consent pages are on the way.
"""

import csv
import io
import re
import time
import zipfile
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.db import connection

from analytics_pixelfed.models import PixelfedLike, PixelfedPost
from pixelfed.models import ConnectAttempt, InstanceApp, MastodonAccount
from pixelfed.sandbox import SandboxServer, World
from postflow.models import CustomUser
from tests.concurrency import database_url
from tests.workers import errors_in, wait_until, worker

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ADDRESS, PASSWORD = "marta@example.org", "a long sentence of mine"
THERE = "correct horse"
# From the approval to the likes on the screen.
SOON_SECONDS = 60


@pytest.fixture
def instance(settings) -> Iterator[SandboxServer]:
    settings.ALLOW_PRIVATE_INSTANCES = True
    world = World.empty()
    for name, likes in (("marta", 7), ("studio", 3)):
        world.add_posts(world.add_person(name, password=THERE), 2, likes=likes)
    with SandboxServer(world) as server:
        yield server


@pytest.fixture
def at_work(live_server, settings, tmp_path) -> Iterator[None]:
    """A worker process on the database of the pages."""
    url = database_url(connection.settings_dict["NAME"])
    with worker(url, tmp_path / "worker.log", MEDIA_ROOT=settings.MEDIA_ROOT) as process:
        yield
        process.is_there()
        assert errors_in(process.log) == []


class Journey:
    """The steps, each from where the one before ended."""

    def __init__(self, page, instance: SandboxServer) -> None:
        from playwright.sync_api import expect

        self.page, self.instance, self.expect = page, instance, expect

    def sign_up(self) -> None:
        page = self.page
        page.goto("/accounts/sign-up/")
        page.get_by_label("E-mail address").fill(ADDRESS)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_label("The same again").fill(PASSWORD)
        page.get_by_role("button", name="Create account").click()
        self.expect(page.get_by_role("heading", name="Connect your Pixelfed account")).to_be_visible()

    def ask_for(self, handle: str = "") -> None:
        self.page.get_by_label("Your instance, handle or profile").fill(f"{self.instance.url}/{handle}")
        self.page.get_by_role("button", name="Continue to your instance").click()

    def sign_in_there(self, name: str) -> None:
        page = self.page
        page.wait_for_url(f"{self.instance.url}/login")
        page.locator("[name=email]").fill(name)
        page.locator("[name=password]").fill(THERE)
        page.locator("[name=password]").press("Enter")
        page.wait_for_url(f"{self.instance.url}/oauth/authorize?*")

    def answer(self, button: str, words: str) -> None:
        self.page.get_by_role("button", name=button).click()
        self.expect(self.page.get_by_text(words)).to_be_visible()
        # Nothing of what came back stays in the address.
        assert not re.search("state=|code=", self.page.url)

    def account(self, name: str):
        heading = self.page.get_by_role("heading", name=f"@{name}", exact=True)
        return self.page.locator(".connection").filter(has=heading)

    def wait_until_read(self, name: str) -> None:
        """Without a reload: the page asks by itself, and stops."""
        account = self.account(name)
        self.expect(account.get_by_text("Up to date")).to_be_visible(timeout=SOON_SECONDS * 1000)
        self.expect(account.locator("[hx-trigger]")).to_have_count(0)

    def disconnect(self, name: str, *held: str) -> None:
        self.account(name).get_by_role("link", name="Disconnect").click()
        for words in held:
            self.expect(self.page.locator(".to-delete")).to_contain_text(words)
        self.page.get_by_role("button", name="Disconnect and delete").click()
        self.expect(self.page.get_by_text("is disconnected and its data deleted.")).to_be_visible()

    def take_along(self) -> zipfile.ZipFile:
        page = self.page
        page.goto("/settings/")
        page.get_by_role("link", name="Your data").click()
        page.get_by_role("button", name="Build the file").click()
        self.expect(page.get_by_text("Ready until")).to_be_visible(timeout=SOON_SECONDS * 1000)
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").click()
        return zipfile.ZipFile(download.value.path())

    def leave(self) -> None:
        page = self.page
        page.goto("/settings/data/")
        page.get_by_role("link", name="Delete my account").click()
        page.get_by_label("Your password").fill(PASSWORD)
        page.get_by_role("button", name="Delete everything").click()
        self.expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_from_making_an_account_to_a_photos_likes_and_to_leaving(page, instance, at_work) -> None:
    began_at = time.monotonic()
    journey = Journey(page, instance)
    expect = journey.expect
    journey.sign_up()

    # No.
    journey.ask_for("@marta")
    journey.sign_in_there("marta")
    journey.answer("Cancel", "says that you did not approve. Nothing was connected.")
    assert not MastodonAccount.objects.exists()

    # Yes; and the likes of a photo.
    page.get_by_role("button", name="Continue to your instance").click()
    journey.answer("Authorize", "is connected. Its newest photos are being read now.")
    approved_at = time.monotonic()
    journey.wait_until_read("marta")
    expect(journey.account("marta")).to_contain_text("2 posts with 14 likes, comments and shares")
    page.goto("/analytics/")
    page.locator("#results a[href*='/post/']").first.click()
    expect(page.locator(".numbers-post dd .count").first).to_have_text("7")
    assert time.monotonic() - approved_at < SOON_SECONDS

    # Another one, though the browser is signed in there as the first.
    page.goto("/accounts/")
    page.get_by_role("link", name="Connect another account").click()
    journey.ask_for()
    journey.sign_in_there("studio")
    journey.answer("Authorize", "is connected. Its newest photos are being read now.")
    journey.wait_until_read("studio")
    expect(page.locator(".connection")).to_have_count(2)
    assert InstanceApp.objects.count() == 1
    assert not ConnectAttempt.objects.exists()

    # And the first one goes.
    journey.disconnect("marta", "2 posts", "14 likes")
    expect(page.locator(".connection")).to_have_count(1)
    assert set(PixelfedPost.objects.values_list("username", flat=True)) == {"studio"}
    assert PixelfedLike.objects.count() == 6
    assert CustomUser.objects.get().email == ADDRESS

    # What is held is taken along, and then everything goes.
    with journey.take_along() as taken:
        likes = csv.DictReader(io.StringIO(taken.read("likes.csv").decode()))
        assert len(list(likes)) == 6
    journey.leave()
    wait_until(lambda: not CustomUser.objects.exists(), seconds=SOON_SECONDS, what="the account is gone")
    assert not PixelfedPost.objects.exists()
    assert not PixelfedLike.objects.exists()

    # The instance's own pages and a large photo were on the way, and nothing else.
    assert {urlsplit(address).netloc for address in page.watch.elsewhere} == {urlsplit(instance.url).netloc}
    page.watch.elsewhere.clear()
    assert time.monotonic() - began_at < SOON_SECONDS
