"""The HTTP server around a world: keep-alive, threads, a memory of every request, and faults on command."""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import sys
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote

from pixelfed.sandbox.answers import Answer, Request
from pixelfed.sandbox.control import Control
from pixelfed.sandbox.entities import PIXELFED, Dialect, Person
from pixelfed.sandbox.faults import Delivery, Faults, deliver, replaces_answer
from pixelfed.sandbox.routes import Router
from pixelfed.sandbox.world import World

logger = logging.getLogger(__name__)

LARGEST_BODY = 64_000_000
IDLE_SECONDS = 120
COMMON_HEADERS = {
    "Cache-Control": "no-cache, private",
    "X-Frame-Options": "SAMEORIGIN",
    "X-XSS-Protection": "1; mode=block",
    "X-Content-Type-Options": "nosniff",
}


@dataclass
class SeenRequest:
    """A request the server met: header names lower-case, `at` by the monotonic clock, in seconds.

    `status` is None until the answer begins, and stays so when none was given.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    at: float
    status: int | None = None


class SandboxServer:
    """A running sandbox instance; use it as a context manager or call `start` and `stop`.

    `url` is its address without a slash at the end, `requests` what it was asked so far, `faults` what goes
    wrong. With `port=0` a free port is taken.
    """

    def __init__(
        self,
        world: World,
        dialect: Dialect = PIXELFED,
        port: int = 0,
        host: str = "127.0.0.1",
        picture_folder: str | None = None,
    ) -> None:
        """Bind the address; OSError if that fails. Nothing is answered before `start`."""
        self.world, self.dialect = world, dialect
        self.faults = Faults()
        self.requests: list[SeenRequest] = []
        self.stopping = threading.Event()
        self._http = _Listener((host, port), _Handler)
        self._http.sandbox = self
        self.host, self.port = host, int(self._http.server_address[1])
        self.url = f"http://{host}:{self.port}"
        self.router = Router(world, dialect, self.url, picture_folder)
        self.control = Control(self)
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start answering."""
        return self.start()

    def __exit__(self, *exception: object) -> None:
        """Stop, whatever is under way."""
        self.stop()

    def start(self) -> Self:
        """Answer requests in threads of their own; returns at once."""
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def serve(self) -> None:
        """Answer requests until interrupted; returns after `stop` from another thread."""
        self._http.serve_forever(0.5)

    def stop(self) -> None:
        """Stop quickly: waiting and hanging requests are cut off."""
        self.stopping.set()
        if self._thread is not None:
            self._http.shutdown()
            self._thread.join(5)
            self._thread = None
        self._http.close_everything()

    def clear(self) -> None:
        """Forget the requests met so far and end all faults."""
        self.requests.clear()
        self.faults.clear()

    @property
    def connection_count(self) -> int:
        """How many connections were opened so far; with keep-alive fewer than requests."""
        return self._http.accepted

    def token_for(self, person: Person, scopes: str = "read") -> str:
        """Return an access token for somebody of this world."""
        return self.world.token_for(person, scopes)

    def handle(self, request: Request) -> Delivery:
        """Return what to send for a request, with the faults that hit it."""
        if request.path.startswith("/_sandbox"):
            with self.world.lock:
                return Delivery(self.control.answer(request))
        hits = self.faults.strike(request)
        wait = sum(fault.options["seconds"] for fault in hits if fault.kind == "latency")
        fault = next((hit for hit in hits if hit.kind != "latency"), None)
        if wait:
            self.stopping.wait(wait)
        if fault is not None and replaces_answer(fault):
            return deliver(fault, request, Answer(), self.url)
        if request.path.startswith("/storage/"):
            # Pictures are slow to draw and change nothing: no need to keep others waiting.
            answer = self.router.answer(request)
        else:
            with self.world.lock:
                self.world.catch_up()
                answer = self.router.answer(request)
        if fault is None:
            return Delivery(answer)
        return deliver(fault, request, answer, self.url)


