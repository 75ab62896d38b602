"""Background work: thin wrappers that load, call the fetcher, and queue what is left."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.tasks import task
from django.utils import timezone

from analytics_core import platforms, schedule
from analytics_core.engine import archive, avatars, forgetting, gallery, leaving, ledger, people, states
from analytics_core.fetcher import AccountBusy
from analytics_core.models import SyncRun
from analytics_core.platforms import Platform, PlatformError
from core import stopping

logger = logging.getLogger(__name__)

# Higher runs first: what a person waits for, the hourly work, what a host in trouble has put off, what an
# earlier visit left over.
PRIORITY_NOW = 20
PRIORITY_HOURLY = 5
PRIORITY_PUT_OFF = 3
PRIORITY_LEFT_OVER = 0
# One last request may begin when the time is up.
LONGEST_PICTURES = timedelta(seconds=2 * gallery.RUN_SECONDS)
# Rows that one task takes the names off, and how many in one transaction.
OLD_NAMES_AT_MOST = 20_000
OLD_NAMES_AT_ONCE = 1_000


@task(  # type: ignore[call-overload]  # the retry options are our backend's
    queue_name="default", priority=PRIORITY_HOURLY, max_retries=2, retry_delay=300
)
def fetch_account(
    platform_name: str, account_id: int, run_id: int | None = None, is_patient: bool = False
) -> dict[str, Any]:
    """Make one visit to an account; queue the next at once while there is work left.

    Failures of the other side are in the result (`errors`, `message`), not raised: they have their own
    back-off. Only a fault of ours makes the task fail and be tried again.

    Args:
        run_id: the hour's `SyncRun`, which the visit's counts are added to.
        is_patient: wait for a host in trouble, and ask it again. A visit that is not so is put off instead:
            a patient one follows when everybody else has had theirs.
    """
    platform = platforms.get(platform_name)
    account = platform.active_accounts().filter(pk=account_id).first()
    stats: dict[str, Any]
    if account is None:
        stats = {"skipped": "disconnected, paused or waiting to be reconnected"}
    elif run_id is not None and not states.is_due(platform, account):
        # The hour before was late, and its task has just done what this one is for.
        stats = {"skipped": "done already"}
    else:

        def visit() -> dict[str, Any]:
            fetcher = platform.fetcher(account)
            if not is_patient:
                fetcher.hurry()
            return fetcher.run(states.ProgressWriter(platform, account))

        stats = _result_of(visit, platform, account_id)
    goes_on = bool(stats.get("put_off") or stats.get("stopped"))
    run = SyncRun.objects.filter(pk=run_id).first() if run_id is not None else None
    if run is not None:
        run.add(stats, is_processed=not goes_on)
    if account is not None:
        queue_pictures(platform, account)
    if stats.get("stopped"):
        # This process is about to end; the next one makes the visit.
        priority = PRIORITY_PUT_OFF if is_patient else PRIORITY_HOURLY
        fetch_account.using(priority=priority).enqueue(platform_name, account_id, run_id, is_patient)
    elif stats.get("put_off"):
        fetch_account.using(priority=PRIORITY_PUT_OFF).enqueue(platform_name, account_id, run_id, True)
    elif retry_at := _retry_at(stats):
        later = fetch_account.using(priority=PRIORITY_PUT_OFF, run_after=retry_at)
        later.enqueue(platform_name, account_id, None, True)
    elif stats.get("work_left") and not stats["errors"]:
        fetch_account.using(priority=PRIORITY_LEFT_OVER).enqueue(platform_name, account_id)
    elif stats.get("errors") == 0 and states.begin_audit(platform, account_id):
        audit_account.enqueue(platform_name, account_id)
    return stats


@task(queue_name="default", priority=PRIORITY_LEFT_OVER)
def audit_account(platform_name: str, account_id: int) -> dict[str, Any]:
    """Read again what no counter calls for: a part of the account's lists, once a day."""
    platform = platforms.get(platform_name)
    account = platform.active_accounts().filter(pk=account_id).first()
    if account is None:
        return {"skipped": "disconnected, paused or waiting to be reconnected"}
    stats = _result_of(lambda: platform.fetcher(account).audit(), platform, account_id)
    if stats.get("stopped"):
        audit_account.enqueue(platform_name, account_id)
    return stats


@task(queue_name="default", priority=PRIORITY_NOW)
def fetch_post(platform_name: str, post_id: int) -> dict[str, Any]:
    """Read one post's likes, comments and shares now."""
    platform = platforms.get(platform_name)
    post = platform.post_model.objects.select_related("account").filter(pk=post_id).first()
    if post is None:
        return {"skipped": "no such post any more"}
    stats = _result_of(
        lambda: platform.fetcher(post.account).fetch_post_engagement(post), platform, post.account_id
    )
    if stats.get("stopped"):
        fetch_post.enqueue(platform_name, post_id)
    return stats


