"""The public pages of a sandbox instance and its stored files: profiles, posts, pictures, avatars."""

from __future__ import annotations

from html import escape

from pixelfed.sandbox import answers, pictures
from pixelfed.sandbox.answers import HTML, Answer, Request
from pixelfed.sandbox.entities import Person, Status, Visibility
from pixelfed.sandbox.layout import page
from pixelfed.sandbox.world import World

# A file type box and an empty one: an honest, tiny MP4 without a moving picture in it.
EMPTY_CLIP = bytes.fromhex("000000186674797069736f6d0000020069736f6d6d703431") + bytes.fromhex(
    "0000000866726565"
)
FOR_A_DAY = {"Cache-Control": "public, max-age=86400"}


class PublicPages:
    """What a browser sees without any token."""

    def __init__(self, world: World, origin: str, picture_folder: str | None = None) -> None:
        """Show `world`; generated pictures are kept in memory, and in `picture_folder` if one is given."""
        self.world, self.origin = world, origin
        self.gallery = pictures.Gallery(picture_folder)

    def start(self, request: Request) -> Answer:
        """GET /: who is here."""
        people = sorted(self.world.people.values(), key=lambda person: -len(person.posts))[:12]
        rows = "".join(
            f'<li><a href="/{person.username}">{escape(person.display_name)}</a> '
            f'<span class="quiet">{len(person.posts)} posts</span></li>'
            for person in people
        )
        return Answer(page(self.world.title, "Welcome", f"<h1>Welcome</h1><ul>{rows}</ul>"), 200, HTML)

    def profile(self, request: Request, name: str) -> Answer:
        """GET /:username: the public posts as a grid."""
        person = self.world.people_by_name.get(name)
        if person is None or person.removed:
            raise answers.no_route(request.path)
        tiles = "".join(
            f'<a href="/p/{name}/{post.id}"><img loading="lazy" src="{post.media[0].preview_path}" '
            f'alt="{escape(post.media[0].description or "")}"></a>'
            for post in reversed(person.posts)
            if self._is_public(post) and post.media
        )
        head = (
            f'<p><img class="face" src="{person.avatar_path}" alt=""></p>'
            f"<h1>{escape(person.display_name)}</h1>"
            f'<p class="quiet">@{escape(name)} · {person.statuses_count} posts · '
            f"{len(person.followers)} followers</p><p>{escape(person.note)}</p>"
        )
        return Answer(
            page(self.world.title, person.display_name, f'{head}<div class="grid">{tiles}</div>'), 200, HTML
        )

    def post(self, request: Request, name: str, key: str) -> Answer:
        """GET /p/:username/:id: the pictures, the caption and the comments."""
        status = self.world.find_status(int(key)) if key.isdigit() else None
        if status is None or status.author.username != name or status.visibility is Visibility.PRIVATE:
            raise answers.no_route(request.path)
        figures = "".join(
            f'<figure><video controls src="{item.path}" poster="{item.preview_path}"></video></figure>'
            if item.kind == "video"
            else f'<figure><img src="{item.path}" alt="{escape(item.description or "")}"></figure>'
            for item in status.media
        )
        caption = escape(status.text).replace("\n", "<br>")
        comments = "".join(self._comment(reply) for reply in status.replies)
        body = (
            f'{figures}<p>{caption}</p><p class="quiet"><a href="/{name}">@{escape(name)}</a> · '
            f"{status.likes_count} likes · {status.shares_count} shares</p>{comments}"
        )
        return Answer(page(self.world.title, status.author.display_name, body), 200, HTML)

    def stored_file(self, request: Request, name: str) -> Answer:
        """GET /storage/...: a post's picture or its 640-pixel preview, or a face.

        A clip answers with a tiny MP4 that holds no moving picture.
        """
        path = f"/storage/{name}"
        if name.startswith(("avatars/", "headers/")) or name == "no-preview.png":
            return Answer(self.gallery.face(path), 200, "image/jpeg", dict(FOR_A_DAY))
        media = self.world.media_by_path.get(path)
        if media is None:
            raise answers.no_route(request.path)
        if path == media.path and isinstance(media.scene, bytes):
            return Answer(media.scene, 200, media.mime, dict(FOR_A_DAY))
        if path == media.path and media.kind == "video":
            return Answer(EMPTY_CLIP, 200, "video/mp4", dict(FOR_A_DAY))
        small = path == media.preview_path and media.preview_path != media.path
        return Answer(self.gallery.photo(media, small=small), 200, "image/jpeg", dict(FOR_A_DAY))

    def _comment(self, status: Status) -> str:
        nested = "".join(self._comment(reply) for reply in status.replies)
        author: Person = status.author
        return (
            f"<blockquote><strong>@{escape(author.username)}</strong> {escape(status.text)}{nested}"
            "</blockquote>"
        )

    @staticmethod
    def _is_public(post: Status) -> bool:
        gone = post.deleted or post.archived or post.broken
        return not gone and post.visibility is Visibility.PUBLIC
