"""Who uses PostFlow, and what they plan to post."""

from __future__ import annotations

import zoneinfo
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac

from . import news


def validate_time_zone(value: str) -> None:
    """Refuse a name that is no IANA time zone.

    Raises:
        ValidationError: the name is unknown here.
    """
    if value not in zoneinfo.available_timezones():
        raise ValidationError(f"“{value}” is not a time zone; use a name such as Europe/Berlin.")


class UserManager(BaseUserManager["CustomUser"]):
    """Creates users by e-mail address, which is kept in lower case: people type it either way."""

    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> CustomUser:
        """Create and return an active user who signs in with `email`.

        Raises:
            ValueError: no e-mail address was given.
        """
        if not email or not email.strip():
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> CustomUser:
        """Create and return a user who may do everything in the admin.

        Raises:
            ValueError: no e-mail address was given.
        """
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})

    def get_by_natural_key(self, username: str | None) -> CustomUser:
        """Return the user with this e-mail address, whatever its case.

        Raises:
            CustomUser.DoesNotExist: nobody has it.
        """
        return self.get(email=(username or "").strip().lower())


class CustomUser(AbstractBaseUser, PermissionsMixin):
    """A person with a PostFlow account: signs in by e-mail, sees times in their own time zone."""

    class Theme(models.TextChoices):
        """The colours of the pages."""

        SYSTEM = "system", "Like this device"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    email = models.EmailField(
        "e-mail address", error_messages={"unique": "This address is taken."}, unique=True
    )
    name = models.CharField(max_length=150, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    theme = models.CharField(max_length=10, choices=Theme, default=Theme.SYSTEM)
    is_calm = models.BooleanField(
        "calm mode", default=False, help_text="Numbers of the pages stay covered until they are asked for."
    )
    new_email = models.EmailField("address to be confirmed", blank=True, default="")
    session_round = models.PositiveIntegerField(default=0, editable=False)
    news_seen = models.CharField(max_length=20, blank=True, default="")
    is_staff = models.BooleanField("may enter the admin", default=False)
    is_active = models.BooleanField("may sign in", default=True)
    date_joined = models.DateTimeField(default=timezone.now)

    objects = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = "user"
        constraints = [
            models.UniqueConstraint(Lower("email"), name="postflow_user_email_any_case"),
        ]

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save with the e-mail address in lower case."""
        self.email = self.email.strip().lower()
        super().save(*args, **kwargs)

    @property
    def time_zone_label(self) -> str:
        """The time zone as people write it: America/New York."""
        return self.time_zone.replace("_", " ")

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return what a session has to hold: it changes with the password, and with each signing out."""
        return salted_hmac(
            "postflow.session", f"{self.session_round} {self.password}", secret=secret, algorithm="sha256"
        ).hexdigest()

    @property
    def latest_news(self) -> str:
        """The name of the news that this person has not closed; empty: there is none."""
        return "" if self.news_seen == news.LATEST else news.LATEST

    def get_full_name(self) -> str:
        """Return the name, or the e-mail address where none is given."""
        return self.name or self.email

    def get_short_name(self) -> str:
        """Return what to call the person in a sentence."""
        return self.name.split(" ")[0] if self.name else self.email.split("@")[0]


class ScheduledPost(models.Model):
    """A post planned in PostFlow; analytics link to it once it is published."""

    user = models.ForeignKey(CustomUser, on_delete=models.CASCADE, related_name="scheduled_posts")
    caption = models.TextField(blank=True)
    scheduled_time = models.DateTimeField(db_index=True)
    pixelfed_post_id = models.CharField(max_length=100, blank=True, default="", db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-scheduled_time"]

    def __str__(self) -> str:
        return f"{self.user} at {self.scheduled_time:%Y-%m-%d %H:%M}"


class TryCount(models.Model):
    """How often somebody has done something in the window that is open; see `limits`."""

    action = models.CharField(max_length=40)
    who = models.CharField(max_length=64)
    count = models.PositiveIntegerField()
    ends_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["action", "who"], name="postflow_trycount_who")]

    def __str__(self) -> str:
        return f"{self.count} of {self.action} until {self.ends_at:%Y-%m-%d %H:%M}"
