"""Fills a PostgreSQL database with a large installation: true rows, and totals that agree with them.

Statements make the rows in the order of time, as they come in life, so that a post's likes lie apart on the disk.
Who likes is drawn from each account's own fans: the first of them like nearly everything, most few posts.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.contrib.auth.hashers import make_password
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from PIL import Image

from analytics_core import platforms
from analytics_core.models import (
    KINDS,
    AccountCount,
    AccountState,
    EngagementDay,
    Ledger,
    Person,
    PersonSpan,
    PersonTotal,
    SyncRun,
)
from analytics_core.tasks import fetch_account
from analytics_pixelfed.models import (
    PixelfedComment,
    PixelfedEngagementSummary,
    PixelfedLike,
    PixelfedPost,
    PixelfedShare,
)
from pixelfed.models import MastodonAccount
from pixelfed.sandbox import World
from postflow.models import CustomUser
from tests.load.sql import chance, insert, literal, move_sequences, run, without_foreign_keys, without_indexes

PASSWORD = "a long sentence for load tests"
SECRET = "load"
"""Signs the tokens of all hosts, so that they hold for hosts that are started later."""
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo")
MONTH = timedelta(days=30)
# The accounts are connected when they have been posting for so long; what was there then has no known time.
UNWATCHED = timedelta(days=60)
PICTURES = 16
# Ids as long as real ones; of people one range for each host.
POST_IDS, COMMENT_IDS, PERSON_IDS, PEOPLE_OF_A_HOST = 5 * 10**17, 6 * 10**17, 4 * 10**17, 10**7
WORDS = "fog lake harbour night rain window street mountain light tree boat roof morning".split()
DAYS_OF_RESULTS, DAYS_OF_RUNS = 14, 90


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large an installation is; its accounts are one for each user."""

    users: int = 300
    months: int = 36
    hosts: int = 20
    first_port: int = 18400

    def url(self, host: int) -> str:
        """The address of a host by its number."""
        return f"http://127.0.0.1:{self.first_port + host}"

    def host_of(self, number: int) -> int:
        """The host of an account by its number: a third of all are on the first."""
        return 0 if number % 3 == 0 or self.hosts == 1 else 1 + number % (self.hosts - 1)


def person_id(host: int, number: int) -> int:
    """The id of somebody at a host."""
    return PERSON_IDS + host * PEOPLE_OF_A_HOST + number


def email(number: int) -> str:
    """The address that a user signs in with."""
    return f"user{number:04d}@example.org"


def fill(size: Size, *, now: datetime | None = None, say: Callable[[str], None] = lambda text: None) -> None:
    """Fill an empty, migrated PostgreSQL database."""
    now = now or timezone.now()
    started_at = now - size.months * MONTH
    say("users, accounts, pictures")
    accounts = _accounts(size)
    _pictures()
    _states(accounts, now=now, started_at=started_at)
    with without_foreign_keys():
        _plan(accounts, size, now=now, started_at=started_at)
        events = (PixelfedLike, PixelfedComment, PixelfedShare)
        with without_indexes(*events):
            for month in range(size.months):
                begins_at = started_at + month * MONTH
                say(f"likes, comments and shares: month {month + 1} of {size.months}")
                _events(begins_at, begins_at + MONTH, now=now, begun_at=started_at + UNWATCHED)
            say("indexes of likes, comments and shares")
        say("posts")
        _posts(now)
        run("ANALYZE")
        with without_indexes(PersonSpan):
            for month in _months(started_at, now):
                say(f"totals of people: {month:%Y-%m}")
                _spans(month)
            say("indexes of the totals of people")
        say("people and days")
        _people()
    run("DROP TABLE load_post, load_event")
    move_sequences(PixelfedPost, Person)


def _accounts(size: Size) -> list[MastodonAccount]:
    password = make_password(PASSWORD)
    users = CustomUser.objects.bulk_create(
        CustomUser(email=email(n), password=password, time_zone=ZONES[n % len(ZONES)])
        for n in range(size.users)
    )
    accounts = []
    worlds = [World(secret=SECRET) for _ in range(size.hosts)]
    for number, user in enumerate(users):
        host = size.host_of(number)
        # Behind all fans.
        own_id = person_id(host, PEOPLE_OF_A_HOST - 1 - number)
        owner = worlds[host].add_person(f"photographer{number}", id=own_id)
        accounts.append(
            MastodonAccount(
                user=user,
                instance_url=size.url(host),
                username=owner.username,
                display_name=owner.display_name,
                remote_id=str(own_id),
                access_token=worlds[host].token_for(owner),
                software="pixelfed",
            )
        )
    return MastodonAccount.objects.bulk_create(accounts)


