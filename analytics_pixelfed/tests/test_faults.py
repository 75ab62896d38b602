"""What goes wrong out there, on the way and in our own processes: nothing is lost, nothing is invented."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.conf import settings as django_settings
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.tasks import default_task_backend

from analytics_core import platforms
from analytics_core.engine import hosts, hourly
from analytics_core.fetcher import AccountBusy
from analytics_core.models import KINDS, AccountState, HostState, Notice, Precision
from analytics_core.platforms import NotificationRecord, PersonRecord
from analytics_pixelfed import sending
from analytics_pixelfed.models import PixelfedComment, PixelfedLike, PixelfedPost, PixelfedShare
from analytics_pixelfed.services import PixelfedAnalyticsFetcher
from analytics_pixelfed.tasks import fetch_all_pixelfed_engagement
from pixelfed.models import MastodonAccount
from pixelfed.sandbox import World
from tests.concurrency import at_once
from tests.tiny.models import TinyLike, TinyPost
from tests.tiny.platform import TinySource

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def visit(tiny, tiny_account, clock):
    """Make one visit, an hour after the one before."""

    def run():
        stats = tiny.fetcher(tiny_account).run()
        clock.shift(HOUR)
        return stats

    return run


@pytest.fixture
def audit(tiny, tiny_account):
    """Read lists again for safety."""
    return lambda: tiny.fetcher(tiny_account).audit()


@pytest.fixture
def instance(tiny):
    return tiny.instance


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


class Killed(BaseException):
    """What a worker dies of."""


def visit_of(account: MastodonAccount) -> dict:
    return PixelfedAnalyticsFetcher(MastodonAccount.objects.get(pk=account.pk)).run()


def dump() -> dict:
    """Everything a visit leaves behind, without the keys and moments of the database's own."""
    own = {"id", "created_at", "last_updated", "last_fetched_at", "lease_token", "lease_until_at"}
    own |= {"post_id", "account_id", "platform", "last_attempt_at"}
    # A list that a killed visit has read counts: one reading less is needed afterwards.
    own |= {f"{kind}_read_at" for kind in KINDS}
    tables = {}
    for model in (PixelfedPost, PixelfedLike, PixelfedComment, PixelfedShare, Notice, AccountState):
        rows = [
            {name: value for name, value in row.items() if name not in own}
            | ({"person": row["account_id"]} if "username" in row and model is not PixelfedPost else {})
            for row in model.objects.values()
        ]
        tables[model.__name__] = sorted(json.dumps(row, default=str, sort_keys=True) for row in rows)
    tables["summaries"] = sorted(
        PixelfedPost.objects.values_list(
            "pixelfed_post_id", "engagement_summary__total_likes", "engagement_summary__total_engagement"
        )
    )
    for model, key in (
        (PixelfedLike, "account_id"),
        (PixelfedShare, "account_id"),
        (PixelfedComment, "comment_id"),
    ):
        places = sorted(model.objects.values_list("post__pixelfed_post_id", key, "ended_at"), key=str)
        tables[f"places of {model.__name__}"] = places
    return tables


