"""The only reader of posts and engagement for pages. Every function starts from the signed-in user."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.core.paginator import Page, Paginator
from django.db.models import Case, CharField, Count, F, IntegerField, Max, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from analytics_core import threads
from analytics_core.counts import KindCount, not_read
from analytics_core.models import KINDS, AccountState, Precision
from analytics_core.periods import Period
from analytics_core.platforms import Platform
from analytics_core.platforms import get as get_platform

PAGE_SIZE = 20
# A reading is due every hour: after two missed ones the page says so.
LATE_AFTER = timedelta(hours=2)
TOTALS = ("total_likes", "total_comments", "total_shares", "total_engagement")
ORDERS = {
    "-posted_at": ("-posted_at",),
    "-engagement": ("-total_engagement", "-posted_at"),
    "-likes": ("-total_likes", "-posted_at"),
    "-comments": ("-total_comments", "-posted_at"),
    "-shares": ("-total_shares", "-posted_at"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectedAccount:
    """One connected account and how far the engine has got with it."""

    platform: Platform
    account: Any
    state: AccountState | None

    @property
    def needs_reconnect(self) -> bool:
        """Whether only its owner can set it going again."""
        return getattr(self.account, "state", "") == "reconnect"

    @property
    def trouble(self) -> str:
        """What failed at the last reading, in a sentence; "" when nothing did."""
        return self.state.message if self.state else ""

    @property
    def has_failed(self) -> bool:
        """Whether the last reading as a whole failed, and not only a part of it."""
        return self.state is not None and self.state.failures_count > 0

    @property
    def read_at(self) -> datetime | None:
        """Up to when its numbers hold."""
        return self.state.last_success_at if self.state else None

    @property
    def is_late(self) -> bool:
        """Whether its numbers are older than they should be."""
        return self.read_at is not None and timezone.now() - self.read_at > LATE_AFTER

    @property
    def is_filling(self) -> bool:
        """Whether older posts are still being listed."""
        return self.read_at is not None and self.state is not None and not self.state.history_is_complete


class Figures(NamedTuple):
    """One post's numbers; `is_read` is False while some of them are not known."""

    account_id: int
    pk: int
    posted_at: datetime
    likes: int
    comments: int
    shares: int
    engagement: int
    is_read: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over posts: their number, their likes, comments and shares, how many are not fully read yet."""

    posts: int = 0
    likes: int = 0
    comments: int = 0
    shares: int = 0
    not_read: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            **{name: getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__}
        )


def connected_accounts(user: Any, *, platforms: Iterable[Platform]) -> list[ConnectedAccount]:
    """Return the user's accounts on these platforms, in the order they were connected."""
    pairs = [
        (platform, account) for platform in platforms for account in platform.accounts().filter(user=user)
    ]
    if not pairs:
        return []
    states = {
        (state.platform, state.account_id): state
        for state in AccountState.objects.filter(
            platform__in={platform.name for platform, _ in pairs},
            account_id__in={account.pk for _, account in pairs},
        )
    }
    return [
        ConnectedAccount(platform=platform, account=account, state=states.get((platform.name, account.pk)))
        for platform, account in pairs
    ]


def own_posts(user: Any, *, platform: Platform) -> QuerySet[Any]:
    """Return the posts of the user's accounts on a platform."""
    return platform.post_model._default_manager.filter(account__user=user)


def with_totals(posts: QuerySet[Any]) -> QuerySet[Any]:
    """Add `total_likes`, `..._comments`, `..._shares`, `..._engagement`: zero where no summary is yet."""
    return posts.annotate(
        **{name: Coalesce(f"engagement_summary__{name}", 0, output_field=IntegerField()) for name in TOTALS}
    )


def totals(user: Any, *, platforms: Iterable[Platform], period: Period) -> Totals:
    """Return the sums over the posts of a period: one query a platform."""
    result = Totals()
    for platform in platforms:
        row = (
            own_posts(user, platform=platform)
            .filter(period.holds("posted_at"))
            .aggregate(
                posts=Count("pk"),
                **{kind: Coalesce(Sum(f"engagement_summary__total_{kind}"), 0) for kind in KINDS},
                not_read=Count("pk", filter=not_read()),
            )
        )
        result += Totals(**row)
    return result


def latest_posted_at(user: Any, *, platforms: Iterable[Platform]) -> datetime | None:
    """Return when the user's newest post was posted; None: there is none."""
    moments = (
        own_posts(user, platform=platform).aggregate(moment=Max("posted_at"))["moment"]
        for platform in platforms
    )
    return max(filter(None, moments), default=None)


