"""The connected accounts of one user: how each is doing, and what can be done about it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Sum
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from analytics_core import platforms, tasks
from analytics_core.engine import states
from analytics_core.engine.forgetting import forget_account
from analytics_core.models import AccountState
from analytics_core.pages import pictures
from analytics_core.schedule import LATE_AFTER
from pixelfed import oauth
from pixelfed.models import MastodonAccount, is_readable
from postflow import limits

from .connecting import client_of
from .models import PixelfedPost
from .platform import PixelfedPlatform

logger = logging.getLogger(__name__)

VISIT_WAIT_SECONDS = 60
# An access that ends and cannot be renewed by itself is told of so long before.
TELL_BEFORE = timedelta(days=30)
# Without a sign of life for so long, a worker is missing: the page stops asking by itself.
WATCHED_FOR = timedelta(seconds=states.LEASE_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One connected account, how far the engine has got with it, and what is held of it."""

    account: MastodonAccount
    state: AccountState | None
    is_supported: bool
    is_asked_for: bool = False
    posts_count: int = 0
    events_count: int = 0

    @property
    def needs_reconnect(self) -> bool:
        """Whether only its owner can set it going again."""
        return self.account.state == MastodonAccount.State.RECONNECT

    @property
    def is_paused(self) -> bool:
        """Whether its owner has stopped the reading."""
        return self.account.state == MastodonAccount.State.PAUSED

    @property
    def is_active(self) -> bool:
        """Whether it is read every hour."""
        return self.is_supported and self.account.state == MastodonAccount.State.ACTIVE

    @property
    def is_being_read(self) -> bool:
        """Whether a visit is under way."""
        return states.is_being_read(self.state)

    @property
    def progress(self) -> states.Progress | None:
        """How far the visit under way has got; None: there is none, or it has not told yet."""
        return states.progress_of(self.state)

    @property
    def picture_address(self) -> str:
        """The address of our own copy of its picture, which changes with it; "" while there is none."""
        name, address = self.account.avatar, reverse("accounts:picture", args=[self.account.pk])
        return f"{address}?v={pictures.version(name)}" if name else ""

    @property
    def is_under_way(self) -> bool:
        """Whether more will come by itself soon: it is read, was asked for, or is not read to its end."""
        is_new = self.read_at is None and not self.has_failed
        return self.is_active and (self.is_being_read or self.is_asked_for or is_new or self.is_filling)

    @property
    def is_watched(self) -> bool:
        """Whether it is worth asking again by itself."""
        account, state = self.account, self.state
        signs = [account.created_at, account.token_stored_at, state.last_attempt_at if state else None]
        last_sign_at = max(sign for sign in signs if sign)
        is_alive = self.is_asked_for or timezone.now() - last_sign_at < WATCHED_FOR
        return self.is_under_way and is_alive

    @property
    def read_at(self) -> datetime | None:
        """Up to when its numbers hold."""
        return self.state.last_success_at if self.state else None

    @property
    def next_at(self) -> datetime | None:
        """When it is read next; None: as soon as a worker is free, or not at all."""
        is_planned = self.is_active and not self.is_asked_for
        due_at = self.state.next_due_at if self.state and is_planned else None
        return due_at if due_at and due_at > timezone.now() else None

    @property
    def progress_words(self) -> str:
        """How far it is, in a sentence."""
        if not self.is_watched:
            return "This takes unusually long: other work comes first, or PostFlow’s worker is not running."
        if self.progress is None:
            return "Being read." if self.is_being_read else "It begins as soon as a worker is free."
        what = "Listing" if self.progress.kind == "posts" else "Reading likes and comments of"
        left = f", {self.progress.left_words} left" if self.progress.left_words else ""
        return f"{what} {self.progress.words}{left}."

    @property
    def has_failed(self) -> bool:
        """Whether the last visit as a whole failed."""
        return self.state is not None and self.state.failures_count > 0

    @property
    def is_late(self) -> bool:
        """Whether its numbers are older than they should be."""
        return self.is_active and self.read_at is not None and timezone.now() - self.read_at > LATE_AFTER

    @property
    def posts_to_come(self) -> int | None:
        """How many posts the instance has, while not all are listed here; None: nobody knows, or all are."""
        if self.state is None or self.state.history_is_complete:
            return None
        total = self.state.server_posts_count
        return total if total and total > self.posts_count else None

    @property
    def is_filling(self) -> bool:
        """Whether older posts are still to be listed."""
        return self.read_at is not None and self.state is not None and not self.state.history_is_complete

    @property
    def access_ends_at(self) -> datetime | None:
        """When its access ends for good, if that is soon and nothing but a new consent helps."""
        ends_at = self.account.token_expires_at
        if ends_at is None or self.account.token_renew_at is not None:
            return None
        return ends_at if ends_at - timezone.now() < TELL_BEFORE else None

    @property
    def kind(self) -> str:
        """The state in one word, for the mark beside it: good, busy, resting or bad."""
        if self.needs_reconnect or not self.is_supported:
            return "bad"
        if self.is_paused:
            return "resting"
        if self.is_being_read or self.is_asked_for or self.read_at is None and not self.has_failed:
            return "busy"
        return "bad" if self.has_failed or self.is_late else "good"

    @property
    def words(self) -> str:
        """The state in a few words."""
        if self.needs_reconnect:
            return "Has to be connected again"
        if not self.is_supported:
            return "Not supported"
        if self.is_paused:
            return "Paused"
        if self.is_being_read:
            return "Being read now"
        if self.is_asked_for and self.read_at is not None:
            return "Waiting to be read"
        if self.has_failed:
            return "The last reading failed"
        if self.read_at is None:
            return "Waiting for its first reading"
        return "Overdue" if self.is_late else "Up to date"


