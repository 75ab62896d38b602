"""The page of one post: its picture, its curve, its files, and what is told of what is missing."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from analytics_core.models import KINDS, Precision
from analytics_core.tests.builders import add, build_post, read
from analytics_core.utils import get_engagement_timeline
from pixelfed.models import MastodonAccount
from postflow.models import CustomUser

from .shown import page_of, words

pytestmark = pytest.mark.django_db

MARKUP = '<script>alert("x")</script>'


def image_sources(response) -> list[str]:
    return next(
        part.split()[1:]
        for part in response.headers["Content-Security-Policy"].split(";")
        if part.strip().startswith("img-src")
    )


class TestPicture:
    def test_it_comes_from_its_instance_and_only_that_origin_is_allowed(self, signed_in, account) -> None:
        response = signed_in.get(
            page_of(build_post("pixelfed", account, media_url="https://cdn.example/a.jpg"))
        )
        assert 'src="https://cdn.example/a.jpg"' in response.content.decode()
        assert [source for source in image_sources(response) if "://" in source] == ["https://cdn.example"]

    @pytest.mark.parametrize(
        "url", ["javascript:alert(1)", "data:image/png;base64,AA", "ftp://x.example/a", ""]
    )
    def test_an_address_that_is_none_of_the_web_is_replaced_by_our_small_picture(
        self, signed_in, account, url
    ) -> None:
        response = signed_in.get(page_of(build_post("pixelfed", account, media_url=url)))
        html = response.content.decode()
        assert re.search(r'<div class="mat-frame">\s*<svg class="photo no-photo"', html)
        assert not [source for source in image_sources(response) if "://" in source]
        if url:
            assert url not in html

    def test_of_a_video_the_small_picture_is_shown(self, signed_in, account) -> None:
        post = build_post("pixelfed", account, media_type="video", media_url="https://cdn.example/a.mp4")
        response = signed_in.get(page_of(post))
        assert "a.mp4" not in response.content.decode()
        assert "Video" in words(response)

    def test_of_a_missing_post_our_own_picture_is_what_is_left(self, signed_in, account) -> None:
        post = build_post("pixelfed", account, missing_since_at=timezone.now(), picture="small/abc.webp")
        response = signed_in.get(page_of(post))
        assert post.media_url not in response.content.decode()
        assert f"/analytics/picture/pixelfed/{post.pk}/" in response.content.decode()
        assert "See it on" not in words(response)

    def test_an_album_says_which_picture_this_is(self, signed_in, account) -> None:
        text = words(signed_in.get(page_of(build_post("pixelfed", account, media_count=4))))
        assert "1 of 4" in text
        assert "4 pictures, of which PostFlow shows the first" in text

    @pytest.mark.parametrize(
        ("url", "is_linked"),
        [
            ("https://pixelfed.social/p/1", True),
            ("javascript:alert(1)", False),
            ("//evil", False),
            ("", False),
        ],
    )
    def test_the_link_to_the_original_leads_to_the_web_and_tells_nothing(
        self, signed_in, account, url, is_linked
    ) -> None:
        html = signed_in.get(page_of(build_post("pixelfed", account, post_url=url))).content.decode()
        assert ("See it on" in html) == is_linked
        assert all('rel="noopener noreferrer"' in tag for tag in re.findall(r"<a [^>]*_blank[^>]*>", html))
        assert "javascript:" not in html


class TestWhatIsMissing:
    def test_not_read_yet_is_no_zero(self, signed_in, account) -> None:
        post = build_post("pixelfed", account, is_counted=False, likes_server_count=31)
        text = words(signed_in.get(page_of(post)))
        assert "Likes: not read yet; the instance counts 31." in text
        assert "Since it was posted Not read yet." in text
        assert "Nobody likes this photo yet" not in text

    def test_a_list_that_is_shorter_than_the_counter_says_so(self, signed_in, account) -> None:
        post = build_post(
            "pixelfed",
            account,
            likes=3,
            likes_server_count=5,
            likes_read_count=5,
            likes_read_at=timezone.now(),
        )
        text = words(signed_in.get(page_of(post)))
        assert "Likes: 5 by the server’s count, 3 seen." in text
        assert "2 likes the instance counts and does not list." in text

    def test_a_counter_that_moved_since_says_that_the_rest_will_come(self, signed_in, account) -> None:
        post = build_post(
            "pixelfed",
            account,
            likes=3,
            likes_server_count=5,
            likes_read_count=3,
            likes_read_at=timezone.now(),
        )
        text = words(signed_in.get(page_of(post)))
        assert "the next reading brings the rest." in text
        assert "2 likes the instance counts and PostFlow has not read yet." in text

    def test_with_nothing_at_all_the_page_is_calm(self, signed_in, account) -> None:
        text = words(signed_in.get(page_of(build_post("pixelfed", account))))
        assert "Nothing has happened here yet." in text
        assert "Nobody likes this photo yet." in text
        assert "CSV" not in text

    def test_without_one_known_time_there_is_no_curve_and_it_says_why(self, signed_in, account) -> None:
        post = build_post("pixelfed", account)
        add(post, "likes", precision=Precision.UNKNOWN)
        response = signed_in.get(page_of(post))
        assert response.context["curve"] is None
        assert "all of it was there when PostFlow first looked" in words(response)

    def test_who_took_it_back_is_named_only_where_the_owner_asks(self, signed_in, account) -> None:
        post = build_post("pixelfed", account, likes=1)
        add(post, "likes", username="was_here", display_name=MARKUP, ended_at=timezone.now())
        add(post, "comments", username="said_it", content="Gone words", ended_at=timezone.now())
        page = words(signed_in.get(page_of(post)))
        assert "Taken back 2 1 like taken back. 1 comment taken back." in page
        assert "was_here" not in page
        asked = signed_in.get(page_of(post), {"taken_back": "names"})
        assert "@was_here Like" in words(asked)
        assert "@said_it Comment" in words(asked)
        assert "Gone words" not in words(asked)
        assert MARKUP not in asked.content.decode()
        part = signed_in.get(
            page_of(post), {"taken_back": "names"}, headers={"HX-Request": "true", "HX-Target": "taken_back"}
        ).content.decode()
        assert part.strip().startswith('<section id="taken_back"')
        assert "@was_here" in part


class TestCurve:
    def test_it_stands_on_the_page_with_its_table_and_files(self, signed_in, account) -> None:
        post = build_post("pixelfed", account, age=3, likes=5)
        response = signed_in.get(page_of(post))
        assert response.context["curve"].kind == "steps"
        assert "Half of these 5 likes came within 1 minute of posting" in words(response)
        assert "?part=curve&amp;format=csv" in response.content.decode()
        assert "How is this computed?" in words(response)

    def test_the_timeline_is_the_one_that_others_get(self, signed_in, account) -> None:
        post = build_post("pixelfed", account, age=3, likes=2, shares=1)
        add(post, "likes", precision=Precision.UNKNOWN)
        assert signed_in.get(page_of(post)).context["timeline"] == get_engagement_timeline(post)


class TestFiles:
    def rows(self, signed_in, post, part) -> list[list[str]]:
        response = signed_in.get(page_of(post), {"part": part, "format": "csv"})
        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
        return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))

    def test_each_time_is_there_as_well_as_it_is_known(self, signed_in, account) -> None:
        account.user.time_zone = "Europe/Berlin"
        account.user.save()
        post = build_post("pixelfed", account, posted_at=datetime(2026, 3, 1, tzinfo=UTC))
        noon = datetime(2026, 3, 3, 12, tzinfo=UTC)
        add(post, "likes", at=noon, username="a")
        add(post, "likes", at=noon - timedelta(hours=1), username="b", precision=Precision.WINDOW,
            not_before_at=noon - timedelta(hours=2))  # fmt: skip
        add(post, "likes", at=noon, username="c", precision=Precision.UNKNOWN)
        exact = "2026-03-03T13:00:00+01:00"
        assert self.rows(signed_in, post, "likes") == [
            ["Handle", "Name", "When", "Time is", "Not before", "Not after"],
            ["a", "", exact, "exact", exact, exact],
            ["b", "", "", "between two visits", "2026-03-03T11:00:00+01:00", "2026-03-03T12:00:00+01:00"],
            ["c", "", "", "not known", "", exact],
        ]

    def test_names_and_comments_cannot_run_in_a_spreadsheet(self, signed_in, account) -> None:
        post = build_post("pixelfed", account)
        first = add(post, "comments", display_name="=HYPERLINK(1)", content="@SUM(A1)", username="+x")
        add(post, "comments", content="Two\nlines", in_reply_to_id=first.comment_id)
        rows = self.rows(signed_in, post, "comments")
        assert [rows[1][0], rows[1][1], rows[1][-1]] == ["'+x", "'=HYPERLINK(1)", "'@SUM(A1)"]
        assert rows[2][-2:] == ["'+x", "Two\nlines"]

    def test_all_pages_are_in_it_and_what_was_taken_back_is_not(self, signed_in, account) -> None:
        post = build_post("pixelfed", account, shares=45)
        add(post, "shares", username="gone", ended_at=timezone.now())
        assert len(self.rows(signed_in, post, "shares")) == 46

    def test_the_curve_is_a_file_too(self, signed_in, account) -> None:
        post = build_post("pixelfed", account, age=2, likes=2)
        rows = self.rows(signed_in, post, "curve")
        assert rows[0][:4] == ["Age", "Likes", "Comments", "Shares"]
        assert [row[1] for row in rows[1:4]] == ["0", "2", "2"]
        empty = build_post("pixelfed", account)
        assert self.rows(signed_in, empty, "curve") == [["Age"]]

    @pytest.mark.parametrize("part", [*KINDS, "curve"])
    @pytest.mark.parametrize("wanted", ["csv", "json"])
    def test_those_of_somebody_else_are_not_found(self, signed_in, part, wanted) -> None:
        other = CustomUser.objects.create_user(email="ben@example.org")
        account = MastodonAccount.objects.create(
            user=other, instance_url="https://pixelfed.social", username="ben", access_token="t"
        )
        post = build_post("pixelfed", account, likes=1)
        assert signed_in.get(page_of(post), {"part": part, "format": wanted}).status_code == 404

    def test_junk_for_a_part_is_the_page(self, signed_in, account) -> None:
        post = build_post("pixelfed", account, likes=1)
        for query in (
            {"format": "csv"},
            {"part": "people", "format": "csv"},
            {"part": "likes", "format": "x"},
        ):
            assert "text/html" in signed_in.get(page_of(post), query).headers["Content-Type"]


class TestMarkup:
    def test_what_others_wrote_is_text_everywhere(self, signed_in, account) -> None:
        post = build_post("pixelfed", account, caption=MARKUP, alt_text=MARKUP)
        for kind in KINDS:
            add(post, kind, display_name=MARKUP, username=MARKUP)
        add(post, "comments", content=MARKUP)
        html = signed_in.get(page_of(post)).content.decode()
        assert "<script>alert" not in html
        assert html.count("&lt;script&gt;") >= 8
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", html)


class TestCost:
    @pytest.mark.parametrize("size", [3, 300])
    def test_queries_do_not_grow_with_the_engagement(
        self, signed_in, account, django_assert_num_queries, size
    ) -> None:
        post = build_post("pixelfed", account, likes=size, comments=size, shares=size)
        read("pixelfed", account)
        add(post, "likes", ended_at=timezone.now())
        with django_assert_num_queries(10):
            signed_in.get(page_of(post))
        with django_assert_num_queries(11):
            signed_in.get(page_of(post), {"taken_back": "names"})
        refresh_id = signed_in.post("/analytics/pixelfed/refresh/", {"post_id": post.pk}).json()["task_id"]
        with django_assert_num_queries(12):
            signed_in.get(page_of(post), {"taken_back": "names", "refresh": refresh_id})

    @pytest.mark.parametrize("size", [3, 300])
    @pytest.mark.parametrize(
        ("part", "number"), [("likes", 5), ("shares", 5), ("comments", 6), ("taken_back", 5)]
    )
    def test_a_part_costs_less(
        self, signed_in, account, django_assert_num_queries, size, part, number
    ) -> None:
        post = build_post("pixelfed", account, likes=size, comments=size, shares=size)
        add(post, "likes", ended_at=timezone.now())
        headers = {"HX-Request": "true", "HX-Target": part}
        with django_assert_num_queries(number):
            signed_in.get(page_of(post), {"taken_back": "names"}, headers=headers)
