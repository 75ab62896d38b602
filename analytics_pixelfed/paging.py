"""Which way older items lie: cursors out of Link headers, ids in order.

Pixelfed's likers and sharers have their older page under rel="prev", Mastodon's under rel="next"
(api-facts 3). The cursor itself tells the direction on the one, the relation on the other.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from requests.utils import parse_header_links

from analytics_core.platforms import id_order

ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
PAGING_PARAMETERS = ("cursor", "max_id")


def older_page(link_header: str) -> dict[str, str]:
    """Return the parameters that ask for the next older page, empty if the header offers none.

    Only the parameters are taken, never the address: whoever forged or misconfigured the link, the token
    goes to the instance itself.
    """
    offers = [(link.get("rel", ""), _parameters(link.get("url", ""))) for link in _links(link_header)]
    cursors = [offer for _, offer in offers if "cursor" in offer]
    if cursors:
        return next((offer for offer in cursors if _points_to_older(offer["cursor"])), {})
    return next((offer for rel, offer in offers if rel == "next" and "max_id" in offer), {})


def item_id(item: Any) -> str:
    """Return an API object's id, "" if it has none that can be one."""
    value = item.get("id") if isinstance(item, dict) else None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and ID.fullmatch(value) else ""


def oldest_id(items: Iterable[Any]) -> str:
    """Return the smallest id among these API objects, "" if none has one."""
    return min(filter(None, map(item_id, items)), key=id_order, default="")


def _links(link_header: str) -> list[dict[str, str]]:
    try:
        return parse_header_links(link_header)
    except (ValueError, IndexError):
        return []


def _parameters(url: str) -> dict[str, str]:
    """Return the paging parameters of a link; an empty one counts as absent (api-facts, trap 7)."""
    try:
        query = parse_qsl(urlsplit(url).query)
    except ValueError:
        return {}
    return {name: value for name, value in query if name in PAGING_PARAMETERS and value}


def _points_to_older(cursor: str) -> bool:
    try:
        decoded = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        return False
    return isinstance(decoded, dict) and decoded.get("_pointsToNextItems") is True
