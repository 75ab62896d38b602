"""Daily totals of each account, and of each person there: what pages read instead of counting events.

They say nothing that the rows of likes, comments and shares do not say; `ledger` keeps them equal to those in
the same transactions, and `manage.py rebuild_daily_totals --check` proves it.
"""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Ledger(models.Model):
    """One account's book of days: in whose days it is kept, from when on it is whole, and what is in no day.

    Whoever changes rows of the account's engagement holds this row's lock until the days agree again.
    """

    platform = models.CharField(max_length=30)
    account_id = models.BigIntegerField()
    instance_url = models.CharField(max_length=255, help_text="Ids of people are this instance's.")
    time_zone = models.CharField(
        max_length=64,
        blank=True,
        default="",
        help_text="Whose days they are: its owner's when it was made; empty: it is to be made anew.",
    )
    begun_at = models.DateTimeField(
        default=timezone.now, help_text="Before this moment nobody watched the account."
    )
    whole_from_at = models.DateTimeField(
        default=timezone.now, help_text="All likes and shares since have a day, as far as anybody can tell."
    )
    undated_likes = models.PositiveIntegerField(default=0)
    undated_comments = models.PositiveIntegerField(default=0)
    undated_shares = models.PositiveIntegerField(default=0)
    # Copies, so that whoever opens the ledger to write knows without asking who has no name here (veil.py).
    salt = models.CharField(max_length=64, blank=True, default="")
    forgotten = models.JSONField(default=list, blank=True, help_text="Digests of people who are not named.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["platform", "account_id"], name="analytics_core_ledger_once"),
        ]

    def __str__(self) -> str:
        return f"{self.platform} account {self.account_id} in days of {self.time_zone}"


class Counts(models.Model):
    """How many likes, comments and shares: those that count now, never those that were taken back."""

    likes = models.PositiveIntegerField(default=0)
    comments = models.PositiveIntegerField(default=0)
    shares = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True


class EngagementDay(Counts):
    """What happened to an account's posts on one day. A day on which nothing happened has no row."""

    ledger = models.ForeignKey(Ledger, on_delete=models.CASCADE, related_name="days", db_index=False)
    day = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ledger", "day"], name="analytics_core_day_once"),
        ]

    def __str__(self) -> str:
        return f"{self.likes + self.comments + self.shares} on {self.day}"


class Person(models.Model):
    """Somebody who engaged with an account here, as its instance knows them: ids are an instance's own."""

    platform = models.CharField(max_length=30)
    instance_url = models.CharField(max_length=255)
    remote_id = models.CharField(max_length=100)
    username = models.CharField("handle", max_length=255)
    display_name = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        verbose_name_plural = "people"
        constraints = [
            models.UniqueConstraint(
                fields=["platform", "instance_url", "remote_id"], name="analytics_core_person_once"
            ),
        ]

    def __str__(self) -> str:
        return f"@{self.username}"


class PersonTotal(Counts):
    """All that one person did to an account's posts, and when the two first met.

    `met_on` is empty while something they did has no day: it may have been before all the rest.
    """

    ledger = models.ForeignKey(Ledger, on_delete=models.CASCADE, related_name="+", db_index=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="totals")
    met_on = models.DateField(null=True, blank=True)
    undated_count = models.PositiveIntegerField(default=0, help_text="How much of it has no day.")

    class Meta:
        indexes = [models.Index(fields=["ledger", "met_on"], name="analytics_core_person_met")]
        constraints = [
            models.UniqueConstraint(fields=["ledger", "person"], name="analytics_core_person_total_once"),
        ]

    def __str__(self) -> str:
        return f"{self.likes + self.comments + self.shares} by {self.person_id}"


class PersonSpan(Counts):
    """What one person did to an account's posts on one day, or in one month. A span of zeros has no row.

    Months are sums of days, so that a long range costs little more than a short one.
    """

    class Span(models.TextChoices):
        """How long it is."""

        DAY = "d", "a day"
        MONTH = "m", "a month"

    ledger = models.ForeignKey(Ledger, on_delete=models.CASCADE, related_name="+", db_index=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", db_index=False)
    span = models.CharField(max_length=1, choices=Span)
    starts_on = models.DateField(help_text="Its first day.")

    class Meta:
        indexes = [
            # With the counts in it sums over a time read nothing else: an account's rows lie far apart.
            models.Index(
                fields=["ledger", "span", "starts_on", "person", "likes", "comments", "shares"],
                name="analytics_core_person_sums",
            ),
            models.Index(
                fields=["person", "ledger", "span", "starts_on"], name="analytics_core_person_first"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["ledger", "span", "starts_on", "person"], name="analytics_core_person_span_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.likes + self.comments + self.shares} by {self.person_id}"