class TestKilled:
    """A worker dies at any request or write; the next visit brings what an undisturbed one would have."""

    @pytest.fixture
    def world(self, clock):
        world = World.empty()
        ana = world.add_person("ana", at=NOON.timestamp() - 9e6)
        fans = world.add_people(5)
        posts = [
            world.add_post(ana, f"Photo {number}", at=NOON.timestamp() - 8e6 + number * 9000)
            for number in range(3)
        ]
        for fan in fans[:3]:
            world.like(posts[0], fan, at=NOON.timestamp() - 5000 + fans.index(fan))
        world.share(posts[0], fans[0], at=NOON.timestamp() - 4000)
        first = world.comment(posts[1], fans[1], "Lovely", at=NOON.timestamp() - 3000)
        world.comment(first, ana, "Thank you", at=NOON.timestamp() - 2000)
        return world

    def live_on(self, world) -> None:
        """Let something of every kind happen."""
        ana, fans = world.person("ana"), world.add_people(5)
        posts = list(ana.posts)
        at = NOON.timestamp() + 600
        world.unlike(posts[0], fans[0])
        world.like(posts[0], fans[3], at=at)
        world.like(posts[2], fans[4], at=at)
        world.share(posts[1], fans[2], at=at)
        world.unshare(posts[0], fans[0])
        world.comment(posts[0], fans[3], "Where is this?", at=at)
        world.delete_comment(posts[1].replies[0])
        world.delete_post(posts[2])
        world.add_post(ana, "New", at=at)

    def kill_everywhere(self, account, clock, kill, *, visits: int) -> int:
        """Kill the visit at its first step, its second and so on; return how many steps there were.

        `visits` is how many more are made each time before everything is compared.
        """
        undisturbed = None
        now = datetime.now(UTC)
        for number in range(-1, 999):
            clock.move_to(now)
            start = transaction.savepoint_create()
            if number >= 0:
                if not kill(number, lambda: visit_of(account)):
                    transaction.savepoint_rollback(start)
                    return number
                state = AccountState.objects.filter().first()
                if state is not None and state.lease_until_at is not None:
                    assert state.lease_until_at <= now + timedelta(minutes=15)
                    with pytest.raises(AccountBusy):
                        visit_of(account)
                    # Time does not pass here, so that moments can be compared.
                    AccountState.objects.update(lease_until_at=now)
            for _ in range(visits):
                stats = visit_of(account)
                assert stats["errors"] == 0
                clock.shift(HOUR)
            result = dump()
            undisturbed = undisturbed or result
            assert result == undisturbed, f"killed at step {number}"
            transaction.savepoint_rollback(start)
        raise AssertionError("a visit has no thousand steps")

    @pytest.fixture
    def at_request(self, monkeypatch):
        real = sending.http.fetch

        def kill(number, work, *, after=False) -> bool:
            seen = 0

            def fetch(*args, **kwargs):
                nonlocal seen
                seen += 1
                answer = real(*args, **kwargs) if after and seen == number + 1 else None
                if seen == number + 1:
                    raise Killed
                return answer or real(*args, **kwargs)

            with monkeypatch.context() as patched:
                patched.setattr(sending.http, "fetch", fetch)
                try:
                    work()
                except Killed:
                    return True
            return False

        return kill

    @staticmethod
    def at_write(number, work) -> bool:
        """Run `work` with a database that is gone from its write `number` on, for good.

        Dying at a read leaves behind what dying at the next write does.
        """
        seen = 0

        def execute(execute, sql, params, many, context):
            nonlocal seen
            # The database rolls back by itself what a dead worker left open.
            if sql.startswith(("SAVEPOINT", "ROLLBACK", "RELEASE")):
                return execute(sql, params, many, context)
            seen += sql.startswith(("INSERT", "UPDATE", "DELETE"))
            if seen > number:
                raise DatabaseError("the server is gone")
            return execute(sql, params, many, context)

        with connection.execute_wrapper(execute):
            try:
                work()
            except DatabaseError:
                # Nothing of it reached the database: the test's own transaction is sound.
                transaction.set_rollback(False)
                return True
        return False

    def test_the_first_visit_at_every_request(self, serve, world, clock, at_request) -> None:
        _, account = serve(world)
        assert self.kill_everywhere(account, clock, at_request, visits=1) == 9

    def test_the_first_visit_at_every_write(self, serve, world, clock) -> None:
        _, account = serve(world)
        assert self.kill_everywhere(account, clock, self.at_write, visits=1) > 12

    def test_an_active_visit_at_every_request(self, serve, world, clock, at_request) -> None:
        _, account = serve(world)
        visit_of(account)
        self.live_on(world)
        clock.shift(HOUR)
        assert self.kill_everywhere(account, clock, at_request, visits=2) == 7

    def test_an_active_visit_at_every_write(self, serve, world, clock) -> None:
        _, account = serve(world)
        visit_of(account)
        self.live_on(world)
        clock.shift(HOUR)
        assert self.kill_everywhere(account, clock, self.at_write, visits=2) > 12


