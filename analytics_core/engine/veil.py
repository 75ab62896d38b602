"""Who has no name here: people who asked to be forgotten, and those whose deeds are too old to be named.

Their rows stay, under a pseudonym that follows from their id, so that every number stays and the next listing
finds its row again. What is listed is covered here before it is stored. See
docs/decisions/0017-forgetting-a-person.md.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.db.models import Q
from django.utils.crypto import get_random_string

from analytics_core.day_models import Ledger
from analytics_core.platforms import PersonRecord
from analytics_core.state_models import Forgotten, PersonSalt

# No instance's id begins so.
MARK = "~"
NAMELESS: dict[str, str] = {"username": "", "display_name": ""}
MENTION_LEFT = "@…"
_MENTION = re.compile(r"(?<![\w@/.])@([\w.-]+[\w-]|\w)(?:@([\w.-]+\w))?")


def site_salt() -> str:
    """Return the installation's salt, made on first use."""
    row, _ = PersonSalt.objects.get_or_create(pk=1, defaults={"value": get_random_string(43)})
    return row.value


def digests_of(user_id: int) -> list[str]:
    """Return the digests of everybody whom this user, or all of them, forgot."""
    own = Forgotten.objects.filter(Q(user=user_id) | Q(user=None))
    return sorted(set(own.values_list("digest", flat=True)))


def is_covered(person_id: str) -> bool:
    """Tell whether a stored id is a pseudonym."""
    return person_id.startswith(MARK)


class Veil:
    """What one account's rows may say of people."""

    def __init__(self, ledger: Ledger) -> None:
        self._salt = ledger.salt
        self._instance_url = ledger.instance_url
        self._host = urlsplit(ledger.instance_url).netloc.lower()
        self._forgotten = frozenset(ledger.forgotten)

    def pseudonym(self, person_id: str) -> str:
        """Return what stands for an id; a pseudonym stands for itself."""
        if is_covered(person_id):
            return person_id
        return MARK + self._digest("id", self._instance_url, person_id)

    def handle_digest(self, handle: str) -> str:
        """Return what stands for a handle, with its host or of this instance."""
        name, _, host = handle.lower().lstrip("@").partition("@")
        return self._digest("handle", name, host or self._host)

    def mention_digest(self, name: str) -> str:
        """Return what stands for the bare name by which comments call somebody."""
        return self._digest("mention", name.lower())

    def id_of(self, person: PersonRecord) -> str:
        """Return the id to store of somebody: a pseudonym where they are forgotten."""
        if not self._forgotten or not self._is_forgotten(person.remote_id, person.username):
            return person.remote_id
        return self.pseudonym(person.remote_id)

    def cover(
        self, wanted: Mapping[str, dict[str, Any]], rows: Mapping[str, Any]
    ) -> Mapping[str, dict[str, Any]]:
        """Return a listing of a post as it may be stored: nobody forgotten is named, in no column.

        Args:
            wanted: columns by the person's id, or for comments by the comment's.
            rows: what is stored of the post, by the same. A row without a name does not get it back.
        """
        nameless = {row.account_id for row in rows.values() if is_covered(row.account_id)}
        if not self._forgotten and not nameless:
            return wanted
        covered: dict[str, dict[str, Any]] = {}
        for key, values in wanted.items():
            is_comment = "account_id" in values
            person_id = values["account_id"] if is_comment else key
            name = self.pseudonym(person_id)
            row = rows.get(key) if is_comment else None
            was_nameless = row is not None and row.account_id == name if is_comment else name in nameless
            if not was_nameless and not self._is_forgotten(person_id, values["username"]):
                text = {"content": self.without_mentions(values["content"])} if is_comment else {}
                covered[key] = {**values, **text}
            elif is_comment:
                covered[key] = {**values, **NAMELESS, "account_id": name, "content": ""}
            else:
                covered[name] = {**values, **NAMELESS}
        return covered

    def without_mentions(self, text: str) -> str:
        """Return a comment's text without the names of forgotten people in it."""
        return _MENTION.sub(self._unless_forgotten, text) if self._forgotten and "@" in text else text

    def _unless_forgotten(self, mention: re.Match[str]) -> str:
        name, host = mention[1], mention[2]
        digest = self.handle_digest(f"{name}@{host}") if host else self.mention_digest(name)
        return MENTION_LEFT if digest in self._forgotten else mention[0]

    def _is_forgotten(self, person_id: str, handle: str) -> bool:
        return (
            self.pseudonym(person_id) in self._forgotten
            or bool(handle)
            and self.handle_digest(handle) in self._forgotten
        )

    def _digest(self, *parts: str) -> str:
        text = "\n".join(parts).encode()
        return hashlib.blake2b(text, key=self._salt.encode(), digest_size=16).hexdigest()
