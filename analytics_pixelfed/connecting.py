"""Connecting an account: from what somebody typed to a stored token and a first visit."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.views.decorators.debug import sensitive_variables

from analytics_core.platforms import ProfileRecord
from core import http
from pixelfed import oauth
from pixelfed.models import ConnectAttempt, InstanceApp, MastodonAccount, is_readable

from . import parsing
from .answers import PixelfedAPIError, ReconnectNeeded, TryLater
from .pixelfed_client import PixelfedAPIClient
from .software import ask_software

logger = logging.getLogger(__name__)

ATTEMPT_LIFE = timedelta(hours=1)
MAX_TYPED_LENGTH = 500
# Names of software as their makers write them, for a sentence.
SOFTWARE_NAMES = {"gotosocial": "GoToSocial", "peertube": "PeerTube", "wordpress": "WordPress"}

_HANDLE = re.compile(r"(?:acct:)?@?(?P<name>[^@\s/:]+)@(?P<host>[^@\s/]+)")


class ConnectError(Exception):
    """The account cannot be connected. The text is a sentence for the person; it holds no secret.

    Attributes:
        offers_token: whether pasting a token may work instead.
    """

    def __init__(self, message: str, *, offers_token: bool = False) -> None:
        super().__init__(message)
        self.offers_token = offers_token


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """The account that was connected, and what it was before: unknown, or waiting to be connected again."""

    account: MastodonAccount
    is_new: bool
    was_waiting: bool


def read_instance(typed: str) -> str:
    """Return the instance in what somebody typed: its address, a handle or the address of a profile.

    Raises:
        ConnectError: there is none in it, or none that PostFlow talks to.
    """
    text = typed.strip()[:MAX_TYPED_LENGTH]
    if handle := _HANDLE.fullmatch(text):
        text = handle["host"]
    elif "/" in text.partition("://")[2] or ("://" not in text and "/" in text):
        text = _origin_of(text)
    try:
        return http.normalize_instance_url(text)
    except http.InstanceAddressError as error:
        raise ConnectError(str(error)) from error


@sensitive_variables()
def begin(user: Any, *, typed: str, redirect_uri: str, session_key: str) -> str:
    """Return the address of the consent page of the instance in `typed`, and note who is on the way there.

    Args:
        redirect_uri: where the instance sends people back to.
        session_key: a secret of this browser session.

    Raises:
        ConnectError: there is no such instance, it runs something else, or it does not answer.
    """
    instance_url = read_instance(typed)
    try:
        app = _app_at(instance_url, redirect_uri=redirect_uri)
    except oauth.NoOAuth as error:
        raise ConnectError(f"{error} You can paste an access token instead.", offers_token=True) from error
    except oauth.OAuthError as error:
        raise ConnectError(f"{error} Try again later.") from error
    state, verifier = oauth.new_secret(), oauth.new_secret()
    ConnectAttempt.objects.filter(created_at__lt=timezone.now() - ATTEMPT_LIFE).delete()
    ConnectAttempt.objects.create(
        user=user,
        app=app,
        state_digest=_digest(state),
        session_digest=_digest(session_key),
        verifier=verifier,
    )
    # Whoever has a working account there wants another one, or the browser would bring the same back.
    has_working = MastodonAccount.objects.filter(user=user, instance_url=instance_url)
    return oauth.consent_address(
        _client(app),
        state=state,
        verifier=verifier,
        sign_in_anew=has_working.exclude(state=MastodonAccount.State.RECONNECT).exists(),
    )


def take_attempt(user: Any, *, state: str, session_key: str) -> ConnectAttempt | None:
    """Return the attempt that this user began in this session, and use it up; None: there is none.

    Of two requests with one state a single one gets it. Somebody else's attempt stays as it is.
    """
    attempt = _attempts(user, session_key).filter(state_digest=_digest(state)).first()
    if attempt is None or not ConnectAttempt.objects.filter(pk=attempt.pk).delete()[0]:
        return None
    return attempt


def latest_attempt(user: Any, *, session_key: str) -> ConnectAttempt | None:
    """Return what was begun last in this session, for a sentence: a denial may not say what it denies."""
    return _attempts(user, session_key).order_by("-pk").first()


@sensitive_variables()
def finish(attempt: ConnectAttempt, *, code: str) -> Connected:
    """Make a connected account of the code that the instance sent.

    Raises:
        ConnectError: the instance does not give a token for it, or does not tell whose it is.
    """
    app = attempt.app
    try:
        grant = oauth.exchange_code(_client(app), code=code, verifier=attempt.verifier)
    except oauth.OAuthError as error:
        raise ConnectError(f"{error} Nothing was connected; start again.") from error
    profile = _profile(app.instance_url, grant.access_token)
    return _store(attempt.user, app.instance_url, profile, grant, app=app)


@sensitive_variables()
def connect_with_token(user: Any, *, typed: str, token: str) -> Connected:
    """Connect the account that a pasted token belongs to.

    Raises:
        ConnectError: no such instance, another software, or the token is not accepted.
    """
    instance_url = read_instance(typed)
    _check_software(instance_url)
    profile = _profile(instance_url, token)
    grant = oauth.Grant(access_token=token, refresh_token="", expires_at=None, renew_at=None)
    return _store(user, instance_url, profile, grant, app=None)


def client_of(account: MastodonAccount) -> oauth.Client | None:
    """Return the registration that the account's token was given to; None: it was pasted, or is gone."""
    return _client(account.app) if account.app else None


