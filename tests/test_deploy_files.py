"""What is there to deploy with can be read by its tools, names what exists, and keeps its promises."""

from __future__ import annotations

import configparser
import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands

from core.stopping import GRACE_SECONDS
from tests.servers import ROOT
from tests.test_docs import targets

UNITS = [ROOT / "deploy" / f"postflow-{name}.service" for name in ("web", "worker")]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def read_yaml(path: Path) -> dict:
    return yaml.safe_load(path.read_text())


def assert_it_can_be_run(command: list[str]) -> None:
    """Whether a command line names a program, files and commands of ours that exist."""
    assert Path(command[0]).name == "python", command
    if command[1] == "-m":
        assert command[2] == "gunicorn"
        assert (ROOT / command[command.index("--config") + 1]).is_file()
        assert command[-1] == "core.wsgi"
    else:
        assert (ROOT / command[1]).is_file()
        assert command[2] in get_commands()


# systemd


def unit(path: Path) -> configparser.ConfigParser:
    found = configparser.ConfigParser(strict=False, interpolation=None)
    found.optionxform = str
    found.read_string(path.read_text())
    return found


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
class TestUnits:
    def test_it_starts_what_exists(self, path) -> None:
        service = unit(path)["Service"]
        assert_it_can_be_run(shlex.split(service["ExecStart"]))
        assert service["ExecStart"].startswith(f"{service['WorkingDirectory']}/.venv/bin/")

    def test_it_may_do_little(self, path) -> None:
        service = unit(path)["Service"]
        assert service["User"] == "postflow"
        assert service["NoNewPrivileges"] == service["PrivateTmp"] == service["ProtectHome"] == "true"
        assert service["ProtectSystem"] == "strict"
        assert service["CapabilityBoundingSet"] == ""
        assert service["ReadWritePaths"] == "/srv/postflow/media"

    def test_systemd_takes_it(self, path, tmp_path) -> None:
        if not shutil.which("systemd-analyze"):
            pytest.skip("no systemd here")
        text = path.read_text().replace("/srv/postflow/current/.venv/bin/python", "/bin/true")
        (tmp_path / path.name).write_text(re.sub(r"^(User|Group)=.*\n", "", text, flags=re.MULTILINE))
        command = ["systemd-analyze", "verify", "--man=no", tmp_path / path.name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def test_a_timer_makes_the_backups(tmp_path) -> None:
    units = [ROOT / "deploy" / f"postflow-backup.{kind}" for kind in ("service", "timer")]
    program = unit(units[0])["Service"]["ExecStart"]
    assert os.access(ROOT / program.removeprefix("/srv/postflow/current/"), os.X_OK)
    assert unit(units[1])["Timer"]["OnCalendar"]
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd here")
    for path in units:
        (tmp_path / path.name).write_text(path.read_text().replace(program, "/bin/true"))
        command = ["systemd-analyze", "verify", "--man=no", tmp_path / path.name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def test_a_worker_is_given_the_time_it_takes_to_end() -> None:
    assert int(unit(UNITS[1])["Service"]["TimeoutStopSec"]) >= 2 * GRACE_SECONDS
    worker = read_yaml(ROOT / "compose.yaml")["services"]["worker"]
    assert int(worker["stop_grace_period"].removesuffix("s")) >= 2 * GRACE_SECONDS


# Containers


class TestCompose:
    compose = read_yaml(ROOT / "compose.yaml")

    def test_its_commands_exist(self) -> None:
        commands = [
            service["command"] for service in self.compose["services"].values() if "command" in service
        ]
        assert len(commands) == 2
        for command in commands:
            assert_it_can_be_run(shlex.split(command))

    def test_nothing_is_served_before_the_database_is_migrated(self) -> None:
        services = self.compose["services"]
        assert services["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}
        assert services["migrate"]["restart"] == "no"
        # Not the socket: on it answers a server that ends before the database is ready.
        assert {"pg_isready", "--host"} < set(services["database"]["healthcheck"]["test"])
        for name in ("web", "worker"):
            assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
            assert services[name]["restart"] == "unless-stopped"
            # The web's is the image's. "up --wait" fails where one is switched off.
            assert "disable" not in services[name].get("healthcheck", {})

    def test_its_volumes_exist_and_pages_are_for_this_machine(self) -> None:
        used = [
            volume.split(":")[0]
            for service in self.compose["services"].values()
            for volume in service.get("volumes", ())
        ]
        assert set(used) == set(self.compose["volumes"])
        assert self.compose["services"]["web"]["ports"] == ["127.0.0.1:8000:8000"]
        assert "ports" not in self.compose["services"]["database"]

    def test_no_secret_stands_in_it(self) -> None:
        text = (ROOT / "compose.yaml").read_text()
        assert "SECRET_KEY" not in text
        assert set(re.findall(r"POSTGRES_PASSWORD: (.)", text)) == {"$"}


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions with what they say, lines that go on joined."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def context() -> Iterator[str]:
    """Yield the files that a build is given: what `.dockerignore` leaves, its last match deciding."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in (".git", ".venv", ".run", "node_modules")]
        for name in names:
            path = Path(folder, name).relative_to(ROOT).as_posix()
            is_in = True
            for rule in rules:
                pattern = rule.removeprefix("!")
                tails = [path[place:] for place in [0, *(m.end() for m in re.finditer("/", path))]]
                subjects = tails if pattern.startswith("**/") else [path]
                pattern = pattern.removeprefix("**/")
                if any(fnmatch.fnmatch(each, pattern) or each.startswith(pattern + "/") for each in subjects):
                    is_in = rule.startswith("!")
            if is_in:
                yield path


class Build:
    """Does what the Dockerfile says below a folder, without a container: its paths lead there.

    Not done: pip (what it would install is installed), useradd, and what is for the engine alone.
    """

    def __init__(self, root: Path) -> None:
        self.stages: list[Path] = []
        self.names: dict[str, Path] = {}
        self.root, self.ran = root, []
        self.workdir, self.variables, self.last = "/", {}, {}

    def path(self, name: str, stage: Path | None = None) -> Path:
        return (stage or self.stages[-1]) / (Path(self.workdir) / name).as_posix().lstrip("/")

    def do(self, name: str, rest: str) -> None:
        self.last[name] = rest
        # What is not here is for the engine alone.
        step = getattr(self, f"step_{name.lower()}", None)
        if step is not None:
            step(rest)

    def step_from(self, rest: str) -> None:
        self.stages.append(self.root / f"stage{len(self.stages)}")
        self.stages[-1].mkdir()
        image, _, alias = rest.partition(" AS ")
        assert re.fullmatch(r"[a-z]+:[\w.-]+", image), image
        self.names[alias] = self.stages[-1]
        self.workdir, self.variables = "/", {}

    def step_workdir(self, rest: str) -> None:
        self.workdir = rest
        self.path("").mkdir(parents=True, exist_ok=True)

    def step_env(self, rest: str) -> None:
        self.variables |= dict(word.split("=", 1) for word in shlex.split(rest))

    step_arg = step_env

    def step_copy(self, rest: str) -> None:
        *sources, target = rest.split()
        if sources[0].startswith("--from="):
            source = self.path(sources[1], self.names[sources[0].removeprefix("--from=")])
            if source.name != "venv":
                shutil.copytree(source, self.path(target), dirs_exist_ok=True)
            return
        for path in CONTEXT:
            if sources == ["."] or any(fnmatch.fnmatch(path, source) for source in sources):
                self.path(path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / path, self.path(path))

    def step_run(self, rest: str) -> None:
        self.ran.append(rest)
        if "-m venv" in rest or rest.startswith("useradd"):
            return
        if rest.startswith("pip "):
            assert "--require-hashes" in rest
            assert self.path(self.variables["REQUIREMENTS"]).is_file()
            return
        command = rest.replace("/venv/bin/python", shlex.quote(sys.executable))
        variables = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run(["sh", "-euc", command], cwd=self.path(""), env=variables, check=True, timeout=120)


CONTEXT = list(context())


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    build = Build(tmp_path_factory.mktemp("image"))
    for name, rest in instructions():
        build.do(name, rest)
    return build


class TestImage:
    def test_its_steps_make_an_application_that_starts(self, built, tmp_path) -> None:
        app = built.path("", built.stages[-1])
        done = subprocess.run(
            [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "ERROR"],
            cwd=app,
            env={
                "PATH": os.environ["PATH"],
                "SECRET_KEY": "x",
                "PYTHONDONTWRITEBYTECODE": "1",
                "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
            },
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "core.W001" not in done.stderr, "the static files are there"
        assert list((app / "staticfiles/postflow").glob("base.*.css.gz"))

    def test_it_holds_what_it_needs_and_no_more(self, built) -> None:
        app = built.path("", built.stages[-1])
        assert {path.name for path in app.iterdir()} == {
            "analytics_core", "analytics_pixelfed", "core", "deploy", "pixelfed", "postflow", "templates",
            "manage.py", "requirements.txt", "requirements-s3.txt", "staticfiles",
        }  # fmt: skip
        assert not [path for path in app.rglob("tests") if path.is_dir()]

    def test_no_secret_can_get_into_it(self, built) -> None:
        names = ("secret.env", ".env", "db.sqlite3", "media", ".git")
        assert not [path for path in CONTEXT if path.split("/")[0] in names]
        app = built.path("", built.stages[-1])
        assert not [
            path for path in app.rglob("*") if path.is_file() and b"only-to-collect" in path.read_bytes()
        ]
        assert "SECRET_KEY" not in built.variables

    def test_it_is_nobody_who_can_do_much(self, built) -> None:
        assert built.last["USER"] == "postflow"
        assert any("useradd" in step and "postflow" in step for step in built.ran)

    def test_its_command_and_its_health_check_can_be_run(self, built) -> None:
        assert_it_can_be_run(json.loads(built.last["CMD"]))
        check = json.loads(built.last["HEALTHCHECK"].partition(" CMD ")[2])
        assert check[:2] == ["python", "-c"]
        compile(check[2], "check", "exec")
        assert "http://127.0.0.1:8000/healthz" in check[2]


# Proxies


def test_proxies_tell_what_django_needs_and_offer_no_pictures() -> None:
    nginx, caddy = ((ROOT / "deploy" / name).read_text() for name in ("nginx.conf", "Caddyfile"))
    for header in ("Host $host", "X-Forwarded-Proto $scheme", "X-Request-ID $request_id"):
        assert f"proxy_set_header {header};" in nginx
    # Caddy sets X-Forwarded-Proto by itself, and writes no access log unless told to.
    assert "reverse_proxy 127.0.0.1:8000" in caddy
    for text in (nginx, caddy):
        words = "\n".join(line for line in text.splitlines() if not line.strip().startswith("#"))
        assert "media" not in words
        assert "65s" in words
    # What is logged holds no query.
    [log_format] = re.findall(r"log_format .+;", nginx)
    assert not re.search(r"\$(request |request_uri|args|query_string|http_referer)", log_format)
    assert nginx.count("{") == nginx.count("}")
    assert caddy.count("{") == caddy.count("}")


def test_proxies_take_bodies_of_the_same_size() -> None:
    nginx, caddy = ((ROOT / "deploy" / name).read_text() for name in ("nginx.conf", "Caddyfile"))
    assert "client_max_body_size 2m;" in nginx
    assert "max_size 2MiB" in caddy
    assert f"> {2 * 1024 * 1024}`" in caddy


# GitHub


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_names_what_exists(path) -> None:
    workflow, text = read_yaml(path), path.read_text()
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["group"]
    matrix = workflow["jobs"].get("make", {}).get("strategy", {}).get("matrix", {}).get("target", [])
    named = set(re.findall(r"\bmake ([a-z-]+)", text)) | set(matrix)
    assert named <= targets()
    for name in re.findall(r"uses: \./(\S+)", text):
        assert (ROOT / name).is_file()
    for name in re.findall(r"/srv/postflow/current/(\S+)", text):
        assert os.access(ROOT / name, os.X_OK)
    for needs in [job["needs"] for job in workflow["jobs"].values() if "needs" in job]:
        assert needs in workflow["jobs"]


def test_all_tests_run_before_a_version_is_put_into_service() -> None:
    tests, deploy = (read_yaml(ROOT / f".github/workflows/{name}.yml") for name in ("tests", "deploy"))
    assert set(tests["jobs"]["make"]["strategy"]["matrix"]["target"]) == {"lint", "test", "test-postgres"}
    assert deploy["jobs"]["deploy"]["needs"] == "tests"
    assert deploy["jobs"]["tests"]["uses"] == "./.github/workflows/tests.yml"
    assert deploy["concurrency"] == {"group": "deploy", "cancel-in-progress": False}


def test_secrets_are_named_and_explained() -> None:
    used = set(re.findall(r"secrets\.(\w+)", (ROOT / ".github/workflows/deploy.yml").read_text()))
    page = (ROOT / "docs/deploy.md").read_text()
    assert used == set(re.findall(r"`(DEPLOY_\w+)`", page))


def test_scripts_are_sound_shell() -> None:
    scripts = sorted((ROOT / "deploy").glob("*.sh"))
    assert len(scripts) == 2
    for script in scripts:
        subprocess.run(["sh", "-n", script], check=True)
        assert os.access(script, os.X_OK)