def posts_page(
    user: Any, *, platforms: Sequence[Platform], period: Period, sort: str, number: Any, count: int
) -> Page[Any]:
    """Return one page of posts of all these platforms together.

    One query sorts and cuts the keys of all platforms, one more per platform on the page fetches its posts.

    Args:
        sort: a key of `ORDERS`.
        number: the page asked for; junk is the first page, past the end is the last.
        count: how many posts there are, as `totals` counted them.
    """
    keys = [
        with_totals(own_posts(user, platform=platform))
        .filter(period.holds("posted_at"))
        .order_by()
        .annotate(platform_name=Value(platform.name, output_field=CharField()), post_pk=F("pk"))
        .values("platform_name", "post_pk", "posted_at", *TOTALS)
        for platform in platforms
    ]
    if not keys:
        return _page([], number=number, count=0)
    rows = keys[0].union(*keys[1:], all=True).order_by(*ORDERS[sort], "platform_name", "-post_pk")
    page = _page(rows, number=number, count=count)
    wanted = defaultdict(list)
    for row in page.object_list:
        wanted[row["platform_name"]].append(row["post_pk"])
    found = {
        (platform.name, post.pk): post
        for platform in platforms
        if platform.name in wanted
        for post in with_totals(own_posts(user, platform=platform))
        .select_related("account", "engagement_summary")
        .filter(pk__in=wanted[platform.name])
    }
    ordered = (found.get((row["platform_name"], row["post_pk"])) for row in page.object_list)
    page.object_list = [post for post in ordered if post is not None]
    return page


def post_figures(user: Any, *, platform: Platform, period: Period) -> list[Figures]:
    """Return the numbers of every post of a period, newest first: one query, nothing but numbers."""
    rows = (
        with_totals(own_posts(user, platform=platform))
        .filter(period.holds("posted_at"))
        .annotate(is_read=Case(When(not_read(), then=False), default=True))
        .order_by("-posted_at", "-pk")
    )
    return [Figures(*row) for row in rows.values_list("account_id", "pk", "posted_at", *TOTALS, "is_read")]


def posts_by_pk(user: Any, *, platform: Platform, pks: Iterable[int]) -> dict[int, Any]:
    """Return the user's posts with these primary keys, with their totals."""
    return with_totals(own_posts(user, platform=platform)).in_bulk(set(pks))


def post_counts(post: Any) -> dict[str, KindCount]:
    """Return what is known of a post's likes, comments and shares, counted row by row: one query a kind."""
    counts = {}
    for kind in KINDS:
        current = Q(ended_at__isnull=True)
        wanted = {"value": Count("pk", filter=current), "taken_back": Count("pk", filter=~current)}
        if kind == "comments":
            post_id = getattr(post, get_platform(post.platform).post_id_field)
            is_answer = Q(in_reply_to_id__isnull=False) & ~Q(in_reply_to_id=post_id)
            wanted["answers"] = Count("pk", filter=current & is_answer)
        row = getattr(post, kind).aggregate(**wanted)
        counts[kind] = KindCount.of(post, kind=kind, **row)
    return counts


def people_page(post: Any, *, kind: str, number: Any, count: int) -> Page[Any]:
    """Return one page of the post's current likes or shares, newest first, unknown times last."""
    rows = getattr(post, kind).current()
    return _page(rows.order_by(*_known_first(rows)), number=number, count=count)


def threads_page(post: Any, *, number: Any) -> Page[threads.Thread]:
    """Return one page of the post's conversations: each a comment and all answers below it, oldest first.

    The ids of all the post's comments are read to find the conversations, the texts of one page only.
    """
    keys = (
        post.comments.current()
        .order_by("commented_at", "pk")
        .values_list("pk", "comment_id", "in_reply_to_id")
    )
    post_id = getattr(post, get_platform(post.platform).post_id_field)
    outline = threads.outline(keys, post_id=post_id)
    page = _page(outline, number=number, count=len(outline))
    rows = post.comments.current().in_bulk([pk for branch in page.object_list for pk in branch.pks])
    page.object_list = [threads.fill(branch, rows) for branch in page.object_list if branch.pks[0] in rows]
    return page


def _known_first(rows: QuerySet[Any]) -> tuple[Any, ...]:
    is_unknown = Case(When(precision=Precision.UNKNOWN, then=1), default=0)
    return (is_unknown, f"-{rows.model.HAPPENED_AT}", "-pk")


def _page(rows: Any, *, number: Any, count: int) -> Page[Any]:
    paginator = Paginator(rows, PAGE_SIZE)
    # Counted already: asking again could also disagree with the headline.
    paginator.count = count
    try:
        wanted = max(int(number), 1)
    except (TypeError, ValueError):
        wanted = 1
    return paginator.page(min(wanted, paginator.num_pages))
