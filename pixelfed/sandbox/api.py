"""The read side of the API: what a fetcher asks a Pixelfed for, with the recorded manners."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from pixelfed.sandbox import answers, paging, tokens
from pixelfed.sandbox.answers import Answer, Request
from pixelfed.sandbox.entities import Dialect, Follow, Like, Notification, Person, Share, Status
from pixelfed.sandbox.serialise import Serialiser, moment
from pixelfed.sandbox.world import World

NOTIFICATION_TYPES = {"mention", "reblog", "follow", "favourite"}


class ReadApi:
    """Answers the GET requests of one instance; every method takes the request and parts of its path."""

    def __init__(self, world: World, dialect: Dialect, origin: str) -> None:
        """Answer for `world` in the manner of `dialect`, with URLs below `origin`."""
        self.world = world
        self.dialect = dialect
        self.origin = origin
        self.write = Serialiser(world, origin)

    # Who asks

    def sign_in(self, request: Request, scope: str) -> Person:
        """Return the person whose token came along; refuses without one or without the scope."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        claims = None
        if kind.lower() == "bearer":
            claims = tokens.read_access_token(self.world.secret, token.strip(), self.world.now())
        person = self.world.people.get(claims.person_id or 0) if claims else None
        if claims is None or person is None or person.removed:
            raise answers.unauthenticated()
        if claims.serial in self.world.revoked_tokens or claims.issued_at < person.tokens_valid_from:
            raise answers.unauthenticated()
        if scope not in claims.scopes:
            raise answers.forbidden()
        request.viewer, request.scopes = person, claims.scopes
        return person

    # Accounts

    def verify_credentials(self, request: Request) -> Answer:
        """GET /api/v1/accounts/verify_credentials (042, 043, 318)."""
        viewer = self.sign_in(request, "read")
        if viewer.suspended:
            raise answers.forbidden()
        entity = self.write.any_account(viewer, request.as_pixelfed_entity)
        return Answer(entity | {"source": self.write.source()})

    def account(self, request: Request, key: str) -> Answer:
        """GET /api/v1/accounts/:id; a name or `lookup` is no id (048-050)."""
        self.sign_in(request, "read")
        return Answer(self.write.any_account(self._person(key), request.as_pixelfed_entity))

    def relationships(self, request: Request) -> Answer:
        """GET /api/v1/accounts/relationships?id[]= (053)."""
        viewer = self.sign_in(request, "read")
        ids = [value for name, value in request.query if name in ("id[]", "id")]
        return Answer([self.write.relationship(viewer, self._person(key)) for key in ids])

    def search_accounts(self, request: Request) -> Answer:
        """GET /api/v1/accounts/search?q= (051)."""
        self.sign_in(request, "read")
        limit = paging.page_limit(request, self.dialect, default=40, highest=40)
        return Answer(self._accounts_like(request.get("q"), limit))

    def search(self, request: Request) -> Answer:
        """GET /api/v2/search?q= (052)."""
        self.sign_in(request, "read")
        return Answer({"accounts": self._accounts_like(request.get("q"), 20), "hashtags": [], "statuses": []})

    def followers(self, request: Request, key: str) -> Answer:
        """GET /api/v1/accounts/:id/followers: swapped Link, 10 by default (054-056)."""
        viewer = self.sign_in(request, "read")
        person = self._person(key)
        return self._people_page(
            request,
            list(reversed(person.followers.values())),
            lambda row: (row.id, row.follower),
            default=10,
            highest=80,
            refuse_above=False,
            all_pages=viewer is person,
        )

    def following(self, request: Request, key: str) -> Answer:
        """GET /api/v1/accounts/:id/following, like followers."""
        viewer = self.sign_in(request, "read")
        person = self._person(key)
        return self._people_page(
            request,
            list(reversed(person.following.values())),
            lambda row: (row.id, row.followed),
            default=10,
            highest=80,
            refuse_above=False,
            all_pages=viewer is person,
        )

    def account_statuses(self, request: Request, key: str) -> Answer:
        """GET /api/v1/accounts/:id/statuses: no Link, 40 at most, min_id beats max_id (surprise 5)."""
        viewer = self.sign_in(request, "read")
        limit = paging.page_limit(request, self.dialect, default=20, highest=40)
        author = self._person(key, "Account not found")
        posts = self.world.listed_posts(author, viewer)
        if request.get("media_type") == "video" and request.get("only_media") not in ("", "0"):
            posts = (post for post in posts if post.kind in ("video", "video:album"))
        link = ""
        if self.dialect.links_on_statuses:
            page, link = paging.id_page(
                list(posts), lambda post: post.id, request, limit, self._address(request), newer="min_id"
            )
        else:
            lowest = paging.whole_number(request, "min_id")
            highest = paging.whole_number(request, "max_id")
            paging.whole_number(request, "since_id")
            if lowest:
                posts = (post for post in posts if post.id > lowest)
            elif highest:
                posts = (post for post in posts if post.id < highest)
            page = list(islice(posts, limit))
        own = request.as_pixelfed_entity
        body = [self.write.any_status(post, viewer, own) for post in page if not post.broken]
        return Answer(body, headers={"Link": link} if link else {})

    # Statuses

    def status(self, request: Request, key: str) -> Answer:
        """GET /api/v1/statuses/:id; 404 with an empty message, 403 for followers only (104, 201)."""
        viewer = self.sign_in(request, "read")
        status = self._status(key)
        if status is None:
            raise answers.not_found()
        if not self.world.may_see(viewer, status):
            raise answers.forbidden()
        return Answer(self.write.any_status(status, viewer, request.as_pixelfed_entity))

    def context(self, request: Request, key: str) -> Answer:
        """GET /api/v1/statuses/:id/context: the parent and at most 20 direct replies (surprise 10).

        Comments of muted and blocked people take a place among the 20 and are left out (339).
        """
        viewer = self.sign_in(request, "read")
        status = self._status(key)
        if status is None or not self.world.may_see(viewer, status):
            raise answers.empty_not_found()
        parent = status.parent
        ancestors = []
        if parent is not None and self.world.find_status(parent.id):
            ancestors = [self.write.status(parent, viewer, bookmarked=False, viewed=False)]
        replies = sorted(self._replies(status), key=lambda reply: reply.id)
        unwanted = viewer.muted | viewer.blocked
        descendants = [
            self.write.status(reply, viewer, bookmarked=False)
            for reply in replies[: self.dialect.context_limit]
            if reply.author.id not in unwanted and not reply.author.removed and not reply.broken
        ]
        return Answer({"ancestors": ancestors, "descendants": descendants})

    def favourited_by(self, request: Request, key: str) -> Answer:
        """GET /api/v1/statuses/:id/favourited_by: newest like first, above 80 is cut (surprises 1-4)."""
        viewer, status = self._listable(request, key)
        return self._people_page(
            request,
            sorted(status.likes, key=lambda like: -like.id),
            lambda row: (row.id, row.person),
            default=self.dialect.likers_default_limit,
            highest=80,
            refuse_above=False,
            all_pages=viewer is status.author,
        )

    def reblogged_by(self, request: Request, key: str) -> Answer:
        """GET /api/v1/statuses/:id/reblogged_by: 10 by default, above 80 is an error (154)."""
        viewer, status = self._listable(request, key)
        return self._people_page(
            request,
            sorted(status.shares, key=lambda share: -share.id),
            lambda row: (row.id, row.person),
            default=self.dialect.sharers_default_limit,
            highest=80,
            refuse_above=True,
            all_pages=viewer is status.author,
        )

    def history(self, request: Request, key: str) -> Answer:
        """GET /api/v1/statuses/:id/history: [] until it is edited (158, 298)."""
        self.sign_in(request, "read")
        status = self._status(key)
        if status is None:
            raise answers.not_found()
        versions = [self.write.version(status, text, at) for text, at in reversed(status.versions)]
        return Answer(versions)

    def card(self, request: Request, key: str) -> Answer:
        """GET /api/v1/statuses/:id/card: always [] (159)."""
        self.sign_in(request, "read")
        if self._status(key) is None:
            raise answers.not_found()
        return Answer([])

    # Notifications

    def notifications(self, request: Request) -> Answer:
        """GET /api/v1/notifications with its traps (surprises 6-8): see `_notification_rows`."""
        viewer = self.sign_in(request, "read")
        limit = paging.page_limit(request, self.dialect, default=20, highest=40)
        kind = request.get("type")
        if kind and kind not in NOTIFICATION_TYPES:
            raise answers.invalid("type", "The selected type is invalid.")
        if viewer.cache_is_cold:
            self.world.warm_cache(viewer)
            return Answer([])
        rows = list(reversed(viewer.notification_cache))
        if self.dialect.list_paging == "ids":
            rows = [row for row in rows if not self.world.is_hidden(row, viewer)]
            page, link = paging.id_page(
                rows, lambda row: row.id, request, limit, self._address(request), newer="min_id"
            )
        else:
            page = self._notification_rows(request, rows, limit)
            link = self._notification_link(page, limit)
        visible = [self.write.notification(row) for row in page if not self.world.is_hidden(row, viewer)]
        return Answer(visible, headers={"Link": link} if link else {})

    def _notification_rows(
        self, request: Request, rows: list[Notification], limit: int
    ) -> list[Notification]:
        """Cut the page before entries are filtered; `max_id` always steps over one entry (187)."""
        highest = paging.whole_number(request, "max_id")
        lowest = paging.whole_number(request, "min_id")
        since = paging.whole_number(request, "since_id")
        quirks = self.dialect.notifications_quirks
        if highest:
            if not quirks:
                return [row for row in rows if row.id < highest][:limit]
            return [row for row in rows if row.id <= highest][1 : limit + 1]
        if lowest:
            return [row for row in rows if row.id >= lowest + (not quirks)][:limit]
        if since:
            return [row for row in rows if row.id > since][:limit]
        return rows[:limit]

    def _notification_link(self, page: Sequence[Notification], limit: int) -> str:
        """Return the Link header; a page of one entry gets the empty `max_id=` that starts over (171)."""
        if not page:
            return ""
        address = f"{self.origin}/api/v1/notifications?limit={limit}"
        newest, oldest = page[0].id, page[-1].id
        if newest == oldest:
            return f'<{address}&max_id=>; rel="next"' if self.dialect.notifications_quirks else ""
        return f'<{address}&max_id={oldest}>; rel="next",<{address}&min_id={newest}>; rel="prev"'

    # Small ones

    def home(self, request: Request) -> Answer:
        """GET /api/v1/timelines/home: posts of oneself and of whom one follows (193)."""
        viewer = self.sign_in(request, "read")
        limit = paging.page_limit(request, self.dialect, default=20, highest=40)
        authors = [viewer, *(row.followed for row in viewer.following.values())]
        posts = [post for author in authors for post in self.world.listed_posts(author, viewer)]
        posts.sort(key=lambda post: -post.id)
        highest = paging.whole_number(request, "max_id")
        page = [post for post in posts if not highest or post.id < highest][:limit]
        link = ""
        if page:
            address = f"{self.origin}/api/v1/timelines/home?limit={limit}"
            link = f'<{address}&max_id={page[-1].id}>; rel="next",<{address}&min_id={page[0].id}>; rel="prev"'
        body = [self.write.status(post, viewer) for post in page if not post.broken]
        return Answer(body, headers={"Link": link} if link else {})

    def favourites(self, request: Request) -> Answer:
        """GET /api/v1/favourites: what the person likes, newest like first; `reblogged` is false (194)."""
        viewer = self.sign_in(request, "read")
        limit = paging.page_limit(request, self.dialect, default=10, highest=40)
        likes = [
            like
            for status in self.world.statuses.values()
            if (like := status.like_of.get(viewer.id)) and self.world.find_status(status.id)
        ]
        likes = sorted(likes, key=lambda like: -like.id)[:limit]
        body = [self.write.status(like.status, viewer, bookmarked=False) for like in likes]
        for entity, like in zip(body, likes, strict=True):
            entity |= {"reblogged": False, "like_id": like.id, "liked_at": moment(like.at)}
        if not likes:
            return Answer(body)
        address = f"{self.origin}/api/v1/favourites?limit={limit}"
        newest, oldest = likes[0].id, likes[-1].id
        # The two ends are mixed up on the real server as well.
        link = f'<{address}&max_id={newest}>; rel="next",<{address}&min_id={oldest}>; rel="prev"'
        return Answer(body, headers={"Link": link})

    def constant(self, value: Any) -> Callable[[Request], Answer]:
        """Return a handler that gives a signed-in person always the same."""

        def answer(request: Request) -> Answer:
            self.sign_in(request, "read")
            return Answer(value)

        return answer

    # Helpers

    def _person(self, key: str, message: str = "Record not found") -> Person:
        person = self.world.people.get(int(key)) if key.isdigit() else None
        if person is None or person.removed:
            raise answers.not_found(message)
        return person

    def _status(self, key: str) -> Status | None:
        return self.world.find_status(int(key)) if key.isdigit() else None

    def _listable(self, request: Request, key: str) -> tuple[Person, Status]:
        viewer = self.sign_in(request, "read")
        status = self._status(key)
        if status is None:
            raise answers.no_model(key)
        if not self.world.may_see(viewer, status):
            raise answers.forbidden()
        return viewer, status

    @staticmethod
    def _replies(status: Status) -> list[Status]:
        return [reply for reply in status.replies if not reply.deleted]

    def _accounts_like(self, words: str, limit: int) -> list[dict[str, Any]]:
        found = [
            person
            for person in self.world.people.values()
            if words.lower().lstrip("@") in person.username.lower() and not person.removed
        ]
        found.sort(key=lambda person: person.username)
        return [self.write.account(person) for person in found[:limit]]

    def _people_page[Row: (Like, Share, Follow)](
        self,
        request: Request,
        rows: Sequence[Row],
        take: Callable[[Row], tuple[int, Person]],
        *,
        default: int,
        highest: int,
        refuse_above: bool,
        all_pages: bool,
    ) -> Answer:
        """Answer one page of people; those who no longer resolve are dropped after the cut."""
        limit = paging.page_limit(
            request, self.dialect, default=default, highest=highest, refuse_above=refuse_above
        )
        if self.dialect.list_paging == "ids":
            page, link = paging.id_page(
                rows, lambda row: take(row)[0], request, limit, self._address(request)
            )
        else:
            page, link = paging.cursor_page(
                rows, lambda row: take(row)[0], request, limit, self._address(request)
            )
            if not all_pages:
                # Only the author is given further pages; a cursor leads anybody else nowhere (135, 136).
                page, link = ([] if request.has("cursor") else page), ""
        own = request.as_pixelfed_entity and "/accounts/" not in request.path
        people = [take(row)[1] for row in page]
        body = []
        for person in people:
            if person.removed:
                continue
            entity = self.write.any_account(person, request.as_pixelfed_entity)
            if own:
                followed = request.viewer.following if request.viewer else {}
                entity["follows"] = None if person is request.viewer else person.id in followed
            body.append(entity)
        return Answer(body, headers={"Link": link} if link else {})

    def _address(self, request: Request) -> str:
        return self.origin + request.path
