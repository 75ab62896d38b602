"""The pages as a photographer uses them: by finger, by keyboard, on a narrow phone."""

import re

import pytest
from django.urls import reverse
from django.utils.timezone import localtime

from analytics_core.selectors.paging import PAGE_SIZE
from analytics_core.tests.builders import add, build_post

from .conftest import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def figure(page, kind: str) -> str:
    """Return one of the overview's four numbers."""
    return page.locator(f".figure[data-kind={kind}] .figure-value").inner_text()


def titles(page) -> list[str]:
    """Return the captions of the contact sheet, in its order."""
    return page.locator(".photos .photo-title").all_inner_texts()


def test_signing_in_leads_to_the_numbers_and_a_photo_on_the_first_screen(page, user, posts) -> None:
    sign_in(page, user)
    assert (figure(page, "likes"), figure(page, "comments")) == ("43", "2")
    box = page.locator(".photo-frame img").first.bounding_box()
    assert box["y"] + 80 < 844 - 57
    assert page.title() == "Overview · PostFlow"
    assert "Data up to" in page.locator("#sync").text_content()


def test_a_range_swaps_the_page_and_the_address_and_back_restores_them(signed_in) -> None:
    signed_in.get_by_role("radio", name="90 days").check()
    signed_in.wait_for_url(re.compile("days=90"))
    signed_in.locator(".figure-value", has_text=re.compile("^143$")).wait_for()
    assert "22 posts from the last 90 days" in signed_in.locator("#announcer").inner_text()
    signed_in.locator("[name=sort]").select_option("-likes")
    signed_in.wait_for_url(re.compile("days=90.*sort=-likes"))
    signed_in.locator(".photos .photo:first-child", has_text="An older one").wait_for()
    # Whoever opens this address sees the same.
    signed_in.reload()
    assert titles(signed_in)[0] == "An older one"
    assert signed_in.get_by_role("radio", name="90 days").is_checked()
    signed_in.go_back()
    signed_in.wait_for_url(lambda address: "days=90" in address and "sort=-likes" not in address)
    signed_in.locator(".photos .photo:first-child", has_text="Donau").wait_for()
    signed_in.go_back()
    signed_in.wait_for_url("**/analytics/")
    signed_in.locator(".figure-value", has_text=re.compile("^43$")).wait_for()
    assert signed_in.get_by_role("radio", name="30 days").is_checked()


def test_a_search_finds_captions_keeps_the_range_and_ends(signed_in) -> None:
    signed_in.get_by_role("radio", name="All time").check()
    signed_in.wait_for_url(re.compile("days=all"))
    signed_in.get_by_label("Search captions").fill("older")
    signed_in.keyboard.press("Enter")
    signed_in.wait_for_url(re.compile("days=all.*q=older"))
    signed_in.locator(".photos .photo:only-child", has_text="An older one").wait_for()
    signed_in.get_by_label("Search captions").fill("zebra")
    signed_in.keyboard.press("Enter")
    signed_in.get_by_role("heading", name="No caption holds “zebra”").wait_for()
    signed_in.get_by_role("link", name="End the search").click()
    signed_in.locator(".photos .photo").nth(PAGE_SIZE - 1).wait_for()
    assert "zebra" not in signed_in.url


def test_days_of_ones_own_are_chosen_in_a_sheet(signed_in, posts) -> None:
    day = localtime(posts[-1].posted_at).date().isoformat()
    signed_in.locator(".more summary").click()
    signed_in.get_by_label("From", exact=True).fill(day)
    signed_in.get_by_label("To", exact=True).fill(day)
    signed_in.get_by_role("button", name="Show these days").click()
    signed_in.wait_for_url(re.compile(f"from={day}&to={day}"))
    signed_in.locator(".photos .photo:only-child", has_text="An older one").wait_for()


def test_a_platform_is_picked_out_of_several(page, user, posts, tiny, tiny_account) -> None:
    build_post("tiny", tiny_account, likes=3, caption="From the other one")
    sign_in(page, user)
    assert "From the other one" in titles(page)
    page.locator(".more summary").click()
    page.locator("[name=platform]").select_option("tiny")
    page.wait_for_url(re.compile("platform=tiny"))
    page.locator(".photos .photo:only-child", has_text="From the other one").wait_for()
    assert figure(page, "likes") == "3"
    page.go_back()
    page.locator(".photos .photo", has_text="Donau").wait_for()


def test_what_was_chosen_keeps_the_focus_and_what_was_open_stays_open(signed_in) -> None:
    signed_in.locator("#id_sort").focus()
    signed_in.keyboard.press("ArrowDown")
    signed_in.wait_for_url(re.compile("sort=-engagement"))
    signed_in.locator("#id_sort:focus").wait_for()
    # A radio group moves with the arrows; the form comes anew each time.
    signed_in.locator("#id_days_30").focus()
    for choice in ("90", "365"):
        signed_in.keyboard.press("ArrowRight")
        signed_in.wait_for_url(re.compile(f"days={choice}"))
        signed_in.locator(f"#id_days_{choice}:focus").wait_for()
    signed_in.locator(".more summary").click()
    signed_in.locator("#id_account").focus()
    signed_in.keyboard.press("ArrowDown")
    signed_in.wait_for_url(re.compile("account="))
    signed_in.locator("#id_account:focus").wait_for()
    signed_in.keyboard.press("Escape")
    signed_in.locator(".more:not([open]) summary:focus").wait_for()


