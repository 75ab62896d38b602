"""Who may connect, and where nothing leads to."""

from urllib.parse import urlencode

import pytest
from django.test import Client

from pixelfed.tests.browsing import answer_consent

from .steps import CALLBACK, CONNECT, LIST, TOKEN, begin, come_back

pytestmark = pytest.mark.django_db


class TestWhoMay:
    @pytest.mark.parametrize("path", [LIST, CONNECT, TOKEN])
    def test_strangers_are_asked_to_sign_in(self, client, path) -> None:
        assert client.get(path).headers["Location"] == f"/accounts/sign-in/?next={path}"
        assert client.post(CONNECT, {"instance": "x"}).status_code == 302

    @pytest.mark.parametrize("path", [CONNECT, TOKEN])
    def test_a_form_without_its_csrf_token_is_refused(self, user, path) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(user)
        assert strict.post(path, {"instance": "pixelfed.social", "token": "t"}).status_code == 403

    @pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example"])
    def test_nothing_leads_to_where_somebody_says(self, browser, server, elsewhere) -> None:
        location = answer_consent(server, begin(browser, server, next=elsewhere))
        query = urlencode({"next": elsewhere, "redirect_uri": elsewhere, "instance": elsewhere})
        response = come_back(browser, f"{location}&{query}")
        assert all("evil" not in address for address, _ in response.redirect_chain)
        for path in (f"{CONNECT}?{query}", f"{LIST}?{query}"):
            assert 'href="https://evil' not in browser.get(path).content.decode()

    def test_the_form_may_end_at_an_instance_and_other_pages_may_not(self, browser, settings) -> None:
        settings.ALLOW_PRIVATE_INSTANCES = False
        policy = browser.get(CONNECT).headers["Content-Security-Policy"]
        assert "form-action 'self' https:;" in policy + ";"
        assert "script-src 'self';" in policy
        assert "https:" not in browser.get(LIST).headers["Content-Security-Policy"]

    def test_answers_are_kept_by_nobody(self, browser) -> None:
        for path in (LIST, CONNECT, TOKEN, CALLBACK):
            assert "no-store" in browser.get(path).headers["Cache-Control"]