@task(queue_name="default", priority=PRIORITY_LEFT_OVER)
def forget_leftovers(platform_name: str, account_id: int) -> dict[str, Any]:
    """Delete what a visit under way has left of an account that was disconnected meanwhile."""
    return {"deleted": forgetting.forget_leftovers(platforms.get(platform_name), account_id)}


def _result_of(visit: Callable[[], dict[str, Any]], platform: Platform, account_id: int) -> dict[str, Any]:
    try:
        return visit()
    except (DatabaseError, LookupError):
        if platform.accounts().filter(pk=account_id).exists():
            raise
        forgetting.forget_leftovers(platform, account_id)
        return {"skipped": "disconnected meanwhile"}
    except AccountBusy:
        return {"skipped": "busy"}
    except PlatformError as error:
        # An address that cannot be one, for example: nothing was asked.
        return {"errors": 1, "message": str(error)}


def queue_pictures(platform: Platform, account: Any) -> None:
    """Have the pictures fetched that are due, unless a task for that waits or runs already."""
    if not avatars.is_due(account) and not gallery.has_due(platform, account):
        return
    backend: Any = fetch_pictures.get_backend()
    # Another backend cannot tell: two tasks keep out of each other's way, they are only one too many.
    if not hasattr(backend, "is_queued") or not backend.is_queued(
        fetch_pictures, platform.name, account.pk, lasts_at_most=LONGEST_PICTURES
    ):
        fetch_pictures.enqueue(platform.name, account.pk)


@task(queue_name="default", priority=PRIORITY_LEFT_OVER)
def fetch_pictures(platform_name: str, account_id: int) -> dict[str, Any]:
    """Fetch pictures of an account's posts that are due; queue the next task at once while there are more.

    Failures of the other side are in the result and with the posts. Only a fault of ours, such as a full
    disk, makes the task fail; the next visit tries again.
    """
    platform = platforms.get(platform_name)
    account = platform.active_accounts().filter(pk=account_id).first()
    if account is None:
        return {"skipped": "disconnected, paused or waiting to be reconnected"}
    avatars.fetch(platform, account)
    stats = gallery.fetch_due(platform, account)
    if stats["work_left"]:
        fetch_pictures.enqueue(platform_name, account_id)
    return stats


@task(queue_name="default", priority=PRIORITY_NOW)
def rebuild_totals(platform_name: str, account_id: int) -> None:
    """Count an account's likes, comments and shares by day anew: its owner's time zone has changed."""
    ledger.rebuild(platforms.get(platform_name), account_id)


@task(  # type: ignore[call-overload]  # the retry options are our backend's
    queue_name="default", priority=PRIORITY_NOW, max_retries=2, retry_delay=60
)
def build_export(export_id: str) -> dict[str, Any]:
    """Build the file of everything that a user has. One whose worker was killed is built anew."""
    stats = archive.build(export_id)
    if stats.get("stopped"):
        build_export.enqueue(export_id)
    return stats


@task(  # type: ignore[call-overload]  # the retry options are our backend's
    queue_name="default", priority=PRIORITY_NOW, max_retries=5, retry_delay=300
)
def delete_user(departure_id: str) -> dict[str, Any]:
    """Delete a user with everything. Its argument says nothing of whom: it outlives them."""
    return {"deleted": leaving.finish(departure_id)}


@task(queue_name="default", priority=PRIORITY_LEFT_OVER)
def tend_requests() -> None:
    """Take up deletions of users that were lost, and delete or end exports whose time is over."""
    leaving.take_up()
    archive.tidy_up()


@task(queue_name="default", priority=PRIORITY_LEFT_OVER)
def cover_old_names(platform_name: str) -> dict[str, Any]:
    """Take the names off what is older than settings.KEEP_ENGAGEMENT_DAYS; queue a task for the rest."""
    if not settings.KEEP_ENGAGEMENT_DAYS:
        return {"skipped": "names are kept for ever"}
    platform, done = platforms.get(platform_name), 0
    before = timezone.now() - timedelta(days=settings.KEEP_ENGAGEMENT_DAYS)
    for account in platform.account_model._default_manager.order_by("?"):
        count = OLD_NAMES_AT_ONCE
        while count == OLD_NAMES_AT_ONCE:
            if done >= OLD_NAMES_AT_MOST or stopping.is_asked():
                cover_old_names.enqueue(platform_name)
                return {"covered": done, "work_left": True}
            try:
                count = people.cover_old(platform, account, before=before, at_most=OLD_NAMES_AT_ONCE)
            except LookupError:  # disconnected meanwhile
                count = 0
            done += count
    return {"covered": done, "work_left": False}


def _retry_at(stats: dict[str, Any]) -> datetime | None:
    """Return when a host's pause ends, if that is before the next hour, which would try again anyway."""
    if "retry_at" not in stats:
        return None
    retry_at = datetime.fromisoformat(stats["retry_at"])
    return retry_at if retry_at < schedule.next_full_hour(timezone.now()) else None
