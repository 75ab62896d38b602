"""A user's own data: the export, the page about it, and the way to it."""

import csv
import errno
import io
import json
import re
import tracemalloc
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.management import call_command
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from analytics_core import platforms, tasks
from analytics_core.engine import archive, archive_contents, hourly, people
from analytics_core.models import AccountCount, Export
from analytics_core.tests.builders import add, build_post, counted_once
from core import stopping
from pixelfed.models import MastodonAccount
from postflow.models import CustomUser, ScheduledPost

pytestmark = pytest.mark.django_db

PAGE = "/settings/data/"
TOKEN = "the-secret-token"


@pytest.fixture(autouse=True)
def _own_media(settings, tmp_path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.fixture
def account(user):
    return MastodonAccount.objects.create(
        user=user, instance_url="https://pixelfed.social", username="ana", access_token=TOKEN,
        refresh_token=TOKEN, software="pixelfed", remote_id="1",
    )  # fmt: skip


@pytest.fixture
def furnished(account, user):
    user.time_zone = "Europe/Berlin"
    user.save()
    post = build_post("pixelfed", account, caption="=SUM(A1)", likes=2, shares=1)
    add(post, "likes", username="gone", ended_at=timezone.now())
    add(post, "likes", username="early", precision="unknown")
    add(post, "comments", username="cleo", content='-1+1 "quoted"\nzwei Zeilen, ä')
    AccountCount.objects.create(
        platform="pixelfed", account_id=account.pk, counted_on=timezone.now(), followers_count=7
    )
    ScheduledPost.objects.create(user=user, caption="later", scheduled_time=timezone.now())
    post.refresh_engagement_summary()
    return post


@pytest.fixture
def browser(client, user):
    client.force_login(user)
    return client


def work() -> None:
    call_command("db_worker", batch=True, verbosity=0)


def built(user) -> zipfile.ZipFile:
    export = archive.start(user)
    archive.build(export.pk)
    export.refresh_from_db()
    with default_storage.open(export.file) as file:
        return zipfile.ZipFile(io.BytesIO(file.read()))


def table(archive_file: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive_file.read(f"{name}.csv").decode("utf-8-sig"), newline="")))


