"""What monitors are told: a word for each check, and figures without names of people."""

from datetime import timedelta

import psycopg
import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from analytics_core import tasks
from analytics_core.engine import hourly
from analytics_core.models import AccountState, SyncRun
from analytics_core.operations import health, metrics
from analytics_pixelfed.tasks import fetch_all_pixelfed_engagement
from core.models import HostRequests, WorkerBeat
from pixelfed.models import MastodonAccount

pytestmark = pytest.mark.django_db

TOKEN = "a long enough token"


@pytest.fixture(autouse=True)
def _a_process_that_has_asked_nothing_yet(monkeypatch):
    monkeypatch.setattr(health, "_migrations", health._Migrations())


@pytest.fixture
def running():
    """An installation whose work goes on."""
    hourly.ensure_scheduled(fetch_all_pixelfed_engagement)
    WorkerBeat.objects.create(pk="w", seen_at=timezone.now())


@pytest.fixture
def accounts(user):
    def make(count: int, *, due_in: timedelta = timedelta(hours=1)) -> None:
        for number in range(count):
            account = MastodonAccount.objects.create(
                user=user, instance_url="https://pixelfed.social", username=f"a{number}", access_token="t"
            )
            AccountState.objects.create(
                platform="pixelfed", account_id=account.pk, next_due_at=timezone.now() + due_in
            )

    return make


@pytest.fixture
def no_database(monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("password=secret") from psycopg.OperationalError("no answer")

    monkeypatch.setattr(connection, "ensure_connection", away)
    monkeypatch.setattr(connection, "cursor", away)


def figures(client, settings) -> dict[tuple[str, ...], float]:
    settings.METRICS_TOKEN = TOKEN
    response = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 200
    assert b"secret" not in response.content
    assert TOKEN.encode() not in response.content
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


class TestHealthz:
    def test_it_asks_nothing_of_the_database(self, client, no_database) -> None:
        response = client.get("/healthz")
        assert (response.status_code, response.content) == (200, b"ok\n")

    def test_the_host_does_not_matter(self, client, settings) -> None:
        settings.ALLOWED_HOSTS = ["photos.example.org"]
        settings.SECURE_SSL_REDIRECT = True
        assert client.get("/healthz", headers={"Host": "10.0.0.7:8000"}).status_code == 200
        assert client.get("/analytics/", headers={"Host": "10.0.0.7:8000"}).status_code == 400


class TestReadyz:
    def test_all_is_well(self, client, running, accounts) -> None:
        accounts(1)
        response = client.get("/readyz")
        assert response.status_code == 200
        checks = dict.fromkeys(("database", "migrations", "schedule", "worker", "accounts"), "ok")
        assert response.json() == {"status": "ready", "checks": checks}
        assert "no-store" in response.headers["Cache-Control"]

    @pytest.mark.parametrize("count", [1, 12])
    def test_it_is_cheap(self, client, running, accounts, count, django_assert_num_queries) -> None:
        accounts(count)
        client.get("/readyz")
        with django_assert_num_queries(9):
            client.get("/readyz")

    def test_a_worker_that_was_not_seen_for_a_minute_is_missing(self, client, running) -> None:
        WorkerBeat.objects.update(seen_at=timezone.now() - timedelta(seconds=61))
        response = client.get("/readyz")
        assert (response.status_code, response.json()["status"]) == (200, "degraded")
        assert response.json()["checks"]["worker"] == "missing"
        assert client.get("/readyz?require=worker").status_code == 503
        assert client.get("/readyz?require=schedule").status_code == 200

    def test_no_next_hour(self, client, running) -> None:
        hourly.clear_schedule(fetch_all_pixelfed_engagement)
        assert client.get("/readyz").json()["checks"]["schedule"] == "missing"
        assert client.get("/readyz?require=schedule,worker").status_code == 503

    def test_an_account_that_is_late_takes_no_page_away(self, client, running, accounts) -> None:
        accounts(1, due_in=-timedelta(hours=3))
        response = client.get("/readyz")
        assert (response.status_code, response.json()["checks"]["accounts"]) == (200, "late")
        assert client.get("/readyz?require=accounts").status_code == 503

    def test_code_that_is_ahead_of_its_database_is_not_ready(self, client, running, monkeypatch) -> None:
        monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda self, targets: ["one"])
        response = client.get("/readyz")
        assert (response.status_code, response.json()["checks"]["migrations"]) == (503, "pending")
        assert response.json()["status"] == "unavailable"
        monkeypatch.undo()
        assert client.get("/readyz").status_code == 200

    def test_a_database_that_is_away(self, client, no_database) -> None:
        response = client.get("/readyz")
        assert response.status_code == 503
        assert response.json()["checks"]["database"] == "unreachable"
        assert response.json()["checks"]["accounts"] == "unknown"
        assert int(response.headers["Retry-After"]) > 0
        assert b"secret" not in response.content

    def test_a_word_that_is_no_check_is_said_so(self, client) -> None:
        response = client.get("/readyz?require=<b>")
        assert (response.status_code, response.json()) == (
            400,
            {"error": "require takes schedule, worker, accounts"},
        )


