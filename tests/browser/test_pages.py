"""The pages as a photographer uses them: by finger, by keyboard, on a narrow phone."""

import re

import pytest
from django.core.cache import cache
from django.urls import reverse

from analytics_core.tests.builders import add, build_post, read
from pixelfed.models import MastodonAccount

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "a long sentence"


@pytest.fixture
def posts(user, live_server):
    """Twenty-two photos; their pictures come from the server under test."""
    cache.clear()
    account = MastodonAccount.objects.create(
        user=user,
        instance_url="https://pixelfed.example",
        username="ana",
        access_token="t",
        software="pixelfed",
    )
    read("pixelfed", account)
    picture = f"{live_server.url}/static/postflow/mark.svg"
    long_word = "Donaudampfschifffahrtsgesellschaftskapitaen" * 3
    made = [
        build_post("pixelfed", account, age=2, likes=23, comments=2, caption=long_word, media_url=picture)
    ]
    made += [
        build_post("pixelfed", account, age=3 + n % 3, likes=1, caption=f"Photo {n}", media_url=picture)
        for n in range(20)
    ]
    made.append(build_post("pixelfed", account, age=60, likes=100, caption="An older one", media_url=picture))
    return made


@pytest.fixture
def signed_in(page, user, posts):
    page.goto("/")
    page.get_by_label("E-mail address").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/analytics/")
    return page


def number(page, name: str) -> str:
    return page.locator(".numbers div", has=page.get_by_text(name, exact=True)).locator("dd").inner_text()


def test_signing_in_leads_to_the_numbers_and_a_photo_on_the_first_screen(signed_in) -> None:
    assert (number(signed_in, "Posts"), number(signed_in, "Likes")) == ("21", "43")
    box = signed_in.locator(".photo img").first.bounding_box()
    assert box["y"] + 80 < 844 - 57


def test_a_filter_swaps_the_numbers_and_the_address_and_back_restores_them(signed_in) -> None:
    signed_in.get_by_role("radio", name="90 days").check()
    signed_in.wait_for_url(re.compile("days=90"))
    signed_in.locator(".numbers dd", has_text=re.compile("^143$")).wait_for()
    assert number(signed_in, "Posts") == "22"
    assert "22 posts from the last 90 days" in signed_in.locator("#announcer").inner_text()
    signed_in.get_by_label("Order").select_option("-likes")
    signed_in.wait_for_url(re.compile("sort=-likes"))
    signed_in.locator(".photo-title", has_text="An older one").wait_for()
    assert signed_in.locator(".photo-title").first.inner_text() == "An older one"
    signed_in.go_back()
    signed_in.wait_for_url(lambda address: "days=90" in address and "sort=-likes" not in address)
    signed_in.locator(".photo-title", has_text="Donau").first.wait_for()
    signed_in.go_back()
    signed_in.wait_for_url("**/analytics/")
    signed_in.locator(".numbers dd", has_text=re.compile("^43$")).wait_for()
    assert signed_in.get_by_role("radio", name="30 days").is_checked()


def test_turning_a_page_moves_the_focus_to_what_is_new(signed_in) -> None:
    signed_in.get_by_role("link", name="Next").click()
    signed_in.get_by_text("Page 2 of 2", exact=True).wait_for()
    assert "page=2" in signed_in.url
    signed_in.wait_for_function("document.activeElement.id === 'results'")
    assert signed_in.locator("#results[aria-busy]").count() == 0


def test_a_post_opens_its_lists_turn_and_the_button_answers(signed_in) -> None:
    signed_in.locator(".photo-link").first.click()
    signed_in.wait_for_url("**/post/*/")
    assert number(signed_in, "Likes") == "23"
    likes = signed_in.locator("#likes")
    likes.get_by_role("link", name="Next").click()
    likes.get_by_text("Page 2 of 2", exact=True).wait_for()
    assert likes.locator("tbody tr").count() == 3
    signed_in.get_by_role("button", name="Refresh").click()
    signed_in.get_by_text("Reading started. Reload in a moment to see what is new.").first.wait_for()


