"""Which way older items lie: cursors out of Link headers, ids in order, and what a listing has gathered.

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

from analytics_core.platforms import id_order

ID = re.compile(r"[A-Za-z0-9_-]{1,100}")

_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_REL = re.compile(r""";\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))""", re.IGNORECASE)


class Found(list[dict[str, Any]]):
    """What a listing brought: a list of dicts, and how far it can be trusted.

    Attributes:
        is_complete: the whole list was read.
        is_cut: it was not, because time was up (see `PixelfedAPIClient.may_go_on`).
        skipped_count: odd entries that were left out.
        next_id: a page of posts only: its smallest id, to ask for the page before it; "" at the end.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_complete = True
        self.is_cut = False
        self.skipped_count = 0
        self.next_id = ""
        self._ids: set[str] = set()

    def cut(self) -> None:
        """Note that reading stopped because time was up."""
        self.is_complete, self.is_cut = False, True

    def take(self, items: Iterable[Any]) -> int:
        """Add the items not yet there, count those without an id as skipped; return how many were new."""
        count = len(self)
        for item in items:
            remote_id = item_id(item)
            if not remote_id:
                self.skipped_count += 1
            elif remote_id not in self._ids:
                self._ids.add(remote_id)
                self.append(item)
        return len(self) - count


def older_page(link_header: str) -> dict[str, str]:
    """Return the parameter that asks for the next older page, nothing if the header offers none.

    Only the parameter is taken, never the address: whoever forged or misconfigured the link, the token
    goes to the instance itself.
    """
    offers = [(_rels(attributes), _query(url)) for url, attributes in _LINK.findall(link_header)]
    cursors = [query["cursor"] for _, query in offers if query.get("cursor")]
    # A cursor that cannot be read may lead to older ones: whoever follows it notices a circle, while an
    # end that is none would go unnoticed.
    for direction in (True, None):
        for cursor in cursors:
            if _leads_to_older(cursor) is direction:
                return {"cursor": cursor}
    if cursors:
        return {}
    # An empty max_id and a zero start over at the newest page (api-facts 2, and trap 7).
    before = (query.get("max_id", "") for rels, query in offers if "next" in rels)
    return next(({"max_id": max_id} for max_id in before if max_id.strip("0")), {})


def says_where(link_header: str) -> bool:
    """Tell whether a Link header speaks of paging in a way we know; none at all says there is no more."""
    known = {"cursor", "max_id", "min_id", "since_id"}
    offers = [_query(url) for url, _ in _LINK.findall(link_header)]
    return not link_header.strip() or any(known & offer.keys() for offer in offers)


def item_id(item: Any) -> str:
    """Return an API object's id, "" if it has none that can be one."""
    value = item.get("id") if isinstance(item, dict) else None
    return clean_id(value)


def clean_id(value: Any) -> str:
    """Return an id as the text that may stand in an address, "" for what is none."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**100:
        value = str(value)
    return value if isinstance(value, str) and ID.fullmatch(value) else ""


def oldest_id(items: Iterable[Any]) -> str:
    """Return the smallest id among these API objects, "" if none has one."""
    return min(filter(None, map(item_id, items)), key=id_order, default="")


def is_older(item: Any, than: str) -> bool:
    """Tell whether an item's id is smaller; one without an id passes, to be counted as odd."""
    return not item_id(item) or id_order(item_id(item)) < id_order(than)


def is_newer(item: Any, than: str) -> bool:
    """Tell whether an item's id is larger; one without an id passes, to be counted as odd."""
    return not item_id(item) or id_order(item_id(item)) > id_order(than)


def _rels(attributes: str) -> list[str]:
    match = _REL.search(attributes)
    return (match[1] or match[2] or "").lower().split() if match else []


def _query(url: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(urlsplit(url).query))
    except ValueError:
        return {}


def _leads_to_older(cursor: str) -> bool | None:
    """Tell which way a cursor of Pixelfed's leads; None where it does not say."""
    try:
        decoded = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        return None
    direction = decoded.get("_pointsToNextItems") if isinstance(decoded, dict) else None
    return direction if isinstance(direction, bool) else None
