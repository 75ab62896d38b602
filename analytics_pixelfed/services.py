"""Reads one Pixelfed account for the analytics engine."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.conf import settings

from analytics_core import platforms
from analytics_core.engine import hosts
from analytics_core.fetcher import AnalyticsFetcher
from analytics_core.platforms import (
    CommentRecord,
    Listing,
    NotificationRecord,
    PersonRecord,
    PostRecord,
    ProfileRecord,
)
from pixelfed.models import MastodonAccount

from . import parsing, renewing
from .answers import Gone, WrongAnswer
from .paging import item_id, oldest_id
from .pixelfed_client import PixelfedAPIClient


@dataclass
class PixelfedSource:
    """What the client brings, in the engine's words."""

    client: PixelfedAPIClient

    @property
    def requests_count(self) -> int:
        """Requests sent so far."""
        return self.client.requests_count

    def profile(self) -> ProfileRecord:
        """Return the account that the token belongs to."""
        answer = self.client.verify_credentials()
        profile = parsing.parse_profile(answer)
        if not isinstance(answer, dict):
            # Not our client, which brings dicts only, but a stand-in for it: its word is good enough.
            profile = replace(profile, remote_id=str(answer.get("id"))[:100])
        return profile

    def posts(self, remote_account_id: str, *, before_id: str, limit: int) -> Listing[PostRecord]:
        """Return one page of posts with media, newest first."""
        found = self.client.get_account_posts(remote_account_id, max_id=before_id or None, limit=limit)
        page = parsing.parse_each(found, parsing.parse_post)
        page.next_id = getattr(found, "next_id", None) or oldest_id(found)
        author = found[0].get("account") if found and isinstance(found[0], dict) else None
        if item_id(author) == remote_account_id:
            page.profile = parsing.parse_profile(author)
        return page

    def post_exists(self, post_id: str) -> bool:
        """Tell whether the post can be read now."""
        try:
            self.client.get_post(post_id)
        except Gone:
            return False
        return True

    def likers(self, post_id: str) -> Listing[PersonRecord]:
        """Return everybody who likes the post."""
        return parsing.parse_each(self.client.get_post_favourited_by(post_id), parsing.parse_person)

    def sharers(self, post_id: str) -> Listing[PersonRecord]:
        """Return everybody who shares the post."""
        return parsing.parse_each(self.client.get_post_reblogged_by(post_id), parsing.parse_person)

    def comments(self, post_id: str, *, expected_count: int | None) -> Listing[CommentRecord]:
        """Return the comments that a token can see."""
        context = self.client.get_post_context(post_id, replies_count=expected_count)
        return parsing.parse_each(context, parsing.parse_comment)

    def notifications(self, *, since_id: str) -> Listing[NotificationRecord]:
        """Return what was notified after `since_id`, newest first; "": all that the instance still has."""
        found = self.client.get_notifications(since_id or None)
        # A stand-in for the client may know no notifications.
        return parsing.parse_each(found if isinstance(found, list) else [], parsing.parse_notification)


class PixelfedAnalyticsFetcher(AnalyticsFetcher):
    """Reads one account on a Pixelfed instance; see `AnalyticsFetcher` for what it does.

    Raises:
        PixelfedAPIError: the account's instance address cannot be one.
    """

    account: MastodonAccount

    def __init__(self, account: MastodonAccount) -> None:
        super().__init__(account)
        self.platform = platforms.get("pixelfed")
        self.client = PixelfedAPIClient(instance_url=account.instance_url, access_token=account.access_token)
        turn = hosts.Turn()
        self.client.wait_turn, self.client.end_turn = turn.wait, turn.end
        self.client.may_go_on = self.may_read_on

    @property
    def source(self) -> PixelfedSource:
        """The client, in the engine's words."""
        return PixelfedSource(self.client)

    def check_access(self) -> None:
        """Renew a token that is about to end; raise before anything is sent if it cannot be decrypted.

        Raises:
            PixelfedAPIError: it is our fault and not the instance's, so the account stays active.
        """
        if not self.account.has_readable_token:
            raise WrongAnswer(
                "PostFlow cannot read its stored access to this account. "
                "Whoever runs PostFlow has to check SECRET_KEY and SALT_KEY; connecting it again helps too."
            )
        if renewing.renew_token(self.account):
            self.client.access_token = self.account.access_token

    def hurry(self) -> None:
        """Ask each question once, and wait for its answer a sixth as long as usual."""
        super().hurry()
        self.client.retries = 0
        self.client.timeout_seconds = settings.FETCH_TIMEOUT / 6

    def close(self) -> None:
        """Close the client's connections."""
        self.client.close()
