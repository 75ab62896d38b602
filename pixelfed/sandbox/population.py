"""Who lives in a sandbox instance, what they were told, and the numbers everything gets."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable
from typing import Protocol

from pixelfed.sandbox import tokens
from pixelfed.sandbox.entities import Follow, Media, Notification, Person, Status

# Twitter-style ids of Pixelfed count milliseconds from here (api-facts A.2).
SNOWFLAKE_EPOCH_MS = 1_549_756_800_000
# A notification is dropped when the 401st arrives before it is added, so 401 are served at most.
NOTIFICATIONS_KEPT = 401
# What the server puts back when its cache was lost.
NOTIFICATIONS_REBUILT = 400
MENTION = re.compile(r"@(\w+)")


class Feed(Protocol):
    """Something that lets time pass in a world: events that happen by themselves."""

    def apply_until(self, world: Population, now: float) -> None:
        """Let everything happen that is due until `now` (seconds since 1970)."""


class Population:
    """The people of one instance, their follows, tokens and notifications."""

    def __init__(self, clock: Callable[[], float] = time.time, secret: str | None = None) -> None:
        """Begin with nobody; `secret` signs tokens, and the same secret keeps them valid over restarts."""
        self.clock = clock
        self.secret = (secret or secrets.token_hex(16)).encode()
        self.lock = threading.RLock()
        self.title = "Pixelfed Sandbox"
        self.domain: str | None = None
        self.people: dict[int, Person] = {}
        self.people_by_name: dict[str, Person] = {}
        self.statuses: dict[int, Status] = {}
        self.feed: Feed | None = None
        self.restores_apps = False
        self.revoked_tokens: set[str] = set()
        self.spent_codes: set[str] = set()
        self.apps: dict[int, tuple[str, str]] = {}
        self.media_by_path: dict[str, Media] = {}
        self.uploads: dict[int, tuple[int, Media]] = {}
        self.last_row: dict[str, int] = {}
        self._taken: set[int] = set()

    def now(self) -> float:
        """Return the world's time in seconds since 1970."""
        return self.clock()

    def catch_up(self) -> None:
        """Let everything happen that is due by now; called before each answer."""
        if self.feed is not None:
            self.feed.apply_until(self, self.now())

    def row_id(self, table: str, given: int | None = None) -> int:
        """Return the next small number of a table, or take `given` and go on from there."""
        number = self.last_row.get(table, 0) + 1 if given is None else given
        self.last_row[table] = max(self.last_row.get(table, 0), number)
        return number

    def snowflake(self, at: float) -> int:
        """Return an unused 19-digit id that tells `at`, as statuses and accounts have."""
        number = (int(at * 1000) - SNOWFLAKE_EPOCH_MS) << 22
        while number in self._taken:
            number += 1
        self._taken.add(number)
        return number

    def add_person(
        self,
        username: str,
        *,
        display_name: str = "",
        id: int | None = None,
        at: float | None = None,
        note: str = "",
        avatar_path: str = "/storage/avatars/default.jpg",
        password: str = "sandbox",  # noqa: S107 - of people who do not exist
    ) -> Person:
        """Add an account and return it. A name that is taken raises ValueError."""
        if username in self.people_by_name:
            raise ValueError(f"There is already somebody called {username!r}.")
        at = self.now() if at is None else at
        person = Person(
            id=self.snowflake(at) if id is None else id,
            username=username,
            display_name=display_name or username.title(),
            created_at=at,
            note=note,
            avatar_path=avatar_path,
            password=password,
        )
        self.people[person.id] = self.people_by_name[username] = person
        return person

    def add_people(self, count: int, *, prefix: str = "fan") -> list[Person]:
        """Add `count` accounts called fan0001, fan0002 and so on; existing ones are returned as they are."""
        names = [f"{prefix}{number:04d}" for number in range(1, count + 1)]
        return [self.people_by_name.get(name) or self.add_person(name) for name in names]

    def person(self, name: str) -> Person:
        """Return the person of that name; KeyError if there is none."""
        return self.people_by_name[name]

    def follow(
        self, follower: Person, followed: Person, *, at: float | None = None, id: int | None = None
    ) -> Follow:
        """Let one person follow another; the other is notified."""
        row = Follow(self.row_id("follows", id), follower, followed, self.now() if at is None else at)
        follower.following[followed.id] = followed.followers[follower.id] = row
        self.notify(followed, "follow", follower, at=row.at)
        return row

    def unfollow(self, follower: Person, followed: Person) -> None:
        """Take a follow back; nothing happens if there was none."""
        follower.following.pop(followed.id, None)
        followed.followers.pop(follower.id, None)

    def mute(self, person: Person, other: Person) -> None:
        """Mute: the other's comments are left out of what `person` is shown in a context."""
        person.muted.add(other.id)

    def block(self, person: Person, other: Person) -> None:
        """Block: follows end both ways; likes that are there already stay in the lists."""
        person.blocked.add(other.id)
        self.unfollow(other, person)
        self.unfollow(person, other)

    def suspend(self, person: Person) -> None:
        """Suspend as the operator does: the person's token is refused with 403, likes stay."""
        person.suspended = True

    def token_for(self, person: Person, scopes: str = "read", *, client_id: str = "1") -> str:
        """Return an access token of that person, as if it had been given through the sign-in pages.

        The same world secret gives the same token again, also after a restart.
        """
        claims = tokens.Claims(
            kind="personal",
            client_id=client_id,
            person_id=person.id,
            scopes=tuple(scopes.split()),
            issued_at=self._token_start(person),
            serial=tokens.serial(
                self.secret, "token", client_id, person.id, scopes, person.tokens_valid_from
            ),
        )
        return tokens.write_access_token(self.secret, claims)

    @staticmethod
    def _token_start(person: Person) -> float:
        return max(person.created_at, person.tokens_valid_from)

    def revoke_tokens(self, person: Person) -> None:
        """Make every access token the person ever gave refused from now on."""
        person.tokens_valid_from = self.now() + 0.001

    def notify(
        self,
        recipient: Person,
        kind: str,
        actor: Person,
        *,
        status: Status | None = None,
        at: float,
        id: int | None = None,
    ) -> Notification:
        """Tell somebody something; only the newest 401 stay reachable (surprise 6)."""
        row = Notification(self.row_id("notifications", id), kind, at, actor, status)
        recipient.notification_log.append(row)
        recipient.notification_cache.append(row)
        del recipient.notification_cache[:-NOTIFICATIONS_KEPT]
        return row

    def cool_cache(self, person: Person) -> None:
        """Lose the notification cache: the next call answers [], the one after it the list (surprise 8)."""
        person.cache_is_cold = True

    def warm_cache(self, person: Person) -> None:
        """Rebuild what a lost cache held: the newest 400 that still mean something."""
        alive = [row for row in person.notification_log if not self.is_hidden(row, person)]
        person.notification_cache = alive[-NOTIFICATIONS_REBUILT:]
        person.cache_is_cold = False

    def is_hidden(self, row: Notification, viewer: Person) -> bool:
        """True if a notification can no longer be shown: what it was about or who did it is gone."""
        status = row.status
        return (
            row.gone
            or row.actor.removed
            or row.actor.id in viewer.blocked
            or (status is not None and (status.deleted or status.archived))
        )

    def _notify_mentioned(self, status: Status) -> None:
        """Tell the people a text names; who is answered was told already."""
        if "@" not in status.text:
            return
        told = {status.author.id, status.parent.author.id if status.parent else 0}
        for name in MENTION.findall(status.text):
            person = self.people_by_name.get(name)
            if person is not None and person.id not in told:
                told.add(person.id)
                self.notify(person, "mention", status.author, status=status, at=status.created_at)

    def _forget_notifications(self, recipient: Person | None, status: Status) -> None:
        if recipient is None:
            return
        for row in recipient.notification_log:
            if row.status is status:
                row.gone = True
