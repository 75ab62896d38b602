"""Lists an account's posts: the newest at every visit, the whole history once, then round and round.

The rolling sweep is what keeps old posts from freezing: each page it lists brings the counters of forty
posts of any age, and shows which posts are gone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Length
from django.utils import timezone

from analytics_core import ingest, schedule
from analytics_core.engine.reconcile import BATCH_SIZE
from analytics_core.engine.visit import Visit
from analytics_core.models import AccountCount
from analytics_core.platforms import Listing, PlatformError, PostRecord, ProfileRecord, id_order

# Posts that lists leave out are asked for by id: so many a page, each once a day.
ABSENCE_CHECKS = 5
ABSENCE_CHECK_AFTER = timedelta(hours=24)


class PostLister:
    """Brings the posts of one account up to date, page by page.

    It adds to the visit's posts_synced, posts_created, posts_updated and skipped with every page.
    """

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.platform, self.account, self.source = visit.platform, visit.account, visit.source
        self.state, self.stats = visit.state, visit.stats
        self._profile: ProfileRecord | None = None
        for name in ("posts_synced", "posts_created", "posts_updated", "skipped"):
            self.stats.setdefault(name, 0)

    def read_page(
        self, *, before_id: str = "", limit: int = schedule.POSTS_PER_PAGE
    ) -> tuple[Listing[PostRecord], int]:
        """List one page of posts older than `before_id` ("": the newest) and store it.

        Returns:
            The page, and how many of its posts are new to us.
        """
        page = self.source.posts(self._remote_account_id(), before_id=before_id, limit=limit)
        if before_id and id_order(page.next_id) >= id_order(before_id):
            # A server that repeats itself would lead in a circle for ever.
            page = Listing(items=[])
        saved = ingest.ingest_posts(self.platform, self.account, page.items)
        self.stats["posts_synced"] += len(saved.posts)
        self.stats["posts_created"] += saved.created_count
        self.stats["posts_updated"] += saved.updated_count
        self.stats["skipped"] += page.skipped_count
        self._check_absent(page, before_id)
        return page, saved.created_count

    def list_newest(self, limit: int, max_posts: int) -> None:
        """List the newest `max_posts` posts, `limit` a page."""
        before_id = ""
        while self.stats["posts_synced"] < max_posts and self.visit.may_go_on():
            page, _ = self.read_page(
                before_id=before_id, limit=min(limit, max_posts - self.stats["posts_synced"])
            )
            self._tell()
            before_id = page.next_id
            if not before_id:
                return

    def survey(self) -> None:
        """List the newest page, and note how many posts the account has."""
        page, _ = self.read_page()
        self.count_account(page.profile)

    def count_account(self, profile: ProfileRecord | None) -> None:
        """Note once a day how many follow the account, as its posts say; ask only where they do not."""
        today = timezone.now().astimezone(UTC).date()
        own = {"platform": self.platform.name, "account_id": self.account.pk, "counted_on": today}
        if AccountCount.objects.filter(**own).exists():
            return
        try:
            profile = profile or self._profile or self._ask_profile()
        except PlatformError as error:
            # The posts do not depend on it.
            self.visit.on_error(error)
            return
        self._set_posts_count(profile)
        if profile.avatar_url and profile.avatar_url != getattr(
            self.account, "avatar_url", profile.avatar_url
        ):
            self.platform.store_profile(self.account, profile)
        counts = {
            name: getattr(profile, name) for name in ("followers_count", "following_count", "posts_count")
        }
        AccountCount.objects.update_or_create(**own, defaults=counts)

    def list_due(self, *, sweep_pages: int) -> bool:
        """List the newest page, and what else is due, at most `sweep_pages` of older posts.

        Returns:
            Whether the history is complete.

        A visit killed half-way goes on where it was: how far it got is stored after each page.
        """
        state = self.state
        page, new_count = self.read_page()
        self.count_account(page.profile)
        all_new = new_count > 0 and new_count == len(page.items)
        if not state.history_is_complete and not state.history_before_id:
            self._set_history(page.next_id)
        elif all_new and state.history_is_complete:
            # More than a page of new posts since the last visit: walk down until known ones turn up.
            self._walk_down(page.next_id)
        while not state.history_is_complete and self.visit.may_go_on():
            self._tell()
            older, _ = self.read_page(before_id=state.history_before_id)
            self._set_history(older.next_id)
        if state.history_is_complete:
            self._sweep(page, at_most=sweep_pages)
        return state.history_is_complete

    def _set_history(self, next_id: str) -> None:
        self.state.history_before_id = next_id
        self.state.history_is_complete = not next_id
        self.state.save(update_fields=["history_before_id", "history_is_complete"])

    def _walk_down(self, before_id: str) -> None:
        while before_id and self.visit.may_go_on():
            self._tell()
            page, new_count = self.read_page(before_id=before_id)
            before_id = page.next_id
            if not new_count:
                return

    def _sweep(self, newest: Listing[PostRecord], *, at_most: int) -> None:
        """List the pages of older posts that are due in this visit."""
        state, now = self.state, timezone.now()
        if state.sweep_started_at is None:
            self._set_sweep(before_id="", pages_count=0, started_at=now)
        due = schedule.sweep_pages_due(
            # A full page may hide older posts that we never met, imported ones for example.
            posts_count=max(self._posts().count(), len(newest.items) + 1),
            pages_done=state.sweep_pages_count,
            started_at=state.sweep_started_at or now,
            now=now,
        )
        for _ in range(min(due, at_most)):
            if not self.visit.may_go_on():
                return
            page, _ = self.read_page(before_id=state.sweep_before_id or newest.next_id)
            if not page.next_id or self._ends_sweep(page):
                # Once around: the next sweep begins now.
                self._set_sweep(before_id="", pages_count=0, started_at=now)
                return
            self._set_sweep(
                before_id=page.next_id,
                pages_count=state.sweep_pages_count + 1,
                started_at=state.sweep_started_at,
            )

    def _ends_sweep(self, page: Listing[PostRecord]) -> bool:
        """Tell whether a page holds our oldest post, and this sweep does not look for older ones."""
        started_at = self.state.sweep_started_at or timezone.now()
        if schedule.looks_for_older_posts(started_at=started_at, account_id=self.account.pk):
            return False
        return not self._between("", page.next_id).filter(missing_since_at=None).exists()

    def _set_sweep(self, *, before_id: str, pages_count: int, started_at: Any) -> None:
        self.state.sweep_before_id = before_id
        self.state.sweep_pages_count = pages_count
        self.state.sweep_started_at = started_at
        self.state.save(update_fields=["sweep_before_id", "sweep_pages_count", "sweep_started_at"])

    def _tell(self) -> None:
        self.visit.tell("posts", self.stats["posts_synced"], self.state.server_posts_count)

    def _posts(self) -> QuerySet[Any]:
        return self.platform.post_model.objects.filter(account=self.account)

    def _remote_account_id(self) -> str:
        """Return the account's id at its platform, asked for once."""
        if not self.platform.remote_account_id(self.account):
            self._ask_profile()
        return self.platform.remote_account_id(self.account)

    def _ask_profile(self) -> ProfileRecord:
        profile = self.source.profile()
        if not self.platform.remote_account_id(self.account):
            self.platform.store_profile(self.account, profile)
        self._set_posts_count(profile)
        self._profile = profile
        return profile

    def _set_posts_count(self, profile: ProfileRecord) -> None:
        if self.state.server_posts_count != profile.posts_count:
            self.state.server_posts_count = profile.posts_count
            self.state.save(update_fields=["server_posts_count"])

    def _check_absent(self, page: Listing[PostRecord], before_id: str) -> None:
        """Ask by id for known posts that a page should have shown: deleted ones are noted as missing."""
        now, id_field = timezone.now(), self.platform.post_id_field
        for post in self._absent(page, before_id, asked_before=now - ABSENCE_CHECK_AFTER):
            try:
                is_there = self.source.post_exists(getattr(post, id_field))
            except PlatformError as error:
                # A post whose own page is broken must not end every visit from now on.
                self.visit.on_error(error)
                self._posts().filter(pk=post.pk).update(absence_checked_at=now)
                return
            if is_there:
                self._posts().filter(pk=post.pk).update(absence_checked_at=now)
            else:
                ingest.mark_missing(self.platform, post, seen_at=now)

    def _absent(self, page: Listing[PostRecord], before_id: str, *, asked_before: datetime) -> list[Any]:
        """Return the newest posts that a page leaves out and that were not asked for since `asked_before`."""
        id_field = self.platform.post_id_field
        covered = self._between(page.next_id, before_id).values_list(id_field, flat=True)
        listed = {record.remote_id for record in page.items}
        # Ids alone: an index holds them, and nearly always all of them are listed.
        absent_ids = set(covered) - listed
        if not absent_ids:
            return []
        if len(absent_ids) <= BATCH_SIZE:
            posts = self._posts().filter(**{f"{id_field}__in": absent_ids})
        else:
            # An emptied account: too many to name, and perhaps all known as missing already.
            posts = self._between(page.next_id, before_id).exclude(**{f"{id_field}__in": listed})
        never_or_long_ago = Q(absence_checked_at=None) | Q(absence_checked_at__lt=asked_before)
        posts = posts.filter(never_or_long_ago, missing_since_at=None)
        return list(posts.order_by("-posted_at")[:ABSENCE_CHECKS])

    def _between(self, newer_than: str, older_than: str) -> QuerySet[Any]:
        """Return the posts whose ids lie between two others; "" is no bound."""
        # Ids are whole numbers of any length, kept as text: the longer one is larger.
        id_field = self.platform.post_id_field
        posts = self._posts().annotate(id_length=Length(id_field))
        if newer_than:
            is_longer = Q(id_length__gt=len(newer_than))
            posts = posts.filter(is_longer | Q(id_length=len(newer_than), **{f"{id_field}__gt": newer_than}))
        if older_than:
            is_shorter = Q(id_length__lt=len(older_than))
            posts = posts.filter(is_shorter | Q(id_length=len(older_than), **{f"{id_field}__lt": older_than}))
        if newer_than and len(newer_than) == len(older_than):
            # The same again, as an index can tell it.
            posts = posts.filter(**{f"{id_field}__gt": newer_than, f"{id_field}__lt": older_than})
        return posts.order_by()
