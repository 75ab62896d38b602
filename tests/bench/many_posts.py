"""A photographer with any number of posts over ten years, made by the database itself: quick at any size."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from analytics_core import platforms
from analytics_core.engine import ledger
from analytics_core.models import TOTALS, AccountCount, AccountState, Ledger
from analytics_pixelfed.models import (
    PixelfedComment,
    PixelfedEngagementSummary,
    PixelfedLike,
    PixelfedPost,
    PixelfedShare,
)
from pixelfed.models import MastodonAccount

YEARS = timedelta(days=3650)
LATELY = 29
EACH = {"likes": 60, "comments": 8, "shares": 5}
WORDS = ("fog", "lake", "harbour", "night", "rain", "window", "street", "mountain", "light", "tree", "boat")
NUMBERS = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s)"
# The nth like of a post comes from one of 2n people: a few like everything, many like something.
PERSON = "(n * (n - 1) + 13 * p.id %% (2 * n))"


def make_posts(user, *, count: int, now: datetime | None = None) -> MastodonAccount:
    """Connect an account and give it `count` posts with 60 likes, 8 comments and 5 shares each."""
    now = now or timezone.now()
    account = MastodonAccount.objects.create(
        user=user,
        instance_url="https://pixelfed.example",
        username=f"ana{user.pk}",
        access_token="t",
        software="pixelfed",
    )
    AccountState.objects.create(
        platform="pixelfed", account_id=account.pk, last_success_at=now, history_is_complete=True
    )
    AccountCount.objects.bulk_create(
        AccountCount(
            platform="pixelfed",
            account_id=account.pk,
            counted_on=now.date() - timedelta(days=n),
            followers_count=5000 - n,
        )
        for n in range(400)
    )
    step = YEARS / max(count, 1)
    newest_at = now - timedelta(hours=1)
    read = {f"{kind}_{name}": each for kind, each in EACH.items() for name in ("server_count", "read_count")}
    totals = {f"total_{kind}": each for kind, each in EACH.items()}
    PixelfedPost.objects.bulk_create(
        (
            PixelfedPost(
                account=account,
                pixelfed_post_id=str(n),
                instance_url=account.instance_url,
                username=account.username,
                caption=" ".join(WORDS[(n * k) % len(WORDS)] for k in (1, 3, 5, 7)).capitalize(),
                alt_text="A photo",
                media_url=f"https://pixelfed.example/{n}.jpg",
                post_url=f"https://pixelfed.example/p/{n}",
                # One a day of late, so that every size fills the first page; before, as many as it takes.
                posted_at=newest_at - min(step, timedelta(days=1)) * (count - 1 - n)
                if count - 1 - n < LATELY
                else newest_at - step * (count - 1 - n),
                media_width=1500,
                media_height=1000 + n % 1000,
                picture=f"{n:032x}.webp",
                picture_width=640,
                picture_height=480,
                **{f"{kind}_read_at": now for kind in EACH},
                **read,
                **totals,
                total_engagement=sum(EACH.values()),
            )
            for n in range(count)
        ),
        batch_size=500,
    )
    _engagement(account, now)
    ledger.rebuild(platforms.get("pixelfed"), account.pk)
    # As if it had been watched for all of the ten years.
    own = Ledger.objects.filter(platform="pixelfed", account_id=account.pk)
    own.update(whole_from_at=now - YEARS, begun_at=now - YEARS)
    return account


def _engagement(account: MastodonAccount, now: datetime) -> None:
    """Likes come fast at first and ever slower: the 60th after 12 days."""
    rows = (
        (PixelfedLike, "liked_at", "", ""),
        (PixelfedShare, "shared_at", "", ""),
        (PixelfedComment, "commented_at", ", comment_id, content", ", n, 'Lovely light'"),
    )
    minutes = "n * n * 5"
    if connection.vendor == "sqlite":
        moment = f"datetime(p.posted_at, '+' || ({minutes}) || ' minutes')"
    else:
        moment = f"p.posted_at + ({minutes}) * interval '1 minute'"
    posts = PixelfedPost._meta.db_table
    with connection.cursor() as cursor:
        for (model, happened_at, columns, values), each in zip(
            rows, (EACH["likes"], EACH["shares"], EACH["comments"]), strict=True
        ):
            cursor.execute(
                f"INSERT INTO {model._meta.db_table} (post_id, account_id, username, display_name, "
                f"precision, {happened_at}, created_at{columns}) {NUMBERS} "
                f"SELECT p.id, {PERSON}, 'fan' || {PERSON}, 'A fan', 'exact', {moment}, %s{values} "
                f"FROM {posts} p, numbers WHERE p.account_id = %s AND {moment} <= %s",
                [each, now, account.pk, now],
            )
        summary = PixelfedEngagementSummary._meta.db_table
        totals = ", ".join(TOTALS)
        cursor.execute(
            f"INSERT INTO {summary} (post_id, {totals}, last_updated) "
            f"SELECT id, {totals}, %s FROM {posts} WHERE account_id = %s",
            [now, account.pk],
        )
