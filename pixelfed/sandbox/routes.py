"""Which address is answered by what."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pixelfed.sandbox import answers
from pixelfed.sandbox.answers import HTML, Answer, Request
from pixelfed.sandbox.api_write import WriteApi
from pixelfed.sandbox.entities import Dialect
from pixelfed.sandbox.instance import InstanceApi
from pixelfed.sandbox.oauth import OAuthApi
from pixelfed.sandbox.pages import PublicPages
from pixelfed.sandbox.world import World

type Handler = Callable[..., Answer]

PREFERENCES = {
    "posting:default:visibility": "public",
    "posting:default:sensitive": False,
    "posting:default:language": None,
    "reading:expand:media": "default",
    "reading:expand:spoilers": False,
}


class Router:
    """Finds the handler of a request and turns refusals into answers."""

    def __init__(self, world: World, dialect: Dialect, origin: str, picture_folder: str | None) -> None:
        """Answer for one world at one address."""
        self.world, self.dialect, self.origin = world, dialect, origin
        api = WriteApi(world, dialect, origin)
        oauth = OAuthApi(world, dialect, origin)
        about = InstanceApi(world, dialect, origin, api)
        self.pages = PublicPages(world, origin, picture_folder)
        pages = self.pages
        one = r"([^/]+)"
        table: list[tuple[str, dict[str, Handler]]] = [
            ("/api/v1/instance", {"GET": about.instance_v1}),
            ("/api/v2/instance", {"GET": about.instance_v2}),
            ("/.well-known/nodeinfo", {"GET": about.nodeinfo_links}),
            ("/api/nodeinfo/2.0(?:.json)?", {"GET": about.nodeinfo}),
            ("/nodeinfo/2.0", {"GET": about.nodeinfo}),
            ("/.well-known/webfinger", {"GET": about.webfinger}),
            ("/api/v1/apps", {"POST": oauth.register_app}),
            ("/api/v1/apps/verify_credentials", {"GET": about.own_app}),
            ("/oauth/authorize", {"GET": oauth.show_consent, "POST": oauth.decide}),
            ("/oauth/token", {"POST": oauth.token}),
            ("/login", {"GET": oauth.show_sign_in, "POST": oauth.sign_in_here}),
            ("/logout", {"POST": oauth.sign_out, "GET": oauth.sign_out}),
            ("/api/v1/accounts/verify_credentials", {"GET": api.verify_credentials}),
            ("/api/v1/accounts/relationships", {"GET": api.relationships}),
            ("/api/v1/accounts/search", {"GET": api.search_accounts}),
            ("/api/v2/search", {"GET": api.search}),
            (f"/api/v1/accounts/{one}", {"GET": api.account}),
            (f"/api/v1/accounts/{one}/statuses", {"GET": api.account_statuses}),
            (f"/api/v1/accounts/{one}/followers", {"GET": api.followers}),
            (f"/api/v1/accounts/{one}/following", {"GET": api.following}),
            (
                f"/api/v1/accounts/{one}/(block|unblock|mute|unmute|follow|unfollow)",
                {"POST": api.relate},
            ),
            (f"/api/v1.1/accounts/{one}/posts", {"GET": self._ignoring(api.constant([]))}),
            ("/api/v1/statuses", {"POST": api.create_status}),
            (
                f"/api/v1/statuses/{one}",
                {"GET": api.status, "PUT": api.edit_status, "DELETE": api.delete_status},
            ),
            (f"/api/v1/statuses/{one}/context", {"GET": api.context}),
            (f"/api/v1/statuses/{one}/favourited_by", {"GET": api.favourited_by}),
            (f"/api/v1/statuses/{one}/reblogged_by", {"GET": api.reblogged_by}),
            (f"/api/v1/statuses/{one}/history", {"GET": api.history}),
            (f"/api/v1/statuses/{one}/card", {"GET": api.card}),
            (f"/api/v1/statuses/{one}/favourite", {"POST": api.favourite}),
            (f"/api/v1/statuses/{one}/unfavourite", {"POST": api.unfavourite}),
            (f"/api/v1/statuses/{one}/reblog", {"POST": api.reblog}),
            (f"/api/v1/statuses/{one}/unreblog", {"POST": api.unreblog}),
            (f"/api/v1/statuses/{one}/(?:un)?bookmark", {"POST": api.bookmark}),
            (f"/api/v2/statuses/{one}/replies", {"GET": self._session_only}),
            ("/api/v1/notifications", {"GET": api.notifications}),
            ("/api/v1/timelines/home", {"GET": api.home}),
            ("/api/v1/favourites", {"GET": api.favourites}),
            ("/api/v1/bookmarks", {"GET": api.constant([])}),
            ("/api/v1/preferences", {"GET": api.constant(PREFERENCES)}),
            ("/api/v1/markers", {"GET": api.constant({})}),
            ("/api/v([12])/media", {"POST": lambda request, version: api.upload(request, version)}),
            (f"/api/v1/media/{one}", {"GET": self._media_gone}),
            ("/", {"GET": pages.start}),
            ("/storage/(.+)", {"GET": pages.stored_file}),
            (f"/p/{one}/{one}", {"GET": pages.post}),
            (f"/{one}", {"GET": pages.profile}),
        ]
        self.table = [(re.compile(pattern), handlers) for pattern, handlers in table]

    def answer(self, request: Request) -> Answer:
        """Return the answer to a request; refusals come out in the manner of the dialect."""
        try:
            return self._dispatch(request)
        except answers.Refusal as refusal:
            answer = refusal.answer(request, self.dialect, self.origin)
            if request.path.startswith("/.well-known/"):
                answer.headers["Access-Control-Allow-Origin"] = "*"
            return answer

    def _dispatch(self, request: Request) -> Answer:
        method = "GET" if request.method == "HEAD" else request.method
        for pattern, handlers in self.table:
            match = pattern.fullmatch(request.path)
            if match is None:
                continue
            if method == "OPTIONS":
                return Answer("", 200, HTML, {"Allow": ",".join(_allowed(handlers))})
            if method not in handlers:
                raise answers.wrong_method(request.method, request.path, _allowed(handlers))
            return handlers[method](request, *match.groups())
        raise answers.no_route(request.path)

    @staticmethod
    def _ignoring(handler: Handler) -> Handler:
        return lambda request, *parts: handler(request)

    @staticmethod
    def _session_only(request: Request, key: str) -> Answer:
        """A route of the web pages: a token is not enough there (surprise 9)."""
        raise answers.forbidden()

    def _media_gone(self, request: Request, key: str) -> Answer:
        """GET /api/v1/media/:id finds only what is not attached yet (348)."""
        raise answers.Refusal(
            {"error": f"No query results for model [App\\Media] {key}"}, 500, 404, honest_status=404
        )


def _allowed(handlers: dict[str, Any]) -> list[str]:
    names = list(handlers)
    return ["GET", "HEAD", *[name for name in names if name != "GET"]] if "GET" in names else names
