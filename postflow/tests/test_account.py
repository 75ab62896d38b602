"""The page of one's own account: another password, another address, other devices."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import get_user
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from postflow import account_forms, account_views, mailing
from postflow.models import CustomUser

pytestmark = pytest.mark.django_db

ACCOUNT = "/settings/account/"
PASSWORD, NEW = "a long sentence", "a longer sentence than before"
CHANGE = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
MOVE = {"new_email": "ana@new.example", "password": PASSWORD}


@pytest.fixture
def signed_in(client, user):
    client.force_login(user)
    return client


@pytest.fixture
def other_device(user):
    other = Client()
    other.force_login(user)
    return other


def html(response) -> str:
    return response.content.decode()


def change_password(client, **data: str):
    return client.post(f"{ACCOUNT}password/", CHANGE | data)


def change_address(client, **data: str):
    return client.post(f"{ACCOUNT}address/", MOVE | data)


def send_mails() -> list[mail.EmailMessage]:
    mail.outbox.clear()
    call_command("db_worker", batch=True, verbosity=0)
    return mail.outbox


def link(message: mail.EmailMessage) -> str:
    [line] = [line for line in message.body.splitlines() if line.startswith("http")]
    return line


class TestPage:
    def test_it_is_one_of_the_settings(self, signed_in) -> None:
        for page in ("/settings/", ACCOUNT):
            text = html(signed_in.get(page))
            nav = text.partition('aria-label="Settings"')[2].partition("</nav>")[0]
            assert f'href="{page}" aria-current="page"' in nav
            assert nav.count("aria-current") == 1
            assert f'href="{reverse("accounts:connections")}"' in nav

    @pytest.mark.parametrize("page", ["/settings/", ACCOUNT, "/accounts/"])
    def test_the_bar_at_the_bottom_marks_settings_on_all_of_them(self, signed_in, page) -> None:
        bar = html(signed_in.get(page)).partition('class="bottom-bar"')[2].partition("</nav>")[0]
        [marked] = [link for link in bar.split("<li>") if "aria-current" in link]
        assert marked.startswith('<a href="/settings/"')

    def test_its_queries(self, signed_in, django_assert_num_queries) -> None:
        with django_assert_num_queries(3):
            signed_in.get(ACCOUNT)


class TestPassword:
    def test_a_new_one_holds_here_and_ends_every_other_device(self, signed_in, other_device, user) -> None:
        assert change_password(signed_in).headers["Location"] == ACCOUNT
        assert "Your password is changed." in html(signed_in.get(ACCOUNT))
        assert not get_user(other_device).is_authenticated
        user.refresh_from_db()
        assert user.check_password(NEW)
        [message] = send_mails()
        assert (message.to, message.subject) == ([user.email], "Your PostFlow password was changed")

    @pytest.mark.parametrize(
        ("field", "data", "words"),
        [
            ("old_password", {"old_password": "wrong"}, account_forms.WRONG_PASSWORD),
            ("old_password", {"old_password": f" {PASSWORD}"}, account_forms.WRONG_PASSWORD),
            ("old_password", {"old_password": ""}, "Enter your present password."),
            ("new_password1", {"new_password1": "12345678", "new_password2": "12345678"}, "entirely numeric"),
            ("new_password2", {"new_password2": "other"}, account_forms.MISMATCH),
        ],
    )
    def test_what_is_wrong_stands_beside_its_field(self, signed_in, user, field, data, words) -> None:
        response = change_password(signed_in, **data)
        assert response.status_code == 400
        beside = html(response).partition(f'id="password_{field}_error">')[2].partition("</p>")[0]
        assert words in beside
        assert NEW not in html(response)
        user.refresh_from_db()
        assert user.check_password(PASSWORD)
        assert get_user(signed_in) == user

    def test_it_cannot_be_guessed_for_long(self, signed_in, user, monkeypatch) -> None:
        monkeypatch.setattr(account_views, "TRIES", 2)
        change_password(signed_in, old_password="wrong")
        change_address(signed_in, password="wrong")
        for response in (change_password(signed_in), change_address(signed_in)):
            assert response.status_code == 429
            assert "Try again in an hour." in html(response)
        # Nor does the answer tell whether the guess was right.
        assert account_forms.WRONG_PASSWORD not in html(change_password(signed_in, old_password="wrong"))
        assert 'value="ana@new.example"' in html(change_address(signed_in))
        user.refresh_from_db()
        assert user.check_password(PASSWORD)
        assert user.new_email == ""


class TestAddress:
    def test_the_new_one_is_confirmed_by_a_link_and_the_old_one_told(self, signed_in, user) -> None:
        assert change_address(signed_in, new_email=" ANA@new.example ").headers["Location"] == ACCOUNT
        assert "ana@new.example takes its place" in html(signed_in.get(ACCOUNT))
        told, asked = send_mails()
        assert told.to == ["ana@example.org"]
        assert "ana@new.example is to take the place" in told.body
        assert asked.to == ["ana@new.example"]
        # Whoever reads it in a console or a file has the link whole, too.
        assert link(asked) in asked.message().as_string()
        # Programs that open every link of a mail confirm nothing.
        assert "Is ana@new.example yours?" in html(signed_in.get(link(asked)))
        user.refresh_from_db()
        assert user.email == "ana@example.org"
        done = signed_in.post(link(asked), follow=True)
        assert "Your address is ana@new.example now." in html(done)
        user.refresh_from_db()
        assert (user.email, user.new_email) == ("ana@new.example", "")
        assert signed_in.get(link(asked)).status_code == 404

    @pytest.mark.parametrize(
        ("field", "data", "words"),
        [
            ("new_email", {"new_email": "ana"}, account_forms.NO_ADDRESS),
            ("new_email", {"new_email": ""}, "Enter the new address."),
            ("new_email", {"new_email": "ANA@example.org"}, "This is your address already."),
            ("new_email", {"new_email": "Ben@example.org"}, account_forms.TAKEN),
            ("password", {"password": "wrong"}, account_forms.WRONG_PASSWORD),
            ("password", {"password": ""}, "Enter your password."),
        ],
    )
    def test_what_is_wrong_stands_beside_its_field(self, signed_in, user, field, data, words) -> None:
        CustomUser.objects.create_user(email="ben@example.org")
        response = change_address(signed_in, **data)
        assert response.status_code == 400
        assert words in html(response).partition(f'id="address_{field}_error">')[2].partition("</p>")[0]
        assert f'value="{(MOVE | data)["new_email"]}"' in html(response) or not (MOVE | data)["new_email"]
        assert PASSWORD not in html(response)
        assert send_mails() == []

    def test_it_can_be_taken_back(self, signed_in, user) -> None:
        change_address(signed_in)
        _, asked = send_mails()
        signed_in.post(f"{ACCOUNT}address/", {"take_back": "1"})
        assert signed_in.post(link(asked)).status_code == 404
        user.refresh_from_db()
        assert user.email == "ana@example.org"

    def test_a_link_is_for_its_owner_its_address_and_a_day(self, signed_in, user, client) -> None:
        with time_machine.travel("2026-03-10T12:00Z", tick=False) as clock:
            change_address(signed_in)
            first = link(send_mails()[1])
            change_address(signed_in, new_email="other@new.example")
            second = link(send_mails()[1])
            ben = CustomUser.objects.create_user(email="ben@example.org", new_email="other@new.example")
            stranger = Client()
            stranger.force_login(ben)
            assert stranger.post(second).status_code == 404
            assert "/accounts/sign-in/" in Client().post(second).headers["Location"]
            for wrong in (first, second[:-5] + "xxxx/", f"{ACCOUNT}address/x/"):
                assert signed_in.post(wrong).status_code == 404
            clock.shift(timedelta(seconds=mailing.ADDRESS_LINK_SECONDS + 1))
            assert signed_in.post(second).status_code == 404
        user.refresh_from_db()
        assert user.email == "ana@example.org"

    def test_an_address_that_was_taken_meanwhile_stays_with_whoever_took_it(self, signed_in, user) -> None:
        change_address(signed_in)
        _, asked = send_mails()
        CustomUser.objects.create_user(email="ana@new.example")
        assert account_forms.TAKEN in html(signed_in.post(link(asked), follow=True))
        user.refresh_from_db()
        assert user.email == "ana@example.org"

    def test_a_mail_that_the_server_does_not_take_is_tried_again(self, signed_in, monkeypatch) -> None:
        from django_tasks_db.models import DBTaskResult

        def refuse(*args, **kwargs):
            raise ConnectionRefusedError

        change_address(signed_in)
        with monkeypatch.context() as broken:
            broken.setattr("postflow.mailing.PlainMail.send", refuse)
            assert send_mails() == []
        assert [result.status for result in DBTaskResult.objects.order_by("enqueued_at")] == [
            "FAILED",
            "READY",
        ]
        # What waits in the table names nobody.
        assert "example" not in str([result.args_kwargs for result in DBTaskResult.objects.all()]).replace(
            "http://testserver", ""
        )


class TestDevices:
    def test_all_others_end_and_this_one_stays(self, signed_in, other_device, user) -> None:
        response = signed_in.post(f"{ACCOUNT}devices/", follow=True)
        assert "Every other device is signed out." in html(response)
        assert get_user(signed_in) == user
        assert not get_user(other_device).is_authenticated

    def test_it_takes_a_form(self, signed_in) -> None:
        assert signed_in.get(f"{ACCOUNT}devices/").status_code == 405
