"""What is known of posts and of who engaged with them: the shape every platform's own tables take.

A platform inherits these abstract models and adds its foreign keys, its id field and its table names. Likes,
comments and shares are in `engagement_models`, the concrete models that belong to no platform in
`state_models` and `day_models`. All can be had from here.
"""

from __future__ import annotations

from datetime import timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.functional import cached_property

from analytics_core.day_models import EngagementDay as EngagementDay
from analytics_core.day_models import Ledger as Ledger
from analytics_core.day_models import Person as Person
from analytics_core.day_models import PersonSpan as PersonSpan
from analytics_core.day_models import PersonTotal as PersonTotal
from analytics_core.engagement_models import DATED_WINDOW as DATED_WINDOW
from analytics_core.engagement_models import Comment as Comment
from analytics_core.engagement_models import Engagement as Engagement
from analytics_core.engagement_models import EngagementQuerySet as EngagementQuerySet
from analytics_core.engagement_models import Like as Like
from analytics_core.engagement_models import Precision as Precision
from analytics_core.engagement_models import Share as Share
from analytics_core.engagement_models import dated as dated
from analytics_core.state_models import AccountCount as AccountCount
from analytics_core.state_models import AccountState as AccountState
from analytics_core.state_models import Departure as Departure
from analytics_core.state_models import Export as Export
from analytics_core.state_models import Forgotten as Forgotten
from analytics_core.state_models import HostState as HostState
from analytics_core.state_models import Notice as Notice
from analytics_core.state_models import PersonSalt as PersonSalt
from analytics_core.state_models import Refresh as Refresh
from analytics_core.state_models import SyncRun as SyncRun
from analytics_core.text import fold

KINDS = ("likes", "comments", "shares")

# Some list of a post was never read. An index finds these; `counts.not_read_count` which have no numbers.
NEVER_READ = Q(likes_read_at__isnull=True) | Q(comments_read_at__isnull=True) | Q(shares_read_at__isnull=True)


def moved_list(kind: str) -> Q:
    """Return the condition that a list was never read to its end, or the server counts otherwise since."""
    server_count, read_count = f"{kind}_server_count", F(f"{kind}_read_count")
    return (
        Q(**{f"{kind}_read_count__isnull": True})
        | Q(**{f"{server_count}__lt": read_count})
        | Q(**{f"{server_count}__gt": read_count})
    )


# Some list of a post is to be read. An index finds these too: in most hours there are none.
MOVED = reduce(or_, map(moved_list, KINDS))
TOTALS = ("total_likes", "total_comments", "total_shares", "total_engagement")


class MediaType(models.TextChoices):
    """What a post shows."""

    IMAGE = "image", "Image"
    VIDEO = "video", "Video"
    CAROUSEL = "carousel", "Carousel"


class FoldedField(models.TextField):
    """Another text field, folded for searching whenever a row is saved, on any database alike.

    SQLite compares without regard to case in English letters only.
    """

    def __init__(self, *args: Any, folds: str = "", **kwargs: Any) -> None:
        self.folds = folds
        super().__init__(*args, **{**kwargs, "editable": False})

    def deconstruct(self) -> Any:
        """Return what a migration has to know: the column alone."""
        name, _, args, kwargs = super().deconstruct()
        kwargs.pop("editable", None)
        return name, "django.db.models.TextField", args, kwargs

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        """Fold the other field's text."""
        return fold(getattr(model_instance, self.folds)) if self.folds else ""


