"""The pages about all platforms, with a second platform that they have never heard of."""

import gzip
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from analytics_core import platforms
from analytics_core.tests.builders import add, build_post, read
from pixelfed.models import MastodonAccount
from postflow.models import CustomUser

pytestmark = pytest.mark.django_db

OVERVIEW = "/analytics/"
COMPARISON = "/analytics/comparison/"
PAGES = [OVERVIEW, COMPARISON]


@pytest.fixture
def signed_in(client, user):
    client.force_login(user)
    return client


@pytest.fixture
def pixelfed_account(user):
    return MastodonAccount.objects.create(
        user=user,
        instance_url="https://pixelfed.example",
        username="ana",
        access_token="t",
        software="pixelfed",
    )


def words(response) -> str:
    """The page as a person reads it."""
    text = re.sub(r"<[^>]+>", " ", response.content.decode())
    return re.sub(r"\s+", " ", text)


def figures(response) -> dict[str, str]:
    """The four numbers as they stand on the page; one that is not known is not there."""
    number = r'class="figure" data-kind="(\w+)">\s*<dt>.*?</dt>\s*<dd>\s*<span[^>]*count">([\d,]+)<'
    return dict(re.findall(number, response.content.decode()))


def test_addresses_are_those_that_others_link_to() -> None:
    assert reverse("analytics_core:unified_dashboard") == OVERVIEW
    assert reverse("analytics_core:platform_comparison") == COMPARISON


@pytest.mark.parametrize("address", PAGES)
class TestBoth:
    def test_a_visitor_is_asked_to_sign_in(self, client, address) -> None:
        assert client.get(address).headers["Location"] == f"/accounts/sign-in/?next={address}"

    def test_only_looking_is_allowed(self, signed_in, address) -> None:
        assert signed_in.post(address).status_code == 405

    def test_with_no_account_one_sentence_says_what_to_do(self, signed_in, address) -> None:
        response = signed_in.get(address)
        assert "No account is connected yet" in words(response)
        assert "Connect your account" in words(response)
        assert 'name="days"' not in response.content.decode()

    @pytest.mark.parametrize(
        "query",
        [
            "days=abc", "days=-1", "days=31", "days=&sort=&platform=", "sort=password", "sort=-posted_at,pk",
            "page=-1", "page=99999", "page=abc", "platform=nowhere", "days=7%00", "sort=%00", "page=%00",
            f"days={'9' * 10_000}", f"page={'9' * 10_000}", f"sort={'x' * 10_000}", "days=7&days=abc",
            "%FF=%FE",
        ],
    )  # fmt: skip
    def test_junk_in_the_address_is_the_default(self, signed_in, address, query, pixelfed_account) -> None:
        build_post("pixelfed", pixelfed_account, likes=3)
        response = signed_in.get(f"{address}?{query}")
        assert response.status_code == 200
        assert response.context["days"] == 30
        assert "99999" not in response.content.decode()

    def test_other_peoples_numbers_are_nowhere(self, signed_in, address) -> None:
        other = CustomUser.objects.create_user(email="ben@example.org")
        account = MastodonAccount.objects.create(
            user=other, instance_url="https://pixelfed.example", username="ben", access_token="t"
        )
        build_post("pixelfed", account, likes=77, caption="Not yours")
        assert "Not yours" not in words(signed_in.get(address))
        assert "77" not in words(signed_in.get(address))

    def test_an_account_to_reconnect_says_why(self, signed_in, address, pixelfed_account) -> None:
        pixelfed_account.state, pixelfed_account.state_reason = "reconnect", "The access has run out."
        pixelfed_account.save()
        text = words(signed_in.get(address))
        assert "@ana@pixelfed.example has to be connected again." in text
        assert "The access has run out." in text

    def test_a_failed_reading_is_told_with_its_message(self, signed_in, address, pixelfed_account) -> None:
        read("pixelfed", pixelfed_account, failures_count=2, message="pixelfed.example is down.")
        text = words(signed_in.get(address))
        assert "@ana@pixelfed.example could not be read the last time, next try" in text
        assert "pixelfed.example is down." in text

    def test_a_part_that_failed_is_told_from_a_reading_that_failed(
        self, signed_in, address, pixelfed_account
    ) -> None:
        read("pixelfed", pixelfed_account, failures_count=0, message="One list was refused.")
        text = words(signed_in.get(address))
        assert "Something of @ana@pixelfed.example could not be read. One list was refused." in text
        assert "the last time" not in text

    def test_it_says_up_to_when_the_numbers_hold(self, signed_in, user, address, pixelfed_account) -> None:
        user.time_zone = "Asia/Kathmandu"
        user.save()
        moment = timezone.now() - timedelta(minutes=5)
        read("pixelfed", pixelfed_account, last_success_at=moment)
        assert re.search(r"Data up to (yesterday )?\d\d:\d\d , next ", words(signed_in.get(address)))
        assert "+05:45" in signed_in.get(address).content.decode()

    def test_nothing_is_inline_and_pictures_come_from_us_alone(
        self, signed_in, address, pixelfed_account
    ) -> None:
        build_post("pixelfed", pixelfed_account, likes=1, media_url="https://cdn.example:8443/a.jpg")
        response = signed_in.get(address)
        policy = response.headers["Content-Security-Policy"]
        assert "img-src 'self' data:;" in policy
        assert "unsafe" not in policy
        html = response.content.decode()
        assert "cdn.example" not in html
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", html)
        scripts = re.findall(r"<script[^>]*>", html)
        assert all("src=" in tag or 'type="application/json"' in tag for tag in scripts)

    def test_it_says_what_a_comment_is(self, signed_in, address, pixelfed_account) -> None:
        build_post("pixelfed", pixelfed_account, comments=1)
        text = words(signed_in.get(address))
        assert "Comments include answers, your own too." in text
        assert "Where an instance lists only a part, that part is counted." in text

    def test_another_platform_appears_by_itself(self, signed_in, address, tiny, tiny_account) -> None:
        build_post("tiny", tiny_account, likes=41)
        text = words(signed_in.get(address))
        assert "Tiny" in text
        assert "41" in text


