"""The promise: what the database holds is what happened out there, through faults and changes of mind.

People live on in a sandbox whose every deed is written down here too. A visit is made each hour. After every
visit each row is compared with that record, and at the end of some quiet days everything has to be equal.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
import time_machine
from django.db.models import Count

from analytics_core import platforms
from analytics_core.engine import recount
from analytics_core.models import TOTALS, HostState, Precision
from analytics_pixelfed.models import PixelfedComment, PixelfedLike, PixelfedPost, PixelfedShare
from analytics_pixelfed.services import PixelfedAnalyticsFetcher
from pixelfed.models import MastodonAccount
from pixelfed.sandbox import SandboxServer, World, demo_world
from pixelfed.sandbox.entities import Person, Status

pytestmark = pytest.mark.django_db

MORNING = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
# A notification fits a window that it misses by so much: docs/architecture.md, "Times".
SKEW = timedelta(minutes=5)
PEOPLE = {"likes": PixelfedLike, "shares": PixelfedShare}

FAULTS = (
    ("status", "*/favourited_by*", {"status": 500}),
    ("status", "*", {"status": 502, "html": "nginx", "times": 9}),
    ("status", "*/reblogged_by*", {"status": 403}),
    ("status", "*/favourited_by*", {"status": 404, "times": 2}),
    ("status", "*cursor=*", {"status": 500}),
    ("rate_limit", "*", {"retry_after": "seconds", "seconds": 1800, "times": 1}),
    ("rate_limit", "*/context", {"times": 1}),
    ("rate_limit", "*/notifications*", {"reset": "epoch", "seconds": 7200, "times": 1}),
    ("cut", "*/favourited_by*", {"times": 2}),
    ("cut", "*/accounts/*/statuses*", {"times": 5}),
    ("html", "*/favourited_by*", {}),
    ("html", "*/statuses/*", {"times": 2}),
    ("broken_json", "*/context", {}),
    ("broken_json", "*/notifications*", {}),
    ("empty", "*/reblogged_by*", {"times": 3}),
    ("wrong_type", "*/favourited_by*", {}),
    ("wrong_type", "*/accounts/*/statuses*", {"value": {"data": []}}),
    ("drop", "*", {"times": 2}),
    ("hang", "*/context", {"times": 1}),
    ("link", "*/favourited_by*", {"value": '</api/v1/x?cursor=dead>; rel="prev"'}),
    ("link", "*/favourited_by*", {"value": "elsewhere", "times": 1, "skip": 1}),
    ("dead_token", "*/favourited_by*", {"times": 1}),
    ("dead_token", "*/notifications*", {"form": "302", "times": 1}),
    ("dead_token", "*", {"form": "401"}),
)


@dataclass
class Life:
    """A small instance whose people do as they please, and the record of what they did.

    `times` holds for each kind, post and person the (begin, end) of everything they gave; end is None while
    it stands. A comment's record is the sandbox's own `Status`.
    """

    rng: Random
    clock: time_machine.Traveller
    world: World = field(default_factory=World.empty)
    times: dict[tuple[str, str, str], list[list[datetime | None]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    gone: dict[int, datetime] = field(default_factory=dict)
    away: dict[str, list[list[datetime | None]]] = field(default_factory=lambda: defaultdict(list))

    def begin(self, *, posts: int, fans: int, hits: int) -> None:
        """Let a year of posts be there, and a post that many like."""
        now = datetime.now(UTC)
        self.ana = self.world.add_person("ana", at=(now - timedelta(days=900)).timestamp())
        self.fans = self.world.add_people(fans)
        for number in range(posts):
            self.clock.move_to(now - timedelta(hours=8 * (posts - number)))
            self.world.add_post(self.ana, f"Photo {number} #photo")
        self.posts = list(self.ana.posts)
        self.clock.move_to(now - timedelta(hours=4))
        for post in self.posts[::9]:
            for fan in self.fans[:hits] if post is self.posts[0] else self.rng.sample(self.fans, 5):
                self.give("likes", post, fan)
        self.clock.move_to(now)

    # What people do

    def give(self, kind: str, post: Status, fan: Person) -> None:
        done = self.world.like(post, fan) if kind == "likes" else self.world.share(post, fan)
        if done is not None:
            self.times[kind, str(post.id), str(fan.id)].append([datetime.now(UTC), None])

    def take_back(self, kind: str, post: Status, fan: Person) -> None:
        if fan.id in (post.like_of if kind == "likes" else post.share_of):
            (self.world.unlike if kind == "likes" else self.world.unshare)(post, fan)
            span = self.times[kind, str(post.id), str(fan.id)][-1]
            # What an account took along that was removed earlier is over already.
            span[1] = span[1] or datetime.now(UTC)

    def remove(self, fan: Person, *, keep_rows: bool) -> None:
        now = datetime.now(UTC)
        self.fans.remove(fan)
        self.world.remove(fan, keep_rows=keep_rows)
        for (_, _, person), spans in self.times.items():
            if person == str(fan.id) and spans[-1][1] is None:
                spans[-1][1] = now
        for comment in self.world.statuses.values():
            if comment.author is fan:
                self.gone.setdefault(comment.id, now)

    def delete_comment(self, comment: Status) -> None:
        self.world.delete_comment(comment)
        self.gone.setdefault(comment.id, datetime.now(UTC))

    def act(self) -> None:
        """Let one thing happen."""
        rng, world = self.rng, self.world
        shown = [post for post in self.posts if not post.deleted and not post.archived]
        post = rng.choice(shown[-6:] + shown[:3] if rng.random() < 0.8 else shown)
        fan, kind = rng.choice(self.fans), rng.choice(("likes", "likes", "likes", "shares"))
        dice = rng.random()
        if dice < 0.40:
            self.give(kind, post, fan)
        elif dice < 0.55:
            givers = post.like_of if kind == "likes" else post.share_of
            if givers:
                self.take_back(kind, post, world.people[rng.choice(sorted(givers))])
        elif dice < 0.60:
            self.take_back(kind, post, fan)
            self.give(kind, post, fan)
        elif dice < 0.72:
            talk = self.seen_comments(post)
            parent = rng.choice(talk) if talk and rng.random() < 0.5 else post
            if len(parent.replies) < 15:
                world.comment(
                    parent, self.ana if parent.author is not self.ana else fan, "Lovely light \u2728"
                )
        elif dice < 0.78:
            if talk := self.seen_comments(post):
                self.delete_comment(rng.choice(talk))
        elif dice < 0.83:
            self.posts.append(world.add_post(self.ana, "A new one"))
        elif dice < 0.86:
            away = rng.choice(shown)
            world.delete_post(away)
            self.away[str(away.id)].append([datetime.now(UTC), None])
        elif dice < 0.90:
            away = rng.choice(shown)
            world.archive_post(away)
            self.away[str(away.id)].append([datetime.now(UTC), None])
        elif dice < 0.94:
            if back := [post for post in self.posts if post.archived and not post.deleted]:
                post = rng.choice(back)
                world.unarchive_post(post)
                self.away[str(post.id)][-1][1] = datetime.now(UTC)
        elif dice < 0.97:
            world.edit_caption(post, f"Edited {rng.random()}")
        elif len(self.fans) > 12:
            self.remove(rng.choice(self.fans[8:]), keep_rows=rng.random() < 0.5)

    # What is true

    def seen_comments(self, parent: Status) -> list[Status]:
        """All comments below a status that the instance shows, answers included."""
        found = []
        for reply in parent.replies:
            if not reply.deleted and not reply.author.removed:
                found += [reply, *self.seen_comments(reply)]
        return found

    def stood(self, kind: str, post_id: str, person_id: str, at: datetime) -> bool:
        """Whether the like or share was there at a moment."""
        return any(
            begin <= at and (end is None or end > at) for begin, end in self.times[kind, post_id, person_id]
        )


def second(moment: datetime) -> datetime:
    """The instance tells whole seconds."""
    return moment.replace(microsecond=0)


class Witness:
    """Compares the database with a life."""

    def __init__(self, life: Life, account: MastodonAccount) -> None:
        self.life = life
        self.account = account
        self.first_looks: dict[tuple[str, str], datetime] = {}
        self.ends: dict[tuple[str, int], datetime] = {}

    def look(self) -> None:
        """Assert that not one row is wrong at this moment, and no total of them."""
        now = datetime.now(UTC)
        assert recount.difference(platforms.get("pixelfed"), self.account.pk) == ""
        posts = {post.pk: post for post in PixelfedPost.objects.select_related("engagement_summary")}
        counts = {}
        for kind, model in (*PEOPLE.items(), ("comments", PixelfedComment)):
            rows = model.objects.current().values("post").annotate(count=Count("pk")).order_by()
            counts[kind] = {row["post"]: row["count"] for row in rows}
        for post in posts.values():
            summary = post.engagement_summary
            totals = (summary.total_likes, summary.total_comments, summary.total_shares)
            counted = tuple(counts[kind].get(post.pk, 0) for kind in ("likes", "comments", "shares"))
            assert totals == counted, f"the summary of {post}"
            assert summary.total_engagement == sum(counted)
            assert [getattr(post, name) for name in TOTALS] == [*counted, sum(counted)], f"the copy at {post}"
            if post.missing_since_at is not None:
                away = self.life.away[post.pixelfed_post_id]
                assert any(
                    gone <= post.missing_since_at and (back is None or back >= post.missing_since_at)
                    for gone, back in away
                ), f"{post} was there"
            for kind in PEOPLE:
                if read_at := getattr(post, f"{kind}_read_at"):
                    self.first_looks.setdefault((kind, post.pixelfed_post_id), read_at)
        for kind, model in PEOPLE.items():
            for row in model.objects.all():
                self._judge(kind, row, posts[row.post_id].pixelfed_post_id, now)
        for comment in PixelfedComment.objects.all():
            status = self.life.world.statuses[int(comment.comment_id)]
            assert comment.commented_at == second(datetime.fromtimestamp(status.created_at, UTC))
            assert comment.content == status.text
            if comment.ended_at is not None:
                assert status not in self.life.seen_comments(
                    self.life.world.statuses[int(posts[comment.post_id].pixelfed_post_id)]
                ), "a comment that stands was ended"

    def _judge(self, kind: str, row: PixelfedLike | PixelfedShare, post_id: str, now: datetime) -> None:
        life, who = self.life, (kind, post_id, row.account_id)
        what = f"{kind} of {post_id} by {row.username}: {row.precision} {row.happened_at}, {life.times[who]}"
        if row.ended_at is not None:
            self.ends[kind, row.pk] = row.ended_at
            assert not life.stood(*who, row.ended_at), f"ended while it stood: {what}"
            return
        begins = [begin for begin, _ in life.times[who]]
        assert begins, f"never happened: {what}"
        assert row.happened_at <= now, f"in the future: {what}"
        if row.precision == Precision.EXACT:
            assert row.happened_at in map(second, begins), f"not the true time: {what}"
            # Of two likes of one person the later is meant.
            assert row.happened_at >= self.ends.get((kind, row.pk), row.happened_at) - SKEW, what
        elif row.precision == Precision.WINDOW:
            assert any(row.not_before_at <= begin <= row.happened_at for begin in begins), what
        else:
            assert (kind, row.pk) not in self.ends, f"it came back between two readings: {what}"
            first_look = self.first_looks.get((kind, post_id))
            assert first_look is None or any(begin <= first_look for begin in begins), what

    def compare(self) -> None:
        """Assert that the database equals the instance's own record."""
        life = self.life
        posts = {post.pixelfed_post_id: post for post in PixelfedPost.objects.all()}
        assert set(posts) >= {str(post.id) for post in life.posts if not post.deleted and not post.archived}
        assert len(posts) == PixelfedPost.objects.count()
        for status in life.posts:
            post = posts.get(str(status.id))
            if post is None:
                continue
            is_away = status.deleted or status.archived
            assert (post.missing_since_at is not None) == is_away, post
            if is_away:
                continue
            assert post.caption == status.text
            assert post.likes_server_count == status.likes_count
            assert post.shares_server_count == status.shares_count
            assert post.comments_server_count == status.replies_count
            for kind, true in (("likes", status.like_of), ("shares", status.share_of)):
                known = set(getattr(post, kind).current().values_list("account_id", flat=True))
                there = {str(key) for key in true if not life.world.people[key].removed}
                assert known == there, f"{kind} of {post}"
            # An answer below a comment that was deleted is still there, though no list leads to it.
            known = set(post.comments.current().values_list("comment_id", flat=True))
            shown = {str(comment.id) for comment in life.seen_comments(status)}
            assert known >= shown, f"comments of {post}"
            for extra in known - shown:
                comment = life.world.statuses[int(extra)]
                is_gone = comment.deleted or comment.author.removed
                assert not is_gone, f"a ghost under {post}"


