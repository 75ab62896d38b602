"""The note about what is new: on the overview until it is closed, then never again."""

import pytest
from django.urls import reverse

from postflow import news
from tests.tiny.models import TinyAccount

pytestmark = pytest.mark.django_db


@pytest.fixture
def overview(client, tiny_account) -> str:
    client.force_login(tiny_account.user)
    return reverse("analytics_core:unified_dashboard")


def close(client, name: str = news.LATEST, **options):
    return client.post(reverse("postflow:close_news"), {"news": name}, **options)


def test_it_stands_on_the_overview_until_it_is_closed(client, overview) -> None:
    assert "What is new" in client.get(overview).content.decode()
    assert "What is new" in client.get(overview).content.decode()
    answer = close(client, headers={"Referer": f"http://testserver{overview}?days=7"})
    assert answer.url == f"http://testserver{overview}?days=7"
    assert "What is new" not in client.get(overview).content.decode()


def test_the_next_news_are_shown_again(client, overview, monkeypatch) -> None:
    close(client)
    monkeypatch.setattr(news, "LATEST", "another")
    assert "What is new" in client.get(overview).content.decode()


def test_news_that_nobody_has_seen_yet_are_not_closed_by_an_old_page(client, overview) -> None:
    close(client, "older")
    assert "What is new" in client.get(overview).content.decode()


def test_it_is_in_nobodys_way_before_an_account_is_connected(client, overview) -> None:
    TinyAccount.objects.all().delete()
    assert "What is new" not in client.get(overview).content.decode()


def test_it_never_leads_to_another_site(client, overview) -> None:
    assert close(client, headers={"Referer": "https://elsewhere.example/"}).url == reverse("home")
