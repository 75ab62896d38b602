"""The numbers that pages show."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from analytics_core import platforms, selectors
from analytics_core.counts import KindCount
from analytics_core.models import Precision
from analytics_core.periods import period
from analytics_core.selectors import threads
from analytics_core.tests.builders import add, build_post
from pixelfed.models import MastodonAccount
from postflow.models import CustomUser

pytestmark = pytest.mark.django_db

ALL = period("all")


@pytest.fixture
def pixelfed_account(user):
    return MastodonAccount.objects.create(
        user=user,
        instance_url="https://pixelfed.example",
        username="ana",
        access_token="t",
        software="pixelfed",
    )


@pytest.fixture
def stranger():
    return CustomUser.objects.create_user(email="ben@example.org")


@pytest.fixture
def both(tiny, tiny_account, pixelfed_account):
    return [platforms.get("pixelfed"), tiny]


def sums(user, chosen, *, span=ALL):
    connected = selectors.connected_accounts(user, platforms=chosen)
    return selectors.totals(connected, wanted=selectors.Wanted(period=span))


def page(user, chosen, *, sort="-posted_at", number=1, **wanted):
    connected = selectors.connected_accounts(user, platforms=chosen)
    wanted = selectors.Wanted(**{"period": ALL, **wanted})
    count = selectors.totals(connected, wanted=wanted).posts
    found = selectors.page_of_keys(connected, wanted=wanted, sort=sort, number=number, count=count)
    posts = selectors.posts_by_key(connected, keys=found.object_list)
    found.object_list = [posts[key] for key in found.object_list]
    return found


class TestPosts:
    def test_posts_of_all_platforms_are_sorted_together(
        self, user, both, tiny_account, pixelfed_account
    ) -> None:
        a = build_post("pixelfed", pixelfed_account, age=3, likes=1, comments=5)
        b = build_post("tiny", tiny_account, age=2, likes=4)
        c = build_post("pixelfed", pixelfed_account, age=1, likes=2, shares=1)
        assert list(page(user, both)) == [c, b, a]
        assert list(page(user, both, sort="-likes")) == [b, c, a]
        assert list(page(user, both, sort="-comments")) == [a, c, b]
        assert list(page(user, both, sort="-shares")) == [c, b, a]
        assert list(page(user, both, sort="-engagement")) == [a, b, c]

    def test_a_post_without_a_summary_is_listed_with_zeros(self, user, both, tiny_account) -> None:
        post = build_post("tiny", tiny_account, is_counted=False)
        (found,) = page(user, both, sort="-likes")
        assert (found, found.total_likes, found.total_engagement) == (post, 0, 0)

    def test_every_post_is_on_exactly_one_page(self, user, both, tiny_account, pixelfed_account) -> None:
        moment = timezone.now()
        made = [build_post("tiny", tiny_account, posted_at=moment) for _ in range(21)]
        made += [build_post("pixelfed", pixelfed_account, posted_at=moment) for _ in range(20)]
        seen = [post for number in (1, 2, 3) for post in page(user, both, number=number)]
        assert sorted(map(repr, seen)) == sorted(map(repr, made))

    @pytest.mark.parametrize("number", [None, "", "abc", "-1", "0", "1.5", "\x00", "٣x"])
    def test_a_page_that_is_none_is_the_first(self, user, both, tiny_account, number) -> None:
        for _ in range(21):
            build_post("tiny", tiny_account)
        assert page(user, both, number=number).number == 1

    @pytest.mark.parametrize("number", ["3", "99999", "9" * 4000])
    def test_a_page_past_the_end_is_the_last(self, user, both, tiny_account, number) -> None:
        for _ in range(21):
            build_post("tiny", tiny_account)
        assert page(user, both, number=number).number == 2

    def test_nothing_of_anybody_else_is_found_or_counted(self, user, stranger, both, tiny_account) -> None:
        build_post("tiny", tiny_account, likes=3)
        assert list(page(stranger, both)) == []
        assert sums(stranger, both) == selectors.Totals()
        assert selectors.connected_accounts(stranger, platforms=both) == []
        assert selectors.latest_posted_at([]) is None

    def test_the_page_costs_four_queries_with_one_post_or_with_forty(
        self, user, both, tiny_account, pixelfed_account, django_assert_num_queries
    ) -> None:
        def cost(posts_count):
            connected = selectors.connected_accounts(user, platforms=both)
            wanted = selectors.Wanted(period=ALL)
            with django_assert_num_queries(4):
                count = selectors.totals(connected, wanted=wanted).posts
                found = selectors.page_of_keys(connected, wanted=wanted, sort="-likes", number=1, count=count)
                selectors.posts_by_key(connected, keys=found.object_list)
            assert count == posts_count

        build_post("tiny", tiny_account)
        build_post("pixelfed", pixelfed_account)
        cost(2)
        for _ in range(20):
            build_post("tiny", tiny_account)
            build_post("pixelfed", pixelfed_account)
        cost(42)


class TestTotals:
    def test_they_add_up_over_platforms_within_the_range(
        self, user, both, tiny_account, pixelfed_account
    ) -> None:
        build_post("pixelfed", pixelfed_account, age=2, likes=3, comments=2)
        build_post("tiny", tiny_account, age=2, likes=1, shares=4)
        build_post("tiny", tiny_account, age=20, likes=50)
        found = sums(user, both, span=period("7"))
        assert (found.posts, found.likes, found.comments, found.shares) == (2, 4, 2, 4)

    def test_they_are_the_sums_of_what_the_cards_show(self, user, both, tiny_account) -> None:
        for number in range(5):
            build_post("tiny", tiny_account, likes=number, shares=1)
        found = sums(user, both)
        cards = list(page(user, both))
        assert (found.posts, found.likes, found.shares) == (
            len(cards), sum(post.total_likes for post in cards), sum(post.total_shares for post in cards)
        )  # fmt: skip

    def test_posts_that_are_not_read_yet_are_told_apart_from_posts_nobody_liked(
        self, user, both, tiny_account
    ) -> None:
        now = timezone.now()
        read_at = {f"{kind}_read_at": now for kind in ("likes", "comments", "shares")}
        none = {f"{kind}_server_count": 0 for kind in ("likes", "comments", "shares")}
        build_post("tiny", tiny_account, **read_at, likes_server_count=4)
        build_post("tiny", tiny_account, is_counted=False, **none)
        build_post("tiny", tiny_account, is_counted=False)
        build_post("tiny", tiny_account, is_counted=False, **{**none, "likes_server_count": 4})
        assert sums(user, both).not_read == 2


class TestOnePost:
    def test_what_was_taken_back_is_counted_apart(self, tiny_account) -> None:
        post = build_post("tiny", tiny_account, likes=3)
        add(post, "likes", ended_at=timezone.now())
        likes = selectors.post_counts(post)["likes"]
        assert (likes.value, likes.taken_back_words) == (3, "1 like taken back")
        assert len(selectors.people_page(post, kind="likes", number=1, count=3)) == 3

    def test_people_come_newest_first_and_unknown_times_last(self, tiny_account) -> None:
        post = build_post("tiny", tiny_account)
        now = timezone.now()
        old = add(post, "likes", at=now - timedelta(days=9))
        unknown = add(post, "likes", at=now - timedelta(days=1), precision=Precision.UNKNOWN)
        new = add(post, "likes", at=now - timedelta(days=2))
        assert list(selectors.people_page(post, kind="likes", number=1, count=3)) == [new, old, unknown]

    @pytest.mark.parametrize(
        ("kind", "server", "value", "read_count", "difference", "reason"),
        [
            ("comments", 32, 27, 32, "32 by the server’s count, 27 seen", "does not list all"),
            ("comments", 3, 5, 3, "3 by the server’s count, 5 seen", "lags behind"),
            ("likes", 1128, 1126, 1128, "1,128 by the server’s count, 1,126 seen", "gone or hidden"),
            ("likes", 10, 9, 9, "10 by the server’s count, 9 seen", "moved since"),
            ("likes", 9, 9, 9, "", ""),
            ("likes", None, 9, None, "", ""),
        ],
    )
    def test_where_the_server_counts_otherwise_the_page_says_so_and_why(
        self, tiny_account, kind, server, value, read_count, difference, reason
    ) -> None:
        counts = {f"{kind}_server_count": server, f"{kind}_read_count": read_count}
        post = build_post("tiny", tiny_account, **counts, **{f"{kind}_read_at": timezone.now()})
        found = KindCount.of(post, kind=kind, value=value)
        assert found.difference == difference
        assert reason in found.reason
        assert bool(found.reason) == bool(difference)

    def test_answers_to_comments_are_no_part_of_what_the_server_counts(self, tiny_account) -> None:
        post = build_post("tiny", tiny_account, comments_server_count=3, comments_read_count=3)
        top = [add(post, "comments", in_reply_to_id=parent) for parent in (None, post.tiny_id)]
        answer = add(post, "comments", in_reply_to_id=top[0].comment_id)
        add(post, "comments", in_reply_to_id=answer.comment_id)
        add(post, "comments", in_reply_to_id=answer.comment_id, ended_at=timezone.now())
        found = selectors.post_counts(post)["comments"]
        assert (found.value, found.answers) == (4, 2)
        assert found.difference == "3 by the server’s count, 2 seen"
        assert found.answers_words == (
            "2 answers to comments are counted here too; the instance does not count those."
        )
        add(post, "comments", in_reply_to_id=post.tiny_id)
        found = selectors.post_counts(post)["comments"]
        assert (found.difference, found.reason, found.answers) == ("", "", 2)

    def test_one_answer_is_said_in_the_singular(self) -> None:
        assert KindCount(kind="comments", value=3, answers=1).answers_words == (
            "1 answer to a comment is counted here too; the instance does not count it."
        )

    def test_a_count_is_not_known_before_the_first_reading(self, tiny_account) -> None:
        post = build_post("tiny", tiny_account, is_counted=False, likes_server_count=4, shares_server_count=0)
        counts = selectors.post_counts(post)
        assert [counts[kind].is_known for kind in ("likes", "comments", "shares")] == [False, False, True]


class TestThreads:
    def test_answers_stand_below_what_they_answer(self) -> None:
        keys = [(1, "a", "post"), (2, "b", None), (3, "c", "a"), (4, "d", "c"), (5, "e", "a"), (6, "f", "b")]
        found = threads.outline(keys, post_id="post")
        assert [(branch.pks, branch.is_orphan) for branch in found] == [
            ([1, 3, 4, 5], False),
            ([2, 6], False),
        ]

    def test_an_answer_to_a_comment_that_is_gone_starts_a_conversation(self) -> None:
        (found,) = threads.outline([(1, "a", "gone")], post_id="post")
        assert (found.pks, found.is_orphan) == ([1], True)

    @pytest.mark.parametrize(
        "keys",
        [[(1, "a", "a")], [(1, "a", "b"), (2, "b", "a")], [(1, "a", "b"), (2, "b", "c"), (3, "c", "a")]],
    )
    def test_comments_that_answer_in_a_circle_are_not_lost(self, keys) -> None:
        found = threads.outline(keys, post_id="post")
        assert sorted(pk for branch in found for pk in branch.pks) == [key[0] for key in keys]

    def test_pages_are_cut_between_conversations(self, tiny, tiny_account) -> None:
        post = build_post("tiny", tiny_account)
        start = datetime(2026, 3, 1, tzinfo=UTC)
        for number in range(21):
            first = add(post, "comments", at=start + timedelta(hours=number), in_reply_to_id=post.tiny_id)
            add(post, "comments", at=start + timedelta(days=9), in_reply_to_id=first.comment_id)
        first_page = selectors.threads_page(post, number=1)
        last_page = selectors.threads_page(post, number=2)
        assert (len(first_page), len(last_page)) == (20, 1)
        assert all(len(thread.answers) == 1 for thread in (*first_page, *last_page))

    def test_a_comment_that_was_deleted_leaves_its_answers(self, tiny, tiny_account) -> None:
        post = build_post("tiny", tiny_account)
        gone = add(post, "comments", ended_at=timezone.now())
        answer = add(post, "comments", in_reply_to_id=gone.comment_id)
        (thread,) = selectors.threads_page(post, number=1)
        assert (thread.comment, thread.is_orphan) == (answer, True)