@pytest.fixture
def clock():
    with time_machine.travel(MORNING, tick=False) as traveller:
        yield traveller


def visit(account: MastodonAccount) -> dict:
    return PixelfedAnalyticsFetcher(MastodonAccount.objects.get(pk=account.pk)).run()


def audit(account: MastodonAccount) -> dict:
    return PixelfedAnalyticsFetcher(MastodonAccount.objects.get(pk=account.pk)).audit()


def disturb(server: SandboxServer, life: Life, settings) -> None:
    """Let something go wrong in the visit to come."""
    kind, path, options = life.rng.choice(FAULTS)
    if kind == "hang":
        settings.FETCH_TIMEOUT = 0.1
    server.faults.add(kind, path, **options)


@pytest.mark.parametrize("seed", range(2))
def test_through_faults_and_changes_of_mind_no_row_is_wrong_and_in_the_end_all_are_right(
    serve, clock, settings, seed
) -> None:
    life = Life(Random(seed), clock)
    life.begin(posts=44, fans=100 if seed % 2 else 30, hits=95 if seed % 2 else 20)
    server, account = serve(life.world)
    witness = Witness(life, account)
    for hour in range(30):
        at = MORNING + hour * HOUR
        for moment in sorted(life.rng.uniform(0, 3599) for _ in range(life.rng.randint(0, 12))):
            clock.move_to(at - HOUR + timedelta(seconds=moment))
            life.act()
        clock.move_to(at)
        settings.FETCH_TIMEOUT = 30
        server.faults.clear()
        if life.rng.random() < 0.5:
            disturb(server, life, settings)
        if life.rng.random() < 0.15:
            life.world.cool_cache(life.ana)
        visit(account)
        # As its owner would have done.
        MastodonAccount.objects.update(state="active", state_reason="")
        witness.look()
    server.faults.clear()
    settings.FETCH_TIMEOUT = 30
    clock.shift(2 * HOUR)
    # What moves no counter is found by the daily audits, which read every list within a week.
    for _ in range(8):
        for _ in range(3):
            assert visit(account)["errors"] == 0
            clock.shift(HOUR)
        assert audit(account)["errors"] == 0
        clock.shift(21 * HOUR)
    assert visit(account)["errors"] == 0
    witness.look()
    witness.compare()
    assert not HostState.objects.filter(blocked_until_at__gt=datetime.now(UTC)).exists()


