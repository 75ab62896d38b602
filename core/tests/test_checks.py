"""Settings that look right and cannot work are refused before every command."""

import pytest

from core import checks


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("KEEP_RUNS_DAYS", -3.0, "KEEP_RUNS_DAYS has to be more than zero."),
        ("KEEP_TASK_RESULTS_DAYS", float("nan"), "KEEP_TASK_RESULTS_DAYS has to be more than zero."),
        ("KEEP_ENGAGEMENT_DAYS", 30, "KEEP_ENGAGEMENT_DAYS has to be 0, for ever, or at least 31."),
        ("KEEP_ENGAGEMENT_DAYS", -1, "KEEP_ENGAGEMENT_DAYS has to be 0, for ever, or at least 31."),
        ("SALT_KEY", [], "SALT_KEY is empty."),
        ("SALT_KEY", ["a", " "], "SALT_KEY is empty."),
        (
            "ALLOWED_HOSTS",
            ["https://x.org"],
            "ALLOWED_HOSTS takes names of hosts, without https:// and without a path.",
        ),
        ("SECURE_HSTS_SECONDS", -1, "SECURE_HSTS_SECONDS has to be zero or more."),
        ("TRUSTED_PROXY_COUNT", -1, "TRUSTED_PROXY_COUNT has to be zero or more."),
        *(
            ("ADMIN_PATH", path, "ADMIN_PATH takes letters, digits, - and _, such as back-office/.")
            for path in ("/", "a b/", "ä/", "../", "^admin/", "<int:x>/", "a//b/")
        ),
        *(
            ("ADMIN_PATH", path, "ADMIN_PATH is an address of PostFlow's own; choose another.")
            for path in ("accounts/", "analytics/x/", "settings/", "static/")
        ),
        *(
            (
                "DEFAULT_FROM_EMAIL",
                sender,
                "DEFAULT_FROM_EMAIL has to be an address such as PostFlow <postflow@example.org>.",
            )
            for sender in ("PostFlow", "a@b\nBcc: c@d", "A <a@b>, B <b@c>")
        ),
        ("FETCH_CONTACT", "me\nX-Evil: 1", "FETCH_CONTACT has to be one line."),
    ],
)
def test_a_value_that_cannot_work_is_refused(settings, name, value, sentence) -> None:
    assert checks.check_other_settings(None) == []
    setattr(settings, name, value)
    assert [(error.msg, error.id) for error in checks.check_other_settings(None)] == [(sentence, "core.E003")]


def test_uncollected_static_files_are_a_warning_where_pages_would_fail(settings, tmp_path) -> None:
    settings.STATIC_ROOT = tmp_path
    assert checks.check_static_files(None) == []
    settings.UNDER_TEST = settings.DEBUG = False
    assert [warning.id for warning in checks.check_static_files(None)] == ["core.W001"]
    (tmp_path / "staticfiles.json").write_text("{}")
    assert checks.check_static_files(None) == []
