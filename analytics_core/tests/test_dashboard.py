"""What the address of a dashboard may ask for, and what it costs."""

import importlib
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from analytics_core import platforms
from analytics_core.engine import recount
from analytics_core.models import Ledger, Person, Precision
from analytics_core.pages import forms
from analytics_core.tests.builders import add, build_post, read
from analytics_pixelfed.models import PixelfedPost
from pixelfed.models import MastodonAccount
from postflow.models import CustomUser

pytestmark = pytest.mark.django_db

OVERVIEW, PIXELFED = "/analytics/", "/analytics/pixelfed/"
PEOPLE = {"HX-Request": "true", "HX-Target": "people"}


@pytest.fixture
def signed_in(client, user):
    client.force_login(user)
    return client


@pytest.fixture
def account(user):
    return connect(user, "ana")


def connect(user, username, *, instance="https://pixelfed.example"):
    return MastodonAccount.objects.create(
        user=user, instance_url=instance, username=username, access_token="t", software="pixelfed"
    )


def posts(client, query="", *, page=OVERVIEW):
    return list(client.get(f"{page}?{query}").context["posts"])


class TestFilters:
    def test_an_account_can_be_picked_out(self, signed_in, user, account) -> None:
        other = connect(user, "mono")
        ours = build_post("pixelfed", account, likes=1)
        theirs = build_post("pixelfed", other, likes=20)
        assert posts(signed_in) == [theirs, ours]
        response = signed_in.get(f"{OVERVIEW}?account=pixelfed-{account.pk}")
        assert response.context["posts"] == [ours]
        assert response.context["numbers"][0].value == 1
        assert sum(value or 0 for value in response.context["timeline"].series[0].values) == 1
        assert [choice[0] for choice in response.context["form"].fields["account"].choices] == [
            "all", f"pixelfed-{account.pk}", f"pixelfed-{other.pk}"
        ]  # fmt: skip

    def test_nobody_elses_account_can_be(self, signed_in, account) -> None:
        ours = build_post("pixelfed", account)
        theirs = connect(CustomUser.objects.create_user(email="ben@example.org"), "ben")
        build_post("pixelfed", theirs, likes=50)
        response = signed_in.get(f"{OVERVIEW}?account=pixelfed-{theirs.pk}")
        assert response.context["posts"] == [ours]
        assert response.context["numbers"][0].value == 0

    def test_an_account_of_another_platform_than_the_chosen_one_is_no_choice(
        self, signed_in, account, tiny, tiny_account
    ) -> None:
        ours = build_post("tiny", tiny_account)
        assert posts(signed_in, f"platform=tiny&account=pixelfed-{account.pk}") == [ours]

    def test_the_page_of_a_platform_has_no_other(self, signed_in, account, tiny, tiny_account) -> None:
        ours = build_post("pixelfed", account)
        build_post("tiny", tiny_account)
        assert posts(signed_in, "platform=tiny", page=PIXELFED) == [ours]

    @pytest.mark.parametrize("kind", ["image", "video", "carousel"])
    def test_kinds_of_media(self, signed_in, account, kind) -> None:
        made = {
            name: build_post("pixelfed", account, media_type=name) for name in ("image", "video", "carousel")
        }
        assert posts(signed_in, f"media={kind}") == [made[kind]]

    @pytest.mark.parametrize(
        ("search", "caption"),
        [
            ("fog", "The FOG rolls in"),
            ("MÜNCHEN", "Abend in München"),
            ("münchen", "Abend in MÜNCHEN"),
            ("strasse", "Leere Straße"),
            ("café", "Cafe\N{COMBINING ACUTE ACCENT} au lait"),
            ("100%", "100% natural"),
            ("a_b", "snake a_b case"),
            ("#nofilter", "Dawn #NoFilter"),
            ("東京", "夜の東京"),
            ("  fog  ", "in fog"),
        ],
    )
    def test_words_in_captions_in_any_case_and_script(self, signed_in, account, search, caption) -> None:
        found = build_post("pixelfed", account, caption=caption)
        build_post("pixelfed", account, caption="100 aXb, cafe, Muenchen, Tokyo")
        assert posts(signed_in, urlencode({"q": search})) == [found]

    def test_a_changed_caption_is_found_by_its_new_words(self, signed_in, tiny, tiny_account) -> None:
        tiny.instance.add_post("1", posted_at=timezone.now(), caption="Old words")
        tiny.fetcher(tiny_account).run()
        tiny.instance.add_post("1", posted_at=timezone.now(), caption="NEW words")
        tiny.fetcher(tiny_account).run()
        assert posts(signed_in, "q=old") == []
        assert len(posts(signed_in, "q=new")) == 1

    def test_days_from_and_to(self, signed_in, account) -> None:
        today = timezone.localdate()
        build_post("pixelfed", account, age=1)
        old = build_post("pixelfed", account, age=50)
        first, last = today - timedelta(days=51), today - timedelta(days=49)
        response = signed_in.get(f"{OVERVIEW}?from={first}&to={last}&sort=-likes")
        assert response.context["posts"] == [old]
        assert response.context["days"] == 3
        assert response.context["form"].value("days") == "custom"
        assert response.context["form"].query == {"from": f"{first}", "to": f"{last}", "sort": "-likes"}

    def test_filters_hold_for_the_count_and_the_next_page(self, signed_in, account) -> None:
        for number in range(30):
            build_post("pixelfed", account, caption="fog" if number % 2 else "sun", age=1 + number / 100)
        response = signed_in.get(f"{OVERVIEW}?q=fog")
        assert (response.context["total_posts"], len(response.context["posts"])) == (15, 15)
        assert len(response.context["timeline"].marks) == 12
        assert response.context["timeline"].marks_left_out == 3


