"""What stands in an export: the tables, their columns in words, and the ZIP, written row by row."""

from __future__ import annotations

import csv
import io
import json
import shutil
import tempfile
import zipfile
import zoneinfo
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from django.apps import apps
from django.db.models import QuerySet
from django.utils import timezone

from analytics_core import platforms
from analytics_core.day_models import EngagementDay
from analytics_core.engine.veil import is_covered
from analytics_core.exports import plain, safe_cell
from analytics_core.models import KINDS
from analytics_core.platforms import Platform
from analytics_core.state_models import AccountCount, Notice
from core import stopping

ROWS_AT_ONCE = 2000
PERSON_COLUMNS = {
    "person_id": "the person's id at the account's instance; empty where no name is kept",
    "handle": "their handle; empty where no name is kept",
    "name": "the name they show",
}
TIME_COLUMNS = {
    "happened_at": "when it happened, as well as that is known",
    "time_is": 'how well: "exact"; "window": between not_before_at and happened_at; "unknown": it was there '
    "when PostFlow first looked, at happened_at",
    "not_before_at": 'with "window": when it was not there yet',
    "ended_at": "since when it was not there any more; empty: it counts",
    "stored_at": "when PostFlow stored it",
}


class Interrupted(Exception):
    """The process was asked to end before the file was whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One table of an export.

    Attributes:
        columns: what each means, by name.
        rows: gives the cells in the columns' order.
    """

    name: str
    about: str
    columns: Mapping[str, str]
    rows: Callable[[], Iterable[Sequence[Any]]]


def write(user: Any, file: IO[bytes]) -> int:
    """Write the ZIP of everything a user has. Times are in the user's zone. Returns how many rows it holds.

    Memory does not grow with the rows: each goes from the database to the file.

    Raises:
        Interrupted: the process has to end.
    """
    count = 0
    with timezone.override(_zone(user)), zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        parts = contents(user)
        archive.writestr("README.txt", read_me(parts, zone=_zone(user).key))
        for part in parts:
            count += _write_part(archive, part)
    return count


def contents(user: Any) -> list[Part]:
    """Return the tables of an export."""
    homes = [(platform, _accounts(platform, user)) for platform in platforms.all_platforms()]
    return [
        _settings(user),
        Part(
            name="accounts",
            about="The accounts that you have connected. Their access stays with PostFlow.",
            columns={
                "account": "our number of it, which the other files use",
                "platform": "what it runs on",
                "instance": "its instance",
                "handle": "its handle there",
                "name": "the name it shows",
                "id": "its id there",
                "state": "whether it is read",
            },
            rows=lambda: _account_rows(homes),
        ),
        Part(
            name="posts",
            about="Your posts with media.",
            columns=POST_COLUMNS,
            rows=lambda: _post_rows(homes),
        ),
        Part(
            name="summaries",
            about="What counts of each post now. What was taken back is in no number.",
            columns={
                "account": "the account's number",
                "post": "the post's number",
                **{kind: f"how many {kind}" for kind in KINDS},
                "engagement": "all three together",
                "updated_at": "when that was counted",
            },
            rows=lambda: _each(
                homes,
                lambda platform: platform.summary_model,
                "post__account_id",
                "post_id",
                "total_likes",
                "total_comments",
                "total_shares",
                "total_engagement",
                "last_updated",
                through="post__account",
            ),
        ),  # fmt: skip
        *(_engagement(homes, kind) for kind in KINDS),
        Part(
            name="follower_counts",
            about="Followers, followed accounts and posts of each account, by day.",
            columns={
                "account": "the account's number",
                "day": "in UTC",
                "followers": "empty: not told",
                "following": "empty: not told",
                "posts": "empty: not told",
            },
            rows=lambda: _by_number(
                homes,
                AccountCount,
                "account_id",
                "counted_on",
                "followers_count",
                "following_count",
                "posts_count",
            ),
        ),
        Part(
            name="daily_totals",
            about="Likes, comments and shares by the day they came, where it is known, in your time zone.",
            columns={
                "account": "the account's number",
                "day": "the day",
                **{k: f"how many {k}" for k in KINDS},
            },
            rows=lambda: _by_number(
                homes, EngagementDay, "ledger__account_id", "day", *KINDS, through="ledger__"
            ),
        ),
        Part(
            name="waiting_times",
            about="True times that notifications told, until the list with their like or share is read.",
            columns={
                "account": "the account's number",
                "kind": "likes or shares",
                "post_id": "the post's id at its instance",
                "person_id": "the person's id there; empty where no name is kept",
                "happened_at": "when it happened",
            },
            rows=lambda: (
                [*row[:3], _open_id(row[3]), row[4]]
                for row in _by_number(
                    homes, Notice, "account_id", "kind", "post_remote_id", "person_id", "happened_at"
                )
            ),
        ),
        _planned(user),
    ]


