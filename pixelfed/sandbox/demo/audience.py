"""The fans of the believable photographer: who they are, when they come, how often they like something."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from random import Random

from pixelfed.sandbox.demo.vocabulary import FIRST_NAMES, LAST_NAMES, NAME_TAILS, NOTES
from pixelfed.sandbox.entities import Person

FANS = 640
DAY = 86400.0
HOUR = 3600.0
LANGUAGE_WEIGHTS = {
    "en": 46,
    "sv": 22,
    "de": 11,
    "fr": 6,
    "es": 4,
    "it": 3,
    "nl": 3,
    "pt": 2,
    "pl": 2,
    "ja": 2,
}
SLEEP_FROM, SLEEP_UNTIL = 0.5, 6.5


@dataclass(eq=False)
class Fan:
    """One fan; times are seconds since 1970. `eager` weighs how likely they like a post."""

    username: str
    display_name: str
    note: str
    language: str
    joins_at: float
    follows_at: float | None
    eager: float
    sociable: float
    patience_hours: float
    hours_from_utc: float
    person: Person | None = None

    def comes_at(self, rng: Random, posted_at: float) -> float:
        """Return when this fan meets a post: mostly within two days, seldom at night, a few much later."""
        start = max(posted_at + 40, self.joins_at + 60)
        luck = rng.random()
        if luck < 0.64:
            delay = rng.expovariate(1 / (self.patience_hours * HOUR))
        elif luck < 0.8:
            delay = 2 * DAY + rng.expovariate(1 / (9 * DAY))
        else:
            delay = 12 * DAY + rng.expovariate(1 / (170 * DAY))
        at = start + delay
        local = (at / HOUR + self.hours_from_utc) % 24
        if SLEEP_FROM < local < SLEEP_UNTIL and rng.random() < 0.88:
            at += (SLEEP_UNTIL - local + rng.expovariate(0.8)) * HOUR
        return float(int(at))


class Audience:
    """All fans there will ever be, the same for the same seed; they join over the years."""

    def __init__(self, seed: int, start: float) -> None:
        """Make the fans of a seed; `start` is the photographer's first day."""
        rng = Random(f"audience {seed}")
        languages = list(LANGUAGE_WEIGHTS)
        taken: set[str] = set()
        self.fans: list[Fan] = []
        for number in range(FANS):
            first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
            name = _username(rng, first, last)
            while name in taken:
                name += str(rng.randint(2, 99))
            taken.add(name)
            joined = start + (-20 * DAY if number < 150 else rng.random() ** 0.8 * 760 * DAY)
            habit = rng.random()
            eager = 1.0 if habit < 0.09 else rng.uniform(0.12, 0.4) if habit < 0.5 else rng.uniform(0.02, 0.1)
            follows = joined + rng.expovariate(1 / (5 * DAY)) + HOUR if rng.random() < 0.35 + eager else None
            language = rng.choices(languages, list(LANGUAGE_WEIGHTS.values()))[0]
            zone = {"ja": 9.0, "pt": rng.choice((-3.0, 0.0)), "es": rng.choice((1.0, -5.0))}.get(
                language, 1.0
            )
            if language == "en":
                zone = rng.choice((0.0, -5.0, -8.0, 1.0, 1.0, 10.0))
            self.fans.append(
                Fan(
                    username=name,
                    display_name=f"{first} {last}" if rng.random() < 0.75 else first,
                    note=rng.choice(NOTES),
                    language=language,
                    joins_at=float(int(joined)),
                    follows_at=None if follows is None else float(int(follows)),
                    eager=eager,
                    sociable=rng.choice((0.05, 0.2, 0.2, 1.0)) * (0.3 + eager),
                    patience_hours=rng.choice((2.0, 6.0, 10.0, 18.0)),
                    hours_from_utc=zone,
                )
            )

    def pick(
        self,
        rng: Random,
        count: int,
        posted_at: float,
        *,
        followers_only: bool = False,
        sociable: bool = False,
    ) -> list[Fan]:
        """Choose fans who are or soon will be there, the eager ones first of all."""
        keyed = []
        for fan in self.fans:
            draw = rng.random()
            if fan.joins_at > posted_at + 45 * DAY:
                continue
            if followers_only and (fan.follows_at is None or fan.follows_at > posted_at):
                continue
            weight = fan.sociable if sociable else fan.eager
            keyed.append((math.log(draw) / weight, fan))
        keyed.sort(key=lambda pair: -pair[0])
        return [fan for _, fan in keyed[:count]]


def _username(rng: Random, first: str, last: str) -> str:
    """Return a handle as people choose them: letters, digits and underscores."""
    plain = unicodedata.normalize("NFKD", f"{first} {last}").encode("ascii", "ignore").decode().lower()
    one, two = plain.split()
    base = rng.choice((one, f"{one}{two}", f"{one}_{two}", f"{one[0]}{two}", f"{one}{two[0]}"))
    return base + rng.choice(NAME_TAILS).replace(".", "_")
