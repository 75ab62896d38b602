"""Counts how other servers answered this process, and adds that to the rows of all processes."""

import threading
from collections import Counter

from django.db.models import F

_lock = threading.Lock()
_counts: Counter[tuple[str, str]] = Counter()
_is_kept = False


def keep(is_kept: bool) -> None:
    """Begin or end counting. Only a process that calls `store` from time to time may begin."""
    global _is_kept
    _is_kept = is_kept


def count(host: str, result: str) -> None:
    """Count one request that ended with `result`: `result_of` its answer, or a word for what came instead."""
    if _is_kept:
        with _lock:
            _counts[host[:255], result] += 1


def result_of(status: int) -> str:
    """Return the word for an answer with this HTTP status."""
    words = {401: "refused", 403: "refused", 404: "missing", 410: "missing", 429: "throttled"}
    if status in words:
        return words[status]
    return "ok" if status < 300 else "redirect" if status < 400 else "rejected" if status < 500 else "error"


def store() -> None:
    """Add what was counted since the last time to the table. Raises DatabaseError, and then loses nothing."""
    from core.models import HostRequests

    with _lock:
        taken = dict(_counts)
    for (host, result), number in taken.items():
        row, _ = HostRequests.objects.get_or_create(host=host, result=result)
        HostRequests.objects.filter(pk=row.pk).update(count=F("count") + number)
        with _lock:
            _counts[host, result] -= number
            if not _counts[host, result]:
                del _counts[host, result]