def test_pickers_leave_the_first_screen_to_the_numbers(signed_in) -> None:
    assert signed_in.locator("#filters").bounding_box()["height"] <= 96
    for kind in ("likes", "comments"):
        box = signed_in.locator(f".figure[data-kind={kind}] .figure-value").bounding_box()
        assert box["y"] + box["height"] < 844 - 57


def test_the_number_before_shows_on_focus(signed_in) -> None:
    words = signed_in.locator(".figure[data-kind=likes] .change-words")
    assert words.bounding_box()["width"] <= 1
    signed_in.locator(".figure[data-kind=likes] .change").focus()
    assert words.bounding_box()["width"] > 60


def test_people_arrive_and_move_nothing(signed_in) -> None:
    signed_in.locator(".audience-words", has_text="people engaged").wait_for()
    signed_in.set_viewport_size({"width": 1280, "height": 900})
    signed_in.reload()
    signed_in.locator(".audience-words", has_text="people engaged").wait_for()
    signed_in.watch.settle()
    assert signed_in.watch.shift < 0.05


def test_turning_a_page_moves_the_focus_to_what_is_new(signed_in) -> None:
    signed_in.get_by_role("link", name="Next").click()
    signed_in.get_by_text("Page 2 of 2", exact=True).wait_for()
    assert "page=2" in signed_in.url
    signed_in.locator("#results:focus").wait_for()
    assert signed_in.locator("#results[aria-busy]").count() == 0


def test_a_post_opens_and_its_lists_turn(signed_in) -> None:
    signed_in.locator(".photo-link").first.click()
    signed_in.wait_for_url("**/post/*/")
    assert signed_in.locator(".numbers-post .count").first.inner_text() == "23"
    likes = signed_in.locator("#likes")
    likes.get_by_role("link", name="Next").click()
    likes.get_by_text("Page 2 of 2", exact=True).wait_for()
    assert likes.locator("tbody tr").count() == 3


def test_pressing_twice_starts_one_reading_and_a_later_press_is_told_to_wait(signed_in, posts) -> None:
    signed_in.goto(reverse("analytics_pixelfed:post_detail", args=[posts[0].pk]))
    button, outcome = signed_in.get_by_role("button", name="Refresh"), signed_in.locator(".refresh-outcome")
    # Twice within one step of the page, so that no answer comes between.
    button.evaluate("button => { button.click(); button.click(); }")
    signed_in.locator(".refresh-outcome", has_text="Waiting for its turn").wait_for()
    assert outcome.count() == 1
    signed_in.goto(reverse("analytics_pixelfed:post_detail", args=[posts[0].pk]))
    with signed_in.expect_response("**/refresh/") as answer:
        # Chromium writes every answer above 399 into its console, which is not for people.
        signed_in.route("**/refresh/", lambda route: route.fulfill(response=route.fetch(), status=200))
        button.click()
    assert answer.value.ok
    signed_in.locator(".refresh-outcome", has_text="You refreshed a moment ago. Try again in").wait_for()
    assert outcome.count() == 1


def test_a_picture_that_does_not_load_leaves_a_quiet_note(signed_in, posts) -> None:
    signed_in.route("**/mark-180.png", lambda route: route.fulfill(body="none", content_type="image/png"))
    post = reverse("analytics_pixelfed:post_detail", args=[posts[0].pk])
    signed_in.goto(post)
    # Our own stands in for a large one that the instance does not give.
    signed_in.locator(".post-figure img[src*='/analytics/picture/']").wait_for()
    signed_in.route(
        "**/analytics/picture/**", lambda route: route.fulfill(body="none", content_type="image/webp")
    )
    for address in (
        post,
        reverse("analytics_core:unified_dashboard"),
        reverse("analytics_core:platform_comparison"),
    ):
        signed_in.goto(address)
        signed_in.get_by_text("No picture to show").first.wait_for()


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


def test_the_keyboard_alone_is_enough_and_always_visible(signed_in) -> None:
    signed_in.keyboard.press("Tab")
    assert signed_in.evaluate("document.activeElement.className") == "skip"
    signed_in.keyboard.press("Enter")
    seen = set()
    for _ in range(40):
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
    assert {"days", "q", "sort", "photo-link"} <= seen


def test_targets_are_large_enough_for_a_finger(signed_in, posts) -> None:
    targets = [".segments label", ".sheet .select select", ".bottom-bar a", ".menu summary", ".pager a"]
    check_height(signed_in, targets)
    posts[0].alt_text = "Hills in fog"
    posts[0].save()
    signed_in.goto(reverse("analytics_pixelfed:post_detail", args=[posts[0].pk]))
    check_height(signed_in, [".crumb a", ".post-facts a", ".alt summary", ".refresh .button"])


def check_height(page, targets: list[str]) -> None:
    for target in targets:
        found = page.locator(target).all()
        assert found, target
        heights = [element.bounding_box()["height"] for element in found]
        assert min(heights) >= 44, target


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
