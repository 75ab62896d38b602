"""Requests as the sandbox sees them, answers as it gives them, and the errors in both manners.

A Pixelfed answers errors in JSON only to a client whose first accepted type is JSON, and turns most of
them into 500 (surprises 16 and 17); to anybody else it sends HTML pages and redirects.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from pixelfed.sandbox.entities import Dialect, Person

HTML = "text/html; charset=UTF-8"
JSON = "application/json"


@dataclass
class Request:
    """One request: header names are lower-case, `query` keeps order and repeats."""

    method: str
    path: str
    query_string: str
    headers: dict[str, str]
    body: bytes = b""
    viewer: Person | None = None
    scopes: tuple[str, ...] = ()
    query: list[tuple[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        """Take the query apart; empty values are kept."""
        self.query = parse_qsl(self.query_string, keep_blank_values=True)

    def get(self, name: str, default: str = "") -> str:
        """Return the last value of a query parameter."""
        return next((value for key, value in reversed(self.query) if key == name), default)

    def has(self, name: str) -> bool:
        """True if the parameter is there at all."""
        return any(key == name for key, _ in self.query)

    @property
    def wants_json(self) -> bool:
        """True if the first accepted type is JSON; the framework looks at no other (api-facts 9)."""
        first = self.headers.get("accept", "").split(",")[0].lower()
        return "/json" in first or "+json" in first

    @property
    def as_pixelfed_entity(self) -> bool:
        """True with `_pe=1`: the answer then uses Pixelfed's own entities."""
        return self.get("_pe") not in ("", "0")

    def form(self) -> dict[str, object]:
        """Return the body's fields, from a form or from JSON; {} if it is neither."""
        if "json" in self.headers.get("content-type", ""):
            try:
                value = json.loads(self.body or b"{}")
            except ValueError:
                return {}
            return value if isinstance(value, dict) else {}
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def form_lists(self) -> dict[str, object]:
        """Return a form's fields; names that end in `[]` keep all their values, in a list."""
        fields: dict[str, object] = {}
        for name, value in parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True):
            if name.endswith("[]"):
                earlier = fields.get(name, [])
                fields[name] = [*earlier, value] if isinstance(earlier, list) else [value]
            else:
                fields[name] = value
        return fields


@dataclass
class Answer:
    """One answer; `body` is bytes, text or something that JSON can hold."""

    body: object = b""
    status: int = 200
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """Return the body as bytes."""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str) and not self.content_type.startswith(JSON):
            return self.body.encode()
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(eq=False)
class Refusal(Exception):
    """An error on its way out; knows how it looks to a JSON client, to a browser and in honest dialects."""

    payload: object
    json_status: int
    html_status: int
    honest_status: int | None = None
    mastodon_error: str = ""
    location: str | None = None
    always_empty: bool = False
    json_for_all: object = None

    def answer(self, request: Request, dialect: Dialect, origin: str) -> Answer:
        """Return the answer this error becomes for that request."""
        if dialect.mastodon_errors and self.mastodon_error:
            return Answer({"error": self.mastodon_error}, self.honest_status or self.json_status)
        if self.always_empty:
            return Answer("", self.json_status, HTML)
        honest = dialect.honest_errors and self.honest_status is not None
        if honest and (request.wants_json or self.location is not None):
            return Answer(self.payload, self.honest_status or self.json_status)
        if request.wants_json:
            return Answer(self.payload, self.json_status)
        if self.json_for_all is not None:
            return Answer(self.json_for_all, self.html_status)
        if self.location is not None:
            return redirect_page(origin + self.location)
        return Answer(error_page(self.html_status), self.html_status, HTML)


def redirect_page(target: str) -> Answer:
    """Return a 302 with the small page that frameworks send along."""
    page = (
        f'<!DOCTYPE html>\n<html>\n<head><meta charset="UTF-8">'
        f'<meta http-equiv="refresh" content="0;url=\'{target}\'">'
        f'<title>Moved</title></head>\n<body><a href="{target}">{target}</a></body>\n</html>'
    )
    return Answer(page, 302, HTML, {"Location": target})


def error_page(status: int) -> str:
    """Return a plain page for a browser that met an error."""
    words = {403: "Forbidden", 404: "Not found", 405: "Not allowed", 429: "Too many requests"}
    title = words.get(status, "Something went wrong")
    head = f'<!DOCTYPE html>\n<html lang="en"><head><title>{title}</title></head>'
    return f"{head}<body><h1>{title}</h1></body></html>"


def unauthenticated() -> Refusal:
    """No token, or one that is not valid (recordings 198-200, 206-208)."""
    return Refusal(
        {"error": "Unauthenticated."},
        500,
        302,
        honest_status=401,
        mastodon_error="The access token is invalid",
        location="/login",
    )


def forbidden() -> Refusal:
    """Known, but not allowed: scope missing, suspended, or a post for followers only (104, 302, 318)."""
    return Refusal({"error": ""}, 403, 403, mastodon_error="This action is outside the authorized scopes")


def invalid(name: str, message: str) -> Refusal:
    """A parameter that fails validation (128, 211)."""
    payload = {"message": message, "errors": {name: [message]}}
    return Refusal(payload, 500, 302, honest_status=422, location="")


def no_model(number: object) -> Refusal:
    """A row that the framework looked up by its key and did not find (202, 280)."""
    payload = {"error": f"No query results for model [App\\Status] {number}"}
    return Refusal(payload, 500, 404, honest_status=404, mastodon_error="Record not found")


def not_found(message: str = "") -> Refusal:
    """A 404 the application gave itself (048, 201)."""
    return Refusal({"error": message}, 404, 404, honest_status=404, mastodon_error="Record not found")


def empty_not_found() -> Refusal:
    """The 404 without a body that a context gives, whatever was accepted (225, 279)."""
    return Refusal("", 404, 404, honest_status=404, mastodon_error="Record not found", always_empty=True)


def no_route(path: str) -> Refusal:
    """An address the server does not know (204)."""
    return Refusal({"error": f"The route {path.lstrip('/')} could not be found."}, 404, 404)


def wrong_method(method: str, path: str, allowed: list[str]) -> Refusal:
    """A known address with another method (226)."""
    words = f"The {method} method is not supported for route {path.lstrip('/')}. "
    return Refusal({"error": words + f"Supported methods: {', '.join(allowed)}."}, 405, 405)


def unprocessable(payload: object) -> Refusal:
    """A 422 the application gave itself (039, 336, 337)."""
    return Refusal(payload, 422, 422)


def oauth_error(kind: str, message: str, *, status: int = 400, hint: str | None = None) -> Refusal:
    """An OAuth error: 500 with a sentence for JSON clients, proper JSON for the rest (014, 333, 334)."""
    proper = {"error": kind, "error_description": message}
    if hint is not None:
        proper["hint"] = hint
    proper["message"] = message
    return Refusal({"error": message}, 500, status, honest_status=status, json_for_all=proper)
