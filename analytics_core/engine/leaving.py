"""Deleting a user with everything that is held of them: at once out of sight, then gone, by a worker."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from itertools import batched
from typing import Any

from django.apps import apps
from django.contrib.auth import SESSION_KEY, get_user_model
from django.db import models, transaction
from django.utils import timezone

from analytics_core import platforms
from analytics_core.state_models import AccountCount, Departure, Export

logger = logging.getLogger(__name__)

# A task that failed or was lost is queued anew after so long.
AGAIN_AFTER = timedelta(hours=1)
ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """How many rows are held of a user. What was taken back counts too: it is a row."""

    accounts: int
    posts: int
    likes: int
    comments: int
    shares: int
    days: int
    planned: int


def belongings(user: Any) -> Belongings:
    """Return what would be deleted with a user: a handful of queries for each platform."""
    sums = {"accounts": 0, "posts": 0, "likes": 0, "comments": 0, "shares": 0, "days": 0}
    for platform in platforms.all_platforms():
        accounts = platform.account_model._default_manager.filter(user=user)
        sums["accounts"] += accounts.count()
        sums["posts"] += platform.post_model._default_manager.filter(account__user=user).count()
        for kind, model in platform.engagement_models.items():
            sums[kind] += model.objects.filter(post__account__user=user).count()
        own = AccountCount.objects.filter(platform=platform.name, account_id__in=accounts.values("pk"))
        sums["days"] += own.count()
    planned = apps.get_model("postflow", "ScheduledPost")._default_manager.filter(user=user)
    return Belongings(**sums, planned=planned.count())


def begin(user: Any) -> None:
    """Lock the user out everywhere, and have a worker delete everything."""
    from analytics_core import tasks

    with transaction.atomic():
        get_user_model()._default_manager.filter(pk=user.pk).update(is_active=False)
        departure, is_new = Departure.objects.get_or_create(user=user)
        if is_new:
            tasks.delete_user.enqueue(departure.pk)


def take_up() -> None:
    """Queue deletions anew whose task failed or was lost."""
    from analytics_core import tasks

    for departure in Departure.objects.filter(asked_at__lte=timezone.now() - AGAIN_AFTER):
        backend: Any = tasks.delete_user.get_backend()
        if not hasattr(backend, "is_queued") or not backend.is_queued(
            tasks.delete_user, departure.pk, lasts_at_most=AGAIN_AFTER
        ):
            tasks.delete_user.enqueue(departure.pk)


def finish(departure_id: str) -> bool:
    """Delete the user who asked for it, with everything. Returns whether there was one.

    Safe to run twice and to be killed: each account goes in a transaction of its own, the user last.
    """
    departure = Departure.objects.select_related("user").filter(pk=departure_id).first()
    if departure is None:
        return False
    user: Any = departure.user
    _end_sessions(user)
    _forget_export_tasks(user)
    _forget_log_entries(user)
    for platform in platforms.all_platforms():
        for account in platform.account_model._default_manager.filter(user=user):
            platform.disconnect(account)
    _forget_sign_ins(user)
    user.delete()
    logger.info("A user was deleted with everything held of them")
    return True


def _end_sessions(user: Any) -> None:
    """Delete the sessions in which the user is signed in; their content is packed, so each is opened."""
    model = apps.get_model("sessions", "Session")
    mine = []
    for session in model._default_manager.iterator():
        if session.get_decoded().get(SESSION_KEY) == str(user.pk):
            mine.append(session.pk)
    for some in batched(mine, ROWS_AT_ONCE, strict=False):
        model._default_manager.filter(pk__in=some).delete()


def _forget_export_tasks(user: Any) -> None:
    from analytics_core import tasks

    backend: Any = tasks.build_export.get_backend()
    ids = list(Export.objects.filter(user=user).values_list("pk", flat=True))
    if ids and hasattr(backend, "forget"):
        backend.forget(tasks.build_export, ids)


def _forget_log_entries(user: Any) -> None:
    """Delete what the admin noted about the user and their accounts: it writes their names down."""
    content_types = apps.get_model("contenttypes", "ContentType").objects
    entries = apps.get_model("admin", "LogEntry")._default_manager
    named: list[tuple[type[models.Model], Any]] = [(get_user_model(), [user.pk])]
    for platform in platforms.all_platforms():
        accounts = platform.account_model._default_manager.filter(user=user)
        posts = platform.post_model._default_manager.filter(account__user=user)
        named += [(each.model, each.values_list("pk", flat=True)) for each in (accounts, posts)]
    for model, pks in named:
        about = entries.filter(content_type=content_types.get_for_model(model))
        if about.exists():
            for some in batched(pks, ROWS_AT_ONCE, strict=False):
                about.filter(object_id__in=[str(pk) for pk in some]).delete()


def _forget_sign_ins(user: Any) -> None:
    """Delete what was noted of tries to sign in with the user's address, where tries are noted."""
    if not apps.is_installed("axes"):
        return
    for model in apps.get_app_config("axes").get_models():
        if any(field.name == "username" for field in model._meta.get_fields()):
            model._default_manager.filter(username__iexact=user.email).delete()
