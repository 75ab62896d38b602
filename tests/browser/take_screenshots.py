"""`make screenshots`: the pictures of docs/screenshots, taken of a trial run whenever the pages change."""

import io
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from analytics_pixelfed.management.commands.demo import EMAIL, PASSWORD
from tests.test_trial_run import ROOT, TrialRun, free_port

from .conftest import Watch

FOLDER = ROOT / "docs" / "screenshots"
# The first import of two years of posts; and then their pictures, which the worker fetches one by one.
IMPORT_SECONDS, PICTURES_SECONDS = 600, 300
DESK, PHONE = (1280, 860), (390, 844)
# The sandbox has a number where an instance has a name.
NAME_THE_INSTANCE = """() => {
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        texts.currentNode.data = texts.currentNode.data.replace(/127\\.0\\.0\\.1:\\d+/g, "pixelfed.example");
    }
}"""


@dataclass(frozen=True)
class Shot:
    """One picture: what is on it, how wide and in which colours."""

    name: str
    path: str
    size: tuple[int, int] = DESK
    colours: str = "light"
    opens: int | None = None  # which photo of the contact sheet


SHOTS = [
    Shot("overview", "/analytics/"),
    Shot("overview-dark", "/analytics/", colours="dark"),
    Shot("overview-phone", "/analytics/", size=PHONE),
    Shot("post", "/analytics/", opens=1),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Run PostFlow with its sandbox in a folder of its own; give its address."""
    run = TrialRun(tmp_path_factory.mktemp("trial"), free_port(), free_port())
    try:
        run.wait_for_address(IMPORT_SECONDS)
        yield f"http://127.0.0.1:{run.port}"
    finally:
        run.stop(signal.SIGTERM)


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.name)
def test_take(browser, address, shot) -> None:
    width, height = shot.size
    context = browser.new_context(
        base_url=address,
        viewport={"width": width, "height": height},
        color_scheme="dark" if shot.colours == "dark" else "light",
        reduced_motion="reduce",
        device_scale_factor=2 if shot.size == PHONE else 1,
        timezone_id="Europe/Stockholm",
    )
    page = context.new_page()
    watch = Watch(page, address)
    page.goto("/")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/analytics/")
    close_news(page)
    page.goto(shot.path)
    if shot.opens is not None:
        page.locator(".photos .photo-link").nth(shot.opens).click()
        page.wait_for_url("**/post/*/")
    settle(page, watch)
    page.evaluate(NAME_THE_INSTANCE)
    keep(page.screenshot(), FOLDER / f"{shot.name}.webp")
    context.close()
    assert watch.complaints == []


def close_news(page) -> None:
    """Close what stands on the overview once only."""
    note = page.locator(".news")
    if note.count():
        note.get_by_role("button", name="Close").click()
        page.wait_for_url("**/analytics/")


def settle(page, watch) -> None:
    """Wait until everything is there: what comes later, pictures, charts."""
    until = time.monotonic() + PICTURES_SECONDS
    while True:
        page.wait_for_load_state("networkidle")
        watch.settle()
        if not page.locator(".no-photo").count() or time.monotonic() > until:
            return
        page.wait_for_timeout(2000)
        page.reload()


def keep(screenshot: bytes, file: Path) -> None:
    """Store a screenshot, small enough for a repository."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(io.BytesIO(screenshot)) as picture:
        picture.save(file, quality=88, method=6)