def _attempts(user: Any, session_key: str) -> QuerySet[ConnectAttempt]:
    return ConnectAttempt.objects.select_related("app").filter(
        user=user,
        session_digest=_digest(session_key),
        created_at__gte=timezone.now() - ATTEMPT_LIFE,
    )


def _app_at(instance_url: str, *, redirect_uri: str) -> InstanceApp:
    """Return PostFlow's registration at an instance: the stored one while it is good, else a new one."""
    here = InstanceApp.objects.filter(instance_url=instance_url, redirect_uri=redirect_uri)
    app = here.first()
    if app is not None and is_readable(app.client_secret) and oauth.is_known(_client(app)):
        return app
    if app is None:
        _check_software(instance_url)
    client = oauth.register_app(instance_url, redirect_uri=redirect_uri)
    values = {"client_id": client.client_id, "client_secret": client.client_secret}
    if app is None:
        # Of two who come at once the first one's registration is kept, and the other's forgotten.
        return InstanceApp.objects.get_or_create(
            instance_url=instance_url, redirect_uri=redirect_uri, defaults=values
        )[0]
    here.filter(client_id=app.client_id).update(**values)
    return here.get()


def _check_software(instance_url: str) -> None:
    host = urlsplit(instance_url).netloc
    try:
        software = ask_software(instance_url, timeout_seconds=settings.FETCH_TIMEOUT * oauth.PATIENCE)
    except http.AddressRefused as error:
        raise ConnectError(
            f"{host} leads into a private network; PostFlow can only reach public instances."
        ) from error
    except http.HTTPError as error:
        raise ConnectError(f"{host} did not answer. Check the address, or try again later.") from error
    if not software:
        raise ConnectError(f"{host} does not look like Pixelfed. Check the address, or try again later.")
    if software != "pixelfed":
        name = SOFTWARE_NAMES.get(software, software.title())
        raise ConnectError(f"{host} runs {name}. PostFlow can read Pixelfed only, so far.")


@sensitive_variables()
def _profile(instance_url: str, token: str) -> ProfileRecord:
    host = urlsplit(instance_url).netloc
    try:
        with PixelfedAPIClient(instance_url, token) as client:
            client.retries, client.timeout_seconds = 0, settings.FETCH_TIMEOUT * oauth.PATIENCE
            profile = parsing.parse_profile(client.verify_credentials())
    except ReconnectNeeded as error:
        raise ConnectError(f"{host} does not accept this access. Nothing was connected.") from error
    except TryLater as error:
        raise ConnectError(f"{error} Nothing was connected; try again later.") from error
    except PixelfedAPIError as error:
        raise ConnectError(f"{error} Nothing was connected.") from error
    if not profile.remote_id or not profile.username:
        raise ConnectError(f"{host} does not say whose access this is. Nothing was connected.")
    return profile


@sensitive_variables()
def _store(
    user: Any, instance_url: str, profile: ProfileRecord, grant: oauth.Grant, *, app: InstanceApp | None
) -> Connected:
    """Keep the token: in the account that is there already, else in a new one."""
    values: dict[str, Any] = {
        "username": profile.username,
        "remote_id": profile.remote_id,
        "display_name": profile.display_name,
        "avatar_url": profile.avatar_url,
        "software": "pixelfed",
        "app": app,
        "state": MastodonAccount.State.ACTIVE,
        "state_reason": "",
        **token_values(grant),
    }
    # Added in the admin, an account may have a handle and no id yet.
    same = Q(remote_id=profile.remote_id) | Q(remote_id="", username__iexact=profile.username)
    own = MastodonAccount.objects.filter(same, user=user, instance_url=instance_url).order_by("-remote_id")
    try:
        with transaction.atomic():
            account = own.select_for_update().first()
            is_new = account is None
            was_waiting = account is not None and account.state == MastodonAccount.State.RECONNECT
            account = account or MastodonAccount(user=user, instance_url=instance_url)
            for name, value in values.items():
                setattr(account, name, value)
            account.save()
    except IntegrityError:
        # Another tab was faster by a moment: the account is there now.
        account, is_new, was_waiting = own.get(), False, False
        for name, value in values.items():
            setattr(account, name, value)
        account.save()
    logger.info("user %s connected %s", user.pk, account)
    return Connected(account=account, is_new=is_new, was_waiting=was_waiting)


@sensitive_variables()
def token_values(grant: oauth.Grant) -> dict[str, Any]:
    """Return the fields of an account that a new token changes."""
    return {
        "access_token": grant.access_token,
        "refresh_token": grant.refresh_token or None,
        "token_stored_at": timezone.now(),
        "token_expires_at": grant.expires_at,
        "token_renew_at": grant.renew_at,
    }


def _client(app: InstanceApp) -> oauth.Client:
    return oauth.Client(app.instance_url, app.redirect_uri, app.client_id, app.client_secret)


def _origin_of(address: str) -> str:
    """Return an address without what stands behind the host; user names stay, to be refused."""
    scheme, mark, rest = address.rpartition("://") if "://" in address else ("", "", address)
    return scheme + mark + re.split(r"[/?#\\]", rest, maxsplit=1)[0]


def _digest(secret: str) -> str:
    return salted_hmac("analytics_pixelfed.connecting", secret, algorithm="sha256").hexdigest()
