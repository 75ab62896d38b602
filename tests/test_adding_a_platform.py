"""docs/adding-a-platform.md, followed to the letter: its code is installed and reads a server of its kind."""

import json
import os
import re
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

ROOT = Path(__file__).parent.parent
GUIDE = ROOT / "docs" / "adding-a-platform.md"
BLOCK = re.compile(r"^```python\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TOKEN = "a-token-of-ana"
PAGE = 3
LOOK = """
import json
from django.test import Client
from django.urls import reverse
from analytics_postcards.models import Postcard
from postflow.models import CustomUser
client = Client()
client.force_login(CustomUser.objects.get())
client.raise_request_exception = True
pages = {}
for name in ("analytics_postcards:dashboard", "analytics_core:unified_dashboard"):
    answer = client.get(reverse(name), {"range": "all", "days": "all"})
    pages[name] = [answer.status_code, answer.content.decode()]
for post in Postcard.objects.filter(postcard_id__in=["49", "50"]):
    answer = client.get(reverse("analytics_postcards:post_detail", args=[post.pk]))
    files = {
        kind: json.loads(client.get(answer.request["PATH_INFO"], {"format": "json", "part": kind}).content)
        for kind in ("likes", "comments", "shares")
    }
    pages[post.postcard_id] = [answer.status_code, answer.content.decode(), files]
print("PAGES" + json.dumps(pages))
"""
CONNECT = """
from analytics_postcards.models import PostcardsAccount
from postflow.models import CustomUser
user = CustomUser.objects.create_user("ana@example.org", "a long sentence")
PostcardsAccount.objects.create(user=user, instance_url={url!r}, username="ana", access_token={token!r})
"""
WAITING = """
from django_tasks_db.models import DBTaskResult
print(DBTaskResult.objects.filter(task_path__endswith="fetch_all_postcards").count())
"""
DUE = """
from datetime import timedelta
from django.utils import timezone
from analytics_core.models import AccountState
from analytics_postcards.tasks import fetch_all_postcards
AccountState.objects.update(next_due_at=timezone.now() - timedelta(minutes=1))
fetch_all_postcards.enqueue()
"""


def blocks() -> dict[str, str]:
    return dict(BLOCK.findall(GUIDE.read_text()))


class Postcards:
    """A server of that kind with fifty posts: seven people like one, another has a comment and a share."""

    def __init__(self) -> None:
        self.likes: dict[str, list[str]] = {str(number): [] for number in range(1, 51)}
        self.likes["50"] = [f"fan{number}" for number in range(7)]
        self.asked: list[str] = []

    def answer(self, path: str, query: dict[str, str]) -> Any:
        match path.strip("/").split("/")[1:]:
            case ["me"]:
                return {"id": "9", "name": "ana", "followers": 12, "posts": len(self.likes)}
            case ["posts"]:
                before = int(query.get("before") or 10**9)
                ids = [
                    post_id for post_id in sorted(self.likes, key=int, reverse=True) if int(post_id) < before
                ]
                return [self._post(post_id) for post_id in ids[: int(query["limit"])]]
            case ["posts", post_id]:
                return self._post(post_id) if post_id in self.likes else None
            case ["posts", post_id, "likes"]:
                start = (int(query["page"]) - 1) * PAGE
                people = [_person(name) for name in self.likes[post_id][start : start + PAGE]]
                more = start + PAGE < len(self.likes[post_id])
                return {"people": people, "next": int(query["page"]) + 1 if more else None}
            case ["posts", post_id, "shares"]:
                return {"people": [_person("bea")] if post_id == "49" else [], "next": None}
            case ["posts", post_id, "comments"]:
                comment = {"id": "70", "person": _person("cyd"), "text": "Fine light", "at": _at("49")}
                return [comment] if post_id == "49" else []
            case ["events"]:
                event = {"id": "5", "type": "like", "at": _at("50"), "person": _person("fan0"), "post": "50"}
                return [] if query.get("since") else [event]
        return None

    def _post(self, post_id: str) -> dict[str, Any]:
        return {
            "id": post_id, "text": f"Card {post_id}", "at": _at(post_id), "image": "https://c.example/a.jpg",
            "url": f"https://cards.example/{post_id}", "likes": len(self.likes[post_id]),
            "comments": int(post_id == "49"), "shares": int(post_id == "49"),
        }  # fmt: skip


def _person(name: str) -> dict[str, str]:
    return {"id": f"id-{name}", "name": name}


def _at(post_id: str) -> str:
    return f"2026-01-01T10:{int(post_id):02}:00+00:00"


@pytest.fixture
def postcards() -> Iterator[tuple[Postcards, str]]:
    there = Postcards()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            there.asked.append(self.path)
            is_known = self.headers["Authorization"] == f"Bearer {TOKEN}"
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            found = there.answer(url.path, query) if is_known else None
            self.send_response(200 if found is not None else 404 if is_known else 401)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield there, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class Installed:
    """The guide's app in a folder of its own, with settings that install it, and a database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, code in blocks().items():
            if name.startswith("analytics_postcards/"):
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_text(code)
        app = folder / "analytics_postcards"
        (app / "__init__.py").touch()
        (app / "migrations").mkdir()
        (app / "migrations" / "__init__.py").touch()
        line = re.search(r'^    ("analytics_postcards"),$', blocks()["core/settings.py"], re.MULTILINE)[1]
        settings = f"from core.settings import *\nINSTALLED_APPS = [*INSTALLED_APPS, {line}]\n"
        (folder / "settings_of_the_guide.py").write_text(settings)

    def manage(self, *arguments: str) -> str:
        """Run a command of manage.py; AssertionError with what it said if it fails."""
        done = subprocess.run(
            [sys.executable, "-W", "error", str(ROOT / "manage.py"), *arguments],
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": f"{self.folder}:{ROOT}",
                "PYTHONDONTWRITEBYTECODE": "1",
                "DJANGO_SETTINGS_MODULE": "settings_of_the_guide",
                "DATABASE_URL": f"sqlite:///{self.folder}/db.sqlite3",
                "SECRET_KEY": "of-the-guide-" * 5,
                "DEBUG": "1",
                "ALLOWED_HOSTS": "testserver",
                "ALLOW_PRIVATE_INSTANCES": "1",
                "FETCH_REQUEST_INTERVAL": "0",
                "SKIP_AUTO_SCHEDULE": "1",
                "LOG_LEVEL": "WARNING",
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def python(self, code: str) -> str:
        return self.manage("shell", "--no-imports", "-c", code)

    def pages(self) -> dict[str, Any]:
        return json.loads(self.python(LOOK).rpartition("PAGES")[2])


def usernames(pages: dict[str, Any], post_id: str, kind: str) -> set[str]:
    return {row["Handle"] for row in pages[post_id][2][kind]["rows"]}


def test_the_guide_ends_in_a_platform_whose_pages_are_right(postcards, tmp_path) -> None:
    there, url = postcards
    installed = Installed(tmp_path)
    # The guide's own commands, in its order.
    commands = re.findall(r"^    \.venv/bin/python manage\.py (.+)$", GUIDE.read_text(), re.MULTILINE)
    assert [command.split()[0] for command in commands] == ["makemigrations", "migrate", "sync_all_accounts"]
    installed.manage(*commands[0].split())
    installed.manage(*commands[1].split())
    installed.python(CONNECT.format(url=url, token=TOKEN))
    [by_hand] = re.findall(
        r"^    from analytics_core(?:.*\n)+?    hourly\..+$", GUIDE.read_text(), re.MULTILINE
    )
    assert installed.python(WAITING).strip() == "0"
    installed.python(textwrap.dedent(by_hand))
    assert installed.python(WAITING).strip() == "1"
    report = installed.manage(*commands[2].split())
    assert "✓ Postcards @ana: 50 new posts, 7 new likes, 1 new comments, 1 new shares" in report
    pages = installed.pages()
    assert {page[0] for page in pages.values()} == {200}
    assert len(pages) == 2 + 2
    assert usernames(pages, "50", "likes") == set(there.likes["50"])
    assert usernames(pages, "49", "shares") == {"bea"}
    assert usernames(pages, "49", "comments") == {"cyd"}
    for name in ("analytics_postcards:dashboard", "analytics_core:unified_dashboard"):
        assert "Card 50" in pages[name][1]
    # An hour later somebody else likes it: the worker reads that post, and no other.
    there.likes["50"].append("late")
    there.asked.clear()
    installed.python(DUE)
    installed.manage("db_worker", "--batch", "--no-startup-delay")
    assert "late" in usernames(installed.pages(), "50", "likes")
    assert {path.split("/")[3] for path in there.asked if "/posts/" in path} == {"50"}


def test_the_guide_keeps_to_the_length_that_it_promises() -> None:
    code = [block for name, block in blocks().items() if name.startswith("analytics_postcards/")]
    lines = [line for block in code for line in block.splitlines() if line.strip()]
    assert 150 <= len(lines) <= 250


def test_the_guides_code_is_in_the_style_of_ours(tmp_path) -> None:
    Installed(tmp_path)
    ruff = [Path(sys.executable).parent / "ruff", "check", "--config", ROOT / "pyproject.toml"]
    done = subprocess.run(
        [*ruff, "--ignore", "D,I", "analytics_postcards"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
