"""Turns people, statuses and notifications into the JSON the recorded server gives for them.

Keys and null values follow the recordings; `_pe=1` asks for Pixelfed's own entities (api-facts A.2).
"""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from typing import Any

from pixelfed.sandbox.entities import Media, Notification, Person, Status
from pixelfed.sandbox.world import World

SHORTCODE_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
TAG_OR_MENTION = re.compile(r"(?<![\w&/])([#@])([^\W_][\w]*)")


def moment(seconds: float, digits: int = 3) -> str:
    """Return a time as the API writes it: whole seconds, 3 decimals (statuses) or 6 (accounts), Z."""
    written = datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{written}.{'0' * digits}Z"


def shortcode(number: int) -> str:
    """Return the short form of a status id."""
    letters = ""
    while number:
        number, rest = divmod(number, 64)
        letters = SHORTCODE_LETTERS[rest] + letters
    return letters


class Serialiser:
    """Writes one world's things with absolute URLs below `origin`."""

    def __init__(self, world: World, origin: str) -> None:
        """Write the things of `world`; `origin` has no slash at its end."""
        self.world = world
        self.origin = origin

    def account(self, person: Person) -> dict[str, Any]:
        """Return the Mastodon-like account (api-facts A.1)."""
        avatar = self.origin + person.avatar_path
        header = self.origin + "/storage/headers/missing.png"
        return {
            **self._account_start(person),
            "url": f"{self.origin}/{person.username}",
            "avatar": avatar,
            "created_at": moment(person.created_at, 6),
            "avatar_static": avatar,
            "bot": False,
            "emojis": [],
            "fields": [],
            "header": header,
            "header_static": header,
            "last_status_at": None,
        }

    def own_account(self, person: Person) -> dict[str, Any]:
        """Return Pixelfed's own account entity, as `_pe=1` and mentions give it."""
        return {
            **self._account_start(person),
            "note_text": person.note or None,
            "url": f"{self.origin}/{person.username}",
            "avatar": self.origin + person.avatar_path,
            "website": None,
            "local": True,
            "is_admin": False,
            "created_at": moment(person.created_at, 6),
            "header_bg": None,
            "last_fetched_at": None,
            "pronouns": [],
            "location": None,
        }

    def any_account(self, person: Person, own: bool) -> dict[str, Any]:
        """Return the account in the entity that was asked for."""
        return self.own_account(person) if own else self.account(person)

    @staticmethod
    def source() -> dict[str, Any]:
        """Return what verify_credentials adds to the account."""
        return {"privacy": "public", "sensitive": False, "language": "en", "note": "", "fields": []}

    def relationship(self, viewer: Person, other: Person) -> dict[str, Any]:
        """Return how the viewer stands to somebody."""
        return {
            "id": str(other.id),
            "following": other.id in viewer.following,
            "followed_by": viewer.id in other.following,
            "blocking": other.id in viewer.blocked,
            "muting": other.id in viewer.muted,
            "muting_notifications": None,
            "requested": False,
            "domain_blocking": None,
            "showing_reblogs": None,
            "endorsed": False,
        }

    def status(
        self, status: Status, viewer: Person | None, *, bookmarked: bool = True, viewed: bool = True
    ) -> dict[str, Any]:
        """Return the Mastodon-like status.

        Inside notifications and ancestors `favourited` is null (`viewed=False`); in contexts and
        notifications `bookmarked` is absent.
        """
        url = self.status_url(status)
        text = self._text(status)
        entity = {
            "id": str(status.id),
            "uri": url,
            "url": url,
            "in_reply_to_id": str(status.parent.id) if status.parent else None,
            "in_reply_to_account_id": str(status.parent.author.id) if status.parent else None,
            "reblog": None,
            "content": text["content"],
            "created_at": moment(status.created_at),
            "emojis": [],
            "reblogs_count": status.shares_count,
            "favourites_count": status.likes_count,
            "reblogged": viewed and viewer is not None and viewer.id in status.share_of,
            "favourited": (viewer is not None and viewer.id in status.like_of) if viewed else None,
            "muted": False,
            "sensitive": status.sensitive,
            "spoiler_text": status.spoiler_text,
            "visibility": str(status.visibility),
            "application": {"name": "web", "website": None},
            "language": None,
            "mentions": [self.own_account(person) for person in text["mentions"]],
            "tags": text["tags"],
            "poll": None,
            "edited_at": moment(status.edited_at) if status.edited_at else None,
            "account": self.account(status.author),
            "replies_count": status.replies_count,
            "media_attachments": [self.media(media) for media in status.media],
        }
        if bookmarked:
            entity["bookmarked"] = False
        return entity

    def own_status(self, status: Status, viewer: Person | None) -> dict[str, Any]:
        """Return Pixelfed's own status entity."""
        entity = self.status(status, viewer)
        entity["reply_count"] = entity.pop("replies_count")
        first = min(status.likes, key=lambda like: like.id).person if status.likes else None
        liked_by: dict[str, Any] = {"username": None, "others": False}
        if first is not None:
            others = status.likes_count - 1
            liked_by = {
                "id": str(first.id),
                "username": first.username,
                "url": f"/i/web/profile/{first.id}",
                "others": others > 0,
                "total_count": others,
                "total_count_pretty": str(others),
            }
        return entity | {
            "_v": 1,
            "shortcode": shortcode(status.id),
            "content_text": status.text,
            "muted": None,
            "pf_type": status.kind,
            "comments_disabled": status.comments_disabled,
            "thread": False,
            "replies": [],
            "parent": [],
            "place": None,
            "local": True,
            "taggedPeople": [],
            "label": {"covid": False},
            "liked_by": liked_by,
            "media_attachments": [self.own_media(media) for media in status.media],
            "account": self.own_account(status.author),
        }

    def any_status(self, status: Status, viewer: Person | None, own: bool) -> dict[str, Any]:
        """Return the status in the entity that was asked for."""
        return self.own_status(status, viewer) if own else self.status(status, viewer)

    def media(self, media: Media) -> dict[str, Any]:
        """Return one attachment; `meta` is null when the size is unknown, as with clips (api-facts A.3)."""
        meta = None
        if media.width and media.height:
            size = f"{media.width}x{media.height}"
            aspect = media.width / media.height
            original = {
                "width": media.width,
                "height": media.height,
                "size": size,
                "aspect": int(aspect) if aspect.is_integer() else aspect,
            }
            meta = {"focus": {"x": 0, "y": 0}, "original": original}
        return {
            "id": str(media.id),
            "type": media.kind,
            "url": self.origin + media.path,
            "remote_url": None,
            "preview_url": self.origin + media.preview_path,
            "text_url": None,
            "meta": meta,
            "description": media.description,
            "blurhash": media.blurhash,
        }

    def own_media(self, media: Media) -> dict[str, Any]:
        """Return one attachment with Pixelfed's extras."""
        orientation = None
        if media.width and media.height:
            wide, high = media.width > media.height, media.height > media.width
            orientation = "landscape" if wide else "portrait" if high else "square"
        return self.media(media) | {
            "optimized_url": None,
            "license": None,
            "is_nsfw": 0,
            "orientation": orientation,
            "filter_name": None,
            "filter_class": None,
            "mime": media.mime,
        }

    def notification(self, row: Notification) -> dict[str, Any]:
        """Return a notification; a follow has no `status`."""
        entity: dict[str, Any] = {
            "id": str(row.id),
            "type": row.kind,
            "created_at": moment(row.at),
            "account": self.account(row.actor),
        }
        if row.status is not None:
            entity["status"] = self.status(row.status, None, bookmarked=False, viewed=False)
        return entity

    def version(self, status: Status, text: str, at: float) -> dict[str, Any]:
        """Return one entry of a post's history."""
        return {
            "content": text.replace("\n", "<br />\n"),
            "spoiler_text": status.spoiler_text or None,
            "sensitive": status.sensitive,
            "created_at": moment(at),
            "account": self.own_account(status.author),
            "media_attachments": [self.own_media(media) for media in status.media],
            "emojis": [],
        }

    def status_url(self, status: Status) -> str:
        """Return the address of a status' page."""
        return f"{self.origin}/p/{status.author.username}/{status.id}"

    def _account_start(self, person: Person) -> dict[str, Any]:
        return {
            "id": str(person.id),
            "username": person.username,
            "acct": person.username,
            "display_name": person.display_name,
            "discoverable": True,
            "locked": False,
            "followers_count": len(person.followers),
            "following_count": len(person.following),
            "statuses_count": person.statuses_count,
            "note": person.note,
        }

    def _text(self, status: Status) -> dict[str, Any]:
        cached = status.rendered.get(self.origin)
        if cached is None:
            cached = status.rendered[self.origin] = self._render(status.text)
        return cached

    def _render(self, text: str) -> dict[str, Any]:
        """Link hashtags and mentions as the server does; plain text stays as it was typed."""
        tags: dict[str, str] = {}
        mentions: dict[int, Person] = {}

        def link(match: re.Match[str]) -> str:
            sign, word = match.groups()
            if sign == "#":
                tags[word] = f"{self.origin}/discover/tags/{word}"
                return (
                    f'<a href="{tags[word]}?src=hash" title="#{word}" class="u-url hashtag" '
                    f'rel="external nofollow noopener">#{word}</a>'
                )
            person = self.world.people_by_name.get(word)
            if person is None:
                return match.group()
            mentions[person.id] = person
            return (
                f'<a class="u-url mention" href="{self.origin}/{word}" rel="external nofollow noopener" '
                f'target="_blank">@{word}</a>'
            )

        content = text
        if TAG_OR_MENTION.search(text):
            content = TAG_OR_MENTION.sub(link, html.escape(text, quote=False))
        return {
            "content": content,
            "tags": [{"name": name, "url": url} for name, url in tags.items()],
            "mentions": list(mentions.values()),
        }