def read_me(parts: Sequence[Part], *, zone: str) -> str:
    """Return the text that explains each file and column."""
    lines = [
        "Everything that PostFlow holds of yours",
        "",
        f"Made at {timezone.localtime():%Y-%m-%d %H:%M}. Times are in {zone}, with their offset from UTC.",
        "Each table is there twice: as CSV, for spreadsheets, and as JSON. In CSV a text that a spreadsheet",
        "would take for a formula has an apostrophe before it.",
        "Not in here: your password, the access to your accounts, and the small copies of your photos, which",
        "your instance has in full.",
    ]
    for part in parts:
        lines += ["", f"{part.name}.csv, {part.name}.json", part.about]
        lines += [f"  {column}: {meaning}" for column, meaning in part.columns.items()]
    return "\r\n".join([*lines, ""])


POST_COLUMNS = {
    "account": "the account's number",
    "post": "our number of it, which the other files use",
    "id": "its id at the instance",
    "address": "its page there",
    "posted_at": "when it was posted",
    "caption": "what you wrote",
    "media_type": "image, video or carousel",
    "media_count": "how many pictures or videos",
    "media_address": "the first of them at the instance",
    "alt_text": "its description",
    "visibility": "who may see it",
    "is_sensitive": "whether it is marked so",
    "missing_since_at": "since when the instance does not show it any more",
    **{
        name: meaning
        for kind in KINDS
        for name, meaning in (
            (f"{kind}_server_count", f"how many {kind} the server counts"),
            (f"{kind}_read_count", "how many it counted when the list was last read; empty: to be read"),
            (f"{kind}_read_at", "when that was"),
        )
    },
}
POST_FIELDS = (
    "post_url", "posted_at", "caption", "media_type", "media_count", "media_url", "alt_text", "visibility",
    "is_sensitive", "missing_since_at",
    *(f"{kind}_{name}" for kind in KINDS for name in ("server_count", "read_count", "read_at")),
)  # fmt: skip

type Homes = Sequence[tuple[Platform, QuerySet[Any]]]


def _settings(user: Any) -> Part:
    return Part(
        name="settings",
        about="Your PostFlow account.",
        columns={
            "email": "the address you sign in with",
            "name": "your name",
            "time_zone": "whose days your numbers are in",
            "theme": "the colours of the pages",
            "is_calm": "whether numbers stay covered",
            "joined_at": "since when you are here",
            "last_sign_in_at": "when you last signed in",
        },
        rows=lambda: [
            [
                user.email,
                user.name,
                user.time_zone,
                user.theme,
                user.is_calm,
                user.date_joined,
                user.last_login,
            ]
        ],
    )


