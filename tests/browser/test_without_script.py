"""PostFlow without JavaScript: everything but the drawing of charts, whose tables show instead."""

import pytest
from django.urls import reverse

from postflow.models import CustomUser

from .conftest import TIMEOUT, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def plain(browser, live_server, user, posts):
    """The overview in a browser that runs no script, after signing in."""
    context = browser.new_context(java_script_enabled=False, base_url=live_server.url)
    context.set_default_timeout(TIMEOUT)
    page = context.new_page()
    sign_in(page, user)
    yield page
    context.close()


def test_range_order_and_search_are_a_form(plain) -> None:
    plain.locator("[name=q]").fill("An older one")
    plain.get_by_label("90 days").check(force=True)
    plain.locator("[name=sort]").select_option("-likes")
    plain.get_by_role("button", name="Show", exact=True).click()
    plain.wait_for_load_state()
    assert all(part in plain.url for part in ("days=90", "sort=-likes", "q=An"))
    assert plain.locator(".photos .photo-title").all_inner_texts() == ["An older one"]


def test_pages_are_links(plain) -> None:
    plain.get_by_role("link", name="Next").click()
    plain.wait_for_load_state()
    assert "page=2" in plain.url
    assert plain.get_by_text("Page 2 of 2", exact=True).is_visible()


def test_a_post_shows_its_curve_as_a_table_and_its_people(plain, posts) -> None:
    plain.goto(reverse("analytics_pixelfed:post_detail", args=[posts[0].pk]))
    assert not plain.locator("canvas").is_visible()
    assert plain.locator(".chart-table table").first.is_visible()
    plain.locator("#likes").get_by_role("link", name="Next").click()
    plain.wait_for_load_state()
    assert plain.locator("#likes tbody tr").count() == 3


def test_a_refresh_says_that_it_is_queued_and_offers_to_look_again(plain, posts) -> None:
    plain.goto(reverse("analytics_pixelfed:post_detail", args=[posts[0].pk]))
    plain.get_by_role("button", name="Refresh").click()
    plain.wait_for_load_state()
    plain.get_by_role("link", name="Look again").click()
    plain.wait_for_load_state()
    assert plain.locator(".refresh [data-phase]").count() == 1


def test_settings_are_saved(plain) -> None:
    plain.goto("/settings/")
    plain.get_by_label("Time zone").fill("auckland")
    plain.get_by_label("Dark").check()
    plain.get_by_role("button", name="Save").click()
    plain.wait_for_load_state()
    assert plain.get_by_role("status").get_by_text("Saved.").is_visible()
    person = CustomUser.objects.get()
    assert (person.time_zone, person.theme) == ("Pacific/Auckland", "dark")


def test_the_menu_opens_and_signs_out(plain) -> None:
    plain.locator(".menu summary").click()
    plain.get_by_role("button", name="Sign out").click()
    plain.wait_for_url("**/accounts/sign-in/")
