"""`manage.py db_worker`: django-tasks-db's worker, that ends soon when told to and waits for its database."""

from __future__ import annotations

import logging
import signal
import time
from contextlib import nullcontext, suppress
from types import FrameType
from typing import Any

from django.db import InterfaceError, OperationalError, connections
from django_tasks_db.management.commands import db_worker

from core import beats, logs, stopping

logger = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 2.0
# A batch is waited for by somebody: it gives up after so many failures.
BATCH_TRIES = 15


class Worker(db_worker.Worker):
    """Works off tasks.

    A first SIGTERM or SIGINT ends it within `stopping.GRACE_SECONDS` and the end of what is in hand; the task
    queues itself again. A database that does not answer is waited for.
    """

    def shutdown(self, signum: int, frame: FrameType | None) -> None:
        """Receive a signal: end after the task in hand, which is asked to be quick, or at once in a wait.

        Args:
            frame: what the signal interrupted. To end at once within a statement would leave the connection
                in the middle of it, neither committed nor rolled back.
        """
        is_first, is_waiting = self.running, frame is None or frame.f_code in _WAITING
        stopping.ask()
        if is_waiting or not is_first:
            super().shutdown(signum, frame)
        else:
            logger.warning("Received %s, shutting down soon.", signal.strsignal(signum))
            self.running = False

    def run(self) -> None:
        """Work until told to stop, or in batch mode until nothing is left."""
        try:
            # A batch is waited for; nobody watches whether it lives.
            with nullcontext() if self.batch else beats.heart(self.worker_id):
                self._work()
        except SystemExit:
            # Perhaps between claiming a task and beginning it.
            self._leave()
            raise
        finally:
            stopping.forget()

    def run_task(self, db_task_result: Any) -> None:
        """Run a task; every line it logs says which."""
        with logs.task(str(db_task_result.id)):
            super().run_task(db_task_result)

    def _work(self) -> None:
        failures = 0
        while self.running:
            try:
                if failures:
                    self._fail_own_tasks()
                super().run()
                return
            except (OperationalError, InterfaceError) as error:
                # The text of the error may hold the address of the database, with its password.
                reason = getattr(error.__cause__, "sqlstate", None) or type(error).__name__
                logger.warning("The database does not answer (%s); trying again.", reason)
                failures, self.startup_delay = failures + 1, False
                connections.close_all()
                if self.batch and failures >= BATCH_TRIES:
                    raise
                if self.running:
                    time.sleep(LOOK_AGAIN_SECONDS)
        # The database failed last, perhaps below a task.
        self._leave()

    def _leave(self) -> None:
        """Give back what this worker has claimed. With the database away somebody else does, in a while."""
        with suppress(OperationalError, InterfaceError):
            self._fail_own_tasks()

    def _fail_own_tasks(self) -> None:
        """Fail what this worker has claimed and does no more, so that it is tried again."""
        from django.tasks import task_backends

        backend: Any = task_backends[self.backend_name]
        if hasattr(backend, "fail_claimed"):
            backend.fail_claimed(worker_id=self.worker_id)


# Here it sleeps until it looks again; what it does for a task or with the database is in frames of their own.
_WAITING = {db_worker.Worker.run.__code__, Worker._work.__code__}

# The command has no other way to be given a worker.
db_worker.Worker = Worker  # type: ignore[misc]  # its command makes this class by name


class Command(db_worker.Command):
    """Starts the worker above; its options are those of django-tasks-db."""
