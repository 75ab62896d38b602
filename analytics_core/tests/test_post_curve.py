"""The curve of a post: what it says for certain, and where it leaves a gap."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_core.counts import KindCount
from analytics_core.models import KINDS
from analytics_core.pages import post_curve
from analytics_core.selectors.post import Event

POSTED = datetime(2026, 3, 10, 22, 17, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
POST = SimpleNamespace(posted_at=POSTED)


def exact(age: timedelta) -> Event:
    return Event(POSTED + age, POSTED + age)


def unknown(age: timedelta) -> Event:
    """There when we first looked, at this age."""
    return Event(None, POSTED + age)


def between(start: timedelta, end: timedelta) -> Event:
    return Event(POSTED + start, POSTED + end)


def draw(age: timedelta, unread: str = "", **events: list[Event]):
    all_events = {kind: events.get(kind, []) for kind in KINDS}
    counts = {
        kind: KindCount(kind=kind, value=len(found), is_known=kind != unread)
        for kind, found in all_events.items()
    }
    return post_curve.curve(POST, all_events, counts=counts, now=POSTED + age)


def values(chart, name: str) -> list[int | None]:
    return next(series.values for series in chart.series if series.name == name)


def test_likes_add_up_by_the_hour_of_the_posts_own_age() -> None:
    chart = draw(3 * HOUR, likes=[exact(timedelta(minutes=59)), exact(HOUR), exact(2.5 * HOUR)])
    assert chart.labels == ["0 h", "1 h", "2 h", "3 h"]
    assert values(chart, "Likes") == [0, 2, 2, 3]
    assert chart.unfinished is None


def test_the_hour_that_is_not_over_is_said_to_be_unfinished() -> None:
    chart = draw(2.5 * HOUR, likes=[exact(HOUR)])
    assert (chart.labels[-1], chart.unfinished) == ("3 h", 3)


@pytest.mark.parametrize(
    ("age", "last_labels", "number"),
    [
        (timedelta(0), ["0 h", "1 h"], 2),
        (2 * DAY, ["47 h", "48 h"], 49),
        (2 * DAY + HOUR, ["48 h", "3 d"], 50),
        (92 * DAY, ["91 d", "92 d"], 49 + 90),
        (93 * DAY, ["13 wk", "14 wk"], 49 + 26 + 10),
        (3650 * DAY, ["520 wk", "524 wk"], 49 + 26 + 100 + 105),
    ],
)
def test_steps_are_hours_for_two_days_then_days_and_longer_ones_for_old_posts(
    age, last_labels, number
) -> None:
    edges = post_curve.ages(age)
    assert [post_curve.label(edge, of=edges[-1]) for edge in edges[-2:]] == last_labels
    assert len(edges) == number
    assert edges[-2] < max(age, HOUR) <= edges[-1]


def test_comments_and_shares_are_marks_on_the_line_of_the_likes() -> None:
    chart = draw(5 * HOUR, likes=[exact(HOUR)], comments=[exact(2 * HOUR)], shares=[exact(3 * HOUR)])
    assert [(series.name, series.is_marks) for series in chart.series] == [
        ("Likes", False),
        ("Comments", True),
        ("Shares", True),
    ]
    assert values(chart, "Comments") == [0, 0, 1, 1, 1, 1]


def test_what_was_there_at_the_first_look_counts_from_then_on_and_is_a_gap_before() -> None:
    chart = draw(30 * HOUR, likes=[unknown(26 * HOUR) for _ in range(20)] + [exact(28 * HOUR)])
    line = values(chart, "Likes")
    assert line[0] == 0
    assert line[1:26] == [None] * 25
    assert line[26:] == [20, 20, 21, 21, 21]
    assert "When 20 likes came is not known" in chart.note
    assert chart.sentence == "21 likes so far; when most of them came is not known."


def test_a_few_that_nobody_knows_of_leave_no_gap() -> None:
    chart = draw(5 * HOUR, likes=[exact(HOUR) for _ in range(30)] + [unknown(4 * HOUR)])
    assert values(chart, "Likes") == [0, 30, 30, 30, 31, 31]


def test_a_time_between_two_hourly_visits_stands_at_the_later_one() -> None:
    chart = draw(5 * HOUR, likes=[between(2 * HOUR, 3 * HOUR)])
    assert values(chart, "Likes") == [0, 0, 0, 1, 1, 1]
    assert chart.note == ""


def test_a_time_between_distant_visits_is_a_gap_between_them() -> None:
    chart = draw(8 * HOUR, likes=[between(2 * HOUR, 6 * HOUR)])
    assert values(chart, "Likes") == [0, 0, None, None, None, None, 1, 1, 1]


def test_where_nobody_knows_when_the_likes_came_the_comments_have_the_line() -> None:
    chart = draw(5 * HOUR, likes=[unknown(5 * HOUR)] * 9, comments=[exact(HOUR)])
    assert [(series.name, series.is_marks) for series in chart.series] == [
        ("Comments", False),
        ("Shares", False),
    ]
    assert chart.sentence == "9 likes so far; when most of them came is not known. Also 1 comment."


def test_without_anything_to_draw_there_is_no_chart() -> None:
    assert draw(5 * HOUR) is None
    assert draw(5 * HOUR, likes=[unknown(5 * HOUR)]) is None
    assert draw(5 * HOUR, likes=[exact(HOUR)], unread="likes") is None


def test_what_was_never_read_is_not_drawn_as_zero() -> None:
    chart = draw(5 * HOUR, comments=[exact(HOUR)], unread="likes")
    assert "Likes" not in [series.name for series in chart.series]


def test_what_the_instance_counts_and_does_not_list_is_named() -> None:
    counts = {kind: KindCount(kind=kind, value=0) for kind in KINDS}
    counts["likes"] = KindCount(kind="likes", value=1, server=3)
    chart = post_curve.curve(
        POST, {**dict.fromkeys(KINDS, []), "likes": [exact(HOUR)]}, counts=counts, now=POSTED + 2 * HOUR
    )
    assert chart.note == "Not shown: 2 likes the instance counts and does not list."


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (2 * DAY, []),
        (2 * DAY + HOUR, [("48 h", "by day")]),
        (92 * DAY, [("48 h", "by day")]),
        (93 * DAY, [("48 h", "by day"), ("28 d", "by week")]),
        (735 * DAY, [("48 h", "by day"), ("28 d", "by week"), ("104 wk", "by 4 weeks")]),
    ],
)
def test_it_says_where_the_steps_of_the_axis_grow_longer(age, expected) -> None:
    chart = draw(age, likes=[exact(HOUR)])
    assert [(chart.labels[index], words) for index, words in chart.breaks] == expected


@pytest.mark.parametrize(
    ("likes", "said"),
    [
        ([HOUR], "1 like within 60 minutes of posting."),
        ([HOUR, 3 * HOUR], "2 likes within 3 hours of posting."),
        (
            [HOUR, 2 * HOUR, 9 * HOUR, 40 * DAY],
            "Half of these 4 likes came within 2 hours of posting, all within 40 days.",
        ),
    ],
)
def test_the_finding_says_how_fast_they_came(likes, said) -> None:
    assert draw(60 * DAY, likes=[exact(age) for age in likes]).sentence == said


events = st.lists(
    st.tuples(st.integers(-3, 4000), st.integers(0, 4000), st.booleans()).map(
        lambda three: (
            unknown(three[0] * HOUR)
            if three[2]
            else Event(POSTED + (three[0] - three[1]) * HOUR, POSTED + three[0] * HOUR)
        )
    ),
    max_size=30,
)


@given(likes=events, age=st.integers(0, 5000))
def test_a_line_never_falls_and_ends_at_what_is_known_by_now(likes, age) -> None:
    happened = [event for event in likes if event.latest <= POSTED + age * HOUR]
    chart = draw(age * HOUR, likes=happened)
    if chart is None or "Likes" not in [series.name for series in chart.series]:
        return
    line = [value for value in values(chart, "Likes") if value is not None]
    assert line == sorted(line)
    assert line[-1] == len(happened)
