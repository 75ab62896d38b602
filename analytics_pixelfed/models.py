"""Posts of Pixelfed accounts, and every like, comment and share of them."""

from django.db import models

from analytics_core import models as core
from pixelfed.models import MastodonAccount
from postflow.models import ScheduledPost


class PixelfedPost(core.Post):
    """A post with media on a Pixelfed instance, published by PostFlow or not."""

    platform = "pixelfed"

    scheduled_post = models.ForeignKey(
        ScheduledPost, null=True, blank=True, on_delete=models.SET_NULL, related_name="pixelfed_analytics"
    )
    pixelfed_post_id = models.CharField(max_length=100, db_index=True)
    account = models.ForeignKey(MastodonAccount, on_delete=models.CASCADE, related_name="analytics_posts")

    class Meta(core.Post.Meta):
        db_table = "analytics_pixelfed_post"
        verbose_name = "Pixelfed post"
        constraints = [
            # Ids repeat across instances, and two people may connect the same account.
            models.UniqueConstraint(
                fields=["account", "pixelfed_post_id"], name="analytics_pixelfed_post_once_per_account"
            ),
        ]

    def __str__(self) -> str:
        return f"@{self.username} - {self.pixelfed_post_id}"


class PixelfedLike(core.Like):
    """A like of a Pixelfed post."""

    # Two indexes begin with the post, so it needs none of its own.
    post = models.ForeignKey(PixelfedPost, on_delete=models.CASCADE, related_name="likes", db_index=False)

    class Meta(core.Like.Meta):
        db_table = "analytics_pixelfed_like"
        verbose_name = "Pixelfed like"

    def __str__(self) -> str:
        return f"{self.username} liked {self.post.pixelfed_post_id}"


class PixelfedComment(core.Comment):
    """A comment under a Pixelfed post."""

    # Two indexes begin with the post, so it needs none of its own.
    post = models.ForeignKey(PixelfedPost, on_delete=models.CASCADE, related_name="comments", db_index=False)

    class Meta(core.Comment.Meta):
        db_table = "analytics_pixelfed_comment"
        verbose_name = "Pixelfed comment"

    def __str__(self) -> str:
        return f"{self.username} commented on {self.post.pixelfed_post_id}"


class PixelfedShare(core.Share):
    """A share of a Pixelfed post."""

    # Two indexes begin with the post, so it needs none of its own.
    post = models.ForeignKey(PixelfedPost, on_delete=models.CASCADE, related_name="shares", db_index=False)

    class Meta(core.Share.Meta):
        db_table = "analytics_pixelfed_share"
        verbose_name = "Pixelfed share"

    def __str__(self) -> str:
        return f"{self.username} shared {self.post.pixelfed_post_id}"


class PixelfedEngagementSummary(core.EngagementSummary):
    """A Pixelfed post's counts."""

    post = models.OneToOneField(PixelfedPost, on_delete=models.CASCADE, related_name="engagement_summary")

    class Meta(core.EngagementSummary.Meta):
        db_table = "analytics_pixelfed_engagementsummary"
        verbose_name = "Pixelfed engagement summary"
        verbose_name_plural = "Pixelfed engagement summaries"
