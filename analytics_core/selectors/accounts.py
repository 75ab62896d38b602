"""Whose posts a page is about: the signed-in user's accounts. Every other selector starts from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from analytics_core.models import AccountState
from analytics_core.platforms import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectedAccount:
    """One connected account and how far the engine has got with it."""

    platform: Platform
    account: Any
    state: AccountState | None

    @property
    def key(self) -> str:
        """What stands for it in an address."""
        return f"{self.platform.name}-{self.account.pk}"

    @property
    def read_at(self) -> datetime | None:
        """Up to when its numbers hold."""
        return self.state.last_success_at if self.state else None

    @property
    def is_filling(self) -> bool:
        """Whether older posts are still being listed."""
        return self.read_at is not None and self.state is not None and not self.state.history_is_complete


def connected_accounts(
    user: Any, *, platforms: Iterable[Platform], with_states: bool = True
) -> list[ConnectedAccount]:
    """Return the user's accounts on these platforms, in the order they were connected.

    One query for each platform, and one for the states, where they are wanted.
    """
    pairs = [
        (platform, account) for platform in platforms for account in platform.accounts().filter(user=user)
    ]
    if not pairs or not with_states:
        return [ConnectedAccount(platform=p, account=account, state=None) for p, account in pairs]
    states = {
        (state.platform, state.account_id): state
        for state in AccountState.objects.filter(
            platform__in={platform.name for platform, _ in pairs},
            account_id__in={account.pk for _, account in pairs},
        )
    }
    return [
        ConnectedAccount(platform=platform, account=account, state=states.get((platform.name, account.pk)))
        for platform, account in pairs
    ]


def own_posts(user: Any, *, platform: Platform) -> QuerySet[Any]:
    """Return the posts of the user's accounts on a platform."""
    return platform.post_model._default_manager.filter(account__user=user)
