"""What a failure costs, and when a picture is given up."""

from datetime import timedelta

import pytest
import time_machine
from django.core.files.storage import default_storage
from django.utils import timezone

from analytics_core.engine import gallery
from analytics_core.models import HostState
from analytics_core.platforms import Blocked
from core import http
from tests.tiny.models import TinyPost

from .shelf import HOST, NOON, add_post, asked, files, jpeg, serve

pytestmark = pytest.mark.django_db


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


def test_a_blocked_host_costs_no_try(tiny, tiny_account, settings) -> None:
    settings.FETCH_REQUEST_INTERVAL = 0.001
    post = add_post(tiny_account, "boat")
    HostState.objects.create(host="tiny.example", blocked_until_at=timezone.now() + timedelta(hours=1))
    with http.open_session() as session, pytest.raises(Blocked):
        gallery.fetch_picture(session, TinyPost.objects.get())
    post.refresh_from_db()
    assert post.picture_failures_count == 0
