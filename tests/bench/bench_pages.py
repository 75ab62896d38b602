"""What a page costs for somebody with no posts, 500, 5,000 and 50,000: times as ratios, and sizes.

Times are compared with each other, in one run on one machine. `POSTS=0,500,5000 make bench` leaves out the
largest, which takes minutes to make. On PostgreSQL: `.ci/postgres make bench`.
"""

import gzip
import os
import statistics
import time

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analytics_core.models import EngagementDay, PersonSpan
from analytics_pixelfed.models import PixelfedLike, PixelfedPost
from postflow.models import CustomUser
from tests.bench.many_posts import make_posts

pytestmark = pytest.mark.django_db

SIZES = [int(size) for size in os.environ.get("POSTS", "0,500,5000,50000").split(",")]
RUNS = 15
PAGES = {
    "overview": "/analytics/",
    "platform": "/analytics/pixelfed/",
    "comparison": "/analytics/comparison/",
    "one post": "/analytics/pixelfed/post/{post}/",
    "overview, 12 months": "/analytics/?days=365",
    "overview, all, most liked": "/analytics/?days=all&sort=-likes",
    "overview, all, page 40": "/analytics/?days=all&sort=-likes&page=40",
    "overview, all, search": "/analytics/?days=all&q=harbour",
    "people": "/analytics/",
    "people, 12 months": "/analytics/?days=365",
    "people, all": "/analytics/?days=all",
}
# What the front pages may cost, in times of the same page for nobody, and of 500 posts. The page of a post
# has none to compare with where there are no posts.
FRONT = ("overview", "platform", "comparison", "one post")
MOST_TO_EMPTY, MOST_TO_500, MOST_QUERIES = 4, 1.3, 12
MOST_BYTES, MOST_COMPRESSED = 60 * 1024, 15 * 1024


def say(text: str = "") -> None:
    print(text)  # noqa: T201 a benchmark's output


@pytest.fixture
def clients(client):
    """A signed-in client for each size."""
    found = {}
    for size in SIZES:
        user = CustomUser.objects.create_user(email=f"{size}@example.org")
        began_at = time.perf_counter()
        make_posts(user, count=size)
        say(f"  {size:>6,} posts made in {time.perf_counter() - began_at:.0f} s")
        found[size] = type(client)()
        found[size].force_login(user)
    with connection.cursor() as cursor:
        # As a database in use knows its tables; both do so by themselves.
        cursor.execute("ANALYZE")
    return found


def ask(client, size, name):
    newest = PixelfedPost.objects.filter(account__user__email=f"{size}@example.org").order_by("-posted_at")
    address = PAGES[name].format(post=newest.values_list("pk", flat=True).first())
    headers = {"HX-Request": "true", "HX-Target": "people"} if name.startswith("people") else {}
    return lambda: client.get(address, headers=headers)


def count_queries(get):
    """How many statements the page takes, and the page."""
    response = get()
    assert response.status_code == 200
    with CaptureQueriesContext(connection) as statements:
        get()
    return len(statements), response


def median_times(gets):
    """The median time of each page in milliseconds, all of them in turn: what slows one down slows all."""
    times = {key: [] for key in gets}
    for _ in range(RUNS):
        for key, get in gets.items():
            began_at = time.perf_counter()
            get()
            times[key].append(1000 * (time.perf_counter() - began_at))
    return {key: statistics.median(values) for key, values in times.items()}


def test_pages(clients) -> None:
    settings.TEMPLATES[0]["OPTIONS"]["debug"] = False
    counts = {"likes": PixelfedLike, "days": EngagementDay, "spans of people": PersonSpan}
    counted = ", ".join(f"{model.objects.count():,} {what}" for what, model in counts.items())
    say(f"\n{connection.vendor}: {counted}")
    figures = {}
    for name in PAGES:
        sizes = [size for size in clients if name != "one post" or size]
        gets = {size: ask(clients[size], size, name) for size in sizes}
        found = {size: count_queries(get) for size, get in gets.items()}
        for size, median in median_times(gets).items():
            figures[name, size] = (median, *found[size])
    say(f"  {'':28}" + "".join(f"{size:>12,}" for size in SIZES) + "   queries      bytes  compressed")
    wrong = []
    for name in PAGES:
        wrong += show(name, figures)
    largest = max(SIZES)
    first, far = (
        figures[name, largest][0] for name in ("overview, all, most liked", "overview, all, page 40")
    )
    say(f"  page 40 of {largest:,} posts costs {far / first:.2f} times page 1")
    if far > 2 * first:
        wrong.append(f"page 40 costs {far / first:.2f} times page 1")
    assert not wrong, "\n".join(wrong)


def show(name, figures):
    """Print a page's line, and return what it breaks."""
    own = {size: figures[name, size] for size in SIZES if (name, size) in figures}
    smallest, largest = min(own), max(own)
    html = own[largest][2].content
    sizes = len(html), len(gzip.compress(html, 6))
    queries = {queries for size, (_, queries, _) in own.items() if size}
    times = "".join(f"{own[size][0]:>9.1f} ms" if size in own else f"{'–':>12}" for size in SIZES)
    say(f"  {name:28}{times}   {sorted(queries)!s:>7} {sizes[0]:>10,} {sizes[1]:>11,}")
    if name not in FRONT:
        return []
    to_empty = own[largest][0] / own[smallest][0]
    to_500 = own[largest][0] / own[500][0] if 500 in own else 1
    say(f"  {'':28}{largest:,} posts: {to_empty:.2f} times {smallest:,}, {to_500:.2f} times 500")
    return [
        f"{name}: {what}"
        for is_wrong, what in (
            (smallest == 0 and to_empty > MOST_TO_EMPTY, f"{to_empty:.2f} times the page of nobody"),
            (to_500 > MOST_TO_500, f"{to_500:.2f} times the page of 500 posts"),
            (len(queries) > 1, f"queries grow: {sorted(queries)}"),
            (max(queries) > MOST_QUERIES, f"{max(queries)} queries"),
            (sizes[0] > MOST_BYTES, f"{sizes[0]:,} bytes"),
            (sizes[1] > MOST_COMPRESSED, f"{sizes[1]:,} bytes compressed"),
        )
        if is_wrong
    ]
