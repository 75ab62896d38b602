"""What came of a press of the Refresh button: waiting, under way, done with what is new, or why it failed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.tasks import task_backends
from django.tasks.base import TaskResultStatus
from django.utils import timezone

from analytics_core.counts import noun
from analytics_core.engine import states
from analytics_core.models import AccountState, Refresh
from analytics_core.platforms import Platform
from analytics_core.selectors import ConnectedAccount

QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"
# A worker takes a person's task at once: a longer wait has a cause worth telling.
LONG_WAIT = timedelta(seconds=30)
# No visit takes longer: whoever still looks then looks at a worker that died.
WATCHED_FOR = timedelta(seconds=states.LEASE_SECONDS)
# What the results of both tasks call the same.
NEWS = {
    "posts": ("posts_created",),
    "likes": ("total_new_likes", "new_likes"),
    "comments": ("total_new_comments", "new_comments"),
    "shares": ("total_new_shares", "new_shares"),
}
SKIPPED = {
    "busy": "It was being read already, and that reading has ended.",
    "no such post any more": "PostFlow does not have this post any more.",
}
DISCONNECTED = "The account was paused or disconnected meanwhile."
AGAIN_LATER = "PostFlow tries again by itself in a few minutes."
FORGOTTEN = "What came of it is not known any more."
OUR_FAULT = "PostFlow failed on this. Whoever runs it finds the reason in its log."


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What became of one account's task.

    Attributes:
        news: how many new ones it brought, by what they are.
        trouble: why it failed, or what of it did, in a sentence.
        progress: how far it is.
        has_rest: the visit's budget ended before the work did.
        is_somebody_elses: the account was being read already, and still is.
    """

    phase: str
    news: dict[str, int] = field(default_factory=dict)
    trouble: str = ""
    progress: states.Progress | None = None
    has_rest: bool = False
    is_somebody_elses: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshState:
    """What became of all tasks of a press together."""

    refresh: Refresh
    parts: list[Part]

    @property
    def phase(self) -> str:
        """Queued until the first task runs, running until the last has ended; failed if every one failed."""
        phases = {part.phase for part in self.parts}
        if phases <= {QUEUED}:
            return QUEUED
        if phases & {QUEUED, RUNNING}:
            return RUNNING
        return FAILED if phases == {FAILED} else DONE

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.phase in (DONE, FAILED)

    @property
    def is_watched(self) -> bool:
        """Whether it is worth asking again by itself."""
        return not self.is_over and timezone.now() - self.refresh.asked_at < WATCHED_FOR

    @property
    def progress(self) -> states.Progress | None:
        """How far the one account is that is read now; None: several are, or none has told yet."""
        running = [part.progress for part in self.parts if part.progress]
        return running[0] if len(running) == 1 else None

    @property
    def news(self) -> dict[str, int]:
        """How many new posts, likes, comments and shares it brought."""
        return {name: sum(part.news.get(name, 0) for part in self.parts) for name in NEWS}

    @property
    def has_news(self) -> bool:
        """Whether the page that asked shows less than there is."""
        return any(self.news.values()) or any(part.trouble == SKIPPED["busy"] for part in self.parts)

    @property
    def words(self) -> str:
        """All of it in a sentence or two."""
        if self.phase == QUEUED:
            return self._waiting_words()
        if self.phase == RUNNING:
            return self._running_words()
        troubles = list(dict.fromkeys(part.trouble for part in self.parts if part.trouble))
        if self.phase == FAILED or (troubles and not any(self.news.values())):
            return " ".join(troubles)
        rest = ["The rest is read next."] if any(part.has_rest for part in self.parts) else []
        return " ".join([f"{news_words(self.news)}.", *troubles, *rest])

    def _waiting_words(self) -> str:
        if timezone.now() - self.refresh.asked_at < LONG_WAIT:
            return "Waiting for its turn."
        return "Still waiting: other work comes first, or PostFlow's worker is not running."

    def _running_words(self) -> str:
        if not self.is_watched:
            return "This takes unusually long."
        over = sum(part.phase in (DONE, FAILED) for part in self.parts)
        words = ["It is being read already." if any(part.is_somebody_elses for part in self.parts) else ""]
        if len(self.parts) > 1:
            words.append(f"{over} of {len(self.parts)} accounts read.")
        if self.progress:
            left = f", {self.progress.left_words} left" if self.progress.left_words else ""
            what = "Listing" if self.progress.kind == "posts" else "Reading"
            words.append(f"{what} {self.progress.words}{left}.")
        return " ".join(filter(None, words)) or "Reading."


