"""One load test within a PostgreSQL: fill, start what a server runs, read, tell."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import django
import requests

from tests.load.visits import SIGN_IN

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("LOAD_FOLDER", "."))
STOP_SECONDS = 30


def say(text: str) -> None:
    """Tell the person who waits."""
    print(f"{datetime.now():%H:%M:%S} {text}", flush=True)  # noqa: T201, DTZ005 for people


def main() -> int:
    """Run it; returns 1 when a page is slower than it may be or something failed."""
    from tests.load.options import parse

    options = parse()
    django.setup()
    from tests.load import report, server

    serving = server.SERVING | {"shared_buffers": options.shared_buffers}
    filled_seconds = _filled(options)
    server.restart(serving | server.WATCHING)
    facts = {
        "date": f"{datetime.now():%Y-%m-%d}",  # noqa: DTZ005
        "machine": f"{os.cpu_count()} cores, {_memory_gb():.0f} GB of memory, {platform.machine()}",
        "fill": filled_seconds,
        "options": vars(options),
        "settings": serving,
        "huge pages": server.huge_pages(),
    }
    if not options.fill_only:
        facts |= _read(options)
    text, wrong = report.make(facts, folder=FOLDER)
    file = ROOT / options.report
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    if "plans" in facts:
        file.with_name("plans.txt").write_text(report.all_plans(facts["plans"]))
    print(text)  # noqa: T201
    for sentence in wrong:
        say(f"too slow or wrong: {sentence}")
    say(f"written to {options.report}")
    return 1 if wrong else 0


def _filled(options: Any) -> float | None:
    """Fill the database unless a kept one is full; returns the seconds that took."""
    from django.core.management import call_command

    from postflow.models import CustomUser
    from tests.load import server
    from tests.load.fill import fill
    from tests.load.size import Size
    from tests.load.sql import rows, run

    if rows("SELECT to_regclass('load_done')")[0][0]:
        kept = rows("SELECT users, months, hosts, first_port FROM load_done")[0]
        wanted = (options.users, options.months, options.hosts, options.first_port)
        if kept != wanted:
            sys.exit(f"The folder holds users, months, hosts, first port {kept}, and not {wanted}.")
        server.restart(server.SERVING | server.WATCHING)
        call_command("migrate", verbosity=0)
        say(f"kept: {CustomUser.objects.count()} users")
        return None
    if rows("SELECT 1 FROM pg_tables WHERE tablename = 'load_post'"):
        sys.exit("The folder holds a fill that was not finished: remove it.")
    server.restart(server.FILLING)
    call_command("migrate", verbosity=0)
    began_at = time.monotonic()
    size = Size(
        users=options.users, months=options.months, hosts=options.hosts, first_port=options.first_port
    )
    fill(size, say=say)
    say("vacuum")
    run("VACUUM ANALYZE")
    run("CHECKPOINT")
    run(
        f"CREATE TABLE load_done AS SELECT {size.users} AS users, {size.months} AS months, "
        f"{size.hosts} AS hosts, {size.first_port} AS first_port"
    )
    return time.monotonic() - began_at


def _read(options: Any) -> dict[str, Any]:
    """Let everybody read while the hourly run is on; returns what was measured."""
    from django.core.management import call_command

    from tests.load import plans, server

    call_command("collectstatic", "--noinput", verbosity=0)
    with ExitStack() as stack:
        say("starting the instances")
        instances = stack.enter_context(
            running(
                "instances", sys.executable, "-m", "tests.load.instances", options.hosts, options.first_port
            )
        )
        _wait_for(instances, "instances", "ready")
        say("reading the database's files once")
        server.warm_up()
        server.watch(FOLDER)
        run_id = _hour_begins()
        port = options.first_port - 1
        web = stack.enter_context(running("web", *_gunicorn(port), role="web"))
        _wait_until_open(web, port)
        _warm_up(port)
        worker = stack.enter_context(
            running("worker", sys.executable, "manage.py", "db_worker", "--no-reload", role="worker")
        )
        say(f"{options.readers} readers, {options.requests:,} requests")
        result = _locust(options, port)
        for process, name in ((web, "web"), (worker, "worker"), (instances, "instances")):
            if process.poll() is not None:
                result["wrong"].append(f"the process {name} ended, see its log")
        hour = _hour(run_id)
        frequent = {role: server.statements(role, order="calls", limit=10) for role in server.ROLES}
        heaviest = server.statements("web", order="total", limit=3)
        slow = [each for each in server.logged(FOLDER) if each["ms"] >= server.SLOW_MS]
    say("plans")
    return {
        **result,
        "hour": hour,
        "frequent": frequent,
        "heaviest": heaviest,
        "slow": slow,
        "plans": plans.make([*heaviest, *frequent["web"], *frequent["worker"]], folder=FOLDER),
    }


def _gunicorn(port: int) -> list[Any]:
    """The command that serves the pages, as a server is deployed."""
    bind = ["--bind", f"127.0.0.1:{port}"]
    settings = ROOT / "deploy/gunicorn.conf.py"
    return [sys.executable, "-m", "gunicorn", "core.wsgi:application", "-c", settings, *bind]


def _hour_begins() -> int:
    """Make every account due and open the hour's run; returns its number."""
    from django.utils import timezone
    from django_tasks_db.models import DBTaskResult

    from analytics_core import platforms
    from analytics_core.engine import hourly
    from analytics_core.models import AccountState, HostState, SyncRun
    from analytics_pixelfed.tasks import fetch_all_pixelfed_engagement

    DBTaskResult.objects.exclude(status="SUCCESSFUL").delete()
    HostState.objects.all().delete()
    now = timezone.now()
    AccountState.objects.update(
        next_due_at=now, lease_until_at=None, audited_at=now, sweep_started_at=now, sweep_pages_count=0
    )
    hourly.run_hour(platforms.get("pixelfed"), fetch_all_pixelfed_engagement)
    return SyncRun.objects.latest("started_at").pk


