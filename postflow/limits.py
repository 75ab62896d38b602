"""How often somebody may do something, counted in a table that all processes share."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac

from .models import TryCount


def spend(action: str, who: object, *, at_most: int, seconds: int) -> bool:
    """Count one try of `action` by `who`; return False where none was left.

    A window of `seconds` opens with the first try and takes `at_most` of them; a refused try does not
    prolong it. `who` is told apart by its text, such as an address or a user's id, and stored as a keyed
    hash. Call it outside of a transaction: what rolls back is not counted.
    """
    if at_most < 1:
        return False
    now = timezone.now()
    ends_at = now + timedelta(seconds=seconds)
    name = salted_hmac("postflow.limits", str(who), algorithm="sha256").hexdigest()
    own = TryCount.objects.filter(action=action, who=name)
    # Each statement decides by itself, so of several processes at once only one gets what is left.
    counted = own.filter(ends_at__gt=now, count__lt=at_most)
    if counted.update(count=F("count") + 1) or own.filter(ends_at__lte=now).update(count=1, ends_at=ends_at):
        return True
    TryCount.objects.bulk_create(
        [TryCount(action=action, who=name, count=0, ends_at=ends_at)], ignore_conflicts=True
    )
    return bool(counted.update(count=F("count") + 1))


def forget_ended() -> int:
    """Delete the windows that have ended; return how many."""
    return TryCount.objects.filter(ends_at__lte=timezone.now()).delete()[0]
