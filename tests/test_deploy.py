"""The deploy page followed word for word on a machine that is a folder; updates that work and that do not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import requests
from django.db import connection

from tests.servers import Machine, machine
from tests.workers import wait_until

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/deploy.md").read_text()
# What is no command for this machine: it gets a certificate, or asks questions.
NOT_HERE = re.compile(r"caddy\.service|createsuperuser")

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="a server has PostgreSQL")


def steps(section: str) -> dict[str, str]:
    """Return the commands below each heading of a section of the page."""
    text = re.search(rf"^## {section}\n([\s\S]*?)(?=^## |\Z)", PAGE, re.MULTILINE)[1]
    parts = re.split(r"^### (.+)\n", text, flags=re.MULTILINE)[1:]
    return {
        heading: "\n".join(re.findall(r"^    (.+)$", body, re.MULTILINE))
        for heading, body in zip(parts[::2], parts[1::2], strict=True)
    }


@pytest.fixture
def server(tmp_path, monkeypatch):
    with machine(tmp_path) as made:
        # Said once, in the shell that runs all commands.
        made.environment["DOMAIN"] = re.search(r"^    DOMAIN=(.+)$", PAGE, re.MULTILINE)[1]
        yield made


def follow(server: Machine, command: str) -> None:
    command = command.replace("https://git.example.org/postflow.git", f"file://{server.source}")
    done = server.run(command)
    assert done.returncode == 0, (command, done.stdout, done.stderr, server.log("web"), server.log("worker"))
    server.units_come_home()


def update(server: Machine, version: str) -> tuple[int, str]:
    done = server.run(f"/srv/postflow/current/deploy/update.sh {version}", POSTFLOW_WAIT_SECONDS="10")
    return done.returncode, done.stdout + done.stderr


def ask(server: Machine, path: str, **headers: str) -> requests.Response:
    headers |= {"Host": "photos.example.org", "X-Forwarded-Proto": "https"}
    return requests.get(server.site + path, headers=headers, timeout=10, allow_redirects=False)


def serving(server: Machine) -> str:
    """Return the commit that serves, by the name of its release."""
    return (server.home / "current").resolve().name.rpartition("-")[2]


def test_the_page_followed_word_for_word_ends_in_a_healthy_installation(server) -> None:
    for heading, commands in steps("With systemd").items():
        if heading.startswith("Updating"):
            continue
        for command in commands.splitlines():
            if not NOT_HERE.search(command):
                follow(server, command)
    first = server.git("rev-parse", "HEAD")
    assert first.startswith(serving(server))

    # It is healthy, by its own word and by what a browser gets.
    assert ask(server, "/healthz").text == "ok\n"
    ready = ask(server, "/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    page = ask(server, "/accounts/sign-in/")
    assert page.status_code == 200
    assert "Secure" in page.headers["Set-Cookie"]
    address = re.search(r'href="(/static/postflow/base\.[0-9a-f]{12}\.css)"', page.text)[1]
    sheet = ask(server, address, **{"Accept-Encoding": "gzip"})
    assert sheet.headers["Content-Encoding"] == "gzip"
    assert "max-age=315360000" in sheet.headers["Cache-Control"]
    assert "immutable" in sheet.headers["Cache-Control"]
    assert sheet.content
    assert ask(server, "/media/pictures/1.webp").status_code == 404
    assert ask(server, "/metrics").status_code == 404

    # What it logs tells no query.
    ask(server, "/accounts/connect/callback/?code=secret-of-ana", **{"X-Request-ID": "from-the-proxy"})
    line = r"INFO gunicorn\.access \[request from-the-proxy\]: GET /accounts/connect/callback/ 302"
    wait_until(lambda: re.search(line, server.log("web")), seconds=10, what="the access is logged")
    assert "secret-of-ana" not in server.log("web")

    # The same page says how to update. A version that cannot serve is taken back, one that can is kept.
    update_command = steps("With systemd")["Updating, and going back"]
    wsgi = server.source / "core/wsgi.py"
    server.make_version(**{"core__wsgi.py": "raise RuntimeError('this version is broken')\n"})
    code, said = update(server, "main")
    assert code == 1, said
    assert "going back to" in said
    assert "this version is broken" in server.log("web")
    assert first.startswith(serving(server))
    assert ask(server, "/readyz").json()["status"] == "ready"

    server.git("checkout", "--quiet", first, "--", "core/wsgi.py")
    assert "broken" not in wsgi.read_text()
    third = server.make_version(**{"CHANGELOG.md": "Another version.\n"})
    follow(server, update_command)
    assert third.startswith(serving(server))
    assert ask(server, "/readyz?require=worker,schedule,accounts").status_code == 200

    # And back by hand, to a release that is still there.
    code, said = update(server, first)
    assert code == 0, said
    assert "building" not in said
    assert first.startswith(serving(server))

    server.stop()
    assert server.exit_code("web") == "0", server.log("web")[-3000:]
    assert server.exit_code("worker") == "0", server.log("worker")[-3000:]
    assert not re.search(r"Traceback|CRITICAL", server.log("worker"))
