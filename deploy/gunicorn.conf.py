"""How gunicorn serves PostFlow: `python -m gunicorn --config deploy/gunicorn.conf.py core.wsgi`."""

import atexit
import copy
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

# The processes share what they measure. It has to be known before the settings are read.
if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="postflow-metrics-")
    atexit.register(
        lambda folder, pid: os.getpid() == pid and shutil.rmtree(folder, ignore_errors=True),
        os.environ["PROMETHEUS_MULTIPROC_DIR"],
        os.getpid(),
    )

from core import settings

bind = "127.0.0.1:8000"
# Threads, since a request mostly waits for the database. 2 x 4 fits one small machine.
worker_class = "gthread"
workers = 2
threads = 4
# The longest wait is for an instance while somebody connects an account: a third of FETCH_TIMEOUT, twice.
timeout = 60
graceful_timeout = 30
control_socket_disable = True
# Whether to believe a proxy is for the settings to say. gunicorn would take SCRIPT_NAME from a browser.
forwarded_allow_ips = ""
if Path("/dev/shm").is_dir():  # noqa: S108  # gunicorn makes files of its own there
    # Beats of a process wait for no disk.
    worker_tmp_dir = "/dev/shm"  # noqa: S108  # the same

# Never a query: an OAuth callback carries its code there. And no address of a person.
access_log_format = "%(m)s %(U)s %(s)s %(B)s bytes %(M)s ms"
logconfig_dict = copy.deepcopy(settings.LOGGING)
for name in ("gunicorn.error", "gunicorn.access"):
    logconfig_dict["loggers"][name] = {"level": "INFO", "propagate": True}


class logger_class(Logger):  # noqa: N801  # gunicorn's name for it
    """Leaves out what could open somebody's account."""

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log a failure of gunicorn's own, which it tells with the whole address."""
        super().exception(msg, *(str(arg).partition("?")[0] for arg in args), **kwargs)

    def atoms(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return what a line of the access log may hold."""
        atoms: dict[str, Any] = super().atoms(*args, **kwargs)
        atoms["U"] = re.sub(r"(/accounts/password-reset/).+", r"\1...", atoms["U"])
        return atoms


def child_exit(server: Any, worker: Any) -> None:
    """Forget the gauges of a process that ended."""
    # Not above: it decides when it is imported whether processes share.
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)
