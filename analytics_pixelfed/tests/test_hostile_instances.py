"""What may be typed and what names may lead to, against both forms that connect: nothing private is asked."""

import ipaddress
import re
from collections.abc import Iterator
from contextlib import suppress
from html import unescape

import pytest
import responses
from django.test import Client

from core.addresses import is_public_address
from core.tests.private_addresses import PRIVATE_LITERALS, PRIVATE_NAMES
from core.tests.watching import resolve_to, watch_connections
from pixelfed.models import ConnectAttempt, InstanceApp, MastodonAccount

pytestmark = pytest.mark.django_db

FORMS = ["/accounts/connect/", "/accounts/connect/token/"]
SHAPES = ["{}", "https://{}/", "@ana@{}", "https://{}/@ana", "{}:8443/ana"]
PUBLIC, PUBLIC_6 = "93.184.215.14", "2606:2800::1"
IN_A_PRIVATE_NETWORK = "inside a private network; PostFlow can only reach public instances."
NO_ADDRESS = "This is not the address of an instance."
ONLY_THE_INSTANCE = "Enter only the instance"
NOT_READABLE = "The address has to begin with https://, so that nobody can read along."


def numbers() -> Iterator[str]:
    """Give the private addresses that a name server can answer with: numbers in their plain notation."""
    for address in PRIVATE_LITERALS:
        with suppress(ValueError):
            yield str(ipaddress.ip_address(address.strip("[]").partition("%")[0]))


NUMBERS = sorted(set(numbers()))


@pytest.fixture(autouse=True)
def _settings(settings, monkeypatch) -> None:
    settings.ALLOW_PRIVATE_INSTANCES = False
    monkeypatch.setattr("analytics_pixelfed.account_views.TRIES", 1000)


@pytest.fixture
def connected(monkeypatch) -> list[str]:
    return watch_connections(monkeypatch)


def problem(browser: Client, form: str, typed: str) -> str:
    """Fill a form in; return what it complains of, after a look that nothing was begun."""
    response = browser.post(form, {"instance": typed, "token": "a-token"})
    assert response.status_code == 200, typed
    html = response.content.decode()
    assert "a-token" not in html
    found = re.search(r'role="alert"[^>]*>([^<]*)<', html)
    assert found, typed
    for model in (MastodonAccount, InstanceApp, ConnectAttempt):
        assert not model.objects.exists()
    return unescape(found[1])


def test_there_are_enough_of_them() -> None:
    assert len({*PRIVATE_LITERALS, *PRIVATE_NAMES}) >= 60
    assert len(NUMBERS) >= 40


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("address", PRIVATE_LITERALS + PRIVATE_NAMES)
def test_no_private_address_is_asked_in_any_notation(browser, connected, monkeypatch, form, address) -> None:
    asked = resolve_to(monkeypatch, ["127.0.0.1"])
    for shape in SHAPES:
        message = problem(browser, form, shape.format(address))
        assert message.endswith(IN_A_PRIVATE_NETWORK) or message.startswith(NO_ADDRESS), shape
    assert problem(browser, form, f"http://{address}/") in (
        NOT_READABLE,
        problem(browser, form, f"https://{address}/"),
    )
    assert (connected, asked) == ([], [])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("ftp://pixelfed.social/", NOT_READABLE),
        ("file:///etc/passwd", NO_ADDRESS),
        ("gopher://127.0.0.1:6379/_x", NOT_READABLE),
        ("http://pixelfed.social/", NOT_READABLE),
        ("javascript://pixelfed.social/%0aalert(1)", NOT_READABLE),
        ("data:text/plain,x", NO_ADDRESS),
        ("https://user:pass@pixelfed.social/", ONLY_THE_INSTANCE),
        ("https://pixelfed.social@127.0.0.1/", ONLY_THE_INSTANCE),
        ("https://pixelfed.social@169.254.169.254", ONLY_THE_INSTANCE),
        ("https://127.0.0.1\\@pixelfed.social/", IN_A_PRIVATE_NETWORK),
        ("https://[bad/", NO_ADDRESS),
        ("https://[::1", NO_ADDRESS),
        ("https://pixelfed.social:99999/", NO_ADDRESS),
        ("https://pixelfed.social:http/", NO_ADDRESS),
        ("https://pixelfed.social:0/", NO_ADDRESS),
        ("https://.example/", NO_ADDRESS),
        (f"https://{'a' * 64}.example/", NO_ADDRESS),
        ("https://pixelfed.social\r\nHost: evil.example", NO_ADDRESS),
        ("pixelfed.social evil.example", NO_ADDRESS),
        ("https://xn--/", NO_ADDRESS),
        ("//127.0.0.1/", "Enter the address of your instance"),
        ("https:///etc/passwd", NO_ADDRESS),
        ("https://%31%32%37.0.0.1/", NO_ADDRESS),
        ("https://127.0.0.1%00.pixelfed.social/", NO_ADDRESS),
        ("https://127.0.0.1#@pixelfed.social/", IN_A_PRIVATE_NETWORK),
        ("https://127.0.0.1?@pixelfed.social/", IN_A_PRIVATE_NETWORK),
    ],
)
def test_no_trick_with_an_address_leads_anywhere(
    browser, connected, monkeypatch, form, typed, expected
) -> None:
    asked = resolve_to(monkeypatch, [PUBLIC])
    message = problem(browser, form, typed)
    assert expected in message
    assert "pass" not in message
    assert (connected, asked) == ([], [])