class TestMetrics:
    @pytest.mark.parametrize("given", ["", "Bearer ", "Bearer wrong", TOKEN, f"bearer {TOKEN}", "Bearer ü"])
    def test_without_the_token_there_is_no_such_page(self, client, settings, given) -> None:
        settings.METRICS_TOKEN = TOKEN
        assert client.get("/metrics", headers={"Authorization": given}).status_code == 404

    def test_without_the_setting_nothing_opens_it(self, client, settings) -> None:
        settings.METRICS_TOKEN = ""
        assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404

    def test_the_queue(self, client, settings, running) -> None:
        tasks.fetch_account.enqueue("pixelfed", 1)
        found = figures(client, settings)
        assert found["postflow_tasks", "ready"] == 1
        assert found["postflow_tasks", "deferred"] == 1, "the next hour"
        assert found["postflow_tasks", "running"] == 0
        assert 0 <= found["postflow_oldest_task_seconds",] < 60
        assert found["postflow_workers",] == 1
        assert found["postflow_scheduled", "Pixelfed"] == 1

    def test_a_task_that_was_put_off_waits_since_its_moment(self, client, settings, running) -> None:
        row = tasks.fetch_account.using(run_after=timezone.now()).enqueue("pixelfed", 1).db_result
        row.run_after = timezone.now() - timedelta(seconds=90)
        row.save()
        assert 90 <= figures(client, settings)["postflow_oldest_task_seconds",] < 150

    def test_runs_and_lateness(self, client, settings, running, accounts) -> None:
        accounts(2, due_in=-timedelta(hours=3))
        at, took = timezone.now() - timedelta(minutes=10), timedelta(minutes=2)
        SyncRun.objects.create(
            platform="pixelfed",
            started_at=at,
            finished_at=at + took,
            accounts_due=7,
            errors=3,
        )
        found = figures(client, settings)
        assert found["postflow_run_errors", "Pixelfed"] == 3
        assert found["postflow_run_accounts_due", "Pixelfed"] == 7
        assert found["postflow_run_seconds", "Pixelfed"] == 120
        assert found["postflow_run_age_seconds", "Pixelfed"] >= 600
        assert found["postflow_accounts", "Pixelfed", "active"] == 2
        assert found["postflow_accounts_late_seconds", "Pixelfed"] >= 3 * 3600

    def test_hosts_have_names_up_to_a_number(self, client, settings, monkeypatch) -> None:
        monkeypatch.setattr(metrics, "HOSTS_NAMED", 1)
        for number, (host, result) in enumerate([("b", "ok"), ("c", "ok"), ("a", "error"), ("a", "ok")], 1):
            HostRequests.objects.create(host=host, result=result, count=number)
        found = figures(client, settings)
        hosts = {key[1:]: value for key, value in found.items() if key[0] == "postflow_host_requests_total"}
        assert hosts == {("a", "error"): 3, ("a", "ok"): 4, ("other", "ok"): 3}

    @pytest.mark.parametrize("count", [1, 12])
    def test_it_is_cheap(self, client, settings, running, accounts, count) -> None:
        accounts(count)
        HostRequests.objects.bulk_create(
            HostRequests(host=str(number), result="ok", count=1) for number in range(count)
        )
        with CaptureQueriesContext(connection) as statements:
            figures(client, settings)
        assert len(statements) == 13

    def test_pages_by_name_whatever_people_type(self, client, settings) -> None:
        client.get("/accounts/sign-in/")
        for number in range(3):
            client.get(f"/nowhere/{number}/")
        found = figures(client, settings)
        assert found["postflow_page_seconds_count", "login"] >= 1
        assert found["postflow_pages_total", "login", "200"] >= 1
        assert found["postflow_pages_total", "other", "404"] >= 3
        assert not [key for key in found if "nowhere" in str(key)]

    def test_a_database_that_is_away_is_a_figure(self, client, settings, no_database) -> None:
        found = figures(client, settings)
        assert found["postflow_database_up",] == 0
        assert ("postflow_workers",) not in found
