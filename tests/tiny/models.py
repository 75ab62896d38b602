from django.conf import settings
from django.db import models

from analytics_core import models as core


class TinyAccount(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tiny_accounts")
    instance_url = models.URLField()
    username = models.CharField(max_length=100)
    remote_id = models.CharField(max_length=100, blank=True, default="")
    display_name = models.CharField(max_length=200, blank=True, default="")
    state = models.CharField(max_length=20, default="active")
    state_reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        app_label = "tiny"

    def __str__(self) -> str:
        return f"@{self.username}"


class TinyPost(core.Post):
    platform = "tiny"

    tiny_id = models.CharField(max_length=100)
    account = models.ForeignKey(TinyAccount, on_delete=models.CASCADE, related_name="posts")

    class Meta(core.Post.Meta):
        app_label = "tiny"
        constraints = [models.UniqueConstraint(fields=["account", "tiny_id"], name="tiny_post_once")]


class TinyLike(core.Like):
    post = models.ForeignKey(TinyPost, on_delete=models.CASCADE, related_name="likes")

    class Meta(core.Like.Meta):
        app_label = "tiny"


class TinyComment(core.Comment):
    post = models.ForeignKey(TinyPost, on_delete=models.CASCADE, related_name="comments")

    class Meta(core.Comment.Meta):
        app_label = "tiny"


class TinyShare(core.Share):
    post = models.ForeignKey(TinyPost, on_delete=models.CASCADE, related_name="shares")

    class Meta(core.Share.Meta):
        app_label = "tiny"


class TinySummary(core.EngagementSummary):
    post = models.OneToOneField(TinyPost, on_delete=models.CASCADE, related_name="engagement_summary")

    class Meta(core.EngagementSummary.Meta):
        app_label = "tiny"
