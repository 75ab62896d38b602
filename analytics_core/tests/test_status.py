"""What the operator is told: by the command, by the page, and by the exit code."""

import io
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.urls import reverse

from analytics_core.engine import hourly
from analytics_core.models import AccountState, HostState, SyncRun
from analytics_pixelfed.tasks import fetch_all_pixelfed_engagement
from pixelfed.models import MastodonAccount

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def account(user, clock) -> MastodonAccount:
    account = MastodonAccount.objects.create(
        user=user, instance_url="https://pixelfed.social", username="ana", access_token="t"
    )
    AccountState.objects.create(platform="pixelfed", account_id=account.pk, next_due_at=NOON + HOUR)
    return account


def status() -> str:
    out = io.StringIO()
    call_command("analytics_status", stdout=out, no_color=True)
    return out.getvalue()


def complaint() -> str:
    with pytest.raises(CommandError) as late:
        status()
    assert late.value.returncode == 1
    return str(late.value)


def test_all_is_well(account) -> None:
    hourly.ensure_scheduled(fetch_all_pixelfed_engagement)
    SyncRun.objects.create(
        platform="pixelfed",
        accounts_due=1,
        accounts_processed=1,
        total_new_likes=5,
        requests=3,
        finished_at=NOON,
    )
    MastodonAccount.objects.create(
        user=account.user,
        instance_url="https://pixelfed.de",
        username="b",
        access_token="t",
        state="reconnect",
    )
    text = status()
    assert "Pixelfed: 1 accounts active, 0 of them failing; 1 paused or waiting to be reconnected" in text
    assert "next due: 2026-03-10 13:00" in text
    assert "last run: 2026-03-10 12:00, done, 1 of 1 accounts, 5 new likes, 0 errors, 3 requests" in text
    assert "Nothing is late." in text


def test_without_accounts_nothing_can_be_late(clock) -> None:
    assert "Nothing is late." in status()


def test_a_missing_schedule_is_said(account) -> None:
    assert complaint() == "Pixelfed: the next hour is not scheduled; start a worker (db_worker)."


def test_an_account_that_waits_too_long_is_said(account, clock) -> None:
    hourly.ensure_scheduled(fetch_all_pixelfed_engagement)
    clock.shift(3 * HOUR + timedelta(minutes=1))
    assert complaint() == "Pixelfed: an account has been due since 2026-03-10 13:00."


def test_runs_that_stopped_are_said(account, clock) -> None:
    hourly.ensure_scheduled(fetch_all_pixelfed_engagement)
    SyncRun.objects.create(platform="pixelfed")
    clock.shift(2 * HOUR + timedelta(minutes=1))
    AccountState.objects.update(next_due_at=NOON + 3 * HOUR)
    assert complaint() == "Pixelfed: the last hourly run began at 2026-03-10 12:00."


def test_blocked_hosts_are_named(account) -> None:
    hourly.ensure_scheduled(fetch_all_pixelfed_engagement)
    HostState.objects.create(
        host="pixelfed.social", blocked_until_at=NOON + HOUR, message="It asks for a pause."
    )
    HostState.objects.create(host="over.example", blocked_until_at=NOON - HOUR)
    text = status()
    assert "pixelfed.social is left alone until 13:00: It asks for a pause." in text
    assert "over.example" not in text


class TestPage:
    def test_staff_see_it(self, client, account, django_user_model) -> None:
        client.force_login(django_user_model.objects.create_superuser("op@example.org", "x"))
        page = client.get(reverse("analytics_core:status")).content.decode()
        assert "the next hour is not scheduled" in page
        assert "No hourly run yet." in page

    def test_for_others_there_is_no_such_page(self, client, account) -> None:
        assert client.get(reverse("analytics_core:status")).status_code == 302
        client.force_login(account.user)
        assert client.get(reverse("analytics_core:status")).status_code == 404
        assert reverse("analytics_core:status") not in client.get("/analytics/").content.decode()

    def test_its_queries_do_not_grow_with_the_accounts(
        self, client, account, django_user_model, django_assert_num_queries
    ) -> None:
        client.force_login(django_user_model.objects.create_superuser("op@example.org", "x"))
        for number in range(20):
            with django_assert_num_queries(10):
                client.get(reverse("analytics_core:status"))
            MastodonAccount.objects.create(
                user=account.user,
                instance_url="https://pixelfed.social",
                username=f"a{number}",
                access_token="t",
            )
