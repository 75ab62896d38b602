"""What has to be right before PostFlow serves anyone; `manage.py` runs this before every command."""

import math
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

TEMPORARY_KEY = (
    "Set SECRET_KEY to a long random text that stays the same: it signs sessions and encrypts the tokens of "
    "connected accounts. For a try on your own machine, set DEBUG=1 instead."
)


def refuse_temporary_key() -> None:
    """Raise ImproperlyConfigured if PostFlow would be served with a key that is gone at the next start."""
    if _key_is_missing():
        raise ImproperlyConfigured(TEMPORARY_KEY)


@register()
def check_secret_key(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a temporary SECRET_KEY outside of development and tests."""
    return [Error(TEMPORARY_KEY, id="core.E001")] if _key_is_missing() else []


@register()
def check_fetch_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse lengths of time, in seconds, that no request could keep to."""
    found: list[CheckMessage] = []
    for name in ("FETCH_REQUEST_INTERVAL", "FETCH_RETRY_DELAY", "FETCH_TIMEOUT"):
        value, needs_time = getattr(settings, name), name == "FETCH_TIMEOUT"
        if not math.isfinite(value) or value < 0 or (value == 0 and needs_time):
            limit = "more than zero" if needs_time else "zero or more"
            found.append(
                Error(
                    f"{name} is {value}; it has to be {limit}, in seconds.",
                    hint="Change it in the environment or in .env, or leave it out; see docs/settings.md.",
                    id="core.E002",
                )
            )
    return found


def _key_is_missing() -> bool:
    return settings.SECRET_KEY_IS_TEMPORARY and not settings.DEBUG and not settings.UNDER_TEST
