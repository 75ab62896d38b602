"""The account's own picture: fetched by the worker, kept as a file of ours, shown to its owner alone."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
import responses
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone
from PIL import Image

from analytics_core import platforms, tasks
from analytics_core.engine import avatars, gallery
from analytics_core.models import AccountCount, HostState
from analytics_core.tests.builders import read
from pixelfed.models import MastodonAccount
from pixelfed.sandbox import World
from postflow.models import CustomUser

pytestmark = pytest.mark.django_db

HOST = "https://pixelfed.example"
FACE = f"{HOST}/storage/avatars/ana.jpg"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def web():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def account(user) -> MastodonAccount:
    return MastodonAccount.objects.create(
        user=user,
        instance_url=HOST,
        username="ana",
        access_token="t",
        software="pixelfed",
        avatar_url=f"{FACE}?v=1",
    )


def serve(web, url: str = FACE, **values) -> None:
    out = io.BytesIO()
    Image.new("RGB", (400, 400), "red").save(out, "JPEG")
    web.upsert("GET", url, **{"body": out.getvalue(), "content_type": "image/jpeg", **values})


def fetch(account) -> bool:
    fetched = avatars.fetch(platforms.get("pixelfed"), account)
    account.refresh_from_db()
    return fetched


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


class TestFetching:
    def test_a_small_copy_is_kept_and_no_token_is_sent_for_it(self, web, folder, account) -> None:
        serve(web)
        assert fetch(account)
        assert files(folder) == [account.avatar]
        with Image.open(folder / account.avatar) as picture:
            assert (picture.format, picture.size) == ("WEBP", (192, 192))
        assert not {"Authorization", "Cookie"} & set(web.calls[0].request.headers)
        assert not avatars.is_due(account)
        assert not fetch(account)
        assert len(web.calls) == 1

    def test_another_picture_takes_its_place_and_another_query_does_not(self, web, folder, account) -> None:
        serve(web)
        fetch(account)
        before = account.avatar
        account.avatar_url = f"{FACE}?v=2"
        assert not avatars.is_due(account)
        account.avatar_url = f"{HOST}/storage/avatars/new.jpg"
        account.save()
        serve(web, account.avatar_url)
        assert fetch(account)
        assert account.avatar != before
        assert files(folder) == [account.avatar]

    @pytest.mark.parametrize(
        "answer",
        [
            {"status": 404},
            {"status": 500},
            {"body": b"<html>", "content_type": "text/html"},
            {"body": b"\xff\xd8 broken"},
            {"status": 302, "headers": {"Location": f"{HOST}/other.jpg"}},
        ],
    )
    def test_a_failure_is_tried_again_ever_later_and_then_no_more(
        self, web, folder, account, answer, time_machine
    ) -> None:
        serve(web, **answer)
        for wait in (*gallery.RETRY_AFTER, None):
            assert avatars.is_due(account)
            assert not fetch(account)
            assert not avatars.is_due(account)
            if wait:
                time_machine.move_to(timezone.now() + wait + timedelta(seconds=1))
        time_machine.move_to(timezone.now() + timedelta(days=300))
        assert not avatars.is_due(account)
        assert files(folder) == []

    def test_a_host_that_asks_for_a_pause_gets_it_and_the_picture_stays_due(self, web, account) -> None:
        serve(web, status=429, headers={"Retry-After": "600"})
        assert not fetch(account)
        assert avatars.is_due(account)
        assert HostState.objects.get().blocked_until_at > timezone.now()
        assert not fetch(account)
        assert len(web.calls) == 1

    def test_a_private_address_is_not_asked(self, account, settings, monkeypatch, folder) -> None:
        settings.ALLOW_PRIVATE_INSTANCES = False
        monkeypatch.setattr("socket.socket.connect", lambda *args: pytest.fail("something was connected to"))
        for address in ("https://127.0.0.1/a.jpg", "https://169.254.169.254/a.jpg", "file:///etc/passwd"):
            account.avatar_url = address
            account.save()
            assert not fetch(account)
        assert files(folder) == []

    def test_two_workers_do_not_both_ask(self, web, account) -> None:
        serve(web)
        other = MastodonAccount.objects.get()
        assert fetch(account)
        assert not avatars.fetch(platforms.get("pixelfed"), other)
        assert len(web.calls) == 1

    def test_it_goes_with_the_account(self, web, folder, account, django_capture_on_commit_callbacks) -> None:
        serve(web)
        fetch(account)
        with django_capture_on_commit_callbacks(execute=True):
            account.delete()
        assert files(folder) == []


@pytest.mark.django_db(transaction=True)
def test_a_visit_brings_it_and_a_later_one_the_next(serve_world, folder) -> None:
    world, account = serve_world

    def visit() -> str:
        tasks.fetch_account.enqueue("pixelfed", account.pk)
        call_command("db_worker", batch=True, verbosity=0)
        account.refresh_from_db()
        return account.avatar

    first = visit()
    assert default_storage.exists(first)
    assert visit() == first
    world.person("ana").avatar_path = "/storage/avatars/another.jpg"
    # The day's count of followers tells.
    AccountCount.objects.all().delete()
    second = visit()
    assert second != first
    assert not default_storage.exists(first)


@pytest.fixture
def serve_world(serve):
    world = World.empty()
    world.add_posts(world.add_person("ana", avatar_path="/storage/avatars/ana.jpg"), 1)
    _, account = serve(world)
    return world, account


class TestShowing:
    @pytest.fixture
    def shown(self, account, client, user):
        account.avatar = default_storage.save(
            "thumbnails/pixelfed/1/0123456789abcdef.webp", io.BytesIO(b"face")
        )
        account.save()
        read("pixelfed", account)
        client.force_login(user)
        return client

    def test_the_page_shows_our_copy_and_never_the_instances_own(self, shown, account) -> None:
        html = shown.get("/accounts/").content.decode()
        address = f"/accounts/{account.pk}/picture/?v=0123456789ab"
        assert f'<img src="{address}"' in html
        assert "storage/avatars" not in html
        response = shown.get(address)
        assert (response.content, response["Content-Type"]) == (b"face", "image/webp")
        assert "private" in response["Cache-Control"]

    def test_without_one_its_initial_stands_there(self, shown, account) -> None:
        MastodonAccount.objects.update(avatar="")
        html = shown.get("/accounts/").content.decode()
        assert 'aria-hidden="true">A</span>' in html
        assert shown.get(f"/accounts/{account.pk}/picture/").status_code == 404

    def test_it_is_nobody_elses(self, shown, account, client) -> None:
        client.force_login(CustomUser.objects.create_superuser("operator@example.org", "x"))
        assert client.get(f"/accounts/{account.pk}/picture/").status_code == 404
