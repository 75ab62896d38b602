"""A pause that an instance asks for is told in seconds, in each of its notations."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from analytics_pixelfed import answers
from analytics_pixelfed.answers import Blocked, Gone

from .answering import API, ME

NOW = datetime(2026, 10, 5, 12, 30, tzinfo=UTC)


def in_seconds(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "30"}, 30),
        ({"Retry-After": "0"}, 1),
        ({"Retry-After": "-5"}, 1),
        ({"Retry-After": "99999999"}, 3600),
        ({"Retry-After": format_datetime(in_seconds(300), usegmt=True)}, 300),
        ({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}, 1),
        ({"X-RateLimit-Reset": str(int(in_seconds(300).timestamp()))}, 300),
        ({"X-RateLimit-Reset": in_seconds(300).isoformat().replace("+00:00", "Z")}, 300),
        ({"X-RateLimit-Reset": in_seconds(99999).isoformat()}, 3600),
        ({"Retry-After": "30", "X-RateLimit-Reset": str(int(in_seconds(300).timestamp()))}, 30),
        ({"Retry-After": "soon", "X-RateLimit-Reset": str(int(in_seconds(300).timestamp()))}, 300),
    ],
    ids=str,
)
def test_a_pause_that_is_asked_for_is_told_in_seconds_and_not_retried(
    client, mocked, sleeps, monkeypatch, status, headers, seconds
):
    monkeypatch.setattr(answers.timezone, "now", lambda: NOW)
    mocked.get(ME, status=status, headers=headers)
    with pytest.raises(Blocked) as caught:
        client.verify_credentials()
    assert caught.value.seconds == seconds
    assert (len(mocked.calls), sleeps) == (1, [])


@pytest.mark.parametrize(
    "headers", [{}, {"Retry-After": ""}, {"Retry-After": "soon"}, {"X-RateLimit-Reset": "never"}]
)
def test_a_throttle_without_a_time_means_a_minute_or_more(client, mocked, headers):
    mocked.get(ME, status=429, headers=headers, body="<html>", content_type="text/html")
    pauses = []
    for _ in range(20):
        with pytest.raises(Blocked) as caught:
            client.verify_credentials()
        pauses.append(caught.value.seconds)
    assert all(60 <= pause <= 90 for pause in pauses)
    assert len(set(pauses)) > 10


def test_the_limits_that_mastodon_sends_with_every_answer_block_nothing(client, mocked):
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "2100-01-01T00:00:00.000000Z"}
    mocked.get(ME, json={"id": "1"}, headers=headers)
    mocked.get(f"{API}/v1/statuses/1", status=404, headers=headers)
    assert client.verify_credentials() == {"id": "1"}
    with pytest.raises(Gone):
        client.get_post("1")


@pytest.mark.parametrize(
    "options", [{"retry_after": "seconds"}, {"retry_after": "date"}, {"reset": "epoch"}, {"reset": "iso"}]
)
def test_every_notation_of_a_pause_is_understood_on_a_real_connection(ana, sandbox, options):
    sandbox.faults.add("rate_limit", seconds=1200, **options)
    with pytest.raises(Blocked) as caught:
        ana.get_notifications()
    assert caught.value.seconds == pytest.approx(1200, abs=5)
