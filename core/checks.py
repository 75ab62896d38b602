"""What has to be right before PostFlow serves anyone; `manage.py` runs this before every command."""

import math
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

TEMPORARY_KEY = (
    "Set SECRET_KEY to a long random text that stays the same: it signs sessions and encrypts the tokens of "
    "connected accounts. For a try on your own machine, set DEBUG=1 instead."
)
# What addresses begin with that are taken already.
OWN_PATHS = ("accounts", "analytics", "settings", "static", "healthz", "readyz", "metrics")


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


@register()
def check_other_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse values that look right one by one and cannot work."""
    problems = {
        "KEEP_TASK_RESULTS_DAYS has to be more than zero.": not settings.KEEP_TASK_RESULTS_DAYS > 0,
        "KEEP_RUNS_DAYS has to be more than zero.": not settings.KEEP_RUNS_DAYS > 0,
        # Notices and windows of times reach back a month.
        "KEEP_ENGAGEMENT_DAYS has to be 0, for ever, or at least 31.": settings.KEEP_ENGAGEMENT_DAYS != 0
        and settings.KEEP_ENGAGEMENT_DAYS < 31,
        "SALT_KEY is empty.": not all(key.strip() for key in settings.SALT_KEY) or not settings.SALT_KEY,
        "ALLOWED_HOSTS takes names of hosts, without https:// and without a path.": any(
            "/" in host for host in settings.ALLOWED_HOSTS
        ),
        "SECURE_HSTS_SECONDS has to be zero or more.": settings.SECURE_HSTS_SECONDS < 0,
        "S3_BUCKET needs S3_ENDPOINT_URL too, such as https://s3.example.org, without a path.": bool(
            settings.S3_BUCKET
        )
        and not re.fullmatch(r"https?://[a-z0-9.-]+(:\d+)?", settings.S3_ENDPOINT_URL),
        "METRICS_TOKEN takes no fewer than 16 characters.": 0 < len(settings.METRICS_TOKEN) < 16,
        "FETCH_CONTACT has to be one line.": not settings.FETCH_CONTACT.isprintable(),
        "TRUSTED_PROXY_COUNT has to be zero or more.": settings.TRUSTED_PROXY_COUNT < 0,
        "DEFAULT_FROM_EMAIL has to be an address such as PostFlow <postflow@example.org>.": not re.fullmatch(
            r"(?:[^<>\r\n]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)", settings.DEFAULT_FROM_EMAIL
        ),
        "ADMIN_PATH takes letters, digits, - and _, such as back-office/.": not re.fullmatch(
            r"(?:[\w-]+/)+", settings.ADMIN_PATH, re.ASCII
        ),
        "ADMIN_PATH is an address of PostFlow's own; choose another.": settings.ADMIN_PATH.split("/")[0]
        in OWN_PATHS,
    }
    hint = "Change it in the environment or in .env, or leave it out; see docs/settings.md."
    return [Error(problem, hint=hint, id="core.E003") for problem, is_there in problems.items() if is_there]


@register()
def check_picture_storage(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a bucket that nothing installed can talk to."""
    if not settings.S3_BUCKET or all(find_spec(name) for name in ("storages", "boto3")):
        return []
    return [
        Error(
            "S3_BUCKET is set, but django-storages is not installed.",
            hint="Install it with `pip install -r requirements-s3.txt`, or leave S3_BUCKET out.",
            id="core.E004",
        )
    ]


@register()
def check_static_files(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn where pages would fail for want of collected static files."""
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if settings.DEBUG or settings.UNDER_TEST or manifest.exists():
        return []
    return [
        Warning(
            "The static files are not collected: every page would fail.",
            hint="Run `manage.py collectstatic --noinput`, after each update too.",
            id="core.W001",
        )
    ]


@register(deploy=True)
def check_hosts(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn where anybody may choose which host the links of mails lead to."""
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        Warning(
            "ALLOWED_HOSTS takes every name: mails with links to a new password could lead to another site.",
            hint="Set it to the names that people reach PostFlow by.",
            id="core.W002",
        )
    ]


@register(deploy=True)
def check_mail(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn where a person who forgot the password has to ask the operator for the link."""
    if settings.MAILERS["default"]["BACKEND"].endswith("smtp.EmailBackend"):
        return []
    return [
        Warning(
            "No server sends the mails: they are written to the worker's output or a folder.",
            hint="Set EMAIL_URL; see docs/settings.md.",
            id="core.W003",
        )
    ]


def _key_is_missing() -> bool:
    return settings.SECRET_KEY_IS_TEMPORARY and not settings.DEBUG and not settings.UNDER_TEST
