"""Connecting an account through the pages: the way there, everything that can come back, and who may come."""

import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from analytics_core import tasks
from analytics_pixelfed import account_views, connecting
from analytics_pixelfed.models import PixelfedPost
from pixelfed.models import AccountQuerySet, ConnectAttempt, InstanceApp, MastodonAccount
from pixelfed.sandbox import MASTODON, Dialect, SandboxServer, World
from pixelfed.tests.browsing import PASSWORD, answer_consent
from postflow.models import CustomUser, TryCount

pytestmark = pytest.mark.django_db

CONNECT = "/accounts/connect/"
CALLBACK = "/accounts/connect/callback/"
TOKEN = "/accounts/connect/token/"
LIST = "/accounts/"


@pytest.fixture(autouse=True)
def _settings(settings) -> None:
    settings.ALLOW_PRIVATE_INSTANCES = True
    settings.FETCH_TIMEOUT = 3


@pytest.fixture
def world() -> World:
    world = World.empty()
    for name in ("ana", "studio"):
        world.add_person(name, password=PASSWORD)
    world.add_posts(world.person("ana"), 3, likes=2)
    return world


@pytest.fixture
def server(world) -> Iterator[SandboxServer]:
    with SandboxServer(world) as running:
        yield running


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


class TestTheWay:
    def test_an_approved_account_is_stored_read_at_once_and_shown(self, browser, user, server) -> None:
        response = connect(browser, server)
        assert response.redirect_chain[-1][0] == LIST
        assert "is connected. Its newest photos are being read now." in words(response)
        account = MastodonAccount.objects.get()
        assert (account.user, account.username, account.instance_url) == (user, "ana", server.url)
        assert (account.software, account.state) == ("pixelfed", "active")
        assert account.remote_id
        assert account.refresh_token
        assert account.app == InstanceApp.objects.get()
        assert timedelta(days=364) < account.token_expires_at - timezone.now() < timedelta(days=366)
        assert account.token_renew_at < account.token_expires_at
        row = DBTaskResult.objects.get()
        assert (row.task_path, row.priority) == (tasks.fetch_account.module_path, tasks.PRIORITY_NOW)
        assert row.args_kwargs["args"] == ["pixelfed", account.pk]
        call_command("db_worker", batch=True, verbosity=0)
        assert PixelfedPost.objects.filter(account=account).count() == 3
        assert "Up to date" in browser.get(LIST).content.decode()
        assert not ConnectAttempt.objects.exists()

    def test_secrets_are_encrypted_at_rest_and_attempts_kept_as_digests(self, browser, server) -> None:
        address = begin(browser, server)
        state = query_of(address)["state"]
        attempt = ConnectAttempt.objects.get()
        connected = answer_consent(server, address)
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM pixelfed_connectattempt")
            stored = str(cursor.fetchall())
        assert state not in stored
        assert attempt.verifier not in stored
        assert browser.session[account_views.SESSION_KEY] not in stored
        come_back(browser, connected)
        account, app = MastodonAccount.objects.get(), InstanceApp.objects.get()
        with connection.cursor() as cursor:
            cursor.execute("SELECT access_token, refresh_token FROM pixelfed_mastodonaccount")
            stored = str(cursor.fetchall())
            cursor.execute("SELECT client_secret FROM pixelfed_instanceapp")
            stored += str(cursor.fetchall())
        for secret in (account.access_token, account.refresh_token, app.client_secret):
            assert secret not in stored

    def test_an_instance_is_registered_once_for_everybody(self, browser, server) -> None:
        begin(browser, server)
        other = Client()
        other.force_login(CustomUser.objects.create_user("bob@example.org", "a long sentence"))
        begin(other, server)
        begin(other, server)
        assert [request.path for request in server.requests].count("/api/v1/apps") == 1
        assert InstanceApp.objects.count() == 1

    def test_a_forgotten_registration_is_made_anew(self, browser, server) -> None:
        begin(browser, server)
        old = InstanceApp.objects.get()
        server.world.apps.clear()
        server.world.secret = b"another database"
        connect(browser, server)
        new = InstanceApp.objects.get()
        assert (new.pk, new.client_secret != old.client_secret) == (old.pk, True)
        assert MastodonAccount.objects.count() == 1

    def test_a_registration_that_cannot_be_decrypted_any_more_is_made_anew(self, browser, server) -> None:
        begin(browser, server)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE pixelfed_instanceapp SET client_secret = 'gAAAAAbroken'")
        connect(browser, server)
        assert MastodonAccount.objects.count() == 1

    def test_forgotten_on_the_way_it_is_told_and_the_next_try_works(self, browser, server) -> None:
        location = answer_consent(server, begin(browser, server))
        server.world.apps.clear()
        server.world.secret = b"another database"
        assert "no longer knows PostFlow. Nothing was connected; start again." in words(
            come_back(browser, location)
        )
        connect(browser, server)
        assert MastodonAccount.objects.count() == 1

    def test_a_forwarded_https_request_registers_an_https_address(self, browser, server, settings) -> None:
        settings.HTTPS = True
        assert query_of(begin(browser, server))["redirect_uri"] == "https://testserver" + CALLBACK


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