def _pictures() -> None:
    """Keep some pictures, noisy enough to be about as large as photos are."""
    for number in range(PICTURES):
        file = io.BytesIO()
        noise = Image.effect_noise((64, 48), 60 + number).resize((640, 480), Image.Resampling.BICUBIC)
        noise.convert("RGB").save(file, "WEBP", quality=90)
        default_storage.save(f"load/{number:02d}.webp", ContentFile(file.getvalue()))


def _states(accounts: list[MastodonAccount], *, now: datetime, started_at: datetime) -> None:
    """What the engine notes of itself: states, ledgers, followers, the last runs and their tasks."""
    platform = "pixelfed"
    begun_at = started_at + UNWATCHED
    own = [{"platform": platform, "account_id": account.pk} for account in accounts]
    AccountState.objects.bulk_create(
        AccountState(
            **each,
            last_attempt_at=now,
            last_success_at=now,
            next_due_at=now,
            history_is_complete=True,
            audited_at=now,
            sweep_started_at=now,
        )
        for each in own
    )
    Ledger.objects.bulk_create(
        Ledger(
            **each,
            instance_url=account.instance_url,
            time_zone=account.user.time_zone,
            begun_at=begun_at,
            whole_from_at=begun_at,
        )
        for each, account in zip(own, accounts, strict=True)
    )
    insert(
        AccountCount,
        {
            "platform": literal(platform),
            "account_id": "a.id",
            "counted_on": "day::date",
            "followers_count": f"200 + {chance('a.id', 1, 3000)} + (day::date - {literal(begun_at.date())})",
            "following_count": chance("a.id", 2, 900),
        },
        f"generate_series({literal(begun_at)}, {literal(now)}, interval '1 day') day, "
        f"{MastodonAccount._meta.db_table} a",
    )
    hours = f"generate_series({literal(now)} - interval '%s days', {literal(now)}, interval '1 hour') at"
    insert(
        SyncRun,
        {
            "platform": literal(platform),
            "started_at": "at",
            "finished_at": "at + interval '9 minutes'",
            "accounts_due": str(len(accounts)),
            "accounts_processed": str(len(accounts)),
            "requests": str(2 * len(accounts)),
        },
        hours % DAYS_OF_RUNS,
    )
    insert(
        DBTaskResult,
        {
            "id": "gen_random_uuid()",
            "status": "'SUCCESSFUL'",
            "enqueued_at": "at",
            "started_at": "at",
            "finished_at": "at + interval '2 seconds'",
            "args_kwargs": """jsonb_build_object('args', jsonb_build_array('pixelfed', a.id, 1), 'kwargs', '{}'::jsonb)""",
            "task_path": literal(fetch_account.module_path),
            "worker_ids": """'["worker"]'::jsonb""",
            "backend_name": "'default'",
            "run_after": "at",
            "return_value": "'{}'::jsonb",
        },
        hours % DAYS_OF_RESULTS + f", {MastodonAccount._meta.db_table} a",
    )


def _plan(accounts: list[MastodonAccount], size: Size, *, now: datetime, started_at: datetime) -> None:
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
        "CREATE UNLOGGED TABLE load_post AS SELECT row_number() OVER (ORDER BY posted_at, account_id) AS id, * "
        f"FROM (SELECT a.id AS account_id, a.host, a.pool, a.own_id, a.owner, a.zone, l.id AS ledger_id, "
        f"{fans} AS fans, {chance('a.id', 6, 'a.pool')} AS first_fan, {literal(started_at)} + {place} AS posted_at "
        f"FROM (VALUES {values}) a(id, host, pool, own_id, owner, zone) "
        f"JOIN {Ledger._meta.db_table} l ON l.platform = 'pixelfed' AND l.account_id = a.id "
        f"CROSS JOIN generate_series(0, {size.months - 1}) m "
        f"CROSS JOIN LATERAL (SELECT 30 + {chance('a.id * 100 + m', 7, 21)} AS n) size "
        f"CROSS JOIN LATERAL generate_series(1, n) k) posts WHERE posted_at < {literal(now)}"
    )
    run("CREATE UNIQUE INDEX ON load_post (id)")
    run("CREATE INDEX ON load_post (posted_at)")
    run("ANALYZE load_post")


# How many of each kind a post gets in the end: 60, 8 and 5 in the middle.
NUMBERS = {"likes": (20, 81), "comments": (2, 13), "shares": (0, 11)}


