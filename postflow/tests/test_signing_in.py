"""Too many wrong passwords, a forgotten password, and where one may be sent after signing in."""

from datetime import timedelta

import pytest
import time_machine
from axes.models import AccessAttempt
from django.conf import settings as django_settings
from django.contrib.auth import get_user
from django.core.management import call_command
from django.test import Client

from postflow import signing_in
from postflow.models import CustomUser

pytestmark = pytest.mark.django_db

SIGN_IN = "/accounts/sign-in/"
RESET = "/accounts/password-reset/"
PASSWORD = "a long sentence"
NEW = "a longer sentence than before"
LIMIT = django_settings.AXES_FAILURE_LIMIT
NEAR, FAR = "203.0.113.1", "203.0.113.2"
HOSTILE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "http:evil.example",
    "http:///evil.example",
    "https:/evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "\thttps://evil.example/",
    " //evil.example/",
    "\x08//evil.example/",
    "/\t/evil.example/",
    "https://testserver@evil.example/",
    "https://testserver.evil.example/",
    "//testserver:80@evil.example/",
    "ftp://testserver/",
    "http://[evil.example/",
]


def html(response) -> str:
    return response.content.decode()


def sign_in(
    client: Client, password: str = PASSWORD, *, email: str = "ana@example.org", at: str = NEAR, **more
):
    address = more.pop("address", SIGN_IN)
    return client.post(address, {"username": email, "password": password, **more}, REMOTE_ADDR=at)


def guess(client: Client, times: int = LIMIT, **more):
    return [sign_in(client, "wrong", **more) for _ in range(times)][-1]


class TestTooManyWrongPasswords:
    def test_the_right_one_is_refused_too_for_a_quarter_of_an_hour(self, client, user) -> None:
        with time_machine.travel("2026-03-10T12:00Z", tick=False) as clock:
            assert guess(client, LIMIT - 1).status_code == 200
            assert guess(client, 1).status_code == 429
            clock.shift(timedelta(minutes=4))
            response = sign_in(client)
            assert response.status_code == 429
            assert "Try again in 11 minutes." in html(response)
            # That try has not made it longer.
            clock.shift(timedelta(minutes=11, seconds=1))
            assert sign_in(client).status_code == 302

    def test_a_stranger_locks_out_nobody_but_themselves(self, client, user) -> None:
        CustomUser.objects.create_user(email="ben@example.org", password=PASSWORD)
        guess(client, at=FAR)
        assert sign_in(client, at=FAR).status_code == 429
        assert sign_in(Client()).status_code == 302
        assert sign_in(Client(), email="ben@example.org", at=FAR).status_code == 302

    def test_another_case_is_the_same_address(self, client, user) -> None:
        guess(client, LIMIT - 1)
        assert guess(client, 1, email=" ANA@example.org").status_code == 429

    def test_another_address_of_the_same_network_is_the_same_place(self, client, user) -> None:
        for number in range(LIMIT):
            response = guess(client, 1, at=f"2001:db8:1:2::{number}")
        assert response.status_code == 429

    def test_signing_in_begins_the_count_anew(self, client, user) -> None:
        guess(client, LIMIT - 1)
        assert sign_in(client).status_code == 302
        client.logout()
        assert guess(client, LIMIT - 1).status_code == 200

    def test_an_address_that_nobody_has_is_no_different(self, client, user) -> None:
        assert html(guess(client)) == html(guess(Client(), email="nobody@example.org"))

    def test_many_addresses_from_one_place_are_refused_together(self, client, user, monkeypatch) -> None:
        monkeypatch.setattr(signing_in, "TRIES", 3)
        responses = [guess(client, 1, email=f"{number}@example.org") for number in range(4)]
        assert [response.status_code for response in responses] == [200, 200, 200, 429]
        assert "Try again in 15 minutes." in html(responses[-1])
        assert sign_in(client, at=FAR).status_code == 302

    def test_behind_a_proxy_people_are_told_apart(self, client, user, settings) -> None:
        settings.TRUSTED_PROXY_COUNT = 1
        for _ in range(LIMIT):
            client.post(
                SIGN_IN,
                {"username": user.email, "password": "wrong"},
                headers={"X-Forwarded-For": f"{NEAR}, {FAR}"},
            )
        assert AccessAttempt.objects.get().ip_address == FAR
        data = {"username": user.email, "password": PASSWORD}
        assert client.post(SIGN_IN, data, headers={"X-Forwarded-For": FAR}).status_code == 429
        assert client.post(SIGN_IN, data, headers={"X-Forwarded-For": NEAR}).status_code == 302

    def test_the_admin_counts_them_as_well(self, client, user) -> None:
        user.is_staff = True
        user.save()
        guess(client, LIMIT - 1)
        assert guess(client, 1, address="/admin/login/").status_code == 429
        assert sign_in(client, address="/admin/login/").status_code == 429
        assert sign_in(client).status_code == 429

    def test_an_operator_sees_the_attempts_and_lets_people_in_again(self, client, user, admin_client) -> None:
        guess(client)
        attempt = AccessAttempt.objects.get()
        page = html(admin_client.get("/admin/axes/accessattempt/"))
        assert "ana@example.org" in page
        admin_client.post(f"/admin/axes/accessattempt/{attempt.pk}/delete/", {"post": "yes"})
        assert sign_in(client).status_code == 302

    def test_no_password_is_kept(self, client, user) -> None:
        client.post(
            SIGN_IN, {"username": user.email, "password": "nearly right", "csrfmiddlewaretoken": "t0k"}
        )
        attempt = AccessAttempt.objects.get()
        assert "nearly right" not in str(vars(attempt))
        assert "t0k" not in str(vars(attempt))

    @pytest.mark.parametrize("typed", ["", "x" * 5000, "a\0b", "ä" * 254, "'\";--"])
    def test_whatever_is_typed_gets_an_answer(self, client, user, typed) -> None:
        for _ in range(LIMIT + 1):
            assert guess(client, 1, email=typed).status_code in (200, 429)

    def test_the_queries_of_signing_in(self, client, user, django_assert_num_queries) -> None:
        with django_assert_num_queries(16):
            sign_in(client)