class TestOverview:
    def test_numbers_are_what_happened_in_the_range_and_photos_those_posted_then(
        self, signed_in, pixelfed_account, tiny, tiny_account
    ) -> None:
        build_post("pixelfed", pixelfed_account, age=2, likes=1200, comments=2)
        old = build_post("tiny", tiny_account, age=40, shares=3)
        add(old, "likes", at=timezone.now() - timedelta(days=1))
        response = signed_in.get(OVERVIEW)
        assert figures(response) == {"likes": "1,201", "comments": "2", "shares": "0"}
        assert "Photos 1 posted in this time" in words(response)
        longer = signed_in.get(f"{OVERVIEW}?days=90")
        assert figures(longer) == {"likes": "1,201", "comments": "2", "shares": "3"}
        assert "Photos 2 posted in this time" in words(longer)

    def test_a_change_stands_beside_its_number_with_the_one_before_in_words(
        self, signed_in, pixelfed_account
    ) -> None:
        read("pixelfed", pixelfed_account)
        post = build_post("pixelfed", pixelfed_account, age=100)
        for days, number in ((2, 30), (40, 20)):
            for _ in range(number):
                add(post, "comments", at=timezone.now() - timedelta(days=days))
        response = signed_in.get(OVERVIEW)
        assert "Comments 30 +50% 10 more than before, 20" in words(response)
        assert '<span class="change count" data-direction="up" tabindex="0">' in response.content.decode()
        # Likes before somebody watched are not known, and that is no zero.
        assert "Likes 0 – The period before was not measured" in words(response)

    def test_the_most_engaged_photos_of_the_range_lead(self, signed_in, pixelfed_account) -> None:
        build_post("pixelfed", pixelfed_account, age=60, likes=50, caption="Out of range")
        best = build_post("pixelfed", pixelfed_account, age=5, likes=9, caption="The best")
        second = build_post("pixelfed", pixelfed_account, age=6, likes=2, caption="The second")
        build_post("pixelfed", pixelfed_account, age=1, caption="The newest")
        response = signed_in.get(OVERVIEW)
        assert response.context["best"][:2] == [best, second]
        lead = words(response).partition("Most engaged")[2].partition("Timeline")[0]
        assert lead.index("The best") < lead.index("The second")
        # Nobody liked it: it is in the grid, and no best.
        assert "The newest" not in lead

    def test_a_range_without_photos_still_shows_what_happened_to_older_ones(
        self, signed_in, pixelfed_account
    ) -> None:
        old = build_post("pixelfed", pixelfed_account, age=60)
        add(old, "likes", at=timezone.now() - timedelta(days=1))
        response = signed_in.get(OVERVIEW)
        assert figures(response)["likes"] == "1"
        assert "No posts from the last 30 days" in words(response)
        assert "Show the last 90 days" in words(response)

    def test_a_search_that_finds_nothing_ends_or_widens(self, signed_in, pixelfed_account) -> None:
        build_post("pixelfed", pixelfed_account, caption="Fog")
        response = signed_in.get(f"{OVERVIEW}?q=%3Cb%3Ezebra&sort=-likes")
        text = words(response)
        assert "No caption holds “&lt;b&gt;zebra”" in text
        assert "Search all time" in text
        assert "End the search" in text
        assert figures(response)["likes"] == "0"
        assert "Nothing of this kind" in words(signed_in.get(f"{OVERVIEW}?media=video"))

    def test_arrows_lead_to_the_days_before_and_back(self, signed_in, pixelfed_account) -> None:
        build_post("pixelfed", pixelfed_account)
        html = signed_in.get(f"{OVERVIEW}?sort=-likes").content.decode()
        earlier = re.search(r'id="earlier"[^>]*href="([^"]+)"', html)[1].replace("&amp;", "&")
        assert 'id="later"' not in html
        assert "sort=-likes" in earlier
        before = signed_in.get(OVERVIEW + earlier)
        assert before.context["days"] == 30
        later = re.search(r'id="later"[^>]*href="([^"]+)"', before.content.decode())[1].replace("&amp;", "&")
        assert signed_in.get(OVERVIEW + later).context["period"].choice == "30"

    def test_people_are_text_and_never_markup(self, signed_in, pixelfed_account) -> None:
        post = build_post("pixelfed", pixelfed_account)
        add(post, "likes", username="<i>eve", display_name="<script>alert(1)</script>")
        html = signed_in.get(f"{OVERVIEW}?show=people").content.decode()
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
        assert "@&lt;i&gt;eve" in html

    def test_a_platform_can_be_picked_out(self, signed_in, pixelfed_account, tiny, tiny_account) -> None:
        build_post("pixelfed", pixelfed_account, caption="From one")
        build_post("tiny", tiny_account, caption="From the other")
        response = signed_in.get(f"{OVERVIEW}?platform=tiny")
        assert "From the other" in words(response)
        assert "From one" not in words(response)
        assert response.context["platform"] == "tiny"

    def test_captions_are_text_and_never_markup(self, signed_in, pixelfed_account) -> None:
        post = build_post("pixelfed", pixelfed_account, caption="<script>alert(1)</script>", alt_text='"><b>')
        html = signed_in.get(OVERVIEW).content.decode()
        assert "<script>alert" not in html
        assert "&lt;script&gt;" in html
        assert "<title>&quot;&gt;&lt;b&gt; – the picture is on its way</title>" in html
        assert platforms.get("pixelfed").post_detail_url(post.pk) in html

    @pytest.mark.parametrize(
        "url", ["javascript:alert(1)", "https://a b/x", "https://x;script-src *", "ftp://a/x", "//x"]
    )
    def test_an_address_that_is_none_is_no_picture(self, signed_in, pixelfed_account, url) -> None:
        build_post("pixelfed", pixelfed_account, media_url=url)
        response = signed_in.get(OVERVIEW)
        assert "No picture to show" in words(response)
        assert url not in response.content.decode()
        assert "script-src *" not in response.headers["Content-Security-Policy"]

    def test_what_is_not_read_yet_is_no_zero(self, signed_in, pixelfed_account) -> None:
        build_post("pixelfed", pixelfed_account, is_counted=False, likes_server_count=4)
        text = words(signed_in.get(OVERVIEW))
        assert "likes not read yet" in text
        assert "1 posted in this time, 1 not fully read yet" in text

    def test_nothing_in_the_range_leads_to_all_time(self, signed_in, pixelfed_account) -> None:
        build_post("pixelfed", pixelfed_account, age=400)
        text = words(signed_in.get(OVERVIEW))
        assert "No posts from the last 30 days" in text
        assert "Show all time" in text

    def test_connected_but_not_read_yet_is_not_the_same_as_no_photos(
        self, signed_in, pixelfed_account
    ) -> None:
        assert "is connected, nothing is read yet" in words(signed_in.get(OVERVIEW))
        read("pixelfed", pixelfed_account)
        assert "No photos on @ana@pixelfed.example" in words(signed_in.get(OVERVIEW))

    def test_htmx_gets_the_results_alone(self, signed_in, pixelfed_account) -> None:
        build_post("pixelfed", pixelfed_account, caption="Fog")
        headers = {"HX-Request": "true", "HX-Target": "results"}
        response = signed_in.get(OVERVIEW, headers=headers)
        html = response.content.decode().strip()
        assert html.startswith('<section id="results"')
        assert "<html" not in html
        assert "Fog" in html
        assert {"HX-Request", "HX-Target"} <= {name.strip() for name in response.headers["Vary"].split(",")}
        assert response.headers["Content-Security-Policy"]
        # The form comes with it: its days, arrows and accounts follow the range.
        assert html.count('<form id="filters"') == html.count("hx-swap-oob") == 1

    def test_the_address_bar_gets_what_differs_from_the_defaults_alone(
        self, signed_in, pixelfed_account
    ) -> None:
        for _ in range(25):
            build_post("pixelfed", pixelfed_account)
        headers = {"HX-Request": "true", "HX-Target": "results"}
        query = "days=7&from=2026-01-01&to=2026-01-02&platform=all&account=all&media=all&q=&sort=-likes&page="
        for page, address in (("1", "?days=7&sort=-likes"), ("2", "?days=7&sort=-likes&page=2")):
            response = signed_in.get(f"{OVERVIEW}?{query}{page}", headers=headers)
            assert response.headers["HX-Push-Url"] == OVERVIEW + address
        assert signed_in.get(f"{OVERVIEW}?days=30&q=", headers=headers).headers["HX-Push-Url"] == OVERVIEW

    def test_going_back_in_the_history_gets_the_whole_page(self, signed_in, pixelfed_account) -> None:
        headers = {"HX-Request": "true", "HX-Target": "results", "HX-History-Restore-Request": "true"}
        assert "<html" in signed_in.get(OVERVIEW, headers=headers).content.decode()

    def test_the_page_carries_its_choices_on(self, signed_in, pixelfed_account) -> None:
        for _ in range(41):
            build_post("pixelfed", pixelfed_account)
        response = signed_in.get(f"{OVERVIEW}?days=7&sort=-likes&page=2&junk=%3Cb%3E")
        html = response.content.decode()
        assert "Page 2 of 3" in words(response)
        assert "?days=7&amp;sort=-likes&amp;page=3" in html
        assert "junk" not in html
        assert len(response.context["page_obj"]) == 20

    def test_queries_do_not_grow_with_the_posts(
        self, signed_in, pixelfed_account, django_assert_num_queries
    ) -> None:
        build_post("pixelfed", pixelfed_account)
        with django_assert_num_queries(10):
            signed_in.get(OVERVIEW)
        for _ in range(41):
            build_post("pixelfed", pixelfed_account, likes=2)
        with django_assert_num_queries(10):
            signed_in.get(OVERVIEW)

    def test_the_first_page_is_light_even_where_there_is_much(self, signed_in, pixelfed_account) -> None:
        for age in range(60):
            post = build_post("pixelfed", pixelfed_account, age=age / 2, likes=3, caption="A long walk home")
            post.picture = f"pictures/{'0' * 64}.webp"
            post.save()
        page = signed_in.get(OVERVIEW).content
        assert page.count(b'<li class="photo"') == 20 + 2
        assert len(page) < 60_000
        assert len(gzip.compress(page)) < 15_000
