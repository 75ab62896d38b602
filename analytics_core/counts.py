"""One number on screen: how many, whether that is known at all, and how the server's own count differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django.db.models import Count, Q
from django.utils import dateformat, timezone

from analytics_core.models import KINDS

_HIDDEN = {
    "likes": "The instance still counts people whose accounts are gone or hidden, but does not list them.",
    "comments": "The instance does not list all comments of a post.",
    "shares": "The instance still counts people whose accounts are gone or hidden, but does not list them.",
}
_EXTRA = {
    "likes": "The instance's own counter lags behind its list.",
    "comments": "The instance's own counter lags behind its list.",
    "shares": "The instance's own counter lags behind its list.",
}
_NOT_LISTED = "the instance counts and does not list"
_MOVED = "The instance's counter moved since the list was last read; the next reading brings the rest."


def noun(kind: str, value: int) -> str:
    """Return the kind's name for this many: "like" for one, else "likes"."""
    return kind.removesuffix("s") if value == 1 else kind


def rate(value: float) -> str:
    """Return a rate with at most three digits that mean something; whole numbers in full."""
    decimals = 0 if value >= 100 else 1 if value >= 10 else 2
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if decimals else text


def not_read_count() -> Count:
    """Return how many of some posts have a list that was never read, so that their numbers are not known.

    Choose the posts by `NEVER_READ`, which an index answers, and not by this condition: databases think long
    about which index might serve it.
    """
    condition = Q()
    for kind in KINDS:
        never = Q(**{f"{kind}_read_at__isnull": True})
        none_to_read = Q(**{f"{kind}_server_count": 0})
        told_none = Q(**{f"{kind}_server_count__isnull": True, "engagement_summary__isnull": False})
        condition |= never & ~none_to_read & ~told_none
    return Count("pk", filter=condition)


@dataclass(frozen=True, slots=True, kw_only=True)
class KindCount:
    """How many likes, comments or shares a post has.

    Attributes:
        kind: likes, comments or shares.
        value: how many current ones PostFlow has seen.
        is_known: False before the first reading: then `value` says nothing.
        server: how many the server counts; None: it does not tell.
        taken_back: how many were there once and are not any more.
        read_at: when the list was last read to its end.
        is_moved: whether the server's count has changed since then.
        answers: comments only: how many of them answer another comment. No server counts those at the post
            (api-facts 5).
    """

    kind: str
    value: int
    is_known: bool = True
    server: int | None = None
    taken_back: int = 0
    read_at: datetime | None = None
    is_moved: bool = False
    answers: int = 0

    @classmethod
    def of(cls, post: Any, *, kind: str, value: int, taken_back: int = 0, answers: int = 0) -> Self:
        """Return the count of one kind for a post whose summary, if any, is loaded."""
        server = getattr(post, f"{kind}_server_count")
        read_at = getattr(post, f"{kind}_read_at")
        told = server == 0 or (server is None and hasattr(post, "engagement_summary"))
        return cls(
            kind=kind,
            value=value,
            is_known=value > 0 or read_at is not None or told,
            server=server,
            taken_back=taken_back,
            read_at=read_at,
            is_moved=server is not None and getattr(post, f"{kind}_read_count") != server,
            answers=answers,
        )

    @property
    def noun(self) -> str:
        """The kind's name, for this many."""
        return noun(self.kind, self.value)

    @property
    def taken_back_words(self) -> str:
        """How many are gone again, such as "2 likes taken back"."""
        return f"{self.taken_back:,} {noun(self.kind, self.taken_back)} taken back"

    @property
    def comparable(self) -> int:
        """How many we have of what the server counts."""
        return self.value - self.answers

    @property
    def difference(self) -> str:
        """How the server's count differs: "32 by the server's count, 27 seen"; "" when it does not."""
        if self.server is None or self.server == self.comparable or not self.is_known:
            return ""
        return f"{self.server:,} by the server’s count, {self.comparable:,} seen"

    @property
    def unseen(self) -> int:
        """How many the server counts and we do not have."""
        return max(0, self.server - self.comparable) if self.server is not None and self.is_known else 0

    @property
    def unseen_words(self) -> str:
        """How many those are, and why, such as "29 comments the instance counts and does not list"."""
        if not self.unseen:
            return ""
        why = "the instance counts and PostFlow has not read yet" if self.is_moved else _NOT_LISTED
        return f"{self.unseen:,} {noun(self.kind, self.unseen)} {why}"

    @property
    def answers_words(self) -> str:
        """How many comments answer others, "" where none does."""
        if not self.answers:
            return ""
        if self.answers == 1:
            return "1 answer to a comment is counted here too; the instance does not count it."
        return (
            f"{self.answers:,} answers to comments are counted here too; the instance does not count those."
        )

    @property
    def reason(self) -> str:
        """Why it differs, in a sentence; "" when it does not."""
        if not self.difference or self.server is None:
            return ""
        if self.is_moved:
            return _MOVED
        return (_HIDDEN if self.server > self.comparable else _EXTRA)[self.kind]


def card_counts(post: Any) -> list[KindCount]:
    """Return the counts of a post that `selectors.posts_page` brought."""
    return [KindCount.of(post, kind=kind, value=getattr(post, f"total_{kind}")) for kind in KINDS]


def counts_explanation(counts: Mapping[str, KindCount]) -> list[str]:
    """Return how a post's three numbers are computed, a paragraph each."""
    read = {kind: count.read_at for kind, count in counts.items()}
    people = (
        "{what}: how many people are in the list of those who {do} the post, read to its last page{when}. "
        "Who took it back is not counted."
    )
    return [
        people.format(what="Likes", do="like", when=_read_words(read["likes"])),
        "Comments: how many stand below the post, answers and your own ones included, as far as the instance "
        f"lists or notifies them{_read_words(read['comments'])}.",
        people.format(what="Shares", do="share", when=_read_words(read["shares"])),
        "The instance's own counters are told beside them where they differ: they also hold people whose "
        "accounts are gone or hidden, and no answers to comments.",
        f"Times are in {timezone.get_current_timezone_name()}.",
    ]


def _read_words(read_at: datetime | None) -> str:
    if read_at is None:
        return ""
    return f", last on {dateformat.format(timezone.localtime(read_at), 'j F Y, H:i')}"
