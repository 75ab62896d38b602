"""What the engine asks of a platform: its tables, its accounts, and a source that reads one account.

A platform is an app. It subclasses `Platform`, gives a `Source` for an account, and calls `register` in
`AppConfig.ready()`. The engine and the pages find it here and name none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from django.db import models
from django.tasks import Task
from django.urls import reverse

if TYPE_CHECKING:
    from analytics_core.fetcher import AnalyticsFetcher


class PlatformError(Exception):
    """Reading a platform failed. The message is fit for the account's owner and holds no secret.

    Each subclass stands for one decision of the engine.
    """

    is_passing: ClassVar[bool] = True
    """Whether asking again at once may succeed."""


class ReconnectNeeded(PlatformError):
    """The token is refused: pause the account and ask its owner to connect it again."""

    is_passing = False


class Gone(PlatformError):
    """The thing asked for is not there now: note it as missing, delete nothing."""

    is_passing = False


class Blocked(PlatformError):
    """The host asks for a pause: leave it alone, for every account on it.

    Attributes:
        seconds: how long, from now.
    """

    is_passing = False

    def __init__(self, message: str, *, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class TryLater(PlatformError):
    """The host is down, slow or broken: back off."""


class NoAnswer(TryLater):
    """Nothing came in time, which costs everybody time: it is the host's trouble, whatever the account."""


class WrongAnswer(PlatformError):
    """The answer makes no sense or the question is not allowed: asking again brings the same."""

    is_passing = False


def id_order(remote_id: str) -> tuple[int, str]:
    """Return a key that sorts a platform's ids as the whole numbers they are, of any size."""
    digits = remote_id.lstrip("0")
    return len(digits), digits


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRecord:
    """The account itself, as its platform shows it. A count that is hidden is None."""

    remote_id: str
    username: str
    display_name: str = ""
    avatar_url: str = ""
    followers_count: int | None = None
    following_count: int | None = None
    posts_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostRecord:
    """One post with media. Counts are the server's; None where it tells none."""

    remote_id: str
    caption: str
    media_url: str
    media_type: str
    post_url: str
    posted_at: datetime
    media_count: int = 1
    media_width: int | None = None
    media_height: int | None = None
    thumbnail_url: str = ""
    alt_text: str = ""
    blurhash: str = ""
    visibility: str = ""
    is_sensitive: bool = False
    likes_count: int | None = None
    comments_count: int | None = None
    shares_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRecord:
    """Somebody who liked or shared."""

    remote_id: str
    username: str
    display_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentRecord:
    """One comment, with its own time. `in_reply_to_id` is a comment's id or the post's."""

    remote_id: str
    person: PersonRecord
    content: str
    commented_at: datetime
    in_reply_to_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationRecord:
    """One notification: a like or share of a post (`post_id`), or a comment with its text."""

    remote_id: str
    happened_at: datetime
    kind: str
    """likes, shares or comments; empty for what the engine does not use."""
    person: PersonRecord | None = None
    post_id: str = ""
    comment: CommentRecord | None = None


@dataclass(slots=True)
class Listing[T]:
    """What one listing brought.

    Attributes:
        items: the records, in the platform's order, each once.
        is_complete: the whole list was read: only then may rows that are not in it end.
        is_cut: reading stopped before the end because time was up: it has to be read again soon.
        skipped_count: odd items that were left out.
        next_id: a posts page only: ask for the posts before this one; empty at the end.
        profile: a posts page only: the account as it stands beside its posts, where the platform shows it.
    """

    items: Sequence[T]
    is_complete: bool = True
    is_cut: bool = False
    skipped_count: int = 0
    next_id: str = ""
    profile: ProfileRecord | None = None


class Source(Protocol):
    """Reads one account of one platform. Every method may raise any `PlatformError`."""

    @property
    def requests_count(self) -> int:
        """Requests sent so far, retries included."""

    def profile(self) -> ProfileRecord:
        """Return the account that the token belongs to."""

    def posts(self, remote_account_id: str, *, before_id: str, limit: int) -> Listing[PostRecord]:
        """Return one page of posts with media, newest first, older than `before_id` ("": the newest)."""

    def post_exists(self, post_id: str) -> bool:
        """Tell whether the post can be read now."""

    def likers(self, post_id: str) -> Listing[PersonRecord]:
        """Return everybody who likes the post, newest like first."""

    def sharers(self, post_id: str) -> Listing[PersonRecord]:
        """Return everybody who shares the post, newest share first."""

    def comments(self, post_id: str, *, expected_count: int | None) -> Listing[CommentRecord]:
        """Return the post's comments and the answers to them; `expected_count` is the server's count."""

    def notifications(self, *, since_id: str) -> Listing[NotificationRecord]:
        """Return what was notified after `since_id` ("": all that the server still has)."""


