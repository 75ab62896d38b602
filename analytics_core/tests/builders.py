"""Posts with engagement, for tests about pages: any platform, any number, no client."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from analytics_core import platforms
from analytics_core.engine import ledger
from analytics_core.models import AccountState, Precision

_ids = count(1000)
# What `counted_once` has still to count: one set for each that is open.
_waiting: list[set[tuple[str, int]]] = []


def build_post(
    platform_name: str, account: Any, *, age: float = 1, is_counted: bool = True, **values: Any
) -> Any:
    """Create a post that is `age` days old, with `likes`, `comments` and `shares` current rows of each."""
    platform = platforms.get(platform_name)
    numbers = {kind: values.pop(kind, 0) for kind in ("likes", "comments", "shares")}
    posted_at = values.pop("posted_at", timezone.now() - timedelta(days=age))
    remote_id = str(next(_ids))
    post = platform.post_model.objects.create(
        **{
            platform.post_id_field: remote_id,
            "account": account,
            "instance_url": account.instance_url,
            "username": account.username,
            "media_url": f"{account.instance_url}/media/{remote_id}.jpg",
            "post_url": f"{account.instance_url}/p/{remote_id}",
            "posted_at": posted_at,
            "media_width": 1500,
            "media_height": 1000,
            **values,
        }
    )
    for kind, number in numbers.items():
        for _ in range(number):
            _add(post, kind, at=posted_at + timedelta(minutes=1))
    if is_counted:
        post.refresh_engagement_summary()
    _recount(platform_name, account.pk)
    return post


def add(post: Any, kind: str, *, at: datetime | None = None, **values: Any) -> Any:
    """Add one like, comment or share to a post; its time is exact unless `precision` says otherwise."""
    row = _add(post, kind, at=at, **values)
    _recount(post.platform, post.account_id)
    return row


@contextmanager
def counted_once() -> Iterator[None]:
    """Keep the daily totals of what is built within at the end, and not after each row."""
    _waiting.append(set())
    try:
        yield
    finally:
        for platform_name, account_id in sorted(_waiting.pop()):
            _recount(platform_name, account_id)


def _recount(platform_name: str, account_id: int) -> None:
    if _waiting:
        _waiting[-1].add((platform_name, account_id))
    else:
        ledger.rebuild(platforms.get(platform_name), account_id)


def _add(post: Any, kind: str, *, at: datetime | None = None, **values: Any) -> Any:
    model = platforms.get(post.platform).engagement_models[kind]
    number = next(_ids)
    values = {
        "account_id": str(number),
        "username": f"fan{number}",
        "precision": Precision.EXACT,
        model.HAPPENED_AT: at or timezone.now(),
        **values,
    }
    if kind == "comments":
        values = {"comment_id": str(number), "content": "Lovely", **values}
    return model.objects.create(post=post, **values)


def read(platform_name: str, account: Any, **values: Any) -> AccountState:
    """Say that an account was read to its end, now unless `last_success_at` says otherwise."""
    return AccountState.objects.create(
        platform=platform_name,
        account_id=account.pk,
        **{"last_success_at": timezone.now(), "history_is_complete": True, **values},
    )