def _engagement(homes: Homes, kind: str) -> Part:
    is_comments = kind == "comments"
    said = {
        "comment_id": "the comment's id",
        "answers_id": "the id of what it answers: a comment or the post",
        "text": "what it says; empty where no name is kept",
    }
    more = ("comment_id", "in_reply_to_id", "content") if is_comments else ()

    def rows() -> Iterator[Sequence[Any]]:
        for platform, accounts in homes:
            model = platform.engagement_models[kind]
            fields = (
                "account_id",
                "username",
                "display_name",
                model.HAPPENED_AT,
                "precision",
                "not_before_at",
            )
            found = _stream(
                model.objects.filter(post__account__in=accounts),
                "post__account_id", "post_id", *fields, "ended_at", "created_at", *more,
            )  # fmt: skip
            for row in found:
                yield [*row[:2], _open_id(row[2]), *row[3:]]

    return Part(
        name=kind,
        about=f"All {kind} of your posts, those that were taken back too.",
        columns={
            "account": "the account's number",
            "post": "the post's number",
            **PERSON_COLUMNS,
            **TIME_COLUMNS,
            **(said if is_comments else {}),
        },
        rows=rows,
    )


def _planned(user: Any) -> Part:
    model = apps.get_model("postflow", "ScheduledPost")
    fields = [field.attname for field in model._meta.concrete_fields if field.name != "user"]
    return Part(
        name="planned_posts",
        about="Posts that you planned in PostFlow.",
        columns={
            field.attname: str(field.verbose_name)
            for field in model._meta.concrete_fields
            if field.name != "user"
        },
        rows=lambda: _stream(model._default_manager.filter(user=user), *fields),
    )


def _accounts(platform: Platform, user: Any) -> QuerySet[Any]:
    return platform.account_model._default_manager.filter(user=user).order_by().values("pk")


def _account_rows(homes: Homes) -> Iterator[Sequence[Any]]:
    fields = ("pk", "instance_url", "username", "display_name", "remote_id", "state")
    for platform, accounts in homes:
        rows = platform.account_model._default_manager.filter(pk__in=accounts)
        for pk, *rest in _stream(rows, *fields):
            yield [pk, platform.label, *rest]


def _post_rows(homes: Homes) -> Iterator[Sequence[Any]]:
    for platform, accounts in homes:
        rows = platform.post_model._default_manager.filter(account__in=accounts)
        yield from _stream(rows, "account_id", "pk", platform.post_id_field, *POST_FIELDS)


def _each(
    homes: Homes, model_of: Callable[[Platform], type[Any]], *fields: str, through: str
) -> Iterator[Sequence[Any]]:
    for platform, accounts in homes:
        yield from _stream(
            model_of(platform)._default_manager.filter(**{f"{through}__in": accounts}), *fields
        )


def _by_number(homes: Homes, model: type[Any], *fields: str, through: str = "") -> Iterator[Sequence[Any]]:
    """Rows of a table that names accounts by platform and number."""
    for platform, accounts in homes:
        own = {f"{through}platform": platform.name, f"{through}account_id__in": accounts}
        yield from _stream(model._default_manager.filter(**own), *fields)


def _stream(rows: QuerySet[Any], *fields: str) -> Iterator[Sequence[Any]]:
    return rows.order_by("pk").values_list(*fields).iterator(chunk_size=ROWS_AT_ONCE)


def _open_id(person_id: str) -> str:
    return "" if is_covered(person_id) else person_id


def _zone(user: Any) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(user.time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo("UTC")


def _write_part(archive: zipfile.ZipFile, part: Part) -> int:
    """Write a table as CSV, and its JSON beside it, from one reading of the rows."""
    columns, count = list(part.columns), 0
    with tempfile.TemporaryFile() as aside:
        with (
            archive.open(f"{part.name}.csv", "w", force_zip64=True) as raw,
            # The mark at the beginning tells spreadsheets that this is UTF-8.
            io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text,
        ):
            table = csv.writer(text)
            table.writerow(columns)
            for row in part.rows():
                if count % ROWS_AT_ONCE == 0 and stopping.is_asked():
                    raise Interrupted
                table.writerow(map(safe_cell, row))
                cells = dict(zip(columns, map(plain, row), strict=True))
                aside.write(b",\n" if count else b"[\n")
                aside.write(json.dumps(cells, ensure_ascii=False).encode("utf-8", "replace"))
                count += 1
        aside.write(b"\n]\n" if count else b"[]\n")
        aside.seek(0)
        with archive.open(f"{part.name}.json", "w", force_zip64=True) as raw:
            shutil.copyfileobj(aside, raw)
    return count