@pytest.mark.parametrize("form", FORMS)
class TestNames:
    """What a name server of somebody else's may answer."""

    @pytest.mark.parametrize("address", NUMBERS)
    def test_a_name_that_leads_to_a_private_address(
        self, browser, connected, monkeypatch, form, address
    ) -> None:
        resolve_to(monkeypatch, [address])
        assert "leads into a private network" in problem(browser, form, "rebinding.example")
        assert connected == []

    def test_a_public_answer_is_followed(self, browser, connected, monkeypatch, form) -> None:
        """Or else the tests here would pass for a name that is never looked up."""
        resolve_to(monkeypatch, [PUBLIC])
        assert "photos.example did not answer." in problem(browser, form, "photos.example")
        assert set(connected) == {PUBLIC}

    def test_a_public_answer_first_and_a_private_one_then(
        self, browser, connected, monkeypatch, form
    ) -> None:
        resolve_to(monkeypatch, [PUBLIC], ["127.0.0.1"])
        assert "did not answer" in problem(browser, form, "rebinding.example")
        for _ in range(2):
            assert "leads into a private network" in problem(browser, form, "rebinding.example")
        assert set(connected) == {PUBLIC}

    @pytest.mark.parametrize(
        "answers",
        [
            [PUBLIC, "10.0.0.1"],
            [PUBLIC, "::1"],
            [PUBLIC_6, "127.0.0.1"],
            [PUBLIC_6, "fd00:ec2::254"],
            ["::1", PUBLIC],
            ["127.0.0.1", PUBLIC_6],
            ["fe80::1", PUBLIC_6],
            ["::ffff:169.254.169.254", PUBLIC],
        ],
    )
    def test_of_mixed_answers_no_private_one_is_connected(
        self, browser, connected, monkeypatch, form, answers
    ) -> None:
        resolve_to(monkeypatch, answers)
        message = problem(browser, form, "mixed.example")
        assert re.search("did not answer|leads into a private network", message)
        assert all(is_public_address(address) for address in connected)
        assert bool(connected) == is_public_address(answers[0])

    @pytest.mark.parametrize("href", ["https://127.0.0.1/n", "http://169.254.169.254/n", "https://[::1]/n"])
    def test_a_server_cannot_point_to_another_one_inside(self, browser, connected, form, href) -> None:
        with responses.RequestsMock() as web:
            web.get("https://photos.example/.well-known/nodeinfo", json={"links": [{"href": href}]})
            web.add_passthru(href)
            message = problem(browser, form, "photos.example")
        assert "leads into a private network" in message
        assert connected == []
