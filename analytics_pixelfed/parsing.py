"""Turns what the client brings into the engine's records, one odd item at a time.

Every function returns a record or raises WrongAnswer for an item that cannot be one; `parse_each` leaves
such items out and counts them. Facts: api-facts A.1 to A.3 and section 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from analytics_core.models import MediaType
from analytics_core.platforms import (
    CommentRecord,
    Listing,
    NotificationRecord,
    PersonRecord,
    PostRecord,
    ProfileRecord,
)
from analytics_core.text import html_to_text, plain_text

from .answers import WrongAnswer
from .paging import clean_id, item_id

MAX_URL_LENGTH = 500
MAX_COUNT = 2**31 - 1
MAX_MEDIA_COUNT = 2**15 - 1
# Older than any of these servers, or further ahead than any clock is wrong.
EARLIEST_YEAR, LATEST_YEAR = 1990, 2100

# What Pixelfed says while it has not computed one (api-facts A.3).
NO_BLURHASH = "U4Rfzst8?bt7ogayj[j[~pfQ9Goe%Mj[WBay"

KIND_OF_NOTIFICATION = {"favourite": "likes", "reblog": "shares", "mention": "comments"}


def parse_each[T](items: Any, parse: Callable[[Any], T]) -> Listing[T]:
    """Parse a list's items; odd ones are left out and counted, in `skipped_count`, with the client's own.

    A list without the client's word on how complete it is counts as complete.

    Raises:
        WrongAnswer: this is no list.
    """
    if not isinstance(items, list):
        raise WrongAnswer("A list was expected and something else came.")
    records = []
    skipped_count = getattr(items, "skipped_count", 0)
    for item in items:
        try:
            records.append(parse(item))
        except WrongAnswer:
            skipped_count += 1
    return Listing(
        items=records,
        is_complete=getattr(items, "is_complete", True) and not skipped_count,
        is_cut=getattr(items, "is_cut", False),
        skipped_count=skipped_count,
        next_id=getattr(items, "next_id", ""),
    )


def parse_profile(item: Any) -> ProfileRecord:
    """Read an account as verify_credentials shows it."""
    item = _dict(item)
    return ProfileRecord(
        remote_id=item_id(item),
        username=plain_text(item.get("username"), max_length=100),
        display_name=plain_text(item.get("display_name"), max_length=200),
        avatar_url=_url(item.get("avatar")),
        # Pixelfed tells 0 where the owner hides the number (api-facts, trap 10): not known, then.
        followers_count=_count(item.get("followers_count")) or None,
        following_count=_count(item.get("following_count")) or None,
        posts_count=_count(item.get("statuses_count")),
    )


def parse_post(item: Any) -> PostRecord:
    """Read a status; one without a picture or video is odd (api-facts A.2)."""
    remote_id = _id_of(item)
    media = list(_media(item.get("media_attachments")))
    if not media:
        raise WrongAnswer("A post came without a picture or video.")
    first = media[0]
    original = _dict(_dict(first.get("meta")).get("original"))
    return PostRecord(
        remote_id=remote_id,
        caption=html_to_text(item.get("content")),
        media_url=_url(first.get("url")),
        media_type=MediaType.CAROUSEL if len(media) > 1 else _media_type(first),
        media_count=min(len(media), MAX_MEDIA_COUNT),
        media_width=_size(original.get("width")),
        media_height=_size(original.get("height")),
        thumbnail_url=_thumbnail(first),
        alt_text=plain_text(first.get("description")),
        blurhash=_blurhash(first),
        visibility=plain_text(item.get("visibility"), max_length=20),
        is_sensitive=item.get("sensitive") is True,
        post_url=_url(item.get("url")) or _url(item.get("uri")),
        posted_at=_moment(item.get("created_at")),
        likes_count=_count(item.get("favourites_count")),
        comments_count=_count(item.get("replies_count")),
        shares_count=_count(item.get("reblogs_count")),
    )


def parse_person(item: Any) -> PersonRecord:
    """Read an account that liked or shared; its handle is user@host when it lives elsewhere."""
    remote_id = _id_of(item)
    handle = plain_text(item.get("acct"), max_length=255) or plain_text(item.get("username"), max_length=255)
    return PersonRecord(
        remote_id=remote_id,
        username=handle or remote_id,
        display_name=plain_text(item.get("display_name"), max_length=200),
    )


def parse_comment(item: Any) -> CommentRecord:
    """Read a comment in the flat form of `PixelfedAPIClient.get_post_context`."""
    remote_id = _id_of(item)
    person = {
        "id": item.get("account_id"),
        "username": item.get("username"),
        "display_name": item.get("display_name"),
    }
    return CommentRecord(
        remote_id=remote_id,
        person=parse_person(person),
        content=html_to_text(item.get("content")),
        commented_at=_moment(item.get("created_at")),
        in_reply_to_id=clean_id(item.get("in_reply_to_id")) or None,
    )


def parse_notification(item: Any) -> NotificationRecord:
    """Read a notification; `kind` stays empty for those that tell nothing of a post's engagement."""
    remote_id, happened_at = _id_of(item), _moment(item.get("created_at"))
    kind = KIND_OF_NOTIFICATION.get(plain_text(item.get("type")), "")
    status, account = _dict(item.get("status")), _dict(item.get("account"))
    if not kind or not status or not account:
        # A null account is ordinary (api-facts, trap 7).
        return NotificationRecord(remote_id=remote_id, happened_at=happened_at, kind="")
    if kind != "comments":
        return NotificationRecord(
            remote_id=remote_id,
            happened_at=happened_at,
            kind=kind,
            person=parse_person(account),
            post_id=_id_of(status),
        )
    writer = _dict(status.get("account")) or account
    comment = parse_comment(
        {
            "id": status.get("id"),
            "account_id": writer.get("id"),
            "username": writer.get("acct") or writer.get("username"),
            "display_name": writer.get("display_name"),
            "content": status.get("content"),
            "created_at": status.get("created_at"),
            "in_reply_to_id": status.get("in_reply_to_id"),
        }
    )
    is_answer = comment.in_reply_to_id is not None
    return NotificationRecord(
        remote_id=remote_id,
        happened_at=happened_at,
        kind=kind if is_answer else "",
        person=comment.person,
        comment=comment if is_answer else None,
    )


