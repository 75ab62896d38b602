"""`make run` as a newcomer meets it: an address, a sign-in, real numbers, and nothing left behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parent.parent


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class TrialRun:
    def __init__(self, folder: Path, port: int, sandbox_port: int) -> None:
        self.port, self.sandbox_port = port, sandbox_port
        environment = {
            **os.environ,
            "DEBUG": "1",
            "SECRET_KEY": "the same in both runs",
            "DATABASE_URL": f"sqlite:///{folder / 'trial.sqlite3'}",
            "MEDIA_ROOT": str(folder / "media"),
        }
        self.log = folder / "output.log"
        self.started_at = time.monotonic()
        with self.log.open("w") as out:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-u", "manage.py", "demo",
                    f"--port={port}", f"--sandbox-port={sandbox_port}", f"--folder={folder}",
                ],  # fmt: skip
                cwd=ROOT,
                env=environment,
                stdout=out,
                stderr=subprocess.STDOUT,
            )  # fmt: skip

    def wait_for_address(self, seconds: float) -> str:
        while time.monotonic() < self.started_at + seconds:
            text = self.log.read_text()
            if "Ctrl-C ends everything" in text:
                return text
            assert self.process.poll() is None, text
            time.sleep(0.2)
        raise AssertionError(f"no address after {seconds} seconds: {self.log.read_text()}")

    def children(self) -> list[int]:
        return [
            int(pid)
            for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        ]

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


def is_gone(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    try:
        return "State:\tZ" in status.read_text()
    except FileNotFoundError:
        return True


def is_open(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts child processes in /proc")
def test_a_newcomer_gets_an_address_and_numbers_and_a_clean_end(tmp_path: Path) -> None:
    port, sandbox_port = free_port(), free_port()
    run = TrialRun(tmp_path, port, sandbox_port)
    try:
        text = run.wait_for_address(240)
        email = re.search(r"E-mail +(\S+)", text)[1]
        password = re.search(r"Password +(.+)", text)[1]
        children = run.children()
        assert len(children) == 3
        assert len(list(tmp_path.glob("media/**/*.webp"))) >= 12, "the newest pictures are there"
        numbers = read_numbers(port, email, password)
    finally:
        assert run.stop() == 0, run.log.read_text()
    assert "Everything is kept" in run.log.read_text()
    for child in children:
        assert not Path(f"/proc/{child}").exists()
    assert not is_open(port)
    assert not is_open(sandbox_port)

    again = TrialRun(tmp_path, port, sandbox_port)
    try:
        again.wait_for_address(60)
        more = read_numbers(port, email, password)
    finally:
        again.stop(signal.SIGTERM)
    assert more["posts"] >= numbers["posts"] > 100
    assert more["likes"] >= numbers["likes"] > 1000
    assert not is_open(port)

    # Killed without a chance to tidy up, and started again with another port for the sandbox.
    killed = TrialRun(tmp_path, port, sandbox_port)
    killed.wait_for_address(60)
    children = killed.children()
    killed.stop(signal.SIGKILL)
    ends_at = time.monotonic() + 20
    while not all(map(is_gone, children)):
        assert time.monotonic() < ends_at, "processes outlive their parent"
        time.sleep(0.1)
    last = TrialRun(tmp_path, port, free_port())
    try:
        last.wait_for_address(60)
        same = read_numbers(port, email, password)
    finally:
        last.stop()
    assert same["posts"] == more["posts"], "the same photographer is not read twice"


def read_numbers(port: int, email: str, password: str) -> dict[str, int]:
    """Sign in and read the numbers of all posts."""
    with requests.Session() as session:
        sign_in = f"http://127.0.0.1:{port}/accounts/sign-in/"
        token = re.search(
            r'name="csrfmiddlewaretoken" value="([^"]+)"', session.get(sign_in, timeout=30).text
        )[1]
        answer = session.post(
            sign_in, data={"username": email, "password": password, "csrfmiddlewaretoken": token}, timeout=30
        )
        assert answer.status_code == 200
        assert "Photos" in session.get(f"http://127.0.0.1:{port}/analytics/", timeout=30).text
        comparison = f"http://127.0.0.1:{port}/analytics/comparison/"
        rows = session.get(comparison, params={"days": "all", "format": "json"}, timeout=30).json()["rows"]
    return {"posts": rows[0]["Posts"], "likes": rows[0]["Likes"]}
