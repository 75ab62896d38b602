"""An instance says itself what it runs; nobody has to type it."""

import pytest
import responses

from analytics_core import platforms
from analytics_pixelfed.software import ask_software, identify
from pixelfed.models import MastodonAccount
from pixelfed.sandbox import SandboxServer, World

SITE = "https://photos.example"


@pytest.fixture
def mocked():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        yield mocked


def nodeinfo(mocked, name) -> None:
    mocked.get(f"{SITE}/.well-known/nodeinfo", json={"links": [{"rel": "x", "href": f"{SITE}/nodeinfo/2.0"}]})
    mocked.get(f"{SITE}/nodeinfo/2.0", json={"software": {"name": name}})


def test_the_recorded_pixelfed_says_so(settings) -> None:
    settings.ALLOW_PRIVATE_INSTANCES = True
    with SandboxServer(World.empty()) as server:
        assert ask_software(server.url) == "pixelfed"
        assert not any("authorization" in request.headers for request in server.requests)


def test_other_software_is_told_by_its_name(mocked) -> None:
    nodeinfo(mocked, "Mastodon")
    assert ask_software(SITE) == "mastodon"


def test_without_nodeinfo_the_version_decides(mocked) -> None:
    mocked.get(f"{SITE}/.well-known/nodeinfo", status=404)
    mocked.get(f"{SITE}/api/v1/instance", json={"version": "3.5.3 (compatible; Pixelfed 0.12.6)"})
    assert ask_software(SITE) == "pixelfed"


@pytest.mark.parametrize(
    "links", [None, [], ["x"], [{"href": 5}], [{"href": "file:///etc/passwd"}], {"a": 1}]
)
def test_odd_answers_tell_nothing(mocked, links) -> None:
    mocked.get(f"{SITE}/.well-known/nodeinfo", json={"links": links})
    mocked.get(f"{SITE}/api/v1/instance", body="<html>")
    assert ask_software(SITE) == ""


@pytest.mark.django_db
def test_accounts_are_identified_before_an_hour_and_failures_left_for_later(mocked, user) -> None:
    account = MastodonAccount.objects.create(user=user, instance_url=SITE, username="ana", access_token="t")
    silent = MastodonAccount.objects.create(
        user=user, instance_url="https://silent.example", username="ana", access_token="t"
    )
    nodeinfo(mocked, "pixelfed")
    platform = platforms.get("pixelfed")
    assert account not in platform.active_accounts()
    platform.find_accounts()
    assert list(platform.active_accounts()) == [account]
    silent.refresh_from_db()
    assert silent.software == ""
    identify([])


@pytest.mark.django_db
def test_an_address_that_tells_costs_no_request(mocked, account) -> None:
    platforms.get("pixelfed").find_accounts()
    assert len(mocked.calls) == 0