def _id_of(item: Any) -> str:
    remote_id = item_id(item)
    if not remote_id:
        raise WrongAnswer("Something came without an id.")
    return remote_id


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        moment = moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise WrongAnswer("Something came without a time.") from error
    if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
        raise WrongAnswer("Something came with an impossible time.")
    return moment


def _count(value: Any) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_COUNT
    return value if is_count else None


def _size(value: Any) -> int | None:
    return _count(value) or None


def _url(value: Any) -> str:
    """Return a web address that fits our columns, "" for anything else."""
    if not isinstance(value, str) or len(value) > MAX_URL_LENGTH or not value.isprintable() or " " in value:
        return ""
    try:
        parts = urlsplit(value)
        return value if parts.scheme in ("http", "https") and parts.hostname else ""
    except ValueError:
        return ""


def _media(items: Any) -> Iterable[dict[str, Any]]:
    """The pictures and videos among the attachments that have an address."""
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict) and _url(item.get("url")) and item.get("type") != "audio":
            yield item


def _media_type(item: dict[str, Any]) -> MediaType:
    # Pixelfed says "unknown" where it lost the MIME type: a picture in all likelihood (api-facts A.3).
    return MediaType.VIDEO if item.get("type") in ("video", "gifv") else MediaType.IMAGE


def _blurhash(item: dict[str, Any]) -> str:
    found = plain_text(item.get("blurhash"), max_length=100)
    return "" if found == NO_BLURHASH else found


def _thumbnail(item: dict[str, Any]) -> str:
    preview = _url(item.get("preview_url"))
    return "" if preview.endswith("no-preview.png") else preview
