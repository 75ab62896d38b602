"""The hourly task of this platform."""

from __future__ import annotations

from typing import Any

from django.tasks import task

from analytics_core import platforms
from analytics_core.engine import hourly


@task(  # type: ignore[call-overload]  # the retry options are our backend's
    queue_name="default", priority=5, max_retries=2, retry_delay=300
)
def fetch_all_pixelfed_engagement() -> dict[str, Any]:
    """Queue a visit to every Pixelfed account that is due, and this task for the next full hour.

    Returns:
        accounts_processed, posts_processed, total_new_likes, total_new_comments, total_new_shares, errors and
        requests, as far as they are known: the run's record grows as the accounts finish.
    """
    return hourly.run_hour(platforms.get("pixelfed"), fetch_all_pixelfed_engagement)