def test_pressing_twice_starts_one_reading_and_a_later_press_is_told_to_wait(signed_in, posts) -> None:
    signed_in.goto(reverse("analytics_pixelfed:post_detail", args=[posts[0].pk]))
    button, outcome = signed_in.get_by_role("button", name="Refresh"), signed_in.locator(".refresh-outcome")
    # Twice within one step of the page, so that no answer comes between.
    button.evaluate("button => { button.click(); button.click(); }")
    signed_in.locator(".refresh-outcome", has_text="Reading started").wait_for()
    assert outcome.count() == 1
    signed_in.wait_for_function("!document.querySelector('#refresh button').disabled")
    with signed_in.expect_response("**/refresh/") as answer:
        # Chromium writes every answer above 399 into its console, which is not for people.
        signed_in.route("**/refresh/", lambda route: route.fulfill(response=route.fetch(), status=200))
        button.click()
    assert answer.value.ok
    signed_in.locator(".refresh-outcome", has_text="You refreshed a moment ago. Try again in").wait_for()
    assert outcome.count() == 1


def test_a_picture_that_does_not_load_leaves_a_quiet_note(signed_in, posts) -> None:
    signed_in.route("**/mark.svg?gone", lambda route: route.fulfill(body="none", content_type="image/png"))
    posts[0].media_url += "?gone"
    posts[0].save()
    for address in (
        reverse("analytics_core:unified_dashboard"),
        reverse("analytics_pixelfed:post_detail", args=[posts[0].pk]),
        reverse("analytics_core:platform_comparison"),
    ):
        signed_in.goto(address)
        signed_in.get_by_text("No picture to show").first.wait_for()
        assert signed_in.locator("img[src$=gone]").count() == 0


def test_likes_and_shares_stand_close_together_beside_long_comments(signed_in, posts) -> None:
    for _ in range(20):
        add(posts[0], "comments", content="What a light! " * 20)
    signed_in.set_viewport_size({"width": 1280, "height": 844})
    signed_in.goto(reverse("analytics_pixelfed:post_detail", args=[posts[0].pk]))
    likes, comments, shares = (
        signed_in.locator(f"#{kind}").bounding_box() for kind in ("likes", "comments", "shares")
    )
    assert likes["y"] == comments["y"]
    assert shares["y"] - (likes["y"] + likes["height"]) <= 24


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_wider_than_the_screen(signed_in, posts, width) -> None:
    signed_in.set_viewport_size({"width": width, "height": 844})
    for address in (
        reverse("analytics_core:unified_dashboard"),
        reverse("analytics_pixelfed:dashboard"),
        reverse("analytics_pixelfed:post_detail", args=[posts[0].pk]),
        reverse("analytics_core:platform_comparison"),
    ):
        signed_in.goto(address)
        assert signed_in.evaluate("document.documentElement.scrollWidth") <= width, address


def test_the_keyboard_alone_is_enough_and_always_visible(signed_in) -> None:
    signed_in.keyboard.press("Tab")
    assert signed_in.evaluate("document.activeElement.className") == "skip"
    signed_in.keyboard.press("Enter")
    seen = set()
    for _ in range(12):
        signed_in.keyboard.press("Tab")
        seen.add(signed_in.evaluate("document.activeElement.name || document.activeElement.className"))
        # A radio button shows the focus on the label beside it.
        outline = signed_in.evaluate(
            """() => {
                const here = document.activeElement;
                const shown = here.type === "radio" ? here.nextElementSibling : here;
                return getComputedStyle(shown).outlineStyle;
            }"""
        )
        assert outline == "solid"
    assert {"days", "sort", "photo-link"} <= seen


def test_targets_are_large_enough_for_a_finger(signed_in, posts) -> None:
    targets = [".segments label", ".select select", ".bottom-bar a", ".menu summary", ".pager a"]
    check_height(signed_in, targets)
    posts[0].alt_text = "Hills in fog"
    posts[0].save()
    signed_in.goto(reverse("analytics_pixelfed:post_detail", args=[posts[0].pk]))
    check_height(signed_in, [".crumb a", ".post-facts a", ".alt summary", ".refresh .button"])


def check_height(page, targets: list[str]) -> None:
    for target in targets:
        found = page.locator(target).all()
        assert found, target
        assert all(element.bounding_box()["height"] >= 44 for element in found), target


def test_signing_out_ends_the_session(signed_in) -> None:
    signed_in.locator(".menu summary").click()
    signed_in.keyboard.press("Escape")
    assert not signed_in.get_by_role("button", name="Sign out").is_visible()
    signed_in.locator(".menu summary").click()
    signed_in.get_by_role("button", name="Sign out").click()
    signed_in.wait_for_url("**/accounts/sign-in/")


def test_a_session_that_ended_asks_to_sign_in_again_and_swaps_nothing(signed_in) -> None:
    signed_in.context.clear_cookies()
    signed_in.get_by_role("radio", name="90 days").check()
    signed_in.wait_for_url("**/accounts/sign-in/**")
