"""What people set for themselves: time zone, colours, calm mode."""

import pytest
import time_machine

from postflow import zones
from postflow.models import CustomUser

pytestmark = pytest.mark.django_db

SETTINGS = "/settings/"
APPEARANCE = "/settings/appearance/"
GOOD = {"time_zone": "Pacific/Auckland", "theme": "dark"}


@pytest.fixture
def signed_in(client, user):
    client.force_login(user)
    return client


def html(response) -> str:
    return response.content.decode()


class TestSettingsPage:
    def test_a_visitor_is_asked_to_sign_in(self, client) -> None:
        assert client.get(SETTINGS).headers["Location"] == f"/accounts/sign-in/?next={SETTINGS}"
        assert client.post(SETTINGS, GOOD).headers["Location"] == f"/accounts/sign-in/?next={SETTINGS}"

    def test_what_is_sent_is_saved_and_said(self, signed_in, user) -> None:
        response = signed_in.post(SETTINGS, {**GOOD, "is_calm": "on"}, follow=True)
        user.refresh_from_db()
        assert (user.time_zone, user.theme, user.is_calm) == ("Pacific/Auckland", "dark", True)
        assert response.redirect_chain == [(SETTINGS, 302)]
        assert "Saved." in html(response)
        assert 'value="Pacific/Auckland"' in html(response)

    def test_a_box_that_is_not_ticked_ends_calm_mode(self, signed_in, user) -> None:
        CustomUser.objects.update(is_calm=True)
        signed_in.post(SETTINGS, GOOD)
        user.refresh_from_db()
        assert not user.is_calm

    @pytest.mark.parametrize(
        ("typed", "zone"),
        [
            ("berlin", "Europe/Berlin"),
            (" new york ", "America/New_York"),
            ("europe/berlin", "Europe/Berlin"),
            ("utc", "UTC"),
            ("US/Pacific", "US/Pacific"),
        ],
    )
    def test_a_city_is_enough(self, signed_in, user, typed, zone) -> None:
        signed_in.post(SETTINGS, {**GOOD, "time_zone": typed})
        user.refresh_from_db()
        assert user.time_zone == zone

    @pytest.mark.parametrize("typed", ["Atlantis", "../../etc/passwd", "x" * 1000, "Europe/Ber\0lin", "<b>"])
    def test_a_zone_that_is_none_is_refused_beside_its_field(self, signed_in, user, typed) -> None:
        response = signed_in.post(SETTINGS, {**GOOD, "time_zone": typed})
        user.refresh_from_db()
        assert (response.status_code, user.time_zone, user.theme) == (400, "UTC", "system")
        assert 'aria-invalid="true"' in html(response)
        assert 'id="time-zone-error"' in html(response)
        assert "<b>" not in html(response)
        # The page around the form still says what holds.
        assert "Times are in UTC." in html(response)

    def test_nothing_is_no_zone(self, signed_in) -> None:
        assert "Choose a time zone" in html(signed_in.post(SETTINGS, {**GOOD, "time_zone": ""}))

    def test_a_place_in_two_zones_names_both(self, signed_in, monkeypatch) -> None:
        monkeypatch.setattr(zones, "names", lambda: ("Europe/Springfield", "America/Springfield"))
        monkeypatch.setattr(zones, "choices", lambda now: [])
        response = signed_in.post(SETTINGS, {**GOOD, "time_zone": "springfield"})
        assert "may be Europe/Springfield or America/Springfield" in html(response)

    def test_colours_that_do_not_exist_are_refused(self, signed_in, user) -> None:
        assert signed_in.post(SETTINGS, {**GOOD, "theme": "pink"}).status_code == 400
        user.refresh_from_db()
        assert user.theme == "system"

    @time_machine.travel("2026-03-10T12:00Z")
    def test_the_list_tells_the_time_in_each_zone(self, signed_in) -> None:
        page = html(signed_in.get(SETTINGS))
        assert '<option value="Asia/Kathmandu">17:45</option>' in page
        assert "posix" not in page
        assert len(page) < 60_000

    def test_nobody_changes_the_rights_of_a_person_here(self, signed_in, user) -> None:
        signed_in.post(SETTINGS, {**GOOD, "is_staff": "on", "is_superuser": "on", "email": "x@example.org"})
        user.refresh_from_db()
        assert (user.is_staff, user.is_superuser, user.email) == (False, False, "ana@example.org")

    def test_its_queries(self, signed_in, django_assert_num_queries) -> None:
        with django_assert_num_queries(3):
            signed_in.get(SETTINGS)


