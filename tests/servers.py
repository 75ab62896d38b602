"""A PostgreSQL of its own for one test, and a machine to deploy to: a folder whose tools are small stand-ins.

What root's tools would do to a whole machine (users, packages, services) is done to the folder instead; all
else is run as it stands in the documents and in `deploy/`.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

ROOT = Path(__file__).parent.parent
NOT_OF_THE_CODE = (
    ".git", ".venv", ".run", ".env", "__pycache__", "*.sqlite3*", "staticfiles", "media", "data",
    "recordings", "screenshots", ".*_cache", ".hypothesis", "node_modules",
)  # fmt: skip
AUTHOR = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main")


@dataclass
class Postgres:
    """A server that only this test knows, with a superuser named postgres."""

    url: str
    control: str

    @property
    def folder(self) -> str:
        """The folder of its socket, as libpq wants it."""
        return "/" + re.search(r"@/+(.+)/postgres$", self.url)[1]

    def do(self, *words: str) -> None:
        """Start or stop it, in the words of pg_ctl."""
        subprocess.run([self.control, *words], check=True, timeout=60)

    def query(self, statement: str, *, database: str = "postgres", user: str = "postgres") -> list[tuple]:
        """Run one statement, and return its rows."""
        with psycopg.connect(host=self.folder, user=user, dbname=database, autocommit=True) as own:
            found = own.execute(statement)
            return found.fetchall() if found.description else []


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Start a PostgreSQL; it is gone with the block."""
    process = subprocess.Popen(
        [ROOT / ".ci/postgres", "sh", "-c", 'echo "$DATABASE_URL"; echo "$POSTGRES_CONTROL"; cat'],
        env=os.environ | {"POSTGRES_SUPERUSER": "postgres"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Postgres(process.stdout.readline().strip(), process.stdout.readline().strip())
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


def server_tool(name: str) -> str:
    """Return the path of one of PostgreSQL's tools."""
    found = shutil.which(name) or max(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), default="")
    assert found, f"{name} comes with PostgreSQL"
    return found


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def copy_code(to: Path) -> None:
    """Copy the code as it is now, without what git ignores."""
    shutil.copytree(ROOT, to, ignore=shutil.ignore_patterns(*NOT_OF_THE_CODE), dirs_exist_ok=True)


TOOLS = {
    # The venv finds what is installed already, so that nothing is fetched; pip compares it with the list.
    "python3": """
if [ "$1" = -m ] && [ "$2" = venv ]; then
    "$BASE_PYTHON" -m venv "$3"
    for folder in "$3"/lib/python3.*/site-packages; do echo "$SITE_PACKAGES" > "$folder/installed.pth"; done
    exit
fi
exec "$BASE_PYTHON" "$@"
""",
    # Everybody is the user of this test.
    "runuser": 'shift 2; [ "$1" = -- ] && shift; exec "$@"\n',
    "install": """
for word in "$@"; do
    shift
    case "$skip$word" in
        -o | -g) skip=yes; continue;;
        yes*) skip=; continue;;
    esac
    set -- "$@" "$word"
done
exec /usr/bin/install "$@"
""",
    "psql": 'exec "$PSQL" --username postgres --set ON_ERROR_STOP=1 "$@"\n',
    "hostname": "echo photos.test\n",
    "apt-get": 'echo "apt-get $*" >> "$MACHINE/done"\n',
    "useradd": 'echo "useradd $*" >> "$MACHINE/done"\n',
    "systemctl": """
verb=$1; shift
state=$MACHINE/state
mkdir -p "$state"
for unit in "$@"; do
    unit=${unit%.service}
    echo "$verb $unit" >> "$MACHINE/done"
    file=$MACHINE/etc/systemd/system/$unit.service
    [ -e "$file" ] || continue
    case $verb in stop | restart)
        if [ -e "$state/$unit.pid" ]; then
            kill "$(cat "$state/$unit.pid")" 2>/dev/null || true
            for _ in $(seq 300); do [ -e "$state/$unit.exit" ] && break; sleep 0.1; done
            [ -e "$state/$unit.exit" ] || { echo "$unit does not end" >&2; exit 1; }
            rm "$state/$unit.pid"
        fi;;
    esac
    case $verb in restart | start)
        rm -f "$state/$unit.exit"
        setsid sh -c '
            cd "$(sed -n "s/^WorkingDirectory=//p" "$1")"
            export $(sed -n "s/^Environment=//p" "$1")
            $(sed -n "s/^ExecStart=//p" "$1") & echo $! > "$2.pid"
            wait $!; echo $? > "$2.exit"
        ' sh "$file" "$state/$unit" >> "$state/$unit.log" 2>&1 < /dev/null 9>&- &
        for _ in $(seq 100); do [ -s "$state/$unit.pid" ] && break; sleep 0.05; done;;
    esac
done
""",
}


class Machine:
    """A folder that stands for a server: its `/srv/postflow` and `/etc` lie below it."""

    def __init__(self, folder: Path, server: Postgres) -> None:
        self.folder = folder
        self.port = free_port()
        self.site = f"http://127.0.0.1:{self.port}"
        self.home = folder / "srv/postflow"
        self.source = folder / "source"
        self.state = folder / "state"
        (folder / "etc/systemd/system").mkdir(parents=True)
        (folder / "etc/caddy").mkdir()
        (folder / "srv").mkdir()
        tools = folder / "bin"
        tools.mkdir()
        for name, text in TOOLS.items():
            (tools / name).write_text(f"#!/bin/sh\nset -e\n{text}")
            (tools / name).chmod(0o755)
        self.environment = {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "HOME": str(folder),
            "MACHINE": str(folder),
            "BASE_PYTHON": str(Path(sys._base_executable)),
            "SITE_PACKAGES": str(next((Path(sys.prefix) / "lib").glob("python3.*/site-packages"))),
            "PSQL": server_tool("psql"),
            "PGHOST": server.folder,
            "PIP_NO_INDEX": "1",
            "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{self.port}",
            "POSTFLOW_HOME": str(self.home),
            "POSTFLOW_READY_URL": f"{self.site}/readyz?require=worker,schedule",
            "POSTFLOW_WAIT_SECONDS": "30",
        }

    def at_home(self, text: str) -> str:
        """Return a text whose paths lead into the folder."""
        return re.sub(r"(?<![\w.$}])/(srv/postflow|etc/)", rf"{self.folder}/\1", text)

    def run(self, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the documents, with a shell that ends at the first failure."""
        return subprocess.run(
            ["sh", "-euc", self.at_home(command)],
            cwd=self.folder,
            env=self.environment | variables,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def units_come_home(self) -> None:
        """Let the paths in the installed units lead into the folder."""
        for unit in (self.folder / "etc/systemd/system").iterdir():
            if str(self.folder) not in unit.read_text():
                unit.write_text(self.at_home(unit.read_text()))

    def git(self, *words: str) -> str:
        """Run git where versions are made."""
        done = subprocess.run(
            ["git", *AUTHOR, *words], cwd=self.source, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def make_version(self, **changes: str) -> str:
        """Commit the code with these files changed ("core__wsgi.py" is `core/wsgi.py`); return the commit."""
        for name, text in changes.items():
            (self.source / name.replace("__", "/")).write_text(text)
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A version")
        return self.git("rev-parse", "HEAD")

    def log(self, unit: str) -> str:
        """Return what a service has said."""
        path = self.state / f"postflow-{unit}.log"
        return path.read_text() if path.exists() else ""

    def exit_code(self, unit: str) -> str:
        """Return with what exit code a service ended."""
        return (self.state / f"postflow-{unit}.exit").read_text().strip()

    def stop(self) -> None:
        """Stop what was started."""
        self.run("systemctl stop postflow-web.service postflow-worker.service")


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """Give a machine with PostgreSQL and the code at a place to clone it from."""
    with postgres() as server:
        made = Machine(folder, server)
        copy_code(made.source)
        made.git("init", "--quiet")
        made.make_version()
        try:
            yield made
        finally:
            made.stop()
