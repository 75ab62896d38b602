"""Writes docs/commands.md from the commands themselves; `make docs` calls it, a test compares."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from django.core.management import BaseCommand, get_commands, load_command_class

APPS = ("core", "postflow", "pixelfed", "analytics_core", "analytics_pixelfed")
HEAD = """# Commands

Every command of PostFlow's own, as it says it itself. `make docs` writes this page. Options that all
Django commands take are left out. They are called like this:

    .venv/bin/python manage.py sync_all_accounts --estimate
"""


def reference() -> str:
    """Return the page."""
    names = sorted(name for name, app in get_commands().items() if app in APPS)
    return "\n".join([HEAD, *(_section(name) for name in names)])


def _section(name: str) -> str:
    command = load_command_class(get_commands()[name], name)
    parser = command.create_parser("manage.py", name)
    common = {action.dest for action in BaseCommand().create_parser("manage.py", name)._actions}
    own = [action for action in parser._actions if action.dest not in common]
    lines = [f"## {name}", "", command.help or (command.__doc__ or "").splitlines()[0], ""]
    if own:
        lines += ["| option | what it does |", "|---|---|"]
        lines += [f"| {_name(action)} | {_words(action)} |" for action in own]
        lines.append("")
    return "\n".join(lines)


def _name(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"`<{action.dest}>`"
    value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
    return f"`{action.option_strings[-1]}{value}`"


def _words(action: argparse.Action) -> str:
    return ((action.help or "") % vars(action)).replace("|", "\\|")


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
    django.setup()
    (Path(__file__).parent.parent / "docs" / "commands.md").write_text(reference())
