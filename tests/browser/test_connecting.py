"""Connecting an account as a photographer does it: through the instance's own sign-in and consent pages."""

from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.core.management import call_command

from analytics_pixelfed.models import PixelfedLike, PixelfedPost
from pixelfed.models import ConnectAttempt, InstanceApp, MastodonAccount
from pixelfed.sandbox import SandboxServer, World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "a long sentence"
THERE = "correct horse"


@pytest.fixture
def instance(settings):
    settings.ALLOW_PRIVATE_INSTANCES = True
    cache.clear()
    world = World.empty()
    for name, likes in (("marta", 7), ("studio", 3)):
        person = world.add_person(name, password=THERE)
        world.add_posts(person, 2, likes=likes)
    with SandboxServer(world) as server:
        yield server


def sign_in(page, user) -> None:
    page.get_by_label("E-mail address").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def ask_for(page, instance, *, handle="") -> None:
    page.get_by_label("Your instance, handle or profile").fill(f"{instance.url}/{handle}")
    page.get_by_role("button", name="Continue to your instance").click()


def sign_in_there(page, instance, name) -> None:
    page.wait_for_url(f"{instance.url}/login")
    page.locator("[name=email]").fill(name)
    page.locator("[name=password]").fill(THERE)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url(f"{instance.url}/oauth/authorize?*")


def test_denied_then_approved_then_a_second_account_then_one_disconnected(page, user, instance) -> None:
    page.goto("/analytics/")
    sign_in(page, user)
    page.get_by_role("link", name="Connect your account").click()

    # No.
    ask_for(page, instance, handle="@marta")
    sign_in_there(page, instance, "marta")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("says that you did not approve. Nothing was connected.").wait_for()
    assert "state=" not in page.url
    assert not MastodonAccount.objects.exists()

    # Yes.
    page.get_by_role("button", name="Continue to your instance").click()
    page.get_by_role("button", name="Authorize").click()
    page.get_by_text("is connected. Its newest photos are being read now.").wait_for()
    assert page.url.endswith("/accounts/")
    call_command("db_worker", batch=True, verbosity=0)
    page.reload()
    page.get_by_text("Up to date").wait_for()
    page.get_by_text("2 posts with 14 likes, comments and shares").wait_for()

    # Another one, though the browser is signed in there as the first.
    page.get_by_role("link", name="Connect another account").click()
    ask_for(page, instance)
    sign_in_there(page, instance, "studio")
    page.get_by_role("button", name="Authorize").click()
    page.get_by_role("heading", name="@studio").wait_for()
    assert page.locator(".connection").count() == 2
    call_command("db_worker", batch=True, verbosity=0)
    assert InstanceApp.objects.count() == 1
    assert not ConnectAttempt.objects.exists()

    # And the first one goes.
    page.locator(".connection", has_text="@marta").get_by_role("link", name="Disconnect").click()
    assert "2 posts" in page.locator(".to-delete").inner_text()
    assert "14 likes" in page.locator(".to-delete").inner_text()
    page.get_by_role("button", name="Disconnect and delete").click()
    page.get_by_text("is disconnected and its data deleted.").wait_for()
    assert page.locator(".connection").count() == 1
    assert set(PixelfedPost.objects.values_list("username", flat=True)) == {"studio"}
    assert PixelfedLike.objects.count() == 6
    # The instance's own pages were on the way, and nothing else.
    asked = {urlsplit(address).netloc for address in page.watch.elsewhere}
    assert asked == {urlsplit(instance.url).netloc}
    page.watch.elsewhere.clear()
