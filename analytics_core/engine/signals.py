"""What changes daily totals from outside: another time zone, and rows that somebody deletes.

The engine itself deletes no post. An operator may, in the admin, and who leaves takes everything along: an
account deleted in any way leaves no more behind than one that was disconnected.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db.models.signals import post_delete, post_save

from analytics_core import platforms
from analytics_core.engine import forgetting, ledger
from analytics_core.models import Ledger
from analytics_core.platforms import Platform


def connect_users() -> None:
    """Count the days of a user's accounts anew when their time zone changes."""
    post_save.connect(_user_saved, sender=get_user_model(), dispatch_uid=f"{__name__}.user")


def connect_platform(platform: Platform) -> None:
    """Keep a platform's daily totals right when posts or accounts are deleted."""
    for model, receiver in ((platform.post_model, _post_deleted), (platform.account_model, _account_deleted)):
        post_delete.connect(receiver, sender=model, dispatch_uid=f"{__name__}.{model._meta.label}")


def _user_saved(instance: Any, created: bool, update_fields: Any = None, **signal: Any) -> None:
    if created or (update_fields is not None and "time_zone" not in update_fields):
        return
    for platform in platforms.all_platforms():
        accounts = platform.accounts().filter(user=instance).values("pk")
        stale = Ledger.objects.filter(platform=platform.name, account_id__in=accounts)
        for account_id in stale.exclude(time_zone=instance.time_zone).values_list("account_id", flat=True):
            _rebuild_later(platform, account_id)


def _post_deleted(sender: type[Any], instance: Any, origin: Any = None, **signal: Any) -> None:
    # Of all posts that one deletion takes along, the first of each account is enough.
    noted = vars(origin).setdefault("_accounts_noted", set()) if origin is not None else set()
    if instance.account_id in noted:
        return
    noted.add(instance.account_id)
    for platform in platforms.all_platforms():
        if platform.post_model is sender and ledger.void(platform, instance.account_id):
            _rebuild_later(platform, instance.account_id)


def _account_deleted(sender: type[Any], instance: Any, **signal: Any) -> None:
    for platform in platforms.all_platforms():
        if platform.account_model is sender:
            forgetting.forget_rows(platform, instance.pk)


def _rebuild_later(platform: Platform, account_id: int) -> None:
    from analytics_core.tasks import rebuild_totals

    rebuild_totals.enqueue(platform.name, account_id)
