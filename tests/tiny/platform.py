from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from analytics_core.fetcher import AnalyticsFetcher
from analytics_core.platforms import (
    CommentRecord,
    Gone,
    Listing,
    NotificationRecord,
    PersonRecord,
    Platform,
    PostRecord,
    ProfileRecord,
    id_order,
)

from .models import TinyAccount, TinyPost


@dataclass
class Instance:
    """The other side. What is in `failures` is raised instead of an answer, once per entry."""

    posts: dict[str, PostRecord] = field(default_factory=dict)
    likes: dict[str, list[str]] = field(default_factory=dict)
    shares: dict[str, list[str]] = field(default_factory=dict)
    comments: dict[str, list[CommentRecord]] = field(default_factory=dict)
    notifications: list[NotificationRecord] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    incomplete: set[str] = field(default_factory=set)
    failures: dict[str, list[Exception]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def add_post(
        self, post_id: str, *, posted_at: datetime | None = None, likes: int = 0, **values: Any
    ) -> None:
        self.posts[post_id] = PostRecord(
            remote_id=post_id,
            caption=values.pop("caption", f"Post {post_id}"),
            media_url=f"https://tiny.example/{post_id}.jpg",
            media_type="image",
            post_url=f"https://tiny.example/p/{post_id}",
            posted_at=posted_at or timezone.now() - timedelta(days=400),
            **values,
        )
        self.likes[post_id] = [f"fan{number}" for number in range(likes)]

    def with_counts(self, post_id: str) -> PostRecord:
        from dataclasses import replace

        return replace(
            self.posts[post_id],
            likes_count=len(self.likes.get(post_id, [])),
            shares_count=len(self.shares.get(post_id, [])),
            comments_count=len(self.comments.get(post_id, [])),
        )


@dataclass
class TinySource:
    instance: Instance

    @property
    def requests_count(self) -> int:
        return len(self.instance.asked)

    def _ask(self, what: str, about: str = "") -> None:
        self.instance.asked.append((what, about))
        failures = self.instance.failures.get(what)
        if failures:
            raise failures.pop(0)

    def profile(self) -> ProfileRecord:
        self._ask("profile")
        return ProfileRecord(
            remote_id="1", username="ana", followers_count=7, posts_count=len(self.instance.posts)
        )

    def posts(self, remote_account_id: str, *, before_id: str, limit: int) -> Listing[PostRecord]:
        self._ask("posts", before_id)
        ids = sorted(set(self.instance.posts) - self.instance.hidden, key=id_order, reverse=True)
        older = [i for i in ids if not before_id or id_order(i) < id_order(before_id)][:limit]
        return Listing(
            items=[self.instance.with_counts(i) for i in older], next_id=older[-1] if older else ""
        )

    def post_exists(self, post_id: str) -> bool:
        self._ask("post", post_id)
        return post_id in self.instance.posts

    def _people(self, what: str, post_id: str, ids: dict[str, list[str]]) -> Listing[PersonRecord]:
        self._ask(what, post_id)
        if post_id not in self.instance.posts:
            raise Gone("gone")
        people = [PersonRecord(remote_id=i, username=i, display_name=i.title()) for i in ids.get(post_id, [])]
        return Listing(items=people, is_complete=post_id not in self.instance.incomplete)

    def likers(self, post_id: str) -> Listing[PersonRecord]:
        return self._people("likers", post_id, self.instance.likes)

    def sharers(self, post_id: str) -> Listing[PersonRecord]:
        return self._people("sharers", post_id, self.instance.shares)

    def comments(self, post_id: str, *, expected_count: int | None) -> Listing[CommentRecord]:
        self._ask("comments", post_id)
        return Listing(
            items=self.instance.comments.get(post_id, []), is_complete=post_id not in self.instance.incomplete
        )

    def notifications(self, *, since_id: str) -> Listing[NotificationRecord]:
        self._ask("notifications", since_id)
        return Listing(
            items=[
                n
                for n in self.instance.notifications
                if not since_id or id_order(n.remote_id) > id_order(since_id)
            ]
        )


class TinyFetcher(AnalyticsFetcher):
    def __init__(self, account: TinyAccount, platform: TinyPlatform) -> None:
        super().__init__(account)
        self.platform = platform

    @property
    def source(self) -> TinySource:
        return TinySource(self.platform.instance)


class TinyPlatform(Platform):
    name = "tiny"
    label = "Tiny"
    post_id_field = "tiny_id"
    has_own_pages = True
    post_model = TinyPost

    def __init__(self) -> None:
        self.instance = Instance()

    def active_accounts(self) -> Any:
        return self.accounts().filter(state="active")

    def fetcher(self, account: TinyAccount) -> TinyFetcher:
        return TinyFetcher(account, self)

    def store_profile(self, account: TinyAccount, profile: ProfileRecord) -> None:
        account.remote_id = profile.remote_id
        account.save()

    def ask_to_reconnect(self, account: TinyAccount, *, message: str) -> None:
        account.state, account.state_reason = "reconnect", message
        account.save()

    def dashboard_url(self) -> str:
        return "/analytics/?platform=tiny"

    def post_detail_url(self, post_id: int) -> str:
        return f"/tiny/{post_id}/"
