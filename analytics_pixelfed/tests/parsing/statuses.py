"""Statuses as an instance sends them, made up or recorded."""

from typing import Any

from analytics_core.platforms import PostRecord
from analytics_pixelfed import parsing
from analytics_pixelfed.pixelfed_client import PixelfedAPIError
from tests.recorded import answered


def recorded(number: int) -> Any:
    """The body of a recorded answer, to be changed at will."""
    return answered(number)["body"]


def photo(**changes: Any) -> dict[str, Any]:
    return {"id": "17", "type": "image", "url": "https://photos.example/a.jpg"} | changes


def post(**changes: Any) -> dict[str, Any]:
    return {
        "id": "812345678901234567",
        "content": "Harbour",
        "created_at": "2026-09-30T05:41:07.000Z",
        "media_attachments": [photo()],
    } | changes


def read(**changes: Any) -> PostRecord:
    return parsing.parse_post(post(**changes))


def refused(item: Any, parse: Any = parsing.parse_post) -> bool:
    try:
        parse(item)
    except PixelfedAPIError:
        return True
    return False
