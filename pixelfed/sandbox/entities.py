"""What a sandbox instance holds: people, statuses and what people did with them, as plain records."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Visibility(StrEnum):
    """Who may see a status; the words are the API's."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    PRIVATE = "private"


@dataclass(slots=True, eq=False)
class Media:
    """One picture or clip of a status. Paths are relative to the instance, sizes are pixels."""

    id: int
    kind: str = "image"
    path: str = ""
    preview_path: str = ""
    width: int | None = None
    height: int | None = None
    description: str | None = None
    blurhash: str = "U4Rfzst8?bt7ogayj[j[~pfQ9Goe%Mj[WBay"
    mime: str = "image/jpeg"
    scene: Any = None


@dataclass(slots=True, eq=False)
class Person:
    """An account of the instance. `created_at` is seconds since 1970, UTC."""

    id: int
    username: str
    display_name: str
    created_at: float
    note: str = ""
    avatar_path: str = "/storage/avatars/default.jpg"
    password: str = "sandbox"  # noqa: S105 - of people who do not exist
    suspended: bool = False
    removed: bool = False
    reported_statuses_count: int | None = None
    followers: dict[int, Follow] = field(default_factory=dict)
    following: dict[int, Follow] = field(default_factory=dict)
    posts: list[Status] = field(default_factory=list)
    muted: set[int] = field(default_factory=set)
    blocked: set[int] = field(default_factory=set)
    notification_log: list[Notification] = field(default_factory=list)
    notification_cache: list[Notification] = field(default_factory=list)
    cache_is_cold: bool = False
    tokens_valid_from: float = 0.0

    @property
    def statuses_count(self) -> int:
        """The number the account shows; real servers let it drift, so a scenario may fix it."""
        if self.reported_statuses_count is not None:
            return self.reported_statuses_count
        return sum(1 for post in self.posts if post.is_listed_media)


@dataclass(slots=True, eq=False)
class Status:
    """A post, a comment or a text-only status."""

    id: int
    author: Person
    text: str
    created_at: float
    media: list[Media] = field(default_factory=list)
    parent: Status | None = None
    visibility: Visibility = Visibility.PUBLIC
    sensitive: bool = False
    spoiler_text: str = ""
    comments_disabled: bool = False
    edited_at: float | None = None
    deleted: bool = False
    archived: bool = False
    broken: bool = False
    likes_drift: int = 0
    shares_drift: int = 0
    likes: list[Like] = field(default_factory=list)
    shares: list[Share] = field(default_factory=list)
    like_of: dict[int, Like] = field(default_factory=dict)
    share_of: dict[int, Share] = field(default_factory=dict)
    replies: list[Status] = field(default_factory=list)
    versions: list[tuple[str, float]] = field(default_factory=list)
    rendered: dict[str, Any] = field(default_factory=dict)

    @property
    def likes_count(self) -> int:
        """What `favourites_count` says: the rows plus what the counter drifted away from them."""
        return len(self.likes) + self.likes_drift

    @property
    def shares_count(self) -> int:
        """What `reblogs_count` says."""
        return len(self.shares) + self.shares_drift

    @property
    def replies_count(self) -> int:
        """Direct comments only; nested ones count on their own parent."""
        return len(self.replies)

    @property
    def is_listed_media(self) -> bool:
        """True if it can stand in an account's list of statuses: it has media and answers nobody."""
        return bool(self.media) and self.parent is None

    @property
    def kind(self) -> str:
        """Pixelfed's own name for the type of a status (`pf_type`)."""
        if self.parent is not None:
            return "reply"
        kinds = {media.kind for media in self.media}
        if not kinds:
            return "text"
        if kinds == {"image", "video"}:
            return "photo:video:album"
        name = "video" if kinds == {"video"} else "photo"
        return f"{name}:album" if len(self.media) > 1 else name


@dataclass(slots=True, eq=False)
class Like:
    """One person's like of one status; `id` is the row number that cursors carry."""

    id: int
    status: Status
    person: Person
    at: float


@dataclass(slots=True, eq=False)
class Share:
    """One person's share; its id is a status id, because a share is a status of the sharer."""

    id: int
    status: Status
    person: Person
    at: float


@dataclass(slots=True, eq=False)
class Follow:
    """Who follows whom since when."""

    id: int
    follower: Person
    followed: Person
    at: float


@dataclass(slots=True, eq=False)
class Notification:
    """What an account was told; `gone` ones still take a place on a page and are then left out of it."""

    id: int
    kind: str
    at: float
    actor: Person
    status: Status | None = None
    gone: bool = False


@dataclass(frozen=True)
class Dialect:
    """How an instance answers: the same world can speak as different servers and versions.

    `list_paging` is "cursor" (opaque, swapped rels) or "ids" (Mastodon's internal ids).
    `honest_errors` turns the 500s that stand for client errors into 401, 404 and 422.
    """

    software: str = "pixelfed"
    version: str = "0.11.13"
    list_paging: str = "cursor"
    links_on_statuses: bool = False
    honest_errors: bool = False
    notifications_quirks: bool = True
    context_limit: int | None = 20
    mastodon_errors: bool = False
    oauth_scope_in_answer: bool = False
    state_when_denied: bool = True
    likers_default_limit: int = 40
    sharers_default_limit: int = 10
    media_accept: tuple[str, ...] = ("image/jpeg", "image/png", "image/gif", "video/mp4")


PIXELFED = Dialect()
"""Pixelfed 0.11.13 as recorded."""

PIXELFED_2026 = Dialect(
    version="0.14.0", honest_errors=True, notifications_quirks=False, oauth_scope_in_answer=True
)
"""Pixelfed as its code of 2026 reads: proper status codes, no notification traps, same cursors."""

MASTODON = Dialect(
    software="mastodon",
    version="4.5.15",
    list_paging="ids",
    links_on_statuses=True,
    honest_errors=True,
    notifications_quirks=False,
    context_limit=None,
    mastodon_errors=True,
    oauth_scope_in_answer=True,
    sharers_default_limit=40,
)
"""Mastodon's paging, limits and errors; the entities stay Pixelfed's, whose keys are a subset of interest."""
