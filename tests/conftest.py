"""Worker processes on a database of their own, for the tests that kill and stop them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.workers import OwnDatabase, Process, own_database, worker


@pytest.fixture
def database(transactional_db: None, tmp_path: Path) -> Iterator[OwnDatabase]:
    """A copy of the tests' database that other processes can open; this process uses it too."""
    with own_database(tmp_path) as own:
        yield own


@pytest.fixture
def start(database: OwnDatabase, tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Start a worker process on that database; it is ended with the test at the latest."""
    processes: list[Process] = []

    def start_one(*options: str, **variables: object) -> Process:
        log = tmp_path / f"worker{len(processes)}.log"
        processes.append(worker(database.url, log, *options, **variables))
        return processes[-1]

    yield start_one
    for process in processes:
        process.kill()