class _Listener(ThreadingHTTPServer):
    """Accepts connections and remembers them, so that stopping can end those that wait."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    sandbox: SandboxServer

    def __init__(self, *arguments: Any) -> None:
        self.connections: set[socket.socket] = set()
        self.connections_lock = threading.Lock()
        self.accepted = 0
        super().__init__(*arguments)

    def server_bind(self) -> None:
        # The standard class looks its own name up here, which can take seconds without a resolver.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.connections_lock:
            self.connections.add(request)
            self.accepted += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self.connections_lock:
            self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.debug("A connection ended badly: %s", sys.exc_info()[1])

    def close_everything(self) -> None:
        self.server_close()
        with self.connections_lock:
            open_ones, self.connections = self.connections, set()
        for connection in open_ones:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    """Reads requests and sends deliveries; knows nothing of what they mean."""

    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    sys_version = ""
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Listener

    def handle_any(self) -> None:
        """Answer one request."""
        sandbox = self.server.sandbox
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self._read_body(headers)
        seen = SeenRequest(self.command, unquote(path), query, headers, time.monotonic())
        if not path.startswith("/_sandbox"):
            sandbox.requests.append(seen)
        request = Request(self.command, unquote(path), query, headers, body)
        try:
            delivery = sandbox.handle(request)
        except Exception:
            logger.exception("The sandbox itself failed on %s %s", self.command, path)
            delivery = Delivery(Answer({"error": "The sandbox itself failed, see its log."}, 500))
        if delivery.answer is not None:
            seen.status = delivery.answer.status
        self._send(delivery)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = handle_any  # noqa: N815

    def _read_body(self, headers: dict[str, str]) -> bytes:
        length = headers.get("content-length", "0")
        size = int(length) if length.isdigit() else 0
        return self.rfile.read(min(size, LARGEST_BODY)) if size else b""

    def _send(self, delivery: Delivery) -> None:
        stopping = self.server.sandbox.stopping
        if delivery.hang_seconds:
            self._wait_for_end(delivery.hang_seconds)
        if delivery.answer is None or stopping.is_set():
            self._break_off()
            return
        answer = delivery.answer
        body = b"" if delivery.filler_bytes else answer.encoded()
        self.send_response(answer.status)
        length = delivery.filler_bytes or len(body)
        headers = {"Content-Type": answer.content_type} | COMMON_HEADERS | answer.headers
        for name, value in (headers | {"Content-Length": str(length)}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if delivery.filler_bytes:
            self._send_filler(delivery.filler_bytes)
        elif delivery.drip_seconds:
            for start in range(0, len(body), delivery.drip_chunk):
                self.wfile.write(body[start : start + delivery.drip_chunk])
                self.wfile.flush()
                if stopping.wait(delivery.drip_seconds):
                    return
        elif delivery.keep is not None:
            self.wfile.write(body[: int(len(body) * delivery.keep)])
            self.wfile.flush()
            self._break_off()
        else:
            self.wfile.write(body)

    def _send_filler(self, size: int) -> None:
        """Send a well-formed JSON list of `size` bytes without holding it in memory."""
        self.wfile.write(b"[")
        left, block = size - 2, b" " * 65536
        while left > 0 and not self.server.sandbox.stopping.is_set():
            self.wfile.write(block[:left])
            left -= min(left, len(block))
        self.wfile.write(b"]")

    def _wait_for_end(self, seconds: float) -> None:
        """Wait without an answer until the client goes away, time is up or the server stops."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.server.sandbox.stopping.wait(0.1):
            readable, _, _ = select.select([self.connection], [], [], 0)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                return

    def _break_off(self) -> None:
        """End the connection without a word more."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    def version_string(self) -> str:
        """Name the software as the recordings do not: this is a sandbox."""
        return self.server_version

    def log_message(self, format: str, *arguments: Any) -> None:
        """Keep the standard access log out of the way."""
        logger.debug(format, *arguments)