class TestPeople:
    def people(self, client, query="", **options):
        return client.get(f"{OVERVIEW}?{query}", **options).context

    def test_they_come_as_a_part_of_their_own(self, signed_in, account) -> None:
        add(build_post("pixelfed", account), "likes", username="bo", display_name="Bo")
        assert self.people(signed_in)["people"] is None
        html = signed_in.get(OVERVIEW, headers=PEOPLE).content.decode()
        assert html.strip().startswith('<section id="people"')
        assert "bo" in html

    def test_without_a_script_they_have_an_address(self, signed_in, account) -> None:
        add(build_post("pixelfed", account), "likes", username="bo", display_name="Bo")
        assert "show=people" in signed_in.get(OVERVIEW).content.decode()
        (person,) = self.people(signed_in, "show=people")["people"]
        assert (person.handle, person.name, person.likes, person.total, person.is_new) == (
            "bo", "Bo", 1, 1, True
        )  # fmt: skip

    def test_who_came_before_or_nobody_knows_when_is_not_new(self, signed_in, account) -> None:
        post, now = build_post("pixelfed", account, age=400), timezone.now()
        for name, moments in {"new": [2], "back": [2, 300], "old": [300]}.items():
            for ago in moments:
                add(build_post("pixelfed", account, age=400), "likes", account_id=name, username=name,
                    at=now - timedelta(days=ago))  # fmt: skip
        add(post, "likes", account_id="seen", username="seen", precision=Precision.UNKNOWN)
        add(post, "comments", account_id="seen", username="seen", at=now - timedelta(days=1))
        found = self.people(signed_in, "show=people")
        assert {person.handle: person.is_new for person in found["people"]} == {
            "new": True, "back": False, "seen": False
        }  # fmt: skip
        assert (found["people_count"], found["new_people_count"]) == (3, 1)

    def test_one_person_at_two_accounts_of_an_instance_is_one(self, signed_in, user, account) -> None:
        other, now = connect(user, "mono"), timezone.now()
        ours, theirs = build_post("pixelfed", account), build_post("pixelfed", other, age=99)
        add(ours, "likes", account_id="7", username="bo")
        add(theirs, "shares", account_id="7", username="bo", at=now - timedelta(days=90))
        found = self.people(signed_in, "show=people&days=365")
        assert [(person.likes, person.shares) for person in found["people"]] == [(1, 1)]
        assert found["people_count"] == Person.objects.count() == 1
        # To the first account they are new, to the user they are not.
        found = self.people(signed_in, f"show=people&account=pixelfed-{account.pk}")
        assert (found["people_count"], found["new_people_count"]) == (1, 0)
        assert not found["people"][0].is_new

    def test_answers_of_ones_own_are_nobodys_engagement(self, signed_in, account) -> None:
        account.remote_id = "7"
        account.save()
        post = build_post("pixelfed", account, likes=1)
        add(post, "comments", account_id="7", username="ana")
        found = self.people(signed_in, "show=people")
        assert [person.comments for person in found["people"]] == [0]
        assert (found["people_count"], found["new_people_count"]) == (1, 1)

    def test_the_same_id_on_another_instance_is_somebody_else(self, signed_in, user, account) -> None:
        other = connect(user, "mono", instance="https://pixey.example")
        add(build_post("pixelfed", account), "likes", account_id="7", username="bo")
        add(build_post("pixelfed", other), "likes", account_id="7", username="cy")
        assert self.people(signed_in, "show=people")["people_count"] == 2

    def test_ten_are_named_and_all_are_counted(self, signed_in, account) -> None:
        build_post("pixelfed", account, likes=14)
        found = self.people(signed_in, "show=people")
        assert (len(found["people"]), found["people_count"], found["new_people_count"]) == (10, 14, 14)

    def test_they_cost_as_little_for_many(self, signed_in, account, django_assert_num_queries) -> None:
        build_post("pixelfed", account, likes=2)
        with django_assert_num_queries(5):
            signed_in.get(OVERVIEW, headers=PEOPLE)
        for _ in range(10):
            build_post("pixelfed", account, likes=12, comments=3)
        with django_assert_num_queries(5):
            signed_in.get(OVERVIEW, headers=PEOPLE)