def connections(user: Any, *, account_id: int | None = None) -> list[Connection]:
    """Return the user's accounts in the order they were connected: five queries, however many there are.

    Args:
        account_id: only this one, if it is the user's.
    """
    platform = platforms.get(PixelfedPlatform.name)
    own = MastodonAccount.objects.filter(user=user)
    if account_id is not None:
        own = own.filter(pk=account_id)
    accounts = list(own.defer("access_token", "refresh_token"))
    if not accounts:
        return []
    ids = [account.pk for account in accounts]
    found = AccountState.objects.filter(platform=platform.name, account_id__in=ids)
    account_states = {state.account_id: state for state in found}
    held: dict[int, Any] = {
        row["account"]: row
        for row in PixelfedPost.objects.filter(account__in=ids)
        .order_by()
        .values("account")
        .annotate(posts=Count("*"), events=Sum("total_engagement"))
    }
    supported = set(platform.accounts().filter(pk__in=ids).values_list("pk", flat=True))
    asked_for = _asked_for()
    return [
        Connection(
            account=account,
            state=account_states.get(account.pk),
            # While nobody has asked the instance yet, the next hour may tell.
            is_supported=account.pk in supported or not account.software,
            is_asked_for=account.pk in asked_for,
            posts_count=held.get(account.pk, {}).get("posts") or 0,
            events_count=held.get(account.pk, {}).get("events") or 0,
        )
        for account in accounts
    ]


def _asked_for() -> set[int]:
    """Return the accounts, of anybody, that somebody has asked to be read and no worker has taken yet."""
    backend: Any = tasks.fetch_account.get_backend()
    if not hasattr(backend, "waiting"):
        return set()  # another backend: a visit is seen when it has begun
    since = timezone.now() - WATCHED_FOR
    waiting = backend.waiting(tasks.fetch_account).filter(priority=tasks.PRIORITY_NOW, enqueued_at__gt=since)
    called = waiting.values_list("args_kwargs", flat=True)
    return {each["args"][1] for each in called if each["args"][0] == PixelfedPlatform.name}


def start_visit(account: MastodonAccount) -> bool:
    """Have the account read now, before the hourly work. Returns False if that was asked for a moment ago.

    Two buttons, two ways to hold the next press back for a minute. This one leaves no row, for how far it is
    stands in the account's state, so `limits` counts it, by account. A press of Refresh has a row, which says
    whose its tasks are; that row tells the minute as well, by user, and is gone when nothing could be queued.
    """
    if not limits.spend("visit", account.pk, at_most=1, seconds=VISIT_WAIT_SECONDS):
        return False
    tasks.fetch_account.using(priority=tasks.PRIORITY_NOW).enqueue(PixelfedPlatform.name, account.pk)
    return True


def pause(account: MastodonAccount) -> bool:
    """Stop reading an account that is being read. Returns whether it was."""
    active = MastodonAccount.objects.filter(pk=account.pk, state=MastodonAccount.State.ACTIVE)
    return bool(active.update(state=MastodonAccount.State.PAUSED, state_reason=""))


def resume(account: MastodonAccount) -> bool:
    """Go on with an account that was paused. Returns whether it was."""
    paused = MastodonAccount.objects.filter(pk=account.pk, state=MastodonAccount.State.PAUSED)
    return bool(paused.update(state=MastodonAccount.State.ACTIVE, state_reason=""))


@sensitive_variables()
def disconnect(account: MastodonAccount) -> bool:
    """Delete the account with everything that is held of it, and give its token back.

    Returns:
        Whether the access is over at the instance too; Pixelfed lets only its owner end it.
    """
    client, token = client_of(account), account.access_token
    forget_account(platforms.get(PixelfedPlatform.name), account)
    if client is None or not is_readable(token) or not is_readable(client.client_secret):
        return False
    return oauth.revoke(client, token=token)


def waiting_for_reconnect(user: Any, instance_url: str) -> list[MastodonAccount]:
    """Return the user's accounts on an instance that have to be connected again."""
    waiting = MastodonAccount.objects.filter(user=user, state=MastodonAccount.State.RECONNECT)
    return list(waiting.filter(instance_url=instance_url))
