"""What may pass is tried again after a growing pause; anything else is raised at once."""

import itertools

import pytest
import requests

from analytics_pixelfed import answers, sending
from analytics_pixelfed.answers import Blocked, Gone, ReconnectNeeded, TryLater, WrongAnswer
from analytics_pixelfed.pixelfed_client import PixelfedAPIError, retry_on_failure

from .answering import ME


@pytest.fixture
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending.random, "uniform", lambda low, high: low)


def test_a_failing_server_is_asked_four_times_after_one_two_and_four_seconds(
    client, mocked, sleeps, settings, no_jitter
):
    settings.FETCH_RETRY_DELAY = 1.0
    mocked.get(ME, status=502)
    with pytest.raises(TryLater):
        client.verify_credentials()
    assert sleeps == [1, 2, 4]
    assert len(mocked.calls) == client.requests_count == 4


def test_the_pauses_are_spread_by_up_to_a_quarter(client, mocked, sleeps, settings):
    settings.FETCH_RETRY_DELAY = 2.0
    mocked.get(ME, status=502)
    for _ in range(20):
        with pytest.raises(TryLater):
            client.verify_credentials()
    for nth, base in enumerate((2, 4, 8)):
        pauses = sleeps[nth::3]
        assert all(base <= pause <= base * 1.25 for pause in pauses)
        assert len(set(pauses)) > 10


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_a_passing_failure_is_survived(client, mocked, sleeps, failures):
    for _ in range(failures):
        mocked.get(ME, status=500, json={"error": "Server Error"})
    mocked.get(ME, json={"id": "1"})
    assert client.verify_credentials() == {"id": "1"}
    assert (len(sleeps), client.requests_count) == (failures, failures + 1)


@pytest.mark.parametrize(
    "failure",
    [requests.ConnectTimeout(), requests.ReadTimeout(), requests.ConnectionError("x"), OSError("reset")],
)
def test_a_time_out_or_broken_connection_may_pass(client, mocked, sleeps, failure):
    mocked.get(ME, body=failure)
    with pytest.raises(TryLater, match=r"photos\.example did not answer"):
        client.verify_credentials()
    assert len(sleeps) == 3


@pytest.mark.parametrize(
    ("fault", "options"),
    [("drop", {}), ("cut", {}), ("hang", {}), ("drip", {"seconds": 0.02})],
)
def test_a_silent_slow_or_cut_answer_is_asked_for_again_on_a_real_connection(
    ana, sandbox, settings, sleeps, fault, options
):
    settings.FETCH_TIMEOUT = 0.5
    sandbox.faults.add(fault, times=2, **options)
    assert ana.verify_credentials()["username"] == "ana"
    assert (len(sandbox.requests), len(sleeps)) == (3, 2)


def test_only_what_may_pass_is_tried_again(sleeps):
    for error in (
        ReconnectNeeded("x"),
        Gone("x"),
        WrongAnswer("x"),
        Blocked("x", seconds=5),
        answers.BadRequest("x"),
        RuntimeError("x"),
    ):
        attempts = []

        @retry_on_failure(max_retries=3, initial_delay=1)
        def ask(attempts=attempts, error=error):
            attempts.append(1)
            raise error

        with pytest.raises(type(error)) as caught:
            ask()
        assert caught.value is error
        assert len(attempts) == 1
    assert sleeps == []


@pytest.mark.parametrize("max_retries", [0, 1, 2, 5])
def test_the_decorator_keeps_name_arguments_and_result(sleeps, no_jitter, max_retries):
    attempts = itertools.count()

    @retry_on_failure(max_retries=max_retries, initial_delay=0.5)
    def ask(left: int, *, right: int) -> int:
        """Ask."""
        if next(attempts) < max_retries:
            raise PixelfedAPIError("not yet")
        return left + right

    assert (ask.__name__, ask.__doc__) == ("ask", "Ask.")
    assert ask(1, right=2) == 3
    assert sleeps == [0.5 * 2**number for number in range(max_retries)]


def test_the_last_failure_is_raised_as_it_is(sleeps):
    errors = [TryLater(str(number)) for number in range(4)]
    left = iter(errors)

    @retry_on_failure()
    def ask() -> None:
        raise next(left)

    with pytest.raises(TryLater) as caught:
        ask()
    assert caught.value is errors[-1]
