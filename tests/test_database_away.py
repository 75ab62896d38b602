"""PostgreSQL is stopped under load: people are told, nothing is lost, and all goes on without a restart."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import requests
from django.db import connection

from pixelfed.sandbox import SandboxServer, World
from tests.servers import copy_code, free_port, postgres
from tests.workers import wait_until

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite cannot be stopped")

PASSWORD = "a long sentence"
PATHS = ("/analytics/", "/analytics/pixelfed/", "/accounts/", "/settings/", "/accounts/sign-in/")
READERS = 4
POSTS, LIKES = 30, 6
TOKEN = "a token for monitors"
WHAT_IS_READ = (
    "SELECT (SELECT count(*) FROM analytics_pixelfed_post), (SELECT count(*) FROM analytics_pixelfed_like)"
)
LET_AN_HOUR_PASS = (
    "UPDATE analytics_core_accountstate SET lease_until_at = lease_until_at - interval '1 hour'",
    "UPDATE django_tasks_database_dbtaskresult SET run_after = run_after - interval '1 hour'"
    " WHERE status = 'READY' AND run_after < now() + interval '2 hours'",
)


class Installation:
    """PostFlow as it is served: gunicorn and a worker, on a PostgreSQL that can be stopped."""

    def __init__(self, folder: Path, server) -> None:
        self.folder, self.server, self.code = folder, server, folder / "code"
        self.port = free_port()
        self.site = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": server.url,
            "SECRET_KEY": "a key for this test",
            "HTTPS": "0",
            "METRICS_TOKEN": TOKEN,
            "ALLOW_PRIVATE_INSTANCES": "1",
            "FETCH_REQUEST_INTERVAL": "0.05",
            "FETCH_RETRY_DELAY": "0.1",
            "MEDIA_ROOT": str(folder / "media"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.processes: dict[str, subprocess.Popen] = {}

    def manage(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=self.code, env=self.environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("w") as out:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *command], cwd=self.code, env=self.environment, stdout=out, stderr=out
            )

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def checks(self) -> dict[str, str]:
        try:
            return requests.get(f"{self.site}/readyz", timeout=20).json()["checks"]
        except requests.ConnectionError:
            return {}

    def figures(self) -> dict[str, float]:
        """Return what Prometheus is told, by name and labels."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        text = requests.get(f"{self.site}/metrics", headers=headers, timeout=20).text
        return {
            name: float(value) for name, value in re.findall(r"^(postflow\S+) (\S+)$", text, re.MULTILINE)
        }

    def signed_in(self) -> requests.Session:
        session = requests.Session()
        page = session.get(f"{self.site}/accounts/sign-in/", timeout=30)
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[1]
        form = {"username": "ana@example.org", "password": PASSWORD, "csrfmiddlewaretoken": token}
        answer = session.post(f"{self.site}/accounts/sign-in/", form, timeout=30, allow_redirects=False)
        assert answer.status_code == 302, answer.text[:2000]
        return session

    def stop(self) -> dict[str, int]:
        for process in self.processes.values():
            process.terminate()
        return {name: process.wait(40) for name, process in self.processes.items()}


@pytest.fixture
def house():
    with SandboxServer(World.empty()) as server:
        person = server.world.add_person("ana")
        server.world.add_posts(person, POSTS, likes=LIKES)
        yield server, person


@pytest.fixture
def installation(tmp_path, house):
    sandbox, person = house
    with postgres() as server:
        made = Installation(tmp_path, server)
        copy_code(made.code)
        made.manage("collectstatic", "--noinput", "--verbosity", "0")
        made.manage("migrate", "--verbosity", "0")
        made.manage(
            "shell", "--verbosity", "0", "--command",
            f"""
from postflow.models import CustomUser
from pixelfed.models import MastodonAccount
ana = CustomUser.objects.create_user(email="ana@example.org", password="{PASSWORD}")
MastodonAccount.objects.create(
    user=ana, instance_url="{sandbox.url}", username="ana", software="pixelfed",
    access_token="{sandbox.token_for(person)}",
)
""",
        )  # fmt: skip
        try:
            yield made
        finally:
            for process in made.processes.values():
                process.kill()
                process.wait(30)


