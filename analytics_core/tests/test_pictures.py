"""Pictures on pages: whose they are, how long browsers keep them, what stands where there is none."""

import re

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.template.loader import render_to_string
from django.urls import reverse

from analytics_core.pages import pictures
from analytics_core.tests.builders import build_post
from postflow.models import CustomUser

pytestmark = pytest.mark.django_db

BLURHASH = "U4Rfzst8?bt7ogayj[j[~pfQ9Goe%Mj[WBay"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


def with_picture(post, name: str = "thumbnails/tiny/1/0123456789abcdef.webp", content: bytes = b"a picture"):
    post.picture = default_storage.save(name, ContentFile(content))
    post.picture_width, post.picture_height = 640, 427
    post.save()
    return post


@pytest.fixture
def post(tiny, tiny_account):
    return with_picture(build_post("tiny", tiny_account))


@pytest.fixture
def own_browser(client, user):
    client.force_login(user)
    return client


class TestTheAddress:
    def test_gives_the_owner_the_picture_to_keep(self, own_browser, post) -> None:
        response = own_browser.get(pictures.address(post))
        assert response.content == b"a picture"
        assert response["Content-Type"] == "image/webp"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert sorted(response["Cache-Control"].split(", ")) == ["immutable", "max-age=31536000", "private"]

    def test_is_nobody_elses(self, client, post, tiny) -> None:
        address = pictures.address(post)
        assert client.get(address).status_code == 302
        client.force_login(CustomUser.objects.create_user(email="bea@example.org", password="x"))
        assert client.get(address).status_code == 404
        client.force_login(CustomUser.objects.create_superuser(email="operator@example.org", password="x"))
        assert client.get(address).status_code == 404

    def test_changes_with_the_picture(self, own_browser, post) -> None:
        before = pictures.address(post)
        after = pictures.address(with_picture(post, "thumbnails/tiny/1/fedcba9876543210.webp", b"another"))
        assert before != after
        # What stood on a page a moment ago still shows, and is not kept.
        response = own_browser.get(before)
        assert response.content == b"another"
        assert response["Cache-Control"] == "private, no-cache"

    @pytest.mark.parametrize("path", ["/tiny/999999/", "/nowhere/1/", "/pixelfed/1/"])
    def test_of_anything_else_is_not_found(self, own_browser, post, path) -> None:
        assert own_browser.get(f"/analytics/picture{path}").status_code == 404

    def test_of_a_post_without_a_picture_is_not_found(self, own_browser, tiny, tiny_account) -> None:
        post = build_post("tiny", tiny_account)
        assert pictures.address(post) == ""
        address = reverse("analytics_core:picture", args=["tiny", post.pk])
        assert own_browser.get(address).status_code == 404

    def test_of_a_lost_file_is_not_found(self, own_browser, post) -> None:
        default_storage.delete(post.picture)
        assert own_browser.get(pictures.address(post)).status_code == 404

    def test_sends_nothing_to_a_browser_that_has_it(self, own_browser, post) -> None:
        first = own_browser.get(pictures.address(post))
        again = own_browser.get(pictures.address(post), headers={"If-None-Match": first["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert "immutable" in again["Cache-Control"]
        changed = own_browser.get(pictures.address(post), headers={"If-None-Match": '"other"'})
        assert changed.status_code == 200

    def test_is_to_be_read_only(self, own_browser, post) -> None:
        assert own_browser.post(pictures.address(post)).status_code == 405
        assert own_browser.head(pictures.address(post)).status_code == 200

    def test_stays_when_the_instance_no_longer_has_the_post(self, own_browser, post) -> None:
        post.missing_since_at = post.posted_at
        post.save()
        assert own_browser.get(pictures.address(post)).status_code == 200

    def test_costs_session_user_and_post(self, own_browser, post, django_assert_num_queries) -> None:
        with django_assert_num_queries(3):
            own_browser.get(pictures.address(post))


class TestThePhoto:
    def html(self, post, **context) -> str:
        return render_to_string("analytics_core/parts/photo.html", {"post": post, **context}).strip()

    def test_stands_in_its_own_ratio_and_loads_when_it_is_seen(self, post) -> None:
        post.alt_text = 'Boats "in" <fog>'
        html = self.html(post)
        assert html == (
            f'<img class="photo" src="{pictures.address(post)}" alt="Boats &quot;in&quot; &lt;fog&gt;"'
            ' width="640" height="427" loading="lazy" decoding="async">'
        )

    def test_can_be_told_to_load_at_once(self, post) -> None:
        html = self.html(post, eager=True)
        assert 'fetchpriority="high"' in html
        assert "lazy" not in html

    def test_never_names_an_instance(self, tiny, tiny_account, post) -> None:
        assert "tiny.example" not in self.html(post) + self.html(build_post("tiny", tiny_account))

    @pytest.mark.parametrize(
        ("values", "size"),
        [
            ({}, (640, 427)),
            ({"media_width": 3000, "media_height": 4000}, (480, 640)),
            ({"media_width": 200, "media_height": 100}, (200, 100)),
            ({"media_width": 1, "media_height": 9000}, (1, 640)),
            ({"media_width": None, "media_height": None}, (640, 427)),
        ],
    )
    def test_while_there_is_none_a_quiet_tone_stands_in_its_ratio(
        self, tiny, tiny_account, values, size
    ) -> None:
        html = self.html(build_post("tiny", tiny_account, blurhash=BLURHASH, alt_text="Boats", **values))
        width, height = size
        assert html.startswith("<svg")
        assert f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"' in html
        assert 'fill="#eff4f7"' in html
        assert 'role="img"' in html
        assert "<title>Boats – the picture is on its way</title>" in html
        assert "style=" not in html

    @pytest.mark.parametrize("blurhash", ["", "U4", "U4Rfz", 'U4"><s', "U4é~~~x", "00~~~~", "{{{{{{"])
    def test_without_a_tone_it_is_grey(self, tiny, tiny_account, blurhash) -> None:
        html = self.html(build_post("tiny", tiny_account, blurhash=blurhash))
        assert re.search(r'fill="(.*?)"', html).group(1) == "currentColor"

    def test_says_why_there_is_none(self, tiny, tiny_account) -> None:
        failed = build_post("tiny", tiny_account, picture_problem="tiny.example answered with status 404.")
        assert "<title>The picture could not be fetched yet</title>" in self.html(failed)
        failed.picture_due_at = None
        assert "<title>The picture could not be fetched</title>" in self.html(failed)
        silent = build_post("tiny", tiny_account, media_type="video", thumbnail_url="")
        assert "<title>No picture to show</title>" in self.html(silent)

    @pytest.mark.parametrize("count", [2, 20])
    def test_costs_no_query(self, tiny, tiny_account, count, django_assert_num_queries) -> None:
        posts = [with_picture(build_post("tiny", tiny_account)) for _ in range(count)]
        with django_assert_num_queries(0):
            for shown in posts:
                self.html(shown)


def test_an_average_colour_is_that_of_the_hash() -> None:
    class Hashed:
        blurhash = "L" + "0" + "0000" + "x" * 20

    assert pictures.tone(Hashed()) == "#000000"
    Hashed.blurhash = "L0TSUA" + "x" * 20
    assert pictures.tone(Hashed()) == "#ffffff"
