"""Builds the world that the recordings describe, with its ids, its order of likes and its oddities."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pixelfed.sandbox.entities import Media, Notification, Person, Status
from pixelfed.sandbox.population import NOTIFICATIONS_KEPT, SNOWFLAKE_EPOCH_MS
from pixelfed.sandbox.world import World

STAGES = ("before", "reading", "final")
# Rows of reblogs that the recorded cursors name; the others lie between them.
KNOWN_SHARE_IDS = {
    3: 1030121149582549052,
    4: 1030121149734768701,
    5: 1030121149867606078,
    6: 1030121150005100607,
    9: 1030121150435090498,
    10: 1030121150590873667,
}
SECOND_LIKE_OF_FAN003 = 264
LINK = re.compile(r"<a [^>]*>(.*?)</a>")


class RecordedWorld(World):
    """The recorded scenario at one of its stages.

    "before": what was taken back later is still there (P10 with fan003 and fan004, six shares on P11, the
    second comment on P12). "reading": as recordings 041-262 saw it. "final": after the last recording.
    `posts` finds statuses by the names of the scenario, such as `P01_hit`.
    """

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        """Read the recordings in `folder` and build the first stage; OSError or ValueError if they are not
        there or not whole.
        """
        super().__init__(clock=clock, secret=folder.name)
        self.title = "Pixelfed Test"
        self.stage = "before"
        self.posts: dict[str, Status] = {}
        self._script = json.loads((folder / "scenario.json").read_text())
        self._users: dict[str, str] = json.loads((folder / "users-ids.json").read_text())
        self._seen = _Recordings(folder)
        self._rows_due = dict(self._seen.notifications)
        self._remember_lost_rows()
        self._replaying = True
        self._add_people()
        self._add_statuses()
        self._add_engagement()
        self._replaying = False
        self._tidy_notifications()

    def set_clock(self, at: float) -> None:
        """Let the world's clock stand at `at`, in seconds since 1970."""
        self.clock = lambda: at

    def play_until(self, stage: str) -> None:
        """Let happen what happened between the stages; ValueError for an unknown stage or one gone by."""
        if stage not in STAGES or STAGES.index(stage) < STAGES.index(self.stage):
            raise ValueError(f"The world is at {self.stage!r} and cannot go to {stage!r}; stages: {STAGES}.")
        self._replaying = True
        if self.stage == "before" and stage != "before":
            self._take_back()
            self._tidy_notifications()
            self.stage = "reading"
        if self.stage == "reading" and stage == "final":
            self._finish()
            self.stage = "final"
        self._replaying = False

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
        """Notify with the recorded id and time; while replaying, what has none is not notified at all."""
        row = self._rows_due.pop((recipient.id, kind, actor.id, status.id if status else 0), None)
        if row is not None:
            return super().notify(recipient, kind, actor, status=status, at=row[1], id=row[0])
        if self._replaying:
            return Notification(0, kind, at, actor, status)
        return super().notify(recipient, kind, actor, status=status, at=at, id=id)

    def _remember_lost_rows(self) -> None:
        """Give the two rows that were gone before the first recording the ids they left free."""
        ana, fan = int(self._users["ana"]), int(self._users["fan002"])
        comment = int(self._script["comments"]["P12"]["fan002"])
        shared = int(self._script["statuses"]["P11_unshare"])
        self._rows_due[ana, "mention", fan, comment] = (502, 1795356831.0)
        self._rows_due[ana, "reblog", fan, shared] = (453, 1795356822.0)

    # The first stage

    def _add_people(self) -> None:
        for name, key in self._users.items():
            entity = self._seen.accounts.get(name, {})
            at = _seconds(entity["created_at"]) if entity else _time_of(int(key))
            self.add_person(name, id=int(key), at=at, display_name=entity.get("display_name", name.title()))
        ana = self.person("ana")
        ana.reported_statuses_count = 53
        for number, fan in enumerate(self._fans(1, 60), start=1):
            self.follow(fan, ana, id=number, at=fan.created_at + 1)
        for number, fan in enumerate(self._fans(1, 3), start=61):
            self.follow(ana, fan, id=number, at=fan.created_at + 2)
        # Rows 1-60 and 65-94 were too old to be served; the ones about follows are made up.
        for number, fan in enumerate(self._fans(1, 60), start=1):
            ana.notification_log.append(Notification(number, "follow", fan.created_at + 1, fan))

    def _add_statuses(self) -> None:
        later = {"P16_text"}
        names = {key: name for name, key in self._script["statuses"].items()}
        for key in sorted(names, key=int):
            if names[key] not in later:
                self._add_recorded(names[key], key)
        comments = self._script["comments"]
        top = {name: self._add_comment(key) for name, key in comments["P01"].items()}
        for number, (fan, key) in enumerate(comments["P01_ana"].items(), start=1):
            text = f"@{fan} thank you {number}"
            self._add_comment(key, author="ana", parent=top[fan], text=text)
        for name in ("P01_lvl3", "P01_lvl4", "P01_second_fan002"):
            self._add_comment(comments[name])
        text = "Top-level comment by the author"
        self._add_comment(comments["P01_ana_top"], author="ana", parent=self.posts["P01_hit"], text=text)
        for key in comments["P02"]:
            self._add_comment(key)
        for name, key in comments["P12"].items():
            self._add_comment(key, author=name, parent=self.posts["P12_comment_deleted"], text="Comment 2")
        self._add_comment(
            "1030121200621092990", author="ana", parent=self.posts["F1_mention"], text="nice one"
        )

    def _add_engagement(self) -> None:
        ana, likers = self.person("ana"), self._likers()
        for name, fans in likers:
            for fan in fans:
                self.like(self.posts[name], fan, at=self._like_time(self.posts[name], fan))
            if name == "P10_unlike":
                self.row_id("likes", SECOND_LIKE_OF_FAN003)
        comments = self._script["comments"]["P01"]
        for fan in self._fans(5, 7):
            self.like(self.statuses[int(comments["fan001"])], fan, at=1795356830.0)
        self.like(self.statuses[int(comments["fan002"])], ana, at=1795356830.0)
        self.like(self.posts["F1_mention"], ana, at=1795356832.0)
        for number, fan in enumerate(self._fans(1, 15), start=1):
            self.share(self.posts["P01_hit"], fan, at=1795356821.0 + number / 15, id=_share_id(number))
        for fan in self._fans(1, 6):
            self.share(self.posts["P11_unshare"], fan, at=1795356822.0)
        self.share(self.posts["F1_mention"], ana, at=1795356835.0)

    def _like_time(self, post: Status, fan: Person) -> float:
        """Return when somebody liked a post: as notified, else about when the others did."""
        row = self._rows_due.get((post.author.id, "favourite", fan.id, post.id))
        return row[1] if row else post.created_at + 14

    def _likers(self) -> list[tuple[str, list[Person]]]:
        """Return who liked what, in the order of the rows."""
        fans = self._fans
        likers = [
            ("P01_hit", [*fans(1, 123), self.person("ana")]),
            ("P02_album", fans(1, 5)),
            ("P03_video40", fans(10, 49)),
            ("P04_80likes", fans(1, 80)),
            ("P05_unlisted", fans(1, 2)),
            ("P06_private", fans(1, 2)),
            ("P10_unlike", fans(1, 10)),
            ("P13_deleted", fans(1, 5)),
            ("P14_gone_likers", fans(125, 134)),
        ]
        for name, who in self._script["Q_likes"].items():
            likers.append((name, [self.person(fan) for fan in who]))
        return likers

    # What happened later

    def _take_back(self) -> None:
        """Between "before" and "reading": un-likes, an un-share, a deleted comment."""
        liked, shared = self.posts["P10_unlike"], self.posts["P11_unshare"]
        self.unlike(liked, self.person("fan003"))
        self.unlike(liked, self.person("fan004"))
        self.like(liked, self.person("fan003"), at=liked.created_at + 25, id=SECOND_LIKE_OF_FAN003)
        self.unshare(shared, self.person("fan002"))
        self.delete_comment(self.statuses[int(self._script["comments"]["P12"]["fan002"])])

    def _finish(self) -> None:
        """Between "reading" and "final": recordings 256-351, the operator's work included."""
        ana, person = self.person("ana"), self.person
        self.like_an_answer()
        self.add_text_post()
        self.like(self.posts["Q59"], person("fan040"), at=1795357048.0)
        self.like(self.posts["Q59"], person("fan041"), at=1795357048.0)
        self.unlike(self.posts["Q59"], person("fan040"))
        self.delete_post(self.posts["P13_deleted"])
        ana.reported_statuses_count = 52
        self.block(ana, person("fan133"))
        self.mute(ana, person("fan134"))
        self.like_text_post()
        self.edit_caption(self.posts["P15_edited"], "After the edit", at=1795357154.0)
        self.suspend(person("fan132"))
        self.remove(person("fan131"))
        self.add_late_comments()

    def like_an_answer(self) -> None:
        """Let fan001 like ana's answer below P01, after recording 192."""
        answer = self.statuses[int(self._script["comments"]["P01_ana"]["fan001"])]
        self.like(answer, self.person("fan001"), at=1795357045.0)

    def add_text_post(self) -> None:
        """Add the text-only P16 (256)."""
        self._add_recorded("P16_text", self._script["statuses"]["P16_text"])

    def like_text_post(self) -> None:
        """Let fan001 like P16 (293, 294)."""
        self.like(self.posts["P16_text"], self.person("fan001"), at=1795357153.0)

    def add_late_comments(self) -> None:
        """Add what the muted fan134 and fan020 wrote and liked below Q58 (336-342)."""
        post = self.posts["Q58"]
        self._replaying = True
        for key in ("1030123698504568960", "1030123700822683777"):
            self._add_comment(key)
        for name in ("fan134", "fan020"):
            self.like(post, self.person(name), at=1795357432.0)
        self._replaying = False

    # Pieces

    def _fans(self, first: int, last: int) -> list[Person]:
        return [self.person(f"fan{number:03d}") for number in range(first, last + 1)]

    def _add_recorded(self, name: str, key: str) -> None:
        entity = self._seen.statuses[key]
        self.posts[name] = self.add_post(
            self.person(entity["account"]["username"]),
            _plain(entity["content"]),
            id=int(key),
            at=_seconds(entity["created_at"]),
            media=[_media(item) for item in entity["media_attachments"]],
            visibility=entity["visibility"],
            sensitive=entity["sensitive"],
            spoiler_text=entity["spoiler_text"],
            comments_disabled=name == "P09_nocomments",
        )

    def _add_comment(
        self, key: str, *, author: str = "", parent: Status | None = None, text: str = ""
    ) -> Status:
        entity = self._seen.statuses.get(key)
        if entity is not None:
            author, text = entity["account"]["username"], _plain(entity["content"])
            parent = self.statuses[int(entity["in_reply_to_id"])]
        if parent is None:
            raise ValueError(f"The recordings do not say what {key} answers.")
        at = _seconds(entity["created_at"]) if entity else _time_of(int(key))
        if author == "fan134":
            # Nobody is told of what somebody muted wrote.
            self._rows_due.pop((parent.author.id, "mention", self.person(author).id, int(key)), None)
        return self.comment(parent, self.person(author), text, at, id=int(key))

    def _tidy_notifications(self) -> None:
        for person in self.people.values():
            person.notification_log.sort(key=lambda row: row.id)
            person.notification_cache = person.notification_log[-NOTIFICATIONS_KEPT:]


