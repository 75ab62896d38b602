"""A post from its instance to the screen: the real fetcher reads it, somebody likes it, it is read again."""

import pytest
from django.core.management import call_command
from django.urls import reverse

from analytics_core import platforms
from analytics_core.engine import gallery
from analytics_pixelfed.services import PixelfedAnalyticsFetcher
from pixelfed.models import MastodonAccount
from pixelfed.sandbox import SandboxServer, World

from .conftest import sign_in

# Whether something stands on a canvas within three seconds of frames.
DRAWN = """(canvas) => new Promise((done) => {
    let left = 180;
    const look = () => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        if (data.some(Boolean) || !left--) done(data.some(Boolean));
        else requestAnimationFrame(look);
    };
    look();
})"""

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world():
    """Ana with two photos, each liked by 45 people."""
    world = World.empty()
    world.add_posts(world.add_person("ana"), 2, likes=45)
    return world


@pytest.fixture
def instance(world, settings, user):
    """Ana's instance on a socket; her account was read to its end, pictures too."""
    settings.ALLOW_PRIVATE_INSTANCES = True
    with SandboxServer(world) as server:
        account = MastodonAccount.objects.create(
            user=user,
            instance_url=server.url,
            username="ana",
            software="pixelfed",
            access_token=server.token_for(world.person("ana")),
        )
        PixelfedAnalyticsFetcher(account).run()
        gallery.fetch_due(platforms.get("pixelfed"), account)
        yield server


def likes(page) -> int:
    return int(page.locator(".numbers-post dd .count").first.inner_text())


def test_a_new_like_arrives_when_it_is_asked_for(page, user, world, instance) -> None:
    sign_in(page, user)
    page.locator("#results a[href*='/post/']", has_text="Photo 2").first.click()
    page.wait_for_url("**/post/*/")
    assert likes(page) == 45
    with world.lock:
        post = next(iter(world.listed_posts(world.person("ana"), world.person("ana"))))
        world.like(post, world.add_person("latecomer"))
    page.get_by_role("button", name="Refresh").click()
    page.locator("#refresh [data-phase=queued]", has_text="Waiting for its turn.").wait_for()
    assert page.get_by_role("button", name="Refresh").is_disabled()
    call_command("db_worker", batch=True, interval=0, startup_delay=False, reload=False, verbosity=0)
    # The page asks again by itself, and stops when it is over.
    page.locator("#refresh [data-phase=done]", has_text="1 new like.").wait_for()
    assert page.locator("#refresh [hx-trigger]").count() == 0
    assert "1 new like" in page.locator("#announcer").inner_text()
    page.get_by_role("link", name="Show what is new").click()
    page.locator("#likes .person", has_text="latecomer").wait_for()
    assert likes(page) == 46
    page.watch.elsewhere.clear()


def test_the_lists_of_a_post_turn_and_its_curve_is_drawn(page, user, instance) -> None:
    sign_in(page, user)
    page.locator("#results a[href*='/post/']").first.click()
    page.wait_for_url("**/post/*/")
    curve = page.locator("canvas[data-chart]").first
    assert "45" in curve.get_attribute("aria-label")
    assert curve.evaluate(DRAWN)
    people = set()
    for number in (1, 2, 3):
        page.locator("#likes").get_by_text(f"Page {number} of 3", exact=True).wait_for()
        people.update(page.locator("#likes tbody .person").all_inner_texts())
        if number < 3:
            page.locator("#likes").get_by_role("link", name="Next").click()
    assert len(people) == 45
    page.watch.elsewhere.clear()


def test_only_the_large_photo_comes_from_its_instance(page, user, instance) -> None:
    sign_in(page, user)
    pages = ["unified_dashboard", "platform_comparison"]
    for address in [reverse(f"analytics_core:{name}") for name in pages] + ["/analytics/pixelfed/"]:
        page.goto(address)
        page.watch.settle()
        pictures = page.locator("img")
        assert pictures.count() > 0
        # All are shown, and all are our own.
        for picture in pictures.all():
            picture.scroll_into_view_if_needed()
            assert picture.evaluate("(img) => img.decode().then(() => img.naturalWidth)") > 0
    assert page.watch.elsewhere == []
    page.locator("#results a[href*='/post/']").first.click()
    page.wait_for_url("**/post/*/")
    page.locator(".post-figure img").evaluate("(img) => img.decode()")
    (large,) = page.watch.elsewhere
    assert large.startswith(instance.url)
    assert large == page.locator(".post-figure img").get_attribute("src")
    page.watch.elsewhere.clear()
