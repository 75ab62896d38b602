"""The frame of every page: signing in and out, errors, colours that can be read."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string

from postflow.models import CustomUser

pytestmark = pytest.mark.django_db

SIGN_IN = "/accounts/sign-in/"
ERRORS = ["400.html", "403.html", "404.html", "500.html", "403_csrf.html"]
BASE_CSS = Path(finders.find("postflow/base.css")).read_text()


@pytest.fixture
def ana():
    return CustomUser.objects.create_user(
        email="ana@example.org", password="a long sentence", time_zone="Asia/Tokyo"
    )


class TestSignIn:
    def test_the_page_is_a_form_of_our_own(self, client) -> None:
        html = client.get(SIGN_IN).content.decode()
        assert "<h1" in html
        assert 'autocomplete="username"' in html
        assert 'autocomplete="current-password"' in html
        assert "csrfmiddlewaretoken" in html

    def test_an_address_in_any_case_signs_in_and_lands_on_the_overview(self, client, ana) -> None:
        response = client.post(SIGN_IN, {"username": "Ana@Example.org", "password": "a long sentence"})
        assert response.headers["Location"] == "/analytics/"

    def test_a_wrong_password_is_told_without_saying_which_was_wrong(self, client, ana) -> None:
        for address in ("ana@example.org", "nobody@example.org"):
            html = client.post(SIGN_IN, {"username": address, "password": "wrong"}).content.decode()
            assert "This e-mail address and password do not match." in html
            assert f'value="{address}"' in html
            assert "wrong" not in html

    def test_it_goes_on_to_the_page_that_was_asked_for(self, client, ana) -> None:
        address = "/analytics/comparison/"
        assert f'name="next" value="{address}"' in client.get(f"{SIGN_IN}?next={address}").content.decode()
        data = {"username": "ana@example.org", "password": "a long sentence", "next": address}
        assert client.post(SIGN_IN, data).headers["Location"] == address

    @pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
    def test_it_never_leads_to_another_site(self, client, ana, elsewhere) -> None:
        data = {"username": "ana@example.org", "password": "a long sentence", "next": elsewhere}
        assert client.post(SIGN_IN, data).headers["Location"] == "/analytics/"

    def test_a_form_without_its_token_is_refused_in_words(self, ana) -> None:
        from django.test import Client

        response = Client(enforce_csrf_checks=True).post(SIGN_IN, {"username": "a", "password": "b"})
        assert response.status_code == 403
        assert "Please send that again" in response.content.decode()

    def test_signing_out_takes_a_form_and_ends_at_the_sign_in(self, client, ana) -> None:
        client.force_login(ana)
        assert client.get("/accounts/sign-out/").status_code == 405
        assert client.post("/accounts/sign-out/").headers["Location"] == SIGN_IN
        assert "/accounts/sign-in/" in client.get("/analytics/").headers["Location"]


class TestFrame:
    def test_there_is_one_of_each_landmark_a_skip_link_and_a_title(self, client, ana) -> None:
        client.force_login(ana)
        html = client.get("/analytics/").content.decode()
        assert [html.count(tag) for tag in ("<main", "<h1", "<header", "<title>", 'lang="en"')] == [1] * 5
        assert '<a class="skip" href="#main">' in html
        assert "<title>Overview · PostFlow</title>" in html

    def test_it_says_which_page_this_is_and_in_which_zone_times_are(self, client, ana) -> None:
        client.force_login(ana)
        html = client.get("/analytics/comparison/").content.decode()
        assert html.count('aria-current="page"') == 2  # at the top, and at the bottom on a phone
        assert "Times are in Asia/Tokyo." in html

    def test_a_visitor_has_no_navigation(self, client) -> None:
        html = client.get(SIGN_IN).content.decode()
        assert "<nav" not in html
        assert "<script" not in html

    def test_everything_comes_from_here(self, client, ana) -> None:
        client.force_login(ana)
        html = client.get("/analytics/").content.decode()
        assert not re.search(r'(?:src|href)="(?:https?:)?//', html)
        assert not re.search(r"url\([\"']?(?:https?:)?//", BASE_CSS)


class TestErrors:
    @pytest.mark.parametrize("name", ERRORS)
    def test_pages_need_nothing_but_themselves(self, name) -> None:
        html = render_to_string(name)
        assert html.count("<h1>") == 1
        assert "base.css" in html

    def test_a_page_without_its_static_files_fails_in_words(self, client, settings, tmp_path) -> None:
        backend = "whitenoise.storage.CompressedManifestStaticFilesStorage"
        settings.STATIC_ROOT = tmp_path
        settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": backend}}
        client.raise_request_exception = False
        response = client.get(SIGN_IN)
        assert response.status_code == 500
        html = response.content.decode()
        assert "Something broke" in html
        # The file may be there all the same.
        assert 'href="/static/postflow/base.css"' in html
        assert "Back in a moment" in render_to_string("503.html")

    def test_an_address_that_is_none_leads_back(self, client) -> None:
        response = client.get("/nowhere/")
        assert response.status_code == 404
        assert 'href="/"' in response.content.decode()


def luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def tokens(css: str, theme: int) -> dict[str, str]:
    return {
        name: pair[theme] for name, *pair in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", css)
    }


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "paper", "least"),
    [
        *(
            (ink, paper, 4.5)
            for ink in ("text", "text-2", "muted", "accent", "down")
            for paper in ("bg", "surface")
        ),
        *((ink, "mat", 4.5) for ink in ("text", "text-2", "muted")),
        ("on-accent", "accent", 4.5),
        *((ink, "surface", 3) for ink in ("control-border", "likes", "comments", "shares")),
        *((ink, "bg", 3) for ink in ("control-border", "accent")),
    ],
)
def test_colours_can_be_told_apart(ink, paper, least, theme) -> None:
    colours = tokens(BASE_CSS, theme)
    assert contrast(colours[ink], colours[paper]) >= least
