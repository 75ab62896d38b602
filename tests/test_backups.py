"""A backup made as docs/operations.md says gives back the same numbers, and a database that goes on."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from analytics_core.tests.builders import add, build_post, counted_once
from analytics_pixelfed.models import PixelfedPost
from pixelfed.models import MastodonAccount
from postflow.models import CustomUser
from tests.servers import server_tool
from tests.workers import OwnDatabase

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/operations.md").read_text()
SCRIPT = (ROOT / "deploy/backup.sh").read_text()
PAGES = (
    "analytics_core:unified_dashboard",
    "analytics_core:platform_comparison",
    "analytics_pixelfed:dashboard",
)
TOKEN = "a token that only its key opens"


def command(start: str) -> str:
    """Return the one command of the page that begins so."""
    [found] = re.findall(rf"^    ({re.escape(start)}.+)$", PAGE, re.MULTILINE)
    return found


@pytest.fixture
def furnished(database: OwnDatabase) -> CustomUser:
    user = CustomUser.objects.create_user(email="ana@example.org", password="a long sentence")
    account = MastodonAccount.objects.create(
        user=user, instance_url="https://a.example", username="ana", access_token=TOKEN, software="pixelfed"
    )
    with counted_once():
        for number in range(5):
            post = build_post("pixelfed", account, caption=f"Photo {number}")
            for _ in range(number + 1):
                add(post, "likes")
            add(post, "comments", content="Ümläut")
            post.refresh_engagement_summary()
    return user


def shown(user: CustomUser) -> list[str]:
    """Return what the pages say, without what is new on each of them."""
    client = Client()
    client.force_login(user)
    texts = []
    for name in PAGES:
        page = client.get(reverse(name), {"days": "365"})
        assert page.status_code == 200
        text = re.sub(r"<script[\s\S]*?</script>|<[^>]+>", " ", page.content.decode())
        texts.append(re.sub(r"\s+", " ", text))
    return texts


def test_what_was_backed_up_is_what_is_restored(furnished, database, tmp_path) -> None:
    before, posts_count = shown(furnished), PixelfedPost.objects.count()
    assert "15" in before[0], "the likes of all photos"
    back_up, restore = WAYS[connection.vendor]
    connection.close()
    back_up(database, tmp_path)
    PixelfedPost.objects.all().delete()
    assert shown(furnished) != before
    connection.close()
    restore(database, tmp_path)
    assert shown(furnished) == before
    assert MastodonAccount.objects.get().access_token == TOKEN, "the same key opens what is encrypted"
    # New rows do not meet the old ones.
    with counted_once():
        new = build_post("pixelfed", MastodonAccount.objects.get(), caption="After the restore")
        add(new, "likes")
    assert PixelfedPost.objects.count() == posts_count + 1
    assert new.pk not in PixelfedPost.objects.exclude(pk=new.pk).values_list("pk", flat=True)


def run(text: str, folder: Path, **words: str) -> None:
    """Run a command of the page; `words` are what stands in it for this database and machine."""
    for old, new in words.items():
        assert old in text
        text = text.replace(old, new)
    text = text.replace("runuser -u postgres -- ", "").replace("runuser -u postflow -- ", "")
    text = text.replace("/var/backups/postflow", str(folder))
    done = subprocess.run(
        ["sh", "-euc", text], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, (text, done.stderr)


def conninfo(database: OwnDatabase) -> str:
    """Return where the database is, in libpq's words."""
    at = {"host": database.at["HOST"], "port": database.at["PORT"], "user": database.at["USER"]}
    at |= {"password": database.at["PASSWORD"], "dbname": database.name}
    return " ".join(f"{name}={value}" for name, value in at.items() if value)


def back_up_postgres(database: OwnDatabase, folder: Path) -> None:
    words = {"--dbname postflow": f"--dbname '{conninfo(database)}'", "pg_dump": server_tool("pg_dump")}
    run(SCRIPT, folder, **words, **{"/srv/postflow/media": str(folder / "nothing")})


def restore_postgres(database: OwnDatabase, folder: Path) -> None:
    database.administer(f'DROP DATABASE "{database.name}" WITH (FORCE)', f'CREATE DATABASE "{database.name}"')
    text = command("runuser -u postgres -- pg_restore").replace("pg_restore", server_tool("pg_restore"), 1)
    # The page gives everything to the role of that name; tests have one user.
    text = f"{command('BACKUP=')}\n{text}"
    run(text, folder, **{"--dbname postflow": f"--dbname '{conninfo(database)}'"})


def back_up_sqlite(database: OwnDatabase, folder: Path) -> None:
    text = command("runuser -u postflow -- python3 -c")
    run(text, folder, **{"/srv/postflow/db.sqlite3": database.name})


def restore_sqlite(database: OwnDatabase, folder: Path) -> None:
    for suffix in ("-wal", "-shm"):
        Path(database.name + suffix).unlink(missing_ok=True)
    run(command("cp /var/backups"), folder, **{"/srv/postflow/db.sqlite3": database.name})
    with sqlite3.connect(database.name) as own:
        assert own.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    own.close()


WAYS = {"postgresql": (back_up_postgres, restore_postgres), "sqlite": (back_up_sqlite, restore_sqlite)}


def backups(folder: Path) -> list[Path]:
    return sorted(folder.glob("20*"))


def test_pictures_are_kept_as_they_were_and_old_backups_go(tmp_path) -> None:
    """No database is needed for this: what dumps it says a word."""
    media, folder = tmp_path / "media", tmp_path / "backups"
    (media / "a").mkdir(parents=True)
    folder.mkdir()
    (media / "a/same.webp").write_text("same")
    (media / "a/changed.webp").write_text("before")
    (media / "a/gone.webp").write_text("gone")
    text = SCRIPT.replace("keep=${POSTFLOW_KEEP:-14}", "keep=2")
    # A second is the least that tells two backups apart.
    words = {"pg_dump --format custom --dbname postflow": "echo dump", "/srv/postflow/media": str(media)}

    def back_up(second: int) -> None:
        run(text, folder, **words, **{"$(date +%Y-%m-%d-%H%M%S)": f"2026-03-10-03250{second}"})

    back_up(1)
    (media / "a/gone.webp").unlink()
    changed = media / "a/changed.webp"
    changed.write_text("after, and longer")
    os.utime(changed, (changed.stat().st_mtime + 10,) * 2)
    back_up(2)
    first, second = backups(folder)
    assert (first / "pictures/a/changed.webp").read_text() == "before"
    assert {path.name for path in (first / "pictures/a").iterdir()} == {
        "same.webp",
        "changed.webp",
        "gone.webp",
    }
    assert {path.name for path in (second / "pictures/a").iterdir()} == {"same.webp", "changed.webp"}
    assert (second / "pictures/a/changed.webp").read_text() == "after, and longer"
    assert (second / "pictures/a/same.webp").samefile(first / "pictures/a/same.webp"), (
        "its room is taken once"
    )
    assert (second / "database.dump").read_text() == "dump\n"

    back_up(3)
    assert [path.name[-1] for path in backups(folder)] == ["2", "3"]


def test_a_backup_that_fails_bears_no_date(tmp_path) -> None:
    text = SCRIPT.replace("runuser -u postgres -- pg_dump", "false").replace(
        "/var/backups/postflow", str(tmp_path)
    )
    done = subprocess.run(["sh", "-euc", text], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert backups(tmp_path) == []
