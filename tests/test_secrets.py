"""No token, secret, code or password is anywhere but where it belongs, whatever happens to one.

Every secret is noted the moment it is made, on both sides. Then a whole life of an account is led, faults
included, and all that was said, shown and stored is searched. A word that may be seen is led the same ways,
to show that the search finds what is there.
"""

import io
import itertools
import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, quote_plus, urlsplit

import pytest
import requests
from django.contrib import admin
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape
from django_tasks_db.models import DBTaskResult

from analytics_core import tasks
from analytics_core.models import HostState
from analytics_pixelfed.models import PixelfedPost
from pixelfed.models import InstanceApp, MastodonAccount
from pixelfed.sandbox import SandboxServer, World
from pixelfed.tests import browsing
from tests.servers import free_port
from tests.workers import Process, wait_until

CONNECT, TOKEN, LIST = "/accounts/connect/", "/accounts/connect/token/", "/accounts/"
REFRESH = "/analytics/pixelfed/refresh/"
PASSWORD = "a sentence that nobody else knows"
PASTED = "pasted-token-of-nobody"
# Which functions make what.
MAKERS = {
    "access token": "pixelfed.sandbox.tokens.write_access_token",
    "code or refresh token": "pixelfed.sandbox.tokens.write_opaque",
    "client secret": "pixelfed.sandbox.tokens.client_secret",
    "state, verifier or session": "pixelfed.oauth.new_secret",
}
# May be seen, and has to be found everywhere.
SEEN = "seen-by-everybody"


class Life:
    """What was made secretly, and everything that was said, shown and stored."""

    def __init__(self) -> None:
        self.secrets: dict[str, list[str]] = {}
        self.places: dict[str, list[str]] = {}

    def noting(self, name: str, real: Callable[..., str]) -> Callable[..., str]:
        """Return the function that makes a kind of secret so that what it makes is noted."""

        def make(*args: Any, **kwargs: Any) -> str:
            made = real(*args, **kwargs)
            self.secrets.setdefault(name, []).append(made)
            return made

        return make

    def keep(self, place: str, text: str) -> None:
        """Have a text searched."""
        self.places.setdefault(place, []).append(text)

    def find(self, word: str) -> set[str]:
        """Return the places that hold a word, as it is or as pages and addresses write it."""
        forms = {word, escape(word), quote(word, safe=""), quote_plus(word)}
        return {
            place
            for place, texts in self.places.items()
            if any(form in text for text in texts for form in forms)
        }

    def keep_database(self) -> None:
        """Search every table as it is stored, what waits to be done, and a dump."""
        names = connection.introspection.table_names()
        with connection.cursor() as cursor:
            for name in names:
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(name)}")
                self.keep("tables", str(cursor.fetchall()))
        for row in DBTaskResult.objects.values("args_kwargs", "return_value", "traceback"):
            self.keep("tasks", str(row))
        out = io.StringIO()
        call_command("dumpdata", stdout=out, verbosity=0)
        self.keep("dump", out.getvalue())


@pytest.fixture
def life(monkeypatch) -> Life:
    life = Life()
    for name, path in MAKERS.items():
        module, _, function = path.rpartition(".")
        real = getattr(__import__(module, fromlist=[function]), function)
        monkeypatch.setattr(path, life.noting(name, real))
    life.secrets |= {"password": [PASSWORD], "pasted": [PASTED], "password there": [browsing.PASSWORD]}
    return life


@pytest.fixture
def server(settings, life) -> Iterator[SandboxServer]:
    settings.ALLOW_PRIVATE_INSTANCES = True
    settings.FETCH_TIMEOUT = 5
    world = World.empty()
    world.add_posts(world.add_person("ana", password=browsing.PASSWORD), 2, likes=2)
    with SandboxServer(world) as running:
        yield running


class Photographer:
    """Somebody with a browser, whose every page is kept."""

    def __init__(self, life: Life, server: SandboxServer, client: Client) -> None:
        self.life, self.server, self.client = life, server, client
        client.raise_request_exception = False

    def get(self, path: str) -> Any:
        return self._keep(self.client.get(path, follow=True))

    def post(self, path: str, **data: str) -> Any:
        return self._keep(self.client.post(path, data, follow=True))

    def consent(self) -> str:
        """Go to the consent page and say yes; return the address that leads back."""
        response = self.client.post(CONNECT, {"instance": self.server.url})
        assert response.status_code == 302, response.content.decode()
        location = browsing.answer_consent(self.server, response.headers["Location"])
        return location.removeprefix("http://testserver")

    def _keep(self, response: Any) -> Any:
        self.life.keep("pages", response.content.decode())
        # Where somebody is sent, but for the way to the instance, which carries what it has to.
        for address, _ in getattr(response, "redirect_chain", []):
            self.life.keep("addresses", address)
        return response


