"""The pages about all platforms, with a second platform that they have never heard of."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from analytics_core import platforms
from analytics_core.tests.builders import build_post, read
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
        assert "Ask whoever runs this PostFlow" in words(response)
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
        assert "The last reading of @ana@pixelfed.example failed. pixelfed.example is down." in text

    def test_a_part_that_failed_is_told_from_a_reading_that_failed(
        self, signed_in, address, pixelfed_account
    ) -> None:
        read("pixelfed", pixelfed_account, failures_count=0, message="One list was refused.")
        text = words(signed_in.get(address))
        assert "Something of @ana@pixelfed.example could not be read. One list was refused." in text
        assert "The last reading" not in text

    def test_it_says_up_to_when_the_numbers_hold(self, signed_in, user, address, pixelfed_account) -> None:
        user.time_zone = "Asia/Kathmandu"
        user.save()
        moment = timezone.now() - timedelta(minutes=5)
        read("pixelfed", pixelfed_account, last_success_at=moment)
        assert re.search(r"data up to (\d+ \w+ \d+, )?\d\d:\d\d", words(signed_in.get(address)))
        assert "+05:45" in signed_in.get(address).content.decode()

    def test_nothing_is_inline_and_pictures_come_from_known_origins_alone(
        self, signed_in, address, pixelfed_account
    ) -> None:
        build_post("pixelfed", pixelfed_account, likes=1, media_url="https://cdn.example:8443/a.jpg")
        response = signed_in.get(address)
        policy = response.headers["Content-Security-Policy"]
        assert "https://cdn.example:8443" in policy
        assert "unsafe" not in policy
        html = response.content.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", html)
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", html))

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
    def test_numbers_are_those_of_the_posts_in_the_range(
        self, signed_in, pixelfed_account, tiny, tiny_account
    ) -> None:
        build_post("pixelfed", pixelfed_account, age=2, likes=1200, comments=2)
        build_post("tiny", tiny_account, age=40, shares=3)
        response = signed_in.get(OVERVIEW)
        assert "Posts 1 Likes 1,200 Comments 2 Shares 0" in words(response)
        assert "Posts 2 Likes 1,200 Comments 2 Shares 3" in words(signed_in.get(f"{OVERVIEW}?days=90"))
        assert response.context["total_posts"] == 1

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
        assert 'alt="&quot;&gt;&lt;b&gt;"' in html
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
        assert "1 is not fully read yet." in text

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
        with django_assert_num_queries(7):
            signed_in.get(OVERVIEW)
        for _ in range(41):
            build_post("pixelfed", pixelfed_account, likes=2)
        with django_assert_num_queries(7):
            signed_in.get(OVERVIEW)


class TestComparison:
    def test_each_platform_has_a_row_with_its_numbers(
        self, signed_in, pixelfed_account, tiny, tiny_account
    ) -> None:
        build_post("pixelfed", pixelfed_account, likes=3, comments=1, caption="Most of all")
        build_post("pixelfed", pixelfed_account, likes=1)
        build_post("tiny", tiny_account, shares=2)
        response = signed_in.get(COMPARISON)
        assert "Pixelfed 2 0.47 5 2.5 2.5 4 1 0" in words(response)
        assert "Tiny 1 0.23 2 2 2 0 0 2" in words(response)
        assert "Most of all 3 likes" in words(response)
        assert response.context["platform_stats"]["pixelfed"]["total_posts"] == 2

    def test_several_accounts_are_told_apart_below_their_platform(
        self, signed_in, user, pixelfed_account
    ) -> None:
        assert "@ana@pixelfed.example" not in self.table(signed_in)
        MastodonAccount.objects.create(
            user=user,
            instance_url="https://pixey.example",
            username="mono",
            access_token="t",
            software="pixelfed",
        )
        assert "@mono@pixey.example 0 – no posts to average 0" in self.table(signed_in)

    def table(self, client) -> str:
        response = client.get(COMPARISON)
        response.content = re.search(rb"<table.*</table>", response.content, re.DOTALL).group()
        return words(response)

    def test_the_range_counts_by_the_day_of_posting(self, signed_in, pixelfed_account) -> None:
        build_post("pixelfed", pixelfed_account, age=20, likes=9)
        assert signed_in.get(f"{COMPARISON}?days=7").context["platform_stats"]["pixelfed"]["total_likes"] == 0
        assert (
            signed_in.get(f"{COMPARISON}?days=28").context["platform_stats"]["pixelfed"]["total_likes"] == 9
        )

    def test_htmx_gets_the_results_alone(self, signed_in, pixelfed_account) -> None:
        html = signed_in.get(
            COMPARISON, headers={"HX-Request": "true", "HX-Target": "results"}
        ).content.decode()
        assert html.strip().startswith('<section id="results"')

    def test_queries_do_not_grow_with_the_posts(
        self, signed_in, pixelfed_account, django_assert_num_queries
    ) -> None:
        build_post("pixelfed", pixelfed_account, likes=1)
        with django_assert_num_queries(6):
            signed_in.get(COMPARISON)
        for _ in range(41):
            build_post("pixelfed", pixelfed_account, likes=2, comments=1)
        with django_assert_num_queries(6):
            signed_in.get(COMPARISON)
