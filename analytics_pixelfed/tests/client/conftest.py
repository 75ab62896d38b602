"""A client of Pixelfed, with an instance that is made up, or a sandbox on a real socket."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses

from analytics_pixelfed import sending
from analytics_pixelfed.pixelfed_client import PixelfedAPIClient
from pixelfed.sandbox import SandboxServer, World

from .answering import INSTANCE, TOKEN

Serve = Callable[..., tuple[SandboxServer, PixelfedAPIClient]]


@pytest.fixture
def client() -> Iterator[PixelfedAPIClient]:
    with PixelfedAPIClient(INSTANCE, TOKEN) as client:
        yield client


@pytest.fixture
def mocked() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        yield mocked


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that would have been made, in seconds."""
    made: list[float] = []
    monkeypatch.setattr(sending, "sleep", made.append)
    return made


@pytest.fixture
def sandbox(settings: Any) -> Iterator[SandboxServer]:
    settings.ALLOW_PRIVATE_INSTANCES = True
    world = World.empty()
    world.add_posts(world.add_person("ana"), 2, likes=3)
    with SandboxServer(world) as server:
        yield server


@pytest.fixture
def ana(sandbox: SandboxServer) -> Iterator[PixelfedAPIClient]:
    """A client that reads the sandbox as ana."""
    token = sandbox.token_for(sandbox.world.person("ana"))
    with PixelfedAPIClient(sandbox.url, token) as client:
        yield client


@pytest.fixture(scope="module")
def stopping() -> Iterator[list[threading.Thread]]:
    """Servers on their way down, so that no test waits for its own."""
    threads: list[threading.Thread] = []
    yield threads
    for thread in threads:
        thread.join()


@pytest.fixture
def serve(settings: Any, stopping: list[threading.Thread]) -> Iterator[Serve]:
    """Serve a world on a real socket, and give a client that reads it as one of its people."""
    settings.ALLOW_PRIVATE_INSTANCES = True
    opened: list[tuple[SandboxServer, PixelfedAPIClient]] = []

    def start(world: World, name: str = "ana", **options: Any) -> tuple[SandboxServer, PixelfedAPIClient]:
        server = SandboxServer(world, **options).start()
        opened.append((server, PixelfedAPIClient(server.url, server.token_for(world.person(name)))))
        return opened[-1]

    yield start
    for server, client in opened:
        client.close()
        stopping.append(threading.Thread(target=server.stop))
        stopping[-1].start()
