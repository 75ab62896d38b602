"""What a person does to connect an account, step by step, and what the pages tell them."""

import re
from urllib.parse import parse_qs, urlsplit

from pixelfed.tests.browsing import answer_consent

CONNECT = "/accounts/connect/"
CALLBACK = "/accounts/connect/callback/"
TOKEN = "/accounts/connect/token/"
LIST = "/accounts/"


def begin(browser, server, **data) -> str:
    """Return the address of the consent page that the form leads to."""
    response = browser.post(CONNECT, {"instance": server.url, **data})
    assert response.status_code == 302, response.content.decode()
    return response.headers["Location"]


def come_back(browser, location: str):
    """Open what the instance sends the browser back to; return the page that it ends on."""
    assert location.startswith("http://testserver" + CALLBACK), location
    return browser.get(location.removeprefix("http://testserver"), follow=True)


def connect(browser, server, name="ana"):
    return come_back(browser, answer_consent(server, begin(browser, server), name=name))


def words(response) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def problem(response) -> str:
    assert response.status_code == 200
    found = re.search(r'role="alert"[^>]*>([^<]*)<', response.content.decode())
    assert found, response.content.decode()
    return found[1]


def query_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
