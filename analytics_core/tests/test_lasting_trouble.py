"""Trouble that lasts keeps nothing else from being read, and slow readings are dated right."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from analytics_core import platforms
from analytics_core.models import AccountState, Notice, Precision
from analytics_core.platforms import NotificationRecord, PersonRecord
from tests.tiny.models import TinyLike, TinyPost
from tests.tiny.platform import TinySource

from .conftest import HOUR, NOON

pytestmark = pytest.mark.django_db


def like_of(person: str, post_id: str = "100") -> TinyLike:
    return TinyLike.objects.get(post__tiny_id=post_id, account_id=person)


def notified(number: int, person: str, post_id: str, happened_at: datetime) -> NotificationRecord:
    return NotificationRecord(
        remote_id=str(number),
        happened_at=happened_at,
        kind="likes",
        person=PersonRecord(remote_id=person, username=person),
        post_id=post_id,
    )


class TestNothingStandsInTheWayForEver:
    def test_old_posts_are_swept_day_after_day(self, visit, instance) -> None:
        for number in range(1000, 1100):
            instance.add_post(str(number))
        visit()
        for day in range(2):
            instance.likes["1003"].append(f"late on day {day}")
            for _ in range(26):
                assert visit()["requests"] <= 5
            assert TinyLike.objects.filter(account_id=f"late on day {day}").exists()

    def test_a_sweep_over_pages_that_are_half_empty_comes_to_its_end(
        self, visit, instance, monkeypatch
    ) -> None:
        for number in range(1000, 1090):
            instance.add_post(str(number))
        real = TinySource.posts

        def half_empty(self, remote_account_id, *, before_id, limit):
            return real(self, remote_account_id, before_id=before_id, limit=limit if not before_id else 10)

        monkeypatch.setattr(TinySource, "posts", half_empty)
        visit()
        assert TinyPost.objects.count() == 90
        for day in range(2):
            instance.likes["1000"].append(f"late on day {day}")
            for _ in range(27):
                visit()
            assert TinyLike.objects.filter(account_id=f"late on day {day}").exists()

    def test_a_post_whose_own_page_is_broken_does_not_end_every_visit(self, visit, instance) -> None:
        for number in range(100, 105):
            instance.add_post(str(number), likes=1)
        visit()
        instance.hidden.add("102")
        instance.failures["post"] = [platforms.TryLater("in trouble") for _ in range(99)]
        instance.likes["104"].append("new")
        stats = visit()
        assert (stats["errors"], stats["total_new_likes"]) == (1, 1)
        assert visit()["errors"] == 0, "it is asked for once a day"
        assert TinyPost.objects.get(tiny_id="102").missing_since_at is None

    def test_counting_followers_is_no_condition_for_reading_posts(self, visit, instance, clock) -> None:
        instance.add_post("100", likes=1)
        visit()
        clock.shift(timedelta(days=1))
        instance.failures["profile"] = [platforms.WrongAnswer("not allowed")]
        instance.likes["100"].append("new")
        stats = visit()
        assert (stats["errors"], stats["total_new_likes"]) == (1, 1)

    def test_two_lists_that_always_fail_do_not_keep_the_rest_from_being_read(
        self, visit, instance, monkeypatch
    ) -> None:
        for number in range(100, 110):
            instance.add_post(str(number), likes=1, posted_at=NOON - HOUR * (110 - number))
        real = TinySource.likers

        def likers(self, post_id):
            found = real(self, post_id)
            if post_id in ("108", "109"):
                raise platforms.TryLater("in trouble")
            return found

        monkeypatch.setattr(TinySource, "likers", likers)
        for _ in range(12):
            visit()
        assert TinyLike.objects.count() == 8

    def test_a_list_that_was_never_read_whole_is_tried_again(self, visit, audit, instance) -> None:
        instance.add_post("100", likes=3)
        instance.incomplete.add("100")
        visit()
        assert TinyPost.objects.get().likes_read_at is None
        instance.incomplete.clear()
        audit()
        assert TinyPost.objects.get().likes_read_at == NOON + HOUR

    def test_a_list_that_is_never_whole_leaves_the_others_their_turn(
        self, visit, audit, instance, clock
    ) -> None:
        for number in range(100, 110):
            instance.add_post(str(number), likes=1)
        visit()
        instance.incomplete |= {"100", "101"}
        for _ in range(2):
            instance.asked.clear()
            # Two lists a day, of which the two bad ones may take one and more.
            for _ in range(60):
                clock.shift(timedelta(days=1))
                audit()
            assert {about for what, about in instance.asked if what == "likers"} >= set(instance.posts)

    def test_what_a_server_does_not_count_is_read_every_week(self, visit, audit, instance, clock) -> None:
        instance.add_post("100")
        instance.with_counts = instance.posts.get
        visit()
        assert TinyPost.objects.get().likes_server_count is None
        instance.likes["100"].append("new")
        clock.shift(timedelta(days=1))
        audit()
        assert like_of("new").precision == Precision.WINDOW

    def test_trouble_while_a_refusal_is_looked_into_pauses_nobody(
        self, visit, instance, tiny_account
    ) -> None:
        instance.add_post("100", likes=1)
        visit()
        instance.failures["posts"] = [platforms.ReconnectNeeded("refused")]
        instance.failures["profile"] = [platforms.TryLater("tiny.example is in trouble.")]
        stats = visit()
        tiny_account.refresh_from_db()
        assert (tiny_account.state, stats["message"]) == ("active", "tiny.example is in trouble.")

    def test_a_list_that_moved_and_is_old_too_is_read_once_a_visit(self, visit, instance, clock) -> None:
        instance.add_post("100", likes=3)
        visit()
        clock.shift(timedelta(days=8))
        instance.likes["100"].pop()
        instance.asked.clear()
        visit()
        assert instance.asked.count(("likers", "100")) == 1
        assert not TinyLike.objects.exclude(ended_at=None).exists()


class TestTimesOfSlowReadings:
    """A reading takes minutes where turns are waited for: what happens meanwhile is dated right."""

    @pytest.fixture
    def slow(self, instance, monkeypatch, clock):
        real = TinySource.likers

        def likers(self, post_id):
            found = real(self, post_id)
            if "late" not in instance.likes["100"]:
                clock.shift(timedelta(minutes=3))
                instance.likes["100"].insert(0, "late")
                instance.notifications.append(notified(7, "late", "100", NOON + timedelta(minutes=3)))
                clock.shift(timedelta(minutes=7))
            return found

        monkeypatch.setattr(TinySource, "likers", likers)

    def test_a_like_given_while_its_list_is_read_has_its_exact_time(self, visit, instance, slow) -> None:
        instance.add_post("100", likes=1)
        visit()
        visit()
        row = like_of("late")
        assert (row.precision, row.liked_at) == (Precision.EXACT, NOON + timedelta(minutes=3))

    def test_a_window_contains_what_happened_while_the_list_was_read(self, visit, instance, slow) -> None:
        instance.add_post("100", likes=1)
        visit()
        instance.notifications.clear()
        visit()
        row = like_of("late")
        assert row.precision == Precision.WINDOW
        assert row.not_before_at <= NOON + timedelta(minutes=3) <= row.liked_at

    def test_a_quiet_post_was_quiet_when_it_was_listed_and_not_later(
        self, visit, instance, clock, monkeypatch
    ) -> None:
        for number in range(1000, 1050):
            instance.add_post(str(number))
        real = TinySource.posts

        def posts(self, remote_account_id, **options):
            if options["before_id"]:
                clock.shift(timedelta(minutes=6))
            return real(self, remote_account_id, **options)

        monkeypatch.setattr(TinySource, "posts", posts)
        visit()
        assert TinyPost.objects.get(tiny_id="1049").likes_read_at == NOON

    def test_times_of_a_killed_visit_are_put_in_by_the_next(
        self, visit, instance, clock, monkeypatch
    ) -> None:
        instance.add_post("100", likes=1)
        instance.notifications.append(notified(7, "fan0", "100", NOON - HOUR))
        with monkeypatch.context() as broken:
            broken.setattr("analytics_core.engine.notices.apply_notices", lambda *args: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                visit()
        visit()
        assert (like_of("fan0").precision, like_of("fan0").liked_at) == (Precision.EXACT, NOON - HOUR)
        assert not Notice.objects.exists()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="ids come from a sequence on PostgreSQL")
def test_ids_that_are_taken_fail_a_visit_aloud_and_lose_no_like(visit, instance, tiny_account) -> None:
    # As after a restore of the rows without their sequences.
    instance.add_post("100", likes=3)
    visit()
    with connection.cursor() as cursor:
        # The next one is the id of the second like.
        first = "SELECT min(id) FROM tiny_tinylike"
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('tiny_tinylike', 'id'), ({first}))")
    instance.likes["100"].append("new")
    with pytest.raises(IntegrityError), transaction.atomic():
        visit()
    AccountState.objects.update(lease_until_at=None)
    assert TinyPost.objects.get().likes_read_count == 3, "the list is still to be read"
