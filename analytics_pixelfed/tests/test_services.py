"""The fetcher with a mocked client: what it makes of answers (US-5.4)."""

from datetime import UTC, datetime, timedelta
from unittest.mock import Mock, patch

import pytest
from django.utils import timezone

from analytics_pixelfed.models import PixelfedComment, PixelfedLike, PixelfedPost, PixelfedShare
from analytics_pixelfed.pixelfed_client import PixelfedAPIError
from analytics_pixelfed.services import PixelfedAnalyticsFetcher
from pixelfed.models import MastodonAccount
from postflow.models import ScheduledPost

pytestmark = pytest.mark.django_db

POSTED_AT = datetime(2024, 1, 1, 12, tzinfo=UTC)


def status(post_id: str = "123", **values):
    return {
        "id": post_id,
        "content": "Test post",
        "created_at": "2024-01-01T12:00:00.000Z",
        "url": f"https://pixelfed.social/p/ana/{post_id}",
        "media_attachments": [{"url": "https://pixelfed.social/img.jpg", "type": "image"}],
        **values,
    }


def person(name: str):
    return {"id": name, "username": name, "display_name": name.title()}


def comment(comment_id: str, content: str = "Great!", parent: str = "123"):
    return {
        "id": comment_id,
        "account_id": "bob",
        "username": "bob",
        "display_name": "Bob",
        "content": content,
        "created_at": "2024-01-02T08:00:00.000Z",
        "in_reply_to_id": parent,
    }


@pytest.fixture
def client():
    """The client as a bare mock: only what a test sets is there."""
    with patch("analytics_pixelfed.services.PixelfedAPIClient") as client_class:
        mock = client_class.return_value = Mock()
        mock.get_account_posts.return_value = [status()]
        mock.get_post_favourited_by.return_value = []
        mock.get_post_reblogged_by.return_value = []
        mock.get_post_context.return_value = []
        yield mock


@pytest.fixture
def fetcher(client, account):
    return PixelfedAnalyticsFetcher(account)


@pytest.fixture
def post(fetcher):
    fetcher.sync_account_posts()
    return PixelfedPost.objects.get()


def test_the_client_gets_the_credentials_of_the_account(account) -> None:
    with patch("analytics_pixelfed.services.PixelfedAPIClient") as client_class:
        PixelfedAnalyticsFetcher(account)
    client_class.assert_called_once_with(instance_url="https://pixelfed.social", access_token="token123")