def gaps(server) -> list[float]:
    at = sorted(request.at for request in server.requests)
    return [later - earlier for earlier, later in zip(at, at[1:], strict=False)]


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    INTERVAL = 0.05
    # Between a turn and the server's clock lie two system calls and a busy machine.
    TOLERANCE = 0.01
    PROGRAM = (
        "import sys, django; django.setup();"
        "from analytics_core.tasks import fetch_account;"
        "print(fetch_account.call('pixelfed', int(sys.argv[1])))"
    )

    @pytest.fixture
    def house(self, shared_database, serve):
        """A host with two accounts whose posts everybody likes."""
        world = World.empty()
        ana, bea = world.add_person("ana"), world.add_person("bea")
        world.add_posts(ana, 5, likes=7)
        world.add_posts(bea, 5, likes=7)
        server, first = serve(world)
        second = MastodonAccount.objects.create(
            user=first.user,
            instance_url=server.url,
            username="bea",
            software="pixelfed",
            access_token=server.token_for(bea),
        )
        return server, first, second

    def test_of_two_visits_to_one_account_one_is_made(self, house) -> None:
        server, account, _ = house
        server.faults.add("latency", "*/statuses*", seconds=0.2, times=1)
        results = at_once(lambda: visit_of(account), lambda: visit_of(account))
        assert sorted(type(result).__name__ for result in results) == ["AccountBusy", "dict"]
        assert PixelfedPost.objects.count() == 5
        assert PixelfedLike.objects.count() == 35
        state = AccountState.objects.get()
        assert (state.lease_until_at, state.failures_count) == (None, 0)

    def test_two_accounts_in_two_threads_keep_the_hosts_interval(self, house, settings) -> None:
        settings.FETCH_REQUEST_INTERVAL = self.INTERVAL
        server, first, second = house
        results = at_once(lambda: visit_of(first), lambda: visit_of(second))
        assert [result["errors"] for result in results] == [0, 0]
        assert PixelfedLike.objects.count() == 70
        assert len(server.requests) == sum(result["requests"] for result in results)
        assert min(gaps(server)) >= self.INTERVAL - self.TOLERANCE

    def test_two_accounts_in_two_processes_keep_the_hosts_interval(self, house, shared_database) -> None:
        server, first, second = house
        environment = {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "core.settings",
            "DATABASE_URL": shared_database,
            "SECRET_KEY": django_settings.SECRET_KEY,
            "DEBUG": "1",
            "FETCH_REQUEST_INTERVAL": str(self.INTERVAL),
            "LOG_LEVEL": "WARNING",
        }
        workers = [
            subprocess.Popen(
                [sys.executable, "-c", self.PROGRAM, str(account.pk)],
                cwd=Path(__file__).parents[2],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for account in (first, second)
        ]
        said = [worker.communicate(timeout=60)[0] for worker in workers]
        assert [worker.returncode for worker in workers] == [0, 0], said
        assert PixelfedLike.objects.count() == 70
        assert min(gaps(server)) >= self.INTERVAL - self.TOLERANCE

    def test_the_pause_that_one_account_is_asked_for_stops_the_others_at_once(self, house, settings) -> None:
        settings.FETCH_REQUEST_INTERVAL = self.INTERVAL
        server, first, second = house
        server.faults.add("rate_limit", "*", skip=5, times=1, retry_after="seconds", seconds=600)
        results = at_once(lambda: visit_of(first), lambda: visit_of(second))
        assert [result["errors"] for result in results] == [1, 1]
        # One more may have had its turn already.
        assert len(server.requests) <= 7
        assert visit_of(first)["requests"] == 0
        assert MastodonAccount.objects.active().count() == 2

    def test_two_pauses_at_once_leave_the_longer_one(self, shared_database) -> None:
        def block(host: str, seconds: int):
            return lambda: hosts.block(host, seconds=seconds, message="")

        for number in range(5):
            at_once(*[block(f"{number}.example", seconds) for seconds in (900, 60, 600, 30)])
        seconds = [
            (until_at - datetime.now(UTC)).total_seconds()
            for until_at in HostState.objects.values_list("blocked_until_at", flat=True)
        ]
        assert len(seconds) == 5
        assert min(seconds) > 800

    def test_two_processes_that_schedule_at_once_leave_one_task(self, shared_database) -> None:
        schedule = fetch_all_pixelfed_engagement
        made = at_once(*[lambda: hourly.ensure_scheduled(schedule)] * 4)
        assert sorted(made, key=str) == [False, False, False, True]
        assert default_task_backend.waiting(schedule).count() == 1


class TestHostileData:
    """What no honest server sends, through the whole engine: what makes sense is kept, the rest left out."""

    @pytest.fixture
    def house(self, serve, clock):
        world = World.empty(clock=lambda: NOON.timestamp())
        ana = world.add_person("ana", at=NOON.timestamp() - 9e6)
        fans = world.add_people(3)
        posts = [
            world.add_post(ana, f"Photo {number}", at=NOON.timestamp() - 8e6 + number) for number in range(3)
        ]
        for post in posts:
            for fan in fans:
                world.like(post, fan)
        for post in posts:
            world.comment(post, fans[0], "Honest")
        server, account = serve(world)
        client = PixelfedAnalyticsFetcher(account).client
        return server, account, [str(post.id) for post in posts], client

    def tell(self, server, path: str, value) -> None:
        server.faults.add("wrong_type", path, value=value)

    def test_odd_posts_beside_good_ones(self, house) -> None:
        server, account, ids, client = house
        good = client._make_request(f"/v1/accounts/{server.world.person('ana').id}/statuses?limit=40")
        odd = dict(good[0])
        long_url = "https://photos.example/" + "x" * 900
        self.tell(
            server,
            "*/accounts/*/statuses*",
            [
                odd | {"id": "900000000000000001", "content": "a\0b \U0001f600 \u202eright to left"},
                odd | {"id": "900000000000000002", "content": "<p>" + "long " * 20_000 + "</p>"},
                odd | {"id": "900000000000000003", "favourites_count": 2**63, "replies_count": -1},
                odd | {"id": "900000000000000004", "url": long_url, "uri": long_url},
                odd | {"id": "900000000000000005", "media_attachments": [{"url": long_url, "type": "image"}]},
                odd | {"id": "900000000000000006", "created_at": "0000-00-00T00:00:00Z"},
                odd | {"id": "../../etc"},
                odd | {"id": 10**200},
                odd | {"id": "900000000000000008", "media_attachments": "none"},
                odd
                | {
                    "id": "900000000000000007",
                    "sensitive": "perhaps",
                    "visibility": ["public"],
                    "account": 7,
                },
                None,
                [],
                7,
                *good,
                *good,
            ],
        )
        stats = visit_of(account)
        known = set(PixelfedPost.objects.values_list("pixelfed_post_id", flat=True))
        assert known == {*ids, *(f"90000000000000000{number}" for number in (1, 2, 3, 4, 7))}
        assert stats["posts_created"] == len(known)
        assert stats["skipped"] >= 5
        by_id = {post.pixelfed_post_id: post for post in PixelfedPost.objects.all()}
        assert by_id["900000000000000001"].caption == "ab \U0001f600 \u202eright to left"
        assert 49_900 < len(by_id["900000000000000002"].caption) <= 50_000
        assert by_id["900000000000000003"].likes_server_count is None
        assert by_id["900000000000000004"].post_url == ""
        assert PixelfedLike.objects.count() == 9

    def test_odd_people_beside_good_ones(self, house) -> None:
        server, account, ids, client = house
        good = client._make_request(f"/v1/statuses/{ids[0]}/favourited_by")
        self.tell(
            server,
            f"*/statuses/{ids[0]}/favourited_by*",
            [
                *good,
                *good,
                {"id": "1"},
                {"id": 2, "username": None, "acct": ["x"], "display_name": {"a": 1}},
                {
                    "id": "3",
                    "acct": "x\0y@" + "z" * 400,
                    "display_name": "\0" * 9 + " \u05e9\u05dc\u05d5\u05dd",
                },
                {"id": True},
                {"id": "4 or 1=1"},
                {},
                None,
                "fan",
            ],
        )
        visit_of(account)
        likes = {like.account_id: like for like in PixelfedLike.objects.filter(post__pixelfed_post_id=ids[0])}
        assert set(likes) == {*(item["id"] for item in good), "1", "2", "3"}
        assert (likes["1"].username, likes["2"].username) == ("1", "2")
        assert likes["3"].username == ("xy@" + "z" * 400)[:255]
        assert likes["3"].display_name == "\u05e9\u05dc\u05d5\u05dd"
        assert PixelfedLike.objects.exclude(post__pixelfed_post_id=ids[0]).count() == 6
        # A list with odd items in it ends nobody.
        server.faults.clear()
        self.tell(server, f"*/statuses/{ids[0]}/favourited_by*", [None])
        for _ in range(3):
            PixelfedPost.objects.update(likes_read_count=None)
            visit_of(account)
        assert not PixelfedLike.objects.exclude(ended_at=None, missed_at=None).exists()

    def test_odd_comments_beside_good_ones(self, house) -> None:
        server, account, ids, client = house
        good = client._make_request(f"/v1/statuses/{ids[0]}/context")["descendants"][0]
        writer = {"id": "5", "username": ""}
        everywhere = good | {"id": "777", "in_reply_to_id": "of nobody we know", "account": writer}
        for post_id in ids[:2]:
            self.tell(
                server,
                f"*/statuses/{post_id}/context",
                {
                    "ancestors": None,
                    "descendants": [
                        everywhere | {"content": f"Under {post_id}"},
                        everywhere,
                        good | {"id": "778", "content": "x" * 100_000, "in_reply_to_id": "779"},
                        good
                        | {"id": "779", "content": None, "in_reply_to_id": "778", "replies_count": "many"},
                        good | {"id": post_id, "content": "The post itself"},
                        good | {"id": "780", "created_at": None},
                        good | {"id": "781", "account": None},
                        good | {"id": None},
                        "comment",
                    ],
                },
            )
        PixelfedAnalyticsFetcher(account).sync_account_posts()
        PixelfedPost.objects.update(comments_read_count=None)
        visit_of(account)
        for post_id in ids[:2]:
            found = PixelfedComment.objects.filter(post__pixelfed_post_id=post_id)
            assert set(found.exclude(content="Honest").values_list("comment_id", flat=True)) == {
                "777",
                "778",
                "779",
            }
            assert found.get(comment_id="777").content == f"Under {post_id}"
            assert found.get(comment_id="777").username == "5"
        assert PixelfedLike.objects.count() == 9


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