@pytest.fixture
def ana(user, life, server, client) -> Photographer:
    user.set_password(PASSWORD)
    user.save()
    return Photographer(life, server, client)


def work() -> None:
    call_command("db_worker", batch=True, verbosity=0)


def live(ana: Photographer, server: SandboxServer) -> MastodonAccount:
    """Sign in, connect, read, renew; with an instance that tells everybody what it was told."""
    ana.post("/accounts/sign-in/", username="ana@example.org", password="not " + PASSWORD)
    ana.post("/accounts/sign-in/", username="ana@example.org", password=PASSWORD)
    back = ana.consent()
    assert "is connected" in ana.get(back).content.decode()
    ana.get(back)
    work()
    account = MastodonAccount.objects.get()
    assert PixelfedPost.objects.count() == 2

    # Refused, in words that hold what was sent.
    back = ana.consent()
    (code,) = parse_qs(urlsplit(back).query)["code"]
    for status, path, said in (
        (400, "/oauth/token", code),
        (422, "/api/v1/accounts/verify_credentials", account.access_token),
    ):
        server.faults.add("status", path, status=status, error=f"You said {said}", times=1)
    ana.get(back)
    ana.get(ana.consent())
    server.faults.add("status", "/api/v1/accounts/verify_credentials", status=422, error=PASTED, times=1)
    ana.post(TOKEN, instance=server.url, token=PASTED)
    ana.post(TOKEN, instance=server.url, token=PASTED)
    ana.post(TOKEN, instance="ftp://x", token=PASTED)
    token = account.access_token
    for kind, options in (
        ("status", {"status": 500, "error": token}),
        ("status", {"status": 422, "error": token}),
        ("redirect", {"location": f"/elsewhere?token={token}"}),
        ("wrong_type", {"value": [{"id": token, "content": 5}]}),
    ):
        server.faults.add(kind, "/api/v1/accounts/*/statuses", **options)
        tasks.fetch_account.enqueue("pixelfed", account.pk)
        work()
        ana.get(LIST)
        server.faults.clear()
        HostState.objects.all().delete()

    # Renewed, and refreshed by hand.
    due_at = timezone.now() - timedelta(minutes=1)
    MastodonAccount.objects.update(token_renew_at=due_at, state="active", display_name=SEEN)
    ana.post(REFRESH)
    work()
    account.refresh_from_db()
    assert account.access_token != token
    return account


def look_everywhere(ana: Photographer, admin_client: Client, account: MastodonAccount) -> None:
    """Open all pages of the account's owner, and all of the admin."""
    post = PixelfedPost.objects.first()
    for path in (
        *(LIST, CONNECT, TOKEN, f"{LIST}{account.pk}/disconnect/", "/analytics/", "/analytics/pixelfed/"),
        *(
            "/analytics/comparison/",
            f"/analytics/pixelfed/post/{post.pk}/",
            "/settings/",
            "/settings/account/",
        ),
    ):
        assert ana.get(path).status_code == 200, path
    staff = Photographer(ana.life, ana.server, admin_client)
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert staff.get(reverse(f"{name}_changelist")).status_code == 200
        for row in model._default_manager.all()[:3]:
            assert staff.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200


