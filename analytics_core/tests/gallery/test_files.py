"""Which files are there in the end."""

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from analytics_core import ingest
from analytics_core.engine import gallery
from tests.tiny.models import TinyAccount, TinyPost

from .shelf import HOST, add_post, files, jpeg, serve

pytestmark = pytest.mark.django_db


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
