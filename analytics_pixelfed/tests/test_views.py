"""The Pixelfed pages: the dashboard and one photo."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from analytics_core.models import Precision
from analytics_core.tests.builders import add, build_post
from pixelfed.models import MastodonAccount

from .shown import page_of, words

pytestmark = pytest.mark.django_db

DASHBOARD = "/analytics/pixelfed/"
REFRESH = "/analytics/pixelfed/refresh/"


def test_addresses_are_those_that_others_link_to() -> None:
    assert reverse("analytics_pixelfed:dashboard") == DASHBOARD
    assert reverse("analytics_pixelfed:post_detail", args=[5]) == "/analytics/pixelfed/post/5/"
    assert reverse("analytics_pixelfed:refresh") == REFRESH


class TestDashboard:
    def test_a_visitor_is_asked_to_sign_in(self, client) -> None:
        assert client.get(DASHBOARD).headers["Location"] == f"/accounts/sign-in/?next={DASHBOARD}"

    def test_own_posts_are_there_and_nobody_elses(self, signed_in, account, others_post) -> None:
        post = build_post("pixelfed", account, caption="Fog over the lake", likes=3)
        response = signed_in.get(DASHBOARD)
        assert list(response.context["page_obj"]) == [post]
        assert "Fog over the lake" in words(response)
        assert "Not yours" not in words(response)
        assert [number.value for number in response.context["numbers"][:3]] == [3, 0, 0]
        assert "Photos 1 posted in this time" in words(response)

    @pytest.mark.parametrize(
        ("days", "found"), [("7", 1), ("28", 2), ("90", 3), ("365", 4), ("all", 5), ("x", 2)]
    )
    def test_the_range_counts_by_the_day_of_posting(self, signed_in, account, days, found) -> None:
        for age in (6, 27, 89, 364, 4000):
            build_post("pixelfed", account, age=age)
        assert signed_in.get(DASHBOARD, {"days": days}).context["total_posts"] == found

    def test_days_are_those_of_the_persons_time_zone(self, signed_in, account) -> None:
        account.user.time_zone = "Pacific/Kiritimati"
        account.user.save()
        day = timezone.localdate(timezone=timezone.get_fixed_timezone(timedelta(hours=14)))
        start = datetime(
            day.year, day.month, day.day, tzinfo=timezone.get_fixed_timezone(timedelta(hours=14))
        )
        build_post("pixelfed", account, posted_at=start - timedelta(days=6))
        build_post("pixelfed", account, posted_at=start - timedelta(days=6, seconds=1))
        assert signed_in.get(DASHBOARD, {"days": "7"}).context["total_posts"] == 1

    @pytest.mark.parametrize(
        ("sort", "first"),
        [("-likes", 1), ("-comments", 2), ("-shares", 0), ("-engagement", 1), ("-posted_at", 0), ("pk", 0)],
    )
    def test_orders(self, signed_in, account, sort, first) -> None:
        posts = [
            build_post("pixelfed", account, age=1, shares=4),
            build_post("pixelfed", account, age=2, likes=9),
            build_post("pixelfed", account, age=3, comments=5, likes=1),
        ]
        assert signed_in.get(DASHBOARD, {"sort": sort}).context["page_obj"][0] == posts[first]

    def test_there_are_twenty_to_a_page(self, signed_in, account) -> None:
        for _ in range(41):
            build_post("pixelfed", account)
        sizes = [len(signed_in.get(DASHBOARD, {"page": number}).context["page_obj"]) for number in (1, 2, 3)]
        assert sizes == [20, 20, 1]

    def test_both_accounts_of_a_person_are_shown_together(self, signed_in, account) -> None:
        second = MastodonAccount.objects.create(
            user=account.user,
            instance_url="https://pixey.org",
            username="mono",
            access_token="t",
            software="pixelfed",
        )
        build_post("pixelfed", account, likes=2)
        build_post("pixelfed", second, likes=3)
        response = signed_in.get(DASHBOARD)
        assert response.context["numbers"][0].value == 5
        assert "Photos 2 posted in this time" in words(response)

    def test_an_account_on_other_software_is_not_on_this_page(self, signed_in, account) -> None:
        elsewhere = MastodonAccount.objects.create(
            user=account.user,
            instance_url="https://m.example",
            username="ana",
            access_token="t",
            software="mastodon",
        )
        assert str(elsewhere) not in words(signed_in.get(DASHBOARD))

    def test_htmx_gets_the_results_alone(self, signed_in, account) -> None:
        build_post("pixelfed", account, caption="Fog")
        html = signed_in.get(
            DASHBOARD, headers={"HX-Request": "true", "HX-Target": "results"}
        ).content.decode()
        assert html.strip().startswith('<section id="results"')
        assert "Fog" in html

    def test_queries_do_not_grow_with_the_posts(self, signed_in, account, django_assert_num_queries) -> None:
        build_post("pixelfed", account)
        with django_assert_num_queries(10):
            signed_in.get(DASHBOARD)
        for _ in range(41):
            build_post("pixelfed", account, likes=1)
        with django_assert_num_queries(10):
            signed_in.get(DASHBOARD)


class TestPost:
    def test_a_visitor_is_asked_to_sign_in(self, client, account) -> None:
        address = page_of(build_post("pixelfed", account))
        assert client.get(address).headers["Location"] == f"/accounts/sign-in/?next={address}"

    @pytest.mark.parametrize("target", [None, "likes", "comments", "shares"])
    def test_the_post_of_somebody_else_is_not_found(self, signed_in, others_post, target) -> None:
        headers = {"HX-Request": "true", "HX-Target": target} if target else {}
        assert signed_in.get(page_of(others_post), headers=headers).status_code == 404

    @pytest.mark.parametrize("number", [0, 999_999, 10**30])
    def test_no_such_post_is_not_found(self, signed_in, number) -> None:
        assert signed_in.get(f"/analytics/pixelfed/post/{number}/").status_code == 404

    def test_numbers_are_of_those_that_still_stand(self, signed_in, account) -> None:
        post = build_post("pixelfed", account, likes=3, comments=2, shares=1)
        add(post, "likes", username="was_here", ended_at=timezone.now())
        add(post, "likes", username="was_here_too", ended_at=timezone.now())
        text = words(signed_in.get(page_of(post)))
        assert "Likes 3 Comments 2 Shares 1" in text
        assert "2 likes taken back." in text
        assert "was_here" not in text

    def test_where_the_server_counts_otherwise_it_says_so(self, signed_in, account) -> None:
        now = timezone.now()
        post = build_post(
            "pixelfed",
            account,
            comments=27,
            comments_server_count=32,
            comments_read_count=32,
            comments_read_at=now,
        )
        text = words(signed_in.get(page_of(post)))
        assert (
            "Comments: 32 by the server’s count, 27 seen. The instance does not list all comments of a post."
        ) in text
        assert "5 comments the instance counts and does not list." in text

    def test_each_time_is_said_as_well_as_it_is_known(self, signed_in, account) -> None:
        account.user.time_zone = "Europe/Berlin"
        account.user.save()
        post = build_post("pixelfed", account, posted_at=datetime(2026, 3, 1, tzinfo=UTC))
        noon = datetime(2026, 3, 3, 12, 5, tzinfo=UTC)
        window = {"precision": Precision.WINDOW, "at": noon + timedelta(hours=1)}
        add(post, "likes", at=noon)
        add(post, "likes", **window, not_before_at=noon)
        add(post, "likes", **window, not_before_at=noon - timedelta(days=1))
        add(post, "likes", **window)
        add(post, "likes", at=noon, precision=Precision.UNKNOWN)
        response = signed_in.get(page_of(post))
        text = words(response).replace(" ,", ",")
        for said in (
            " 3 Mar 2026, 13:05 ",
            "between 13:05 and 14:05, 3 Mar 2026",
            "between 2 Mar 2026, 13:05 and 3 Mar 2026, 14:05",
            "by 3 Mar 2026, 14:05",
            "between two visits",
            "before 3 Mar 2026, 13:05 not known",
        ):
            assert said in text
        html = response.content.decode()
        assert 'datetime="2026-03-03T13:05:00+01:00" title="Tuesday, 3 March 2026, 13:05:00 CET"' in html

    def test_comments_are_conversations(self, signed_in, account) -> None:
        post = build_post("pixelfed", account)
        first = add(
            post, "comments", content="First <b>light</b>\nagain", in_reply_to_id=post.pixelfed_post_id
        )
        answer = add(post, "comments", content="Thank you", username="ana", in_reply_to_id=first.comment_id)
        add(post, "comments", content="And so on", username="zed", in_reply_to_id=answer.comment_id)
        add(post, "comments", content="Left alone", in_reply_to_id="4711")
        response = signed_in.get(page_of(post))
        html = response.content.decode()
        assert "First &lt;b&gt;light&lt;/b&gt;<br>again" in html
        assert re.search(r'class="answers">\s*<li>.*Thank you.*And so on.*</ol>', html, re.DOTALL)
        assert "answers @ana And so on" in words(response)
        assert "in reply to a comment that is no longer there Left alone" in words(response)

    def test_lists_turn_their_pages_on_their_own(self, signed_in, account) -> None:
        post = build_post("pixelfed", account, likes=45, shares=21, comments=21)
        response = signed_in.get(
            page_of(post), {"likes_page": "3", "shares_page": "2", "comments_page": "junk"}
        )
        sizes = [len(response.context[kind]) for kind in ("likes", "shares", "comments")]
        assert sizes == [5, 1, 20]
        # Turning one list keeps the place in the others.
        assert "?likes_page=2&amp;shares_page=2" in response.content.decode()

    @pytest.mark.parametrize("kind", ["likes", "comments", "shares"])
    def test_htmx_gets_one_list_alone(self, signed_in, account, kind) -> None:
        post = build_post("pixelfed", account, likes=21, comments=21, shares=21)
        headers = {"HX-Request": "true", "HX-Target": kind}
        html = signed_in.get(page_of(post), {f"{kind}_page": "2"}, headers=headers).content.decode()
        assert html.strip().startswith(f'<section id="{kind}"')
        assert html.count("<section") == 1
        assert "Page 2 of 2" in html

    @pytest.mark.parametrize("junk", ["-1", "0", "abc", "\x00", "9" * 5000, "99999"])
    def test_junk_in_the_address_is_no_error(self, signed_in, account, junk) -> None:
        post = build_post("pixelfed", account, likes=21)
        response = signed_in.get(
            page_of(post), {f"{kind}_page": junk for kind in ("likes", "comments", "shares")}
        )
        assert response.status_code == 200

    def test_a_post_that_is_gone_keeps_its_page(self, signed_in, account) -> None:
        post = build_post("pixelfed", account, likes=2, missing_since_at=datetime(2026, 3, 1, 9, tzinfo=UTC))
        text = words(signed_in.get(page_of(post)))
        assert "No longer on the instance since 1 Mar 2026, 09:00 ; PostFlow keeps what it counted." in text

    def test_a_photo_without_a_description_gets_a_quiet_hint(self, signed_in, account) -> None:
        without = signed_in.get(page_of(build_post("pixelfed", account)))
        with_one = signed_in.get(page_of(build_post("pixelfed", account, alt_text="Hills in fog")))
        assert "No description yet." in words(without)
        assert 'alt=""' in without.content.decode()
        assert 'alt="Hills in fog"' in with_one.content.decode()
        assert "No description yet." not in words(with_one)

    def test_only_the_pictures_own_origin_may_be_loaded(self, signed_in, account) -> None:
        post = build_post("pixelfed", account, media_url="https://cdn.example/a.jpg")
        policy = signed_in.get(page_of(post)).headers["Content-Security-Policy"]
        assert re.search(r"img-src [^;]*https://cdn\.example", policy)
        assert "unsafe" not in policy
