"""How large an installation to fill is, and what stands in it: numbers, ids, names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tests.load.sql import literal

PASSWORD = "a long sentence for load tests"
SECRET = "load"
"""Signs the tokens of all hosts, so that they hold for hosts that are started later."""
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo")
MONTH = timedelta(days=30)
# The accounts are connected when they have been posting for so long; what was there then has no known time.
UNWATCHED = timedelta(days=60)
PICTURES = 16
# Ids as long as real ones; of people one range for each host.
POST_IDS, COMMENT_IDS, PERSON_IDS, PEOPLE_OF_A_HOST = 5 * 10**17, 6 * 10**17, 4 * 10**17, 10**7
# How many of each kind a post gets in the end, the least and how many numbers there are: 60, 8 and 5 in the
# middle.
NUMBERS = {"likes": (20, 81), "comments": (2, 13), "shares": (0, 11)}
WORDS = ["fog", "lake", "harbour", "night", "rain", "window", "street", "mountain", "light", "tree", "boat"]


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large an installation is; its accounts are one for each user."""

    users: int = 300
    months: int = 36
    hosts: int = 20
    first_port: int = 18400

    def url(self, host: int) -> str:
        """The address of a host by its number."""
        return f"http://127.0.0.1:{self.first_port + host}"

    def host_of(self, number: int) -> int:
        """The host of an account by its number: a third of all are on the first."""
        return 0 if number % 3 == 0 or self.hosts == 1 else 1 + number % (self.hosts - 1)


def email(number: int) -> str:
    """The address that a user signs in with."""
    return f"user{number:04d}@example.org"


def person_id(host: int, number: int) -> int:
    """The id of somebody at a host."""
    return PERSON_IDS + host * PEOPLE_OF_A_HOST + number


def person_key(account_id: str) -> str:
    """An expression for the primary key of a person, which follows from their id."""
    return f"({account_id}::bigint - {PERSON_IDS})"


def word(number: str) -> str:
    """An expression for some word."""
    return f"({literal(WORDS)}::text[])[({number}) % {len(WORDS)} + 1]"


def handle(fan: str) -> str:
    """An expression for what the fan of a number is called at their host."""
    return f"{word(fan)} || '_' || {fan} || '_' || {word(f'{fan} / 7')}"


def display_name(fan: str) -> str:
    """An expression for the name that the fan of a number shows."""
    return f"initcap({word(fan)} || ' ' || {word(f'{fan} / 3')})"
