"""What an instance says about itself: instance v1 and v2, nodeinfo, webfinger (recordings 001-006)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pixelfed.sandbox import answers
from pixelfed.sandbox.answers import Answer, Request
from pixelfed.sandbox.api import ReadApi
from pixelfed.sandbox.entities import Dialect
from pixelfed.sandbox.world import World

ABOUT = "A sandbox that answers like a Pixelfed. Nothing here is real, nobody is watching."
OPEN_TO_ALL = {"Access-Control-Allow-Origin": "*"}
NODEINFO_SCHEMA = "http://nodeinfo.diaspora.software/ns/schema/2.0"


class InstanceApi:
    """Public calls that need no token."""

    def __init__(self, world: World, dialect: Dialect, origin: str, api: ReadApi) -> None:
        """Describe `world`, reachable at `origin`, as the software of `dialect`."""
        self.world, self.dialect, self.origin, self.api = world, dialect, origin, api
        self.host = world.domain or urlsplit(origin).hostname or "localhost"

    @property
    def version(self) -> str:
        """The version string of the instance documents (surprise 23)."""
        if self.dialect.software == "pixelfed":
            return f"3.5.3 (compatible; Pixelfed {self.dialect.version})"
        return self.dialect.version

    def instance_v1(self, request: Request) -> Answer:
        """GET /api/v1/instance: `uri` is a bare host, `thumbnail` a relative URL."""
        media = self._media_limits() | {"image_matrix_limit": 16777216, "video_frame_rate_limit": 120}
        return Answer(
            {
                "uri": self.host,
                "title": self.world.title,
                "short_description": ABOUT,
                "description": ABOUT,
                "email": "admin@example.test",
                "version": self.version,
                "urls": {"streaming_api": None},
                "stats": {"user_count": len(self.world.people), "status_count": 0, "domain_count": 0},
                "thumbnail": "/storage/headers/default.jpg",
                "languages": ["en"],
                "registrations": True,
                "approval_required": False,
                "contact_account": None,
                "rules": [],
                "configuration": {
                    "media_attachments": media | {"video_matrix_limit": 2304000},
                    "polls": {
                        "max_characters_per_option": 50,
                        "max_expiration": 2629746,
                        "max_options": 4,
                        "min_expiration": 300,
                    },
                    "statuses": self._status_limits(),
                },
            }
        )

    def instance_v2(self, request: Request) -> Answer:
        """GET /api/v2/instance."""
        source = f"https://github.com/{self.dialect.software}/{self.dialect.software}"
        picture = "/storage/headers/default.jpg"
        return Answer(
            {
                "domain": self.host,
                "title": self.world.title,
                "version": self.version,
                "source_url": source,
                "description": ABOUT,
                "usage": {"users": {"active_month": len(self.world.people)}},
                "thumbnail": {
                    "url": picture,
                    "blurhash": "UzJR]l{wHZRjM}R%XRkCH?X9xaWEjZj]kAjt",
                    "versions": {"@1x": picture, "@2x": picture},
                },
                "languages": ["en"],
                "configuration": {
                    "urls": {"streaming": None, "status": None},
                    "vapid": {"public_key": None},
                    "accounts": {"max_featured_tags": 0},
                    "statuses": self._status_limits(),
                    "media_attachments": self._media_limits()
                    | {
                        "image_matrix_limit": 3686400,
                        "video_frame_rate_limit": 240,
                        "video_matrix_limit": 3686400,
                    },
                    "polls": {
                        "max_options": 0,
                        "max_characters_per_option": 0,
                        "min_expiration": 0,
                        "max_expiration": 0,
                    },
                    "translation": {"enabled": False},
                },
                "registrations": {
                    "enabled": True,
                    "approval_required": False,
                    "message": None,
                    "url": None,
                },
                "contact": {"email": "admin@example.test", "account": None},
                "rules": [],
            }
        )

    def nodeinfo_links(self, request: Request) -> Answer:
        """GET /.well-known/nodeinfo."""
        path = "/api/nodeinfo/2.0.json" if self.dialect.software == "pixelfed" else "/nodeinfo/2.0"
        links = {"links": [{"href": self.origin + path, "rel": NODEINFO_SCHEMA}]}
        return Answer(links, headers=dict(OPEN_TO_ALL))

    def nodeinfo(self, request: Request) -> Answer:
        """GET of the nodeinfo document: `software.name` is what a client decides by."""
        people = len(self.world.people)
        features = {
            "timelines": {"local": True, "network": True},
            "mobile_apis": True,
            "stories": True,
            "video": True,
            "import": {"instagram": False, "mastodon": False, "pixelfed": False},
            "label": {"covid": {"enabled": True, "org": "", "url": "https://example.test/advice"}},
            "hls": {"enabled": False},
        }
        document: dict[str, Any] = {
            "metadata": {
                "nodeName": self.world.title,
                "software": {
                    "homepage": "https://pixelfed.org",
                    "repo": "https://github.com/pixelfed/pixelfed",
                },
                "config": {"features": features},
            },
            "protocols": ["activitypub"],
            "services": {"inbound": [], "outbound": []},
            "software": {"name": self.dialect.software, "version": self.dialect.version},
            "usage": {
                "localPosts": 0,
                "localComments": 0,
                "users": {"total": people, "activeHalfyear": people, "activeMonth": people},
            },
            "version": "2.0",
            "openRegistrations": True,
        }
        return Answer(document, headers=dict(OPEN_TO_ALL))

    def webfinger(self, request: Request) -> Answer:
        """GET /.well-known/webfinger?resource=acct:name@host."""
        name = request.get("resource").removeprefix("acct:").lstrip("@").split("@")[0]
        person = self.world.people_by_name.get(name)
        if person is None:
            raise answers.not_found()
        page, actor = f"{self.origin}/{name}", f"{self.origin}/users/{name}"
        links = [
            {"rel": "http://webfinger.net/rel/profile-page", "type": "text/html", "href": page},
            {
                "rel": "http://schemas.google.com/g/2010#updates-from",
                "type": "application/atom+xml",
                "href": f"{actor}.atom",
            },
            {"rel": "self", "type": "application/activity+json", "href": actor},
            {
                "rel": "http://webfinger.net/rel/avatar",
                "type": "image/jpeg",
                "href": self.origin + person.avatar_path,
            },
        ]
        body = {"subject": f"acct:{name}@{self.host}", "aliases": [page, actor], "links": links}
        return Answer(body, headers=dict(OPEN_TO_ALL))

    def own_app(self, request: Request) -> Answer:
        """GET /api/v1/apps/verify_credentials (041)."""
        self.api.sign_in(request, "read")
        return Answer({"name": "Analytics", "website": None, "vapid_key": None})

    def _status_limits(self) -> dict[str, int]:
        return {"characters_reserved_per_url": 23, "max_characters": 500, "max_media_attachments": 10}

    def _media_limits(self) -> dict[str, Any]:
        return {
            "image_size_limit": 15360000,
            "supported_mime_types": list(self.dialect.media_accept),
            "video_size_limit": 15360000,
        }
