"""OAuth at any instance: registering PostFlow, the way to the consent page, codes and tokens.

Requests only, no database. Facts: api-facts 1.2 to 1.4, recordings 007 to 023 and 303 to 312. Servers say the
same thing in several ways, so a refusal is told by its words: Pixelfed up to 0.12 answers it with status 500.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from core import http

APP_NAME = "PostFlow"
SCOPE = "read"
# A person waits for most of these, so they get a third of what a visit grants.
PATIENCE = 1 / 3
# A token is renewed when this much of its life is over: for the usual year that leaves 73 days of trying.
RENEW_AFTER = 0.8
LONGEST_LIFE_SECONDS = 20 * 365 * 86400
MAX_ANSWER_BYTES = 256 * 1024

# What may stand in a header or a form field: no space, no control character.
_TOKEN = re.compile(r"[\x21-\x7e]{1,20000}")
_CLIENT_ID = re.compile(r"[\x21-\x7e]{1,255}")
_WRONG_CLIENT = ("invalid_client", "client authentication failed")
_WRONG_GRANT = (
    "invalid_grant",
    "invalid_request",
    "the refresh token is invalid",
    "the request is missing a required parameter",
    "the provided authorization grant",
    "authorization code",
    "code_verifier",
)


class OAuthError(Exception):
    """The instance did not do its part. The text is a sentence for the person; it holds no secret."""


class Trouble(OAuthError):
    """The instance is down, slow or throttled: the same may work later."""


class AppForgotten(OAuthError):
    """The instance does not know our registration any more: register again."""


class GrantRefused(OAuthError):
    """The code or refresh token is used, too old or wrong: only a new consent helps."""


class NoOAuth(OAuthError):
    """The instance registers no apps: its people have to paste a token."""


@dataclass(frozen=True, slots=True)
class Client:
    """Our registration at an instance."""

    instance_url: str
    redirect_uri: str
    client_id: str
    client_secret: str = field(repr=False)

    @property
    def host(self) -> str:
        """The instance, as people write it."""
        return self.instance_url.partition("://")[2]


@dataclass(frozen=True, slots=True)
class Grant:
    """What a code or a refresh token brought. Times are None where the token never ends."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime | None
    renew_at: datetime | None


@sensitive_variables()
def register_app(instance_url: str, *, redirect_uri: str) -> Client:
    """Register PostFlow at an instance (POST /api/v1/apps).

    Raises:
        NoOAuth: it registers none.
        OAuthError: it did not answer, or with something else.
    """
    # Exactly one address: with two, a real server chokes on its own stored string (recording 367).
    form = {
        "client_name": APP_NAME,
        "redirect_uris": redirect_uri,
        "scopes": SCOPE,
        "website": settings.FETCH_CONTACT,
    }
    host = instance_url.partition("://")[2]
    answer = _post(instance_url, "/api/v1/apps", form)
    if answer.status in (404, 405, 410):
        raise NoOAuth(f"{host} lets no apps register.")
    data = _read(answer, host=host)
    client_id, client_secret = str(data.get("client_id")), data.get("client_secret")
    is_usable = isinstance(data.get("client_id"), str | int) and _CLIENT_ID.fullmatch(client_id)
    if not is_usable or not isinstance(client_secret, str) or not _TOKEN.fullmatch(client_secret):
        raise OAuthError(f"{host} answered the registration of PostFlow with something else.")
    return Client(instance_url, redirect_uri, client_id, client_secret)


@sensitive_variables()
def is_known(client: Client) -> bool:
    """Tell whether the instance still knows the registration (POST /oauth/token with a code that is none).

    The client is checked before the code (recordings 014 and 021), so this leaves nothing behind there. The
    consent page of a forgotten app would be an error page at the instance, from which nobody comes back.

    Raises:
        Trouble: the instance did not answer.
    """
    try:
        _token(
            client, {"grant_type": "authorization_code", "code": "none", "redirect_uri": client.redirect_uri}
        )
    except AppForgotten:
        return False
    except Trouble:
        raise
    except OAuthError:
        pass
    return True


@sensitive_variables()
def consent_address(client: Client, *, state: str, verifier: str, sign_in_anew: bool) -> str:
    """Return the address of the instance's consent page.

    Args:
        sign_in_anew: let people sign in as somebody else there. Servers that do not know `prompt` ignore it.
    """
    digest = hashlib.sha256(verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uri,
        "scope": SCOPE,
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    if sign_in_anew:
        query["prompt"] = "login"
    return f"{client.instance_url}/oauth/authorize?{urlencode(query)}"


def new_secret() -> str:
    """Return a random text for a state or a PKCE verifier: 43 characters, as RFC 7636 asks for at least."""
    return secrets.token_urlsafe(32)


@sensitive_variables()
def exchange_code(client: Client, *, code: str, verifier: str) -> Grant:
    """Return the tokens for a code (POST /oauth/token).

    Raises:
        AppForgotten: our registration is gone there.
        GrantRefused: the code is used, too old or not for us.
        OAuthError: the instance did not answer, or with something else.
    """
    if not _TOKEN.fullmatch(code):
        raise GrantRefused(f"{client.host} sent a damaged approval.")
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client.redirect_uri,
        "code_verifier": verifier,
    }
    return _grant(_token(client, form), host=client.host)


