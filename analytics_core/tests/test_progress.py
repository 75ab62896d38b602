"""How far a visit has got, as other processes may read it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from analytics_core import tasks
from analytics_core.engine import states
from analytics_core.models import AccountState

pytestmark = pytest.mark.django_db


@pytest.fixture
def state(tiny, tiny_account):
    return states.state_of(tiny, tiny_account)


@pytest.fixture
def clock(monkeypatch):
    """A clock of seconds that only moves by hand."""
    now = [100.0]
    monkeypatch.setattr(states.time, "monotonic", lambda: now[0])
    return now


def test_a_visit_tells_how_far_it_is_while_it_lasts_and_nothing_after(tiny, tiny_account, state) -> None:
    token = states.claim_lease(state)
    states.ProgressWriter(tiny, tiny_account)("engagement", 12, 40)
    state.refresh_from_db()
    progress = states.progress_of(state)
    assert (progress.kind, progress.done, progress.total) == ("engagement", 12, 40)
    assert progress.words == "12 of 40 posts"
    states.release_lease(state, token)
    state.refresh_from_db()
    assert states.progress_of(state) is None
    assert (state.progress_kind, state.progress_at) == ("", None)


def test_it_is_written_once_in_two_seconds_at_most(tiny, tiny_account, state, clock) -> None:
    states.claim_lease(state)
    write = states.ProgressWriter(tiny, tiny_account)
    with CaptureQueriesContext(connection) as statements:
        for done in range(100):
            clock[0] += 0.25
            write("engagement", done, 100)
    assert len(statements) == 13
    state.refresh_from_db()
    assert state.progress_done == 96


def test_of_a_killed_visit_nothing_is_shown_when_its_lease_has_ended(tiny, tiny_account, state) -> None:
    states.claim_lease(state)
    states.ProgressWriter(tiny, tiny_account)("posts", 40, None)
    AccountState.objects.update(lease_until_at=timezone.now() - timedelta(seconds=1))
    state.refresh_from_db()
    assert states.progress_of(state) is None
    # The next visit does not begin where the killed one was.
    states.claim_lease(state)
    state.refresh_from_db()
    assert states.is_being_read(state)
    assert states.progress_of(state) is None


def test_nobody_writes_after_the_end(tiny, tiny_account, state) -> None:
    write = states.ProgressWriter(tiny, tiny_account)
    states.release_lease(state, states.claim_lease(state))
    write("engagement", 1, 2)
    state.refresh_from_db()
    assert state.progress_at is None


@pytest.mark.parametrize(
    ("took", "done", "total", "left"),
    [
        (60, 10, 40, "about 3 minutes"),
        (60, 10, 1160, "about 115 minutes"),
        (60, 39, 40, "less than a minute"),
        (4, 10, 40, ""),
        (60, 0, 40, ""),
        (60, 10, None, ""),
        (60, 50, 40, "less than a minute"),
    ],
)
def test_the_rest_is_estimated_from_what_is_done(state, took, done, total, left) -> None:
    now = timezone.now()
    state.lease_until_at = now + timedelta(minutes=1)
    state.progress_kind, state.progress_done, state.progress_total = "engagement", done, total
    state.progress_began_at, state.progress_at = now - timedelta(seconds=took), now
    assert states.progress_of(state).left_words == left


def test_each_part_of_the_work_has_an_estimate_of_its_own(tiny, tiny_account, state, clock) -> None:
    states.claim_lease(state)
    write = states.ProgressWriter(tiny, tiny_account)
    write("posts", 400, 1160)
    clock[0] += 3
    write("engagement", 0, 1160)
    state.refresh_from_db()
    assert state.progress_began_at == state.progress_at


def test_the_task_of_a_visit_tells_its_progress(tiny, tiny_account, state, monkeypatch) -> None:
    told = []
    monkeypatch.setattr(
        states.ProgressWriter, "__call__", lambda self, *progress: told.append(progress), raising=True
    )
    tiny.instance.add_post("101")
    tiny.instance.likes["101"] = ["fan"]
    tasks.fetch_account.call("tiny", tiny_account.pk)
    assert told[-1] == ("engagement", 1, 1)


def test_where_no_account_was_read_there_is_no_progress() -> None:
    assert states.progress_of(None) is None
    assert not states.is_being_read(None)