class TestTheSameAccountAgain:
    def test_it_renews_its_token_and_keeps_its_number(self, browser, server) -> None:
        connect(browser, server)
        before = MastodonAccount.objects.get()
        response = connect(browser, server)
        after = MastodonAccount.objects.get()
        assert after.pk == before.pk
        assert after.access_token != before.access_token
        assert after.refresh_token != before.refresh_token
        assert after.token_stored_at > before.token_stored_at
        assert "was here already: its access is renewed" in words(response)
        assert "sign out there first" in words(response)

    def test_one_that_waited_goes_on(self, browser, server) -> None:
        connect(browser, server)
        MastodonAccount.objects.update(
            state="reconnect", state_reason="Its instance no longer lets PostFlow in."
        )
        TryCount.objects.all().delete()
        DBTaskResult.objects.all().delete()
        assert "is connected again and being read now." in words(connect(browser, server))
        account = MastodonAccount.objects.get()
        assert (account.state, account.state_reason) == ("active", "")
        assert DBTaskResult.objects.filter(priority=tasks.PRIORITY_NOW).count() == 1

    def test_one_without_an_id_is_recognised_by_its_handle(self, browser, user, server) -> None:
        old = MastodonAccount.objects.create(
            user=user, instance_url=server.url, username="Ana", access_token="t"
        )
        connect(browser, server)
        account = MastodonAccount.objects.get()
        assert (account.pk, account.username) == (old.pk, "ana")

    def test_another_account_while_one_waits_leaves_that_one_asked_for(self, browser, server) -> None:
        connect(browser, server)
        connect(browser, server, name="studio")
        MastodonAccount.objects.filter(username="ana").update(state="reconnect")
        response = connect(browser, server, name="studio")
        assert "@ana@" in words(response)
        assert "still has to be connected again" in words(response)

    def test_who_has_a_working_account_there_is_asked_to_sign_in_as_another(self, browser, server) -> None:
        assert "prompt" not in query_of(begin(browser, server))
        connect(browser, server)
        assert query_of(begin(browser, server))["prompt"] == "login"
        MastodonAccount.objects.update(state="reconnect")
        assert "prompt" not in query_of(begin(browser, server))

    def test_two_people_may_connect_the_same_account(self, browser, server) -> None:
        connect(browser, server)
        other = Client()
        other.force_login(CustomUser.objects.create_user("bob@example.org", "a long sentence"))
        connect(other, server)
        assert MastodonAccount.objects.count() == 2
        assert MastodonAccount.objects.values("remote_id").distinct().count() == 1

    def test_a_faster_tab_is_no_error(self, browser, user, server, monkeypatch) -> None:
        """Two tabs store the account at the same moment: the slower one has not seen the other's row."""
        location = answer_consent(server, begin(browser, server))
        MastodonAccount.objects.create(
            user=user,
            instance_url=server.url,
            username="ana",
            remote_id=str(server.world.person("ana").id),
            access_token="t",
        )
        monkeypatch.setattr(AccountQuerySet, "select_for_update", lambda rows: rows.none())
        come_back(browser, location)
        assert MastodonAccount.objects.get().access_token != "t"


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
