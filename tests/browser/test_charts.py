"""Charts in a real browser: drawn, read out, recoloured, thrown away; and the same without any of it."""

import re
from itertools import pairwise

import pytest
from django.urls import reverse

from analytics_core.tests.builders import build_post
from pixelfed.models import MastodonAccount

from .conftest import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# The colour that most of a drawing has.
MAIN_COLOUR = """canvas => {
  const { width, height } = canvas;
  const pen = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  pen.drawImage(canvas, 0, 0);
  const { data } = pen.getImageData(0, 0, width, height);
  const seen = {};
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] < 255) continue;
    const colour = data.slice(at, at + 3).join();
    seen[colour] = (seen[colour] || 0) + 1;
  }
  return Object.entries(seen).sort((a, b) => b[1] - a[1])[0]?.[0] ?? "";
}"""
LIKES = {"light": "30,64,175", "dark": "96,165,250"}


@pytest.fixture
def comparison(signed_in):
    """The comparison of one account, drawn."""
    signed_in.goto(reverse("analytics_core:platform_comparison"))
    signed_in.locator(".chart[data-ready=drawn]").wait_for()
    return signed_in


def most_of(page) -> str:
    """Which colour most of the drawing has."""
    return page.locator("canvas").first.evaluate(MAIN_COLOUR)


def wait_for_colour(page, colour) -> None:
    page.wait_for_function(
        f"([canvas, wanted]) => ({MAIN_COLOUR})(canvas) === wanted",
        arg=[page.locator("canvas").first.element_handle(), colour],
    )


def test_a_chart_has_the_colours_of_the_theme_and_changes_with_it(comparison) -> None:
    wait_for_colour(comparison, LIKES["light"])
    comparison.emulate_media(color_scheme="dark")
    wait_for_colour(comparison, LIKES["dark"])
    comparison.evaluate("document.documentElement.dataset.theme = 'light'")
    wait_for_colour(comparison, LIKES["light"])


def likes_of(posts) -> int:
    return sum(post.likes.count() for post in posts)


def test_the_keyboard_reads_a_chart_value_by_value(comparison, posts) -> None:
    canvas, heard = comparison.locator("canvas").first, comparison.locator(".chart-heard").first
    canvas.focus()
    comparison.keyboard.press("Home")
    assert heard.text_content() == f"Likes, Pixelfed: {likes_of(posts[:-1])}"
    comparison.keyboard.press("ArrowRight")
    assert heard.text_content() == "Comments, Pixelfed: 2"
    comparison.keyboard.press("End")
    assert heard.text_content() == "Shares, Pixelfed: 0"
    comparison.keyboard.press("ArrowRight")
    assert heard.text_content() == "Shares, Pixelfed: 0"
    comparison.keyboard.press("Escape")
    assert heard.text_content() == ""


def test_a_swap_throws_the_old_drawing_away_and_makes_a_new_one(comparison, posts) -> None:
    for days in ("90", "7", "90"):
        comparison.locator(f"input[name=days][value='{days}']").check(force=True)
        comparison.wait_for_url(re.compile(f"days={days}"))
        comparison.locator(".chart[data-ready=drawn]").wait_for()
        assert (
            comparison.evaluate("Object.keys(Chart.instances).length")
            == comparison.locator("canvas").count()
            == 1
        )
    assert f"{likes_of(posts)} likes" in comparison.locator("canvas").get_attribute("aria-label")


def test_it_is_drawn_at_once_for_those_who_want_no_motion(browser, live_server, user, posts) -> None:
    context = browser.new_context(base_url=live_server.url, reduced_motion="reduce")
    page = context.new_page()
    sign_in(page, user)
    page.goto(reverse("analytics_core:platform_comparison"))
    page.locator(".chart[data-ready=drawn]").wait_for()
    assert page.evaluate("Object.values(Chart.instances)[0].options.animation") is False
    assert most_of(page) == LIKES["light"]
    context.close()


def test_several_accounts_have_a_panel_for_each_kind(signed_in, user) -> None:
    other = MastodonAccount.objects.create(
        user=user,
        instance_url="https://pixey.example",
        username="mono",
        access_token="t",
        software="pixelfed",
    )
    build_post("pixelfed", other, likes=4)
    signed_in.goto(reverse("analytics_core:platform_comparison"))
    signed_in.locator(".chart[data-ready=drawn]").wait_for()
    assert signed_in.evaluate("Object.keys(Chart.instances).length") == 3
    assert signed_in.evaluate("document.documentElement.scrollWidth") == 390
    signed_in.locator("canvas").nth(2).focus()
    signed_in.keyboard.press("End")
    assert signed_in.locator(".chart-heard").text_content() == "@mono@pixey.example, Shares: 0"


def test_without_the_library_the_page_says_the_same_in_words_and_numbers(signed_in, posts) -> None:
    signed_in.route(
        "**/vendor/chart.umd.min*.js", lambda route: route.fulfill(body="", content_type="text/javascript")
    )
    signed_in.goto(reverse("analytics_core:platform_comparison"))
    signed_in.locator(".chart[data-ready=table]").wait_for()
    assert not signed_in.locator("canvas").first.is_visible()
    assert (
        f"{likes_of(posts[:-1])} likes, 2 comments and 0 shares."
        in signed_in.locator(".chart-finding").inner_text()
    )
    assert signed_in.locator("#compared").is_visible()


def test_the_table_of_a_chart_is_a_click_away_and_stays_open_over_a_swap(signed_in) -> None:
    table = signed_in.locator("#timeline .chart-table table")
    signed_in.locator("#timeline[data-ready=drawn]").wait_for()
    assert not table.is_visible()
    signed_in.locator("#timeline .chart-table summary").click()
    assert table.is_visible()
    signed_in.locator("input[name=days][value='90']").check(force=True)
    signed_in.wait_for_url(re.compile("days=90"))
    signed_in.locator("#timeline[data-ready=drawn]").wait_for()
    assert table.is_visible()


def test_photos_stand_at_their_day_and_each_can_be_pressed(signed_in) -> None:
    signed_in.locator("#timeline[data-ready=drawn]").wait_for()
    marks = signed_in.locator("#timeline .chart-marks li")
    places = marks.evaluate_all("""items => items.map(({ dataset, offsetLeft, offsetWidth }) => (
        [Number(dataset.lane), Number(dataset.index), offsetLeft, offsetWidth]))""")
    assert len(places) > 10
    room = signed_in.locator("#timeline .chart-marks ul").evaluate("list => list.clientWidth")
    assert all(left >= 0 and left + width <= room for _, _, left, width in places)
    for number in (0, 1):
        lane = [place for place in places if place[0] == number]
        assert lane == sorted(lane, key=lambda place: (place[1], place[2]))
        assert all(after[2] - before[2] >= 11 for before, after in pairwise(lane))
    first = marks.first.locator("a")
    address = first.get_attribute("href")
    first.click(position={"x": 4, "y": 8})
    signed_in.wait_for_url(f"**{address}")