def words(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def files() -> list[Path]:
    from django.conf import settings

    return list(Path(settings.MEDIA_ROOT).rglob("*.zip"))


class TestWhatIsInIt:
    def test_every_row_is_there_and_nothing_of_anybody_else(self, user, furnished) -> None:
        ben = CustomUser.objects.create_user("ben@example.org", "b")
        theirs = MastodonAccount.objects.create(
            user=ben,
            instance_url="https://pixelfed.social",
            username="ana",
            access_token="x",
            software="pixelfed",
        )
        build_post("pixelfed", theirs, likes=5, comments=1, shares=1, caption="bens")
        AccountCount.objects.create(platform="pixelfed", account_id=theirs.pk, counted_on=timezone.now())
        found = built(user)
        counts = {
            name[:-5]: len(json.loads(found.read(name)))
            for name in found.namelist()
            if name.endswith(".json")
        }
        assert counts == {
            "settings": 1, "accounts": 1, "posts": 1, "summaries": 1, "likes": 4, "comments": 1, "shares": 1,
            "follower_counts": 1, "daily_totals": len(table(found, "daily_totals")), "waiting_times": 0,
            "planned_posts": 1,
        }  # fmt: skip
        assert sum(int(row["likes"]) for row in table(found, "daily_totals")) == 2
        assert (table(found, "summaries")[0]["likes"], table(found, "follower_counts")[0]["followers"]) == (
            "3",
            "7",
        )
        assert not any(b"bens" in found.read(name) for name in found.namelist())

    def test_no_token_and_no_password_is(self, user, furnished) -> None:
        found = built(user)
        raw = MastodonAccount.objects.values_list("access_token", flat=True)
        assert list(raw) == [TOKEN]
        for name in found.namelist():
            content = found.read(name)
            assert TOKEN.encode() not in content
            assert b"gAAAA" not in content
            assert user.password.encode() not in content

    def test_times_say_how_well_they_are_known_and_what_was_taken_back(self, user, furnished) -> None:
        rows = {row["handle"]: row for row in table(built(user), "likes")}
        assert rows["early"]["time_is"] == "unknown"
        assert rows["gone"]["ended_at"]
        assert not rows["early"]["ended_at"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0[12]:00", rows["early"]["happened_at"])

    def test_csv_and_json_hold_the_same_and_csv_runs_nothing(self, user, furnished) -> None:
        found = built(user)
        assert table(found, "posts")[0]["caption"] == "'=SUM(A1)"
        assert json.loads(found.read("posts.json"))[0]["caption"] == "=SUM(A1)"
        text = '-1+1 "quoted"\nzwei Zeilen, ä'
        assert table(found, "comments")[0]["text"] == f"'{text}"
        assert json.loads(found.read("comments.json"))[0]["text"] == text

    def test_the_text_inside_explains_every_file_and_column(self, user, furnished) -> None:
        found = built(user)
        explained = found.read("README.txt").decode()
        for part in archive_contents.contents(user):
            assert f"{part.name}.csv, {part.name}.json" in explained
            columns = table(found, part.name)[0].keys() if table(found, part.name) else part.columns
            assert list(columns) == list(part.columns)
            for column, meaning in part.columns.items():
                assert meaning
                assert f"  {column}: {meaning}" in explained
        assert "Europe/Berlin" in explained

    def test_the_forgotten_have_no_id_either(self, user, furnished) -> None:
        (held,) = people.find("cleo", "", user=user)
        people.forget(held, user=user)
        row = table(built(user), "comments")[0]
        assert (row["person_id"], row["handle"], row["name"], row["text"]) == ("", "", "", "")

    def test_memory_and_queries_do_not_grow_with_the_rows(
        self, user, account, django_assert_num_queries
    ) -> None:
        model = platforms.get("pixelfed").engagement_models["likes"]
        with counted_once():
            post = build_post("pixelfed", account)

        def measure() -> int:
            tracemalloc.start()
            with django_assert_num_queries(10), io.BytesIO() as file:
                archive_contents.write(user, file)
                peak = tracemalloc.get_traced_memory()[1] - file.tell()
            tracemalloc.stop()
            return peak

        measure()
        few = measure()
        model.objects.bulk_create(
            [
                model(post=post, account_id=str(n), username=f"fan{n}", liked_at=timezone.now())
                for n in range(20_000)
            ],
            batch_size=1000,
        )
        # A row takes some 500 bytes in memory: all of them would be 10 MB.
        assert measure() - few < 3_000_000


class TestBuilding:
    def test_from_the_button_to_the_file(self, browser, user, furnished) -> None:
        assert "Build the file" in words(browser.get(PAGE))
        assert "Waiting for its turn." in words(browser.post(f"{PAGE}export/", follow=True))
        work()
        page = browser.get(PAGE)
        assert "Ready until" in words(page)
        address = re.search(rf'href="({PAGE}export/[^"]+)"', page.content.decode())[1]
        response = browser.get(address)
        assert response.headers["Cache-Control"] == "private, no-store"
        assert response.headers["Content-Disposition"].startswith('attachment; filename="postflow-')
        body = b"".join(response)
        assert zipfile.ZipFile(io.BytesIO(body)).testzip() is None
        assert int(response.headers["Content-Length"]) == len(body) == Export.objects.get().size_bytes

    def test_its_name_is_not_to_be_guessed_and_it_is_its_owners_alone(self, client, user, furnished) -> None:
        export = archive.start(user)
        work()
        export.refresh_from_db()
        assert re.fullmatch(r"exports/\w{32}\.zip", export.file)
        assert export.pk not in export.file
        client.force_login(CustomUser.objects.create_user("ben@example.org", "b"))
        assert client.get(f"{PAGE}export/{export.pk}/").status_code == 404

    def test_one_at_a_time(self, browser, user) -> None:
        browser.post(f"{PAGE}export/")
        response = browser.post(f"{PAGE}export/", follow=True)
        assert "on its way already" in words(response)
        assert Export.objects.count() == DBTaskResult.objects.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_five_a_day(self, browser, user) -> None:
        for _ in range(5):
            browser.post(f"{PAGE}export/")
            work()
        assert "Ask again tomorrow" in words(browser.post(f"{PAGE}export/", follow=True))
        assert Export.objects.count() == 1
        assert len(files()) == 1

    @pytest.mark.parametrize(
        ("error", "sentence"),
        [
            (OSError(errno.ENOSPC, "No space left on device"), "There was no room left for the file."),
            (OSError("odd"), "The file could not be stored."),
            (ValueError("odd"), "Something broke while the file was built."),
        ],
    )
    def test_a_failure_is_said_leaves_no_half_file_and_can_be_tried_again(
        self, browser, user, furnished, monkeypatch, error, sentence
    ) -> None:
        real = FileSystemStorage.save

        def fail(storage, name, content, **options):
            path = Path(storage.path(name))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.read(100))
            raise error

        monkeypatch.setattr(FileSystemStorage, "save", fail)
        browser.post(f"{PAGE}export/")
        work()
        assert f"The export failed. {sentence}" in words(browser.get(PAGE))
        assert files() == []
        monkeypatch.setattr(FileSystemStorage, "save", real)
        assert "Try again" in words(browser.get(PAGE))
        browser.post(f"{PAGE}export/")
        work()
        assert "Ready until" in words(browser.get(PAGE))

    def test_one_whose_worker_was_killed_is_built_by_the_next_try(self, user, furnished) -> None:
        export = archive.start(user)
        Export.objects.update(state="building", started_at=timezone.now(), file="exports/half.zip")
        (Path(default_storage.location) / "exports").mkdir()
        (Path(default_storage.location) / "exports" / "half.zip").write_bytes(b"half")
        DBTaskResult.objects.update(status="RUNNING", started_at=timezone.now() - timedelta(minutes=20))
        tasks.build_export.get_backend().fail_abandoned(running_longer_than=hourly.LONGEST_TASK)
        DBTaskResult.objects.filter(status="READY").update(run_after=timezone.now())
        work()
        export.refresh_from_db()
        assert export.state == "ready"
        assert [path.name for path in files()] == [Path(export.file).name]

    def test_one_that_nobody_takes_up_says_failed(self, browser, user) -> None:
        archive.start(user)
        Export.objects.update(asked_at=timezone.now() - timedelta(hours=2))
        archive.tidy_up()
        assert Export.objects.get().state == "waiting"
        DBTaskResult.objects.all().delete()
        archive.tidy_up()
        assert "The export failed. The work was interrupted" in words(browser.get(PAGE))

    def test_a_worker_that_has_to_stop_leaves_it_to_the_next(self, user, furnished, monkeypatch) -> None:
        export = archive.start(user)
        monkeypatch.setattr(stopping, "is_asked", lambda: True)
        assert tasks.build_export.func(export.pk) == {"stopped": True}
        export.refresh_from_db()
        assert (export.state, files()) == ("waiting", [])
        assert DBTaskResult.objects.filter(status="READY").count() == 2

    def test_one_deleted_meanwhile_leaves_no_file(self, user, furnished, monkeypatch) -> None:
        export = archive.start(user)
        real = archive_contents.write

        def delete_meanwhile(user, file):
            Export.objects.all().delete()
            return real(user, file)

        monkeypatch.setattr(archive_contents, "write", delete_meanwhile)
        assert archive.build(export.pk) == {"skipped": "gone"}
        assert files() == []

    def test_one_under_way_when_somebody_is_forgotten_is_built_anew(
        self, user, furnished, monkeypatch
    ) -> None:
        export = archive.start(user)
        real, calls = archive_contents.write, []

        def forget_meanwhile(user, file):
            count = real(user, file)
            if not calls:
                calls.append(people.forget(people.find("cleo", "", user=user)[0], user=user))
            return count

        monkeypatch.setattr(archive_contents, "write", forget_meanwhile)
        assert archive.build(export.pk) == {"stopped": True}
        assert files() == []
        assert archive.build(export.pk)["rows"]

    @pytest.mark.django_db(transaction=True)
    def test_after_a_day_it_is_gone(self, browser, user, furnished, time_machine) -> None:
        export = archive.start(user)
        work()
        time_machine.move_to(timezone.now() + timedelta(hours=25))
        browser.force_login(user)
        assert browser.get(f"{PAGE}export/{export.pk}/").status_code == 404
        assert "Build the file" in words(browser.get(PAGE))
        archive.tidy_up()
        assert (Export.objects.count(), files()) == (0, [])


class TestThePage:
    def test_its_queries_do_not_grow(self, browser, user, django_assert_num_queries) -> None:
        with django_assert_num_queries(3):
            browser.get(PAGE)
        Export.objects.bulk_create([Export(user=user, state="failed") for _ in range(9)])
        with django_assert_num_queries(3):
            browser.get(PAGE)

    def test_htmx_gets_the_part_alone(self, browser, user) -> None:
        archive.start(user)
        response = browser.get(PAGE, headers={"HX-Request": "true", "HX-Target": "export"})
        assert response.content.decode().strip().startswith("<section")
        assert "<html" not in response.content.decode()

    @pytest.mark.parametrize(
        ("days", "expected"), [(0, "for as long as you are here"), (400, "after 400 days")]
    )
    def test_it_says_how_long_names_are_kept(self, browser, settings, days, expected) -> None:
        settings.KEEP_ENGAGEMENT_DAYS = days
        assert expected in words(browser.get(PAGE))


class TestForgettingAPerson:
    def test_from_the_handle_to_the_end(self, browser, user, furnished) -> None:
        page = browser.post(f"{PAGE}person/", {"handle": "@cleo@pixelfed.social"})
        assert "0 likes 1 comment 0 shares" in words(page)
        assert platforms.get("pixelfed").engagement_models["comments"].objects.get().username == "cleo"
        page = browser.post(
            f"{PAGE}person/",
            {"handle": "cleo@pixelfed.social", "confirmed": "cleo@pixelfed.social"},
            follow=True,
        )
        assert "The name is off everything." in words(page)
        assert "cleo" not in page.content.decode()
        assert "Nothing of somebody with this handle" in words(
            browser.post(f"{PAGE}person/", {"handle": "cleo"})
        )

    def test_the_post_says_somebody_whose_name_is_not_kept(self, browser, user, furnished) -> None:
        people.forget(people.find("cleo", "", user=user)[0], user=user)
        html = words(browser.get(f"/analytics/pixelfed/post/{furnished.pk}/"))
        assert "Somebody whose name is not kept" in html
        assert "The words are not kept either." in html

    def test_what_is_no_handle_is_said_beside_the_field_and_kept_in_it(self, browser) -> None:
        response = browser.post(f"{PAGE}person/", {"handle": "two words"})
        assert response.status_code == 400
        assert "Type a handle" in words(response)
        assert 'value="two words"' in response.content.decode()

    def test_of_other_peoples_fans_it_knows_nothing(self, client, furnished) -> None:
        client.force_login(CustomUser.objects.create_user("ben@example.org", "b"))
        handle = {"handle": "cleo@pixelfed.social", "confirmed": "cleo@pixelfed.social"}
        assert "Nothing of somebody" in words(client.post(f"{PAGE}person/", handle))
        assert platforms.get("pixelfed").engagement_models["comments"].objects.get().username == "cleo"
