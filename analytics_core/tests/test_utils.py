"""Engagement by day, as charts take it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics_core.models import Precision
from analytics_core.tests.builders import add, build_post
from analytics_core.utils import get_engagement_timeline

pytestmark = pytest.mark.django_db

POSTED = datetime(2026, 3, 10, 22, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def post(tiny_account):
    return build_post("tiny", tiny_account, posted_at=POSTED)


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
