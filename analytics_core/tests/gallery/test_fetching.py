"""Which pictures are fetched, and when an address is another one."""

import re

import pytest
import time_machine
from PIL import Image

from analytics_core import ingest
from analytics_core.engine import gallery
from analytics_core.models import HostState
from analytics_core.platforms import PostRecord
from tests.tiny.models import TinyAccount, TinyPost

from .shelf import HOST, NOON, add_post, asked, files, jpeg, serve

pytestmark = pytest.mark.django_db


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
