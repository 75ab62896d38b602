"""Comments as conversations: which answers belong below which comment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A conversation by its keys.

    Attributes:
        pks: the comment's primary key, then those of all answers below it, each after what it answers.
        is_orphan: the comment answers one that is not there.
    """

    pks: list[int]
    is_orphan: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A comment below another one.

    Attributes:
        to: the handle it answers; "" where that is plain, right below the conversation's first comment.
    """

    comment: Any
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A conversation with its comments."""

    comment: Any
    is_orphan: bool
    answers: list[Answer]


def outline(keys: Iterable[tuple[int, str, str | None]], *, post_id: str) -> list[Branch]:
    """Return the conversations of a post.

    Every comment is in exactly one of them, even where ids point in a circle: no number may lose one.

    Args:
        keys: primary key, id and in_reply_to_id of each comment, oldest first.
        post_id: the post's own id: what answers it starts a conversation.
    """
    comments = list(keys)
    by_id = {comment_id: pk for pk, comment_id, _ in comments}
    below: defaultdict[int, list[int]] = defaultdict(list)
    starts: list[tuple[int, bool]] = []
    for pk, comment_id, parent_id in comments:
        if not parent_id or parent_id == post_id:
            starts.append((pk, False))
        elif parent_id == comment_id or parent_id not in by_id:
            starts.append((pk, True))
        else:
            below[by_id[parent_id]].append(pk)
    placed: set[int] = set()
    branches = [Branch(pks=_walk(pk, below, placed), is_orphan=is_orphan) for pk, is_orphan in starts]
    for pk, _, _ in comments:
        if pk not in placed:
            branches.append(Branch(pks=_walk(pk, below, placed), is_orphan=True))
    return branches


def _walk(start: int, below: Mapping[int, list[int]], placed: set[int]) -> list[int]:
    found, waiting = [], [start]
    while waiting:
        pk = waiting.pop()
        if pk in placed:
            continue
        placed.add(pk)
        found.append(pk)
        waiting.extend(reversed(below.get(pk, ())))
    return found


def fill(branch: Branch, rows: Mapping[int, Any]) -> Thread:
    """Return the conversation with its comments; one that vanished meanwhile is left out."""
    first, *others = (rows[pk] for pk in branch.pks if pk in rows)
    handles = {comment.comment_id: comment.username for comment in (first, *others)}
    return Thread(
        comment=first,
        is_orphan=branch.is_orphan,
        answers=[
            Answer(
                comment=comment,
                to=""
                if comment.in_reply_to_id == first.comment_id
                else handles.get(comment.in_reply_to_id, ""),
            )
            for comment in others
        ],
    )
