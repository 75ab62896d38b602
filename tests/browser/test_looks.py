"""Every page in both themes, on a phone and a desk: it can be read, it holds still, it is there at once."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse

from analytics_core.models import AccountState
from postflow.models import CustomUser

from .conftest import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
MOST_SHIFT = 0.05
MOST_SECONDS_TO_PAINT = 1.0


def addresses(posts) -> dict[str, str]:
    """Name each page, in the states that look different."""
    overview = reverse("analytics_core:unified_dashboard")
    return {
        "overview": overview,
        "nothing in the range": f"{overview}?from=2020-01-01&to=2020-01-02",
        "nothing found": f"{overview}?q=zebra",
        "platform": reverse("analytics_pixelfed:dashboard"),
        "post": reverse("analytics_pixelfed:post_detail", args=[posts[0].pk]),
        "comparison": reverse("analytics_core:platform_comparison"),
        "settings": reverse("postflow:settings"),
        "account": reverse("postflow:account"),
        "status": reverse("analytics_core:status"),
    }


@pytest.fixture
def operator(user):
    """The photographer may see the status page too."""
    user.is_staff = user.is_superuser = True
    user.save()
    return user


def faults(page) -> list[str]:
    """Return what axe finds on the page, with every detail open but the menu that would cover them."""
    page.evaluate("document.querySelectorAll('details:not(.menu)').forEach((each) => { each.open = true; })")
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{fault['id']}: {node['html'][:120]}" for fault in found for node in fault["nodes"]]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(signed_in, operator, posts, theme) -> None:
    CustomUser.objects.update(theme=theme)
    found = {}
    for name, address in addresses(posts).items():
        signed_in.goto(address)
        if here := faults(signed_in):
            found[name] = here
    signed_in.locator(".menu summary").click()
    found |= {"menu": here} if (here := faults(signed_in)) else {}
    assert found == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_before_signing_in_and_where_something_is_wrong(
    page, user, account, posts, theme
) -> None:
    page.emulate_media(color_scheme=theme)
    for address in (reverse("postflow:sign_up"), reverse("password_reset")):
        page.goto(address)
        assert faults(page) == []
        page.locator("main button[type=submit]").click()
        page.get_by_role("alert").first.wait_for()
        assert faults(page) == []
        # The browser notes that a form was refused.
        page.watch.complaints.clear()
    page.goto("/accounts/sign-in/")
    assert faults(page) == []
    page.get_by_label("E-mail address").fill("nobody@example.org")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()
    assert faults(page) == []
    sign_in(page, user)
    AccountState.objects.update(failures_count=2, message="pixelfed.example did not answer.")
    page.reload()
    assert "did not answer" in page.get_by_role("note").inner_text()
    assert faults(page) == []
    account.state = "reconnect"
    account.save()
    page.reload()
    assert "has to be connected again" in page.get_by_role("note").inner_text()
    assert faults(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_pages_of_errors(page, theme, live_server) -> None:
    page.emulate_media(color_scheme=theme)
    page.goto("/nowhere/")
    page.get_by_role("heading", name="Nothing here").wait_for()
    # Chromium writes every answer above 399 into its console, which is not for people.
    page.watch.complaints.clear()
    assert faults(page) == []
    # And it does look: a picture that says nothing is found.
    page.locator("main").evaluate("(main) => main.append(new Image())")
    assert [fault.partition(":")[0] for fault in faults(page)] == ["image-alt"]


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_pages_hold_still_and_are_there_at_once(signed_in, operator, posts, size) -> None:
    signed_in.set_viewport_size(size)
    jumps, waits = {}, {}
    for name, address in addresses(posts).items():
        signed_in.goto(address)
        # Warm: scripts, styles and fonts are there, as they are on every visit but the first. The quickest of
        # three counts, since whatever else the machine does can only delay one.
        for _ in range(3):
            signed_in.goto(address)
            signed_in.watch.settle()
            if (wait := signed_in.watch.largest_paint) < MOST_SECONDS_TO_PAINT:
                break
        else:
            waits[name] = wait
        if (jump := signed_in.watch.shift) >= MOST_SHIFT:
            jumps[name] = jump
    assert (jumps, waits) == ({}, {})
    # And it does look: something that pushes the page down is noticed.
    block = "(main) => { main.prepend(document.createElement('canvas')); }"
    signed_in.locator("main").evaluate(block)
    signed_in.watch.settle()
    assert signed_in.watch.shift > 0


@pytest.mark.parametrize("width", [320, 390, 640, 1280])
def test_nothing_is_wider_than_the_screen(signed_in, operator, posts, width) -> None:
    # 640 is a desk's screen at 200 %, 320 at 400 %.
    signed_in.set_viewport_size({"width": width, "height": 844})
    wide = []
    for name, address in addresses(posts).items():
        signed_in.goto(address)
        if signed_in.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(name)
    assert wide == []


def background(page) -> str:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


DARK, LIGHT = "rgb(17, 17, 17)", "rgb(250, 250, 250)"


def test_colours_follow_the_device_until_they_are_set(signed_in, user) -> None:
    for scheme, colour in (("dark", DARK), ("light", LIGHT)):
        signed_in.emulate_media(color_scheme=scheme)
        assert background(signed_in) == colour
    signed_in.locator(".menu summary").click()
    signed_in.get_by_role("button", name="Dark").click()
    signed_in.locator("html[data-theme=dark]").wait_for()
    assert background(signed_in) == DARK
    # On the sign-in page too, and from its first byte on: no script is needed for it.
    signed_in.locator(".menu summary").click()
    signed_in.get_by_role("button", name="Sign out").click()
    signed_in.wait_for_url("**/accounts/sign-in/")
    assert background(signed_in) == DARK


def test_paper_gets_the_page_without_what_can_only_be_pressed(signed_in) -> None:
    CustomUser.objects.update(theme="dark")
    signed_in.reload()
    signed_in.emulate_media(media="print")
    assert background(signed_in) == "rgb(255, 255, 255)"
    for part in (".bottom-bar", ".menu", ".filters", ".skip"):
        assert not signed_in.locator(part).first.is_visible(), part
    assert signed_in.locator("h1").is_visible()
    assert signed_in.locator("#results").is_visible()