class Platform:
    """One platform: what it is called, where its rows lie, how its accounts are read."""

    name: ClassVar[str]
    """In addresses, rows and style names: lower case, a word."""
    label: ClassVar[str]
    """For people."""
    post_id_field: ClassVar[str]
    """The post model's field that holds the platform's own id."""
    stylesheet: ClassVar[str] = ""
    """Static path of a style sheet that sets the platform's colours."""
    has_own_pages: ClassVar[bool] = False
    """Whether its app brings the addresses of `url_namespace`; else they are made below /analytics/."""

    @property
    def hourly_task(self) -> Task | None:
        """The platform's hourly task; None: it has none."""
        return None

    @property
    def post_model(self) -> type[Any]:
        """The platform's posts."""
        raise NotImplementedError

    @property
    def account_model(self) -> type[Any]:
        """The connected accounts that its posts belong to."""
        return self.post_model._meta.get_field("account").related_model

    def find_accounts(self) -> None:
        """Find out which accounts are this platform's, before all are read; may ask their instances."""

    def accounts(self) -> models.QuerySet[Any]:
        """All connected accounts of this platform, paused ones included; each has a `user`."""
        return self.account_model._default_manager.all()

    def active_accounts(self) -> models.QuerySet[Any]:
        """The accounts that may be read now."""
        return self.accounts()

    def fetcher(self, account: Any) -> AnalyticsFetcher:
        """Return a fetcher for one account."""
        raise NotImplementedError

    def remote_account_id(self, account: Any) -> str:
        """Return the account's id at the platform, "" while it is not known."""
        return account.remote_id

    def store_profile(self, account: Any, profile: ProfileRecord) -> None:
        """Keep what the platform tells of the account, its id first of all."""
        raise NotImplementedError

    def ask_to_reconnect(self, account: Any, *, message: str) -> None:
        """Pause the account until its owner has connected it again."""
        raise NotImplementedError

    def note_access(self, account: Any) -> None:
        """Note that the account could be read, where it waited to be connected again."""

    def disconnect(self, account: Any) -> bool:
        """Delete an account with everything that is held of it, and end its access at the instance.

        Returns:
            Whether the instance says that the access is over there too.
        """
        from analytics_core.engine.forgetting import forget_account

        forget_account(self, account)
        return False

    def link_posts(self, account: Any, posts: Sequence[Any]) -> None:
        """Link posts to what PostFlow published, where the platform can tell."""

    @cached_property
    def engagement_models(self) -> dict[str, type[Any]]:
        """The models of likes, comments and shares by kind."""
        return {
            kind: self.post_model._meta.get_field(kind).related_model
            for kind in ("likes", "comments", "shares")
        }

    @cached_property
    def summary_model(self) -> type[Any]:
        """The model of the cached counts."""
        return self.post_model._meta.get_field("engagement_summary").related_model

    @property
    def url_namespace(self) -> str:
        """Namespace of the platform's addresses: dashboard, post_detail, refresh."""
        return f"analytics_{self.name}"

    def dashboard_url(self) -> str:
        """Address of the platform's dashboard."""
        return reverse(f"{self.url_namespace}:dashboard")

    def post_detail_url(self, post_id: int) -> str:
        """Address of our page about the post with this primary key."""
        return reverse(f"{self.url_namespace}:post_detail", args=[post_id])


_platforms: dict[str, Platform] = {}


def register(platform: Platform) -> None:
    """Make a platform known to the engine. Registering it again replaces it."""
    from analytics_core.engine import avatars
    from analytics_core.engine.gallery import delete_file_with
    from analytics_core.engine.signals import connect_platform

    _platforms[platform.name] = platform
    delete_file_with(platform.post_model)
    avatars.delete_file_with(platform.account_model)
    connect_platform(platform)


def unregister(name: str) -> None:
    """Forget a platform; unknown names are ignored."""
    _platforms.pop(name, None)


def get(name: str) -> Platform:
    """Return the platform of this name.

    Raises:
        KeyError: no such platform is registered.
    """
    return _platforms[name]


def all_platforms() -> Iterable[Platform]:
    """Return all platforms in the order they were registered."""
    return tuple(_platforms.values())
