"""Pixelfed, as the engine sees it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.tasks import Task

from analytics_core.platforms import Platform, ProfileRecord
from pixelfed.models import AccountQuerySet, MastodonAccount
from postflow.models import ScheduledPost

from .answers import WrongAnswer
from .models import PixelfedPost
from .software import ASKED_AT_ONCE, identify

if TYPE_CHECKING:
    from .services import PixelfedAnalyticsFetcher


# How far a post's own time may be from the time it was planned for.
LINK_WINDOW = timedelta(minutes=5)


class PixelfedPlatform(Platform):
    """Accounts on Pixelfed instances."""

    name = "pixelfed"
    label = "Pixelfed"
    post_id_field = "pixelfed_post_id"
    stylesheet = "analytics_pixelfed/platform.css"
    has_own_pages = True
    post_model = PixelfedPost

    @property
    def hourly_task(self) -> Task:
        """The task that reads all accounts at each full hour."""
        from .tasks import fetch_all_pixelfed_engagement

        return fetch_all_pixelfed_engagement

    def find_accounts(self) -> None:
        """Ask the instances of accounts whose software nobody has told, unless their address tells it."""
        unknown = MastodonAccount.objects.active().filter(software="")
        identify(unknown.exclude(instance_url__icontains="pixelfed").order_by("?")[:ASKED_AT_ONCE])

    def accounts(self) -> AccountQuerySet:
        """Accounts whose instance runs Pixelfed, and those that were read as such by hand."""
        have_posts = Q(Exists(PixelfedPost.objects.filter(account=OuterRef("pk"))), software="")
        # Asked of each row: as a list of keys it would look through everybody's accounts on every page.
        return MastodonAccount.objects.pixelfed() | MastodonAccount.objects.filter(have_posts)

    def active_accounts(self) -> AccountQuerySet:
        """Those neither paused nor waiting to be reconnected."""
        return self.accounts().active()

    def fetcher(self, account: MastodonAccount) -> PixelfedAnalyticsFetcher:
        """Return a fetcher for one account."""
        from .services import PixelfedAnalyticsFetcher

        return PixelfedAnalyticsFetcher(account)

    def store_profile(self, account: MastodonAccount, profile: ProfileRecord) -> None:
        """Keep the account's id, name and picture.

        Raises:
            PixelfedAPIError: there is no id, or this user has connected the same account already.
        """
        if not profile.remote_id:
            raise WrongAnswer(f"{account.host} does not say whose access this is.")
        account.remote_id = profile.remote_id
        account.display_name = profile.display_name
        account.avatar_url = profile.avatar_url
        try:
            with transaction.atomic():
                account.save(update_fields=["remote_id", "display_name", "avatar_url"])
        except IntegrityError as error:
            account.remote_id = ""
            raise WrongAnswer(f"{account} is connected twice; remove one of the two.") from error

    def ask_to_reconnect(self, account: MastodonAccount, *, message: str) -> None:
        """Stop reading the account until its owner has connected it again.

        Not where they have just done so, since the token before was refused; nor where they paused it.
        """
        refused = MastodonAccount.objects.filter(pk=account.pk, token_stored_at=account.token_stored_at)
        state = MastodonAccount.State.RECONNECT
        if refused.exclude(state=MastodonAccount.State.PAUSED).update(
            state=state, state_reason=message[:300]
        ):
            account.state, account.state_reason = state, message[:300]

    def note_access(self, account: MastodonAccount) -> None:
        """Set an account going that waited to be reconnected: its token is good again."""
        if account.state == MastodonAccount.State.RECONNECT:
            account.state, account.state_reason = MastodonAccount.State.ACTIVE, ""
            waiting = MastodonAccount.objects.filter(pk=account.pk, state=MastodonAccount.State.RECONNECT)
            waiting.update(state=account.state, state_reason="")

    def disconnect(self, account: MastodonAccount) -> bool:
        """Delete the account with everything, and give its token back where the server takes it.

        Returns:
            Whether the access is over at the instance too.
        """
        from .connections import disconnect

        return disconnect(account)

    def link_posts(self, account: MastodonAccount, posts: Sequence[PixelfedPost]) -> None:
        """Link posts to the planned ones they come from (US-5.1).

        That is the planned post with this id; else, among those whose id is not known, one with the same
        caption, whatever its case, planned for at most five minutes before or after.
        """
        posts = [post for post in posts if post.scheduled_post_id is None]
        if not posts:
            return
        first, last = min(post.posted_at for post in posts), max(post.posted_at for post in posts)
        planned = ScheduledPost.objects.filter(user=account.user_id)
        by_id = {
            plan.pixelfed_post_id: plan
            for plan in planned.filter(pixelfed_post_id__in=[post.pixelfed_post_id for post in posts])
        }
        near = list(
            planned.filter(
                pixelfed_post_id="", scheduled_time__range=(first - LINK_WINDOW, last + LINK_WINDOW)
            )
        )
        linked = []
        for post in posts:
            plan = by_id.get(post.pixelfed_post_id) or next(
                (plan for plan in near if _is_of(post, plan)), None
            )
            if plan is not None:
                post.scheduled_post = plan
                linked.append(post)
        PixelfedPost.objects.bulk_update(linked, ["scheduled_post"])


def _is_of(post: PixelfedPost, plan: ScheduledPost) -> bool:
    same_caption = plan.caption.strip().casefold() == post.caption.strip().casefold()
    return same_caption and abs(post.posted_at - plan.scheduled_time) <= LINK_WINDOW