class TestTheLivingAccount:
    """Two days of the demo's photographer, who has as much engagement as anybody will see in practice."""

    HOURS = 48

    def test_nearly_all_new_likes_get_their_exact_times_and_none_a_wrong_one(self, serve, clock) -> None:
        world = demo_world(seed=3, clock=lambda: datetime.now(UTC).timestamp())
        given: dict[tuple[str, str], set[datetime]] = defaultdict(set)
        real_like = world.like

        def like(post, person, at=None, **options):
            given[str(post.id), str(person.id)].add(second(datetime.fromtimestamp(at, UTC)))
            return real_like(post, person, at, **options)

        world.like = like
        for post in world.photographer.posts:
            for person_id, row in post.like_of.items():
                given[str(post.id), str(person_id)].add(second(datetime.fromtimestamp(row.at, UTC)))
        _, account = serve(world, world.username)
        began_at = datetime.now(UTC)
        visit(account)
        for _ in range(self.HOURS):
            clock.shift(HOUR)
            assert visit(account)["errors"] == 0
        fresh = exact = 0
        for row in PixelfedLike.objects.select_related("post"):
            true = given[row.post.pixelfed_post_id, row.account_id]
            if row.precision == Precision.EXACT:
                assert row.liked_at in true
                fresh, exact = fresh + (row.liked_at > began_at), exact + (row.liked_at > began_at)
            elif row.precision == Precision.WINDOW:
                assert any(second(row.not_before_at) <= at <= row.liked_at for at in true)
                fresh += 1
            else:
                assert min(true) <= began_at
        assert fresh > 50, (fresh, exact)
        assert exact >= 0.95 * fresh, (fresh, exact)
        newest = world.photographer.posts[-35:]
        for post in PixelfedPost.objects.filter(pixelfed_post_id__in=[str(status.id) for status in newest]):
            there = {str(key) for key in world.statuses[int(post.pixelfed_post_id)].like_of}
            known = set(post.likes.current().values_list("account_id", flat=True))
            # Whoever has just left is noticed at once and believed at the next visit.
            assert known >= there
            assert known - there <= set(
                post.likes.exclude(missed_at=None).values_list("account_id", flat=True)
            )
