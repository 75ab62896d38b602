"""The daily totals say what the rows say, whatever happens to the rows."""

import random
import threading
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from analytics_core import ingest
from analytics_core.engine import ledger, recount
from analytics_core.models import EngagementDay, Ledger, PersonSpan, PersonTotal, Precision
from analytics_core.platforms import CommentRecord, Listing, NotificationRecord, PersonRecord
from analytics_core.tests.builders import add, build_post
from tests.tiny.models import TinyAccount, TinyLike, TinyPost

pytestmark = pytest.mark.django_db

START = datetime(2026, 9, 1, 12, tzinfo=UTC)


def visit(tiny, account):
    stats = tiny.fetcher(account).run()
    assert stats["errors"] == 0, stats["message"]


def person(name):
    return PersonRecord(remote_id=name, username=name, display_name=name.title())


class TestVisits:
    """Random likes, comments, shares, taken back ones, notices and outages, over a change of clocks."""

    @pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/Los_Angeles"])
    @pytest.mark.parametrize("seed", [1, 2])
    def test_totals_equal_the_rows_after_every_visit(self, tiny, tiny_account, user, zone, seed) -> None:
        user.time_zone = zone
        user.save()
        chance = random.Random(seed)
        posts = [str(number) for number in range(100, 104)]
        for number, post in enumerate(posts):
            tiny.instance.add_post(post, likes=3 * number, posted_at=START - timedelta(days=300))
        moment, notification_id, ends = START, 1000, 0
        for _ in range(18):
            # Days without a visit leave windows too long for a day.
            moment += timedelta(hours=chance.choice([1, 7, 30, 200]))
            with time_machine.travel(moment, tick=False):
                for post in posts:
                    notification_id = self.live(tiny.instance, post, chance, moment, notification_id)
                visit(tiny, tiny_account)
                assert recount.difference(tiny, tiny_account.pk) == ""
            ends = TinyLike.objects.filter(ended_at__isnull=False).count()
        kinds = set(TinyLike.objects.values_list("precision", flat=True))
        assert kinds == set(Precision.values)
        assert ends > 0
        assert PersonSpan.objects.exists()
        ledger.rebuild(tiny, tiny_account.pk)
        assert recount.difference(tiny, tiny_account.pk) == ""

    def live(self, instance, post, chance, moment, notification_id):
        """Let people come and go."""
        for people in (instance.likes.setdefault(post, []), instance.shares.setdefault(post, [])):
            kind = "likes" if people is instance.likes[post] else "shares"
            people[:] = [name for name in people if chance.random() > 0.15]
            for name in {f"fan{chance.randrange(30)}" for _ in range(chance.randrange(4))} - set(people):
                people.append(name)
                if chance.random() < 0.5:
                    notification_id += 1
                    happened_at = moment - timedelta(minutes=chance.randrange(1, 3000))
                    instance.notifications.append(
                        NotificationRecord(
                            remote_id=str(notification_id), happened_at=happened_at, kind=kind,
                            person=person(name), post_id=post,
                        )
                    )  # fmt: skip
        comments = instance.comments.setdefault(post, [])
        comments[:] = [comment for comment in comments if chance.random() > 0.2]
        for _ in range(chance.randrange(3)):
            notification_id += 1
            comments.append(
                CommentRecord(
                    remote_id=str(notification_id), person=person(f"fan{chance.randrange(30)}"), content="Oh",
                    commented_at=moment - timedelta(hours=chance.randrange(100)), in_reply_to_id=post,
                )
            )  # fmt: skip
        return notification_id

    def test_a_visit_that_fails_half_way_leaves_both_as_they_were(
        self, tiny, tiny_account, monkeypatch
    ) -> None:
        tiny.instance.add_post("100", likes=3)
        visit(tiny, tiny_account)
        tiny.instance.likes["100"].append("new")
        monkeypatch.setattr("analytics_core.ingest.refresh_summaries", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            tiny.fetcher(tiny_account).run()
        assert TinyLike.objects.count() == 3
        assert recount.difference(tiny, tiny_account.pk) == ""

    def test_people_are_called_as_they_are_called_now(self, tiny, tiny_account) -> None:
        build_post("tiny", tiny_account)
        post = TinyPost.objects.get()
        add(post, "likes", account_id="7", username="old")
        add(build_post("tiny", tiny_account), "likes", account_id="7", username="new")
        assert PersonTotal.objects.get().person.username == "new"


class TestVoid:
    def test_a_new_time_zone_has_the_days_counted_anew_by_a_task(self, tiny, tiny_account, user) -> None:
        post = build_post("tiny", tiny_account)
        add(post, "likes", at=datetime(2026, 9, 1, 11, 30, tzinfo=UTC))
        assert EngagementDay.objects.get().day == date(2026, 9, 1)
        user.time_zone = "Pacific/Auckland"
        user.save()
        assert DBTaskResult.objects.filter(task_path="analytics_core.tasks.rebuild_totals").count() == 1
        assert "UTC" in recount.difference(tiny, tiny_account.pk)
        call_command("db_worker", batch=True, queue_name="*")
        assert EngagementDay.objects.get().day == date(2026, 9, 1)
        assert Ledger.objects.get().time_zone == "Pacific/Auckland"
        add(post, "likes", at=datetime(2026, 9, 1, 12, 30, tzinfo=UTC))
        assert EngagementDay.objects.filter(day=date(2026, 9, 2)).exists()

    def test_saving_a_user_otherwise_queues_nothing(self, tiny, tiny_account, user) -> None:
        build_post("tiny", tiny_account, likes=1)
        user.name = "Ana"
        user.save()
        assert not DBTaskResult.objects.exists()

    def test_a_deleted_post_takes_its_numbers_along(self, tiny, tiny_account) -> None:
        build_post("tiny", tiny_account, likes=2)
        build_post("tiny", tiny_account, likes=1)
        TinyPost.objects.first().delete()
        call_command("db_worker", batch=True, queue_name="*")
        assert recount.difference(tiny, tiny_account.pk) == ""
        assert PersonTotal.objects.count() in (1, 2)
        assert Ledger.objects.get().time_zone == "UTC"

    def test_a_deleted_account_takes_its_ledger_along(self, tiny, tiny_account) -> None:
        build_post("tiny", tiny_account, likes=2)
        tiny_account.delete()
        assert not Ledger.objects.exists()
        assert not PersonTotal.objects.exists()
        call_command("db_worker", batch=True, queue_name="*")
        assert not DBTaskResult.objects.exclude(status="SUCCESSFUL").exists()

    def test_a_ledger_that_is_missing_is_made_when_it_is_needed(self, tiny, tiny_account) -> None:
        post = build_post("tiny", tiny_account, likes=2)
        Ledger.objects.all().delete()
        with transaction.atomic(), ledger.keep(tiny, post.account_id) as book:
            row = TinyLike(
                post=post, account_id="9", username="nine", liked_at=timezone.now(), precision="exact"
            )
            row.save()
            # It was made from the rows as they were when it was opened.
            book.tally("likes").added(row)
        assert recount.difference(tiny, tiny_account.pk) == ""

    def test_an_account_that_is_gone_has_none(self, tiny, tiny_account) -> None:
        ledger.rebuild(tiny, 999)
        with pytest.raises(LookupError), transaction.atomic(), ledger.keep(tiny, 999):
            pass
        assert not Ledger.objects.exists()

    def test_a_total_that_was_wrong_does_not_stop_a_visit(self, tiny, tiny_account, caplog) -> None:
        tiny.instance.add_post("100", likes=1)
        visit(tiny, tiny_account)
        Ledger.objects.update(undated_likes=0)
        tiny.instance.likes["100"] = []
        visit(tiny, tiny_account)
        visit(tiny, tiny_account)
        assert "run rebuild_daily_totals" in caplog.text


class TestCommand:
    def test_it_proves_the_totals_right(self, tiny, tiny_account, capsys) -> None:
        build_post("tiny", tiny_account, likes=2, comments=1)
        call_command("rebuild_daily_totals", check=True)
        assert "Tiny: 1 account compared." in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("break_it", "words"),
        [
            (lambda: EngagementDay.objects.update(likes=7), "1 of 1 days differ"),
            (lambda: EngagementDay.objects.all().delete(), "1 of 1 days differ"),
            (lambda: PersonSpan.objects.filter(span="m").update(likes=7), "2 of 4 spans of people differ"),
            (lambda: PersonTotal.objects.update(met_on=date(2020, 1, 1)), "2 of 2 people differ"),
            (lambda: Ledger.objects.update(undated_likes=7), "the undated ones differ"),
            (lambda: Ledger.objects.update(time_zone="Europe/Berlin"), "kept in days of Europe/Berlin"),
            (lambda: Ledger.objects.all().delete(), "it has none"),
            (lambda: TinyLike.objects.first().delete(), "differ"),
        ],
    )
    def test_it_finds_what_is_wrong_and_mends_it(self, tiny, tiny_account, capsys, break_it, words) -> None:
        build_post("tiny", tiny_account, likes=2)
        break_it()
        with pytest.raises(CommandError, match="Run rebuild_daily_totals without --check"):
            call_command("rebuild_daily_totals", check=True)
        assert words in capsys.readouterr().out
        call_command("rebuild_daily_totals")
        call_command("rebuild_daily_totals", check=True)

    def test_it_drops_what_belongs_to_no_account(self, tiny, tiny_account) -> None:
        Ledger.objects.create(platform="tiny", account_id=999, instance_url="x", time_zone="UTC")
        call_command("rebuild_daily_totals")
        assert not Ledger.objects.filter(account_id=999).exists()