def _events(begins_at: datetime, ends_at: datetime, *, now: datetime, begun_at: datetime) -> None:
    """Make likes, comments and shares of a month's posts: fast at first, ever slower, the 60th after 12 days."""
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
    ended = f"CASE WHEN {chance(key, 31, 50)} = 0 AND at + interval '3 days' < {literal(now)} THEN at + interval '3 days' END"
    who = {
        "account_id": "person_id::text",
        "username": _handle("fan"),
        "display_name": _display_name("fan"),
        "post_id": "post_id",
        "created_at": f"greatest(at, {literal(begun_at)})",
    }
    for kind, model in (("likes", PixelfedLike), ("shares", PixelfedShare)):
        times = {
            "precision": f"CASE WHEN {is_unknown} THEN 'unknown' WHEN {is_window} THEN 'window' ELSE 'exact' END",
            "not_before_at": f"CASE WHEN {is_window} AND NOT {is_unknown} THEN at - interval '1 hour' END",
            model.HAPPENED_AT: f"greatest(at, {literal(begun_at)})",
            "ended_at": ended,
        }
        insert(model, who | times, f"load_event WHERE kind = '{kind}' ORDER BY at")
    # Each fourth comment is the photographer's answer to the one before.
    is_answer = "n % 4 = 0"
    said = {
        "account_id": f"CASE WHEN {is_answer} THEN own_id ELSE person_id::text END",
        "username": f"CASE WHEN {is_answer} THEN owner ELSE {_handle('fan')} END",
        "display_name": f"CASE WHEN {is_answer} THEN initcap(owner) ELSE {_display_name('fan')} END",
        "comment_id": f"({COMMENT_IDS} + {key})::text",
        "in_reply_to_id": f"CASE WHEN {is_answer} THEN ({COMMENT_IDS} + {key} - 1)::text "
        f"ELSE ({POST_IDS} + post_id)::text END",
        "content": f"'Lovely ' || {_word('n + post_id')} || ', the ' || {_word('post_id')} || ' above all!'",
        "commented_at": "at",
        "ended_at": ended,
    }
    insert(PixelfedComment, who | said, "load_event WHERE kind = 'comments' ORDER BY at")


def _word(number: str) -> str:
    return f"({literal(WORDS)}::text[])[({number}) % {len(WORDS)} + 1]"


def _handle(fan: str) -> str:
    """An expression for what somebody is called; `handle` says the same in Python."""
    return f"{_word(fan)} || '_' || {fan} || '_' || {_word(f'{fan} / 7')}"


def handle(fan: int) -> str:
    """What the fan of this number is called at their host."""
    return f"{WORDS[fan % len(WORDS)]}_{fan}_{WORDS[fan // 7 % len(WORDS)]}"


def _display_name(fan: str) -> str:
    return f"initcap({_word(fan)} || ' ' || {_word(f'{fan} / 3')})"


def display_name(fan: int) -> str:
    """The name that the fan of this number shows."""
    return f"{WORDS[fan % len(WORDS)]} {WORDS[fan // 3 % len(WORDS)]}".title()


def _posts(now: datetime) -> None:
    """Make posts and summaries, with what their rows come to."""
    counts = " UNION ALL ".join(
        f"SELECT post_id, {', '.join(f'{1 if k == kind else 0} AS {k}' for k in KINDS)} "
        f"FROM {model._meta.db_table} WHERE ended_at IS NULL"
        for kind, model in platforms.get("pixelfed").engagement_models.items()
    )
    sums = ", ".join(f"sum({kind})::int AS {kind}" for kind in KINDS)
    source = (
        f"load_post p JOIN {MastodonAccount._meta.db_table} a ON a.id = p.account_id "
        f"JOIN (SELECT post_id, {sums} FROM ({counts}) rows GROUP BY post_id) c ON c.post_id = p.id ORDER BY p.id"
    )
    totals = {f"total_{kind}": f"c.{kind}" for kind in KINDS}
    totals["total_engagement"] = " + ".join(totals.values())
    caption = " || ' ' || ".join(_word(f"p.id * {factor} / 3") for factor in (1, 3, 5, 7))
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
            "caption": f"initcap({caption}) || ', early in the day. #' || {_word('p.id')} || ' #photo'",
            "caption_folded": f"{caption} || ', early in the day. #' || {_word('p.id')} || ' #photo'",
            "alt_text": f"'A photo of a ' || {_word('p.id')}",
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


def _months(started_at: datetime, now: datetime) -> list[date]:
    """The first day of each month from one moment to another, with what a time zone may add."""
    month, months = (started_at - timedelta(days=1)).date().replace(day=1), []
    while month <= (now + timedelta(days=1)).date():
        months.append(month)
        month = (month + timedelta(days=31)).replace(day=1)
    return months


