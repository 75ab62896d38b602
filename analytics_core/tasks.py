"""Background work: thin wrappers that load, call the fetcher, and queue what is left."""

from __future__ import annotations

import logging
from typing import Any

from django.tasks import task

from . import platforms, states
from .fetcher import AccountBusy
from .models import SyncRun
from .platforms import PlatformError

logger = logging.getLogger(__name__)

# Higher runs first: what a person waits for, the hourly work, what an earlier run left over.
PRIORITY_NOW = 20
PRIORITY_HOURLY = 5
PRIORITY_LEFT_OVER = 0


@task(  # type: ignore[call-overload]  # the retry options are our backend's
    queue_name="default", priority=PRIORITY_HOURLY, max_retries=2, retry_delay=300
)
def fetch_account(platform_name: str, account_id: int, run_id: int | None = None) -> dict[str, Any]:
    """Make one visit to an account; queue the next at once while there is work left.

    Failures of the other side are in the result (`errors`, `message`), not raised: they have their own
    back-off. Only a fault of ours makes the task fail and be tried again.

    Args:
        run_id: the hour's `SyncRun`, which the visit's counts are added to.
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
        try:
            stats = platform.fetcher(account).run()
        except AccountBusy:
            stats = {"skipped": "busy"}
        except PlatformError as error:
            # An address that cannot be one, for example: nothing was asked.
            stats = {"errors": 1, "message": str(error)}
    run = SyncRun.objects.filter(pk=run_id).first() if run_id is not None else None
    if run is not None:
        run.add(stats)
    if stats.get("work_left") and not stats["errors"]:
        fetch_account.using(priority=PRIORITY_LEFT_OVER).enqueue(platform_name, account_id)
    return stats


@task(queue_name="default", priority=PRIORITY_NOW)
def fetch_post(platform_name: str, post_id: int) -> dict[str, Any]:
    """Read one post's likes, comments and shares now."""
    platform = platforms.get(platform_name)
    post = platform.post_model.objects.select_related("account").filter(pk=post_id).first()
    if post is None:
        return {"skipped": "no such post any more"}
    try:
        return platform.fetcher(post.account).fetch_post_engagement(post)
    except AccountBusy:
        return {"skipped": "busy"}
    except PlatformError as error:
        return {"errors": 1, "message": str(error)}
