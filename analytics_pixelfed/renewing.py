"""Tokens that end are renewed in good time, by whoever reads the account next."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from analytics_core.engine import hosts
from pixelfed import oauth
from pixelfed.models import MastodonAccount, is_readable

from .connecting import client_of, token_values

logger = logging.getLogger(__name__)

# Longer than one request may take, so that a killed process holds nobody up for long, and often enough: the
# tokens of real servers have months left when they are due.
TRY_AGAIN = timedelta(hours=1)


@sensitive_variables()
def renew_token(account: MastodonAccount) -> bool:
    """Renew the account's token if it is time. Returns whether `account` holds another one now.

    Pixelfed ends both old tokens when it gives new ones, so there is one chance to keep the answer:

    1. A conditional update puts the next try off; of two processes at once a single one asks.
    2. The new pair is stored before anybody uses it, unless the owner has connected the account meanwhile.

    A failure is nobody's trouble yet: the old token is good until its end, or the visit hears that it is not.
    """
    due_at = account.token_renew_at
    if due_at is None or due_at > timezone.now():
        return False
    rows = MastodonAccount.objects.filter(pk=account.pk, token_stored_at=account.token_stored_at)
    put_off_to = timezone.now() + TRY_AGAIN
    if not rows.filter(token_renew_at=due_at).update(token_renew_at=put_off_to):
        # Somebody else asks, or has a newer one already.
        return _reload(account)
    account.token_renew_at = put_off_to
    client = client_of(account)
    if client is None or not account.refresh_token:
        rows.update(refresh_token=None, token_renew_at=None)
        return False
    if not is_readable(account.refresh_token) or not is_readable(client.client_secret):
        # The right key may come back; what it opens is not to be lost, and what it hides not to be sent.
        logger.warning("%s: its access cannot be renewed: no key opens it", account)
        return False
    turn = hosts.Turn()
    turn.wait(account.host)
    try:
        grant = oauth.renew(client, refresh_token=account.refresh_token)
    except (oauth.AppForgotten, oauth.GrantRefused) as error:
        # Only a new consent helps. Until its end the token may still be good.
        logger.warning("%s: its access cannot be renewed: %s", account, error)
        rows.update(refresh_token=None, token_renew_at=None)
        account.refresh_token = account.token_renew_at = None
        return False
    except oauth.OAuthError as error:
        logger.warning("%s: its access could not be renewed yet: %s", account, error)
        return False
    finally:
        turn.end(account.host)
    values = token_values(grant)
    if not grant.refresh_token:
        values["token_renew_at"] = None
    is_stored = bool(rows.update(**values))
    logger.info("%s: its access was renewed", account)
    if not is_stored:
        return _reload(account)
    for name, value in values.items():
        setattr(account, name, value)
    return True


def _reload(account: MastodonAccount) -> bool:
    """Take over the token that is stored now. Returns whether it is another one."""
    stored_at = account.token_stored_at
    fields = ["access_token", "refresh_token", "token_stored_at", "token_expires_at", "token_renew_at"]
    account.refresh_from_db(fields=fields)
    return account.token_stored_at != stored_at
