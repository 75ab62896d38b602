"""Reads who engaged with posts: lists, notifications, and what to make of a list that fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from analytics_core import ingest
from analytics_core.engine import notices
from analytics_core.engine.due import Reading
from analytics_core.engine.visit import Visit
from analytics_core.platforms import CommentRecord, Gone, Listing, PlatformError, TryLater, id_order

# A host that fails twice in a row, retries included, is left alone for this visit.
TROUBLE_LIMIT = 2
SUSPICIOUS_COUNT = 5


class EngagementReader:
    """Reads posts of one account and adds what it found to the visit's stats.

    These are new_likes, new_comments and new_shares, or their totals; posts_processed, errors, message.
    """

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.platform, self.account, self.source = visit.platform, visit.account, visit.source
        self.state, self.stats = visit.state, visit.stats
        self._has_read = False

    def read_all(self, due: Sequence[Reading]) -> None:
        """Read notifications once, then post by post; `apply_notices` puts the two together."""
        comments = self._read_notifications()
        self.read_posts(due)
        # What answered a comment that was not known before may have its place now.
        self._add("new_comments", notices.add_comments(self.platform, self.account, comments))

    def read_posts(self, posts: Sequence[Reading]) -> None:
        """Read posts one by one until the budget ends or the host fails too often in a row."""
        troubles = 0
        for done, (post, kinds) in enumerate(posts):
            if not self.visit.may_go_on():
                self.stats["work_left"] = True
                return
            self.visit.tell("engagement", done, len(posts))
            errors_before = self.stats["errors"]
            trouble = self.read_post(post, kinds)
            self.stats["posts_processed"] += 1
            troubles = troubles + 1 if trouble else 0
            is_last = done + 1 == len(posts)
            if troubles >= TROUBLE_LIMIT and self.stats["errors"] > errors_before and not is_last:
                raise TryLater(self.stats["message"])
        self.visit.tell("engagement", len(posts), len(posts))

    def read_post(self, post: Any, kinds: Sequence[str]) -> bool:
        """Read some kinds of one post and store what was read whole. Tells if the host was in trouble."""
        listings: dict[str, Listing[Any]] = {}
        trouble, began_at = False, timezone.now()
        try:
            for kind in kinds:
                try:
                    listings[kind] = self._read_kind(post, kind)
                except Gone as error:
                    if self.source.post_exists(getattr(post, self.platform.post_id_field)):
                        self.visit.on_error(error)
                    else:
                        ingest.mark_missing(self.platform, post, seen_at=timezone.now())
                        break
                except PlatformError as error:
                    trouble = trouble or isinstance(error, TryLater)
                    self.visit.on_error(error)
        finally:
            # What was read before a failure is good.
            if listings:
                outcome = ingest.ingest_engagement(
                    self.platform, post, listings, began_at=began_at, seen_at=timezone.now()
                )
                for kind, result in outcome.items():
                    self._add(f"new_{kind}", result.new_count + result.returned_count)
        return trouble

    def _read_kind(self, post: Any, kind: str) -> Listing[Any]:
        post_id = getattr(post, self.platform.post_id_field)
        server_count = getattr(post, f"{kind}_server_count")
        listing: Listing[Any]
        if kind == "likes":
            listing = self.source.likers(post_id)
        elif kind == "shares":
            listing = self.source.sharers(post_id)
        else:
            listing = self.source.comments(post_id, expected_count=server_count)
        if not listing.items and (server_count or 0) >= SUSPICIOUS_COUNT:
            # Counters drift by a few; an empty list beside a large one is a fault that must end nobody.
            listing.is_complete = False
        if listing.is_cut and not self._has_read:
            # It had all the time there is: another visit gets no further.
            listing.is_cut = False
        self._has_read = True
        if listing.is_cut:
            self.stats["work_left"] = True
        return listing

    def _read_notifications(self) -> list[CommentRecord]:
        """Keep the times and comments that notifications tell; without them times are less exact.

        Returns:
            The comments.
        """
        state = self.state
        try:
            listing = self.source.notifications(since_id=state.seen_notification_id)
        except PlatformError as error:
            self.visit.on_error(error)
            return []
        new_comments_count = notices.ingest_notifications(self.platform, self.account, listing.items)
        self._add("new_comments", new_comments_count)
        newest = max((record.remote_id for record in listing.items), key=id_order, default="")
        if newest:
            state.seen_notification_id = newest
            state.save(update_fields=["seen_notification_id"])
        return [record.comment for record in listing.items if record.comment]

    def _add(self, name: str, count: int) -> None:
        """Add to the total where the result has one, else to the count of the single post."""
        key = f"total_{name}" if f"total_{name}" in self.stats else name
        self.stats[key] = self.stats.get(key, 0) + count
