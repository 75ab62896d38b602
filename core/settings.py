"""Settings of PostFlow: the one place that reads the environment.

Every variable stands in .env.example and docs/settings.md. A value that makes no sense stops the
start with a sentence that says which variable to mend.
"""

import logging
import re
import sys
from datetime import timedelta
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

    def mailer(self, var: str, default: str) -> dict[str, Any]:
        """Return the way of sending mails that a URL names, as for MAILERS. Raises ImproperlyConfigured."""
        url = self.str(var, default=default)
        try:
            if not re.match(r"(smtp(\+tls|\+ssl)?://[^/]*[^/@]|consolemail://|filemail:///.)", url):
                raise ValueError
            found = self.email_url_config(url)
        except ValueError:
            raise ImproperlyConfigured(
                f"{var} has to look like smtp+tls://user:password@host:587, filemail:///path/to/folder or "
                "consolemail://; see docs/settings.md."
            ) from None
        kind = url.partition(":")[0]
        options: dict[str, Any] = {}
        if kind == "filemail":
            options = {"file_path": f"/{found['EMAIL_FILE_PATH']}"}
        elif kind != "consolemail":
            options = {
                "host": found["EMAIL_HOST"],
                "port": found["EMAIL_PORT"] or {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}[kind],
                "username": found["EMAIL_HOST_USER"] or "",
                "password": found["EMAIL_HOST_PASSWORD"] or "",
                "use_tls": kind == "smtp+tls",
                "use_ssl": kind == "smtp+ssl",
                "timeout": 20,
            }
        return {"BACKEND": found["EMAIL_BACKEND"], "OPTIONS": options}


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
    "axes",
    "postflow",
    "pixelfed",
    "analytics_core",
    "analytics_pixelfed",
]

MIDDLEWARE = [
    "core.middleware.RequestMiddleware",
    "core.middleware.MonitoringMiddleware",
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
    "axes.middleware.AxesMiddleware",  # last, as its own documentation asks
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
    # A machine that is gone answers nothing at all; a page must not wait two minutes for it.
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)

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
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first, for it counts and refuses; it signs nobody in
    "django.contrib.auth.backends.ModelBackend",
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = reverse_lazy("analytics_core:unified_dashboard")
LOGOUT_REDIRECT_URL = LOGIN_URL
SIGN_UP_OPEN = env.bool("SIGN_UP_OPEN", default=True)
PASSWORD_RESET_TIMEOUT = 24 * 60 * 60
ADMIN_PATH = env.str("ADMIN_PATH", default="admin").strip("/") + "/"

# Wrong passwords are counted for an e-mail address and where they come from together: a stranger who guesses
# cannot lock out the owner, who comes from elsewhere.
AXES_FAILURE_LIMIT = 5
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_FORM_FIELD = "username"
AXES_USERNAME_CALLABLE = "postflow.signing_in.typed_address"
AXES_CLIENT_IP_CALLABLE = "core.visitors.address"
AXES_LOCKOUT_CALLABLE = "postflow.signing_in.locked_out"
# Who signed in when is nobody's business, and what was typed neither.
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "csrfmiddlewaretoken"]

# Without a server for mails they go to the console of the worker, and the pages say so.
MAILERS = {"default": env.mailer("EMAIL_URL", default="consolemail://")}
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="PostFlow <postflow@localhost>")

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
# One language: looking up translations took a quarter of the time of a page.
USE_I18N = False
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
TRUST_X_FORWARDED_PROTO = env.bool("TRUST_X_FORWARDED_PROTO", default=False)
if TRUST_X_FORWARDED_PROTO:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Behind a proxy that does not say how it was reached, every request would be sent on for ever.
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=HTTPS and TRUST_X_FORWARDED_PROTO)
# What watches PostFlow asks it directly.
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
# Signing in takes HTTPS anyway, so a month of it costs nobody anything.
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=30 * 24 * 60 * 60 if HTTPS else 0)
SILENCED_SYSTEM_CHECKS = [
    # Both are for whoever owns the whole domain to decide: subdomains may be without HTTPS.
    "security.W005",
    "security.W021",
    # PostFlow works without a server for mails; core.W003 says so, and stops no start.
    "mail.E001",
]
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
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

# What a report of a fault may show, with DEBUG too.
DEFAULT_EXCEPTION_REPORTER = "core.error_pages.Reporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "core.error_pages.Filter"

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO").upper()
if LOG_LEVEL not in logging.getLevelNamesMapping():
    raise ImproperlyConfigured(
        "LOG_LEVEL has to be DEBUG, INFO, WARNING, ERROR or CRITICAL; see docs/settings.md."
    )
LOG_FORMAT = env.str("LOG_FORMAT", default="line")
if LOG_FORMAT not in ("line", "json"):
    raise ImproperlyConfigured("LOG_FORMAT has to be line or json; see docs/settings.md.")
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"context": {"()": "core.logs.Context"}, "no_query": {"()": "core.logs.NoQuery"}},
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name}{ids}: {message}", "style": "{"},
        "json": {"()": "core.logs.Json"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["context"]}
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"level": "INFO"},
        "django.server": {"handlers": ["console"], "filters": ["no_query"], "propagate": False},
        "axes": {"level": "WARNING"},
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

# What monitors may know.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
PROMETHEUS_MULTIPROC_DIR = env.str("PROMETHEUS_MULTIPROC_DIR", default="")
SENTRY_DSN = env.str("SENTRY_DSN", default="")
SENTRY_ENVIRONMENT = env.str("SENTRY_ENVIRONMENT", default="production")