def _spans(month: date) -> None:
    """Count what each person did on each day of a month, and in all of it, in the days of the owner's zone."""
    following = (month + timedelta(days=31)).replace(day=1)
    parts = " UNION ALL ".join(
        f"SELECT p.ledger_id, e.account_id, (e.{model.HAPPENED_AT} AT TIME ZONE p.zone)::date AS day, "
        f"{', '.join(f'{1 if k == kind else 0} AS {k}' for k in KINDS)} "
        f"FROM {model._meta.db_table} e JOIN load_post p ON p.id = e.post_id "
        f"WHERE e.ended_at IS NULL AND e.precision <> 'unknown' "
        f"AND e.{model.HAPPENED_AT} >= {literal(month)}::timestamptz - interval '1 day' "
        f"AND e.{model.HAPPENED_AT} < {literal(following)}::timestamptz + interval '1 day'"
        for kind, model in platforms.get("pixelfed").engagement_models.items()
    )
    sums = {kind: f"sum({kind})" for kind in KINDS}
    run("DROP TABLE IF EXISTS load_span")
    run(
        f"CREATE UNLOGGED TABLE load_span AS SELECT ledger_id, {_person_key('account_id')} AS person_id, day, "
        f"{', '.join(f'{value} AS {kind}' for kind, value in sums.items())} FROM ({parts}) rows "
        f"WHERE day >= {literal(month)} AND day < {literal(following)} GROUP BY 1, 2, 3 ORDER BY day"
    )
    key = {"ledger_id": "ledger_id", "person_id": "person_id"}
    days = {kind: kind for kind in KINDS}
    insert(PersonSpan, key | days | {"span": "'d'", "starts_on": "day"}, "load_span")
    insert(
        EngagementDay, {"ledger_id": "ledger_id", "day": "day", **sums}, "load_span GROUP BY ledger_id, day"
    )
    months = {"span": "'m'", "starts_on": literal(month)}
    insert(PersonSpan, key | sums | months, "load_span GROUP BY ledger_id, person_id")
    run("DROP TABLE load_span")


def _person_key(account_id: str) -> str:
    """The primary key of a person follows from their id."""
    return f"({account_id}::bigint - {PERSON_IDS})"


def _people() -> None:
    """Count all that people ever did, and what of it has no day; name everybody."""
    ledgers = Ledger._meta.db_table
    parts = [
        "SELECT ledger_id, person_id, "
        f"{', '.join(KINDS)}, 0 AS undated, starts_on AS day FROM {PersonSpan._meta.db_table} WHERE span = 'd'"
    ]
    for kind, model in platforms.get("pixelfed").engagement_models.items():
        undated = f"{model._meta.db_table} e JOIN load_post p ON p.id = e.post_id"
        only = "WHERE e.ended_at IS NULL AND e.precision = 'unknown'"
        parts.append(
            f"SELECT p.ledger_id, {_person_key('e.account_id')}, "
            f"{', '.join('1' if k == kind else '0' for k in KINDS)}, 1, NULL FROM {undated} {only}"
        )
        run(
            f"UPDATE {ledgers} l SET undated_{kind} = c.number FROM (SELECT p.ledger_id, count(*) AS number "
            f"FROM {undated} {only} GROUP BY 1) c WHERE c.ledger_id = l.id"
        )
    insert(
        PersonTotal,
        {
            "ledger_id": "ledger_id",
            "person_id": "person_id",
            **{kind: f"sum({kind})" for kind in KINDS},
            "undated_count": "sum(undated)",
            "met_on": "CASE WHEN sum(undated) = 0 THEN min(day) END",
        },
        f"({' UNION ALL '.join(parts)}) rows GROUP BY ledger_id, person_id",
    )
    # The photographers stand behind the fans of their host, from the last number downwards.
    number = f"(t.person_id % {PEOPLE_OF_A_HOST})"
    is_owner = f"{number} >= {PEOPLE_OF_A_HOST // 2}"
    insert(
        Person,
        {
            "id": "t.person_id",
            "platform": "'pixelfed'",
            "instance_url": "l.instance_url",
            "remote_id": f"(t.person_id + {PERSON_IDS})::text",
            "username": f"CASE WHEN {is_owner} THEN l.owner ELSE {_handle(number)} END",
            "display_name": f"CASE WHEN {is_owner} THEN initcap(l.owner) ELSE {_display_name(number)} END",
        },
        f"(SELECT person_id, min(ledger_id) AS ledger_id FROM {PersonTotal._meta.db_table} GROUP BY 1) t "
        f"JOIN (SELECT l.*, a.username AS owner FROM {ledgers} l JOIN {MastodonAccount._meta.db_table} a "
        "ON a.id = l.account_id) l ON l.id = t.ledger_id",
    )
