"""What the comparison page says of the numbers, and the files it gives."""

import csv
import io
import re
from datetime import UTC, datetime

import pytest
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics_core import exports, platforms, selectors
from analytics_core.pages import comparison, comparison_page
from analytics_core.periods import period
from analytics_core.tests.builders import build_post, read
from pixelfed.models import MastodonAccount

pytestmark = pytest.mark.django_db

COMPARISON = "/analytics/comparison/"


def connect(user, name="ana", host="pixelfed.example") -> MastodonAccount:
    return MastodonAccount.objects.create(
        user=user, instance_url=f"https://{host}", username=name, access_token="t", software="pixelfed"
    )


@pytest.fixture
def account(user):
    return connect(user)


@pytest.fixture
def other(user, account):
    return connect(user, "mono", "pixey.example")


@pytest.fixture
def signed_in(client, user):
    client.force_login(user)
    return client


def words(response, pattern=r".*") -> str:
    html = re.search(pattern, response.content.decode(), re.DOTALL).group()
    return re.sub(r"\s+", " ", re.sub(r"<script.*?</script>|<[^>]+>", " ", html, flags=re.DOTALL)).strip()


def table(response) -> str:
    return words(response, r'<table class="compare".*?</table>')


class TestPage:
    def test_each_platform_has_a_row_with_its_numbers(self, signed_in, account, tiny, tiny_account) -> None:
        build_post("pixelfed", account, likes=3, comments=1, caption="Most of all")
        build_post("pixelfed", account, likes=1)
        build_post("tiny", tiny_account, shares=2)
        response = signed_in.get(COMPARISON)
        assert "Pixelfed 2 0.47 5 2.5 2.5 4 1 0" in table(response)
        assert "Tiny 1 0.23 2 2 2 0 0 2" in table(response)
        assert "Most of all 3 likes, 1 comment" in words(response)
        assert response.context["platform_stats"]["pixelfed"]["total_posts"] == 2

    def test_several_accounts_are_told_apart_below_their_platform(self, signed_in, account, other) -> None:
        build_post("pixelfed", account, likes=2)
        read("pixelfed", other)
        response = signed_in.get(COMPARISON)
        assert "@ana@pixelfed.example 1 0.23 2 2 2 2 0 0" in table(response)
        assert "@mono@pixey.example 0 – no posts to average 0" in table(response)

    def test_one_account_alone_has_its_numbers_and_no_rival(self, signed_in, account) -> None:
        for likes in (1, 2, 3, 4, 90):
            build_post("pixelfed", account, likes=likes)
        response = signed_in.get(COMPARISON)
        text = words(response)
        assert (
            "5 posts from the last 30 days. The typical one has 3 likes, comments and shares together" in text
        )
        assert "@ana@pixelfed.example" not in table(response)
        assert "One account is connected." in text
        (chart,) = response.context["charts"]
        assert (list(chart.labels), [series.values for series in chart.series]) == (
            ["Pixelfed"],
            [[100], [0], [0]],
        )
        assert chart.sentence == "100 likes, 0 comments and 0 shares."

    def test_the_typical_post_is_compared_where_there_are_enough(self, signed_in, account, other) -> None:
        for likes in (1, 2, 3, 4, 90):
            build_post("pixelfed", account, likes=likes)
            build_post("pixelfed", other, likes=likes + 10)
        assert signed_in.get(COMPARISON).context["finding"] == (
            "The typical post has most engagement on @mono@pixey.example: 13, and least on "
            "@ana@pixelfed.example: 3 (medians of 5 and 5 posts)."
        )

    def test_nothing_is_claimed_of_too_few_posts(self, signed_in, account, other) -> None:
        build_post("pixelfed", account, likes=70)
        build_post("pixelfed", other)
        assert signed_in.get(COMPARISON).context["finding"] == (
            "Too few posts to compare what is typical: it takes 5 on each side, and @ana@pixelfed.example "
            "has 1 and @mono@pixey.example has 1."
        )

    def test_the_charts_are_of_platforms_and_of_accounts(
        self, signed_in, account, other, tiny, tiny_account
    ) -> None:
        build_post("pixelfed", account, likes=3)
        build_post("pixelfed", other, comments=2)
        build_post("tiny", tiny_account, likes=3)
        by_platform, by_account = signed_in.get(COMPARISON).context["charts"]
        assert list(by_platform.labels) == ["Pixelfed", "Tiny"]
        assert [list(series.values) for series in by_platform.series] == [[3, 3], [2, 0], [0, 0]]
        assert (
            by_platform.sentence
            == "Most likes: Pixelfed and Tiny (3). Most comments: Pixelfed (2). No shares."
        )
        assert list(by_account.labels) == ["@ana@pixelfed.example", "@mono@pixey.example", "Tiny"]
        assert list(by_account.platforms) == ["pixelfed", "pixelfed", "tiny"]

    def test_of_many_accounts_those_with_most_are_drawn_and_all_are_in_the_table(
        self, signed_in, user
    ) -> None:
        for number in range(14):
            build_post("pixelfed", connect(user, f"a{number:02}"), likes=number)
        response = signed_in.get(COMPARISON)
        (chart,) = response.context["charts"]
        assert len(chart.labels) == 12
        assert chart.labels[0] == "@a13@pixelfed.example"
        assert chart.note == "The 12 with most engagement are shown; 2 more stand in the table."
        assert table(response).count("@pixelfed.example") == 14

    def test_what_is_not_known_is_no_zero(self, signed_in, account, other) -> None:
        build_post("pixelfed", account, is_counted=False, likes_server_count=4)
        response = signed_in.get(COMPARISON)
        none, nothing = "– not read yet", "– no posts to average"
        assert f"@ana@pixelfed.example 1 0.23 {none} {nothing} {nothing} {none}" in table(response)
        assert "@mono@pixey.example – not read yet – no posts to average – not read yet" in table(response)
        (chart,) = response.context["charts"]
        assert [series.values for series in chart.series] == [[None, None]] * 3
        assert "1 of these posts is not fully read yet and left out of average and median." in words(response)

    def test_it_says_how_all_is_computed(self, signed_in, user, account) -> None:
        user.time_zone = "Asia/Kathmandu"
        user.save()
        read("pixelfed", account)
        build_post("pixelfed", account)
        build_post("pixelfed", account, posted_at=datetime(2026, 1, 15, tzinfo=UTC))
        text = words(signed_in.get(f"{COMPARISON}?from=2026-01-01&to=2026-01-31"))
        assert (
            "from 1 January 2026 to 31 January 2026, both days included, in the time zone Asia/Kathmandu: 1."
            in text
        )
        text = words(signed_in.get(COMPARISON))
        assert "Engagement = likes + comments + shares." in text
        assert "no like is left out because its time is not known" in text
        assert re.search(r"@ana@pixelfed.example: data up to \d+ \w+ \d{4}, \d\d:\d\d \+0545\.", text)

    def test_nothing_in_the_range_leads_to_all_time(self, signed_in, account) -> None:
        build_post("pixelfed", account, age=400)
        text = words(signed_in.get(COMPARISON))
        assert "No posts from the last 30 days" in text
        assert "Show all time" in text

    def test_the_range_counts_by_the_day_of_posting(self, signed_in, account) -> None:
        build_post("pixelfed", account, age=20, likes=9)
        for days, likes in (("7", 0), ("28", 9)):
            response = signed_in.get(f"{COMPARISON}?days={days}")
            assert response.context["platform_stats"]["pixelfed"]["total_likes"] == likes

    def test_captions_are_text(self, signed_in, account) -> None:
        build_post("pixelfed", account, likes=1, caption="<script>alert(1)</script>")
        html = signed_in.get(COMPARISON).content.decode()
        assert "<script>alert" not in html
        assert "&lt;script&gt;" in html

    def test_htmx_gets_the_results_alone(self, signed_in, account) -> None:
        headers = {"HX-Request": "true", "HX-Target": "results"}
        html = signed_in.get(COMPARISON, headers=headers).content.decode()
        assert html.strip().startswith('<section id="results"')

    def test_queries_grow_neither_with_posts_nor_with_accounts(
        self, signed_in, user, account, django_assert_num_queries
    ) -> None:
        build_post("pixelfed", account, likes=1)
        with django_assert_num_queries(7):
            signed_in.get(COMPARISON)
        for number in range(5):
            owner = connect(user, f"a{number}")
            for _ in range(10):
                build_post("pixelfed", owner, likes=2, comments=1)
        with django_assert_num_queries(7):
            signed_in.get(COMPARISON)

    def test_a_second_platform_costs_two_queries(
        self, signed_in, account, tiny, tiny_account, django_assert_num_queries
    ) -> None:
        build_post("pixelfed", account, likes=1)
        build_post("tiny", tiny_account, likes=1)
        with django_assert_num_queries(9):
            signed_in.get(COMPARISON)


