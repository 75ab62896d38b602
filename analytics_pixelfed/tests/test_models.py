"""Posts, likes, comments and shares as rows (US-11.1)."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from analytics_core.models import Precision
from analytics_pixelfed.models import (
    PixelfedComment,
    PixelfedEngagementSummary,
    PixelfedLike,
    PixelfedPost,
    PixelfedShare,
)

pytestmark = pytest.mark.django_db


def make_post(account, post_id="12345", **values):
    return PixelfedPost.objects.create(
        account=account,
        pixelfed_post_id=post_id,
        instance_url="https://pixelfed.social",
        username="ana",
        caption="Test post",
        media_url="https://pixelfed.social/image.jpg",
        media_type="image",
        post_url=f"https://pixelfed.social/p/ana/{post_id}",
        posted_at=timezone.now(),
        **values,
    )


@pytest.fixture
def post(account):
    return make_post(account)


def like(post, who="user1", **values):
    return PixelfedLike.objects.create(
        post=post, account_id=who, username=who, **{"liked_at": timezone.now(), **values}
    )


def share(post, who="user1", **values):
    return PixelfedShare.objects.create(
        post=post, account_id=who, username=who, shared_at=timezone.now(), **values
    )


def comment(post, comment_id="c1", **values):
    return PixelfedComment.objects.create(
        post=post,
        comment_id=comment_id,
        account_id="user3",
        username="user3",
        content="Great!",
        commented_at=timezone.now(),
        **values,
    )


def test_rows_say_what_they_are(post) -> None:
    assert (post.platform, post.has_media, str(post)) == ("pixelfed", True, "@ana - 12345")
    assert str(like(post)) == "user1 liked 12345"
    assert str(share(post)) == "user1 shared 12345"
    assert str(comment(post)) == "user3 commented on 12345"
    assert str(post.refresh_engagement_summary()) == f"3 on post {post.pk}"


def test_tables_have_the_names_others_rely_on() -> None:
    assert [
        model._meta.db_table
        for model in (PixelfedPost, PixelfedLike, PixelfedComment, PixelfedShare, PixelfedEngagementSummary)
    ] == [
        "analytics_pixelfed_post",
        "analytics_pixelfed_like",
        "analytics_pixelfed_comment",
        "analytics_pixelfed_share",
        "analytics_pixelfed_engagementsummary",
    ]


@pytest.mark.parametrize("make", [like, share, comment])
def test_nobody_is_counted_twice(post, make) -> None:
    make(post)
    with pytest.raises(IntegrityError), transaction.atomic():
        make(post)


def test_the_same_ids_may_appear_under_another_account(post, account, django_user_model) -> None:
    account.pk, account.user = (
        None,
        django_user_model.objects.create_user(email="b@example.org"),
    )
    account.save()
    other = make_post(account)
    comment(post)
    comment(other)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_post(account)


def test_a_comment_knows_whether_it_answers(post) -> None:
    assert not comment(post).is_reply
    assert comment(post, "c2", in_reply_to_id="c1").is_reply


def test_the_summary_counts_what_is_there(post) -> None:
    like(post, "u1")
    like(post, "u2")
    comment(post)
    summary = post.refresh_engagement_summary()
    assert (summary.total_likes, summary.total_comments, summary.total_shares) == (2, 1, 0)
    assert summary.total_engagement == 3
    share(post)
    post.engagement_summary.update_from_post()
    assert PixelfedEngagementSummary.objects.get().total_engagement == 4


def test_the_summary_adds_up_however_it_is_saved(post) -> None:
    summary = PixelfedEngagementSummary(post=post, total_likes=2, total_comments=3, total_shares=4)
    summary.save()
    assert summary.total_engagement == 9
    summary.total_likes = 5
    summary.save(update_fields=["total_likes"])
    summary.refresh_from_db()
    assert summary.total_engagement == 12


def test_what_was_taken_back_is_in_no_count(post) -> None:
    like(post, "u1")
    like(post, "u2", ended_at=timezone.now())
    comment(post, ended_at=timezone.now())
    share(post, ended_at=timezone.now())
    assert post.refresh_engagement_summary().total_engagement == 1
    assert (post.likes_count, post.comments_count, post.shares_count) == (1, 0, 0)
    assert post.get_recent_engagement()["total"] == 1
    assert [row["username"] for row in post.get_top_likers()] == ["u1"]


def test_counts_are_fresh_after_a_refresh(post) -> None:
    assert post.likes_count == 0
    like(post)
    post.refresh_engagement_summary()
    assert post.likes_count == 1


def test_recent_engagement_counts_what_happened_in_the_hours_asked_for(post) -> None:
    now = timezone.now()
    like(post, "u1")
    like(post, "u2", liked_at=now - timedelta(hours=30))
    comment(post)
    share(post)
    assert post.get_recent_engagement() == {"likes": 1, "comments": 1, "shares": 1, "total": 3}
    assert post.get_recent_engagement(hours=48)["likes"] == 2


def test_recent_engagement_leaves_out_what_may_be_older(post) -> None:
    now = timezone.now()
    like(post, "u1", precision=Precision.UNKNOWN)
    like(post, "u2", precision=Precision.WINDOW, not_before_at=now - timedelta(hours=1))
    like(post, "u3", precision=Precision.WINDOW, not_before_at=now - timedelta(days=9))
    assert post.get_recent_engagement()["likes"] == 1


def test_top_likers_are_those_who_like_most_posts_of_the_account(post, account) -> None:
    posts = [post, make_post(account, "2"), make_post(account, "3")]
    for number, someone in enumerate(posts):
        like(someone, "always", display_name="Al Ways")
        if number < 2:
            like(someone, "often")
    like(posts[0], "once")
    found = list(post.get_top_likers(limit=2))
    assert [(row["username"], row["likes_count"]) for row in found] == [("always", 3), ("often", 2)]
    assert found[0]["display_name"] == "Al Ways"


def test_everything_goes_with_its_post(post) -> None:
    like(post)
    comment(post)
    share(post)
    post.refresh_engagement_summary()
    post.delete()
    for model in (PixelfedLike, PixelfedComment, PixelfedShare, PixelfedEngagementSummary):
        assert not model.objects.exists()


def test_a_deleted_plan_leaves_its_post(post, account) -> None:
    from postflow.models import ScheduledPost

    plan = ScheduledPost.objects.create(user=account.user, caption="", scheduled_time=timezone.now())
    post.scheduled_post = plan
    post.save()
    plan.delete()
    post.refresh_from_db()
    assert post.scheduled_post is None