class Post(models.Model):
    """A post with media on some platform.

    A platform adds `account`, its id field and `scheduled_post`; likes, comments and shares point back
    through `likes`, `comments` and `shares`, the cached counts through `engagement_summary`.
    """

    platform: ClassVar[str]
    if TYPE_CHECKING:
        likes: Any
        comments: Any
        shares: Any
        engagement_summary: Any
        account_id: int

    instance_url = models.URLField(max_length=255)
    username = models.CharField(max_length=100)
    caption = models.TextField(blank=True)
    media_url = models.URLField(max_length=500)
    media_type = models.CharField(max_length=20, choices=MediaType, default=MediaType.IMAGE)
    media_count = models.PositiveSmallIntegerField(default=1)
    media_width = models.PositiveIntegerField(null=True, blank=True)
    media_height = models.PositiveIntegerField(null=True, blank=True)
    thumbnail_url = models.URLField(max_length=500, blank=True, default="")
    alt_text = models.TextField(blank=True, default="")
    blurhash = models.CharField(max_length=100, blank=True, default="")
    visibility = models.CharField(max_length=20, blank=True, default="")
    is_sensitive = models.BooleanField(default=False)
    post_url = models.URLField(max_length=500)
    posted_at = models.DateTimeField(db_index=True)
    missing_since_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when its instance no longer shows it; it may come back."
    )
    absence_checked_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was last asked for by id, because lists leave it out."
    )
    # When a listing last said something new of it. When all was last read is the account's to say.
    last_fetched_at = models.DateTimeField(auto_now=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    # Our own small copy of its picture: a name in the default storage, and what it takes to get it
    # (gallery.py).
    picture = models.CharField(max_length=200, blank=True, default="")
    picture_width = models.PositiveSmallIntegerField(null=True, blank=True)
    picture_height = models.PositiveSmallIntegerField(null=True, blank=True)
    picture_source = models.CharField(
        "picture's source", max_length=500, blank=True, default="",
        help_text="Where it was last asked for, without the query.",
    )  # fmt: skip
    picture_due_at = models.DateTimeField(
        null=True, blank=True, default=timezone.now, help_text="When to ask for it next; empty: never."
    )
    picture_failures_count = models.PositiveSmallIntegerField("picture failures in a row", default=0)
    picture_problem = models.CharField(max_length=300, blank=True, default="")

    # What lists sort and search by: a copy of the summary's totals, zero where nothing was counted yet, and
    # the caption for a search that minds neither case nor the way a letter is written.
    total_likes = models.IntegerField(default=0)
    total_comments = models.IntegerField(default=0)
    total_shares = models.IntegerField(default=0)
    total_engagement = models.IntegerField(default=0)
    caption_folded = FoldedField("caption for searching", folds="caption", blank=True, default="")

    # Per kind: what the server counts now, what it counted when we last read the whole list (empty: the
    # list still has to be read), and when we last read it.
    likes_server_count = models.PositiveIntegerField(null=True, blank=True)
    likes_read_count = models.PositiveIntegerField(null=True, blank=True)
    likes_read_at = models.DateTimeField(null=True, blank=True)
    comments_server_count = models.PositiveIntegerField(null=True, blank=True)
    comments_read_count = models.PositiveIntegerField(null=True, blank=True)
    comments_read_at = models.DateTimeField(null=True, blank=True)
    shares_server_count = models.PositiveIntegerField(null=True, blank=True)
    shares_read_count = models.PositiveIntegerField(null=True, blank=True)
    shares_read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
        ordering = ["-posted_at"]
        indexes = [
            # With the totals behind them sums over a time need no look at the posts themselves.
            models.Index(fields=["account", "posted_at", *TOTALS]),
            models.Index(fields=["account", "posted_at"], condition=NEVER_READ, name="%(class)s_never_read"),
            models.Index(
                fields=["account", "posted_at"],
                condition=MOVED & Q(missing_since_at__isnull=True),
                name="%(class)s_moved",
            ),
            models.Index(fields=["account", "picture_due_at"]),
            *(models.Index(fields=["account", name, "posted_at"]) for name in TOTALS),
        ]

    @property
    def has_media(self) -> bool:
        """True: posts without media are never stored."""
        return True

    @cached_property
    def likes_count(self) -> int:
        """How many people like the post now."""
        return self.likes.current().count()

    @cached_property
    def comments_count(self) -> int:
        """How many comments stand under the post now, answers to comments included."""
        return self.comments.current().count()

    @cached_property
    def shares_count(self) -> int:
        """How many people share the post now."""
        return self.shares.current().count()

    def refresh_engagement_summary(self) -> EngagementSummary:
        """Count likes, comments and shares anew and return the saved summary."""
        model: Any = self._meta.get_field("engagement_summary").related_model
        summary, _ = model.objects.get_or_create(post=self)
        summary.update_from_post()
        # The reverse one-to-one may hold an older copy.
        self.engagement_summary = summary
        for kind in KINDS:
            self.__dict__.pop(f"{kind}_count", None)
        return summary

    def get_recent_engagement(self, hours: int = 24) -> dict[str, int]:
        """Count what happened in the last `hours` hours.

        Events whose time is not known to the day are left out: they may be years old.

        Returns:
            likes, comments, shares and their sum as total.
        """
        since = timezone.now() - timedelta(hours=hours)
        counts = {kind: getattr(self, kind).current().dated().since(since).count() for kind in KINDS}
        return {**counts, "total": sum(counts.values())}

    def get_top_likers(self, limit: int = 10) -> models.QuerySet[Any, dict[str, Any]]:
        """Return the people who like most posts of this post's account, most likes first.

        Returns:
            At most `limit` dicts of account_id, username, display_name and likes_count.
        """
        # The name may have changed over the years; people are told apart by their id.
        return (
            self.likes.model._default_manager.filter(post__account=self.account_id)
            .current()
            .values("account_id")
            .annotate(
                username=models.Max("username"),
                display_name=models.Max("display_name"),
                likes_count=models.Count("pk"),
            )
            .order_by("-likes_count", "username")[:limit]
        )


class EngagementSummary(models.Model):
    """A post's counts, kept beside it so that lists sort and sum without counting rows."""

    total_likes = models.IntegerField(default=0, db_index=True)
    total_comments = models.IntegerField(default=0)
    total_shares = models.IntegerField(default=0)
    total_engagement = models.IntegerField(default=0, db_index=True)
    engagement_rate = models.FloatField(
        null=True, blank=True, help_text="Kept for platforms that tell impressions."
    )
    last_updated = models.DateTimeField(auto_now=True)

    if TYPE_CHECKING:
        post: Any

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.total_engagement} on post {self.post_id}"  # type: ignore[attr-defined]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save with the sum of the three as total_engagement, and copy all four to the post."""
        self.total_engagement = self.total_likes + self.total_comments + self.total_shares
        if kwargs.get("update_fields") is not None:
            kwargs["update_fields"] = {*kwargs["update_fields"], "total_engagement"}
        super().save(*args, **kwargs)
        for name in TOTALS:
            setattr(self.post, name, getattr(self, name))
        type(self.post)._default_manager.filter(pk=self.post.pk).update(
            **{name: getattr(self, name) for name in TOTALS}
        )

    def update_from_post(self) -> None:
        """Count the post's current likes, comments and shares, and save."""
        self.total_likes = self.post.likes.current().count()
        self.total_comments = self.post.comments.current().count()
        self.total_shares = self.post.shares.current().count()
        self.save()
