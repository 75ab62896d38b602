"""A person with a browser at an instance: signs in, says yes or no, and is sent back."""

from __future__ import annotations

import re

import requests

from pixelfed.sandbox import SandboxServer

PASSWORD = "correct horse"


def answer_consent(server: SandboxServer, address: str, *, name: str = "ana", says_yes: bool = True) -> str:
    """Open a consent page as `name` and answer it; return the address that the browser is sent back to."""
    with requests.Session() as browser:
        page = browser.get(f"{server.url}/login", timeout=5)
        form = {"_token": _hidden(page.text)["_token"], "email": name, "password": PASSWORD}
        browser.post(f"{server.url}/login", data=form, allow_redirects=False, timeout=5)
        page = browser.get(address.replace("&prompt=login", ""), allow_redirects=False, timeout=5)
        if page.status_code == 302:  # the same was approved before
            return page.headers["Location"]
        assert page.status_code == 200, page.text
        fields = _hidden(page.text.partition('name="_method"')[0])
        if not says_yes:
            fields["_method"] = "DELETE"
        answer = browser.post(f"{server.url}/oauth/authorize", data=fields, allow_redirects=False, timeout=5)
    assert answer.status_code == 302
    return answer.headers["Location"]


def _hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