class TestSyncAccountPosts:
    def test_posts_are_created_and_then_updated(self, fetcher, client) -> None:
        assert fetcher.sync_account_posts()["posts_created"] == 1
        client.get_account_posts.return_value = [status(content="A new caption")]
        stats = fetcher.sync_account_posts()
        assert (stats["posts_synced"], stats["posts_created"], stats["posts_updated"]) == (1, 0, 1)
        assert PixelfedPost.objects.get().caption == "A new caption"

    def test_a_client_that_repeats_itself_ends_the_sync(self, fetcher, client) -> None:
        stats = fetcher.sync_account_posts(max_posts=1000)
        assert client.get_account_posts.call_count <= 2
        assert stats["errors"] == 0

    def test_pages_are_followed_until_they_are_empty_or_enough(self, fetcher, client) -> None:
        pages = [[status(str(number)) for number in range(top, top - 3, -1)] for top in (109, 106, 103)]
        client.get_account_posts.side_effect = [*pages, []]
        stats = fetcher.sync_account_posts(limit=3, max_posts=100)
        assert stats["posts_created"] == 9

    def test_no_more_posts_are_asked_for_than_wanted(self, fetcher, client) -> None:
        client.get_account_posts.side_effect = lambda account_id, max_id, limit: [
            status(str(number))
            for number in range(int(max_id or 1000) - 1, int(max_id or 1000) - 1 - limit, -1)
        ]
        assert fetcher.sync_account_posts(limit=40, max_posts=50)["posts_synced"] == 50

    def test_the_account_id_is_asked_for_once_and_kept(self, fetcher, client, account) -> None:
        client.verify_credentials.return_value = {
            "id": "77",
            "username": "ana",
            "display_name": "Ana",
            "avatar": None,
        }
        fetcher.sync_account_posts()
        fetcher.sync_account_posts()
        client.verify_credentials.assert_called_once_with()
        account.refresh_from_db()
        assert (account.remote_id, account.display_name) == ("77", "Ana")
        assert client.get_account_posts.call_args.args == ("77",)

    def test_an_account_without_an_id_is_an_error_and_no_request_follows(self, fetcher, client) -> None:
        client.verify_credentials.return_value = {"username": "ana"}
        assert fetcher.sync_account_posts()["errors"] == 1
        client.get_account_posts.assert_not_called()

    def test_the_same_remote_account_cannot_be_there_twice(self, fetcher, client, account) -> None:
        MastodonAccount.objects.create(
            user=account.user,
            instance_url="https://pixelfed.social",
            username="ana-too",
            access_token="other",
            remote_id="77",
        )
        client.verify_credentials.return_value = {"id": "77", "username": "ana"}
        stats = fetcher.sync_account_posts()
        assert (stats["errors"], "connected twice" in stats["message"]) == (1, True)

    def test_an_odd_post_is_left_out_and_counted(self, fetcher, client) -> None:
        client.get_account_posts.return_value = [
            status("1"),
            {"id": "2", "media_attachments": [{"url": "javascript:alert(1)"}], "created_at": "2024-01-01"},
            status("3", created_at=None),
            None,
            status("4", content="a\x00b"),
        ]
        stats = fetcher.sync_account_posts()
        assert (stats["posts_created"], stats["skipped"], stats["errors"]) == (2, 3, 0)
        assert PixelfedPost.objects.get(pixelfed_post_id="4").caption == "ab"

    def test_a_failing_client_is_reported_and_not_raised(self, fetcher, client) -> None:
        client.get_account_posts.side_effect = PixelfedAPIError("pixelfed.social is on holiday.")
        stats = fetcher.sync_account_posts()
        assert (stats["posts_synced"], stats["errors"]) == (0, 1)
        assert stats["message"] == "pixelfed.social is on holiday."


class TestLinking:
    def plan(self, account, **values) -> ScheduledPost:
        fields = {"caption": "Test post", "scheduled_time": POSTED_AT + timedelta(minutes=3), **values}
        return ScheduledPost.objects.create(user=account.user, **fields)

    def test_a_published_post_is_linked_by_its_id(self, fetcher, account) -> None:
        plan = self.plan(account, pixelfed_post_id="123")
        fetcher.sync_account_posts()
        assert PixelfedPost.objects.get().scheduled_post == plan
        assert plan.pixelfed_analytics.count() == 1

    def test_without_an_id_caption_and_time_decide(self, fetcher, account) -> None:
        plan = self.plan(account, caption=" TEST post ")
        fetcher.sync_account_posts()
        assert PixelfedPost.objects.get().scheduled_post == plan

    @pytest.mark.parametrize(
        "values",
        [
            {"scheduled_time": POSTED_AT + timedelta(minutes=6)},
            {"caption": "Another post"},
            {"pixelfed_post_id": "999"},
        ],
    )
    def test_what_does_not_match_is_not_linked(self, fetcher, account, values) -> None:
        self.plan(account, **values)
        fetcher.sync_account_posts()
        assert PixelfedPost.objects.get().scheduled_post is None

    def test_another_users_plan_is_not_linked(self, fetcher, django_user_model) -> None:
        other = django_user_model.objects.create_user(email="bea@example.org")
        ScheduledPost.objects.create(
            user=other, caption="Test post", scheduled_time=POSTED_AT, pixelfed_post_id="123"
        )
        fetcher.sync_account_posts()
        assert PixelfedPost.objects.get().scheduled_post is None

    def test_a_plan_that_learns_its_id_later_is_linked_then(self, fetcher, account) -> None:
        fetcher.sync_account_posts()
        plan = self.plan(account, caption="Edited", pixelfed_post_id="123")
        fetcher.sync_account_posts()
        assert PixelfedPost.objects.get().scheduled_post == plan


