"""What the engine notes for itself: how far it is with accounts and hosts, its runs, what waits for its row.

None of it belongs to one platform. An account is named by its platform and number, for a foreign key is not
possible to many tables.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.crypto import get_random_string


class AccountState(models.Model):
    """How far the engine has got with one account of one platform.

    `account_id` is the platform's account row: a foreign key is not possible to many tables.
    """

    platform = models.CharField(max_length=30)
    account_id = models.BigIntegerField()
    lease_token = models.CharField(max_length=32, blank=True, default="")
    lease_until_at = models.DateTimeField(null=True, blank=True)
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    next_due_at = models.DateTimeField(null=True, blank=True, db_index=True)
    failures_count = models.PositiveIntegerField("failures in a row", default=0)
    failing_since_at = models.DateTimeField(null=True, blank=True)
    audited_at = models.DateTimeField(
        null=True, blank=True, help_text="When lists that had not been read for long were last queued."
    )
    message = models.CharField("for the owner", max_length=300, blank=True, default="")
    seen_notification_id = models.CharField(max_length=100, blank=True, default="")
    history_before_id = models.CharField(
        max_length=100, blank=True, default="", help_text="Older posts than this one are still to be listed."
    )
    history_is_complete = models.BooleanField(default=False)
    sweep_before_id = models.CharField(
        max_length=100, blank=True, default="", help_text="How far down the rolling sweep has got."
    )
    sweep_pages_count = models.PositiveIntegerField(default=0)
    sweep_started_at = models.DateTimeField(null=True, blank=True)
    server_posts_count = models.PositiveIntegerField(null=True, blank=True)
    # How far the visit under way has got; empty while nobody reads the account.
    progress_kind = models.CharField(max_length=20, blank=True, default="")
    progress_done = models.PositiveIntegerField(default=0)
    progress_total = models.PositiveIntegerField(null=True, blank=True)
    progress_began_at = models.DateTimeField(null=True, blank=True)
    progress_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "account state"
        constraints = [
            models.UniqueConstraint(fields=["platform", "account_id"], name="analytics_core_state_once"),
        ]

    def __str__(self) -> str:
        return f"{self.platform} account {self.account_id}"


class AccountCount(models.Model):
    """How many people followed an account on a day, whom it followed, and what it had posted.

    A count that the platform hides is empty: not known, and not zero.
    """

    platform = models.CharField(max_length=30)
    account_id = models.BigIntegerField()
    counted_on = models.DateField(help_text="In UTC.")
    followers_count = models.PositiveIntegerField(null=True, blank=True)
    following_count = models.PositiveIntegerField(null=True, blank=True)
    posts_count = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["platform", "account_id", "counted_on"], name="analytics_core_count_once_a_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.platform} account {self.account_id} on {self.counted_on}"


class SyncRun(models.Model):
    """One hour's work on one platform: what was to be done, and what came of it so far."""

    platform = models.CharField(max_length=30)
    started_at = models.DateTimeField(default=timezone.now, db_index=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    accounts_due = models.PositiveIntegerField(default=0)
    accounts_processed = models.PositiveIntegerField(default=0)
    posts_processed = models.PositiveIntegerField(default=0)
    total_new_likes = models.PositiveIntegerField(default=0)
    total_new_comments = models.PositiveIntegerField(default=0)
    total_new_shares = models.PositiveIntegerField(default=0)
    errors = models.PositiveIntegerField(default=0)
    requests = models.PositiveIntegerField(default=0)

    RESULT_KEYS = (
        "accounts_processed",
        "posts_processed",
        "total_new_likes",
        "total_new_comments",
        "total_new_shares",
        "errors",
    )

    class Meta:
        ordering = ["-started_at"]
        verbose_name = "run"

    def __str__(self) -> str:
        return f"{self.platform} at {self.started_at:%Y-%m-%d %H:%M}"

    def result(self) -> dict[str, int]:
        """Return the counts so far, by the names of US-7.1, and the requests sent."""
        return {name: getattr(self, name) for name in (*self.RESULT_KEYS, "requests")}

    def add(self, stats: dict[str, Any], *, is_processed: bool = True) -> None:
        """Add what one visit brought; the run ends with its last account.

        Args:
            stats: the result of `AnalyticsFetcher.run`, or of a visit that could not be made.
            is_processed: the account is done with; False: another visit of this run is to follow.
        """
        changes: dict[str, Any] = {
            name: F(name) + int(stats.get(name, 0)) for name in (*self.RESULT_KEYS[1:], "requests")
        }
        runs = type(self).objects.filter(pk=self.pk)
        runs.update(accounts_processed=F("accounts_processed") + int(is_processed), **changes)
        runs.filter(finished_at=None, accounts_processed__gte=F("accounts_due")).update(
            finished_at=timezone.now()
        )


class Refresh(models.Model):
    """One press of the Refresh button: whose it was, and the tasks that came of it.

    The newest row of a user says when the next press may come, and whose a task is when somebody asks how far
    it has got.
    """

    id = models.CharField(primary_key=True, max_length=64, help_text="The id of its first task.")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    platform = models.CharField(max_length=30)
    post_id = models.BigIntegerField(
        null=True, blank=True, help_text="The one post that was read; empty: all accounts."
    )
    asked_at = models.DateTimeField(default=timezone.now)
    account_ids = models.JSONField(default=dict, help_text="The account that each task reads, by task id.")

    class Meta:
        verbose_name_plural = "refreshes"
        indexes = [models.Index(fields=["user", "-asked_at"], name="analytics_core_refresh_newest")]

    def __str__(self) -> str:
        return f"{self.platform} at {self.asked_at:%Y-%m-%d %H:%M}"


class HostState(models.Model):
    """Politeness owed to one host, by every process together."""

    host = models.CharField(max_length=255, unique=True)
    next_request_at = models.DateTimeField(null=True, blank=True)
    blocked_until_at = models.DateTimeField(null=True, blank=True)
    failures_count = models.PositiveIntegerField("visits in a row that its trouble ended", default=0)
    failing_since_at = models.DateTimeField(null=True, blank=True)
    message = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        verbose_name = "host"

    def __str__(self) -> str:
        return self.host


class Notice(models.Model):
    """The true time of a like or share, told by a notification, until the list that shows it is read.

    It says nothing of whether the like still stands: a notification outlives its like on some servers
    (INDEX.md, surprise 14), so a notice alone never makes a row.
    """

    platform = models.CharField(max_length=30)
    account_id = models.BigIntegerField()
    kind = models.CharField(max_length=10, choices=[("likes", "like"), ("shares", "share")])
    post_remote_id = models.CharField(max_length=100)
    person_id = models.CharField(max_length=100)
    happened_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["platform", "account_id", "post_remote_id", "kind", "person_id", "happened_at"],
                name="analytics_core_notice_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.person_id} at {self.happened_at:%Y-%m-%d %H:%M}"


class PersonSalt(models.Model):
    """What every pseudonym of this installation is salted with: one row, made once, never changed."""

    value = models.CharField(max_length=64)

    def __str__(self) -> str:
        return "the salt of pseudonyms"


class Forgotten(models.Model):
    """Somebody who asked to be forgotten, as a digest: by one user, or where there is none by all of them.

    A person has several: of their id at each instance where they were met, of their handle, and of their
    name as comments mention it.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "forgotten"
        constraints = [
            models.UniqueConstraint(fields=["user", "digest"], name="analytics_core_forgotten_once"),
            models.UniqueConstraint(
                fields=["digest"], condition=Q(user=None), name="analytics_core_forgotten_by_all_once"
            ),
        ]

    def __str__(self) -> str:
        return f"forgotten on {self.created_at:%Y-%m-%d}"


def unguessable() -> str:
    """Return a key that nobody can guess."""
    return get_random_string(32)


class Export(models.Model):
    """A file with everything that a user has here, built by a worker and kept for a day."""

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", "Waiting"
        BUILDING = "building", "Being built"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"

    id = models.CharField(primary_key=True, max_length=32, default=unguessable)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="exports")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    asked_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True, help_text="By whoever builds it now.")
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    file = models.CharField(
        max_length=200, blank=True, default="", help_text="A name in the default storage."
    )
    size_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    problem = models.CharField("for the owner", max_length=300, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(state__in=("waiting", "building")),
                name="analytics_core_export_one_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} since {self.asked_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        """Whether it waits or is being built."""
        return self.state in (self.State.WAITING, self.State.BUILDING)


class Departure(models.Model):
    """A user who has asked to be deleted; it goes with the user when a worker has done it."""

    id = models.CharField(primary_key=True, max_length=32, default=unguessable)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"asked at {self.asked_at:%Y-%m-%d %H:%M}"
