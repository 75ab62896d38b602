"""`make bench-load`: makes room and tools, and hands on to the session within a PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.load.options import parse

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".run/load/venv"
REQUIREMENTS = ROOT / "requirements-load.txt"


def main() -> int:
    """Run all of it; the exit code is the session's: 1 when something is slower than it may be."""
    options = parse()
    if not options.fill_only:
        _install_tools()
    folder = Path(options.folder or tempfile.mkdtemp(prefix="postflow-load.", dir="/tmp")).resolve()
    # The server runs as somebody else where this runs as root.
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    environment = {
        **os.environ,
        "POSTGRES_FOLDER": str(folder / "postgres"),
        # What it runs with stands in its own settings: see tests/load/server.py.
        "POSTGRES_OPTIONS": "",
        "PGCTLTIMEOUT": "600",
        "LOAD_FOLDER": str(folder),
        "DJANGO_SETTINGS_MODULE": "core.settings",
        # The same each time: tokens of a kept database are encrypted with it.
        "SECRET_KEY": "a key of load tests and of nothing else, sixty characters long",
        "DEBUG": "0",
        "HTTPS": "0",
        "ALLOWED_HOSTS": "127.0.0.1",
        "LOG_LEVEL": "WARNING",
        # Each reader comes from elsewhere, as through a proxy: many from one place are taken for a thief.
        "TRUSTED_PROXY_COUNT": "1",
        "ALLOW_PRIVATE_INSTANCES": "1",
        "SKIP_AUTO_SCHEDULE": "1",
        "MEDIA_ROOT": str(folder / "media"),
        "PYTHONPATH": str(ROOT),
    }
    command = [str(ROOT / ".ci/postgres"), sys.executable, "-m", "tests.load.session", *sys.argv[1:]]
    try:
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    finally:
        if not options.folder:
            shutil.rmtree(folder, ignore_errors=True)


def _install_tools() -> None:
    """Install locust where nothing of it gets among PostFlow's own libraries."""
    stamp, wanted = TOOLS / "requirements", REQUIREMENTS.read_text()
    if stamp.exists() and stamp.read_text() == wanted and (TOOLS / "bin/locust").exists():
        return
    print("Installing locust below .run/ ...", flush=True)  # noqa: T201
    uv = subprocess.run([".ci/uv"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    for step in (
        ["venv", "--quiet", "--clear", "--python", sys.executable, str(TOOLS)],
        [
            "pip",
            "install",
            "--quiet",
            "--python",
            str(TOOLS / "bin/python"),
            "--require-hashes",
            "-r",
            str(REQUIREMENTS),
        ],
    ):
        subprocess.run([uv, *step], cwd=ROOT, check=True)
    stamp.write_text(wanted)


if __name__ == "__main__":
    sys.exit(main())
