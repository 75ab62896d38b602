"""Accounts on other people's instances, and what connecting them needs: our registration there, attempts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from .fields import SecretField


class InstanceApp(models.Model):
    """PostFlow as an instance knows it: registered once for each address that people are sent back to."""

    instance_url = models.URLField("instance", max_length=255)
    redirect_uri = models.URLField("sent back to", max_length=255)
    client_id = models.CharField(max_length=255)
    client_secret = SecretField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["instance_url"]
        verbose_name = "registration at an instance"
        verbose_name_plural = "registrations at instances"
        constraints = [
            models.UniqueConstraint(fields=["instance_url", "redirect_uri"], name="pixelfed_app_once"),
        ]

    def __str__(self) -> str:
        return f"{host_of(self.instance_url)}, number {self.client_id}"


class ConnectAttempt(models.Model):
    """One person on the way to an instance's consent page. Whoever comes back takes it, and only once.

    The state and the browser session are kept as digests: a copy of the table lets nobody finish one.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="connect_attempts"
    )
    app = models.ForeignKey(InstanceApp, on_delete=models.CASCADE, related_name="attempts")
    state_digest = models.CharField(max_length=64, unique=True)
    session_digest = models.CharField(max_length=64)
    verifier = SecretField(help_text="Proves to the instance who asked for the code (PKCE).")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return f"{self.user} to {self.app}"


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
    access_token = SecretField()
    # The encrypted field keeps an empty text as NULL.
    refresh_token = SecretField(null=True, blank=True)
    token_stored_at = models.DateTimeField(
        null=True, blank=True, help_text="Tells one token from the next: whoever acts on a refusal checks it."
    )
    token_expires_at = models.DateTimeField(null=True, blank=True)
    token_renew_at = models.DateTimeField(
        null=True, blank=True, help_text="When to ask for the next token; put off by whoever is asking."
    )
    app = models.ForeignKey(
        InstanceApp,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="accounts",
        help_text="What the token was given to; empty: it was pasted.",
    )
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
    # Our own copy of the picture: its file, of which address it is, and when to try again.
    avatar = models.CharField(max_length=255, blank=True, default="")
    avatar_source = models.CharField(max_length=500, blank=True, default="")
    avatar_due_at = models.DateTimeField(null=True, blank=True)
    avatar_failures_count = models.PositiveSmallIntegerField(default=0)
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
        return is_readable(self.access_token)

    @property
    def host(self) -> str:
        """The instance's host name and port, as people write it."""
        return host_of(self.instance_url)


def is_readable(secret: str) -> bool:
    """Tell whether an encrypted text could be decrypted."""
    # The encrypted field gives back what it cannot read, and that always begins like this.
    return not secret.startswith("gAAAAA")


def host_of(instance_url: str) -> str:
    """Return an instance's host name and port, as people write it."""
    return instance_url.partition("://")[2]
