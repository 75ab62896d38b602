"""Sign-in, consent and tokens: the OAuth of the recorded server (surprises 20-22, api-facts 1.2-1.4)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import quote_plus, urlencode

from pixelfed.sandbox import answers, tokens
from pixelfed.sandbox.answers import HTML, Answer, Request, oauth_error, redirect_page
from pixelfed.sandbox.entities import Dialect, Person
from pixelfed.sandbox.layout import consent_page, sign_in_page
from pixelfed.sandbox.world import World

SCOPES = ("read", "write", "follow", "push", "admin:read", "admin:write")
DEFAULT_SCOPES = ("read", "write", "follow")
TOKEN_CALLS_PER_MINUTE = 60
DENIED = "The resource owner or authorization server denied the request."
MALFORMED = (
    "The request is missing a required parameter, includes an invalid parameter value, "
    "includes a parameter more than once, or is otherwise malformed."
)


@dataclass
class AppRequest:
    """What an app asked the signed-in person for."""

    client_id: int
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    challenge: str


@dataclass
class Session:
    """One browser at the instance; forgotten when the server stops."""

    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(30))
    person: Person | None = None
    going_to: str = ""
    pending: AppRequest | None = None


class OAuthApi:
    """The sign-in pages, `/oauth/authorize`, `/oauth/token` and the registration of apps."""

    def __init__(self, world: World, dialect: Dialect, origin: str) -> None:
        """Give tokens of `world`; sessions live as long as this object."""
        self.world, self.dialect, self.origin = world, dialect, origin
        self.sessions: dict[str, Session] = {}
        self.granted: set[tuple[int, int, tuple[str, ...]]] = set()
        self.token_calls: list[float] = []

    # Apps

    def register_app(self, request: Request) -> Answer:
        """POST /api/v1/apps: `redirect_uris` must be one string; scopes and website are ignored.

        The same name and address get the same number again: real servers count up, but numbers that depend
        on nothing else keep stored registrations good over a restart.
        """
        form = request.form()
        name, uris = form.get("client_name"), form.get("redirect_uris")
        if not name:
            raise answers.invalid("client_name", "The client name field is required.")
        if not uris:
            raise answers.invalid("redirect_uris", "The redirect uris field is required.")
        if not isinstance(uris, str):
            raise answers.invalid("redirect_uris", "The redirect uris must be a string.")
        digest = hashlib.sha256(f"{name}\x1f{uris}".encode()).digest()
        number = 6 + int.from_bytes(digest[:2])
        while self.world.apps.get(number, (name, uris)) != (name, uris):
            number += 1
        self.world.apps[number] = (str(name), uris)
        body = {
            "id": str(number),
            "name": str(name),
            "website": None,
            "redirect_uri": uris,
            "client_id": str(number),
            "client_secret": tokens.client_secret(self.world.secret, number, uris),
            "vapid_key": None,
        }
        return Answer(body, headers={"Access-Control-Allow-Origin": "*"})

    # The person's side

    def show_sign_in(self, request: Request) -> Answer:
        """GET /login."""
        key, session = self._session(request)
        return self._with_cookie(Answer(sign_in_page(self.world.title, session.csrf), 200, HTML), key)

    def sign_in_here(self, request: Request) -> Answer:
        """POST /login with name or e-mail and password; leads on to where the browser wanted to go."""
        key, session = self._session(request)
        form = request.form()
        if not hmac.compare_digest(str(form.get("_token", "")), session.csrf):
            return Answer(answers.error_page(419), 419, HTML)
        name = str(form.get("email", "")).strip().lstrip("@").split("@")[0].lower()
        person = self.world.people_by_name.get(name)
        if person is None or person.removed or person.password != form.get("password"):
            page = sign_in_page(self.world.title, session.csrf, "These credentials do not match our records.")
            return self._with_cookie(Answer(page, 422, HTML), key)
        session.person, target = person, session.going_to or f"/{person.username}"
        session.going_to = ""
        return self._with_cookie(redirect_page(self.origin + target), key)

    def sign_out(self, request: Request) -> Answer:
        """Forget who the browser belongs to."""
        key, session = self._session(request)
        session.person = None
        return self._with_cookie(redirect_page(self.origin + "/"), key)

    def show_consent(self, request: Request) -> Answer:
        """GET /oauth/authorize: sign-in first, then the page with the two buttons.

        `force_login` means nothing here, `prompt=login` and `prompt=consent` do (api-facts 1.3).
        """
        key, session = self._session(request)
        asked = self._asked_for(request)
        if isinstance(asked, Answer):
            return self._with_cookie(asked, key)
        prompt = request.get("prompt")
        if session.person is None or prompt == "login":
            query = urlencode([(name, value) for name, value in request.query if name != "prompt"])
            session.person, session.going_to = None, f"{request.path}?{query}"
            return self._with_cookie(redirect_page(self.origin + "/login"), key)
        if "\n" in self._registered_uri(asked.client_id, asked.redirect_uri):
            # The server chokes on its own stored string of two addresses (surprise 20, recording 367).
            return Answer(answers.error_page(500), 500, HTML)
        session.pending = asked
        if (asked.client_id, session.person.id, asked.scopes) in self.granted and prompt != "consent":
            return self._with_cookie(self._approved(session, session.person, asked), key)
        name = self.world.apps.get(asked.client_id, ("An app", ""))[0]
        page = consent_page(
            self.world.title,
            app=name,
            person=session.person,
            scopes=asked.scopes,
            csrf=session.csrf,
            client_id=asked.client_id,
            state=asked.state or "",
        )
        return self._with_cookie(Answer(page, 200, HTML), key)

    def decide(self, request: Request) -> Answer:
        """POST /oauth/authorize: approve, or cancel with `_method=DELETE` (013, 019, 307)."""
        key, session = self._session(request)
        form = request.form()
        asked, person = session.pending, session.person
        if person is None:
            return self._with_cookie(redirect_page(self.origin + "/login"), key)
        if asked is None or not hmac.compare_digest(str(form.get("_token", "")), session.csrf):
            return Answer(answers.error_page(419), 419, HTML)
        if str(form.get("_method", "")).upper() == "DELETE":
            session.pending = None
            values = [("error", "access_denied"), ("error_description", DENIED)]
            values += [("hint", "The user denied the request"), ("message", DENIED)]
            if asked.state is not None and self.dialect.state_when_denied:
                values.insert(0, ("state", asked.state))
            return self._with_cookie(self._send_back(asked.redirect_uri, values), key)
        return self._with_cookie(self._approved(session, person, asked), key)

    def _approved(self, session: Session, person: Person, asked: AppRequest) -> Answer:
        session.pending = None
        self.granted.add((asked.client_id, person.id, asked.scopes))
        claims = tokens.Claims(
            "code",
            str(asked.client_id),
            person.id,
            asked.scopes,
            self.world.now(),
            secrets.token_hex(20),
            redirect_uri=asked.redirect_uri,
            challenge=asked.challenge,
        )
        values = [("code", tokens.write_opaque(self.world.secret, claims))]
        if asked.state is not None:
            values.append(("state", asked.state))
        return self._send_back(asked.redirect_uri, values)

    def _asked_for(self, request: Request) -> AppRequest | Answer:
        """Check what an app asks for; an unknown scope sends a browser back to the app (api-facts 1.3)."""
        key, uri = request.get("client_id"), request.get("redirect_uri")
        number = int(key) if key.isdigit() else 0
        registered = self._registered_uri(number, uri)
        if not registered or uri not in ("", registered, *registered.split("\n")):
            raise oauth_error("invalid_client", "Client authentication failed", status=401)
        if request.get("response_type") != "code":
            words = "The authorization grant type is not supported by the authorization server."
            raise oauth_error("unsupported_grant_type", words)
        uri = uri or registered
        scopes = tuple(request.get("scope").split()) or DEFAULT_SCOPES
        if wrong := [scope for scope in scopes if scope not in SCOPES]:
            words = "The requested scope is invalid, unknown, or malformed"
            if request.wants_json:
                raise oauth_error("invalid_scope", words)
            values = [("error", "invalid_scope"), ("error_description", words)]
            return self._send_back(uri, [*values, ("hint", f"Check the `{wrong[0]}` scope")])
        challenge = request.get("code_challenge")
        if challenge:
            challenge = f"{request.get('code_challenge_method', 'plain') or 'plain'}:{challenge}"
        state = request.get("state") if request.has("state") else None
        return AppRequest(number, uri, scopes, state, challenge)

    # The app's side

    def token(self, request: Request) -> Answer:
        """POST /oauth/token for codes, refresh tokens and app-only tokens; 60 a minute (014-023, 308-310)."""
        now = self.world.now()
        self.token_calls = [at for at in self.token_calls if now - 60 < at <= now] + [now]
        left = TOKEN_CALLS_PER_MINUTE - len(self.token_calls)
        limits = {
            "X-RateLimit-Limit": str(TOKEN_CALLS_PER_MINUTE),
            "X-RateLimit-Remaining": str(max(0, left)),
        }
        if left < 0:
            raise answers.Refusal({"error": "Too Many Attempts."}, 429, 429)
        try:
            answer = self._token(request)
        except answers.Refusal as refusal:
            answer = refusal.answer(request, self.dialect, self.origin)
        answer.headers |= limits
        return answer

    def _token(self, request: Request) -> Answer:
        form = {name: str(value) for name, value in request.form().items()}
        self._take_basic_auth(request, form)
        grant = form.get("grant_type", "")
        if grant == "authorization_code":
            self._check_app(form, form.get("redirect_uri", ""))
            return self._tokens_for_code(form)
        if grant == "refresh_token":
            old = tokens.read_opaque(self.world.secret, form.get("refresh_token", ""), self.world.now())
            self._check_app(form, old.redirect_uri if old else "")
            if old is None or old.kind != "refresh" or old.client_id != form.get("client_id"):
                raise oauth_error("invalid_request", "The refresh token is invalid.", status=401)
            if old.serial in self.world.revoked_tokens:
                raise oauth_error("invalid_request", "The refresh token is invalid.", status=401)
            self.world.revoked_tokens |= {old.serial, old.partner}
            return self._issue(old.client_id, old.person_id, old.scopes, old.redirect_uri)
        if grant == "client_credentials":
            self._check_app(form, "")
            scopes = tuple(form.get("scope", "").split())
            return self._issue(form["client_id"], None, scopes, "", refreshable=False)
        if grant in ("password", ""):
            raise oauth_error("invalid_client", "Client authentication failed", status=401)
        words = "The authorization grant type is not supported by the authorization server."
        raise oauth_error("unsupported_grant_type", words)

    def _tokens_for_code(self, form: dict[str, str]) -> Answer:
        code = tokens.read_opaque(self.world.secret, form.get("code", ""), self.world.now())
        if code is None or code.kind != "code" or code.client_id != form.get("client_id"):
            raise oauth_error("invalid_request", MALFORMED, hint="Cannot decrypt the authorization code")
        if code.serial in self.world.spent_codes:
            raise oauth_error("invalid_request", MALFORMED, hint="Authorization code has been revoked")
        if code.redirect_uri != form.get("redirect_uri"):
            raise oauth_error("invalid_request", MALFORMED, hint="Invalid redirect URI")
        if code.challenge and not _verifies(code.challenge, form.get("code_verifier", "")):
            raise oauth_error("invalid_grant", "Failed to verify `code_verifier`.")
        self.world.spent_codes.add(code.serial)
        return self._issue(code.client_id, code.person_id, code.scopes, code.redirect_uri)

    def _issue(
        self,
        client_id: str,
        person_id: int | None,
        scopes: tuple[str, ...],
        redirect_uri: str,
        *,
        refreshable: bool = True,
    ) -> Answer:
        now, access_serial = self.world.now(), secrets.token_hex(40)
        access = tokens.Claims("access", client_id, person_id, scopes, now, access_serial)
        body: dict[str, object] = {
            "created_at": int(now),
            "token_type": "Bearer",
            "expires_in": tokens.ACCESS_SECONDS,
            "access_token": tokens.write_access_token(self.world.secret, access),
        }
        if refreshable:
            refresh = tokens.Claims(
                "refresh",
                client_id,
                person_id,
                scopes,
                now,
                secrets.token_hex(20),
                redirect_uri=redirect_uri,
                partner=access_serial,
            )
            body["refresh_token"] = tokens.write_opaque(self.world.secret, refresh)
        if self.dialect.oauth_scope_in_answer:
            body["scope"] = " ".join(scopes)
        headers = {"pragma": "no-cache", "Cache-Control": "no-store, private"}
        return Answer(body, 200, "application/json; charset=UTF-8", headers)

    def _check_app(self, form: dict[str, str], redirect_uri: str) -> None:
        key = form.get("client_id", "")
        number = int(key) if key.isdigit() else 0
        uri = self._registered_uri(number, redirect_uri)
        expected = tokens.client_secret(self.world.secret, number, uri)
        if not uri or not hmac.compare_digest(expected, form.get("client_secret", "")):
            raise oauth_error("invalid_client", "Client authentication failed", status=401)

    def _registered_uri(self, number: int, offered: str) -> str:
        """Return the address an app was registered with; "" if the app is not known.

        A world that restores apps believes the address after a restart: the secret, which is computed from
        it, gives a wrong one away.
        """
        known = self.world.apps.get(number, ("", ""))[1]
        return known or (offered if self.world.restores_apps and number else "")

    # Helpers

    def _session(self, request: Request) -> tuple[str, Session]:
        cookies = SimpleCookie(request.headers.get("cookie", ""))
        key = cookies["pxfs"].value if "pxfs" in cookies else ""
        if key not in self.sessions:
            key = secrets.token_urlsafe(30)
            self.sessions[key] = Session()
        return key, self.sessions[key]

    @staticmethod
    def _with_cookie(answer: Answer, key: str) -> Answer:
        answer.headers["Set-Cookie"] = f"pxfs={key}; Max-Age=5184000; path=/; httponly; samesite=lax"
        return answer

    @staticmethod
    def _send_back(uri: str, values: list[tuple[str, str]]) -> Answer:
        query = "&".join(f"{name}={quote_plus(value)}" for name, value in values)
        return Answer("", 302, HTML, {"Location": f"{uri}{'&' if '?' in uri else '?'}{query}"})

    @staticmethod
    def _take_basic_auth(request: Request, form: dict[str, str]) -> None:
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            pair = base64.b64decode(value + "=" * (-len(value) % 4)).decode("utf-8", "replace")
            name, _, word = pair.partition(":")
            form.setdefault("client_id", name)
            form.setdefault("client_secret", word)


def _verifies(challenge: str, verifier: str) -> bool:
    """True if a PKCE verifier belongs to `method:challenge`."""
    method, _, expected = challenge.partition(":")
    if method == "S256":
        digest = hashlib.sha256(verifier.encode()).digest()
        verifier = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return hmac.compare_digest(verifier, expected)
