"""What is typed: an address in any form, another server's, or a token."""

from urllib.parse import urlencode

import pytest
from django_tasks_db.models import DBTaskResult

from analytics_pixelfed import account_views, connecting
from pixelfed.models import InstanceApp, MastodonAccount
from pixelfed.sandbox import MASTODON, Dialect, SandboxServer

from .steps import CONNECT, TOKEN, begin, problem, words

pytestmark = pytest.mark.django_db


class TestWhatIsTyped:
    @pytest.mark.parametrize(
        ("typed", "expected"),
        [
            ("pixelfed.social", "https://pixelfed.social"),
            ("  Pixelfed.Social/ ", "https://pixelfed.social"),
            ("https://pixelfed.social/", "https://pixelfed.social"),
            ("@ana@pixelfed.social", "https://pixelfed.social"),
            ("ana@pixelfed.social", "https://pixelfed.social"),
            ("acct:ana@pixelfed.social", "https://pixelfed.social"),
            ("https://pixelfed.social/ana", "https://pixelfed.social"),
            ("https://pixelfed.social/@ana", "https://pixelfed.social"),
            ("https://pixelfed.social/@ana@other.example", "https://pixelfed.social"),
            ("pixelfed.social/@ana?page=1#top", "https://pixelfed.social"),
            ("https://pixelfed.social/p/ana/123", "https://pixelfed.social"),
            ("https://photos.example:8443/ana", "https://photos.example:8443"),
            ("@ana@photos.example:8443", "https://photos.example:8443"),
            ("münchen.example/ana", "https://xn--mnchen-3ya.example"),
        ],
    )
    def test_an_address_a_handle_and_a_profile_all_name_the_instance(self, settings, typed, expected) -> None:
        settings.ALLOW_PRIVATE_INSTANCES = False
        assert connecting.read_instance(typed) == expected

    @pytest.mark.parametrize(
        "typed",
        [
            "",
            "@",
            "@ana",
            "ana@",
            "a b",
            "@ana@b@c.example",
            "ftp://pixelfed.social/ana",
            "file:///etc/passwd",
            "javascript://pixelfed.social/%0aalert(1)",
            "http://pixelfed.social/ana",
            "https:///ana",
            "https://user:pw@pixelfed.social/ana",
            "https://pixelfed.social@evil.example/ana",
            "https://pixelfed.social\\@evil.example",
            "pixelfed.social:0",
            "pixelfed.social:99999/x",
            "x" * 600,
        ],
    )
    def test_anything_else_is_refused_in_words_without_a_request(
        self, browser, settings, monkeypatch, typed
    ) -> None:
        settings.ALLOW_PRIVATE_INSTANCES = False
        monkeypatch.setattr("core.http.fetch", lambda *args, **kwargs: pytest.fail("something was asked"))
        assert problem(browser.post(CONNECT, {"instance": typed})).endswith(".")

    def test_what_was_typed_stays_in_the_field_and_is_escaped(self, browser) -> None:
        html = browser.post(CONNECT, {"instance": '"><script>alert(1)</script>'}).content.decode()
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert" in html

    def test_the_field_can_be_filled_in_by_the_address(self, browser) -> None:
        html = browser.get(f"{CONNECT}?{urlencode({'instance': 'https://pixelfed.social'})}").content.decode()
        assert 'value="https://pixelfed.social"' in html

    def test_nobody_can_make_postflow_ask_without_end(self, browser) -> None:
        for _ in range(account_views.TRIES):
            browser.post(CONNECT, {"instance": "ftp://x"})
        assert "Wait ten minutes" in problem(browser.post(CONNECT, {"instance": "pixelfed.social"}))
        assert "Wait ten minutes" in problem(
            browser.post(TOKEN, {"instance": "pixelfed.social", "token": "t"})
        )


class TestOtherServers:
    def test_mastodon_is_told_kindly_that_it_has_to_wait(self, browser, world) -> None:
        with SandboxServer(world, dialect=MASTODON) as mastodon:
            message = problem(browser.post(CONNECT, {"instance": mastodon.url}))
        assert "runs Mastodon. PostFlow can read Pixelfed only, so far." in message
        assert not InstanceApp.objects.exists()

    def test_a_server_that_does_not_say_what_it_runs_is_not_registered_at(self, browser, server) -> None:
        server.faults.add("html", "*")
        assert "does not look like Pixelfed" in problem(browser.post(CONNECT, {"instance": server.url}))
        assert not [request for request in server.requests if request.method == "POST"]

    def test_the_name_of_the_software_is_foreign_text(self, browser, world) -> None:
        with SandboxServer(world, dialect=Dialect(software="<b>evil</b>")) as odd:
            html = browser.post(CONNECT, {"instance": odd.url}).content.decode()
        assert "<b>evil" not in html.lower()

    def test_without_registration_a_token_can_be_pasted(self, browser, server) -> None:
        server.faults.add("status", "/api/v1/apps", status=404)
        response = browser.post(CONNECT, {"instance": server.url})
        assert "lets no apps register" in problem(response)
        assert f"{TOKEN}?instance=" in response.content.decode()

    @pytest.mark.parametrize("kind", ["drop", "hang", "cut", "drip"])
    def test_a_silent_server_is_given_up_in_time(self, browser, server, kind) -> None:
        server.faults.add(kind, "*")
        assert "did not answer" in problem(browser.post(CONNECT, {"instance": server.url}))

    def test_an_app_that_cannot_be_checked_leads_nobody_to_a_broken_page(self, browser, server) -> None:
        begin(browser, server)
        server.faults.add("status", "*", status=502, html="nginx")
        assert "is in trouble (status 502). Try again later." in problem(
            browser.post(CONNECT, {"instance": server.url})
        )


class TestPasting:
    def test_a_token_is_checked_and_stored(self, browser, user, server) -> None:
        token = server.token_for(server.world.person("ana"))
        response = browser.post(TOKEN, {"instance": f"{server.url}/@ana", "token": token}, follow=True)
        assert "is connected." in words(response)
        account = MastodonAccount.objects.get()
        assert (account.access_token, account.refresh_token, account.app) == (token, None, None)
        assert (account.token_expires_at, account.token_renew_at, account.username) == (None, None, "ana")
        assert DBTaskResult.objects.count() == 1

    def test_a_wrong_one_is_refused_and_never_shown_again(self, browser, server) -> None:
        response = browser.post(TOKEN, {"instance": server.url, "token": "a-token-of-nobody"})
        assert "does not accept this access" in problem(response)
        assert "a-token-of-nobody" not in response.content.decode()
        assert not MastodonAccount.objects.exists()

    @pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "\u00e9", "x" * 20_001])
    def test_what_can_be_no_token_is_not_sent(self, browser, server, token) -> None:
        assert problem(browser.post(TOKEN, {"instance": server.url, "token": token})).endswith(".")
        assert not server.requests

    def test_mastodon_is_refused_here_too_before_it_sees_the_token(self, browser, world) -> None:
        with SandboxServer(world, dialect=MASTODON) as mastodon:
            response = browser.post(TOKEN, {"instance": mastodon.url, "token": "t"})
            assert "runs Mastodon" in problem(response)
            assert not any("authorization" in request.headers for request in mastodon.requests)
