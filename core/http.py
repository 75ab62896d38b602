"""The only way out: every request PostFlow makes to another server goes through `open_session` and `fetch`.

What answers is hostile until shown otherwise, so the address is checked after it was looked up, no redirect
is followed, and size and time of an answer are limited as a whole. No error of this module carries a token,
a header or a query string.
"""

import http.client
import io
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from django.conf import settings
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests_hardened import Config, Manager
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from core import traffic
from core.addresses import InstanceAddressError, is_public_address, normalize_instance_url

MAX_BODY_BYTES = 5 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
RETRY_AFTER_RANGE_SECONDS = (1.0, 3600.0)

Session = requests.Session

__all__ = [
    "AddressRefused",
    "Answer",
    "BodyTooLarge",
    "HTTPError",
    "InstanceAddressError",
    "Session",
    "Unreachable",
    "fetch",
    "normalize_instance_url",
    "open_session",
    "retry_after_seconds",
]


class HTTPError(Exception):
    """A request brought no answer that can be used. The text names the host and the reason, nothing else."""


class AddressRefused(HTTPError):
    """The address is not one we talk to: private, malformed, another scheme. Trying again is useless."""


class Unreachable(HTTPError):
    """No complete answer in time: unknown name, no connection, TLS failure, too slow, cut. Try later."""


class BodyTooLarge(HTTPError):
    """The body is larger than asked for, counted after decompression. Do without this answer."""


@dataclass(frozen=True)
class Answer:
    """A complete answer. Any status counts, 3xx too; header names are looked up in any case."""

    status: int
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def open_session() -> Session:
    """Return a session for one piece of work: `with open_session() as session:`. Keeps connections alive.

    It refuses private addresses (unless settings.ALLOW_PRIVATE_INSTANCES), follows no redirect, keeps no
    cookie, ignores proxies, netrc and certificates named by the environment.
    """
    config = Config(
        ip_filter_enable=False,  # our own adapter below filters, and more
        ip_filter_allow_loopback_ips=False,
        never_redirect=True,
        default_timeout=(settings.FETCH_TIMEOUT, settings.FETCH_TIMEOUT),
        user_agent_override=f"PostFlow/{settings.VERSION} (+{settings.FETCH_CONTACT})",
    )
    session: Session = Manager(config).get_session()
    session.mount("http://", _GuardedAdapter(is_https_proto=False))
    session.mount("https://", _GuardedAdapter(is_https_proto=True))
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    # Pixelfed looks at the first type only and answers HTML to anything else (api-facts 9).
    session.headers["Accept"] = "application/json"
    # A redirect that is not followed is still prepared by requests, which reads its whole body for that.
    session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]
    return session


def fetch(
    session: Session,
    method: str,
    url: str,
    *,
    params: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
    json: Any = None,
    headers: Mapping[str, str] | None = None,
    max_bytes: int = MAX_BODY_BYTES,
    timeout_seconds: float | None = None,
) -> Answer:
    """Send one request and read the whole answer, at most `max_bytes` after decompression.

    `timeout_seconds` (default settings.FETCH_TIMEOUT) is the limit for connecting, sending and reading
    together. Raises AddressRefused, Unreachable or BodyTooLarge; a status of 400 or more is no error here.
    """
    timeout = urllib3.Timeout(total=timeout_seconds or settings.FETCH_TIMEOUT)
    host = _host_of(url)
    if re.match(r"[^/?#]*//[^/?#]*@", url):
        raise AddressRefused(f"{host}: an address may not hold a user name")
    try:
        with session.request(
            method,
            url,
            params=params,
            data=data,
            json=json,
            headers=headers,
            timeout=timeout,  # type: ignore[arg-type]  # requests hands it to urllib3 as it is
            stream=True,
        ) as response:
            body = bytearray()
            for chunk in response.iter_content(CHUNK_BYTES):
                body += chunk
                if len(body) > max_bytes:
                    raise BodyTooLarge(f"{host}: the answer is larger than {max_bytes} bytes")
            traffic.count(host, traffic.result_of(response.status_code))
            return Answer(response.status_code, url, response.headers, bytes(body))
    except HTTPError:
        traffic.count(host, "unusable")
        raise
    except (OSError, ValueError, urllib3.exceptions.HTTPError, http.client.HTTPException) as error:
        # The cause is dropped on purpose: its text holds the URL with its query, or a header's value.
        translated = _translated(error, host)
        traffic.count(host, "unreachable" if isinstance(translated, Unreachable) else "unusable")
        raise translated from None


