"""`manage.py db_worker`: django-tasks-db's worker, that ends soon when told to and waits for its database."""

from __future__ import annotations

import logging
import time
from types import FrameType
from typing import Any

from django.db import InterfaceError, OperationalError, connections
from django_tasks_db.management.commands import db_worker

from core import stopping

logger = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 2.0


class Worker(db_worker.Worker):
    """Works off tasks.

    A first SIGTERM or SIGINT ends it within `stopping.GRACE_SECONDS` and the end of what is in hand; the task
    queues itself again. A database that does not answer is waited for.
    """

    def shutdown(self, signum: int, frame: FrameType | None) -> None:
        """Receive a signal: end after the task in hand, which is asked to be quick."""
        stopping.ask()
        super().shutdown(signum, frame)

    def run(self) -> None:
        """Work until told to stop, or in batch mode until nothing is left."""
        try:
            self._work()
        except SystemExit:
            # Told to stop between claiming a task and beginning it.
            self._fail_own_tasks()
            raise
        finally:
            stopping.forget()

    def _work(self) -> None:
        was_away = False
        while self.running:
            try:
                if was_away:
                    self._fail_own_tasks()
                    was_away = False
                super().run()
                return
            except (OperationalError, InterfaceError) as error:
                # The text of the error may hold the address of the database, with its password.
                logger.warning("The database does not answer (%s); trying again.", type(error).__name__)
                was_away, self.startup_delay = True, False
                connections.close_all()
                if self.running:
                    time.sleep(LOOK_AGAIN_SECONDS)

    def _fail_own_tasks(self) -> None:
        """Fail what this worker has claimed and does no more, so that it is tried again."""
        from django.tasks import task_backends

        backend: Any = task_backends[self.backend_name]
        if hasattr(backend, "fail_claimed"):
            backend.fail_claimed(worker_id=self.worker_id)


# The command has no other way to be given a worker.
db_worker.Worker = Worker  # type: ignore[misc]


class Command(db_worker.Command):
    """Starts the worker above; its options are those of django-tasks-db."""
