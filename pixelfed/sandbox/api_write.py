"""The write side of the API: likes, comments, edits, deletions and uploads over HTTP."""

from __future__ import annotations

import re
from typing import Any

from pixelfed.sandbox import answers
from pixelfed.sandbox.answers import Answer, Request
from pixelfed.sandbox.api import ReadApi
from pixelfed.sandbox.entities import Media, Person, Status
from pixelfed.sandbox.serialise import moment

TRUE_WORDS = {"1", "true", "on", "yes", "True"}


class WriteApi(ReadApi):
    """Adds what changes the world; every call needs the scope `write`, relations need `follow`."""

    def favourite(self, request: Request, key: str) -> Answer:
        """POST /api/v1/statuses/:id/favourite; the count in the answer is one too high (surprise 12)."""
        viewer, status = self._changeable(request, key)
        if viewer.id in status.author.blocked:
            raise answers.unprocessable({"error": ""})
        before = status.likes_count
        self.world.like(status, viewer)
        entity = self.write.status(status, viewer, bookmarked=False)
        return Answer(entity | {"favourited": True, "favourites_count": before + 1})

    def unfavourite(self, request: Request, key: str) -> Answer:
        """POST /api/v1/statuses/:id/unfavourite."""
        viewer, status = self._changeable(request, key)
        self.world.unlike(status, viewer)
        return Answer(self.write.status(status, viewer, bookmarked=False))

    def reblog(self, request: Request, key: str) -> Answer:
        """POST /api/v1/statuses/:id/reblog."""
        viewer, status = self._changeable(request, key)
        self.world.share(status, viewer)
        return Answer(self.write.status(status, viewer, bookmarked=False))

    def unreblog(self, request: Request, key: str) -> Answer:
        """POST /api/v1/statuses/:id/unreblog."""
        viewer, status = self._changeable(request, key)
        self.world.unshare(status, viewer)
        return Answer(self.write.status(status, viewer, bookmarked=False))

    def bookmark(self, request: Request, key: str) -> Answer:
        """POST /api/v1/statuses/:id/bookmark; nothing is remembered."""
        viewer, status = self._changeable(request, key)
        return Answer(self.write.status(status, viewer))

    def create_status(self, request: Request) -> Answer:
        """POST /api/v1/statuses: a comment with `in_reply_to_id`, else a post with `media_ids[]`.

        Text alone is refused with 403 (036); closed comments and blocked people with 422 (039, 336).
        """
        viewer = self.sign_in(request, "write")
        form = _fields(request)
        text = str(form.get("status") or "")
        parent_key = str(form.get("in_reply_to_id") or "")
        if parent_key:
            parent = self._status(parent_key)
            if parent is None:
                raise answers.no_model(parent_key)
            if parent.comments_disabled:
                raise answers.unprocessable("Comments have been disabled on this post")
            if viewer.id in parent.author.blocked:
                raise answers.unprocessable({"error": "Cannot reply to this post at this time."})
            status = self.world.comment(parent, viewer, text)
        else:
            uploads = self._uploads(viewer, form)
            if not uploads:
                raise Refused("Empty statuses are not allowed")
            status = self.world.add_post(
                viewer,
                text,
                media=uploads,
                visibility=str(form.get("visibility") or "public"),
                sensitive=str(form.get("sensitive")) in TRUE_WORDS,
                spoiler_text=str(form.get("spoiler_text") or ""),
            )
        return Answer(self.write.status(status, viewer) | {"language": "en", "card": None})

    def edit_status(self, request: Request, key: str) -> Answer:
        """PUT /api/v1/statuses/:id; answers with Pixelfed's own entity (295, 296)."""
        viewer, status = self._own(request, key)
        form = _fields(request)
        if "sensitive" in form and str(form["sensitive"]) not in ("0", "1", "True", "False"):
            raise answers.invalid("sensitive", "The sensitive field must be true or false.")
        self.world.edit_caption(status, str(form.get("status") or ""))
        entity = self.write.own_status(status, viewer) | {"favourited": None, "reblogged": None}
        entity.pop("bookmarked")
        return Answer(entity)

    def delete_status(self, request: Request, key: str) -> Answer:
        """DELETE /api/v1/statuses/:id, for posts and comments; a second time it is 500 (283, 284)."""
        viewer, status = self._own(request, key)
        entity: dict[str, Any] = self.write.status(status, viewer)
        entity["created_at"] = moment(status.created_at, 6)
        entity |= {"language": "en", "card": None, "text": status.text}
        entity["account"] = self.write.own_account(viewer)
        entity["media_attachments"] = [self.write.own_media(media) for media in status.media]
        for key_left_out in ("content", "tags", "edited_at"):
            entity.pop(key_left_out)
        entity["tags"] = []
        if status.parent is None:
            self.world.delete_post(status)
        else:
            self.world.delete_comment(status)
        return Answer(entity)

    def relate(self, request: Request, key: str, verb: str) -> Answer:
        """POST /api/v1/accounts/:id/block, mute, follow and their opposites (289, 290)."""
        viewer = self.sign_in(request, "follow")
        other = self._person(key)
        if verb == "block":
            self.world.block(viewer, other)
        elif verb == "mute":
            self.world.mute(viewer, other)
        elif verb == "follow" and other.id not in viewer.following:
            self.world.follow(viewer, other)
        elif verb == "unfollow":
            self.world.unfollow(viewer, other)
        elif verb == "unblock":
            viewer.blocked.discard(other.id)
        elif verb == "unmute":
            viewer.muted.discard(other.id)
        return Answer(self.write.relationship(viewer, other))

    def upload(self, request: Request, version: str) -> Answer:
        """POST /api/v1/media (200) and /api/v2/media (202 with `url` null), multipart `file` (024, 026)."""
        viewer = self.sign_in(request, "write")
        parts = _multipart(request)
        content = parts.get("file", b"")
        if not content:
            raise answers.invalid("file", "The file field is required.")
        kind = "video" if b"ftyp" in content[:16] else "image"
        description = parts.get("description", b"").decode("utf-8", "replace") or None
        media = self.world.make_media(
            viewer, kind=kind, description=description, scene=content, width=None, height=None
        )
        media.preview_path = media.path
        self.world.uploads[media.id] = (viewer.id, media)
        entity = self.write.media(media)
        entity.pop("meta")
        entity["text_url"] = entity["url"]
        stamp = f"?v={int(self.world.now())}"
        entity["preview_url"] += stamp
        entity["url"] = None if version == "2" else entity["url"] + stamp
        return Answer(entity, 202 if version == "2" else 200)

    def _uploads(self, viewer: Person, form: dict[str, object]) -> list[Media]:
        keys = form.get("media_ids[]") or form.get("media_ids") or []
        keys = keys if isinstance(keys, list) else [keys]
        found = []
        for key in keys:
            owner, media = self.world.uploads.get(int(str(key)) if str(key).isdigit() else 0, (0, None))
            if media is None or owner != viewer.id:
                raise Refused("Invalid media_ids", status=400)
            found.append(media)
        for media in found:
            del self.world.uploads[media.id]
        return found

    def _changeable(self, request: Request, key: str) -> tuple[Person, Status]:
        viewer = self.sign_in(request, "write")
        status = self._status(key)
        if status is None:
            raise answers.no_model(key)
        if not self.world.may_see(viewer, status):
            raise answers.forbidden()
        return viewer, status

    def _own(self, request: Request, key: str) -> tuple[Person, Status]:
        viewer = self.sign_in(request, "write")
        status = self._status(key)
        if status is None or status.author is not viewer:
            raise answers.no_model(key)
        return viewer, status


class Refused(answers.Refusal):
    """A refusal in words, with the same status for everybody."""

    def __init__(self, words: str, status: int = 403) -> None:
        """Say `words` as the error."""
        super().__init__({"error": words}, status, status)


def _fields(request: Request) -> dict[str, object]:
    """Return the body's fields; a name that is repeated with `[]` becomes a list."""
    content_type = request.headers.get("content-type", "")
    if "multipart" in content_type:
        return {name: value.decode("utf-8", "replace") for name, value in _multipart(request).items()}
    if "json" in content_type:
        return request.form()
    return request.form_lists()


def _multipart(request: Request) -> dict[str, bytes]:
    """Take a multipart body apart; enough for one file and a few short fields."""
    match = re.search(r'boundary="?([^";]+)"?', request.headers.get("content-type", ""))
    if match is None:
        return {}
    parts: dict[str, bytes] = {}
    for part in request.body.split(b"--" + match.group(1).encode()):
        head, gap, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]+)"', head)
        if gap and name:
            parts[name.group(1).decode()] = content.removesuffix(b"\r\n")
    return parts
