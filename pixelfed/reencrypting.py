"""Rotating keys: every encrypted text of every table, written anew with the first key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.db.models import F, Model, TextField
from django.db.models.functions import Cast
from encrypted_fields.fields import EncryptedFieldMixin

ROWS_AT_ONCE = 500


@dataclass(slots=True)
class Outcome:
    """What became of the texts.

    Attributes:
        rewritten: how many have the first key now.
        kept: how many had it before.
        changed: how many were replaced by somebody else at that moment, with the first key.
        unreadable: which no key opens, in words without a secret.
    """

    rewritten: int = 0
    kept: int = 0
    changed: int = 0
    unreadable: list[str] = field(default_factory=list)


def reencrypt_all() -> Outcome:
    """Encrypt with the first of SECRET_KEY and SALT_KEY what any other of their keys still opens.

    Safe to run twice, and beside everything: a text that changes meanwhile is left as it is then.
    """
    outcome = Outcome()
    for model, name in encrypted_fields():
        _reencrypt(model, name, outcome)
    return outcome


def encrypted_fields() -> Iterator[tuple[type[Model], str]]:
    """Go through the encrypted columns of all tables."""
    for model in apps.get_models():
        for column in model._meta.concrete_fields:
            if isinstance(column, EncryptedFieldMixin):
                yield model, column.name


def _reencrypt(model: type[Model], name: str, outcome: Outcome) -> None:
    column: Any = model._meta.get_field(name)
    first = Fernet(column.keys[0])
    # As text of a plain type it is not decrypted on the way.
    rows = model._default_manager.order_by("pk").annotate(stored=Cast(F(name), TextField()))
    for pk, stored in rows.values_list("pk", "stored").iterator(chunk_size=ROWS_AT_ONCE):
        if not stored:
            continue
        if _open(first, stored) is not None:
            outcome.kept += 1
            continue
        plain = _open(column.f, stored)
        if plain is None:
            outcome.unreadable.append(f"{model._meta.verbose_name} {pk}: {column.verbose_name}")
        elif rows.filter(pk=pk, stored=stored).update(**{name: plain}):
            outcome.rewritten += 1
        else:
            outcome.changed += 1


def _open(key: Any, stored: str) -> str | None:
    try:
        return key.decrypt(stored.encode()).decode()
    except (InvalidToken, UnicodeError):
        return None
