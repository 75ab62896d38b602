"""What the readers of a load test ask for is there, without the tool that drives them."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from django.urls import resolve, reverse

from tests.load import visits


@pytest.mark.parametrize("page", visits.PAGES, ids=lambda page: page.name)
def test_every_address_of_the_readers_exists(page: visits.Page) -> None:
    post = reverse("analytics_pixelfed:post_detail", args=[1])

    assert resolve(urlsplit(page.path.replace("{post}", post)).path)


def test_readers_sign_in_where_people_do() -> None:
    assert reverse("login") == visits.SIGN_IN
