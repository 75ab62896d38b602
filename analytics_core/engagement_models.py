"""One like, comment or share, and how well its time is known: the shape every platform's own tables take."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q

# A time is good enough for a chart by day when the window it fell in is no longer than this.
DATED_WINDOW = timedelta(hours=24)


class Precision(models.TextChoices):
    """How well the time of a like, share or comment is known."""

    EXACT = "exact", "exact"
    WINDOW = "window", "between two visits"
    UNKNOWN = "unknown", "not known"


def dated(model: type[Any]) -> Q:
    """Return the condition that a row's time is known well enough for a count by day."""
    window = F(model.HAPPENED_AT) - DATED_WINDOW
    return Q(precision=Precision.EXACT) | Q(precision=Precision.WINDOW, not_before_at__gte=window)


class EngagementQuerySet(models.QuerySet[Any]):
    """Likes, comments or shares."""

    def current(self) -> Self:
        """Those that count: taken back ones are kept as rows, but are in no number."""
        return self.filter(ended_at__isnull=True)

    def dated(self) -> Self:
        """Those whose time is known well enough for a count by day."""
        return self.filter(dated(self.model))

    def since(self, moment: datetime) -> Self:
        """Those that happened at `moment` or later."""
        return self.filter(**{f"{self.model.HAPPENED_AT}__gte": moment})


class Engagement(models.Model):
    """One like, comment or share by one person, and how well its time is known.

    A row is never deleted when its person takes it back: `ended_at` says since when it no longer counts.
    """

    HAPPENED_AT: ClassVar[str]

    account_id = models.CharField("person's id", max_length=100)
    username = models.CharField("handle", max_length=255)
    display_name = models.CharField(max_length=200, blank=True, default="")
    precision = models.CharField("time is", max_length=10, choices=Precision, default=Precision.EXACT)
    not_before_at = models.DateTimeField(
        null=True, blank=True, help_text="With a time between two visits: the earlier of them."
    )
    missed_at = models.DateTimeField(
        null=True, blank=True, help_text="The first full list that no longer showed it; the next one decides."
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = EngagementQuerySet.as_manager()

    class Meta:
        abstract = True

    @property
    def happened_at(self) -> datetime:
        """When it happened, as well as it is known (see `precision`)."""
        return getattr(self, self.HAPPENED_AT)

    @property
    def is_dated(self) -> bool:
        """Whether its time is known well enough for a count by day."""
        if self.precision == Precision.WINDOW:
            return self.not_before_at is not None and self.not_before_at >= self.happened_at - DATED_WINDOW
        return self.precision == Precision.EXACT


class Like(Engagement):
    """One person's like of one post."""

    HAPPENED_AT = "liked_at"

    liked_at = models.DateTimeField(db_index=True)

    class Meta:
        abstract = True
        ordering = ["-liked_at", "-pk"]
        indexes = [models.Index(fields=["username"]), models.Index(fields=["post", "-liked_at"])]
        constraints = [
            models.UniqueConstraint(fields=["post", "account_id"], name="%(app_label)s_%(class)s_once"),
        ]


class Share(Engagement):
    """One person's share of one post."""

    HAPPENED_AT = "shared_at"

    shared_at = models.DateTimeField(db_index=True)

    class Meta:
        abstract = True
        ordering = ["-shared_at", "-pk"]
        indexes = [models.Index(fields=["username"]), models.Index(fields=["post", "-shared_at"])]
        constraints = [
            models.UniqueConstraint(fields=["post", "account_id"], name="%(app_label)s_%(class)s_once"),
        ]


class Comment(Engagement):
    """One comment under a post, or an answer to one."""

    HAPPENED_AT = "commented_at"

    comment_id = models.CharField(max_length=100, db_index=True)
    content = models.TextField()
    in_reply_to_id = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001 the post's own id where null
    commented_at = models.DateTimeField(db_index=True)

    class Meta:
        abstract = True
        ordering = ["commented_at", "pk"]
        indexes = [models.Index(fields=["username"]), models.Index(fields=["post", "commented_at"])]
        constraints = [
            models.UniqueConstraint(fields=["post", "comment_id"], name="%(app_label)s_%(class)s_once"),
        ]

    @property
    def is_reply(self) -> bool:
        """Whether it answers something, a post or another comment."""
        return bool(self.in_reply_to_id)
