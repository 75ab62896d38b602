"""Keeps our own small copy of an account's picture, so that no page asks its instance for it.

For account models with the fields `avatar_url`, `avatar`, `avatar_source`, `avatar_due_at` and
`avatar_failures_count`; accounts of others have none. It is fetched, checked and tried again as a post's
picture is.
"""

from __future__ import annotations

import logging
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.db.models.signals import post_delete
from django.utils import timezone
from django.utils.crypto import salted_hmac

from analytics_core.engine import gallery
from analytics_core.platforms import Blocked, Platform
from core import http

logger = logging.getLogger(__name__)

LONG_SIDE = 192


def is_due(account: Any) -> bool:
    """Tell whether the account's picture is to be fetched now: it is another one, or the last try failed."""
    source = _source(account)
    if not source:
        return False
    if source != account.avatar_source:
        return True
    return account.avatar_due_at is not None and account.avatar_due_at <= timezone.now()


def fetch(platform: Platform, account: Any) -> bool:
    """Fetch and keep the account's picture if it is due. Returns whether it is there now.

    A failure is logged, and tried again as that of a post's picture is. A host's pause changes nothing.
    """
    if not is_due(account):
        return False
    before = {name: getattr(account, name) for name in ("avatar_source", "avatar_due_at")}
    failures_count = account.avatar_failures_count if account.avatar_source == _source(account) else 0
    last = failures_count == len(gallery.RETRY_AFTER)
    claim: dict[str, Any] = {
        "avatar_source": _source(account),
        "avatar_due_at": None if last else timezone.now() + gallery.RETRY_AFTER[failures_count],
        "avatar_failures_count": failures_count + 1,
    }
    if not _rows(account).filter(**before).update(**claim):
        return False  # another worker has it
    own = _rows(account).filter(**claim)
    try:
        with http.open_session() as session:
            picture = gallery.download(session, account.avatar_url, long_side=LONG_SIDE)
    except gallery.NotFetched as error:
        logger.info("%s account %s has no picture: %s", platform.name, account.pk, error)
        return False
    except BaseException as error:
        # No fault of the picture: a pause, or a worker that has to stop.
        own.update(**before, avatar_failures_count=account.avatar_failures_count)
        if isinstance(error, Blocked):
            return False
        raise
    name = default_storage.save(_name(platform, account), ContentFile(picture.content))
    done = {"avatar": name, "avatar_due_at": None, "avatar_failures_count": 0}
    is_ours = bool(own.update(**done))
    # The account may be gone meanwhile, or have another picture: that is due again.
    unused = account.avatar if is_ours else name
    if unused and not _rows(account).filter(avatar=unused).exists():
        gallery.delete_file(unused)
    return is_ours


def delete_file_with(model: type[Any]) -> None:
    """Delete an account's picture whenever an account of this model is deleted."""
    if hasattr(model, "avatar_source"):
        post_delete.connect(_delete_file_of, sender=model, dispatch_uid=f"{__name__}.{model._meta.label}")


def _delete_file_of(sender: type[Any], instance: Any, **kwargs: Any) -> None:
    gallery.delete_file_later(instance.avatar)


def _rows(account: Any) -> QuerySet[Any]:
    return type(account)._default_manager.filter(pk=account.pk)


def _source(account: Any) -> str:
    """Return the picture's address without its query: servers that sign addresses write another each time."""
    url = str(getattr(account, "avatar_url", "")) if hasattr(account, "avatar_source") else ""
    return url.partition("?")[0] if gallery.origin(url) else ""


def _name(platform: Platform, account: Any) -> str:
    """Return where to keep the picture: the same whenever it is fetched anew, and not to be guessed."""
    secret = salted_hmac(__name__, f"{platform.name} {account.pk} {_source(account)}", algorithm="sha256")
    return f"thumbnails/{platform.name}/{account.pk}/{secret.hexdigest()[:32]}.webp"