class TestCost:
    @pytest.mark.parametrize(("page", "both", "alone"), [(OVERVIEW, 12, 10), (PIXELFED, 10, 10)])
    def test_at_most_twelve_queries_at_any_number_of_posts(
        self,
        signed_in,
        account,
        tiny,
        tiny_account,
        django_assert_num_queries,
        django_assert_max_num_queries,
        page,
        both,
        alone,
    ) -> None:
        for size in (3, 57):
            for number in range(size):
                build_post("pixelfed", account, caption="fog", likes=number % 3)
                build_post("tiny", tiny_account, caption="fog", shares=number % 2)
            with django_assert_num_queries(both):
                signed_in.get(page)
            for query in (
                "days=all&sort=-likes",
                "q=fog&media=image&page=2",
                "from=2020-01-01&to=2030-01-01",
            ):
                # A page may happen to hold posts of one platform alone.
                with django_assert_max_num_queries(both):
                    assert signed_in.get(f"{page}?{query}").context["totals"].posts
        platforms.unregister("tiny")
        with django_assert_num_queries(alone):
            signed_in.get(page)
        with django_assert_num_queries(alone + 2):
            signed_in.get(f"{page}?show=people")


class TestStates:
    def test_days_of_another_zone_are_told_until_they_are_counted_anew(
        self, signed_in, user, account
    ) -> None:
        build_post("pixelfed", account, likes=1)
        assert signed_in.get(OVERVIEW).context["counting"] == ""
        Ledger.objects.update(time_zone="Asia/Tokyo")
        assert signed_in.get(OVERVIEW).context["counting"] == (
            "Days are still those of Asia/Tokyo and are being counted anew. Reload in a minute."
        )
        Ledger.objects.update(time_zone="")
        assert signed_in.get(OVERVIEW).context["counting"] == (
            "Days are being counted anew. Reload in a minute."
        )

    def test_nothing_is_compared_during_the_first_reading(self, signed_in, account) -> None:
        build_post("pixelfed", account, comments=1)
        state = read("pixelfed", account, history_is_complete=False)
        assert signed_in.get(OVERVIEW).context["numbers"][1].previous is None
        state.history_is_complete = True
        state.save()
        assert signed_in.get(OVERVIEW).context["numbers"][1].previous == 0

    def test_an_account_without_a_ledger_has_numbers_that_are_not_known(self, signed_in, account) -> None:
        numbers = signed_in.get(OVERVIEW).context["numbers"]
        assert [number.previous for number in numbers] == [None, 0, None, None]
        assert numbers[0].spark == [None] * 28

    def test_the_timeline_is_there_as_a_file(self, signed_in, account) -> None:
        build_post("pixelfed", account, likes=3)
        chart = signed_in.get(f"{OVERVIEW}?days=7&sort=-likes").context["timeline"]
        assert chart.csv_url == "/analytics/?days=7&sort=-likes&part=timeline&format=csv"
        found = signed_in.get(chart.json_url).json()
        assert found["columns"] == ["Day", "Likes", "Comments", "Shares", "So far"]
        assert sum(row["Likes"] or 0 for row in found["rows"]) == 3


