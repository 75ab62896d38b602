"""Export of everything that a user has: who builds the file, what becomes of it, when it goes.

A run claims the export by the moment of its start. Whoever lost it, to a deletion or a second run, throws its
file away; the name stands in the row before the file does, so that a killed run leaves nothing behind.
"""

from __future__ import annotations

import errno
import logging
import tempfile
from datetime import timedelta
from functools import partial
from typing import Any

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.signals import post_delete
from django.utils import timezone

from analytics_core.engine import archive_contents
from analytics_core.state_models import Export, unguessable

logger = logging.getLogger(__name__)

KEPT_FOR = timedelta(hours=24)
# Much longer than a file takes, retries of killed workers included.
GIVEN_UP_AFTER = timedelta(hours=1)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
OPEN = (Export.State.WAITING, Export.State.BUILDING)


def start(user: Any) -> Export | None:
    """Queue an export; None: one waits or is being built already."""
    from analytics_core import tasks

    try:
        with transaction.atomic():
            export = Export.objects.create(user=user)
            tasks.build_export.enqueue(export.pk)
    except IntegrityError:
        return None
    return export


def newest(user: Any) -> Export | None:
    """Return the user's last export, unless its day is over."""
    now = timezone.now()
    mine = Export.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), user=user)
    return mine.order_by("-asked_at").first()


def build(export_id: str) -> dict[str, Any]:
    """Build an export's file and store it.

    Returns:
        rows and size_bytes; or skipped; or stopped: it waits again, and somebody has to build it anew.

    Raises:
        Exception: whatever kept it from being built; the export says failed then, and nothing is stored.
    """
    now, name = timezone.now(), f"exports/{unguessable()}.zip"
    mine = Export.objects.filter(pk=export_id)
    before = mine.filter(state__in=OPEN).select_related("user").first()
    if before is None or not mine.filter(state__in=OPEN).update(
        state=Export.State.BUILDING, started_at=now, file=name
    ):
        return {"skipped": "there is no such export to build any more"}
    if before.file:
        _delete_file(before.file)
    own = mine.filter(state=Export.State.BUILDING, started_at=now)
    try:
        with tempfile.TemporaryFile() as file:
            rows_count = archive_contents.write(before.user, file)
            size = file.tell()
            file.seek(0)
            stored = default_storage.save(name, File(file))
    except archive_contents.Interrupted:
        own.update(state=Export.State.WAITING, started_at=None)
        return {"stopped": True}
    except Exception as error:
        _delete_file(name)
        own.update(state=Export.State.FAILED, finished_at=timezone.now(), problem=_sentence(error), file="")
        raise
    done_at = timezone.now()
    values = {"finished_at": done_at, "expires_at": done_at + KEPT_FOR, "file": stored, "size_bytes": size}
    if not own.update(state=Export.State.READY, **values):
        # Deleted meanwhile, or to be built anew: what it tells is not to be told any more.
        _delete_file(stored)
        return {"stopped": True} if mine.filter(state=Export.State.WAITING).exists() else {"skipped": "gone"}
    _each_with_its_file(Export.objects.filter(user=before.user).exclude(pk=export_id))
    logger.info("An export of %s rows and %s bytes was built", rows_count, size)
    return {"rows": rows_count, "size_bytes": size}


def void(user: Any = None) -> None:
    """Take back what was built before something was forgotten: for one user, or for all.

    What is being built at this moment is built anew.
    """
    exports = Export.objects.all() if user is None else Export.objects.filter(user=user)
    exports.filter(state=Export.State.BUILDING).update(state=Export.State.WAITING, started_at=None)
    _each_with_its_file(exports.filter(state=Export.State.READY))


def tidy_up() -> None:
    """Delete exports whose day is over, and say failed of those that nobody builds any more."""
    now = timezone.now()
    over = Q(expires_at__lte=now) | Q(state=Export.State.FAILED, finished_at__lte=now - KEPT_FOR)
    _each_with_its_file(Export.objects.filter(over))
    for export in Export.objects.filter(state__in=OPEN, asked_at__lte=now - GIVEN_UP_AFTER):
        if not _is_queued(export):
            Export.objects.filter(pk=export.pk, state=export.state, started_at=export.started_at).update(
                state=Export.State.FAILED,
                finished_at=now,
                problem="The work was interrupted and not taken up again.",
            )


def delete_file_with_export() -> None:
    """Delete an export's file whenever the export is deleted, by itself or with its user."""
    post_delete.connect(_delete_file_of, sender=Export, dispatch_uid=f"{__name__}.export")


def _is_queued(export: Export) -> bool:
    from analytics_core import tasks

    backend: Any = tasks.build_export.get_backend()
    if hasattr(backend, "is_queued"):
        return backend.is_queued(tasks.build_export, export.pk, lasts_at_most=GIVEN_UP_AFTER)
    return export.started_at is None


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return "There was no room left for the file. Whoever runs this PostFlow has to make some."
    if isinstance(error, OSError):
        return "The file could not be stored."
    return "Something broke while the file was built. It is noted for whoever runs this PostFlow."


def _each_with_its_file(exports: Any) -> None:
    for export in exports:
        export.delete()


def _delete_file_of(instance: Export, **signal: Any) -> None:
    if instance.file:
        # Not before the row is really gone.
        transaction.on_commit(partial(_delete_file, instance.file), robust=True)


def _delete_file(name: str) -> None:
    """Delete a stored file; where that fails, the operator hears of it."""
    try:
        default_storage.delete(name)
    # Which errors a storage raises is its own affair.
    except Exception as error:
        logger.warning("%s could not be deleted: %s", name, error)