class _Recordings:
    """What the recorded answers know of accounts, statuses and notifications."""

    def __init__(self, folder: Path) -> None:
        self.accounts: dict[str, dict[str, Any]] = {}
        self.statuses: dict[str, dict[str, Any]] = {}
        self.notifications: dict[tuple[int, str, int, int], tuple[int, float]] = {}
        self._raw: dict[tuple[str, str, str, str], tuple[int, float]] = {}
        files = sorted(folder.glob("[0-9][0-9][0-9]-*.json"))
        if not files:
            raise ValueError(f"There are no recordings in {folder}.")
        for file in files:
            if "edit" in file.name.lower() and "P15_edited" not in file.name:
                continue
            recording = json.loads(file.read_text())
            body = recording["response"]["body"]
            self._collect(body)
            if recording["request"]["path"] == "/api/v1/notifications" and isinstance(body, list):
                self._collect_notifications(body, reader="fan001" if "as-fan001" in file.name else "ana")
        self._resolve()

    def _collect(self, value: Any) -> None:
        for entity in _objects(value):
            if "acct" in entity:
                self.accounts.setdefault(entity["username"], entity)
            elif "favourites_count" in entity and "content" in entity:
                known = self.statuses.get(entity["id"])
                # The first answers still lack what background jobs fill in later.
                if known is None or len(entity["media_attachments"]) and "pf_type" not in entity:
                    self.statuses[entity["id"]] = entity

    def _collect_notifications(self, body: list[dict[str, Any]], *, reader: str) -> None:
        for row in body:
            status = row.get("status") or {}
            key = (reader, row["type"], row["account"]["username"], status.get("id", "0"))
            self._raw.setdefault(key, (int(row["id"]), _seconds(row["created_at"])))

    def _resolve(self) -> None:
        ids = {name: int(entity["id"]) for name, entity in self.accounts.items()}
        for (reader, kind, actor, status), row in self._raw.items():
            self.notifications[ids[reader], kind, ids[actor], int(status)] = row


