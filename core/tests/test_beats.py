"""A worker's heartbeat, and what it counts meanwhile of the servers it asks."""

import threading
from datetime import timedelta

import pytest
import responses
from django.db import OperationalError
from django.utils import timezone

from core import beats, http, traffic
from core.models import HostRequests, WorkerBeat


def beat_once(worker_id: str = "w") -> None:
    """Beat as the thread does, and end before the second time."""

    class Once(threading.Event):
        def wait(self, timeout=None):
            raise StopIteration

    with pytest.raises(StopIteration):
        beats._beat_until(Once(), worker_id)


@pytest.fixture
def kept(db, monkeypatch):
    # The connection of a test cannot be opened again.
    monkeypatch.setattr("core.beats.connection.close", lambda: None)
    traffic.keep(True)
    yield
    traffic.keep(False)
    traffic.store()


def counted() -> dict[tuple[str, str], int]:
    return {(row.host, row.result): row.count for row in HostRequests.objects.all()}


def test_a_beat_says_that_a_worker_lives(kept) -> None:
    assert beats.workers_alive() == 0
    beat_once()
    beat_once()
    beat_once("another")
    assert beats.workers_alive() == 2


def test_nobody_lives_who_was_not_seen_for_a_minute_and_is_forgotten_after_a_day(kept) -> None:
    WorkerBeat.objects.create(pk="late", seen_at=timezone.now() - timedelta(seconds=61))
    WorkerBeat.objects.create(pk="old", seen_at=timezone.now() - timedelta(days=2))
    beat_once()
    assert beats.workers_alive() == 1
    assert set(WorkerBeat.objects.values_list("pk", flat=True)) == {"w", "late"}


def test_a_worker_takes_its_row_with_it(kept) -> None:
    beat_once()
    is_over = threading.Event()
    is_over.set()
    beats._beat_until(is_over, "w")
    assert not WorkerBeat.objects.exists()


@responses.activate
def test_requests_are_counted_by_host_and_result(kept, settings) -> None:
    settings.ALLOW_PRIVATE_INSTANCES = True
    for status in (200, 201, 302, 401, 404, 418, 429, 502):
        responses.get(f"https://a.example/{status}", status=status, body="x")
    with http.open_session() as session:
        for status in (200, 201, 302, 401, 404, 418, 429, 502):
            http.fetch(session, "GET", f"https://a.example/{status}")
        with pytest.raises(http.Unreachable):
            http.fetch(session, "GET", "https://b.example/")
        with pytest.raises(http.BodyTooLarge):
            http.fetch(session, "GET", "https://a.example/200", max_bytes=0)
    beat_once()
    words = ("redirect", "refused", "missing", "rejected", "throttled", "error", "unusable")
    once = {("a.example", word): 1 for word in words}
    assert counted() == once | {("a.example", "ok"): 2, ("b.example", "unreachable"): 1}


def test_a_count_that_the_database_did_not_take_is_not_lost(kept, monkeypatch) -> None:
    traffic.count("a.example", "ok")

    def away(*args, **kwargs):
        raise OperationalError("away")

    with monkeypatch.context() as broken:
        broken.setattr(type(HostRequests.objects), "get_or_create", away)
        beat_once()
    traffic.count("a.example", "ok")
    beat_once()
    beat_once()
    assert counted() == {("a.example", "ok"): 2}


def test_a_process_that_never_stores_counts_nothing(db) -> None:
    traffic.count("a.example", "ok")
    traffic.store()
    assert counted() == {}
