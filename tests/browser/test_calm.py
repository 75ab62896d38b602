"""Calm mode: numbers on demand, for the mouse, the finger and the keyboard."""

import pytest
from django.urls import reverse

from postflow.models import CustomUser

from .conftest import TIMEOUT

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def calm_post(signed_in, posts):
    """The page of a post, in calm mode."""
    CustomUser.objects.update(is_calm=True)
    signed_in.goto(reverse("analytics_pixelfed:post_detail", args=[posts[0].pk]))
    return signed_in


def is_covered(locator) -> bool:
    return locator.evaluate("(element) => getComputedStyle(element, '::after').content !== 'none'")


def test_a_switch_covers_the_numbers_and_uncovers_them(signed_in, posts) -> None:
    signed_in.goto(reverse("analytics_pixelfed:post_detail", args=[posts[0].pk]))
    number = signed_in.locator("dd .count").first
    assert not is_covered(number)
    for state in (True, False):
        signed_in.locator(".menu summary").click()
        signed_in.get_by_role("button", name="Calm mode").click()
        signed_in.locator("html[data-calm]" if state else "html:not([data-calm])").wait_for()
        assert signed_in.url.endswith(f"/post/{posts[0].pk}/")
        signed_in.mouse.move(0, 0)
        assert is_covered(number) is state


def test_pointing_uncovers_one_number_and_leaves_the_others(calm_post) -> None:
    first, second = (calm_post.locator("dd .count").nth(index) for index in (0, 1))
    first.hover()
    assert not is_covered(first)
    assert is_covered(second)
    calm_post.mouse.move(0, 0)
    assert is_covered(first)


def test_a_tap_uncovers_a_number_and_another_covers_it(calm_post) -> None:
    number = calm_post.locator("dd .count").first
    for state in (False, True):
        number.dispatch_event("click")
        assert is_covered(number) is state


def test_the_keyboard_reaches_every_number(calm_post) -> None:
    number = calm_post.locator("dd .count").first
    number.focus()
    assert not is_covered(number)
    calm_post.keyboard.press("Tab")
    assert is_covered(number)


def test_what_comes_by_a_swap_is_covered_and_can_be_reached(calm_post) -> None:
    likes = calm_post.locator("#likes")
    likes.get_by_role("link", name="Next").click()
    likes.get_by_text("Page 2 of 2", exact=True).wait_for()
    assert is_covered(likes.locator(".count").first)
    calm_post.locator("#likes .count[tabindex='0']").first.wait_for()


def test_without_a_script_pointing_is_enough(browser, live_server, calm_post) -> None:
    cookies = calm_post.context.cookies()
    context = browser.new_context(java_script_enabled=False, base_url=live_server.url)
    context.add_cookies(cookies)
    context.set_default_timeout(TIMEOUT)
    page = context.new_page()
    page.goto(calm_post.url)
    number = page.locator("dd .count").first
    box = number.bounding_box()
    covered = page.screenshot(clip=box)
    number.hover()
    assert page.screenshot(clip=box) != covered
    context.close()
