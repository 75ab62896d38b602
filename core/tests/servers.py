"""Servers that misbehave on a real socket, and the request that meets them."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from core import http

GOOD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@contextlib.contextmanager
def serving(answer: Callable[[socket.socket], None] | bytes, *, read_first: bool = True) -> Iterator[str]:
    """Serve on a free port of 127.0.0.1 and give the origin. Every request gets `answer`."""
    listener = socket.create_server(("127.0.0.1", 0))

    def handle(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            if read_first:
                connection.recv(65536)
            if isinstance(answer, bytes):
                connection.sendall(answer)
            else:
                answer(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=handle, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def get(url: str, **kwargs: Any) -> http.Answer:
    with http.open_session() as session:
        return http.fetch(session, "GET", url, **kwargs)