class TestFiles:
    def rows(self, response) -> list[list[str]]:
        return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))

    def test_the_file_has_the_rows_and_the_columns_of_the_page(self, signed_in, account, other) -> None:
        build_post("pixelfed", account, likes=3, comments=1)
        build_post("pixelfed", other, likes=1)
        page = signed_in.get(COMPARISON)
        header, *rows = self.rows(signed_in.get(page.context["csv_url"]))
        shown = words(page, r"<thead>.*?</thead>").replace("Platform and account", "Platform Account")
        assert " ".join(header) == shown
        assert rows == [
            ["Pixelfed", "", "2", "0.47", "5", "2.5", "2.5", "4", "1", "0"],
            ["Pixelfed", "'@ana@pixelfed.example", "1", "0.23", "4", "4", "4", "3", "1", "0"],
            ["Pixelfed", "'@mono@pixey.example", "1", "0.23", "1", "1", "1", "1", "0", "0"],
        ]

    def test_json_holds_the_same(self, signed_in, account) -> None:
        build_post("pixelfed", account, likes=3)
        page = signed_in.get(COMPARISON)
        (row,) = signed_in.get(page.context["json_url"]).json()["rows"]
        assert (row["Platform"], row["Likes"], row["Median engagement per post"]) == ("Pixelfed", 3, 3)

    def test_the_file_is_of_the_range_on_the_page(self, signed_in, account) -> None:
        build_post("pixelfed", account, age=20, likes=9)
        for days, posts in (("7", ""), ("28", "1")):
            page = signed_in.get(f"{COMPARISON}?days={days}")
            assert self.rows(signed_in.get(page.context["csv_url"]))[1][2] == posts

    def test_an_account_named_like_a_formula_stays_text(self, user, account) -> None:
        connected = selectors.connected_accounts(user, platforms=platforms.all_platforms())
        stats = comparison.platform_stats(connected, period=period("all"))["pixelfed"]
        row = comparison_page.Row(
            platform=platforms.get("pixelfed"),
            account="=cmd|x",
            stats=stats,
            is_read=True,
        )
        (_, found) = self.rows(exports.respond(comparison_page.table([row]), wanted="csv", name="x"))
        assert found[1] == "'=cmd|x"


JUNK = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    [
        "custom",
        "all",
        "0",
        "-1",
        "9" * 40,
        "2026-02-30",
        "0001-01-01",
        "9999-12-31",
        "csv",
        "json",
        "\x00",
        "30",
    ]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.dictionaries(st.sampled_from(["days", "from", "to", "format", "part", "page", "q"]), JUNK))
def test_whatever_is_asked_is_answered(client, user, query) -> None:
    if not hasattr(user, "has_posts"):
        user.has_posts = True
        build_post("pixelfed", connect(user), likes=3)
        client.force_login(user)
    response = client.get(reverse("analytics_core:platform_comparison"), query)
    assert response.status_code == 200
