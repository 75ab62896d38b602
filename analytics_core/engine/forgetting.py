"""Disconnecting an account: what is held of it, and how all of it is deleted."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import batched
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from analytics_core.engine import ledger
from analytics_core.models import KINDS, AccountCount, AccountState, Notice, SyncRun
from analytics_core.platforms import Platform

logger = logging.getLogger(__name__)

POSTS_AT_ONCE = 500

# These name an account by its number; a foreign key is not possible to many tables.
KEPT_BY_NUMBER: tuple[type[models.Model], ...] = (AccountState, AccountCount, Notice)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """How many rows are held of one account. What was taken back counts too: it is a row."""

    posts: int
    likes: int
    comments: int
    shares: int
    days: int


def holdings(platform: Platform, account: Any) -> Holdings:
    """Return what would be deleted with an account."""
    kinds = {
        kind: model.objects.filter(post__account=account).count()
        for kind, model in platform.engagement_models.items()
    }
    return Holdings(
        posts=platform.post_model._default_manager.filter(account=account).count(),
        days=AccountCount.objects.filter(platform=platform.name, account_id=account.pk).count(),
        **kinds,
    )


def forget_account(platform: Platform, account: Any) -> None:
    """Delete an account and everything that is held of it, its waiting tasks too.

    A visit may be under way. It ends by itself, since its posts are gone; what it still wrote by the
    account's number is deleted when its lease has run out.
    """
    from analytics_core import tasks

    account_id, now = account.pk, timezone.now()
    lease = AccountState.objects.filter(
        platform=platform.name, account_id=account_id, lease_until_at__gt=now
    ).first()
    _forget_tasks(platform, account)
    with transaction.atomic():
        # First, so that nobody counts anew what goes.
        forget_rows(platform, account_id)
        posts = platform.post_model._default_manager.filter(account=account)
        # Each as one statement: the cascade would load every row.
        for kind in KINDS:
            platform.engagement_models[kind].objects.filter(post__account=account).delete()
        platform.summary_model.objects.filter(post__account=account).delete()
        posts.delete()
        account.delete()
    if lease is not None and lease.lease_until_at is not None:
        tasks.forget_leftovers.using(run_after=lease.lease_until_at).enqueue(platform.name, account_id)
    logger.info("%s account %s was disconnected and its data deleted", platform.name, account_id)


def forget_leftovers(platform: Platform, account_id: int) -> int:
    """Delete what is kept by the number of an account that is not there any more. Returns how many rows."""
    if platform.account_model._default_manager.filter(pk=account_id).exists():
        return 0
    return forget_rows(platform, account_id)


def forget_rows(platform: Platform, account_id: int) -> int:
    """Delete what names an account by its number; for platforms to call when one is deleted in any other way.

    Returns:
        How many rows there were.
    """
    rows = [
        model._default_manager.filter(platform=platform.name, account_id=account_id)
        for model in KEPT_BY_NUMBER
    ]
    ledger.forget(platform, account_id)
    return sum(each.delete()[0] for each in rows)


def _forget_tasks(platform: Platform, account: Any) -> None:
    """Delete the account's tasks; an hour's run that counted on one goes on without it."""
    from analytics_core import tasks

    backend: Any = tasks.fetch_account.get_backend()
    if not hasattr(backend, "forget"):
        return  # another backend: its tasks find no account and do nothing
    for args in backend.forget(tasks.fetch_account, platform.name, account.pk):
        run_id = args[2] if len(args) > 2 else None
        if run_id is not None and (run := SyncRun.objects.filter(pk=run_id).first()):
            run.add({})
    for task in (tasks.audit_account, tasks.fetch_pictures, tasks.rebuild_totals):
        backend.forget(task, platform.name, account.pk)
    posts = platform.post_model._default_manager.filter(account=account).values_list("pk", flat=True)
    for some in batched(posts, POSTS_AT_ONCE, strict=False):
        backend.forget(tasks.fetch_post, platform.name, list(some))
