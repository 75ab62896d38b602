"""Forgetting a person: finding what is held of a handle, and taking every name off it; old names too.

No row is deleted, since a server goes on counting what somebody did. It stays under a pseudonym
(docs/decisions/0017-forgetting-a-person.md).
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet

from analytics_core import platforms
from analytics_core.day_models import Ledger, Person
from analytics_core.engine import archive, ledger
from analytics_core.engine.veil import MARK, Veil, is_covered, site_salt
from analytics_core.platforms import Platform
from analytics_core.state_models import Forgotten, Notice

logger = logging.getLogger(__name__)

BATCH_SIZE = 500
MAX_TYPED_LENGTH = 300
_HANDLE = re.compile(r"(?:acct:)?@?(?P<name>[^@\s/:?#]+)(?:@(?P<host>[^@\s/?#]+))?")
_PROFILE = re.compile(
    r"(?:https?://)?(?P<host>[^@\s/?#]+)/(?:users/|@|i/web/profile/)?(?P<name>[^@\s/?#]+)/?"
)


class NoHandle(ValueError):
    """What was typed is no handle. The text is a sentence for the person."""


@dataclass(slots=True, kw_only=True)
class Held:
    """What is held of one person. What was taken back counts too: it is a row.

    Attributes:
        handle: with its host, in lower case.
        ids: the person's id at the instance of each account whose rows have it, by platform and account.
    """

    handle: str
    display_name: str = ""
    likes: int = 0
    comments: int = 0
    shares: int = 0
    ids: dict[tuple[str, int], set[str]] = field(default_factory=lambda: defaultdict(set))


def read_handle(typed: str) -> tuple[str, str]:
    """Return name and host of a handle or of a profile's address, in lower case; "" where no host is given.

    Raises:
        NoHandle: it is neither.
    """
    text = typed.strip()
    found = _HANDLE.fullmatch(text) or _PROFILE.fullmatch(text)
    if found is None or len(text) > MAX_TYPED_LENGTH:
        raise NoHandle("Type a handle, such as @bob@photos.example, or the address of a profile.")
    return found["name"].lower(), (found["host"] or "").lower()


def find(name: str, host: str, *, user: Any = None) -> list[Held]:
    """Return what is held of everybody with this handle, by its full form.

    Args:
        host: "" for any.
        user: whose posts are looked at; None: everybody's. Their own accounts are left out.
    """
    found: dict[str, Held] = {}
    for platform, account in _accounts(user):
        home = urlsplit(account.instance_url).netloc.lower()
        names = _named(name, host, home=home)
        if names is None:
            continue
        rows = {
            kind: model.objects.filter(post__account=account).order_by()
            for kind, model in platform.engagement_models.items()
        }
        handle_of: dict[str, str] = {}
        for each in rows.values():
            theirs = each.filter(names).exclude(account_id=platform.remote_account_id(account))
            handle_of.update(theirs.values_list("account_id", "username").distinct())
        # Somebody who was renamed is in other rows under another name.
        for kind, each in rows.items():
            for some in batched(handle_of, BATCH_SIZE, strict=False):
                counted = each.filter(account_id__in=some).values("account_id")
                for row in counted.annotate(number=Count("pk"), shown=Max("display_name")):
                    full = _full(handle_of[row["account_id"]], home=home)
                    held = found.setdefault(full, Held(handle=full))
                    held.display_name = held.display_name or row["shown"]
                    setattr(held, kind, getattr(held, kind) + row["number"])
                    held.ids[platform.name, account.pk].add(row["account_id"])
    return [found[handle] for handle in sorted(found)]


def forget(held: Held, *, user: Any = None) -> int:
    """Take the person's name, handle and words off everything that is held, and see that none comes back.

    Safe to run twice, and to be killed: what is noted first keeps readings from naming anybody anew.

    Args:
        user: whose posts are meant; None: those of all users, later ones included.

    Returns:
        How many rows have no name any more.
    """
    digests = _note(held, user=user)
    covered_count = 0
    for platform, account in _accounts(user):
        covered_count += _forget_in(platform, account, held, digests=digests)
    # A file that was built before would still tell.
    archive.void(user)
    logger.info("A person was forgotten in %s rows", covered_count)
    return covered_count


def _forget_in(platform: Platform, account: Any, held: Held, *, digests: set[str]) -> int:
    """Cover one account's rows, notices and mentions of somebody who is noted as forgotten."""
    name, _, host = held.handle.partition("@")
    home = urlsplit(account.instance_url).netloc.lower()
    ids = set(held.ids.get((platform.name, account.pk), ()))
    with transaction.atomic(), ledger.keep(platform, account.pk) as book:
        book.ledger.forgotten = sorted({*book.ledger.forgotten, *digests})
        book.ledger.save(update_fields=["forgotten"])
        book.veil = Veil(book.ledger)
        # Under the lock: a reading may have added a row since they were counted.
        names = _named(name, host, home=home)
        for model in platform.engagement_models.values():
            rows = model.objects.filter(post__account=account)
            if names is not None:
                ids.update(rows.filter(names).values_list("account_id", flat=True))
        ids = {person_id for person_id in ids if not is_covered(person_id)}
        covered_count = 0
        for kind, model in platform.engagement_models.items():
            for some in batched(sorted(ids), BATCH_SIZE, strict=False):
                rows = model.objects.filter(post__account=account, account_id__in=some)
                covered_count += _cover(book, kind, list(rows))
        own = Notice.objects.filter(platform=platform.name, account_id=account.pk)
        for person_id in ids:
            own.filter(person_id=person_id).update(person_id=book.veil.pseudonym(person_id))
        _cover_mentions(platform, account, book.veil, name=name)
    _drop_nameable(platform, account, ids)
    return covered_count


