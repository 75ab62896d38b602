"""What the documents name exists, and what they promise of the code's shape holds."""

import ast
import importlib
import logging
import os
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import BaseCommand, CommandError, get_commands, load_command_class
from django.urls import Resolver404, resolve

from analytics_core import platforms
from tests.command_reference import reference

ROOT = Path(__file__).parent.parent
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CLAUDE.md",
    ROOT / "CHANGELOG.md",
    # What other servers do is named there, not what we have.
    *sorted(set((ROOT / "docs").rglob("*.md")) - {ROOT / "docs" / "api-facts.md"}),
]
PACKAGES = ("core", "postflow", "pixelfed", "analytics_core", "analytics_pixelfed", "tests")
# Words of others that no file of ours holds.
FOREIGN = {"tasks.enqueue(f)", "f.enqueue()", "photos.example.org", "Host"}

CODE = re.compile(r"`([^`\n]+)`")
BLOCK = re.compile(r"^```[\s\S]*?^```$|(?<=\n\n)(?:    .*(?:\n|\Z)|\n(?=    ))+", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FILE_END = re.compile(r"\.(?:py|md|toml|txt|html|css|js|json|png|sqlite3|example)$")


@cache
def source() -> str:
    """All code of the repository in one text, tests included, this file left out."""
    files = [*ROOT.glob("*.py"), *ROOT.glob("*.toml"), ROOT / "Makefile", ROOT / ".env.example"]
    files += [*ROOT.glob("deploy/*"), *ROOT.glob(".github/workflows/*"), ROOT / "compose.yaml"]
    for package in (*PACKAGES, "templates"):
        for folder, _, names in os.walk(ROOT / package):
            if "recordings" not in folder:
                files += [Path(folder, name) for name in names if name.endswith((".py", ".html", ".js"))]
    return "\n".join(file.read_text() for file in files if file != Path(__file__))


@cache
def words() -> frozenset[str]:
    return frozenset(re.findall(r"\w+", source()))


@cache
def constants() -> frozenset[str]:
    found = re.findall(r"^ *([A-Z][A-Z0-9_]+)(?: *:[^=\n]+)? *=", source(), re.MULTILINE)
    return frozenset(found + re.findall(r"(?:secrets\.|\$\{)([A-Z_]+)", source()))


@cache
def variables() -> frozenset[str]:
    return frozenset(re.findall(r"^(?:# )?([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


@cache
def targets() -> frozenset[str]:
    return frozenset(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def mistakes(text: str, *, folder: Path = ROOT) -> list[str]:
    """Return what a document names that does not exist, in words."""
    blocks = "\n".join(BLOCK.findall(text))
    prose = BLOCK.sub("", text)
    tokens = CODE.findall(prose)
    return [
        *(f"{what}: {line}" for line in [*tokens, *blocks.splitlines()] for what in wrong_commands(line)),
        *(f"{what}: {token}" for token in tokens if (what := wrong_token(token, folder)) is not None),
        *(f"{what}: {link}" for link in LINK.findall(prose) if (what := wrong_link(link, folder, text))),
        *(f"{what}: {line}" for line in blocks.splitlines() if (what := wrong_call(line))),
    ]


def wrong_commands(line: str) -> Iterator[str]:
    for target in re.findall(r"(?:^|\s)make ([a-z-]+)", line):
        if target not in targets():
            yield f"no make target {target}"
    for name, rest in re.findall(r"manage\.py ([a-z_]+)(.*)", line):
        if name not in get_commands():
            yield f"no command {name}"
            continue
        known = command(name).create_parser("manage.py", name)._option_string_actions
        yield from (f"no option {o} of {name}" for o in re.findall(r"--[a-z-]+", rest) if o not in known)
    for name in re.findall(r"\bmake run OPTIONS=(.+)", line):
        known = load_command_class("analytics_pixelfed", "demo").create_parser("manage.py", "demo")
        options = re.findall(r"--[a-z-]+", name)
        yield from (f"no option {o} of demo" for o in options if o not in known._option_string_actions)


def wrong_call(line: str) -> str | None:
    """Say what keeps a command of a code block from being typed as it stands there."""
    found = re.search(r"manage\.py ([a-z_]+)([^|&>#]*)", line)
    if not found or found[1] not in get_commands():
        return None
    try:
        command(found[1]).create_parser("manage.py", found[1]).parse_args(shlex.split(found[2]))
    except CommandError as error:
        return str(error)
    return None


def command(name: str) -> BaseCommand:
    app = get_commands()[name]
    return load_command_class(app, name) if isinstance(app, str) else app


def wrong_token(token: str, folder: Path) -> str | None:
    """Say what is wrong with one piece of text in back-ticks; None where nothing is, or nothing is known."""
    token = token.strip()
    name = token.partition("=")[0].removeprefix("settings.")
    if token in FOREIGN or "://" in token or token.startswith("make ") or "manage.py " in token:
        return None
    if re.fullmatch(r"[A-Z][A-Z0-9_]+", name):
        known = variables() | constants() | set(logging.getLevelNamesMapping())
        return None if hasattr(settings, name) or name in known else "no setting or constant"
    if token.startswith("/"):
        return None if is_address(token) else "no address"
    if "/" in token or FILE_END.search(token) or re.fullmatch(r"\.[a-z]+", token):
        return None if is_file(token, folder) else "no file"
    if re.fullmatch(r"[A-Za-z_]\w*(?:\.\w+)+", token) and token.split(".")[0] in PACKAGES:
        return None if is_object(token) else "no module, class or function"
    if re.fullmatch(r"--[a-z-]+", token):
        return None if f'"{token}"' in source() else "no option"
    if re.fullmatch(r"@?[A-Za-z_][\w.]*(?:\(\))?", token):
        unknown = [word for word in re.findall(r"\w+", token) if word not in words()]
        return f"no {unknown[0]} in the code" if unknown and not is_table(token) else None
    return None


def is_address(token: str) -> bool:
    if token.startswith("/_sandbox"):
        return f'"{token}"' in source() or f"`{token}`" in source()
    try:
        resolve(re.sub(r"<\w+>", "1", token.partition("?")[0]))
    except Resolver404:
        return False
    return True


def is_file(token: str, folder: Path) -> bool:
    if any(base.joinpath(token).exists() or any(base.glob(token)) for base in (ROOT, folder)):
        return True
    # What git ignores comes and goes.
    ignored = (ROOT / ".gitignore").read_text().split()
    return any(token.strip("/") == line.strip("/*") for line in ignored)


def is_object(token: str) -> bool:
    """Whether this is a module, something in one, or a model named by its app."""
    parts = token.split(".")
    if len(parts) == 2 and parts[1].lower() in apps.all_models.get(parts[0], {}):
        return True
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def is_table(token: str) -> bool:
    return token in {model._meta.db_table for model in apps.get_models()}


def wrong_link(link: str, folder: Path, text: str) -> str | None:
    if re.match(r"[a-z]+:", link):
        return None
    path, _, anchor = link.partition("#")
    target = (folder / path).resolve()
    if not target.exists():
        return "no file to link to"
    if anchor:
        headings = re.findall(r"^#+ (.+)$", target.read_text() if path else text, re.MULTILINE)
        slugs = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
        return None if anchor in slugs else "no heading to link to"
    return None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_names_exists(document: Path) -> None:
    assert mistakes(document.read_text(), folder=document.parent) == []


@pytest.mark.parametrize(
    "text",
    [
        "`make dance`",
        "    make dance",
        '    make run OPTIONS="--dance 8001"',
        "`manage.py dance`",
        "    .venv/bin/python manage.py dance --all",
        "`manage.py sync_pixelfed_posts --dance`",
        "`--dance`",
        "`DANCE_INTERVAL`",
        "`DANCE_INTERVAL=1`",
        "`settings.DANCE_INTERVAL`",
        "`/analytics/dance/`",
        "`/analytics/pixelfed/dance/<post_id>/`",
        "`/_sandbox/dance`",
        "`core/dance.py`",
        "`dance.toml`",
        "`docs/dances/`",
        "`.dance`",
        "`core.dance`",
        "`core.http.dance`",
        "`analytics_pixelfed.PixelfedDance`",
        "`dance_with_me`",
        "`dance_with_me()`",
        "`analytics_pixelfed_dance`",
        "[dances](docs/dances.md)",
        "[dances](docs/settings.md#dances)",
        "[dances](#dances)",
        "    manage.py sync_pixelfed_posts --max-posts many",
        "    manage.py migrate --plan postflow 0001 0002",
    ],
)
def test_what_does_not_exist_is_found(text: str) -> None:
    assert len(mistakes(f"Read this.\n\n{text}\n")) == 1


def test_every_command_of_ours_is_documented() -> None:
    ours = {name for name, app in get_commands().items() if app in PACKAGES}
    assert {"demo", "db_worker", "sync_all_accounts"} <= ours
    assert sorted(name for name in ours if f"manage.py {name}" not in all_documents()) == []


def test_the_page_of_commands_says_what_they_say() -> None:
    assert (ROOT / "docs" / "commands.md").read_text() == reference(), "make docs writes it anew"


def test_every_make_target_is_documented() -> None:
    assert {"run", "test"} <= targets()
    assert sorted(name for name in targets() - {"help"} if f"make {name}" not in all_documents()) == []


def test_every_document_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    files = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert sorted(name for name in files if f"({name}" not in index) == []


@cache
def all_documents() -> str:
    return "\n".join(document.read_text() for document in DOCUMENTS)


def test_every_top_level_folder_is_explained() -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and is_kept(path)}
    assert {"core", "templates", "tests"} <= folders
    architecture = (ROOT / "docs" / "architecture.md").read_text()
    assert sorted(name for name in folders if f"`{name}/`" not in architecture) == []


def is_kept(folder: Path) -> bool:
    ignored = {line.strip("/*") for line in (ROOT / ".gitignore").read_text().split()}
    return folder.name not in {".git", *ignored}


def test_the_dependencies_of_the_document_on_security_are_the_pinned_ones() -> None:
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = [re.match(r"[\w-]+", line)[0] for line in asked]
    pins = dict(
        re.findall(r"^([\w-]+)(?:\[\w+\])?==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    )
    section = (ROOT / "docs/security.md").read_text().partition("## Dependencies")[2]
    listed = re.findall(r"^\| ([\w-]+) \| (\d\S*) \|", section, re.MULTILINE)
    assert listed == [(name, pins[name]) for name in names]


def test_every_document_that_the_code_names_exists() -> None:
    named = set(re.findall(r"\bdocs/[\w./-]+\w", source()))
    assert "docs/settings.md" in named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_the_engine_names_no_platform() -> None:
    names = {platform.name for platform in platforms.all_platforms()} | {"pixelfed", "mastodon", "instagram"}
    named = re.compile("|".join(sorted(names)), re.IGNORECASE)
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in sorted((ROOT / "analytics_core").rglob("*"))
        if file.suffix in (".py", ".html", ".css", ".js") and "tests" not in file.parts
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if named.search(line)
    ]
    assert found == []


def environment_reads(code: str) -> list[int]:
    """Return the lines that read the environment; setting the settings module's name reads nothing."""
    tree = ast.parse(code)
    allowed = {
        id(node.func.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "setdefault"
        and isinstance(node.args[0], ast.Constant)
        and node.args[0].value == "DJANGO_SETTINGS_MODULE"
    }
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
            names = {node.attr} - ({"environ"} if id(node) in allowed else set())
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names}
        else:
            continue
        if names & {"environ", "environb", "getenv", "getenvb", "Env"}:
            lines.append(node.lineno)
    return lines


def test_only_core_reads_the_environment() -> None:
    files = [
        ROOT / "manage.py",
        *(f for package in PACKAGES if package != "core" for f in (ROOT / package).rglob("*.py")),
    ]
    # Tests hand the environment on to processes that they start.
    modules = [f for f in files if "tests" not in f.relative_to(ROOT).parts]
    assert len(modules) > 50
    assert {str(f.relative_to(ROOT)): n for f in modules if (n := environment_reads(f.read_text()))} == {}


@pytest.mark.parametrize(
    "code",
    [
        "import os\nos.environ['DEBUG']",
        "import os\nos.environ.get('DEBUG')",
        "import os\nos.environ.setdefault('DEBUG', '1')",
        "import os\nos.getenv('DEBUG')",
        "from os import environ",
        "from os import getenv as g",
        "import environ",
    ],
)
def test_a_read_of_the_environment_is_found(code: str) -> None:
    assert environment_reads(code)
