"""The large installation is a true one: at its smallest size its totals agree with its rows."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.test import Client

from analytics_core.models import KINDS, EngagementDay, Ledger, Person, PersonTotal
from analytics_pixelfed.models import PixelfedLike, PixelfedPost
from postflow.models import CustomUser
from tests.load import visits
from tests.load.fill import fill
from tests.load.size import NUMBERS, Size, email

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="the fill speaks PostgreSQL"),
]
SMALLEST = Size(users=2, months=3, hosts=2)


def indexes() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'")
        return {definition for (definition,) in cursor.fetchall()}


@pytest.fixture
def reader(db: None) -> Client:
    """A signed-in photographer of an installation that is filled."""
    before = indexes()
    fill(SMALLEST)
    assert indexes() == before
    client = Client()
    client.force_login(CustomUser.objects.get(email=email(0)))
    return client


def test_the_daily_totals_agree_with_the_rows(reader: Client, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("rebuild_daily_totals", "--check")

    assert "Pixelfed: 2 accounts compared." in capsys.readouterr().out
    assert EngagementDay.objects.exists()
    assert PersonTotal.objects.exclude(met_on=None).exists()
    assert PersonTotal.objects.exclude(undated_count=0).exists()
    assert set(Ledger.objects.values_list("time_zone", flat=True)) == {"UTC", "Europe/Berlin"}
    assert not Person.objects.filter(totals=None).exists()


def test_posts_and_summaries_say_what_their_rows_come_to(reader: Client) -> None:
    for post in PixelfedPost.objects.select_related("engagement_summary"):
        for kind in KINDS:
            numbers = {
                getattr(post, f"{kind}_count"),
                getattr(post, f"total_{kind}"),
                getattr(post.engagement_summary, f"total_{kind}"),
                getattr(post, f"{kind}_read_count"),
                getattr(post, f"{kind}_server_count"),
            }
            assert len(numbers) == 1, f"{kind} of {post}: {numbers}"
    assert not PixelfedPost.objects.exclude(
        total_engagement=F("total_likes") + F("total_comments") + F("total_shares")
    ).exists()


def test_it_has_what_a_large_installation_is_made_of(reader: Client) -> None:
    months_of_posts = PixelfedPost.objects.count() / (SMALLEST.users * SMALLEST.months)
    assert 30 <= months_of_posts <= 50
    least, sides = NUMBERS["likes"]
    grown = PixelfedPost.objects.order_by("posted_at").first()
    assert grown is not None
    assert least * 0.8 <= grown.total_likes < least + sides
    assert PixelfedLike.objects.exclude(ended_at=None).exists()
    assert set(PixelfedLike.objects.values_list("precision", flat=True)) == {"exact", "window", "unknown"}


def test_every_page_of_the_readers_opens_and_holds_what_they_look_for(reader: Client) -> None:
    overview = reader.get("/analytics/").content.decode()
    post = visits.posts_of(overview)[0]
    for page in visits.PAGES:
        response = reader.get(page.path.replace("{post}", post), headers=page.headers)
        assert response.status_code == 200, page
        if page.part:
            assert f'id="{page.part}"' in response.content.decode()
            assert "<html" not in response.content.decode()
    [(name, address)] = visits.people_of(overview)
    people = reader.get(address, headers=visits.part_headers("people")).content.decode()
    assert name == "people, 30 days"
    assert people.lstrip().startswith("<section")
    assert not list(visits.people_of(people))
    pictures = visits.pictures_of(overview)
    assert len(pictures) == visits.PICTURES_SEEN
    assert reader.get(pictures[0]).headers["Content-Type"] == "image/webp"
