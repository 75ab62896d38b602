"""Settings are safe by default, said in one place, and wrong ones stop the start with a sentence."""

import ast
import importlib
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured

from core import checks

ROOT = django_settings.BASE_DIR
NAMES = set(re.findall(r'env\.\w+\(\s*"(\w+)"', (ROOT / "core/settings.py").read_text()))


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a fresh process that sees no other settings than these."""
    # Empty counts as not set and comes before what a .env says.
    base = {"PATH": os.environ["PATH"], **dict.fromkeys(NAMES, "")}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=base | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def setting(name: str, **environment: str) -> str:
    """Return what a setting is in a fresh process."""
    result = run(f"from core import settings; print(settings.{name})", **environment)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


class TestDocumentation:
    def test_every_variable_is_in_the_example(self) -> None:
        found = re.findall(r"^(?:# )?([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
        assert sorted(found) == sorted(NAMES)

    def test_every_variable_is_explained(self) -> None:
        found = re.findall(r"^\| `([A-Z0-9_]+)` \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
        assert sorted(found) == sorted(NAMES)

    def test_nothing_else_reads_the_environment(self) -> None:
        apps = ("core", "postflow", "pixelfed", "analytics_core", "analytics_pixelfed")
        reads = re.compile(r"os\.getenv|os\.environ(?!\.setdefault\(\"DJANGO_SETTINGS_MODULE\")")
        files = [file for app in apps for file in (ROOT / app).rglob("*.py") if "tests" not in file.parts]
        assert [file for file in files if reads.search(file.read_text())] == []


class TestWrongValues:
    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            ("DEBUG", "maybe", "yes or no"),
            ("HTTPS", "2", "yes or no"),
            ("SKIP_AUTO_SCHEDULE", "skip", "yes or no"),
            ("FETCH_TIMEOUT", "abc", "a number"),
            ("FETCH_REQUEST_INTERVAL", "1s", "a number"),
            ("SECURE_HSTS_SECONDS", "1.5", "a whole number"),
            ("LOG_LEVEL", "loud", "DEBUG, INFO"),
            ("SIGN_UP_OPEN", "sometimes", "yes or no"),
            ("TRUSTED_PROXY_COUNT", "one", "a whole number"),
            ("EMAIL_URL", "mail.example.org", "smtp+tls://"),
            ("EMAIL_URL", "smtp+tls://", "smtp+tls://"),
            ("EMAIL_URL", "smtp+tls://me:me:pass@host:port", "smtp+tls://"),
            ("EMAIL_URL", "filemail://", "filemail:///path"),
            ("EMAIL_URL", "dummymail://", "consolemail://"),
            ("DATABASE_URL", "nonsense", "postgres://"),
            ("DATABASE_URL", "mysql://localhost/postflow", "postgres://"),
            ("DATABASE_URL", "postgres://me:pass@db:port/postflow", "postgres://"),
        ],
    )
    def test_they_stop_the_start_with_a_sentence_that_names_the_variable(
        self, name: str, value: str, expected: str
    ) -> None:
        start = "import sys, manage; sys.argv = ['manage.py', 'migrate', '--check']; manage.main()"
        result = run(start, **{name: value})
        assert result.returncode == 1
        assert result.stderr.startswith(f"PostFlow cannot start. {name} has to ")
        assert expected in result.stderr
        assert result.stderr.count("\n") == 1
        assert "me:pass" not in result.stderr

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("FETCH_REQUEST_INTERVAL", -1),
            ("FETCH_RETRY_DELAY", -0.1),
            ("FETCH_TIMEOUT", 0),
            ("FETCH_TIMEOUT", -5),
            ("FETCH_TIMEOUT", float("nan")),
            ("FETCH_TIMEOUT", float("inf")),
        ],
    )
    def test_times_that_no_request_could_keep_to_are_errors(
        self, settings: Any, name: str, value: float
    ) -> None:
        setattr(settings, name, value)
        [error] = checks.check_fetch_settings(None)
        assert error.id == "core.E002"
        assert error.msg.startswith(f"{name} is {value}")

    def test_the_defaults_are_none(self) -> None:
        assert checks.check_fetch_settings(None) == []


class TestSecretKey:
    @pytest.fixture(autouse=True)
    def _served(self, settings: Any) -> None:
        settings.UNDER_TEST = settings.DEBUG = False
        settings.SECRET_KEY_IS_TEMPORARY = True

    def test_a_temporary_one_is_an_error(self) -> None:
        assert [error.id for error in checks.check_secret_key(None)] == ["core.E001"]

    @pytest.mark.parametrize("server", ["wsgi", "asgi"])
    def test_a_temporary_one_is_not_served(self, server: str) -> None:
        result = run(f"import core.{server}", ALLOWED_HOSTS="x")
        assert result.returncode == 1
        assert result.stderr.strip().endswith(checks.TEMPORARY_KEY)

    def test_no_worker_starts_with_a_temporary_one(self) -> None:
        start = "import sys, manage; sys.argv = ['manage.py', 'db_worker', '--batch']; manage.main()"
        result = run(start, ALLOWED_HOSTS="x")
        assert result.returncode == 1
        assert checks.TEMPORARY_KEY in result.stderr

    @pytest.mark.parametrize("server", ["wsgi", "asgi"])
    def test_a_lasting_one_is_served(self, settings: Any, server: str) -> None:
        settings.SECRET_KEY_IS_TEMPORARY = False
        assert importlib.import_module(f"core.{server}").application

    def test_development_and_tests_need_none(self, settings: Any) -> None:
        with pytest.raises(ImproperlyConfigured):
            checks.refuse_temporary_key()
        settings.DEBUG = True
        checks.refuse_temporary_key()
        assert checks.check_secret_key(None) == []

    def test_one_that_begins_with_a_dollar_is_taken_as_it_is(self) -> None:
        assert setting("SECRET_KEY", SECRET_KEY="$HOME-is-not-meant") == "$HOME-is-not-meant"


class TestBrowserSecurity:
    @pytest.mark.parametrize(
        ("environment", "secure"),
        [({}, True), ({"DEBUG": "1"}, False), ({"HTTPS": "0"}, False), ({"DEBUG": "1", "HTTPS": "on"}, True)],
    )
    def test_cookies_need_https_outside_of_development(
        self, environment: dict[str, str], secure: bool
    ) -> None:
        found = setting("SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE", **environment)
        assert found == f"{secure} {secure}"

    def test_a_proxys_word_is_taken_only_where_that_is_set(self) -> None:
        name = "__dict__.get('SECURE_PROXY_SSL_HEADER')"
        assert setting(name) == "None"
        assert setting(name, TRUST_X_FORWARDED_PROTO="1") == "('HTTP_X_FORWARDED_PROTO', 'https')"

    @pytest.mark.urls("core.tests.no_urls")
    def test_every_page_carries_the_headers(self, client: Any) -> None:
        headers = client.get("/there-is-no-such-page/").headers
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy

    def test_files_get_hashed_names_where_they_are_served_from(self) -> None:
        assert "Manifest" in setting("STORAGES")
        assert "Manifest" not in setting("STORAGES", DEBUG="1")

    def test_private_instances_are_for_development(self) -> None:
        assert setting("ALLOW_PRIVATE_INSTANCES") == "False"
        assert setting("ALLOW_PRIVATE_INSTANCES", DEBUG="1") == "True"
        assert setting("ALLOW_PRIVATE_INSTANCES", DEBUG="1", ALLOW_PRIVATE_INSTANCES="0") == "False"

    def test_an_empty_variable_counts_as_not_set(self) -> None:
        assert setting("FETCH_TIMEOUT", FETCH_TIMEOUT="") == "30.0"


class TestServing:
    """A PostFlow that is set up as docs/settings.md says, behind a proxy."""

    ENVIRONMENT = {
        "DJANGO_SETTINGS_MODULE": "core.settings",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ALLOWED_HOSTS": "photos.example.org",
        "TRUST_X_FORWARDED_PROTO": "1",
        "TRUSTED_PROXY_COUNT": "1",
        "EMAIL_URL": "smtp+tls://postflow:secret@mail.example.org",
    }
    CHECK = (
        "import sys, manage; from django.conf import settings; settings.STATIC_ROOT = {root!r};"
        "sys.argv = ['manage.py', 'check', '--deploy', '--fail-level', 'WARNING']; manage.main()"
    )

    def check(self, tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "staticfiles.json").write_text("{}")
        return run(self.CHECK.format(root=str(tmp_path)), **self.ENVIRONMENT | environment)

    def test_djangos_own_audit_finds_nothing(self, tmp_path: Path) -> None:
        result = self.check(tmp_path)
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout == "System check identified no issues (2 silenced).\n"

    @pytest.mark.parametrize(
        ("environment", "found"),
        [
            ({"SECURE_HSTS_SECONDS": "0"}, "security.W004"),
            ({"TRUST_X_FORWARDED_PROTO": "0"}, "security.W008"),
            ({"ADMIN_PATH": "accounts/admin"}, "core.E003"),
            ({"ALLOWED_HOSTS": "*"}, "core.W002"),
            ({"EMAIL_URL": ""}, "core.W003"),
        ],
    )
    def test_it_would_find_what_is_unsafe(
        self, tmp_path: Path, environment: dict[str, str], found: str
    ) -> None:
        result = self.check(tmp_path, **environment)
        assert result.returncode == 1
        assert found in result.stderr

    def test_passwords_sessions_and_cookies_are_as_django_recommends(self) -> None:
        names = (
            "PASSWORD_HASHERS[0].rpartition('.')[2]",
            "SESSION_COOKIE_HTTPONLY",
            "SESSION_COOKIE_SAMESITE",
            "CSRF_COOKIE_SAMESITE",
            "SECURE_CROSS_ORIGIN_OPENER_POLICY",
            "SESSION_COOKIE_SECURE",
            "CSRF_COOKIE_SECURE",
        )
        code = "from django.conf import settings; print({})".format(
            ", ".join(f"settings.{name}" for name in names)
        )
        result = run(code, **self.ENVIRONMENT)
        assert result.stdout.split() == [
            "PBKDF2PasswordHasher",
            "True",
            "Lax",
            "Lax",
            "same-origin",
            "True",
            "True",
        ]

    def test_visitors_of_plain_http_are_sent_on_where_that_can_be_told(self) -> None:
        assert setting("SECURE_SSL_REDIRECT") == "False"
        assert setting("SECURE_SSL_REDIRECT", TRUST_X_FORWARDED_PROTO="1") == "True"
        assert setting("SECURE_SSL_REDIRECT", TRUST_X_FORWARDED_PROTO="1", HTTPS="0") == "False"

    @pytest.mark.parametrize(
        ("path", "kept"), [("back-office", "back-office/"), ("/a/b/", "a/b/"), ("", "admin/")]
    )
    def test_the_admin_lies_where_it_is_put(self, path: str, kept: str) -> None:
        code = (
            "import django; django.setup(); from django.urls import reverse, resolve;"
            "print(reverse('admin:index'), reverse('admin:login'))"
        )
        result = run(code, ADMIN_PATH=path, **self.ENVIRONMENT)
        assert result.stdout.split() == [f"/{kept}", f"/{kept}login/"]


class TestMail:
    def mailer(self, url: str) -> dict[str, Any]:
        return ast.literal_eval(setting("MAILERS['default']", EMAIL_URL=url))

    def test_without_a_setting_mails_go_to_the_console(self) -> None:
        assert self.mailer("") == {"BACKEND": "django.core.mail.backends.console.EmailBackend", "OPTIONS": {}}

    def test_a_folder_is_taken_from_its_root(self) -> None:
        assert self.mailer("filemail:///var/mails")["OPTIONS"] == {"file_path": "/var/mails"}

    @pytest.mark.parametrize(
        ("scheme", "port", "tls", "ssl"),
        [("smtp", 25, False, False), ("smtp+tls", 587, True, False), ("smtp+ssl", 465, False, True)],
    )
    def test_a_server_is_read_from_its_address(self, scheme: str, port: int, tls: bool, ssl: bool) -> None:
        found = self.mailer(f"{scheme}://me%40example.org:pa%2Fss@mail.example.org")
        assert found["BACKEND"] == "django.core.mail.backends.smtp.EmailBackend"
        options = found["OPTIONS"]
        assert (options["host"], options["port"]) == ("mail.example.org", port)
        assert (options["use_tls"], options["use_ssl"]) == (tls, ssl)
        assert (options["username"], options["password"]) == ("me@example.org", "pa/ss")
        assert self.mailer(f"{scheme}://mail.example.org:2525")["OPTIONS"]["port"] == 2525
