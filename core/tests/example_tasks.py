"""Tasks for test_task_backend: tasks have to be at the top of an importable module."""

from typing import Any

from django.tasks import task

calls: list[Any] = []


@task(priority=5, max_retries=2, retry_delay=300)
def fails(*args: Any, **kwargs: Any) -> None:
    """Fail every time."""
    calls.append((args, kwargs))
    raise ValueError("no luck")


@task(max_retries=5)
def succeeds_at_third(number: int) -> int:
    """Fail twice, then return the number."""
    calls.append(number)
    if len(calls) < 3:
        raise ValueError("no luck yet")
    return number


@task(max_retries=1)
def exits() -> None:
    """Leave like a worker that is stopped by force."""
    raise SystemExit(1)


@task
def plain() -> None:
    """Fail without a word about retries."""
    calls.append("plain")
    raise ValueError("no luck")


@task(max_retries=1, retry_delay=60)
async def fails_async() -> None:
    """Fail in a coroutine."""
    raise ValueError("no luck")
