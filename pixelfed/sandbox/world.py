"""The state of a sandbox instance and everything people can do on it, in memory."""

from __future__ import annotations

import bisect
import time
from collections.abc import Callable, Iterator
from typing import Self

from pixelfed.sandbox.entities import Like, Media, Person, Share, Status, Visibility
from pixelfed.sandbox.population import Population


class World(Population):
    """People, statuses and engagement of one instance.

    Not bound to a server: `SandboxServer` takes `lock` around every request, and tests take it when they
    change the world while requests are under way. `clock` gives seconds since 1970.
    """

    @classmethod
    def empty(cls, clock: Callable[[], float] = time.time) -> Self:
        """Return a world with nobody in it, for tests and benchmarks to fill."""
        return cls(clock=clock)

    def remove(self, person: Person, *, keep_rows: bool = False) -> None:
        """Delete an account as the operator does.

        Its likes leave the lists while the counters keep them (surprise 12). With `keep_rows` the rows stay
        and are dropped only after a page was cut, which makes short pages.
        """
        person.removed = True
        if keep_rows:
            return
        for status in self.statuses.values():
            if like := status.like_of.pop(person.id, None):
                status.likes.remove(like)
                status.likes_drift += 1
            if share := status.share_of.pop(person.id, None):
                status.shares.remove(share)
                status.shares_drift += 1

    def add_post(
        self,
        author: Person,
        text: str = "",
        *,
        at: float | None = None,
        id: int | None = None,
        media: list[Media] | None = None,
        visibility: str = "public",
        sensitive: bool = False,
        spoiler_text: str = "",
        comments_disabled: bool = False,
    ) -> Status:
        """Publish a post; without `media` it gets one generated photo. `media=[]` makes a text-only post."""
        at = self.now() if at is None else at
        status = Status(
            id=self.snowflake(at) if id is None else id,
            author=author,
            text=text,
            created_at=at,
            media=[self.make_media(author)] if media is None else media,
            visibility=Visibility(visibility),
            sensitive=sensitive,
            spoiler_text=spoiler_text,
            comments_disabled=comments_disabled,
        )
        self.statuses[status.id] = status
        for item in status.media:
            self.media_by_path[item.path] = self.media_by_path[item.preview_path] = item
        bisect.insort(author.posts, status, key=lambda post: post.id)
        self._notify_mentioned(status)
        return status

    def make_media(self, author: Person, *, kind: str = "image", **fields: object) -> Media:
        """Return one attachment with paths as Pixelfed builds them; `fields` are those of `Media`."""
        number = self.row_id("media")
        suffix = "mp4" if kind == "video" else "jpg"
        stem = f"/storage/m/_v2/{author.id}/{number:09x}-{number * 7919 % 0xFFFFFF:06x}/photo{number}"
        width, height = (None, None) if kind == "video" else (1200, 800)
        values: dict[str, object] = {"width": width, "height": height}
        values |= {"path": f"{stem}.{suffix}", "preview_path": f"{stem}_thumb.jpg"}
        values["mime"] = "video/mp4" if kind == "video" else "image/jpeg"
        return Media(id=number, kind=kind, **(values | fields))  # type: ignore[arg-type]

    def add_posts(
        self, author: Person, count: int, *, likes: int = 0, every_seconds: float = 3600.0
    ) -> list[Status]:
        """Add `count` photos by one author, the newest now, each liked by the same first `likes` people."""
        fans = self.add_people(likes)
        start = self.now() - every_seconds * (count - 1)
        posts = []
        for number in range(count):
            at = start + number * every_seconds
            posts.append(self.add_post(author, f"Photo {number + 1} #photo", at=at))
            for fan in fans:
                self.like(posts[-1], fan, at=min(at + 60, self.now()))
        return posts

    def comment(
        self, parent: Status, person: Person, text: str, at: float | None = None, *, id: int | None = None
    ) -> Status:
        """Answer a status; its author is notified with type `mention` (surprise 14)."""
        at = self.now() if at is None else at
        comment = Status(self.snowflake(at) if id is None else id, person, text, at, parent=parent)
        self.statuses[comment.id] = comment
        parent.replies.append(comment)
        if person is not parent.author:
            self.notify(parent.author, "mention", person, status=comment, at=at)
        self._notify_mentioned(comment)
        return comment

    def delete_comment(self, comment: Status) -> None:
        """Delete a comment: the parent's count falls and the notification vanishes."""
        comment.deleted = True
        if comment.parent is not None and comment in comment.parent.replies:
            comment.parent.replies.remove(comment)
        self._forget_notifications(comment.parent.author if comment.parent else None, comment)

    def delete_post(self, post: Status) -> None:
        """Delete a post for good; it answers 404 from now on, or 500 on the lists below it."""
        post.deleted = True
        self._forget_notifications(post.author, post)

    def archive_post(self, post: Status) -> None:
        """Hide a post as its author can: 404, and out of the list, until it is unarchived."""
        post.archived = True

    def unarchive_post(self, post: Status) -> None:
        """Bring an archived post back with everything it had."""
        post.archived = False

    def break_post(self, post: Status) -> None:
        """Make a post unrenderable: it is cut out of pages after the limit, so pages come short."""
        post.broken = True

    def edit_caption(self, post: Status, text: str, at: float | None = None) -> None:
        """Change a caption; the post gets `edited_at` and its history grows."""
        at = self.now() if at is None else at
        if not post.versions:
            post.versions.append((post.text, post.created_at))
        post.versions.append((text, at))
        post.text, post.edited_at = text, at
        post.rendered.clear()

    def like(
        self, post: Status, person: Person, at: float | None = None, *, id: int | None = None
    ) -> Like | None:
        """Let a person like a status; None if that like is there already."""
        if person.id in post.like_of:
            return None
        like = Like(self.row_id("likes", id), post, person, self.now() if at is None else at)
        post.likes.append(like)
        post.like_of[person.id] = like
        if person is not post.author:
            self.notify(post.author, "favourite", person, status=post, at=like.at)
        return like

    def unlike(self, post: Status, person: Person) -> None:
        """Take a like back; the notification stays (surprise 14). Nothing happens if there was none."""
        if like := post.like_of.pop(person.id, None):
            post.likes.remove(like)

    def share(
        self, post: Status, person: Person, at: float | None = None, *, id: int | None = None
    ) -> Share | None:
        """Let a person share a status; None if that share is there already."""
        if person.id in post.share_of:
            return None
        at = self.now() if at is None else at
        share = Share(self.snowflake(at) if id is None else id, post, person, at)
        post.shares.append(share)
        post.share_of[person.id] = share
        if person is not post.author:
            self.notify(post.author, "reblog", person, status=post, at=at)
        return share

    def unshare(self, post: Status, person: Person) -> None:
        """Take a share back; unlike with likes the notification goes with it."""
        if share := post.share_of.pop(person.id, None):
            post.shares.remove(share)
            author = post.author
            for rows in (author.notification_log, author.notification_cache):
                rows[:] = [
                    row
                    for row in rows
                    if row.kind != "reblog" or row.status is not post or row.actor is not person
                ]

    def find_status(self, number: int) -> Status | None:
        """Return a status that can be shown at all; None if unknown, deleted, archived or broken."""
        status = self.statuses.get(number)
        if status is None or status.deleted or status.archived or status.broken or status.author.removed:
            return None
        return status

    def may_see(self, viewer: Person, status: Status) -> bool:
        """True if the viewer is the author, or the post is not for followers only, or the viewer follows."""
        if status.visibility is not Visibility.PRIVATE or viewer is status.author:
            return True
        return status.author.id in viewer.following

    def listed_posts(self, author: Person, viewer: Person) -> Iterator[Status]:
        """Yield an author's media posts newest first, as the list of statuses holds them.

        Broken posts are yielded too: the server drops them after it cut the page.
        """
        for post in reversed(author.posts):
            if post.deleted or post.archived or not post.is_listed_media:
                continue
            if post.kind != "photo:video:album" and self.may_see(viewer, post):
                yield post
