"""The options of `make bench-load`, for the command and for what it starts."""

from __future__ import annotations

import argparse


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog='make bench-load ARGS="..."',
        description="Fill a PostgreSQL with a large installation, read it while the hour runs, and measure.",
    )
    add = parser.add_argument
    add("--users", type=int, default=300, help="photographers with an account each")
    add("--months", type=int, default=36, help="how long they have been posting")
    add("--hosts", type=int, default=20, help="instances; a third of the accounts is on the first")
    add("--readers", type=int, default=50, help="how many read at once")
    add("--requests", type=int, default=10_000, help="after how many it ends; pictures are not counted")
    add("--think", default="2-8", help="seconds between two pages of a reader")
    add("--folder", default="", help="where the database is kept for the next time; filled when it is empty")
    add(
        "--shared-buffers",
        default="2GB",
        help="PostgreSQL's own memory; with room for all, no page waits for a disk",
    )
    add("--fill-only", action="store_true", help="fill and measure sizes, read nothing")
    add("--first-port", type=int, default=18400, help="of the instances; the one before is PostFlow's")
    add("--report", default=".run/load/report.md", help="the file that gets the tables as Markdown")
    options = parser.parse_args(arguments)
    options.hosts = min(options.hosts, options.users)
    return options