class TestMigration:
    def test_it_fills_the_totals_as_a_recount_would(self, account) -> None:
        old = build_post("pixelfed", account, caption="FOG", likes=3, comments=2)
        add(old, "shares", precision=Precision.UNKNOWN)
        add(old, "likes", account_id="7", username="new name", at=timezone.now() - timedelta(days=90))
        Ledger.objects.all().delete()
        Person.objects.all().delete()
        PixelfedPost.objects.update(total_likes=0, total_engagement=0, caption_folded="")
        migration = importlib.import_module("analytics_pixelfed.migrations.0004_fill_daily_totals")
        migration.fill(apps, None)
        assert recount.difference(platforms.get("pixelfed"), account.pk) == ""
        assert Ledger.objects.get().begun_at == old.created_at
        filled = PixelfedPost.objects.get()
        assert (filled.caption_folded, filled.total_likes, filled.total_engagement) == ("fog", 3, 5)
        migration.empty(apps, None)
        assert not Ledger.objects.exists()


VALUES = st.one_of(
    st.text(max_size=40),
    st.sampled_from([
        *forms.SORTS, *forms.MEDIA, *dict(forms.RangeForm.base_fields["days"].choices), "pixelfed", "all",
        "pixelfed-1", "people", "csv", "json", "timeline", "2026-02-30", "0001-01-01", "9999-12-31", "-1",
        "0", "1e9", "\x00", "%", "_", "'", '"', "\\", "\ud800", "٣", "²", "9" * 400,
    ]),
    st.integers().map(str),
    st.dates().map(str),
)  # fmt: skip
NAMES = st.sampled_from([
    "days", "from", "to", "platform", "account", "media", "q", "sort", "page", "show", "part", "format",
])  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    page=st.sampled_from([OVERVIEW, PIXELFED]),
    target=st.sampled_from(["", "results", "people", "junk"]),
    query=st.lists(st.tuples(NAMES, VALUES), max_size=8),
)
@example(page=OVERVIEW, target="", query=[("from", "0001-01-01"), ("to", "0001-01-01")])
@example(page=OVERVIEW, target="people", query=[("from", "1970-01-01"), ("to", "9999-12-31")])
@example(page=PIXELFED, target="results", query=[("days", "all"), ("q", "\x00"), ("page", "9" * 400)])
def test_junk_in_any_parameter_is_a_page(signed_in, account, page, target, query) -> None:
    if not PixelfedPost.objects.exists():
        build_post("pixelfed", account, likes=1, caption="fog")
    headers = {"HX-Request": "true", "HX-Target": target} if target else {}
    address = f"{page}?{urlencode(query, errors='surrogatepass')}"
    assert signed_in.get(address, headers=headers).status_code == 200
