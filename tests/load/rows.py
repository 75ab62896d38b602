"""The rows of posts, likes, comments and shares: one statement for each month and kind."""

from __future__ import annotations

from datetime import datetime

from analytics_core import platforms
from analytics_core.models import KINDS, Ledger
from analytics_pixelfed.models import (
    PixelfedComment,
    PixelfedEngagementSummary,
    PixelfedLike,
    PixelfedPost,
    PixelfedShare,
)
from pixelfed.models import MastodonAccount
from tests.load.size import (
    COMMENT_IDS,
    MONTH,
    NUMBERS,
    PEOPLE_OF_A_HOST,
    PERSON_IDS,
    PICTURES,
    POST_IDS,
    Size,
    display_name,
    handle,
    word,
)
from tests.load.sql import chance, insert, literal, run


def plan(accounts: list[MastodonAccount], size: Size, *, now: datetime, started_at: datetime) -> None:
    """Draw each account's fans and posts: 30 to 50 posts a month, 300 to 4,000 fans."""
    per_host = [sum(size.host_of(n) == host for n in range(size.users)) for host in range(size.hosts)]
    values = ", ".join(
        f"({account.pk}, {size.host_of(n)}, {4000 + 400 * per_host[size.host_of(n)]}, "
        f"{literal(account.remote_id)}, {literal(account.username)}, {literal(account.user.time_zone)})"
        for n, account in enumerate(accounts)
    )
    fans = f"300 + {chance('a.id', 3, 3700)} * {chance('a.id', 4, 1000)} / 1000"
    place = (
        f"(m + (k - 1 + {chance('a.id * 100000 + m * 100 + k', 5, 1000)} / 1000.0) / n) * interval '30 days'"
    )
    run(
        "CREATE UNLOGGED TABLE load_post AS "
        "SELECT row_number() OVER (ORDER BY posted_at, account_id) AS id, * FROM ("
        f"SELECT a.id AS account_id, a.host, a.pool, a.own_id, a.owner, a.zone, l.id AS ledger_id, "
        f"{fans} AS fans, {chance('a.id', 6, 'a.pool')} AS first_fan, "
        f"{literal(started_at)} + {place} AS posted_at "
        f"FROM (VALUES {values}) a(id, host, pool, own_id, owner, zone) "
        f"JOIN {Ledger._meta.db_table} l ON l.platform = 'pixelfed' AND l.account_id = a.id "
        f"CROSS JOIN generate_series(0, {size.months - 1}) m "
        f"CROSS JOIN LATERAL (SELECT 30 + {chance('a.id * 100 + m', 7, 21)} AS n) size "
        f"CROSS JOIN LATERAL generate_series(1, n) k) posts WHERE posted_at < {literal(now)}"
    )
    run("CREATE UNIQUE INDEX ON load_post (id)")
    run("CREATE INDEX ON load_post (posted_at)")
    run("ANALYZE load_post")


def add_events(begins_at: datetime, *, now: datetime, begun_at: datetime) -> None:
    """Make likes, comments and shares of a month's posts: fast at first, ever slower, the 60th in 12 days."""
    ends_at = begins_at + MONTH
    # The nth comes from one of a group of fans, and the groups grow: so nobody likes a post twice.
    edge = "({n} + ((fans - 100) * ({n} / 100.0) ^ 2)::int)"
    low, high = edge.format(n="(n - 1)"), edge.format(n="n")
    parts = " UNION ALL ".join(
        f"SELECT '{kind}' AS kind, p.*, n, "
        f"(first_fan + {low} + {chance('p.id * 100 + n', salt, f'{high} - {low}')}) % pool AS fan "
        f"FROM load_post p, generate_series(1, {least + sides - 1}) n "
        f"WHERE posted_at >= {literal(begins_at)} AND posted_at < {literal(ends_at)} "
        f"AND n <= {least} + {chance('p.id', salt, sides)}"
        for salt, (kind, (least, sides)) in enumerate(NUMBERS.items(), start=20)
    )
    run("DROP TABLE IF EXISTS load_event")
    run(
        "CREATE UNLOGGED TABLE load_event AS SELECT kind, id AS post_id, n, own_id, owner, "
        f"{PERSON_IDS} + host::bigint * {PEOPLE_OF_A_HOST} + fan AS person_id, fan, "
        "posted_at + n * n * interval '5 minutes' AS at "
        f"FROM ({parts}) parts WHERE posted_at + n * n * interval '5 minutes' <= {literal(now)}"
    )
    run("ANALYZE load_event")
    key = "(post_id * 100 + n)"
    is_unknown = f"at < {literal(begun_at)}"
    is_window = f"{chance(key, 30, 12)} = 0"
    later = "at + interval '3 days'"
    ended = f"CASE WHEN {chance(key, 31, 50)} = 0 AND {later} < {literal(now)} THEN {later} END"
    who = {
        "account_id": "person_id::text",
        "username": handle("fan"),
        "display_name": display_name("fan"),
        "post_id": "post_id",
        "created_at": f"greatest(at, {literal(begun_at)})",
    }
    for kind, model in (("likes", PixelfedLike), ("shares", PixelfedShare)):
        times = {
            "precision": f"CASE WHEN {is_unknown} THEN 'unknown' "
            f"WHEN {is_window} THEN 'window' ELSE 'exact' END",
            "not_before_at": f"CASE WHEN {is_window} AND NOT {is_unknown} THEN at - interval '1 hour' END",
            model.HAPPENED_AT: f"greatest(at, {literal(begun_at)})",
            "ended_at": ended,
        }
        insert(model, who | times, f"load_event WHERE kind = '{kind}' ORDER BY at")
    # Each fourth comment is the photographer's answer to the one before.
    is_answer = "n % 4 = 0"
    said = {
        "account_id": f"CASE WHEN {is_answer} THEN own_id ELSE person_id::text END",
        "username": f"CASE WHEN {is_answer} THEN owner ELSE {handle('fan')} END",
        "display_name": f"CASE WHEN {is_answer} THEN initcap(owner) ELSE {display_name('fan')} END",
        "comment_id": f"({COMMENT_IDS} + {key})::text",
        "in_reply_to_id": f"CASE WHEN {is_answer} THEN ({COMMENT_IDS} + {key} - 1)::text "
        f"ELSE ({POST_IDS} + post_id)::text END",
        "content": f"'Lovely ' || {word('n + post_id')} || ', the ' || {word('post_id')} || ' above all!'",
        "commented_at": "at",
        "ended_at": ended,
    }
    insert(PixelfedComment, who | said, "load_event WHERE kind = 'comments' ORDER BY at")


