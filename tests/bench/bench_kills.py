"""A worker killed at 50 random moments of an hour, and a database server that goes away: nothing shows."""

import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from django.core.management import call_command
from django.db import connection

from tests.workers import (
    ROOT,
    all_rows,
    differences,
    installed,
    kill_and_go_on,
    live_hours,
    own_database,
    pass_an_hour,
    wait_for_the_hour,
    wait_until,
    what_is_unfinished,
    work_off,
    worker,
)

MOMENTS, STOPS = 50, 16


def test_fifty_kills_change_no_row(database, start) -> None:
    rng = Random(7)
    with installed(hosts=4, accounts=5) as houses:
        houses.read_all()
        houses.live_on()
        pass_an_hour()
        database.save()
        worked_seconds = live_hours(start, 3)
        undisturbed = all_rows()
        counts = ", ".join(f"{len(rows)} {name}" for name, rows in undisturbed.items())
        print(f"\n  undisturbed: {worked_seconds:.2f} s; {counts}")  # noqa: T201 a benchmark's output
        idle_count = in_visit_count = 0
        wrong = []
        for number in range(MOMENTS):
            moment = (number + rng.random()) / MOMENTS * worked_seconds
            left = kill_and_go_on(database, start, lambda moment=moment: time.sleep(moment))
            in_visit_count += left["leases"] > 0
            idle_count += left["running"] == 0
            found = differences(all_rows(), undisturbed) + what_is_unfinished()
            if left["leases too long"]:
                found.append("a lease is too long")
            if found:
                wrong.append((moment, found))
                print(f"    killed after {moment:.3f} s ({left}): {found}")  # noqa: T201
        print(  # noqa: T201
            f"  {MOMENTS} kills: {in_visit_count} in a visit, {idle_count} between tasks; {len(wrong)} wrong"
        )
        assert wrong == []


@contextmanager
def own_server(folder: Path):
    """Start another throw-away PostgreSQL and lead this process's connection there; yields its control.

    The server that everybody else uses is left alone.
    """
    said = (folder / "server.txt").open("w+")
    script = 'echo "$DATABASE_URL $POSTGRES_CONTROL"; read nothing || true'
    shell = subprocess.Popen(
        [ROOT / ".ci" / "postgres", "sh", "-c", script], stdin=subprocess.PIPE, stdout=said, cwd=ROOT
    )
    at = connection.settings_dict
    before = {name: at[name] for name in ("HOST", "PORT", "USER", "PASSWORD", "NAME")}
    try:
        wait_until(
            lambda: shell.poll() is not None or (folder / "server.txt").read_text().endswith("\n"),
            seconds=60,
            what="the server is there",
        )
        control = (folder / "server.txt").read_text().split()[1]
        connection.close()
        at.update(HOST=str(Path(control).parent), PORT="", USER="postflow", PASSWORD="", NAME="postgres")
        yield control
    finally:
        connection.close()
        at.update(before)
        shell.communicate(timeout=60)
        said.close()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite is no server")
def test_a_database_server_that_goes_away_changes_no_row(transactional_db, tmp_path) -> None:
    rng = Random(11)
    processes = []

    def start():
        processes.append(worker(database.url, tmp_path / f"worker{len(processes)}.log"))
        return processes[-1]

    with own_server(tmp_path) as control, own_database(tmp_path) as database:
        call_command("migrate", verbosity=0)
        with installed(hosts=4, accounts=5) as houses:
            houses.read_all()
            houses.live_on()
            pass_an_hour()
            database.save()
            worked_seconds = live_hours(start, 3)
            undisturbed = all_rows()
            print(f"\n  undisturbed: {worked_seconds:.2f} s")  # noqa: T201 a benchmark's output
            wrong = []
            for number in range(STOPS):
                mode = ("fast", "immediate")[number % 2]
                moment = (number + rng.random()) / STOPS * worked_seconds
                database.restore()
                with start() as process:
                    wait_for_the_hour(process)
                    time.sleep(moment)
                    connection.close()
                    subprocess.run([control, "stop", "-m", mode], check=True)
                    time.sleep(rng.uniform(0.1, 4))
                    subprocess.run([control, "start"], check=True)
                    has_noticed = "does not answer" in process.log
                    work_off(process)
                    for _ in range(2):
                        pass_an_hour()
                        work_off(process)
                    process.terminate()
                    code = process.wait(15)
                found = differences(all_rows(), undisturbed) + what_is_unfinished()
                if code or found:
                    wrong.append((moment, mode))
                    print(f"    {mode} after {moment:.3f} s: code {code}, {found}")  # noqa: T201
                print(f"    {mode} after {moment:.3f} s: noticed {has_noticed}")  # noqa: T201
            print(f"  {STOPS} stops of the server: {len(wrong)} wrong")  # noqa: T201
            assert wrong == []