def cover_old(platform: Platform, account: Any, *, before: datetime, at_most: int) -> int:
    """Take the names off an account's likes, comments and shares that happened before a moment.

    The photographer's own answers keep theirs.

    Returns:
        How many rows there were; less than `at_most` where none is left.
    """
    done = 0
    own_id = platform.remote_account_id(account)
    for kind, model in platform.engagement_models.items():
        with transaction.atomic(), ledger.keep(platform, account.pk) as book:
            rows = model.objects.filter(post__account=account, **{f"{model.HAPPENED_AT}__lt": before})
            named = rows.exclude(account_id__startswith=MARK).exclude(account_id=own_id)
            found = list(named.order_by("pk")[: at_most - done])
            _cover(book, kind, found)
        _drop_nameable(platform, account, {row.was_id for row in found})
        done += len(found)
    return done


def _cover(book: ledger.Book, kind: str, rows: Sequence[Any]) -> int:
    """Put rows of one kind under pseudonyms, and their totals with them."""
    tally = book.tally(kind)
    for row in rows:
        row.was_id = row.account_id
        if row.ended_at is None:
            tally.ended(row)
        row.account_id, row.username, row.display_name = book.veil.pseudonym(row.account_id), "", ""
        if kind == "comments":
            row.content = ""
        if row.ended_at is None:
            tally.added(row)
    if rows:
        fields = ["account_id", "username", "display_name", *(["content"] if kind == "comments" else [])]
        type(rows[0]).objects.bulk_update(rows, fields, batch_size=BATCH_SIZE)
    return len(rows)


def _cover_mentions(platform: Platform, account: Any, veil: Veil, *, name: str) -> None:
    """Take the name out of what others wrote."""
    model = platform.engagement_models["comments"]
    changed = []
    for row in model.objects.filter(post__account=account, content__icontains=f"@{name}").only("content"):
        text = veil.without_mentions(row.content)
        if text != row.content:
            row.content = text
            changed.append(row)
    model.objects.bulk_update(changed, ["content"], batch_size=BATCH_SIZE)


def _drop_nameable(platform: Platform, account: Any, ids: Iterable[str]) -> None:
    """Delete people whom no account's totals name any more."""
    for some in batched(sorted(ids), BATCH_SIZE, strict=False):
        Person.objects.filter(
            platform=platform.name, instance_url=account.instance_url, remote_id__in=some, totals=None
        ).delete()


def _note(held: Held, *, user: Any) -> set[str]:
    """Note somebody as forgotten: their ids, their handle, and the name that comments call them by."""
    salt = site_salt()
    name, _, _host = held.handle.partition("@")
    somewhere = Veil(Ledger(salt=salt, instance_url="", forgotten=[]))
    digests = {somewhere.handle_digest(held.handle), somewhere.mention_digest(name)}
    for platform, account in _accounts(user):
        veil = Veil(Ledger(salt=salt, instance_url=account.instance_url, forgotten=[]))
        ids = held.ids.get((platform.name, account.pk), ())
        digests.update(veil.pseudonym(person_id) for person_id in ids)
    Forgotten.objects.bulk_create(
        [Forgotten(user=user, digest=digest) for digest in sorted(digests)], ignore_conflicts=True
    )
    return digests


def _accounts(user: Any) -> Iterator[tuple[Platform, Any]]:
    """Go through the accounts of a user, or of all of them: with their platform."""
    for platform in platforms.all_platforms():
        accounts: QuerySet[Any] = platform.account_model._default_manager.order_by("pk")
        for account in accounts if user is None else accounts.filter(user=user):
            yield platform, account


def _named(name: str, host: str, *, home: str) -> Q | None:
    """Return the condition that a row's handle is this one, as an instance with this host writes it."""
    with_host = Q(username__iexact=f"{name}@{host}") if host else Q(username__istartswith=f"{name}@")
    return with_host | Q(username__iexact=name) if host in ("", home) else with_host


def _full(handle: str, *, home: str) -> str:
    handle = handle.lower()
    return handle if "@" in handle else f"{handle}@{home}"
