"""Fills a PostgreSQL database with a large installation: true rows, and totals that agree with them.

Statements make the rows in the order of time, as they come in life, so that a post's likes lie apart on the
disk. Who likes is drawn from each account's own fans: the first of them like nearly everything, most of them
few posts.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from PIL import Image

from analytics_core.models import AccountCount, AccountState, Ledger, Person, PersonSpan, SyncRun
from analytics_core.tasks import fetch_account
from analytics_pixelfed.models import PixelfedComment, PixelfedLike, PixelfedPost, PixelfedShare
from pixelfed.models import MastodonAccount
from pixelfed.sandbox import World
from postflow.models import CustomUser
from tests.load import rows, totals
from tests.load.size import (
    MONTH,
    PASSWORD,
    PEOPLE_OF_A_HOST,
    PICTURES,
    SECRET,
    UNWATCHED,
    ZONES,
    Size,
    email,
    person_id,
)
from tests.load.sql import chance, insert, literal, move_sequences, run, without_foreign_keys, without_indexes

DAYS_OF_RESULTS, DAYS_OF_RUNS = 14, 90


def fill(size: Size, *, now: datetime | None = None, say: Callable[[str], None] = lambda text: None) -> None:
    """Fill an empty, migrated PostgreSQL database."""
    now = now or timezone.now()
    started_at = now - size.months * MONTH
    say("users, accounts, pictures")
    accounts = _accounts(size)
    _pictures()
    _states(accounts, now=now, started_at=started_at)
    with without_foreign_keys():
        rows.plan(accounts, size, now=now, started_at=started_at)
        events = (PixelfedLike, PixelfedComment, PixelfedShare)
        with without_indexes(*events):
            for month in range(size.months):
                begins_at = started_at + month * MONTH
                say(f"likes, comments and shares: month {month + 1} of {size.months}")
                rows.add_events(begins_at, now=now, begun_at=started_at + UNWATCHED)
            say("indexes of likes, comments and shares")
        say("posts")
        rows.add_posts(now)
        run("ANALYZE")
        with without_indexes(PersonSpan):
            for month in totals.months(started_at, now):
                say(f"totals of people: {month:%Y-%m}")
                totals.add_spans(month)
            say("indexes of the totals of people")
        say("people and days")
        totals.add_people()
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
            "args_kwargs": "jsonb_build_object("
            "'args', jsonb_build_array('pixelfed', a.id, 1), 'kwargs', '{}'::jsonb)",
            "task_path": literal(fetch_account.module_path),
            "worker_ids": """'["worker"]'::jsonb""",
            "backend_name": "'default'",
            "run_after": "at",
            "return_value": "'{}'::jsonb",
        },
        hours % DAYS_OF_RESULTS + f", {MastodonAccount._meta.db_table} a",
    )
