"""An account on somebody's instance, connected to PostFlow."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from encrypted_fields.fields import EncryptedTextField


class AccountQuerySet(models.QuerySet["MastodonAccount"]):
    """Connected accounts, chosen by what they are."""

    def pixelfed(self) -> AccountQuerySet:
        """Accounts on Pixelfed: by the instance's own word, by its address only where that is unknown."""
        unknown_but_named_so = Q(software="", instance_url__icontains="pixelfed")
        return self.filter(Q(software="pixelfed") | unknown_but_named_so)

    def active(self) -> AccountQuerySet:
        """Accounts that may be read now: neither paused nor waiting to be reconnected."""
        return self.filter(state=MastodonAccount.State.ACTIVE)


class MastodonAccount(models.Model):
    """A photographer's account on an instance that speaks the Mastodon API, Pixelfed first of all."""

    class State(models.TextChoices):
        """Whether PostFlow may read the account."""

        ACTIVE = "active", "Active"
        RECONNECT = "reconnect", "Reconnect needed"
        PAUSED = "paused", "Paused"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mastodon_accounts"
    )
    instance_url = models.URLField("instance", max_length=255)
    username = models.CharField("handle", max_length=100)
    access_token = EncryptedTextField()
    software = models.CharField(
        max_length=50,
        blank=True,
        default="",
        help_text="As the instance names it, in lower case; empty: not asked.",
    )
    remote_id = models.CharField(
        "id there", max_length=100, blank=True, default="", help_text="Empty: asked at the first sync."
    )
    display_name = models.CharField(max_length=200, blank=True, default="")
    avatar_url = models.URLField(max_length=500, blank=True, default="")
    state = models.CharField(max_length=20, choices=State, default=State.ACTIVE)
    state_reason = models.CharField(
        max_length=300, blank=True, default="", help_text="One sentence for the account's owner."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AccountQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name = "account"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "instance_url", "remote_id"],
                condition=~Q(remote_id=""),
                name="pixelfed_account_once_per_user",
                violation_error_message="This account is connected already.",
            ),
            models.UniqueConstraint(
                fields=["user", "instance_url", "username"],
                condition=Q(remote_id=""),
                name="pixelfed_account_once_per_user_by_handle",
                violation_error_message="This account is connected already.",
            ),
        ]

    def __str__(self) -> str:
        return f"@{self.username}@{self.host}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save with the instance's address in its one form: without a trailing slash."""
        self.instance_url = self.instance_url.rstrip("/")
        super().save(*args, **kwargs)

    @property
    def has_readable_token(self) -> bool:
        """Whether the stored token could be decrypted: not so after SECRET_KEY or SALT_KEY changed."""
        # The encrypted field gives back what it cannot read, and that always begins like this.
        return not self.access_token.startswith("gAAAAA")

    @property
    def host(self) -> str:
        """The instance's host name and port, as people write it."""
        return self.instance_url.partition("://")[2]
