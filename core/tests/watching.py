"""The socket layer watched: what would be connected to, and what names lead to; nothing really is."""

import socket
from typing import Any

import pytest


def watch_connections(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Refuse every connection; return the list of addresses that sockets are asked to connect to."""
    addresses: list[Any] = []

    def connect(sock: socket.socket, address: Any) -> None:
        addresses.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket.socket, "connect_ex", connect)
    return addresses


def resolve_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Answer each look-up of a name with the next of `answers`, and give the list of names asked for."""
    real, asked, left = socket.getaddrinfo, [], list(answers)

    def look_up(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if host.replace(".", "").isdigit() or ":" in host:
            return real(host, port, *args, **kwargs)
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [
            (socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))
            for ip in found
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked
