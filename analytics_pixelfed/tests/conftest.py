"""Accounts, connected to a sandbox or made up, and the browsers of those whose they are."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import time_machine
from django.test import Client

from analytics_core.tests.builders import build_post
from pixelfed.models import MastodonAccount
from pixelfed.sandbox import SandboxServer, World
from postflow.models import CustomUser

from .visiting import NOON

Serve = Callable[..., tuple[SandboxServer, MastodonAccount]]


@pytest.fixture
def serve(settings: Any, user: Any) -> Iterator[Serve]:
    """Serve a world on a socket and connect the photographer's account to it."""
    settings.ALLOW_PRIVATE_INSTANCES = True
    with ExitStack() as servers:

        def start(world: World, name: str = "ana", **options: Any) -> tuple[SandboxServer, MastodonAccount]:
            server = servers.enter_context(SandboxServer(world, **options))
            account = MastodonAccount.objects.create(
                user=user,
                instance_url=server.url,
                username=name,
                software="pixelfed",
                access_token=server.token_for(world.person(name)),
            )
            return server, account

        yield start


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Noon, until the test moves it on."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def browser(client: Client, user: Any) -> Client:
    """The photographer's browser, signed in."""
    client.force_login(user)
    return client


@pytest.fixture
def account(user: Any) -> MastodonAccount:
    """An account with the four fields that suffice."""
    return MastodonAccount.objects.create(
        user=user, instance_url="https://pixelfed.social", username="ana", access_token="token123"
    )


@pytest.fixture
def signed_in(client: Client, account: MastodonAccount) -> Client:
    """The browser of somebody who has an account connected."""
    client.force_login(account.user)
    return client


@pytest.fixture
def others_post() -> Any:
    """A post of somebody else."""
    other = CustomUser.objects.create_user(email="ben@example.org")
    account = MastodonAccount.objects.create(
        user=other, instance_url="https://pixelfed.social", username="ben", access_token="t"
    )
    return build_post("pixelfed", account, likes=77, caption="Not yours")
