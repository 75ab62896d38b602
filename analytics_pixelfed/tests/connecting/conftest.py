"""An instance that answers soon, with two people who can sign in there."""

from collections.abc import Iterator

import pytest

from pixelfed.sandbox import SandboxServer, World
from pixelfed.tests.browsing import PASSWORD


@pytest.fixture(autouse=True)
def _settings(settings) -> None:
    settings.ALLOW_PRIVATE_INSTANCES = True
    settings.FETCH_TIMEOUT = 3


@pytest.fixture
def world() -> World:
    world = World.empty()
    for name in ("ana", "studio"):
        world.add_person(name, password=PASSWORD)
    world.add_posts(world.person("ana"), 3, likes=2)
    return world


@pytest.fixture
def server(world) -> Iterator[SandboxServer]:
    with SandboxServer(world) as running:
        yield running