def add_posts(now: datetime) -> None:
    """Make posts and summaries, with what their rows come to."""
    counts = " UNION ALL ".join(
        f"SELECT post_id, {', '.join(f'{1 if k == kind else 0} AS {k}' for k in KINDS)} "
        f"FROM {model._meta.db_table} WHERE ended_at IS NULL"
        for kind, model in platforms.get("pixelfed").engagement_models.items()
    )
    sums = ", ".join(f"sum({kind})::int AS {kind}" for kind in KINDS)
    source = (
        f"load_post p JOIN {MastodonAccount._meta.db_table} a ON a.id = p.account_id "
        f"JOIN (SELECT post_id, {sums} FROM ({counts}) rows GROUP BY post_id) c ON c.post_id = p.id "
        "ORDER BY p.id"
    )
    totals = {f"total_{kind}": f"c.{kind}" for kind in KINDS}
    totals["total_engagement"] = " + ".join(totals.values())
    caption = " || ' ' || ".join(word(f"p.id * {factor} / 3") for factor in (1, 3, 5, 7))
    remote_id = f"({POST_IDS} + p.id)::text"
    read = {f"{kind}_{name}": f"c.{kind}" for kind in KINDS for name in ("server_count", "read_count")}
    thumbnail = f"a.instance_url || '/storage/m/_v2/' || {remote_id} || '/photo_thumb.jpg'"
    # A twelfth are videos, a sixth albums.
    kind_of_media = f"(ARRAY['video', 'carousel', 'carousel'])[{chance('p.id', 40, 12)} + 1]"
    insert(
        PixelfedPost,
        {
            "id": "p.id",
            "account_id": "p.account_id",
            "pixelfed_post_id": remote_id,
            "instance_url": "a.instance_url",
            "username": "a.username",
            "caption": f"initcap({caption}) || ', early in the day. #' || {word('p.id')} || ' #photo'",
            "caption_folded": f"{caption} || ', early in the day. #' || {word('p.id')} || ' #photo'",
            "alt_text": f"'A photo of a ' || {word('p.id')}",
            "media_type": f"coalesce({kind_of_media}, 'image')",
            "media_url": f"a.instance_url || '/storage/m/_v2/' || {remote_id} || '/photo.jpg'",
            "thumbnail_url": thumbnail,
            "picture_source": thumbnail,
            "post_url": f"a.instance_url || '/p/' || a.username || '/' || {remote_id}",
            "visibility": "'public'",
            "posted_at": "p.posted_at",
            "created_at": "p.posted_at",
            "media_width": "1200",
            "media_height": "800",
            "picture": f"'load/' || to_char(p.id % {PICTURES}, 'FM00') || '.webp'",
            "picture_width": "640",
            "picture_height": "480",
            "picture_due_at": "NULL",
            **{f"{kind}_read_at": literal(now) for kind in KINDS},
            **read,
            **totals,
        },
        source,
    )
    insert(PixelfedEngagementSummary, {"post_id": "p.id", **totals}, source)
