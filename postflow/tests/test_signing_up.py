"""Making an account: who gets one, what is refused beside which field, and that one address is one person."""

import pytest
from django.contrib.auth import get_user

from postflow import account_forms, signing_up
from postflow.models import CustomUser
from tests.concurrency import at_once

pytestmark = pytest.mark.django_db

SIGN_UP = "/accounts/sign-up/"
PASSWORD = "a quiet walk by the lake"
GOOD = {"email": "ben@example.org", "password1": PASSWORD, "password2": PASSWORD}


def html(response) -> str:
    return response.content.decode()


def error_of(response, field: str) -> str:
    """Return what stands beside a field as wrong; "" where nothing does."""
    _, _, rest = html(response).partition(f'id="id_{field}_error">')
    return rest.partition("</p>")[0]


class TestSignUp:
    def test_who_signs_up_is_signed_in_and_sent_to_connect(self, client) -> None:
        response = client.post(SIGN_UP, GOOD)
        assert response.headers["Location"] == "/accounts/connect/"
        ben = CustomUser.objects.get()
        assert get_user(client) == ben
        assert (ben.email, ben.is_staff, ben.is_superuser) == ("ben@example.org", False, False)
        assert ben.check_password(PASSWORD)
        assert "choose your time zone" in html(client.get("/accounts/connect/"))

    def test_it_goes_on_to_the_page_that_was_asked_for(self, client) -> None:
        page = html(client.get(f"{SIGN_UP}?next=/settings/"))
        assert 'name="next" value="/settings/"' in page
        assert f"{'/accounts/sign-in/'}?next=%2Fsettings%2F" in page
        assert client.post(SIGN_UP, {**GOOD, "next": "/settings/"}).headers["Location"] == "/settings/"

    def test_who_is_signed_in_has_an_account(self, client, user) -> None:
        client.force_login(user)
        assert client.get(SIGN_UP).headers["Location"] == "/"
        assert client.post(SIGN_UP, GOOD).headers["Location"] == "/"
        assert CustomUser.objects.count() == 1

    @pytest.mark.parametrize("typed", ["Ben@Example.ORG", "  ben@example.org ", "ben@example.org\n"])
    def test_an_address_is_kept_in_lower_case_and_without_spaces(self, client, typed) -> None:
        client.post(SIGN_UP, {**GOOD, "email": typed})
        assert CustomUser.objects.get().email == "ben@example.org"

    def test_a_name_of_a_host_may_be_in_any_script(self, client) -> None:
        client.post(SIGN_UP, {**GOOD, "email": "ben@BÜCHER.example"})
        assert CustomUser.objects.get().email == "ben@bücher.example"

    @pytest.mark.parametrize("password", ["  spaces around it  ", "пароль из слов", "x" * 4000])
    def test_a_password_is_taken_as_it_is(self, client, password) -> None:
        client.post(SIGN_UP, {**GOOD, "password1": password, "password2": password})
        assert CustomUser.objects.get().check_password(password)

    def test_its_queries(self, client, django_assert_num_queries) -> None:
        with django_assert_num_queries(0):
            client.get(SIGN_UP)


class TestRefused:
    @pytest.mark.parametrize(
        ("field", "data", "words"),
        [
            ("email", {"email": ""}, "Enter your e-mail address."),
            ("email", {"email": "ben"}, account_forms.NO_ADDRESS),
            ("email", {"email": "ben@example.org\0"}, "Null characters are not allowed."),
            ("email", {"email": f"{'b' * 250}@example.org"}, "at most 254"),
            ("email", {"email": "ANA@example.org"}, account_forms.TAKEN),
            ("password1", {"password1": ""}, "Choose a password."),
            ("password1", {"password1": "short", "password2": "short"}, "at least 8"),
            ("password1", {"password1": "password1", "password2": "password1"}, "too common"),
            ("password1", {"password1": "ben@example.org", "password2": "ben@example.org"}, "too similar"),
            ("password2", {"password2": ""}, "Type the password a second time."),
            ("password2", {"password2": "another sentence"}, account_forms.MISMATCH),
        ],
    )
    def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(
        self, client, user, field, data, words
    ) -> None:
        sent = GOOD | data
        response = client.post(SIGN_UP, sent)
        assert response.status_code == 400
        assert words in error_of(response, field)
        assert f'value="{sent["email"].strip()}"' in html(response) or not sent["email"]
        assert sent["password1"] == "" or f'value="{sent["password1"]}"' not in html(response).replace(
            f'value="{sent["email"]}"', ""
        )
        assert PASSWORD not in html(response)
        assert CustomUser.objects.get() == user

    def test_markup_is_shown_as_text(self, client) -> None:
        assert "<b>" not in html(client.post(SIGN_UP, {**GOOD, "email": "<b>@example.org"}))

    def test_too_many_tries_from_one_place_learn_nothing(self, client, user, monkeypatch) -> None:
        monkeypatch.setattr(signing_up, "TRIES", 1)
        client.post(SIGN_UP, {})
        response = client.post(SIGN_UP, {**GOOD, "email": user.email})
        assert response.status_code == 429
        assert "Try again in an hour." in html(response)
        assert f'value="{user.email}"' in html(response)
        assert account_forms.TAKEN not in html(response)
        # Elsewhere nobody is kept waiting.
        assert client.post(SIGN_UP, GOOD, REMOTE_ADDR="203.0.113.9").status_code == 302

    def test_a_closed_sign_up_says_so_and_makes_nobody(self, client, settings) -> None:
        assert SIGN_UP in html(client.get("/accounts/sign-in/"))
        settings.SIGN_UP_OPEN = False
        for response in (client.get(SIGN_UP), client.post(SIGN_UP, GOOD)):
            assert response.status_code == 403
            assert "No new accounts here" in html(response)
        assert SIGN_UP not in html(client.get("/accounts/sign-in/"))
        assert not CustomUser.objects.exists()


@pytest.mark.usefixtures("shared_database")
def test_of_two_who_take_an_address_at_once_one_gets_it() -> None:
    from django.test import Client

    def sign_up(address: str):
        return lambda: Client().post(SIGN_UP, {**GOOD, "email": address})

    responses = at_once(*[sign_up(address) for address in ("ben@example.org", "BEN@example.org")])
    assert sorted(response.status_code for response in responses) == [302, 400]
    [refused] = [response for response in responses if response.status_code == 400]
    assert error_of(refused, "email") == account_forms.TAKEN
    assert CustomUser.objects.count() == 1
