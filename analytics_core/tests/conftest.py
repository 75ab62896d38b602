"""Visits to an account on the tiny platform, an hour apart, from noon on."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Noon, until the test or a visit moves it on."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def instance(tiny: Any) -> Any:
    """What the other side answers."""
    return tiny.instance


@pytest.fixture
def visit(tiny: Any, tiny_account: Any, clock: time_machine.Traveller) -> Callable[..., dict[str, Any]]:
    """Make one visit, an hour after the one before."""

    def run(**options: Any) -> dict[str, Any]:
        stats: dict[str, Any] = tiny.fetcher(tiny_account).run(**options)
        clock.shift(HOUR)
        return stats

    return run


@pytest.fixture
def audit(tiny: Any, tiny_account: Any) -> Callable[[], dict[str, Any]]:
    """Read lists again for safety."""
    return lambda: tiny.fetcher(tiny_account).audit()