def _hour(run_id: int) -> dict[str, int]:
    from analytics_core.models import SyncRun

    run = SyncRun.objects.get(pk=run_id)
    return {"accounts_due": run.accounts_due, **run.result()}


def _locust(options: Any, port: int) -> dict[str, Any]:
    from tests.load.size import PASSWORD, email

    result = FOLDER / "locust.json"
    result.unlink(missing_ok=True)
    environment = {
        "LOAD_READERS": options.readers,
        "LOAD_REQUESTS": options.requests,
        "LOAD_EMAILS": ",".join(email(number) for number in range(options.users)),
        "LOAD_PASSWORD": PASSWORD,
        "LOAD_THINK": options.think,
        "LOAD_RESULT": result,
    }
    command = [
        ROOT / ".run/load/venv/bin/locust", "--locustfile", ROOT / "tests/load/locustfile.py", "--headless",
        "--users", options.readers, "--spawn-rate", 0.5, "--host", f"http://127.0.0.1:{port}",
        "--only-summary", "--loglevel", "ERROR",
    ]  # fmt: skip
    with running("locust", *command, **{"extra": environment}) as locust:
        locust.wait()
    if not result.exists():
        sys.exit(f"locust measured nothing:\n{(FOLDER / 'locust.log').read_text()[-3000:]}")
    return json.loads(result.read_text())


@contextmanager
def running(
    name: str, *command: Any, role: str = "", extra: dict[str, Any] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command with its output in a log of its own; it ends with the block."""
    from tests.load import server

    environment = {**os.environ, **{key: str(value) for key, value in (extra or {}).items()}}
    if role:
        environment["DATABASE_URL"] = server.url_of(role)
    with (FOLDER / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _end_with_parent() -> None:
    """Let the kernel end this process when its parent is killed and cannot do it."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _wait_for(process: subprocess.Popen[bytes], name: str, word: str) -> None:
    log = FOLDER / f"{name}.log"
    while word not in log.read_text():
        if process.poll() is not None:
            sys.exit(f"The {name} ended:\n{log.read_text()[-3000:]}")
        time.sleep(0.2)


def _wait_until_open(process: subprocess.Popen[bytes], port: int) -> None:
    from core import http

    while not http.is_listening(port):
        if process.poll() is not None:
            sys.exit(f"The web server ended:\n{(FOLDER / 'web.log').read_text()[-3000:]}")
        time.sleep(0.2)


def _warm_up(port: int) -> None:
    """Let every process load what it loads once, as in a server that is up for a while."""
    with ThreadPoolExecutor(16) as pool:
        answers = pool.map(lambda _: requests.get(f"http://127.0.0.1:{port}{SIGN_IN}", timeout=60), range(64))
        assert {answer.status_code for answer in answers} == {200}


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


if __name__ == "__main__":
    sys.exit(main())