def load_recorded_scenario(
    path: str | Path, *, stage: str = "final", clock: Callable[[], float] | None = None
) -> RecordedWorld:
    """Return the world of the recordings in folder `path` at a stage; see `RecordedWorld`.

    The clock stands at the time of the last recording unless another is given. OSError or ValueError if the
    recordings are missing or the stage is unknown.
    """
    world = RecordedWorld(Path(path), clock or (lambda: 1795357700.0))
    world.play_until(stage)
    return world


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every JSON object within a value."""
    if isinstance(value, dict):
        yield value
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from _objects(child)


def _seconds(written: str) -> float:
    return datetime.fromisoformat(written).timestamp()


def _time_of(snowflake: int) -> float:
    return ((snowflake >> 22) + SNOWFLAKE_EPOCH_MS) // 1000


def _plain(content: str) -> str:
    """Return the caption that was typed: links become their text."""
    return unescape(LINK.sub(r"\1", content)) if "<a " in content else content


def _media(entity: dict[str, Any]) -> Media:
    original = (entity["meta"] or {}).get("original", {})
    return Media(
        id=int(entity["id"]),
        kind=entity["type"],
        path=urlsplit(entity["url"]).path,
        preview_path=urlsplit(entity["preview_url"]).path,
        width=original.get("width"),
        height=original.get("height"),
        description=entity["description"],
        blurhash=entity["blurhash"],
        mime="video/mp4" if entity["type"] == "video" else "image/jpeg",
    )


def _share_id(number: int) -> int:
    """Return the row of fan `number`'s share of P01: recorded, or between the recorded ones."""
    if number in KNOWN_SHARE_IDS:
        return KNOWN_SHARE_IDS[number]
    lower = max((known for known in KNOWN_SHARE_IDS if known < number), default=3)
    step = 140_000_000
    return KNOWN_SHARE_IDS[lower] + (number - lower) * step
