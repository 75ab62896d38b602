"""What the trial run refuses before it starts anything, and how it keeps its processes."""

import io
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from analytics_core.models import AccountState
from analytics_pixelfed.management.commands.demo import EMAIL, Command
from analytics_pixelfed.management.demo_processes import ProcessDied, Processes
from analytics_pixelfed.models import PixelfedPost
from analytics_pixelfed.services import PixelfedAnalyticsFetcher
from core import http
from pixelfed.models import MastodonAccount
from pixelfed.sandbox import SandboxServer, demo_world
from postflow.models import CustomUser


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


@pytest.fixture
def ready(settings):
    settings.DEBUG, settings.SECRET_KEY_IS_TEMPORARY = True, False
    return settings


def refusal(**options) -> str:
    with pytest.raises(CommandError) as refused:
        call_command("demo", stdout=io.StringIO(), **options)
    return str(refused.value)


class TestRefusals:
    def test_it_is_not_for_production(self, settings) -> None:
        settings.DEBUG = False
        assert "needs DEBUG=1" in refusal()

    def test_a_key_that_changes_would_lose_the_token(self, ready) -> None:
        ready.SECRET_KEY_IS_TEMPORARY = True
        assert "needs a SECRET_KEY" in refusal()

    def test_a_taken_port_is_named_with_a_way_out(self, ready, taken_port) -> None:
        assert f"Port {taken_port} is taken" in refusal(port=taken_port)
        assert f"make run OPTIONS='--sandbox-port {taken_port + 10}'" in refusal(
            port=1, sandbox_port=taken_port
        )

    @pytest.mark.parametrize("port", [0, -1, 65536])
    def test_a_port_that_cannot_be_is_refused(self, ready, port) -> None:
        assert f"--port has to be from 1 to 65535, not {port}" in refusal(port=port)

    def test_two_servers_need_two_ports(self, ready) -> None:
        assert "two different ones" in refusal(port=1, sandbox_port=1)


@pytest.mark.django_db
class TestImport:
    def test_it_reads_the_photographer_once_however_often_and_wherever_it_runs(self, settings) -> None:
        settings.ALLOW_PRIVATE_INSTANCES = True
        command = Command(stdout=io.StringIO(), stderr=io.StringIO())
        for _ in range(2):
            with SandboxServer(demo_world()) as server:
                account = command._connect(server.url)
                AccountState.objects.update(
                    lease_token="of a killed run", lease_until_at="2100-01-01T00:00:00Z"
                )
                account = command._connect(server.url)
                account.refresh_from_db()
                if not PixelfedPost.objects.exists():
                    # A whole import takes a while, and tests/test_trial_run.py makes one.
                    stats = PixelfedAnalyticsFetcher(account).sync_account_posts(limit=5, max_posts=5)
                    assert (stats["posts_synced"], stats["errors"]) == (5, 0)
        assert MastodonAccount.objects.count() == CustomUser.objects.filter(email=EMAIL).count() == 1
        assert MastodonAccount.objects.get().instance_url == server.url

    def test_a_sandbox_that_does_not_answer_is_said_and_the_rest_starts(self, settings, taken_port) -> None:
        settings.ALLOW_PRIVATE_INSTANCES, settings.FETCH_TIMEOUT = True, 0.05
        errors = io.StringIO()
        command = Command(stdout=io.StringIO(), stderr=errors)
        command._import(command._connect(f"http://127.0.0.1:{taken_port}"))
        assert "did not answer" in errors.getvalue()

    def test_the_newest_pictures_are_there_at_once_and_the_rest_is_left_to_the_worker(
        self, settings, monkeypatch
    ) -> None:
        settings.ALLOW_PRIVATE_INSTANCES = True
        monkeypatch.setattr("analytics_pixelfed.management.commands.demo.FIRST_PICTURES", 2)
        out, errors = io.StringIO(), io.StringIO()
        command = Command(stdout=out, stderr=errors)
        with SandboxServer(demo_world()) as server:
            account = command._connect(server.url)
            PixelfedAnalyticsFetcher(account).sync_account_posts(limit=3, max_posts=3)
            command._fetch_pictures(account)
            # A run that was killed while its worker had the rest in hand.
            DBTaskResult.objects.update(status="RUNNING", started_at=timezone.now())
            command._fetch_pictures(command._connect(server.url))
        shown = PixelfedPost.objects.order_by("-posted_at").values_list("picture", flat=True)
        assert [bool(picture) for picture in shown] == [True, True, False]
        assert out.getvalue().count("Fetching the newest pictures") == 1
        assert errors.getvalue() == ""
        queued = DBTaskResult.objects.filter(task_path__endswith="fetch_pictures")
        assert sorted(queued.values_list("status", flat=True)) == ["FAILED", "READY"]


@pytest.fixture
def signals() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class TestProcesses:
    def test_a_process_that_ends_is_noticed(self, signals, tmp_path: Path) -> None:
        with Processes() as processes:
            processes.start("adviser", "no_such_command", log=tmp_path / "log")
            with pytest.raises(ProcessDied, match=r"The adviser ended \(exit code 1\)"):
                processes.wait()
        assert "Unknown command" in (tmp_path / "log").read_text()

    def test_a_port_that_stays_shut_is_not_waited_for_for_ever(self, signals) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            with Processes() as processes, pytest.raises(ProcessDied, match="Nothing listens on port"):
                processes.wait_until_open(unused.getsockname()[1], seconds=0.3)

    def test_what_is_running_is_ended_with_the_block(self, signals, monkeypatch, tmp_path: Path) -> None:
        monkeypatch.setenv("DEBUG", "1")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with Processes() as processes:
            processes.start("sandbox", "run_sandbox", f"--port={port}", log=tmp_path / "log")
            processes.wait_until_open(port, seconds=60)
            process = processes._running["sandbox"]
            assert process.poll() is None
        assert process.poll() is not None
        assert not http.is_listening(port)
