"""Which pictures are fetched when, what a failure costs, and which files are there in the end."""

import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import responses
import time_machine
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from PIL import Image

from analytics_core import ingest, tasks
from analytics_core.engine import gallery
from analytics_core.models import HostState
from analytics_core.platforms import Blocked, PostRecord
from analytics_core.tests.builders import build_post
from core import http
from tests.tiny.models import TinyAccount, TinyPost

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
HOST = "https://tiny.example"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def web():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def jpeg(colour: str = "red", size: tuple[int, int] = (900, 600)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG")
    return out.getvalue()


def serve(web, path: str, body: bytes | Exception | None = None, **values) -> None:
    values = {"content_type": "image/jpeg", "status": 200, **values}
    web.upsert("GET", f"{HOST}{path}", body=jpeg() if body is None else body, **values)


def asked(web) -> list[str]:
    return [call.request.url.removeprefix(HOST) for call in web.calls]


def add_post(account, name: str, **values):
    values = {"media_url": f"{HOST}/{name}.jpg", "thumbnail_url": f"{HOST}/{name}_thumb.jpg", **values}
    return build_post("tiny", account, **values)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


class TestFetching:
    def test_the_preview_is_kept_as_a_file_of_our_own(self, web, folder, tiny, tiny_account) -> None:
        post = add_post(tiny_account, "boat")
        serve(web, "/boat_thumb.jpg")
        stats = gallery.fetch_due(tiny, tiny_account)
        post.refresh_from_db()
        assert (stats["fetched"], stats["failed"], stats["message"], stats["work_left"]) == (1, 0, "", False)
        assert asked(web) == ["/boat_thumb.jpg"]
        assert re.fullmatch(rf"thumbnails/tiny/{tiny_account.pk}/[0-9a-f]{{32}}\.webp", post.picture)
        assert files(folder) == [post.picture]
        assert (post.picture_width, post.picture_height) == (640, 427)
        with Image.open(folder / post.picture) as picture:
            assert (picture.format, picture.size) == ("WEBP", (640, 427))
        assert post.picture_due_at is None

    def test_no_token_and_no_cookie_goes_to_a_host_of_pictures(self, web, tiny, tiny_account) -> None:
        add_post(tiny_account, "boat")
        serve(web, "/boat_thumb.jpg")
        gallery.fetch_due(tiny, tiny_account)
        headers = web.calls[0].request.headers
        assert not {"Authorization", "Cookie", "Referer"} & set(headers)
        assert headers["Accept"].startswith("image/")

    def test_newest_posts_come_first_and_the_bounds_leave_the_rest(self, web, tiny, tiny_account) -> None:
        for age, name in [(5, "old"), (1, "new"), (3, "middle")]:
            add_post(tiny_account, name, age=age)
            serve(web, f"/{name}_thumb.jpg")
        assert gallery.fetch_due(tiny, tiny_account, at_most=2)["work_left"] is True
        assert asked(web) == ["/new_thumb.jpg", "/middle_thumb.jpg"]
        assert gallery.fetch_due(tiny, tiny_account, seconds=0)["fetched"] == 0
        assert gallery.fetch_due(tiny, tiny_account)["work_left"] is False
        assert gallery.fetch_due(tiny, tiny_account)["fetched"] == 0
        assert len(web.calls) == 3

    def test_other_accounts_wait_for_their_own_visit(self, web, tiny, tiny_account, user) -> None:
        other = TinyAccount.objects.create(user=user, instance_url=HOST, username="bea")
        add_post(other, "boat")
        assert gallery.fetch_due(tiny, tiny_account)["fetched"] == 0
        assert gallery.has_due(tiny, other)

    @pytest.mark.parametrize("preview", ["", f"{HOST}/clip.mp4"])
    def test_a_video_without_a_preview_is_not_asked_for(self, web, tiny, tiny_account, preview) -> None:
        post = add_post(
            tiny_account, "x", media_type="video", media_url=f"{HOST}/clip.mp4", thumbnail_url=preview
        )
        assert gallery.fetch_due(tiny, tiny_account)["fetched"] == 0
        assert not gallery.has_due(tiny, tiny_account)
        post.thumbnail_url = f"{HOST}/clip.jpg"
        post.save()
        post.refresh_from_db()
        gallery.note_addresses(TinyPost, [post])
        serve(web, "/clip.jpg")
        assert gallery.fetch_due(tiny, tiny_account)["fetched"] == 1

    def test_every_host_gets_its_own_turn(self, web, tiny, tiny_account, settings, monkeypatch) -> None:
        settings.FETCH_REQUEST_INTERVAL = 1
        slept = []
        with time_machine.travel(NOON, tick=False) as clock:
            monkeypatch.setattr(
                "analytics_core.engine.hosts.sleep",
                lambda seconds: (slept.append(seconds), clock.shift(seconds)),
            )
            for name in ("a", "b"):
                add_post(tiny_account, name)
                serve(web, f"/{name}_thumb.jpg")
            add_post(tiny_account, "c", thumbnail_url="https://store.example/c.jpg")
            web.get("https://store.example/c.jpg", body=jpeg(), content_type="image/jpeg")
            gallery.fetch_due(tiny, tiny_account)
        assert len(web.calls) == 3
        assert slept == [1]
        assert set(HostState.objects.values_list("host", flat=True)) == {"tiny.example", "store.example"}


class TestAnotherAddress:
    def listed(self, tiny, account, post, **values) -> None:
        record = PostRecord(
            **{
                "remote_id": post.tiny_id,
                "caption": "",
                "media_url": post.media_url,
                "thumbnail_url": post.thumbnail_url,
                "media_type": "image",
                "post_url": post.post_url,
                "posted_at": post.posted_at,
                **values,
            }
        )
        ingest.ingest_posts(tiny, account, [record])

    def test_makes_the_picture_due_again_and_takes_the_old_ones_place(
        self, web, folder, tiny, tiny_account
    ) -> None:
        post = add_post(tiny_account, "boat")
        serve(web, "/boat_thumb.jpg")
        gallery.fetch_due(tiny, tiny_account)
        before = files(folder)
        self.listed(tiny, tiny_account, post, thumbnail_url=f"{HOST}/moved.jpg")
        assert files(folder) == before
        serve(web, "/moved.jpg", jpeg("blue"))
        assert gallery.fetch_due(tiny, tiny_account)["fetched"] == 1
        post.refresh_from_db()
        assert files(folder) == [post.picture]
        assert before != [post.picture]

    @pytest.mark.parametrize(
        "preview", ["/boat_thumb.jpg", "/boat_thumb.jpg?v=2", "/boat_thumb.jpg?Signature=x"]
    )
    def test_the_same_address_with_another_query_does_not(self, web, tiny, tiny_account, preview) -> None:
        post = add_post(tiny_account, "boat", thumbnail_url=f"{HOST}/boat_thumb.jpg?v=1")
        serve(web, "/boat_thumb.jpg")
        gallery.fetch_due(tiny, tiny_account)
        self.listed(tiny, tiny_account, post, thumbnail_url=f"{HOST}{preview}")
        assert not gallery.has_due(tiny, tiny_account)

    def test_that_fails_keeps_the_picture_there_was(self, web, folder, tiny, tiny_account) -> None:
        post = add_post(tiny_account, "boat")
        serve(web, "/boat_thumb.jpg")
        gallery.fetch_due(tiny, tiny_account)
        before = files(folder)
        self.listed(tiny, tiny_account, post, thumbnail_url=f"{HOST}/moved.jpg")
        serve(web, "/moved.jpg", status=404)
        assert gallery.fetch_due(tiny, tiny_account)["failed"] == 1
        # Listed again every hour, and not asked for again before its time.
        self.listed(tiny, tiny_account, post, thumbnail_url=f"{HOST}/moved.jpg")
        assert not gallery.has_due(tiny, tiny_account)
        post.refresh_from_db()
        assert [post.picture] == files(folder) == before

    def test_noticed_while_the_old_one_is_under_way_is_fetched_too(
        self, web, folder, tiny, tiny_account
    ) -> None:
        post = add_post(tiny_account, "boat")

        def moves_meanwhile(request):
            self.listed(tiny, tiny_account, post, thumbnail_url=f"{HOST}/moved.jpg")
            return 200, {"Content-Type": "image/jpeg"}, jpeg()

        web.add_callback("GET", f"{HOST}/boat_thumb.jpg", moves_meanwhile)
        serve(web, "/moved.jpg", jpeg("blue"))
        assert gallery.fetch_due(tiny, tiny_account)["work_left"] is True
        assert files(folder) == []
        assert gallery.fetch_due(tiny, tiny_account)["fetched"] == 1
        post.refresh_from_db()
        assert files(folder) == [post.picture]
        assert post.picture_source == f"{HOST}/moved.jpg"


class TestFailures:
    def test_are_tried_again_later_and_later_and_given_up_with_the_reason(
        self, web, tiny, tiny_account
    ) -> None:
        post = add_post(tiny_account, "boat", media_url="")
        serve(web, "/boat_thumb.jpg", status=404)
        waited = []
        with time_machine.travel(NOON, tick=False) as clock:
            TinyPost.objects.update(picture_due_at=NOON)
            while gallery.fetch_due(tiny, tiny_account)["failed"]:
                post.refresh_from_db()
                if post.picture_due_at is None:
                    break
                waited.append(post.picture_due_at - timezone.now())
                clock.shift(waited[-1] - timedelta(seconds=1))
                assert not gallery.has_due(tiny, tiny_account)
                clock.shift(1)
            clock.shift(timedelta(days=365))
            assert not gallery.has_due(tiny, tiny_account)
        assert waited == list(gallery.RETRY_AFTER)
        assert post.picture_problem == "Given up: tiny.example answered with status 404."
        assert len(web.calls) == len(waited) + 1

    def test_of_the_preview_lead_to_the_picture_itself(self, web, tiny, tiny_account) -> None:
        add_post(tiny_account, "boat")
        serve(web, "/boat_thumb.jpg", status=404)
        serve(web, "/boat.jpg")
        assert gallery.fetch_due(tiny, tiny_account)["failed"] == 1
        TinyPost.objects.update(picture_due_at=timezone.now())
        assert gallery.fetch_due(tiny, tiny_account)["fetched"] == 1
        post = TinyPost.objects.get()
        assert (post.picture_problem, post.picture_failures_count) == ("", 0)
        assert post.picture_source == f"{HOST}/boat_thumb.jpg"

    @pytest.mark.parametrize(
        ("values", "problem"),
        [
            ({"status": 403}, "answered with status 403"),
            ({"status": 302, "headers": {"Location": "http://10.0.0.1/"}}, "answered with status 302"),
            ({"content_type": "text/html", "body": b"<html>"}, "text/html"),
            ({"body": b"<html>"}, "no picture"),
            ({"content_type": "image/svg+xml", "body": b"<svg/>"}, "SVG"),
            ({"body": jpeg()[:500]}, "broken"),
            ({"body": b"\xff\xd8" + b"\0" * gallery.MAX_BYTES}, "larger than"),
            ({"body": jpeg(size=(1, 1)) + b"x" * 100, "content_type": "video/mp4"}, "video/mp4"),
        ],
    )
    def test_are_noted_and_stop_nothing(self, web, folder, tiny, tiny_account, values, problem) -> None:
        bad = add_post(tiny_account, "bad", age=1)
        add_post(tiny_account, "good", age=2)
        serve(web, "/bad_thumb.jpg", **values)
        serve(web, "/good_thumb.jpg")
        stats = gallery.fetch_due(tiny, tiny_account)
        assert (stats["fetched"], stats["failed"]) == (1, 1)
        bad.refresh_from_db()
        assert problem in bad.picture_problem
        assert problem in stats["message"]
        assert len(files(folder)) == 1

    def test_a_private_address_is_refused(self, tiny, tiny_account, settings, web) -> None:
        settings.ALLOW_PRIVATE_INSTANCES = False
        web.add_passthru("http://")
        addresses = ["http://127.0.0.1:9/a.jpg", "http://10.0.0.1/a.jpg", "http://169.254.169.254/a.jpg"]
        for address in addresses:
            add_post(tiny_account, "x", media_url=address, thumbnail_url="")
        stats = gallery.fetch_due(tiny, tiny_account)
        assert (stats["fetched"], stats["failed"]) == (0, 3)
        problems = TinyPost.objects.values_list("picture_problem", flat=True)
        assert all("private or reserved" in problem for problem in problems)

    def test_addresses_that_are_none_are_not_asked_for(self, web, tiny, tiny_account) -> None:
        for address in (
            "javascript:alert(1)",
            "file:///etc/passwd",
            "//tiny.example/a.jpg",
            "http://a b/",
            "x",
        ):
            add_post(tiny_account, "x", media_url=address, thumbnail_url=address)
        stats = gallery.fetch_due(tiny, tiny_account)
        assert (stats["fetched"], stats["failed"], len(web.calls)) == (0, 0, 0)

    @pytest.mark.parametrize("failure", [{"status": 500}, {"body": ConnectionError("no route")}])
    def test_a_host_that_is_down_is_not_asked_for_everything(self, web, tiny, tiny_account, failure) -> None:
        for number in range(5):
            add_post(tiny_account, str(number))
            serve(web, f"/{number}_thumb.jpg", **failure)
        stats = gallery.fetch_due(tiny, tiny_account)
        assert (stats["failed"], stats["work_left"]) == (2, False)
        # Those that failed wait; the next visit begins with others.
        gallery.fetch_due(tiny, tiny_account)
        assert len(set(asked(web))) == 4

    @pytest.mark.parametrize(
        ("status", "headers", "seconds"),
        [(429, {"Retry-After": "120"}, 120), (503, {"Retry-After": "9"}, 9), (429, {}, 60)],
    )
    def test_a_host_that_asks_for_a_pause_gets_it(
        self, web, tiny, tiny_account, settings, status, headers, seconds
    ) -> None:
        settings.FETCH_REQUEST_INTERVAL = 0.001
        posts = [add_post(tiny_account, str(number)) for number in range(3)]
        for number in range(3):
            serve(web, f"/{number}_thumb.jpg", status=status, headers=headers)
        stats = gallery.fetch_due(tiny, tiny_account)
        assert (stats["fetched"], stats["failed"], stats["work_left"]) == (0, 0, False)
        blocked_until_at = HostState.objects.get().blocked_until_at
        assert seconds - 5 < (blocked_until_at - timezone.now()).total_seconds() < seconds + 31
        # It was no fault of the picture, and nothing else is asked of the host.
        gallery.fetch_due(tiny, tiny_account)
        assert len(web.calls) == 1
        for post in posts:
            post.refresh_from_db()
            assert (post.picture_failures_count, post.picture_source) == (0, "")
            assert post.picture_due_at <= timezone.now()

    def test_of_our_own_storage_are_not_the_pictures(self, web, tiny, tiny_account, monkeypatch) -> None:
        post = add_post(tiny_account, "boat")
        serve(web, "/boat_thumb.jpg")

        def full(*args, **kwargs):
            raise OSError("no space left")

        monkeypatch.setattr(default_storage, "save", full)
        with pytest.raises(OSError, match="no space"):
            gallery.fetch_due(tiny, tiny_account)
        post.refresh_from_db()
        assert post.picture_failures_count == 0
        assert gallery.has_due(tiny, tiny_account)


class TestTwoWorkers:
    def test_never_ask_for_the_same_picture(self, web, folder, tiny, tiny_account) -> None:
        add_post(tiny_account, "boat", age=1)
        add_post(tiny_account, "tree", age=2)
        serve(web, "/tree_thumb.jpg")

        def other_worker(request):
            assert gallery.fetch_due(tiny, tiny_account)["fetched"] == 1
            return 200, {"Content-Type": "image/jpeg"}, jpeg()

        web.add_callback("GET", f"{HOST}/boat_thumb.jpg", other_worker)
        assert gallery.fetch_due(tiny, tiny_account)["fetched"] == 1
        assert sorted(asked(web)) == ["/boat_thumb.jpg", "/tree_thumb.jpg"]
        assert len(files(folder)) == 2

    def test_one_that_was_killed_leaves_its_picture_for_later(self, web, folder, tiny, tiny_account) -> None:
        post = add_post(tiny_account, "boat")
        with time_machine.travel(NOON, tick=False) as clock:
            TinyPost.objects.update(picture_due_at=NOON)
            post.refresh_from_db()
            assert gallery._claim(post, source=post.thumbnail_url)  # and dies
            assert not gallery.has_due(tiny, tiny_account)
            clock.shift(gallery.RETRY_AFTER[0])
            serve(web, "/boat.jpg")
            assert gallery.fetch_due(tiny, tiny_account)["fetched"] == 1
        assert len(files(folder)) == 1

    def test_one_asked_to_stop_gives_its_picture_back(self, web, tiny, tiny_account) -> None:
        post = add_post(tiny_account, "boat")

        def stop(request):
            raise KeyboardInterrupt

        web.add_callback("GET", f"{HOST}/boat_thumb.jpg", stop)
        with pytest.raises(KeyboardInterrupt):
            gallery.fetch_due(tiny, tiny_account)
        post.refresh_from_db()
        assert (post.picture_failures_count, post.picture_source) == (0, "")
        assert gallery.has_due(tiny, tiny_account)

    def test_a_picture_that_kills_workers_is_given_up(self, web, tiny, tiny_account) -> None:
        post = add_post(tiny_account, "boat")
        tries = 0
        with time_machine.travel(NOON, tick=False) as clock:
            TinyPost.objects.update(picture_due_at=NOON)
            while gallery.has_due(tiny, tiny_account):
                post.refresh_from_db()
                if post.picture_failures_count > len(gallery.RETRY_AFTER):
                    gallery.fetch_due(tiny, tiny_account)
                else:
                    gallery._claim(post, source=post.thumbnail_url)
                    tries += 1
                clock.shift(timedelta(days=7))
        post.refresh_from_db()
        assert tries == len(gallery.RETRY_AFTER) + 1
        assert (len(web.calls), post.picture_problem) == (0, "Given up: no try came to an end.")


class TestFilesEnd:
    @pytest.fixture
    def kept(self, web, tiny, tiny_account, folder):
        for name in ("boat", "tree"):
            add_post(tiny_account, name)
            serve(web, f"/{name}_thumb.jpg")
        gallery.fetch_due(tiny, tiny_account)
        assert len(files(folder)) == 2

    def test_with_their_post(self, kept, folder, django_capture_on_commit_callbacks) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            TinyPost.objects.first().delete()
        assert len(files(folder)) == 1

    @pytest.mark.parametrize("end", ["account", "user", "all posts", "all accounts"])
    def test_with_whatever_their_posts_end_with(
        self, kept, folder, tiny_account, user, django_capture_on_commit_callbacks, end
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            if end == "account":
                tiny_account.delete()
            elif end == "user":
                user.delete()
            else:
                (TinyPost if end == "all posts" else TinyAccount).objects.all().delete()
        assert files(folder) == []

    def test_not_before_the_transaction_does(self, kept, folder, django_capture_on_commit_callbacks) -> None:
        with django_capture_on_commit_callbacks(execute=False):
            TinyPost.objects.all().delete()
            assert len(files(folder)) == 2

    def test_and_a_storage_that_fails_does_not_keep_the_post(
        self, kept, monkeypatch, django_capture_on_commit_callbacks
    ) -> None:
        def broken(*args):
            raise OSError("read-only")

        monkeypatch.setattr(default_storage, "delete", broken)
        with django_capture_on_commit_callbacks(execute=True):
            TinyPost.objects.all().delete()
        assert not TinyPost.objects.exists()

    def test_that_are_not_there_yet_when_their_post_goes(self, web, folder, tiny, tiny_account) -> None:
        add_post(tiny_account, "boat")

        def deleted_meanwhile(request):
            TinyPost.objects.all().delete()
            return 200, {"Content-Type": "image/jpeg"}, jpeg()

        web.add_callback("GET", f"{HOST}/boat_thumb.jpg", deleted_meanwhile)
        gallery.fetch_due(tiny, tiny_account)
        assert files(folder) == []

    def test_but_not_when_the_instance_no_longer_has_the_post(self, kept, tiny, tiny_account, folder) -> None:
        ingest.mark_missing(tiny, TinyPost.objects.first(), seen_at=timezone.now())
        gallery.fetch_due(tiny, tiny_account)
        assert len(files(folder)) == 2
        assert TinyPost.objects.exclude(picture="").count() == 2


class TestTheTask:
    def work(self) -> None:
        call_command("db_worker", batch=True, interval=0, startup_delay=False, verbosity=0, reload=False)

    def queued(self) -> int:
        return DBTaskResult.objects.filter(task_path__endswith="fetch_pictures", status="READY").count()

    def test_a_visit_leaves_one_behind_when_pictures_are_due(self, web, tiny, tiny_account) -> None:
        tiny.instance.add_post("101")
        serve(web, "/101.jpg")
        tasks.fetch_account.func("tiny", tiny_account.pk)
        tasks.fetch_account.func("tiny", tiny_account.pk)
        assert self.queued() == 1
        assert DBTaskResult.objects.get(task_path__endswith="fetch_pictures").priority < tasks.PRIORITY_HOURLY
        self.work()
        assert TinyPost.objects.get().picture
        tasks.fetch_account.func("tiny", tiny_account.pk)
        assert self.queued() == 0

    def test_what_is_left_goes_on_at_once(self, web, tiny, tiny_account, monkeypatch) -> None:
        monkeypatch.setattr(gallery.fetch_due, "__kwdefaults__", {"at_most": 2, "seconds": 60})
        for number in range(5):
            add_post(tiny_account, str(number))
            serve(web, f"/{number}_thumb.jpg")
        tasks.queue_pictures(tiny, tiny_account)
        self.work()
        assert TinyPost.objects.exclude(picture="").count() == 5
        assert DBTaskResult.objects.filter(status="SUCCESSFUL").count() == 3

    def test_two_accounts_have_a_task_each(self, tiny, tiny_account, user) -> None:
        other = TinyAccount.objects.create(user=user, instance_url=HOST, username="bea")
        for account in (tiny_account, other):
            add_post(account, "boat")
            tasks.queue_pictures(tiny, account)
            tasks.queue_pictures(tiny, account)
        assert self.queued() == 2

    def test_one_that_runs_is_enough(self, tiny, tiny_account) -> None:
        add_post(tiny_account, "boat")
        tasks.queue_pictures(tiny, tiny_account)
        DBTaskResult.objects.update(status="RUNNING", started_at=timezone.now())
        tasks.queue_pictures(tiny, tiny_account)
        assert self.queued() == 0

    def test_one_whose_worker_died_is_in_nobodys_way(self, tiny, tiny_account) -> None:
        add_post(tiny_account, "boat")
        tasks.queue_pictures(tiny, tiny_account)
        DBTaskResult.objects.update(status="RUNNING", started_at=timezone.now() - timedelta(minutes=9))
        tasks.queue_pictures(tiny, tiny_account)
        assert self.queued() == 1

    def test_an_account_that_is_gone_or_paused_is_left_alone(self, web, tiny, tiny_account) -> None:
        add_post(tiny_account, "boat")
        assert "skipped" in tasks.fetch_pictures.func("tiny", tiny_account.pk + 1)
        tiny.ask_to_reconnect(tiny_account, message="refused")
        assert "skipped" in tasks.fetch_pictures.func("tiny", tiny_account.pk)
        assert len(web.calls) == 0


def test_a_blocked_host_costs_no_try(tiny, tiny_account, settings) -> None:
    settings.FETCH_REQUEST_INTERVAL = 0.001
    post = add_post(tiny_account, "boat")
    HostState.objects.create(host="tiny.example", blocked_until_at=timezone.now() + timedelta(hours=1))
    with http.open_session() as session, pytest.raises(Blocked):
        gallery.fetch_picture(session, TinyPost.objects.get())
    post.refresh_from_db()
    assert post.picture_failures_count == 0


def test_fetching_takes_the_same_statements_however_many_posts_there_are(
    web, tiny, tiny_account, django_assert_num_queries
) -> None:
    for size in (3, 30):
        for number in range(size):
            name = f"{size}-{number}"
            add_post(tiny_account, name)
            serve(web, f"/{name}_thumb.jpg")
        # One to list them and one to see what is left, and for each its claim, its keeping and a look.
        with django_assert_num_queries(2 + 3 * size):
            gallery.fetch_due(tiny, tiny_account)