class TestFetchPostEngagement:
    def test_rows_and_summary_are_made(self, fetcher, client, post) -> None:
        client.get_post_favourited_by.return_value = [person("user1"), person("user2")]
        client.get_post_reblogged_by.return_value = [person("user3")]
        client.get_post_context.return_value = [
            comment("c1", "<p>Great &amp; good</p>"),
            comment("c2", parent="c1"),
        ]
        stats = fetcher.fetch_post_engagement(post)
        assert {
            name: stats[name] for name in ("new_likes", "new_comments", "new_shares", "total_engagement")
        } == {
            "new_likes": 2,
            "new_comments": 2,
            "new_shares": 1,
            "total_engagement": 5,
        }
        assert set(PixelfedLike.objects.values_list("username", flat=True)) == {"user1", "user2"}
        assert PixelfedShare.objects.get().username == "user3"
        assert PixelfedComment.objects.get(comment_id="c1").content == "Great & good"
        assert PixelfedComment.objects.get(comment_id="c2").in_reply_to_id == "c1"
        assert post.engagement_summary.total_engagement == 5

    def test_reading_twice_makes_nothing_twice(self, fetcher, client, post) -> None:
        client.get_post_favourited_by.return_value = [person("user1"), person("user1")]
        client.get_post_context.return_value = [comment("c1")]
        fetcher.fetch_post_engagement(post)
        stats = fetcher.fetch_post_engagement(post)
        assert (stats["new_likes"], stats["new_comments"], stats["total_engagement"]) == (0, 0, 2)

    def test_one_failing_list_leaves_the_others(self, fetcher, client, post) -> None:
        client.get_post_favourited_by.side_effect = PixelfedAPIError("no likes today")
        client.get_post_reblogged_by.return_value = [person("user3")]
        stats = fetcher.fetch_post_engagement(post)
        assert (stats["new_likes"], stats["new_shares"], stats["errors"]) == (0, 1, 1)
        assert stats["message"] == "no likes today"

    def test_two_people_with_the_same_account_do_not_share_rows(
        self, fetcher, client, post, django_user_model
    ) -> None:
        other = MastodonAccount.objects.create(
            user=django_user_model.objects.create_user(email="bea@example.org"),
            instance_url="https://pixelfed.social",
            username="ana",
            access_token="token456",
        )
        client.get_post_context.return_value = [comment("c1")]
        fetcher.fetch_post_engagement(post)
        second = PixelfedAnalyticsFetcher(other)
        second.sync_account_posts()
        second.fetch_post_engagement(PixelfedPost.objects.get(account=other))
        assert PixelfedComment.objects.filter(comment_id="c1").count() == 2


class TestFetchRecentPostsEngagement:
    def test_recent_posts_are_read_and_old_ones_left(self, fetcher, client) -> None:
        now = timezone.now()
        client.get_account_posts.return_value = [
            status(str(number), created_at=(now - timedelta(hours=age)).isoformat())
            for number, age in ((30, 1), (20, 20), (10, 30))
        ]
        client.get_post_favourited_by.return_value = [person("user1")]
        client.get_post_context.return_value = [comment("c1", parent="30")]
        fetcher.sync_account_posts()
        stats = fetcher.fetch_recent_posts_engagement(hours=24, max_posts=50)
        assert {name: stats[name] for name in stats if name != "message"} == {
            "posts_processed": 2,
            "total_new_likes": 2,
            "total_new_comments": 2,
            "total_new_shares": 0,
            "errors": 0,
        }
        assert fetcher.fetch_recent_posts_engagement(hours=24, max_posts=1)["posts_processed"] == 1

    def test_a_post_that_fails_does_not_stop_the_next(self, fetcher, client) -> None:
        client.get_account_posts.return_value = [
            status(str(number), created_at=timezone.now().isoformat()) for number in (30, 20)
        ]
        client.get_post_favourited_by.side_effect = [PixelfedAPIError("broken"), [person("user1")]]
        fetcher.sync_account_posts()
        stats = fetcher.fetch_recent_posts_engagement()
        assert (stats["posts_processed"], stats["total_new_likes"], stats["errors"]) == (2, 1, 1)

    def test_progress_is_told(self, fetcher, client) -> None:
        client.get_account_posts.return_value = [status("30", created_at=timezone.now().isoformat())]
        fetcher.sync_account_posts()
        told = []
        fetcher.fetch_recent_posts_engagement(progress=lambda *what: told.append(what))
        assert told == [("engagement", 0, 1), ("engagement", 1, 1)]
