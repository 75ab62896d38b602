"""Sends one request after the other to an instance, for one account: its turn, its token, its retries.

What an answer means is decided in `answers`; which requests make a whole list, in `pixelfed_client`.
"""

from __future__ import annotations

import logging
import random
import re
import threading
import time
from collections.abc import Callable
from functools import wraps
from time import sleep
from typing import Any, Self
from urllib.parse import urlsplit

from django.conf import settings

from core import http, stopping

from .answers import BadRequest, NoAnswer, PixelfedAPIError, ReconnectNeeded, WrongAnswer, read_json

logger = logging.getLogger(__name__)

RETRIES = 3

_TOKEN = re.compile(r"[\x21-\x7e]+")


def retry_on_failure[**P, R](
    max_retries: int = 3, initial_delay: float | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Call again, after a growing pause, what failed in a way that may pass.

    Args:
        max_retries: how many times to call again after the first failure.
        initial_delay: seconds before the first retry, doubled with each, plus up to a quarter of itself at
            random (default: settings.FETCH_RETRY_DELAY).

    The last failure is raised as it is; one that cannot pass (see `PlatformError.is_passing`) at once.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            delay = settings.FETCH_RETRY_DELAY if initial_delay is None else initial_delay
            for attempt in range(max_retries):
                try:
                    return function(*args, **kwargs)
                except (PixelfedAPIError, OSError) as error:
                    # Errors of the network are all OSErrors, and all may pass.
                    if isinstance(error, PixelfedAPIError) and not error.is_passing:
                        raise
                    logger.info("attempt %s of %s: %s", attempt + 1, max_retries + 1, error)
                    with stopping.breakable():
                        sleep(delay * 2**attempt * random.uniform(1, 1.25))
            return function(*args, **kwargs)

        return wrapper

    return decorate


class _Pacer:
    """Spaces this process's requests to one host, where nobody does it for all processes."""

    def __init__(self) -> None:
        self._last_at: dict[str, float] = {}
        self._locks: dict[str, threading.Lock] = {}

    def __call__(self, host: str) -> None:
        with self._locks.setdefault(host, threading.Lock()):
            passed = time.monotonic() - self._last_at.get(host, float("-inf"))
            wait = settings.FETCH_REQUEST_INTERVAL - max(passed, 0)
            if wait > 0:
                sleep(wait)
            self._last_at[host] = time.monotonic()


_pace = _Pacer()


class Sender:
    """The way to one instance with one account's token. Use it in a `with` block, or call `close`.

    Args:
        instance_url: the instance, with or without a trailing slash.
        access_token: sent to this instance's own origin and nowhere else.

    Attributes:
        requests_count: requests sent so far, retries included.
        wait_turn: called with the host before each request; returns when it may be sent. Replace it to
            share turns with other processes: by default this process alone keeps to one request per
            settings.FETCH_REQUEST_INTERVAL seconds and host.
        end_turn: called with the host when its answer is there, or will not come. Default: does nothing.
        retries: how many times to ask again after a failure that may pass.
        timeout_seconds: limit for one request; None: settings.FETCH_TIMEOUT.

    Raises:
        PixelfedAPIError: also a ValueError: the address is not that of an instance.
    """

    def __init__(self, instance_url: str, access_token: str) -> None:
        try:
            self.instance_url = http.normalize_instance_url(instance_url or "")
        except http.InstanceAddressError as error:
            raise BadRequest(str(error)) from error
        self.access_token = access_token or ""
        self.base_url = f"{self.instance_url}/api"
        self.host = urlsplit(self.instance_url).netloc
        self.requests_count = 0
        self.wait_turn: Callable[[str], None] = _pace
        self.end_turn: Callable[[str], None] = lambda host: None
        self.retries = RETRIES
        self.timeout_seconds: float | None = None
        self._session: http.Session | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.host}>"

    def close(self) -> None:
        """Close the connections. The client may be used again."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _make_request(self, endpoint: str, method: str = "GET", params: dict[str, Any] | None = None) -> Any:
        """Return the JSON that `endpoint` ("/v1/...") answers.

        Raises:
            PixelfedAPIError: after up to three retries where asking again can help.
        """
        return self._send(method, endpoint, params)[0]

    def _send(self, method: str, endpoint: str, params: dict[str, Any] | None) -> tuple[Any, str]:
        """Return a good answer's JSON and its Link header."""
        return retry_on_failure(self.retries)(self._send_once)(method, endpoint, params)

    def _send_once(self, method: str, endpoint: str, params: dict[str, Any] | None) -> tuple[Any, str]:
        if not _TOKEN.fullmatch(self.access_token):
            raise ReconnectNeeded(f"PostFlow's access to {self.host} is damaged.")
        self.wait_turn(self.host)
        self.requests_count += 1
        if self._session is None:
            self._session = http.open_session()
        # In the session rather than an argument: reports of errors show the arguments of every call.
        self._session.headers["Authorization"] = f"Bearer {self.access_token}"
        logger.debug("%s %s%s", method, self.host, endpoint)
        try:
            with stopping.breakable():
                answer = http.fetch(
                    self._session,
                    method,
                    f"{self.base_url}{endpoint}",
                    params=params,
                    timeout_seconds=self.timeout_seconds,
                )
        except http.Unreachable as error:
            raise NoAnswer(f"{self.host} did not answer.") from error
        except http.HTTPError as error:
            raise WrongAnswer(str(error)) from error
        finally:
            self.end_turn(self.host)
        logger.debug("%s %s%s: %s", method, self.host, endpoint, answer.status)
        return read_json(answer, host=self.host), answer.headers.get("Link", "")

    def _expect[T](self, shape: type[T], data: Any) -> T:
        if not isinstance(data, shape):
            raise WrongAnswer(f"{self.host} answered with something other than what was asked for.")
        return data
