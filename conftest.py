"""What holds for every test: no waiting, no way to the internet, a worker that can be called."""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.concurrency import database_url, in_a_file


def _is_here(host: str | bytes | None) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def _no_waiting(settings: Any) -> None:
    settings.FETCH_REQUEST_INTERVAL = 0
    settings.FETCH_RETRY_DELAY = 0
    # The real one takes half a second for each user, on purpose.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _pictures_of_tests_lie_elsewhere(settings: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    settings.MEDIA_ROOT = str(tmp_path_factory.getbasetemp() / "media")


@pytest.fixture
def shared_database(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """One database for several threads and processes, as workers have it; returns its address."""
    if connection.vendor != "sqlite":
        yield database_url(connection.settings_dict["NAME"])
        return
    path = tmp_path / "shared.sqlite3"
    with in_a_file(path):
        yield database_url(str(path))


@pytest.fixture(autouse=True)
def _worker_keeps_the_tests_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    # On PostgreSQL the worker would take the transaction around the test for one that was forgotten.
    monkeypatch.setattr("django_tasks_db.management.commands.db_worker.close_old_connections", lambda: None)


@pytest.fixture(autouse=True)
def _no_internet(monkeypatch: pytest.MonkeyPatch) -> None:
    def guarded(real: Callable[..., Any]) -> Callable[..., Any]:
        def connect(sock: socket.socket, address: Any) -> Any:
            if sock.family != socket.AF_UNIX and not _is_here(address[0]):
                raise RuntimeError(f"a test tried to connect to {address[0]}")
            return real(sock, address)

        return connect

    real_look_up = socket.getaddrinfo

    def look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        # Numbers need no name server, so what is refused or not stays the business of core.http.
        if not _is_here(host):
            kwargs["flags"] = kwargs.get("flags", 0) | socket.AI_NUMERICHOST
        return real_look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> Iterator[None]:
    """Give the second platform of tests/tiny its tables, in the test database alone."""
    from django.conf import settings
    from django.test.utils import override_settings

    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "tests.tiny"]):
        yield


@pytest.fixture
def tiny() -> Iterator[Any]:
    """A platform whose instance is a dictionary, registered for one test."""
    from analytics_core import platforms
    from tests.tiny.platform import TinyPlatform

    platform = TinyPlatform()
    platforms.register(platform)
    yield platform
    platforms.unregister(platform.name)


@pytest.fixture
def user(db: None) -> Any:
    """A photographer."""
    from postflow.models import CustomUser

    return CustomUser.objects.create_user(email="ana@example.org", password="a long sentence")


@pytest.fixture
def tiny_account(tiny: Any, user: Any) -> Any:
    """The photographer's account on the tiny platform."""
    from tests.tiny.models import TinyAccount

    return TinyAccount.objects.create(user=user, instance_url="https://tiny.example", username="ana")
