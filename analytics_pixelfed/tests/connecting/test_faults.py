"""Every step of connecting, and everything a server can do instead: a clear page, and nothing half done."""

from collections.abc import Iterator

import pytest

from pixelfed.models import ConnectAttempt, InstanceApp, MastodonAccount
from pixelfed.sandbox import SandboxServer, World
from pixelfed.tests.browsing import PASSWORD, answer_consent

from .steps import CONNECT, TOKEN, begin, come_back, connect, problem, words

pytestmark = pytest.mark.django_db

# The second place that tells the software has to fail too, or it would be believed.
NODEINFO, APPS = "re:nodeinfo|/api/v1/instance", "/api/v1/apps"
CODE, PROFILE = "/oauth/token", "/api/v1/accounts/verify_credentials"
FAULTS = [
    ("status", {"status": 500}),
    ("status", {"status": 500, "html": True}),
    ("html", {}),
    ("broken_json", {}),
    ("empty", {}),
    ("wrong_type", {"value": ["x"]}),
    ("hang", {}),
    ("drip", {}),
    ("redirect", {"location": "https://evil.example/"}),
]
each_fault = pytest.mark.parametrize(
    ("kind", "options"), FAULTS, ids=lambda value: value if isinstance(value, str) else ""
)


@pytest.fixture
def server(settings) -> Iterator[SandboxServer]:
    settings.ALLOW_PRIVATE_INSTANCES = True
    # A third of it is what one step may take.
    settings.FETCH_TIMEOUT = 1.5
    world = World.empty()
    world.add_person("ana", password=PASSWORD)
    with SandboxServer(world) as running:
        yield running


def is_clear(message: str, server: SandboxServer) -> bool:
    """Tell whether a message names the instance, and is whole sentences of ours."""
    ours = (
        "did not answer",
        "does not look like Pixelfed",
        "is in trouble (status 500)",
        "answered",
        "sent no",
    )
    return server.url[7:] in message and message.endswith(".") and any(word in message for word in ours)


@each_fault
@pytest.mark.parametrize("path", [NODEINFO, APPS])
def test_on_the_way_there(browser, server, path, kind, options) -> None:
    server.faults.add(kind, path, **options)
    assert is_clear(problem(browser.post(CONNECT, {"instance": server.url})), server)
    for model in (MastodonAccount, InstanceApp, ConnectAttempt):
        assert not model.objects.exists()
    server.faults.clear()
    connect(browser, server)
    assert MastodonAccount.objects.count() == 1


@each_fault
@pytest.mark.parametrize("path", [CODE, PROFILE])
def test_on_the_way_back(browser, server, path, kind, options) -> None:
    location = answer_consent(server, begin(browser, server))
    server.faults.add(kind, path, **options)
    response = come_back(browser, location)
    assert response.status_code == 200
    assert "Nothing was connected" in words(response)
    assert is_clear(words(response), server)
    assert not MastodonAccount.objects.exists()
    assert not ConnectAttempt.objects.exists()
    server.faults.clear()
    connect(browser, server)
    assert MastodonAccount.objects.count() == 1


@each_fault
@pytest.mark.parametrize("path", [NODEINFO, PROFILE])
def test_with_a_pasted_token(browser, server, path, kind, options) -> None:
    token = server.token_for(server.world.person("ana"))
    server.faults.add(kind, path, **options)
    response = browser.post(TOKEN, {"instance": server.url, "token": token})
    assert is_clear(problem(response), server)
    assert token not in response.content.decode()
    assert not MastodonAccount.objects.exists()
    server.faults.clear()
    browser.post(TOKEN, {"instance": server.url, "token": token})
    assert MastodonAccount.objects.count() == 1


@each_fault
def test_when_a_registration_that_is_there_cannot_be_checked(browser, server, kind, options) -> None:
    begin(browser, server)
    ConnectAttempt.objects.all().delete()
    server.faults.add(kind, CODE, **options)
    response = browser.post(CONNECT, {"instance": server.url})
    # Half of an answer with status 500 is trouble: so real servers refuse a code (api-facts 1).
    if kind in ("status", "broken_json", "hang", "drip"):
        assert is_clear(problem(response), server)
        assert not ConnectAttempt.objects.exists()
    else:
        # What is no refusal of the registration keeps nobody from the consent page.
        assert response.headers["Location"].startswith(f"{server.url}/oauth/authorize?")
    server.faults.clear()
    connect(browser, server)
    assert InstanceApp.objects.count() == 1