def is_listening(port: int) -> bool:
    """Tell whether something listens on this machine's 127.0.0.1:`port`; for starting servers of our own."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def retry_after_seconds(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Return how long a server asks to be left alone, in seconds from 1 to 3600; None if it does not say.

    Reads Retry-After (seconds or an HTTP date), else X-RateLimit-Reset (Unix seconds from Pixelfed, ISO 8601
    from Mastodon; api-facts 8). Ask only after a 429 or 503: Mastodon sends the reset with every answer.
    """
    found = CaseInsensitiveDict(headers)
    seconds = _seconds(found.get("Retry-After", ""), parse=parsedate_to_datetime, now=now)
    if seconds is None:
        reset = found.get("X-RateLimit-Reset", "")
        seconds = _seconds(reset, parse=datetime.fromisoformat, now=now)
        if seconds is not None and _NUMBER.fullmatch(reset.strip()):
            seconds -= now.timestamp()
    if seconds is None:
        return None
    low, high = RETRY_AFTER_RANGE_SECONDS
    return min(max(seconds, low), high)


_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or "?"
    except ValueError:
        return "?"


def _translated(error: Exception, host: str) -> HTTPError:
    if isinstance(error, InvalidIPAddress):
        return AddressRefused(f"{host}: the address is private or reserved")
    if isinstance(error, ValueError) and not isinstance(error, requests.exceptions.InvalidHeader):
        return AddressRefused(f"{host}: the address is malformed")
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return Unreachable(f"{host}: no complete answer in time")
    return Unreachable(f"{host}: the connection failed or broke off ({type(error).__name__})")


def _seconds(text: str, *, parse: Any, now: datetime) -> float | None:
    """A number as it is, a date as its distance from `now`, anything else as None."""
    if _NUMBER.fullmatch(text.strip()):
        return float(text)
    try:
        moment = parse(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp()
    except (ValueError, OverflowError):
        return None


class _TimedReader(io.RawIOBase):
    """Reads a socket until a moment, where the socket's own time-out starts anew with every read."""

    def __init__(self, reader: io.RawIOBase, sock: socket.socket) -> None:
        self._reader = reader
        self._sock = sock
        timeout = sock.gettimeout()
        self._ends = None if timeout is None else time.monotonic() + timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._ends is not None:
            # Zero would make the socket non-blocking.
            self._sock.settimeout(max(self._ends - time.monotonic(), 0.001))
        return self._reader.readinto(buffer)

    def close(self) -> None:
        self._reader.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    """Takes the read time-out for status line, headers and body together, against dripping servers."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_TimedReader(self.fp.detach(), sock))


class _TimedHTTPConnection(HTTPConnection):
    response_class = _TimedResponse


class _TimedHTTPSConnection(HTTPSConnection):
    response_class = _TimedResponse


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _TimedHTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _TimedHTTPSConnection


class _GuardedAdapter(IPFilterAdapter):
    """Looks a name up once, checks what it found and connects to exactly that (DNS rebinding)."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        if settings.ALLOW_PRIVATE_INSTANCES:
            return HTTPAdapter.build_connection_pool_key_attributes(self, request, verify, cert)  # type: ignore
        host_params, pool_kwargs = super().build_connection_pool_key_attributes(request, verify, cert)
        if not is_public_address(host_params["host"].strip("[]")):
            raise AddressRefused(f"{_host_of(request.url or '')}: the address is private or reserved")
        return host_params, pool_kwargs
