"""What the parts of one visit share: whose it is, where it reads, what it has counted, and its bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from analytics_core.models import AccountState
from analytics_core.platforms import Platform, PlatformError, Source

OnProgress = Callable[[str, int, int | None], None]
"""Called with what is being read ("posts", "engagement"), how many are done, how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One visit to one account, as `AnalyticsFetcher` hands it to `PostLister` and `EngagementReader`.

    Attributes:
        stats: the visit's result, added to by every part.
        on_error: counts a failure that the visit goes on after, or raises it.
        may_go_on: whether the visit may begin something more.
        progress: told after each page of posts, and before each post that is read.
    """

    platform: Platform
    account: Any
    source: Source
    state: AccountState
    stats: dict[str, Any]
    on_error: Callable[[PlatformError], None]
    may_go_on: Callable[[], bool]
    progress: OnProgress | None = None

    def tell(self, what: str, done: int, total: int | None) -> None:
        """Tell whoever watches how far it is."""
        if self.progress:
            self.progress(what, done, total)
