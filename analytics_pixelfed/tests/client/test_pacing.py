"""Requests to one host keep their distance, whoever gives the turns."""

import itertools

import pytest

from analytics_pixelfed import sending
from analytics_pixelfed.answers import TryLater
from analytics_pixelfed.pixelfed_client import PixelfedAPIClient

from .answering import API, INSTANCE, ME, TOKEN


@pytest.fixture
def fresh_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_pace", sending._Pacer())


def test_requests_to_one_host_are_a_second_apart(fresh_pace, mocked, sleeps, settings):
    settings.FETCH_REQUEST_INTERVAL = 1.0
    for host in ("photos.example", "other.example"):
        mocked.get(f"https://{host}/api/v1/accounts/verify_credentials", json={})
    with PixelfedAPIClient(INSTANCE, TOKEN) as client, PixelfedAPIClient(INSTANCE, "another") as second:
        client.verify_credentials()
        assert sleeps == []
        client.verify_credentials()
        second.verify_credentials()
    assert len(sleeps) == 2
    assert all(0 < pause <= 1 for pause in sleeps)
    with PixelfedAPIClient("other.example", TOKEN) as elsewhere:
        elsewhere.verify_credentials()
    assert len(sleeps) == 2


def test_every_page_and_every_retry_waits_for_its_turn(fresh_pace, mocked, sleeps, settings):
    settings.FETCH_REQUEST_INTERVAL = 5.0
    url = f"{API}/v1/statuses/1/favourited_by"
    mocked.get(url, json=[{"id": "1"}], headers={"Link": f'<{url}?max_id=5>; rel="next"'})
    mocked.get(url, status=502)
    mocked.get(url, json=[{"id": "2"}])
    with PixelfedAPIClient(INSTANCE, TOKEN) as client:
        assert len(client.get_post_favourited_by("1")) == 2
    turn, retry, second_turn = sleeps
    assert retry == 0
    assert 0 < turn <= 5
    assert 0 < second_turn <= 5


def test_the_interval_is_read_when_used_and_an_old_one_is_forgotten(fresh_pace, mocked, sleeps, settings):
    mocked.get(ME, json={})
    with PixelfedAPIClient(INSTANCE, TOKEN) as client:
        for interval in (3600, 3600, 0, 0.0, 7):
            settings.FETCH_REQUEST_INTERVAL = interval
            client.verify_credentials()
    long, short = sleeps
    assert 7 < long <= 3600
    assert 0 < short <= 7


def test_real_requests_keep_their_distance(fresh_pace, sandbox, settings):
    settings.FETCH_REQUEST_INTERVAL = 0.15
    world = sandbox.world
    (post,) = world.add_posts(world.person("ana"), 1, likes=200)
    with PixelfedAPIClient(sandbox.url, sandbox.token_for(world.person("ana"))) as client:
        client.get_post_favourited_by(str(post.id))
    moments = [request.at for request in sandbox.requests]
    assert len(moments) == 3
    assert all(later - earlier > 0.12 for earlier, later in itertools.pairwise(moments))


def test_turns_may_be_given_by_somebody_else(client, mocked, sleeps, settings):
    settings.FETCH_REQUEST_INTERVAL = 9
    mocked.get(ME, status=500)
    hosts: list[str] = []
    client.wait_turn = hosts.append
    with pytest.raises(TryLater):
        client.verify_credentials()
    assert hosts == ["photos.example"] * 4
    assert max(sleeps) == 0