class TestForgottenPassword:
    def ask(self, client, mailoutbox, email: str = "ana@example.org"):
        response = client.post(RESET, {"email": email}, follow=True)
        call_command("db_worker", batch=True, verbosity=0)
        return response

    def link(self, mailoutbox) -> str:
        [line] = [
            line for line in mailoutbox[-1].body.splitlines() if RESET in line and line.startswith("http")
        ]
        return line

    def test_the_link_of_the_mail_leads_to_a_new_password(self, client, user, mailoutbox) -> None:
        response = self.ask(client, mailoutbox, " Ana@Example.org")
        assert "Look into your mailbox" in html(response)
        assert [mail.to for mail in mailoutbox] == [["ana@example.org"]]
        assert mailoutbox[0].subject == "A new password for PostFlow"
        page = client.get(self.link(mailoutbox), follow=True)
        here = page.redirect_chain[-1][0]
        refused = client.post(here, {"new_password1": "short", "new_password2": "short"})
        assert "at least 8" in html(refused)
        done = client.post(here, {"new_password1": NEW, "new_password2": NEW}, follow=True)
        assert done.redirect_chain == [(SIGN_IN, 302)]
        assert "Your password is changed." in html(done)
        call_command("db_worker", batch=True, verbosity=0)
        assert mailoutbox[-1].subject == "Your PostFlow password was changed"
        assert sign_in(client).status_code == 200
        assert sign_in(client, NEW).status_code == 302

    def test_a_link_works_once_and_for_a_day(self, client, user, mailoutbox) -> None:
        with time_machine.travel("2026-03-10T12:00Z", tick=False) as clock:
            self.ask(client, mailoutbox)
            clock.shift(timedelta(hours=24, seconds=1))
            assert "This link no longer works" in html(client.get(self.link(mailoutbox)))
            self.ask(client, mailoutbox)
            here = client.get(self.link(mailoutbox)).headers["Location"]
            client.post(here, {"new_password1": NEW, "new_password2": NEW})
            assert "This link no longer works" in html(client.get(self.link(mailoutbox)))

    def test_it_lets_in_at_once_who_had_guessed_too_often(self, client, user, mailoutbox) -> None:
        guess(client)
        self.ask(client, mailoutbox)
        here = client.get(self.link(mailoutbox)).headers["Location"]
        client.post(here, {"new_password1": NEW, "new_password2": NEW})
        assert sign_in(client, NEW).status_code == 302

    def test_other_devices_are_signed_out(self, client, user, mailoutbox) -> None:
        other = Client()
        other.force_login(user)
        self.ask(client, mailoutbox)
        here = client.get(self.link(mailoutbox)).headers["Location"]
        client.post(here, {"new_password1": NEW, "new_password2": NEW})
        assert not get_user(other).is_authenticated

    def test_the_answer_does_not_tell_who_has_an_account(self, client, user, mailoutbox) -> None:
        known = self.ask(client, mailoutbox)
        assert html(known) == html(self.ask(client, mailoutbox, "nobody@example.org"))
        assert len(mailoutbox) == 1

    def test_a_mailbox_is_not_flooded_and_nobody_learns_it(self, client, user, mailoutbox) -> None:
        answers = [html(self.ask(client, mailoutbox)) for _ in range(5)]
        assert len(set(answers)) == 1
        assert len(mailoutbox) == 3

    def test_too_many_from_one_place_are_refused(self, client, user) -> None:
        responses = [client.post(RESET, {"email": f"{number}@example.org"}) for number in range(21)]
        assert [response.status_code for response in responses] == [302] * 20 + [429]
        assert "Try again in an hour." in html(responses[-1])
        assert 'value="20@example.org"' in html(responses[-1])

    @pytest.mark.parametrize("typed", ["", "ana", "ana@example.org\0", "a" * 300 + "@example.org"])
    def test_what_is_no_address_is_said_beside_the_field(self, client, typed) -> None:
        response = client.post(RESET, {"email": typed})
        assert 'id="id_email_error"' in html(response)
        assert 'aria-invalid="true"' in html(response)

    def test_it_says_where_mails_go_that_no_server_sends(self, client, settings) -> None:
        for name, words in (("console", "output of its worker"), ("filebased", "folder on its server")):
            settings.MAILERS = {"default": {"BACKEND": f"django.core.mail.backends.{name}.EmailBackend"}}
            for page in (RESET, f"{RESET}sent/"):
                assert words in html(client.get(page))
        settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend"}}
        assert "EMAIL_URL" not in html(client.get(RESET))