@sensitive_variables()
def renew(client: Client, *, refresh_token: str) -> Grant:
    """Return the next pair of tokens (POST /oauth/token); the old pair is dead from now on (recording 309).

    Raises:
        AppForgotten, GrantRefused: there is no way to renew; only a new consent helps.
        OAuthError: the instance did not answer, or with something else.
    """
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "scope": SCOPE}
    return _grant(_token(client, form), host=client.host)


@sensitive_variables()
def revoke(client: Client, *, token: str) -> bool:
    """Give a token back (POST /oauth/revoke). Returns whether it was taken: Pixelfed knows no such thing."""
    form = {"client_id": client.client_id, "client_secret": client.client_secret, "token": token}
    try:
        return 200 <= _post(client.instance_url, "/oauth/revoke", form).status < 300
    except OAuthError:
        return False


@sensitive_variables()
def _token(client: Client, form: Mapping[str, str]) -> dict[str, Any]:
    whole = {**form, "client_id": client.client_id, "client_secret": client.client_secret}
    return _read(_post(client.instance_url, "/oauth/token", whole), host=client.host)


@sensitive_variables()
def _post(instance_url: str, path: str, form: Mapping[str, str]) -> http.Answer:
    host = instance_url.partition("://")[2]
    try:
        with http.open_session() as session:
            return http.fetch(
                session,
                "POST",
                f"{instance_url}{path}",
                data=form,
                max_bytes=MAX_ANSWER_BYTES,
                timeout_seconds=settings.FETCH_TIMEOUT * PATIENCE,
            )
    except http.Unreachable as error:
        raise Trouble(f"{host} did not answer in time.") from error
    except http.AddressRefused as error:
        raise OAuthError(
            f"{host} leads into a private network; PostFlow can only reach public ones."
        ) from error
    except http.HTTPError as error:
        raise OAuthError(f"{host} answered with something that PostFlow cannot use.") from error


@sensitive_variables()
def _read(answer: http.Answer, *, host: str) -> dict[str, Any]:
    """Return a good answer's dict, or raise what a bad one means."""
    try:
        data = json.loads(answer.body)
    except (ValueError, RecursionError):
        data = None
    if 200 <= answer.status < 300 and isinstance(data, dict):
        return data
    said = _words(data)
    if any(words in said for words in _WRONG_CLIENT):
        raise AppForgotten(f"{host} no longer knows PostFlow.")
    if any(words in said for words in _WRONG_GRANT):
        raise GrantRefused(f"{host} did not accept the approval: it is used or too old.")
    if answer.status == 429 or answer.status >= 500:
        raise Trouble(f"{host} is in trouble (status {answer.status}).")
    raise OAuthError(f"{host} answered with something that PostFlow does not understand.")


def _words(data: Any) -> str:
    """Return what an OAuth error says of itself, in lower case."""
    if not isinstance(data, dict):
        return ""
    values = [data.get(name) for name in ("error", "error_description", "message")]
    return " ".join(value for value in values if isinstance(value, str)).lower()


@sensitive_variables()
def _grant(data: dict[str, Any], *, host: str) -> Grant:
    access, refresh, seconds = (data.get(name) for name in ("access_token", "refresh_token", "expires_in"))
    kind = data.get("token_type", "Bearer")
    if not isinstance(access, str) or not _TOKEN.fullmatch(access) or str(kind).lower() != "bearer":
        raise OAuthError(f"{host} approved, but sent no access that PostFlow can use.")
    if not isinstance(refresh, str) or not _TOKEN.fullmatch(refresh):
        refresh = ""
    now, life = timezone.now(), _life(seconds)
    return Grant(
        access_token=access,
        refresh_token=refresh,
        expires_at=None if life is None else now + life,
        renew_at=now + life * RENEW_AFTER if life is not None and refresh else None,
    )


def _life(seconds: Any) -> timedelta | None:
    """Return how long a token lives; None: for ever, or nobody knows."""
    if isinstance(seconds, str) and re.fullmatch(r"[0-9]{1,12}", seconds):
        seconds = int(seconds)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        return None
    return timedelta(seconds=min(seconds, LONGEST_LIFE_SECONDS))
