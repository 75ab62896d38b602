"""What a reader asks for: pages with how often each is wanted, and what a browser gets behind one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

SIGN_IN = "/accounts/sign-in/"
# A browser gets what is about to be seen: the first pictures of a page, each once.
PICTURES_SEEN = 8
PEOPLE = re.compile(r'<section id="people"[^>]* hx-get="([^"]*)"')
PICTURE = re.compile(r'src="(/analytics/picture/[^"]+)"')
POST = re.compile(r'href="(/analytics/pixelfed/post/\d+/)"')
DAYS = re.compile(r"[?&]days=(\w+)")


@dataclass(frozen=True, kw_only=True)
class Page:
    """One address that readers ask for.

    Attributes:
        weight: how often, among all.
        part: which part HTMX asks for; "" for a whole page. A page of "{post}" is about a post seen before.
    """

    name: str
    path: str
    weight: int
    part: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """What the request says of itself."""
        return part_headers(self.part) if self.part else {}


def part_headers(part: str) -> dict[str, str]:
    """What HTMX says when it asks for a part."""
    return {"HX-Request": "true", "HX-Target": part}


PAGES = [
    Page(name="overview", path="/analytics/", weight=20),
    Page(name="overview, 7 days (part)", path="/analytics/?days=7", weight=4, part="results"),
    Page(name="overview, 90 days (part)", path="/analytics/?days=90", weight=5, part="results"),
    Page(name="overview, 12 months (part)", path="/analytics/?days=365", weight=5, part="results"),
    Page(name="overview, all (part)", path="/analytics/?days=all", weight=4, part="results"),
    Page(name="overview, all", path="/analytics/?days=all", weight=2),
    Page(name="overview, all, most liked", path="/analytics/?days=all&sort=-likes", weight=3, part="results"),
    Page(name="overview, all, page 30", path="/analytics/?days=all&page=30", weight=2),
    Page(name="overview, all, search", path="/analytics/?days=all&q=harbour", weight=2, part="results"),
    Page(name="overview, CSV", path="/analytics/?days=365&format=csv&part=timeline", weight=1),
    Page(name="pixelfed", path="/analytics/pixelfed/", weight=6),
    Page(name="pixelfed, 90 days, page 2", path="/analytics/pixelfed/?days=90&page=2", weight=3),
    Page(name="pixelfed, albums", path="/analytics/pixelfed/?days=365&media=carousel", weight=2),
    Page(name="comparison", path="/analytics/comparison/", weight=4),
    Page(
        name="comparison, 12 months (part)", path="/analytics/comparison/?days=365", weight=2, part="results"
    ),
    Page(name="comparison, all", path="/analytics/comparison/?days=all", weight=2),
    Page(name="comparison, CSV", path="/analytics/comparison/?days=all&format=csv", weight=1),
    Page(name="post", path="{post}", weight=15),
    Page(name="post, likes page 2 (part)", path="{post}?likes_page=2", weight=3, part="likes"),
    Page(name="post, likes as CSV", path="{post}?format=csv&part=likes", weight=1),
    Page(name="connections", path="/accounts/", weight=2),
    Page(name="settings", path="/settings/", weight=1),
]


def people_of(page: str) -> Iterator[tuple[str, str]]:
    """Yield the name and address of the part that comes behind a dashboard: who engaged."""
    for address in PEOPLE.findall(page):
        path = unescape(address)
        days = DAYS.search(path)
        yield f"people, {days.group(1) if days else '30'} days".replace("all days", "all"), path


def pictures_of(page: str) -> list[str]:
    """Return the addresses of the pictures that are seen first."""
    return [unescape(address) for address in dict.fromkeys(PICTURE.findall(page))][:PICTURES_SEEN]


def posts_of(page: str) -> list[str]:
    """Return the addresses of the posts on a page."""
    return list(dict.fromkeys(POST.findall(page)))
