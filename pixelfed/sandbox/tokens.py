"""Access tokens, refresh tokens and codes that carry their own proof, so that they survive a restart.

They look like the real ones (a JWT of about 1000 characters, a hexadecimal code of about 700) and are signed
with the world's secret by HMAC; nobody but this sandbox understands them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass

ACCESS_SECONDS = 365 * 86400
REFRESH_SECONDS = 400 * 86400
CODE_SECONDS = 600
HEADER = base64.urlsafe_b64encode(b'{"typ":"JWT","alg":"RS256"}').decode().rstrip("=")
SIGNATURE_BYTES = 512


@dataclass(frozen=True)
class Claims:
    """What a token says: `person_id` is None for an app-only token; times are seconds since 1970."""

    kind: str
    client_id: str
    person_id: int | None
    scopes: tuple[str, ...]
    issued_at: float
    serial: str
    redirect_uri: str = ""
    challenge: str = ""
    partner: str = ""


def _signature(secret: bytes, text: bytes, length: int) -> bytes:
    """Return `length` bytes that only the holder of the secret can make."""
    block = hmac.new(secret, text, hashlib.sha512).digest()
    parts = [block]
    while sum(map(len, parts)) < length:
        block = hmac.new(secret, block, hashlib.sha512).digest()
        parts.append(block)
    return b"".join(parts)[:length]


def _pack(claims: Claims) -> bytes:
    values = {
        "aud": claims.client_id,
        "jti": claims.serial,
        "iat": claims.issued_at,
        "nbf": claims.issued_at,
        "exp": claims.issued_at + ACCESS_SECONDS,
        "sub": None if claims.person_id is None else str(claims.person_id),
        "scopes": list(claims.scopes),
        "kind": claims.kind,
    }
    if claims.redirect_uri:
        values["uri"] = claims.redirect_uri
    if claims.challenge:
        values["pkce"] = claims.challenge
    if claims.partner:
        values["for"] = claims.partner
    return json.dumps(values, separators=(",", ":")).encode()


def _unpack(payload: bytes) -> Claims | None:
    try:
        values = json.loads(payload)
        return Claims(
            kind=values["kind"],
            client_id=values["aud"],
            person_id=None if values["sub"] is None else int(values["sub"]),
            scopes=tuple(values["scopes"]),
            issued_at=float(values["iat"]),
            serial=values["jti"],
            redirect_uri=values.get("uri", ""),
            challenge=values.get("pkce", ""),
            partner=values.get("for", ""),
        )
    except (ValueError, KeyError, TypeError):
        return None


def write_access_token(secret: bytes, claims: Claims) -> str:
    """Return an access token of about 1000 characters."""
    body = base64.urlsafe_b64encode(_pack(claims)).decode().rstrip("=")
    signature = _signature(secret, body.encode(), SIGNATURE_BYTES)
    return f"{HEADER}.{body}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def read_access_token(secret: bytes, token: str, now: float) -> Claims | None:
    """Return what an access token says; None if it is malformed, forged or expired."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    expected = _signature(secret, parts[1].encode(), SIGNATURE_BYTES)
    try:
        given = base64.urlsafe_b64decode(parts[2] + "=" * (-len(parts[2]) % 4))
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
    except ValueError:
        return None
    claims = _unpack(payload) if hmac.compare_digest(given, expected) else None
    if claims is None or claims.kind not in ("access", "personal"):
        return None
    # Personal ones are made by tests and for the first run, where a year must not end them.
    return None if claims.kind == "access" and claims.issued_at + ACCESS_SECONDS < now else claims


def write_opaque(secret: bytes, claims: Claims) -> str:
    """Return a code or a refresh token: hexadecimal, about 700 characters."""
    payload = _pack(claims)
    signature = _signature(secret, payload, 32)
    filler = _signature(secret, signature, max(0, 340 - len(payload) - 32))
    return "def50200" + (len(payload).to_bytes(2) + payload + signature + filler).hex()


def read_opaque(secret: bytes, text: str, now: float) -> Claims | None:
    """Return what a code or refresh token says; None if it is malformed, forged or too old."""
    try:
        raw = bytes.fromhex(text.removeprefix("def50200"))
    except ValueError:
        return None
    length = int.from_bytes(raw[:2])
    payload, signature = raw[2 : 2 + length], raw[2 + length : 34 + length]
    if not hmac.compare_digest(signature, _signature(secret, payload, 32)):
        return None
    claims = _unpack(payload)
    if claims is None:
        return None
    lifetime = CODE_SECONDS if claims.kind == "code" else REFRESH_SECONDS
    return claims if claims.issued_at + lifetime >= now else None


def serial(secret: bytes, *parts: object) -> str:
    """Return an 80-character serial number that depends on nothing but the secret and `parts`."""
    text = "\x1f".join(map(str, parts)).encode()
    return _signature(secret, text, 40).hex()


def client_secret(secret: bytes, client_id: int, redirect_uri: str) -> str:
    """Return the 40-character secret of an app; computed, so that it holds over restarts."""
    digest = _signature(secret, f"app\x1f{client_id}\x1f{redirect_uri}".encode(), 30)
    return base64.urlsafe_b64encode(digest).decode().replace("-", "a").replace("_", "b")[:40]
