"""A worker dies at any request or write: the next visit brings what an undisturbed one would have."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from analytics_core.fetcher import AccountBusy
from analytics_core.models import KINDS, AccountState, Notice
from analytics_pixelfed import sending
from analytics_pixelfed.models import PixelfedComment, PixelfedLike, PixelfedPost, PixelfedShare
from analytics_pixelfed.tests.visiting import HOUR, NOON, visit_of
from pixelfed.sandbox import World

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """What a worker dies of."""


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
