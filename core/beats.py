"""The heartbeat of workers: a row for each that lives, for whoever watches the installation."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import Error, connection
from django.utils import timezone

from core import traffic

logger = logging.getLogger(__name__)

EVERY_SECONDS = 15.0
# Four beats may be missed, while the database is busy for example.
ALIVE = timedelta(seconds=60)
_FORGOTTEN = timedelta(days=1)


def workers_alive() -> int:
    """Return how many workers were seen within the last minute."""
    from core.models import WorkerBeat

    return WorkerBeat.objects.filter(seen_at__gt=timezone.now() - ALIVE).count()


@contextmanager
def heart(worker_id: str) -> Iterator[None]:
    """Beat beside what is inside, which may take minutes, and store what `core.traffic` counted meanwhile.

    A database that does not answer costs beats, nothing else.
    """
    is_over = threading.Event()
    traffic.keep(True)
    beating = threading.Thread(target=_beat_until, args=(is_over, worker_id), name="heart", daemon=True)
    beating.start()
    try:
        yield
    finally:
        is_over.set()
        beating.join(5)
        traffic.keep(False)


def _beat_until(is_over: threading.Event, worker_id: str) -> None:
    from core.models import WorkerBeat

    while True:
        try:
            traffic.store()
            if is_over.is_set():
                WorkerBeat.objects.filter(pk=worker_id).delete()
                return
            now = timezone.now()
            WorkerBeat.objects.update_or_create(pk=worker_id, defaults={"seen_at": now})
            WorkerBeat.objects.filter(seen_at__lt=now - _FORGOTTEN).delete()
        except Error as error:
            # The worker itself says that the database is away.
            logger.debug("A beat was missed (%s).", type(error).__name__)
            if is_over.is_set():
                return
        finally:
            # This thread's own; a connection that broke must not be kept either.
            connection.close()
        is_over.wait(EVERY_SECONDS)
