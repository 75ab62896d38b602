"""Everything that can go wrong with a server, on command and for chosen requests only."""

from __future__ import annotations

import fnmatch
import itertools
import re
import threading
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from pixelfed.sandbox.answers import HTML, Answer, Request, error_page, redirect_page

NGINX_PAGE = (
    "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n"
    "<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n"
)
REASONS = {
    429: "Too Many Requests",
    500: "Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}

KINDS: dict[str, dict[str, Any]] = {
    "latency": {"seconds": 1.0},
    "hang": {"seconds": 3600.0},
    "drip": {"seconds": 0.05, "chunk": 1},
    "drop": {},
    "cut": {"keep": 0.5},
    "status": {"status": 500, "html": False, "error": None, "headers": {}},
    "rate_limit": {
        "retry_after": None,
        "reset": None,
        "seconds": 30,
        "html": False,
        "status": 429,
        "error": None,
    },
    "html": {},
    "broken_json": {},
    "empty": {"status": 200},
    "huge": {"size": 50_000_000},
    "wrong_type": {"value": {"unexpected": True}},
    "redirect": {"location": "/elsewhere", "status": 302},
    "link": {"value": "self"},
    "dead_token": {"form": "500"},
}
"""Each kind of fault with its options and their defaults; times are seconds, sizes are bytes."""


@dataclass(eq=False)
class Fault:
    """One thing that goes wrong: `kind` with `options`, for requests that match, `times` times.

    `path` is a shell pattern, or a regular expression after `re:`; it is tried on the path and on the path
    with its query. The first `skip` matching requests are let through.
    """

    kind: str
    path: str = "*"
    times: int | None = None
    skip: int = 0
    method: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    id: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        """Check kind and options; anything unknown raises ValueError with the known ones."""
        if self.kind not in KINDS:
            raise ValueError(f"Unknown kind of fault {self.kind!r}; known are {', '.join(KINDS)}.")
        unknown = set(self.options) - set(KINDS[self.kind])
        if unknown:
            known = ", ".join(KINDS[self.kind]) or "none"
            raise ValueError(f"{self.kind} takes no {', '.join(sorted(unknown))}; its options are {known}.")
        self.options = KINDS[self.kind] | self.options
        if self.path.startswith("re:"):
            re.compile(self.path[3:])

    def matches(self, request: Request) -> bool:
        """True if the request is one of those meant, whatever has been used up."""
        if self.method is not None and self.method.upper() != request.method:
            return False
        address = f"{request.path}?{request.query_string}" if request.query_string else request.path
        if self.path.startswith("re:"):
            return re.search(self.path[3:], address) is not None
        return fnmatch.fnmatchcase(request.path, self.path) or fnmatch.fnmatchcase(address, self.path)

    @property
    def is_used_up(self) -> bool:
        """True if it has struck as often as it should."""
        return self.times is not None and self.hits - self.skip >= self.times


@dataclass
class Delivery:
    """An answer and how it is sent: late, slowly, cut short, or not at all."""

    answer: Answer | None
    hang_seconds: float = 0.0
    drip_seconds: float = 0.0
    drip_chunk: int = 1
    keep: float | None = None
    drop: bool = False
    filler_bytes: int = 0


class Faults:
    """The faults of one server; safe to change while requests are under way."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self.active: list[Fault] = []

    def add(
        self,
        kind: str,
        path: str = "*",
        *,
        times: int | None = None,
        skip: int = 0,
        method: str | None = None,
        **options: Any,
    ) -> Fault:
        """Add a fault (see `Fault` and `KINDS`) and return it; ValueError for one that cannot be."""
        fault = Fault(kind, path, times, skip, method, options)
        fault.id = next(self._numbers)
        with self._lock:
            self.active.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """End one fault; nothing happens if it is gone."""
        with self._lock:
            self.active = [other for other in self.active if other is not fault]

    def clear(self) -> None:
        """End all faults."""
        with self._lock:
            self.active = []

    def strike(self, request: Request) -> list[Fault]:
        """Return the faults that hit this request and count them: all delays, and one of the others."""
        found: list[Fault] = []
        with self._lock:
            for fault in self.active:
                if fault.is_used_up or not fault.matches(request):
                    continue
                if fault.kind != "latency" and any(other.kind != "latency" for other in found):
                    continue
                fault.hits += 1
                if fault.hits > fault.skip:
                    found.append(fault)
        return found


def replaces_answer(fault: Fault) -> bool:
    """True if the fault's answer stands for the real one, which is then not even made."""
    return fault.kind not in {"latency", "drip", "cut", "broken_json", "link"}


def deliver(fault: Fault, request: Request, answer: Answer, origin: str) -> Delivery:
    """Return what becomes of `answer` under one fault (not for `latency`)."""
    options = fault.options
    match fault.kind:
        case "hang":
            return Delivery(None, hang_seconds=options["seconds"])
        case "drop":
            return Delivery(None, drop=True)
        case "drip":
            return Delivery(answer, drip_seconds=options["seconds"], drip_chunk=options["chunk"])
        case "cut":
            return Delivery(answer, keep=options["keep"])
        case "huge":
            return Delivery(Answer("", 200), filler_bytes=options["size"])
        case "broken_json":
            half = answer.encoded()[: max(1, len(answer.encoded()) // 2)]
            return Delivery(Answer(half, answer.status, answer.content_type, answer.headers))
        case "link":
            answer.headers["Link"] = _bad_link(str(options["value"]), request, origin)
            return Delivery(answer)
    return Delivery(_substitute(fault, request, origin))


def _substitute(fault: Fault, request: Request, origin: str) -> Answer:
    options = fault.options
    match fault.kind:
        case "status":
            headers = {name: str(value) for name, value in options["headers"].items()}
            return _failure(options["status"], options["html"], options["error"], headers)
        case "rate_limit":
            return _failure(options["status"], options["html"], options["error"], _limit_headers(options))
        case "html":
            return Answer(error_page(200), 200, HTML)
        case "empty":
            return Answer(b"", options["status"])
        case "wrong_type":
            return Answer(options["value"], 200)
        case "redirect":
            target = str(options["location"])
            answer = redirect_page(target if "://" in target else origin + target)
            answer.status = options["status"]
            return answer
    return _dead_token(str(options["form"]), origin)


def _failure(status: int, html: bool | str, error: str | None, headers: dict[str, str]) -> Answer:
    """Return an error as the application makes it, or with `html="nginx"` the server in front of it."""
    words = REASONS.get(status, "Error")
    if html and html != "nginx":
        return Answer(error_page(status), status, HTML, headers)
    if html:
        return Answer(NGINX_PAGE.format(f"{status} {words}"), status, "text/html", headers)
    return Answer({"error": words if error is None else error}, status, headers=headers)


def _limit_headers(options: dict[str, Any]) -> dict[str, str]:
    """Return the headers that say when to come back, in the ways servers in the wild say it."""
    seconds = float(options["seconds"])
    until = time.time() + seconds
    words = {
        "seconds": str(int(seconds)),
        "date": formatdate(until, usegmt=True),
        "epoch": str(int(until)),
        "iso": time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(until)),
    }
    headers = {}
    if options["retry_after"]:
        headers["Retry-After"] = words.get(options["retry_after"], str(options["retry_after"]))
    if options["reset"]:
        headers["X-RateLimit-Limit"] = "300"
        headers["X-RateLimit-Remaining"] = "0"
        headers["X-RateLimit-Reset"] = words.get(options["reset"], str(options["reset"]))
    return headers


def _bad_link(value: str, request: Request, origin: str) -> str:
    """Return a Link header that leads nowhere good: `self`, `elsewhere`, or what was given."""
    address = request.path + (f"?{request.query_string}" if request.query_string else "")
    if value == "self":
        return f'<{origin}{address}>; rel="next", <{origin}{address}>; rel="prev"'
    if value == "elsewhere":
        mark = "&" if "?" in address else "?"
        cursor = "eyJpZCI6MSwiX3BvaW50c1RvTmV4dEl0ZW1zIjp0cnVlfQ"
        bad = f"http://elsewhere.invalid{address}{mark}cursor={cursor}&max_id=1"
        return f'<{bad}>; rel="next", <{bad}>; rel="prev"'
    return value


def _dead_token(form: str, origin: str) -> Answer:
    """Return one of the three ways in which servers say that a token is dead."""
    if form == "302":
        return redirect_page(f"{origin}/login")
    if form == "401":
        return Answer({"error": "The access token was revoked"}, 401)
    return Answer({"error": "Unauthenticated."}, 500)
