"""Deleting one's PostFlow account: nothing of it stays anywhere, and everything of everybody else."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from analytics_core import tasks
from analytics_core.engine import archive, leaving, people
from analytics_core.models import AccountCount, Departure, Forgotten, Refresh
from analytics_core.tests.builders import build_post
from analytics_pixelfed.services import PixelfedSource
from analytics_pixelfed.tests.test_connections import fill, make
from pixelfed.models import ConnectAttempt, InstanceApp, MastodonAccount
from pixelfed.sandbox import World
from postflow.models import CustomUser, ScheduledPost

pytestmark = pytest.mark.django_db

PAGE = "/settings/data/delete/"
PASSWORD = "a long sentence"


@pytest.fixture(autouse=True)
def _own_media(settings, tmp_path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.fixture
def other() -> CustomUser:
    return CustomUser.objects.create_user("bob@example.org", PASSWORD)


def register_app() -> InstanceApp:
    return InstanceApp.objects.create(
        instance_url="https://pixelfed.social",
        redirect_uri="https://p.example",
        client_id="1",
        client_secret="s",
    )


def furnish(user, word: str) -> MastodonAccount:
    """Give a user something in every table there is; `word` stands in all that is text."""
    account = make(user, word, remote_id="7", display_name=word)
    fill(account)
    post = build_post("pixelfed", account, caption=word, likes=1)
    post.picture = default_storage.save(f"pictures/{word}.webp", ContentFile(b"x"))
    post.save()
    ScheduledPost.objects.create(user=user, caption=word, scheduled_time=timezone.now())
    Refresh.objects.create(pk=f"of-{word}", user=user, platform="pixelfed")
    app = InstanceApp.objects.first() or register_app()
    ConnectAttempt.objects.create(user=user, app=app, state_digest=word, session_digest=word, verifier=word)
    for about in (user, account, post):
        LogEntry.objects.create(
            user=CustomUser.objects.get(email="operator@example.org"),
            content_type=ContentType.objects.get_for_model(about),
            object_id=str(about.pk),
            object_repr=str(about),
            action_flag=CHANGE,
        )
    Client().post("/accounts/sign-in/", {"username": user.email, "password": "wrong"})
    people.forget(people.Held(handle="somebody@pixelfed.social"), user=user)
    archive.build(archive.start(user).pk)
    archive.start(user)
    client = Client()
    client.force_login(user)
    client.get("/settings/")
    return account


def rows() -> dict[str, list]:
    """Return every row of every table, tasks and sessions too, but the bookkeeping of who signed in when."""
    found = {}
    for model in apps.get_models():
        fields = [field.attname for field in model._meta.concrete_fields if field.name != "last_login"]
        found[model._meta.label] = sorted(model._default_manager.values_list(*fields), key=str)
    return found


def files() -> set[Path]:
    return {path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()}


def work() -> None:
    call_command("db_worker", batch=True, verbosity=0)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_left_in_any_table_or_file_and_everything_of_others(client, user, other) -> None:
    CustomUser.objects.create_superuser("operator@example.org", "o")
    user.delete()
    furnish(other, "bobs")
    # What is shared by all is there already, and what waits is not worked off by this test.
    tasks_before = set(DBTaskResult.objects.values_list("pk", flat=True))
    before, files_before = rows(), files()
    user = CustomUser.objects.create_user("ana@example.org", PASSWORD, name="Ana")
    furnish(user, "anas")
    empty = {label for label, found in rows().items() if not found}
    assert empty <= {
        "auth.Group", "auth.Permission", "analytics_core.SyncRun", "analytics_core.HostState",
        "analytics_core.Departure", "postflow.TryCount", "core.HostRequests", "core.WorkerBeat",
        # What is not noted, by our settings of axes.
        "axes.AccessAttemptExpiration", "axes.AccessFailureLog", "axes.AccessLog",
        *(label for label in empty if label.startswith("tiny.")),
    }  # fmt: skip
    client.force_login(user)
    response = client.post(PAGE, {"password": PASSWORD}, follow=True)
    assert "Your PostFlow account is closed." in response.content.decode()
    assert tasks.delete_user.func(Departure.objects.get().pk) == {"deleted": True}
    after = rows()
    done = DBTaskResult.objects.exclude(pk__in=tasks_before).get()
    assert done.task_path == tasks.delete_user.module_path
    text = str(after)
    assert "anas" not in text
    assert "ana@example.org" not in text
    # Of the deletion itself there is its task, which names nobody, and a count of tries under a hash.
    after[DBTaskResult._meta.label] = [row for row in after[DBTaskResult._meta.label] if done.pk not in row]
    after["postflow.TryCount"] = before["postflow.TryCount"]
    # Signed out, the browser has a session without anybody for its message at most.
    assert {label for label in before if after[label] != before[label]} <= {"sessions.Session"}
    assert len(after["sessions.Session"]) <= len(before["sessions.Session"]) + 1
    assert files() == files_before


def test_it_says_first_what_is_deleted_and_deletes_nothing_by_looking(client, user) -> None:
    fill(make(user))
    client.force_login(user)
    html = " ".join(client.get(PAGE).content.decode().split())
    for each in ("1</strong> connected account ", "3</strong> posts", "9</strong> likes", "3</strong> days"):
        assert each in html
    assert MastodonAccount.objects.exists()
    assert not Departure.objects.exists()


@pytest.mark.parametrize("accounts", [1, 4])
def test_the_pages_queries_do_not_grow(client, user, django_assert_num_queries, accounts) -> None:
    for number in range(accounts):
        fill(make(user, f"a{number}"))
    client.force_login(user)
    with django_assert_num_queries(9):
        client.get(PAGE)


@pytest.mark.parametrize(("typed", "expected"), [("", "Type your password."), ("wrong", "not your password")])
def test_without_the_password_nothing_happens(client, user, typed, expected) -> None:
    client.force_login(user)
    response = client.post(PAGE, {"password": typed})
    assert response.status_code == 400
    assert expected in response.content.decode()
    user.refresh_from_db()
    assert user.is_active
    assert not DBTaskResult.objects.exists()


def test_passwords_cannot_be_tried_for_ever(client, user) -> None:
    client.force_login(user)
    for _ in range(5):
        client.post(PAGE, {"password": "wrong"})
    assert "Too many tries." in client.post(PAGE, {"password": PASSWORD}).content.decode()
    assert not Departure.objects.exists()


def test_at_once_nobody_gets_in_any_more(client, user) -> None:
    elsewhere = Client()
    elsewhere.force_login(user)
    client.force_login(user)
    client.post(PAGE, {"password": PASSWORD})
    for browser in (client, elsewhere):
        assert browser.get("/analytics/").status_code == 302
    answer = Client().post("/accounts/sign-in/", {"username": user.email, "password": PASSWORD})
    assert "_auth_user_id" not in answer.client.session
    assert answer.status_code == 200


def test_a_server_that_takes_tokens_back_gets_them(user, monkeypatch) -> None:
    app = register_app()
    make(user, app=app, access_token="anas token")
    asked = []
    monkeypatch.setattr("pixelfed.oauth.revoke", lambda client, token: asked.append(token) or False)
    leaving.begin(user)
    work()
    assert asked == ["anas token"]
    assert not CustomUser.objects.exists()


def test_one_whose_task_was_lost_is_taken_up_again(user) -> None:
    leaving.begin(user)
    leaving.take_up()
    assert DBTaskResult.objects.count() == 1
    DBTaskResult.objects.all().delete()
    Departure.objects.update(asked_at=timezone.now() - timedelta(hours=2))
    leaving.take_up()
    leaving.take_up()
    assert DBTaskResult.objects.count() == 1
    work()
    assert not CustomUser.objects.exists()
    assert tasks.delete_user.func("gone") == {"deleted": False}


@pytest.mark.django_db(transaction=True)
def test_a_visit_under_way_writes_nothing_back(serve, monkeypatch) -> None:
    world = World.empty()
    world.add_posts(world.add_person("ana"), 3, likes=2)
    _, account = serve(world)
    real, done = PixelfedSource.likers, []

    def leave_meanwhile(source, post_id):
        if not done:
            done.append(True)
            leaving.begin(account.user)
            leaving.finish(Departure.objects.get().pk)
        return real(source, post_id)

    monkeypatch.setattr(PixelfedSource, "likers", leave_meanwhile)
    tasks.fetch_account.enqueue("pixelfed", account.pk)
    work()
    assert done
    AccountCount.objects.create(platform="pixelfed", account_id=account.pk, counted_on=timezone.now())
    DBTaskResult.objects.filter(task_path=tasks.forget_leftovers.module_path).update(run_after=timezone.now())
    work()
    found = rows()
    kept = {DBTaskResult._meta.label, "analytics_core.PersonSalt", "analytics_core.HostState"}
    kept |= {"contenttypes.ContentType", "auth.Permission", "sessions.Session"}
    assert {label for label, found_rows in found.items() if found_rows} <= kept
    assert not Forgotten.objects.exists()