class TestNext:
    """Wherever a `next` is taken, from a form or an address, it stays on this site."""

    @pytest.mark.parametrize("way", HOSTILE)
    def test_signing_in_stays_here(self, client, user, way) -> None:
        assert sign_in(client, next=way).headers["Location"] == "/analytics/"
        client.logout()
        data = {"username": user.email, "password": PASSWORD}
        response = client.post(SIGN_IN, data, query_params={"next": way})
        assert response.headers["Location"] == "/analytics/"

    @pytest.mark.parametrize("way", HOSTILE)
    def test_being_signed_in_stays_here(self, client, user, way) -> None:
        client.force_login(user)
        assert client.get(SIGN_IN, {"next": way}).headers["Location"] == "/analytics/"
        assert client.get("/accounts/sign-up/", {"next": way}).headers["Location"] == "/"
        response = client.post(
            "/settings/appearance/", {"theme": "dark", "next": way}, headers={"Referer": way}
        )
        assert response.headers["Location"] == "/"

    @pytest.mark.parametrize("way", HOSTILE)
    def test_signing_up_and_out_stay_here(self, client, way) -> None:
        new = {"email": "ben@example.org", "password1": NEW, "password2": NEW}
        response = client.post("/accounts/sign-up/", {**new, "next": way})
        assert response.headers["Location"] == "/accounts/connect/"
        assert client.post("/accounts/sign-out/", {"next": way}).headers["Location"] == SIGN_IN

    @pytest.mark.parametrize("way", HOSTILE)
    def test_no_page_carries_it_on(self, client, way) -> None:
        for page in (SIGN_IN, "/accounts/sign-up/"):
            assert "evil.example" not in html(client.get(page, {"next": way}))
