"""Settings of PostFlow: the one place that reads the environment.

Every variable stands in .env.example and docs/settings.md. A value that makes no sense stops the
start with a sentence that says which variable to mend.
"""

import logging
import re
import sys
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key
from django.urls import reverse_lazy
from django.utils.csp import CSP

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"


class Environment(environ.Env):
    """django-environ, stopping at a value it cannot read with a sentence that names the variable.

    An empty variable counts as not set, and a value that begins with "$" is a value: a good SECRET_KEY may.
    """

    EXPECTED = {bool: "yes or no", float: "a number", int: "a whole number"}
    WORDS = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(
        ("0", "false", "no", "off"), False
    )

    def get_value(self, var: str, cast: Any = None, default: Any = None, parse_default: bool = False) -> Any:
        """Return the variable as `cast`, or `default`. Raises ImproperlyConfigured."""
        text = self.ENVIRON.get(var, "").strip()
        if not text:
            return default
        try:
            if cast is bool:
                return self.WORDS[text.lower()]
            # The library's own reading of numbers takes "1s" for 1.
            return cast(text) if cast in (int, float) else self.parse_value(text, cast)
        except (KeyError, ValueError):
            raise ImproperlyConfigured(
                f"{var} has to be {self.EXPECTED[cast]}; see docs/settings.md."
            ) from None

    def database(self, var: str, default: dict[str, Any]) -> dict[str, Any]:
        """Return the database a URL names, or `default`. Raises ImproperlyConfigured."""
        url = self.str(var, default="")
        if not url:
            return default
        try:
            if re.match(r"(sqlite|postgres|postgresql)://", url):
                return self.db_url_config(url)
        except ValueError:
            pass
        raise ImproperlyConfigured(
            f"{var} has to look like postgres://user:password@host:5432/name or sqlite:////path/to/file; "
            "see docs/settings.md."
        )


# Tests need neither HTTPS nor collected static files, and leave the database named in .env alone.
UNDER_TEST = "pytest" in sys.modules or sys.argv[1:2] == ["test"]

env = Environment()
if not UNDER_TEST:
    Environment.read_env(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", default=False)

# Without a key PostFlow can be tried and tested, never served: core/checks.py refuses a temporary one.
SECRET_KEY = env.str("SECRET_KEY", default="")
SECRET_KEY_IS_TEMPORARY = not SECRET_KEY
SECRET_KEY = SECRET_KEY or get_random_secret_key()
# The keys before, while sessions and tokens of theirs are still about.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# Tokens of connected accounts are encrypted with a key made of SECRET_KEY and this; the first encrypts,
# all of them decrypt, so a new one is put in front to rotate.
SALT_KEY = env.list("SALT_KEY", default=["postflow"])

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "core",  # before django_tasks_db, whose worker it improves
    "django_tasks_db",
    "postflow",
    "pixelfed",
    "analytics_core",
    "analytics_pixelfed",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "postflow.middleware.UserTimeZoneMiddleware",
    "postflow.middleware.RememberedThemeMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "core.urls"
WSGI_APPLICATION = "core.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "postflow.appearance.context",
            ],
        },
    },
]

DATABASES = {
    "default": env.database(
        "DATABASE_URL", default={"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Readers never wait for the one writer, and a writer waits its turn instead of failing.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "postflow.CustomUser"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = reverse_lazy("analytics_core:unified_dashboard")
LOGOUT_REDIRECT_URL = LOGIN_URL

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_BACKEND = (
    "django.contrib.staticfiles.storage.StaticFilesStorage"
    if DEBUG or UNDER_TEST
    else "whitenoise.storage.CompressedManifestStaticFilesStorage"
)
# Our small copies of people's pictures, those of posts for followers among them: no server may offer them to
# everybody. A picture fetched anew takes the place of the one before.
MEDIA_ROOT = BASE_DIR / env.str("MEDIA_ROOT", default="media")
S3_BUCKET = env.str("S3_BUCKET", default="")
S3_ENDPOINT_URL = env.str("S3_ENDPOINT_URL", default="")
SIGNED_URL_SECONDS = 3600
S3_STORAGE: dict[str, Any] = {
    "BACKEND": "storages.backends.s3.S3Storage",
    "OPTIONS": {
        "bucket_name": S3_BUCKET,
        "endpoint_url": S3_ENDPOINT_URL,
        "region_name": env.str("S3_REGION", default="us-east-1"),
        # Without these the library looks where its own documentation says.
        "access_key": env.str("S3_ACCESS_KEY_ID", default=None),
        "secret_key": env.str("S3_SECRET_ACCESS_KEY", default=None),
        "signature_version": "s3v4",
        # The bucket in the path and not in the host's name: so every address begins with S3_ENDPOINT_URL.
        "addressing_style": "path",
        "querystring_expire": SIGNED_URL_SECONDS,
    },
}
FILE_STORAGE: dict[str, Any] = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {"allow_overwrite": True},
}
STORAGES = {
    "default": S3_STORAGE if S3_BUCKET else FILE_STORAGE,
    "staticfiles": {"BACKEND": STATICFILES_BACKEND},
}
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = DEBUG or UNDER_TEST

# What browsers are told. HTTPS is taken for granted outside of development.
HTTPS = env.bool("HTTPS", default=not DEBUG and not UNDER_TEST)
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=False)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=0)
if env.bool("TRUST_X_FORWARDED_PROTO", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:", *([S3_ENDPOINT_URL] if S3_BUCKET else [])],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "object-src": [CSP.NONE],
}

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO").upper()
if LOG_LEVEL not in logging.getLevelNamesMapping():
    raise ImproperlyConfigured(
        "LOG_LEVEL has to be DEBUG, INFO, WARNING, ERROR or CRITICAL; see docs/settings.md."
    )
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"level": "INFO"},
        # Below this it writes addresses with their query.
        "urllib3": {"level": "ERROR"},
    },
}

TASKS = {"default": {"BACKEND": "core.task_backend.RetryingDatabaseBackend", "QUEUES": ["default"]}}

# Outbound HTTP. Read when used, so that a test or a shell can change them.
FETCH_REQUEST_INTERVAL = env.float("FETCH_REQUEST_INTERVAL", default=1.0)
FETCH_RETRY_DELAY = env.float("FETCH_RETRY_DELAY", default=1.0)
FETCH_TIMEOUT = env.float("FETCH_TIMEOUT", default=30.0)
FETCH_CONTACT = env.str("FETCH_CONTACT", default="https://postflow.photo")
ALLOW_PRIVATE_INSTANCES = env.bool("ALLOW_PRIVATE_INSTANCES", default=DEBUG)

SKIP_AUTO_SCHEDULE = env.bool("SKIP_AUTO_SCHEDULE", default=False)
KEEP_TASK_RESULTS_DAYS = env.float("KEEP_TASK_RESULTS_DAYS", default=14.0)
KEEP_RUNS_DAYS = env.float("KEEP_RUNS_DAYS", default=90.0)
# Likes, comments and shares older than this lose their names and words, never their count; 0: never.
KEEP_ENGAGEMENT_DAYS = env.int("KEEP_ENGAGEMENT_DAYS", default=0)