class TestWholeFrom:
    """From when on no like can be missing."""

    def notify(self, tiny, *, at, post="100", name="fan0"):
        tiny.instance.notifications.append(
            NotificationRecord(
                remote_id=str(1000 + len(tiny.instance.notifications)), happened_at=at, kind="likes",
                person=person(name), post_id=post,
            )
        )  # fmt: skip

    def test_it_is_the_first_visit(self, tiny, tiny_account) -> None:
        tiny.instance.add_post("100", likes=3)
        with time_machine.travel(START, tick=False):
            visit(tiny, tiny_account)
        assert Ledger.objects.get().whole_from_at == START

    def test_notifications_reach_further_back(self, tiny, tiny_account) -> None:
        oldest_at = START - timedelta(days=60)
        tiny.instance.add_post("100", likes=3, posted_at=START - timedelta(days=90))
        self.notify(tiny, at=oldest_at)
        with time_machine.travel(START, tick=False):
            visit(tiny, tiny_account)
        assert Ledger.objects.get().whole_from_at == oldest_at
        assert Ledger.objects.get().begun_at == START

    def test_they_do_not_where_a_like_of_a_younger_post_was_not_notified(self, tiny, tiny_account) -> None:
        tiny.instance.add_post("100", likes=3, posted_at=START - timedelta(days=90))
        tiny.instance.add_post("101", likes=1, posted_at=START - timedelta(days=30))
        self.notify(tiny, at=START - timedelta(days=60))
        with time_machine.travel(START, tick=False):
            visit(tiny, tiny_account)
        assert Ledger.objects.get().whole_from_at == START

    def test_the_owners_own_like_is_notified_to_nobody(self, tiny, tiny_account) -> None:
        TinyAccount.objects.update(remote_id="1")
        tiny_account.refresh_from_db()
        tiny.instance.add_post("100", likes=3, posted_at=START - timedelta(days=90))
        tiny.instance.add_post("101", posted_at=START - timedelta(days=30))
        tiny.instance.likes["101"] = ["1"]
        self.notify(tiny, at=START - timedelta(days=60))
        with time_machine.travel(START, tick=False):
            visit(tiny, tiny_account)
        assert Ledger.objects.get().whole_from_at == START - timedelta(days=60)

    @pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite plans without statistics")
    def test_other_accounts_likes_are_not_looked_through_whatever_statistics_say(
        self, tiny, tiny_account, user
    ) -> None:
        own = Ledger(begun_at=START, whole_from_at=START - timedelta(days=60))
        fill(tiny_account, posts_count=20, likes_count=20, precision=Precision.EXACT)
        # From here on the database believes that all posts are this account's, and no like is untold.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE tiny_tinypost, tiny_tinylike, tiny_tinyshare")
        other = TinyAccount.objects.create(user=user, instance_url="https://tiny.example", username="bea")
        fill(other, posts_count=200, likes_count=50, precision=Precision.UNKNOWN)

        with CaptureQueriesContext(connection) as statements:
            ledger.doubt_notifications(tiny, tiny_account, own)

        of_likes = next(each["sql"] for each in statements if "tiny_tinylike" in each["sql"])
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) {of_likes}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "Index Cond: (post_id = tiny_tinypost.id)" in plan, plan


def fill(account, *, posts_count, likes_count, precision):
    """Store posts of the last days before `START`, and likes of them."""
    posts = TinyPost.objects.bulk_create(
        TinyPost(account=account, tiny_id=str(number), posted_at=START - timedelta(hours=number))
        for number in range(posts_count)
    )
    TinyLike.objects.bulk_create(
        TinyLike(post=post, account_id=str(fan), liked_at=START, precision=precision)
        for post in posts
        for fan in range(likes_count)
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_two_runs_at_once_count_nothing_twice(tiny, tiny_account) -> None:
    posts = [build_post("tiny", tiny_account) for _ in range(2)]
    fans = Listing(items=[person(f"fan{number}") for number in range(40)])
    barrier, failures = threading.Barrier(4), []

    def read(post):
        try:
            barrier.wait(10)
            now = timezone.now()
            ingest.ingest_engagement(tiny, post, {"likes": fans, "shares": fans}, began_at=now, seen_at=now)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    # Each post twice, so that two copies meet over the same rows, and both posts over the same people.
    threads = [threading.Thread(target=read, args=[TinyPost.objects.get(pk=post.pk)]) for post in posts * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert TinyLike.objects.count() == 80
    assert recount.difference(tiny, tiny_account.pk) == ""
