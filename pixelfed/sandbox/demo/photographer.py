"""A believable photographer's account: a pure function of seed and clock that lives on while it is served.

Every day's posts, and for each post its whole future of likes, shares and comments, come from random
numbers seeded with the seed and the day. What happened until now is there; the rest waits for its time. A
restart with the same seed therefore finds the same ids, the same tokens and the same pictures.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from pixelfed.sandbox import tokens
from pixelfed.sandbox.demo.audience import Audience, Fan
from pixelfed.sandbox.demo.vocabulary import (
    ANSWERS,
    ANSWERS_TO,
    COMMENTS,
    COMMON_TAGS,
    KINDS,
    LAST_WORDS,
    LIGHT_WORDS,
    SECOND_LINES,
)
from pixelfed.sandbox.entities import Media, Person, Status
from pixelfed.sandbox.pictures import Scene
from pixelfed.sandbox.population import Population
from pixelfed.sandbox.world import World

FIRST_DAY = datetime(2024, 11, 9, tzinfo=UTC)
DAY = 86400.0
HOUR = 3600.0
SHAPES = ((1440, 960), (1350, 900), (1080, 1350), (1080, 1080), (1440, 810), (960, 1440))
SHAPE_WEIGHTS = (30, 18, 24, 12, 10, 6)


@dataclass(frozen=True)
class Author:
    """Somebody who posts; `posts_a_day` and `likes_now` are averages, likes grow towards the latter."""

    username: str
    display_name: str
    note: str
    posts_a_day: float
    likes_at_first: float
    likes_now: float
    special: bool = False


MARTA = Author(
    "marta",
    "Marta Lindqvist",
    "Landscapes and cities between Gothenburg and the far north. Slow mornings, long exposures.",
    posts_a_day=0.22,
    likes_at_first=34,
    likes_now=235,
    special=True,
)
PELLE = Author(
    "pelle_gran",
    "Pelle Gran",
    "Walks with a small camera.",
    posts_a_day=0.035,
    likes_at_first=5,
    likes_now=14,
)

type Event = tuple[float, int, Callable[[World], object]]


@dataclass
class _Post:
    """A post that is planned or there: `status` is None until its time has come."""

    author: Author
    at: float
    number: int
    rng: Random
    status: Status | None = None
    comments: dict[int, Status] = field(default_factory=dict)


class DemoWorld(World):
    """The photographer's instance. `photographer` is her account.

    `username` and `password` sign in on the instance's own page; `access_token` (scope `read`) is good at
    once. All of them depend on the seed alone.
    """

    def __init__(self, seed: int = 1, clock: Callable[[], float] = time.time) -> None:
        """Build everything that happened until now; takes about a second for two years."""
        super().__init__(clock=clock, secret=f"sandbox {seed}")
        self.title = "Fotoklubben"
        self.restores_apps = True
        self.seed = seed
        self.audience = Audience(seed, FIRST_DAY.timestamp())
        self._due: list[Event] = []
        self._events = 0
        self._next_day = 0
        self._post_numbers: dict[str, int] = {}
        self._last_post_day: dict[str, int] = {}
        self.feed = self
        start = FIRST_DAY.timestamp() - 30 * DAY
        for author in (MARTA, PELLE):
            self._add_author(author, start)
        self.photographer: Person = self.person(MARTA.username)
        self.username, self.password = MARTA.username, self.photographer.password
        for fan in self.audience.fans:
            self._plan(fan.joins_at, self._joining(fan))
        self.catch_up()

    @property
    def access_token(self) -> str:
        """Return the photographer's own token with the scope `read`."""
        return self.token_for(self.photographer)

    def apply_until(self, world: Population, now: float) -> None:
        """Plan the days that have begun and let happen what is due."""
        today = int((now - FIRST_DAY.timestamp()) // DAY)
        while self._next_day <= today:
            for author in (MARTA, PELLE):
                self._plan_day(author, self._next_day)
            self._next_day += 1
        while self._due and self._due[0][0] <= now:
            heapq.heappop(self._due)[2](self)

    # People

    def _add_author(self, author: Author, at: float) -> None:
        password = tokens.serial(self.secret, "password", author.username)[:10]
        self.add_person(
            author.username,
            display_name=author.display_name,
            note=author.note,
            at=at,
            avatar_path=f"/storage/avatars/{author.username}.jpg",
            password=password,
        )

    def _joining(self, fan: Fan) -> Callable[[World], object]:
        def join(world: World) -> None:
            person = self.add_person(
                fan.username,
                display_name=fan.display_name,
                note=fan.note,
                at=fan.joins_at,
                avatar_path=f"/storage/avatars/{fan.username}.jpg",
            )
            fan.person = person
            if fan.follows_at is not None:
                self._plan(
                    fan.follows_at, lambda world: self.follow(person, self.photographer, at=fan.follows_at)
                )

        return join

    # Posts

    def _plan_day(self, author: Author, day: int) -> None:
        rng = Random(f"{self.seed} {author.username} {day}")
        # The longer the pause, the likelier the next post: people post in a rhythm, not by dice.
        pause = day - self._last_post_day.get(author.username, -1000)
        if rng.random() >= 0.75 * (pause * author.posts_a_day) ** 2.4:
            return
        self._last_post_day[author.username] = day
        number = self._post_numbers[author.username] = self._post_numbers.get(author.username, 0) + 1
        hour = rng.choice((6.2, 7.5, 12.3, 17.2, 18.6, 20.1)) + rng.gauss(0, 0.6)
        at = float(int(FIRST_DAY.timestamp() + day * DAY + hour * HOUR))
        post = _Post(author, at, number, rng)
        self._plan(at, lambda world: self._publish(post))
        self._plan_engagement(post, day)

    def _publish(self, post: _Post) -> None:
        rng = Random(f"{self.seed} {post.author.username} post {post.number}")
        month = datetime.fromtimestamp(post.at, UTC).month
        fitting = [kind for kind, (_, months, *_rest) in KINDS.items() if month in months]
        # The same view twice in a row would look like a mistake.
        recent = {media.scene.kind for earlier in self._latest(post) for media in earlier.media[:1]}
        kind = rng.choice([kind for kind in fitting if kind not in recent] or fitting)
        palette = rng.choice(KINDS[kind][0])
        special = post.author.special
        is_video = special and post.number in (37, 121)
        album = 1 if is_video or rng.random() > 0.2 else rng.randint(2, 6)
        media = [self._media(post, rng, kind, palette, place, video=is_video) for place in range(album)]
        visibility, sensitive = "public", special and post.number == 58
        if special:
            visibility = {44: "unlisted", 83: "private"}.get(post.number, "public")
        post.status = self.add_post(
            self.person(post.author.username),
            self._caption(post, rng, kind, sensitive=sensitive),
            at=post.at,
            media=media,
            visibility=visibility,
            sensitive=sensitive,
            spoiler_text="Dead bird" if sensitive else "",
        )
        if rng.random() < 0.03:
            text = post.status.text + "\n(Edited: typo.)"
            self._plan(post.at + 1800, lambda world: self._edit(post, text))

    def _edit(self, post: _Post, text: str) -> None:
        if post.status is not None:
            self.edit_caption(post.status, text, at=post.at + 1800)

    def _latest(self, post: _Post) -> list[Status]:
        return self.person(post.author.username).posts[-8:]

    def _media(self, post: _Post, rng: Random, kind: str, palette: str, place: int, *, video: bool) -> Media:
        width, height = rng.choices(SHAPES, SHAPE_WEIGHTS)[0]
        mono = rng.random() < (0.55 if palette in ("overcast", "mist", "storm") else 0.04)
        described = rng.random() < 0.62
        words = f"{KINDS[kind][4]}, {LIGHT_WORDS[palette]}" + (", in black and white." if mono else ".")
        media = self.make_media(
            self.person(post.author.username),
            kind="video" if video else "image",
            description=words if described else None,
            scene=Scene(kind, palette, f"{self.seed} {post.author.username} {post.number} {place}", mono),
        )
        if not video:
            media.width, media.height = width, height
        return media

    @staticmethod
    def _caption(post: _Post, rng: Random, kind: str, *, sensitive: bool) -> str:
        _, _, captions, tags, _ = KINDS[kind]
        lines = [rng.choice(captions)]
        if sensitive:
            lines.append("Found this on the way back, be warned.")
        second = rng.choice(SECOND_LINES).format(friend=PELLE.username)
        if second:
            lines.append(second)
        if rng.random() < 0.05:
            return lines[0]
        chosen = rng.sample(tags, rng.randint(1, len(tags))) + rng.sample(COMMON_TAGS, rng.randint(0, 2))
        separator = "\n\n" if rng.random() < 0.6 else "\n"
        return "\n".join(lines) + separator + " ".join(f"#{tag}" for tag in chosen)

    # Engagement

    def _plan_engagement(self, post: _Post, day: int) -> None:
        rng, author = post.rng, post.author
        growth = min(1.25, day / 730)
        average = author.likes_at_first + (author.likes_now - author.likes_at_first) * growth**1.2
        likes = min(290.0, average * rng.lognormvariate(-0.06, 0.36))
        if author.special and post.number in (31, 96, 149):
            likes = rng.randint(310, 560)
        if author.special and post.number in (44, 83):
            likes *= 0.3
        followers_only = author.special and post.number == 83
        likers = self.audience.pick(rng, round(likes), post.at, followers_only=followers_only)
        for fan in likers:
            at = fan.comes_at(rng, post.at)
            self._plan(at, self._liking(post, fan, at))
            if rng.random() < 0.012:
                back = at + rng.expovariate(1 / (6 * HOUR)) + 20
                self._plan(back, self._unliking(post, fan))
        for fan in self.audience.pick(rng, round(likes * rng.uniform(0.01, 0.06)), post.at):
            at = fan.comes_at(rng, post.at)
            self._plan(at, self._sharing(post, fan, at))
        count = round(likes * rng.uniform(0.03, 0.12))
        talkers = self.audience.pick(rng, count, post.at, followers_only=followers_only, sociable=True)
        said: set[str] = set()
        for number, fan in enumerate(talkers):
            text = rng.choice([words for words in COMMENTS[fan.language] if words not in said] or ["\u2728"])
            said.add(text)
            self._plan_comment(post, number, fan, text)

    def _plan_comment(self, post: _Post, number: int, fan: Fan, text: str) -> None:
        rng, author = post.rng, post.author
        at = fan.comes_at(rng, post.at)
        key = number * 10
        self._plan(at, self._commenting(post, key, None, fan.username, text, at))
        waking = at + rng.expovariate(1 / (4 * HOUR)) + 300
        if rng.random() < 0.66:
            self._plan(waking, self._liking_comment(post, key, author.username, waking))
        if rng.random() < 0.6:
            reply = f"@{fan.username} {ANSWERS_TO.get(text) or rng.choice(ANSWERS)}"
            self._plan(waking + 40, self._commenting(post, key + 1, key, author.username, reply, waking + 40))
            if rng.random() < 0.16:
                last = waking + rng.expovariate(1 / (3 * HOUR)) + 120
                words = f"@{author.username} {rng.choice(LAST_WORDS)}"
                self._plan(last, self._commenting(post, key + 2, key + 1, fan.username, words, last))
        if rng.random() < 0.01:
            self._plan(at + 900, self._deleting_comment(post, key))

    def _plan(self, at: float, action: Callable[[World], object]) -> None:
        self._events += 1
        heapq.heappush(self._due, (at, self._events, action))

    def _liking(self, post: _Post, fan: Fan, at: float) -> Callable[[World], object]:
        def act(world: World) -> None:
            if post.status is not None and fan.person is not None:
                self.like(post.status, fan.person, at=at)

        return act

    def _unliking(self, post: _Post, fan: Fan) -> Callable[[World], object]:
        def act(world: World) -> None:
            if post.status is not None and fan.person is not None:
                self.unlike(post.status, fan.person)

        return act

    def _sharing(self, post: _Post, fan: Fan, at: float) -> Callable[[World], object]:
        def act(world: World) -> None:
            if post.status is not None and fan.person is not None and post.status.visibility == "public":
                self.share(post.status, fan.person, at=at)

        return act

    def _commenting(
        self, post: _Post, key: int, parent_key: int | None, name: str, text: str, at: float
    ) -> Callable[[World], object]:
        def act(world: World) -> None:
            parent = post.status if parent_key is None else post.comments.get(parent_key)
            person = self.people_by_name.get(name)
            if parent is not None and person is not None and not parent.deleted:
                post.comments[key] = self.comment(parent, person, text, at=at)

        return act

    def _liking_comment(self, post: _Post, key: int, name: str, at: float) -> Callable[[World], object]:
        def act(world: World) -> None:
            if comment := post.comments.get(key):
                self.like(comment, self.person(name), at=at)

        return act

    def _deleting_comment(self, post: _Post, key: int) -> Callable[[World], object]:
        def act(world: World) -> None:
            comment = post.comments.get(key)
            if comment is not None and not comment.replies:
                self.delete_comment(comment)

        return act


def demo_world(seed: int = 1, clock: Callable[[], float] = time.time) -> DemoWorld:
    """Return the believable photographer's world for a seed; see `DemoWorld`."""
    return DemoWorld(seed, clock)
