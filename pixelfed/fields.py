"""A field for what could open somebody's account: encrypted in the database, and in every dump of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from encrypted_fields.fields import EncryptedTextField


class SecretField(EncryptedTextField):
    """Encrypted text that `dumpdata` writes as it is stored; `loaddata` reads it with the same keys."""

    def value_to_string(self, obj: Any) -> str:
        """Return the encrypted value, for serializers: the library's own field would give the plain one."""
        return self.get_prep_value(self.value_from_object(obj)) or ""

    def deconstruct(self) -> Any:
        """Be the library's field to migrations: nothing of the table is different."""
        name, _, args, kwargs = super().deconstruct()
        return name, "encrypted_fields.fields.EncryptedTextField", args, kwargs

    if TYPE_CHECKING:  # a row holds the text itself; the library has no types to say so

        def __get__(self, instance: Any, owner: Any) -> Any: ...
        def __set__(self, instance: Any, value: Any) -> None: ...
