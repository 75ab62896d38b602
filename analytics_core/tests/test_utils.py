"""Engagement by day, as charts take it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics_core import charts
from analytics_core.counts import KindCount
from analytics_core.models import Precision
from analytics_core.tests.builders import add, build_post
from analytics_core.utils import get_engagement_timeline

pytestmark = pytest.mark.django_db

POSTED = datetime(2026, 3, 10, 22, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def post(tiny_account):
    return build_post("tiny", tiny_account, posted_at=POSTED)


def whole(**others: KindCount) -> dict[str, KindCount]:
    """Say that everything of each kind is known, but for `others`."""
    return {kind: KindCount(kind=kind, value=1) for kind in ("likes", "comments", "shares")} | others


def data(timeline, label: str) -> list[int]:
    return next(dataset["data"] for dataset in timeline["datasets"] if dataset["label"] == label)


def test_there_is_a_label_for_the_day_of_posting_and_each_of_the_days_after(post) -> None:
    timeline = get_engagement_timeline(post, days=7)
    assert timeline["labels"] == [f"2026-03-{day}" for day in range(10, 18)]
    assert [dataset["label"] for dataset in timeline["datasets"]] == ["Likes", "Comments", "Shares"]
    assert all(dataset["data"] == [0] * 8 for dataset in timeline["datasets"])


def test_likes_are_booked_on_the_day_they_happened_and_not_on_that_of_the_post(post) -> None:
    add(post, "likes", at=POSTED + HOUR)
    add(post, "likes", at=POSTED + timedelta(days=2))
    add(post, "comments", at=POSTED + timedelta(days=7))
    timeline = get_engagement_timeline(post)
    assert data(timeline, "Likes") == [1, 0, 1, 0, 0, 0, 0, 0]
    assert data(timeline, "Comments") == [0, 0, 0, 0, 0, 0, 0, 1]


def test_a_day_is_one_of_the_active_time_zone(post) -> None:
    add(post, "likes", at=POSTED + 3 * HOUR)  # 01:00 UTC the next day, 02:00 in Berlin
    with timezone.override("Europe/Berlin"):
        berlin = get_engagement_timeline(post, days=1)
    with timezone.override("America/New_York"):
        new_york = get_engagement_timeline(post, days=1)
    assert (berlin["labels"][0], data(berlin, "Likes")) == ("2026-03-10", [0, 1])
    assert (new_york["labels"][0], data(new_york, "Likes")) == ("2026-03-10", [1, 0])


def test_what_was_taken_back_is_in_no_day(post) -> None:
    add(post, "shares", at=POSTED + HOUR, ended_at=POSTED + 2 * HOUR)
    timeline = get_engagement_timeline(post)
    assert data(timeline, "Shares") == [0] * 8
    assert timeline["undated"]["shares"] == timeline["outside"]["shares"] == 0


def test_a_time_not_known_to_the_day_is_counted_apart(post) -> None:
    add(post, "likes", at=POSTED + HOUR, precision=Precision.UNKNOWN)
    wide, narrow = POSTED - timedelta(days=3), POSTED
    add(post, "likes", at=POSTED + HOUR, precision=Precision.WINDOW, not_before_at=wide)
    add(post, "likes", at=POSTED + HOUR, precision=Precision.WINDOW, not_before_at=narrow)
    timeline = get_engagement_timeline(post)
    assert sum(data(timeline, "Likes")) == 1
    assert timeline["undated"] == {"likes": 2, "comments": 0, "shares": 0}


def test_what_happened_later_is_said_to_be_outside(post) -> None:
    add(post, "likes", at=POSTED + timedelta(days=8))
    timeline = get_engagement_timeline(post)
    assert timeline["outside"]["likes"] == 1
    assert charts.left_out(timeline, counts=whole().values()) == "Not shown here: 1 like on other days."


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=st.lists(
        st.tuples(
            st.sampled_from(["likes", "comments", "shares"]),
            st.integers(-48, 400),
            st.sampled_from(Precision.values),
            st.booleans(),
        ),
        max_size=15,
    )
)
def test_every_current_one_is_counted_exactly_once(tiny_account, events) -> None:
    post = build_post("tiny", tiny_account, posted_at=POSTED)
    for kind, hours, precision, has_ended in events:
        ended_at = POSTED if has_ended else None
        add(post, kind, at=POSTED + hours * HOUR, precision=precision, ended_at=ended_at)
    timeline = get_engagement_timeline(post)
    for kind in ("likes", "comments", "shares"):
        counted = (
            sum(data(timeline, kind.capitalize())) + timeline["undated"][kind] + timeline["outside"][kind]
        )
        assert counted == sum(1 for event in events if event[0] == kind and not event[3])


def test_days_to_come_have_no_row_and_today_is_unfinished(post) -> None:
    today = datetime(2026, 3, 12).date()  # noqa: DTZ001
    rows = charts.day_rows(get_engagement_timeline(post), today=today, counts=whole())
    assert [row.day.day for row in rows] == [10, 11, 12]
    assert [row.is_unfinished for row in rows] == [False, False, True]


def test_a_day_without_any_is_no_zero_while_some_times_are_not_known(post) -> None:
    add(post, "likes", at=POSTED + HOUR)
    add(post, "likes", precision=Precision.UNKNOWN)
    today = datetime(2026, 3, 11).date()  # noqa: DTZ001
    counts = whole(shares=KindCount(kind="shares", value=0, is_known=False))
    rows = charts.day_rows(get_engagement_timeline(post), today=today, counts=counts)
    assert [row.counts for row in rows] == [[1, 0, None], [None, 0, None]]


@pytest.mark.parametrize(
    ("count", "counts_of_days", "said"),
    [
        (
            {"server": 6, "value": 7, "answers": 2},
            [1, None],
            "1 comment the instance counts and does not list",
        ),
        (
            {"server": 34, "value": 5},
            [1, None],
            "29 comments the instance counts and does not list",
        ),
        (
            {"server": 34, "value": 5, "is_moved": True},
            [1, None],
            "29 comments the instance counts and PostFlow has not read yet",
        ),
        ({"server": 5, "value": 7, "answers": 2}, [1, 0], ""),
        ({"server": 4, "value": 5}, [1, 0], ""),
        ({"server": None, "value": 5}, [1, 0], ""),
    ],
)
def test_a_day_without_any_is_no_zero_while_the_server_counts_more(post, count, counts_of_days, said) -> None:
    add(post, "comments", at=POSTED + HOUR)
    counts = whole(comments=KindCount(kind="comments", **count))
    timeline = get_engagement_timeline(post)
    rows = charts.day_rows(timeline, today=datetime(2026, 3, 11).date(), counts=counts)  # noqa: DTZ001
    assert [row.counts[1] for row in rows] == counts_of_days
    assert charts.left_out(timeline, counts=counts.values()) == (f"Not shown here: {said}." if said else "")


def test_bars_share_one_scale_and_fill_it_without_gaps() -> None:
    pieces = charts.bar([("likes", 3), ("comments", 0), ("shares", 1)], longest=8)
    assert [(piece.kind, piece.start, piece.length) for piece in pieces] == [
        ("likes", 0, 375),
        ("shares", 375, 125),
    ]
    assert charts.bar([("likes", 0)], longest=0) == []