def crash(ana: Photographer, monkeypatch, settings, account: MastodonAccount) -> None:
    """Let PostFlow fail where it holds secrets, with and without DEBUG, on pages and in a task."""

    def boom(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError(SEEN)

    def come_back() -> Any:
        return ana.get(ana.consent())

    def begin() -> Any:
        return ana.post(CONNECT, instance=ana.server.url)

    def paste() -> Any:
        return ana.post(TOKEN, instance=ana.server.url, token=PASTED)

    def sign_in() -> Any:
        return ana.post("/accounts/sign-in/", username="ana@example.org", password=PASSWORD)

    def disconnect() -> Any:
        return ana.post(f"{LIST}{account.pk}/disconnect/")

    steps: list[tuple[str, Callable[[], Any]]] = [
        ("pixelfed.models.ConnectAttempt.save", begin),
        ("pixelfed.oauth._grant", come_back),
        ("pixelfed.models.MastodonAccount.save", come_back),
        ("analytics_pixelfed.connecting.take_attempt", come_back),
        ("analytics_pixelfed.pixelfed_client.PixelfedAPIClient.verify_credentials", come_back),
        ("analytics_pixelfed.answers._parse", paste),
        ("analytics_pixelfed.connections.forget_account", disconnect),
        ("django.contrib.auth.forms.authenticate", sign_in),
    ]
    for debug, (path, step) in itertools.product((False, True), steps):
        settings.DEBUG = debug
        if step is sign_in:
            ana.client.logout()
        with monkeypatch.context() as patch:
            if step is come_back:
                back = ana.consent()
                patch.setattr(path, boom)
                response = ana.get(back)
            else:
                patch.setattr(path, boom)
                response = step()
        assert response.status_code == 500, path
        assert (SEEN in response.content.decode()) == debug
        if debug:
            ana.life.keep("reports", response.content.decode())
        if step is sign_in:
            ana.client.force_login(account.user)
    settings.DEBUG = False
    with monkeypatch.context() as patch:
        patch.setattr("analytics_core.fetcher.AnalyticsFetcher.run", boom)
        tasks.fetch_account.enqueue("pixelfed", account.pk)
        work()
    assert DBTaskResult.objects.filter(traceback__contains=SEEN).exists()


@pytest.mark.django_db
def test_nothing_secret_is_said_shown_or_stored(
    ana, server, life, admin_client, caplog, capsys, monkeypatch, settings
) -> None:
    caplog.set_level(logging.DEBUG)
    for other_side in ("pixelfed.sandbox", "faker"):
        caplog.set_level(logging.INFO, other_side)
    monkeypatch.setattr("analytics_pixelfed.account_views.TRIES", 1000)
    account = live(ana, server)
    look_everywhere(ana, admin_client, account)
    crash(ana, monkeypatch, settings, account)
    logging.getLogger("postflow").debug(SEEN)
    life.keep_database()
    account.refresh_from_db()
    assert "is disconnected" in ana.post(f"{LIST}{account.pk}/disconnect/").content.decode()
    life.keep_database()
    life.keep("log", caplog.text)
    life.keep("log", "".join(capsys.readouterr()))
    assert life.find(SEEN) == {"pages", "reports", "tables", "tasks", "dump", "log"}
    assert all(len(life.secrets[name]) > 2 for name in MAKERS)
    found = {
        (name, place) for name, made in life.secrets.items() for secret in made for place in life.find(secret)
    }
    assert found == set()


@pytest.mark.django_db
def test_a_dump_can_be_loaded_again_and_its_tokens_work(user, tmp_path) -> None:
    app = InstanceApp.objects.create(
        instance_url="https://a.example", redirect_uri="https://p.example/", client_id="1", client_secret="s1"
    )
    values = {"instance_url": "https://a.example", "username": "ana", "access_token": "t1", "app": app}
    MastodonAccount.objects.create(user=user, refresh_token="r1", **values)
    MastodonAccount.objects.create(user=user, **values | {"username": "studio"})
    path = tmp_path / "dump.json"
    call_command("dumpdata", "pixelfed", output=str(path), verbosity=0)
    assert not re.search('"[tr s]1"', path.read_text())
    MastodonAccount.objects.all().delete()
    InstanceApp.objects.all().delete()
    call_command("loaddata", str(path), verbosity=0)
    tokens = MastodonAccount.objects.values_list("access_token", "refresh_token").order_by("pk")
    assert list(tokens) == [("t1", "r1"), ("t1", None)]
    assert InstanceApp.objects.get().client_secret == "s1"


def test_the_server_for_developers_logs_no_query(tmp_path: Path) -> None:
    """Gunicorn's log has its own test, with how it is deployed."""
    port = free_port()
    url = f"sqlite:///{tmp_path}/db.sqlite3"
    log = tmp_path / "runserver.log"
    with Process(
        "runserver", "--noreload", f"127.0.0.1:{port}", url=url, log=log, LOG_LEVEL="DEBUG", DEBUG="1"
    ) as it:
        address = f"http://127.0.0.1:{port}/healthz?code=the-code&state=the-state"

        def answers() -> bool:
            assert it.is_there()
            try:
                return requests.get(address, timeout=5).status_code == 200
            except requests.ConnectionError:
                return False

        wait_until(answers, seconds=30, what="runserver answers")
        wait_until(lambda: "GET /healthz HTTP/1.1" in it.log, seconds=5, what="the request is logged")
        assert "the-code" not in it.log
        assert "the-state" not in it.log
