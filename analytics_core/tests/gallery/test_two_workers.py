"""Two workers never ask for the same picture, and a task leaves the rest to the next."""

from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from analytics_core import tasks
from analytics_core.engine import gallery
from tests.tiny.models import TinyAccount, TinyPost

from .shelf import HOST, NOON, add_post, asked, files, jpeg, serve

pytestmark = pytest.mark.django_db


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