class TestMenu:
    def test_colours_and_calm_mode_change_and_the_page_comes_back(self, signed_in, user) -> None:
        here = "http://testserver/analytics/?days=7"
        response = signed_in.post(APPEARANCE, {"theme": "light"}, headers={"Referer": here})
        assert response.headers["Location"] == here
        signed_in.post(APPEARANCE, {"calm": "on"})
        user.refresh_from_db()
        assert (user.theme, user.is_calm) == ("light", True)
        signed_in.post(APPEARANCE, {"calm": "off"})
        user.refresh_from_db()
        assert (user.theme, user.is_calm) == ("light", False)

    @pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
    def test_it_never_leads_to_another_site(self, signed_in, back) -> None:
        sent = signed_in.post(APPEARANCE, {"theme": "dark", "next": back}, headers={"Referer": back})
        assert sent.headers["Location"] == "/"

    def test_a_browser_that_does_not_say_where_it_was_goes_by_the_form(self, signed_in) -> None:
        data = {"theme": "dark", "next": "/analytics/comparison/"}
        assert signed_in.post(APPEARANCE, data).headers["Location"] == data["next"]

    def test_junk_changes_nothing(self, signed_in, user) -> None:
        signed_in.post(APPEARANCE, {"theme": "pink", "calm": "maybe"})
        user.refresh_from_db()
        assert (user.theme, user.is_calm) == ("system", False)

    def test_it_takes_a_form_of_somebody_signed_in(self, client, signed_in) -> None:
        assert signed_in.get(APPEARANCE).status_code == 405
        client.logout()
        assert "sign-in" in client.post(APPEARANCE, {"theme": "dark"}).headers["Location"]


class TestTheme:
    @pytest.mark.parametrize(
        ("theme", "scheme"), [("system", "light dark"), ("light", "light"), ("dark", "dark")]
    )
    def test_the_first_byte_of_a_page_knows_it(self, signed_in, theme, scheme) -> None:
        CustomUser.objects.update(theme=theme)
        page = html(signed_in.get(SETTINGS))
        assert f'<html lang="en" data-theme="{theme}">' in page
        assert f'<meta name="color-scheme" content="{scheme}">' in page

    def test_the_browser_remembers_it_for_the_sign_in_page(self, signed_in) -> None:
        CustomUser.objects.update(theme="dark")
        cookie = signed_in.get(SETTINGS).cookies["theme"]
        assert (cookie.value, cookie["httponly"], cookie["samesite"]) == ("dark", True, "Lax")
        # Only when it has changed.
        assert "theme" not in signed_in.get(SETTINGS).cookies
        signed_in.post("/accounts/sign-out/")
        assert 'data-theme="dark"' in html(signed_in.get("/accounts/sign-in/"))
        assert 'data-theme="dark"' in html(signed_in.get("/nowhere/"))

    def test_a_cookie_that_somebody_wrote_is_a_choice_or_nothing(self, client) -> None:
        client.cookies["theme"] = '"><script>'
        assert 'data-theme="system"' in html(client.get("/accounts/sign-in/"))

    def test_an_error_of_our_own_has_it_too_and_asks_nothing_of_the_database(
        self, client, monkeypatch, django_assert_num_queries
    ) -> None:
        client.cookies["theme"] = "dark"
        client.raise_request_exception = False
        monkeypatch.setattr("postflow.views.static", None)
        with django_assert_num_queries(0):
            response = client.get("/favicon.ico")
        assert response.status_code == 500
        assert 'data-theme="dark"' in html(response)
        assert "Something broke" in html(response)

    def test_calm_mode_is_on_the_page_from_the_start(self, signed_in) -> None:
        assert "data-calm" not in html(signed_in.get(SETTINGS))
        CustomUser.objects.update(is_calm=True)
        assert " data-calm>" in html(signed_in.get(SETTINGS))


def test_browsers_that_ask_for_an_icon_unbidden_find_it(client) -> None:
    assert client.get("/favicon.ico").headers["Location"] == "/static/postflow/mark.svg"