class Readers:
    """People who go on reading pages, each signed in; what they are answered is counted."""

    def __init__(self, installation: Installation, count: int) -> None:
        self.installation = installation
        self.seen: Counter[int] = Counter()
        self.odd: list[str] = []
        self.is_over = threading.Event()
        self.sessions = [installation.signed_in() for _ in range(count)]
        self.threads = [threading.Thread(target=self.read, args=(each,)) for each in self.sessions]

    def read(self, session: requests.Session) -> None:
        number = 0
        while not self.is_over.is_set():
            path = PATHS[number % len(PATHS)]
            number += 1
            answer = session.get(self.installation.site + path, timeout=30, allow_redirects=False)
            self.seen[answer.status_code] += 1
            # Somebody who is signed in stays so.
            sent_away = answer.headers.get("Location", "").startswith("/accounts/sign-in/")
            if answer.status_code not in (200, 302, 503) or sent_away:
                self.odd.append(f"{path}: {answer.status_code} {answer.headers} {answer.text[:500]}")
            if answer.status_code == 503 and "Nothing is lost" not in answer.text:
                self.odd.append(f"{path}: a 503 without a word: {answer.text[:500]}")

    def __enter__(self) -> Readers:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.is_over.set()
        for thread in self.threads:
            thread.join(60)

    def wait_for_more(self, status: int, count: int = 8) -> None:
        before = self.seen[status]
        wait_until(
            lambda: self.seen[status] >= before + count,
            seconds=60,
            what=f"{count} more answers {status} beside {self.seen}, {self.odd[:3]}",
        )


def sum_of(figures: dict[str, float], name: str, status: int) -> float:
    return sum(
        value for key, value in figures.items() if key.startswith(name) and f'status="{status}"' in key
    )


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_stopped_under_load_it_is_a_page_that_says_so_and_nothing_else(installation, house, how) -> None:
    stop_under_load(installation, house[0], how=how, away_seconds=3, people=READERS)


def stop_under_load(
    installation: Installation, sandbox: SandboxServer, *, how: str, away_seconds: float, people: int
) -> Counter[int]:
    """Stop the database while `people` read and the worker is in a visit, and check all there is to check.

    Returns how many pages were answered with which status.
    """
    installation.start(
        "web", "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py",
        "--bind", f"127.0.0.1:{installation.port}", "core.wsgi",
    )  # fmt: skip
    installation.start("worker", "manage.py", "db_worker", "--no-startup-delay", "--interval", "0.1")
    wait_until(lambda: installation.checks().get("worker") == "ok", seconds=60, what="all is there")
    with Readers(installation, people) as readers:
        readers.wait_for_more(200)
        # The worker is in the middle of a visit.
        queue = "from analytics_core.tasks import fetch_account; fetch_account.enqueue('pixelfed', 1)"
        installation.manage("shell", "--verbosity", "0", "--command", queue)
        wait_until(lambda: len(sandbox.requests) > 15, seconds=60, what="a visit is under way")
        installation.server.do("stop", "-m", how)
        readers.wait_for_more(503, 20)
        assert installation.checks()["database"] == "unreachable"
        assert requests.get(f"{installation.site}/healthz", timeout=10).status_code == 200
        assert installation.figures()["postflow_database_up"] == 0
        cookies = readers.sessions[0].cookies
        answer = requests.get(f"{installation.site}/analytics/", timeout=10, cookies=cookies)
        assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (503, True)
        stopped_at = time.monotonic()
        wait_until(
            lambda: time.monotonic() > stopped_at + away_seconds,
            seconds=away_seconds + 10, what="the database is away", every=0.5,
        )  # fmt: skip
        assert installation.checks()["database"] == "unreachable"
        assert requests.get(f"{installation.site}/healthz", timeout=10).status_code == 200
        assert installation.processes["worker"].poll() is None
        installation.server.do("start")
        readers.wait_for_more(200, 40)
        wait_until(
            lambda: set(installation.checks().values()) == {"ok"},
            seconds=60,
            what=f"all is well again: {installation.log('worker')[-2000:]}",
            every=0.5,
        )
        # The task that was cut off is tried again after some minutes, and the account is free by then.
        wait_until(
            lambda: "retry 1 of 2 is queued" in installation.log("worker"),
            seconds=30,
            what="what was cut off is queued again",
        )
        for statement in LET_AN_HOUR_PASS:
            installation.server.query(statement)
        wait_until(
            lambda: installation.server.query(WHAT_IS_READ) == [(POSTS, POSTS * LIKES)],
            seconds=90,
            what=f"everything is read in the end: {installation.log('worker')[-3000:]}",
            every=0.5,
        )
        before = readers.seen[503]
        readers.wait_for_more(200, 20)
        assert readers.seen[503] == before, "no page fails any more"
        host = 'postflow_host_requests_total{host="127.0.0.1",result="ok"}'
        wait_until(
            lambda: installation.figures().get(host, 0) > POSTS,
            seconds=30,
            what="the requests are counted",
            every=0.5,
        )
    assert readers.odd == []
    assert set(readers.seen) <= {200, 302, 503}
    # Whichever process is asked tells of both.
    told = [sum_of(installation.figures(), "postflow_pages_total", status) for status in (200, 503) * 4]
    assert all(count >= readers.seen[status] for count, status in zip(told, (200, 503) * 4, strict=True))
    assert installation.stop() == {"web": 0, "worker": 0}
    assert "Traceback" not in installation.log("web"), installation.log("web")[-4000:]
    return readers.seen
