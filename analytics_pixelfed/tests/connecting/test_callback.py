"""Everything that can come back from an instance."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from analytics_pixelfed import account_views, connecting
from pixelfed.models import ConnectAttempt, MastodonAccount
from pixelfed.sandbox import Dialect, SandboxServer
from pixelfed.tests.browsing import answer_consent
from postflow.models import CustomUser

from .steps import CALLBACK, CONNECT, begin, come_back, connect, query_of, words

pytestmark = pytest.mark.django_db


class TestWhatComesBack:
    def test_a_denial_names_the_instance_and_connects_nothing(self, browser, server) -> None:
        location = answer_consent(server, begin(browser, server), says_yes=False)
        response = come_back(browser, location)
        assert f"{server.url[7:]} says that you did not approve. Nothing was connected." in words(response)
        assert response.redirect_chain[-1][0] == f"{CONNECT}?{urlencode({'instance': server.url})}"
        assert not MastodonAccount.objects.exists()
        assert not ConnectAttempt.objects.exists()

    def test_a_denial_without_state_too(self, browser, world) -> None:
        with SandboxServer(world, dialect=Dialect(state_when_denied=False)) as server:
            location = answer_consent(server, begin(browser, server), says_yes=False)
            assert "state" not in query_of(location)
            assert f"{server.url[7:]} says that you did not approve." in words(come_back(browser, location))
            # Said yes after all, with the back button.
            connect(browser, server)
        assert MastodonAccount.objects.count() == 1

    @pytest.mark.parametrize("error", ["invalid_scope", "server_error", "", "<script>alert(1)</script>"])
    def test_any_other_error_is_told_in_our_words(self, browser, error) -> None:
        query = urlencode(
            {"error": error, "error_description": "You have WON", "message": "WON", "hint": "WON"}
        )
        response = browser.get(f"{CALLBACK}?{query}", follow=True)
        assert "did not let PostFlow in. Nothing was connected; try once more." in words(response)
        html = response.content.decode()
        assert "WON" not in html
        assert "<script>alert" not in html

    def test_a_callback_is_taken_once(self, browser, server) -> None:
        location = answer_consent(server, begin(browser, server))
        come_back(browser, location)
        server.clear()
        response = come_back(browser, location)
        assert "This approval was used already" in words(response)
        assert not server.requests
        assert MastodonAccount.objects.count() == 1

    def test_of_two_at_once_a_single_one_takes_the_attempt(self, browser, user, server) -> None:
        state = query_of(begin(browser, server))["state"]
        key = browser.session[account_views.SESSION_KEY]
        taken = connecting.take_attempt(user, state=state, session_key=key)
        assert taken is not None
        # The second one had read the row before the first one took it.
        taken.save(force_insert=True)
        assert connecting.take_attempt(user, state=state, session_key=key) is not None
        assert connecting.take_attempt(user, state=state, session_key=key) is None

    def test_a_second_tab_does_not_spoil_the_first(self, browser, server) -> None:
        first, second = begin(browser, server), begin(browser, server)
        assert query_of(first)["state"] != query_of(second)["state"]
        come_back(browser, answer_consent(server, second, name="ana"))
        come_back(browser, answer_consent(server, first, name="studio"))
        assert set(MastodonAccount.objects.values_list("username", flat=True)) == {"ana", "studio"}

    @pytest.mark.parametrize("state", ["forged", "", "x" * 5000, "\u00e9", "a\x00b"])
    def test_a_forged_state_reaches_no_server(self, browser, server, state) -> None:
        location = answer_consent(server, begin(browser, server))
        server.clear()
        query = urlencode({"code": query_of(location)["code"], "state": state})
        response = browser.get(f"{CALLBACK}?{query}", follow=True)
        assert "was not begun in this browser" in words(response)
        assert not server.requests
        assert not MastodonAccount.objects.exists()
        # The true one still works.
        come_back(browser, location)
        assert MastodonAccount.objects.count() == 1

    def test_a_callback_without_a_code_connects_nothing(self, browser, server) -> None:
        location = answer_consent(server, begin(browser, server))
        server.clear()
        browser.get(f"{CALLBACK}?{urlencode({'state': query_of(location)['state']})}")
        browser.get(CALLBACK)
        assert not server.requests
        assert not MastodonAccount.objects.exists()

    def test_somebody_else_cannot_be_given_my_account(self, browser, server) -> None:
        """The attacker's own approval, sent to a victim as a link."""
        location = answer_consent(server, begin(browser, server))
        victim = Client()
        victim.force_login(CustomUser.objects.create_user("victim@example.org", "a long sentence"))
        begin(victim, server)
        assert "was not begun in this browser" in words(come_back(victim, location))
        assert not MastodonAccount.objects.exists()
        come_back(browser, location)
        assert MastodonAccount.objects.get().user.email == "ana@example.org"

    def test_not_even_in_another_browser_of_the_same_user(self, browser, user, server) -> None:
        location = answer_consent(server, begin(browser, server))
        elsewhere = Client()
        elsewhere.force_login(user)
        assert "was not begun in this browser" in words(come_back(elsewhere, location))
        assert not MastodonAccount.objects.exists()

    def test_signed_out_meanwhile_nothing_of_the_callback_goes_on(self, browser, server) -> None:
        location = answer_consent(server, begin(browser, server))
        browser.logout()
        response = come_back(browser, location)
        assert "You were signed out meanwhile." in words(response)
        assert response.redirect_chain[-1][0] == f"/accounts/sign-in/?next={CONNECT}"

    def test_an_hour_later_it_is_too_late(self, browser, user, server) -> None:
        location = answer_consent(server, begin(browser, server))
        later = timezone.now() + connecting.ATTEMPT_LIFE + timedelta(seconds=1)
        with time_machine.travel(later):
            browser.force_login(user)
            response = come_back(browser, location)
            assert "is too old" in words(response)
            begin(browser, server)
        assert ConnectAttempt.objects.count() == 1

    @pytest.mark.parametrize(
        ("kind", "options"),
        [
            ("status", {"status": 500}),
            ("html", {}),
            ("hang", {}),
            ("cut", {}),
            ("drop", {}),
            ("broken_json", {}),
            ("wrong_type", {"value": {"access_token": ["x"]}}),
            ("wrong_type", {"value": []}),
            ("redirect", {}),
            ("huge", {}),
            ("rate_limit", {}),
        ],
    )
    @pytest.mark.parametrize("path", ["/oauth/token", "/api/v1/accounts/verify_credentials"])
    def test_a_server_that_fails_at_the_last_step_connects_nothing_and_the_next_try_works(
        self, browser, server, kind, options, path
    ) -> None:
        location = answer_consent(server, begin(browser, server))
        server.faults.add(kind, path, **options)
        response = come_back(browser, location)
        assert "Nothing was connected" in words(response)
        assert response.status_code == 200
        assert not MastodonAccount.objects.exists()
        server.faults.clear()
        connect(browser, server)
        assert MastodonAccount.objects.count() == 1

    @pytest.mark.parametrize(
        "profile",
        [
            {},
            {"id": None, "username": "ana"},
            {"id": "5"},
            {"id": "../5", "username": "ana"},
            {"id": "5", "username": 7},
        ],
    )
    def test_a_profile_of_the_wrong_shape_connects_nothing(self, browser, server, profile) -> None:
        location = answer_consent(server, begin(browser, server))
        server.faults.add("wrong_type", "/api/v1/accounts/verify_credentials", value=profile)
        assert "does not say whose access this is. Nothing was connected." in words(
            come_back(browser, location)
        )
        assert not MastodonAccount.objects.exists()