def news_words(news: dict[str, int]) -> str:
    """Say what is new, such as "3 new likes, 1 comment"; "Nothing new" where nothing is."""
    found = [(count, noun(name, count)) for name, count in news.items() if count]
    if not found:
        return "Nothing new"
    (count, name), *others = found
    return ", ".join([f"{count:,} new {name}", *(f"{count:,} {name}" for count, name in others)])


def own_refresh(user: Any, *, platform: Platform, refresh_id: str) -> Refresh | None:
    """Return a press of this user's on this platform by the id of its first task; None: there is none."""
    # PostgreSQL refuses such a text instead of not finding it.
    if "\x00" in refresh_id:
        return None
    return Refresh.objects.filter(user=user, platform=platform.name, pk=refresh_id).first()


def address_with(address: str, refresh_id: str) -> str:
    """Return a page's address so that it shows the state of this press, or with "" that of none."""
    path, _, query = address.partition("?")
    pairs = [(name, value) for name, value in parse_qsl(query) if name != "refresh"]
    if refresh_id:
        pairs.append(("refresh", refresh_id))
    return f"{path}?{urlencode(pairs)}" if pairs else path


def state_of(refresh: Refresh, *, connected: Iterable[ConnectedAccount] = ()) -> RefreshState:
    """Return what came of a press so far: two queries, however many accounts it reads.

    Args:
        connected: accounts whose state the page has read already; one query less where these are all.
    """
    backend: Any = task_backends["default"]
    rows = backend.find(refresh.account_ids) if hasattr(backend, "find") else {}
    wanted = set(refresh.account_ids.values())
    found = {entry.account.pk: entry.state for entry in connected if entry.platform.name == refresh.platform}
    if not wanted <= set(found):
        own = AccountState.objects.filter(platform=refresh.platform, account_id__in=wanted)
        found = {state.account_id: state for state in own}
    parts = [
        _part(rows.get(task_id), found.get(account_id)) for task_id, account_id in refresh.account_ids.items()
    ]
    return RefreshState(refresh=refresh, parts=parts)


def _part(row: Any, state: AccountState | None) -> Part:
    """Return what became of a task; the rows of those that ended long ago are deleted."""
    if row is None:
        return Part(phase=DONE, trouble=FORGOTTEN)
    if row.status == TaskResultStatus.READY:
        return Part(phase=QUEUED)
    if row.status == TaskResultStatus.RUNNING:
        return Part(phase=RUNNING, progress=states.progress_of(state))
    if row.status == TaskResultStatus.FAILED:
        return Part(phase=FAILED, trouble=OUR_FAULT)
    return _ended(row.return_value or {}, state)


def _ended(result: dict[str, Any], state: AccountState | None) -> Part:
    skipped = result.get("skipped", "")
    if skipped == "busy" and states.is_being_read(state):
        return Part(phase=RUNNING, progress=states.progress_of(state), is_somebody_elses=True)
    if skipped:
        return Part(phase=DONE if skipped == "busy" else FAILED, trouble=SKIPPED.get(skipped, DISCONNECTED))
    if result.get("put_off") or result.get("stopped"):
        return Part(phase=FAILED, trouble=" ".join(filter(None, [result.get("message", ""), AGAIN_LATER])))
    news = {name: _first_of(result, keys) for name, keys in NEWS.items()}
    trouble = str(result.get("message", "")) if result.get("errors") else ""
    if trouble and any(news.values()):
        trouble = f"Not everything could be read. {trouble}"
    return Part(
        phase=FAILED if trouble and not any(news.values()) else DONE,
        news=news,
        trouble=trouble,
        has_rest=bool(result.get("work_left")) and not trouble,
    )


def _first_of(result: dict[str, Any], keys: Iterable[str]) -> int:
    return next((int(result[key]) for key in keys if key in result), 0)
