"""Pictures in a bucket: kept, signed, deleted, over a real socket with the real libraries."""

import copy
import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from django.core.files.storage import default_storage
from PIL import Image

from analytics_core.engine import gallery
from analytics_core.pages import pictures
from analytics_core.tests.builders import build_post
from core import checks
from core import settings as settings_module
from core.tests.test_settings import setting
from tests.tiny.models import TinyPost

ENDPOINT = "https://s3.example.org"


class Bucket(ThreadingHTTPServer):
    """As much of an S3 store as keeping, reading and deleting objects takes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, tuple[bytes, str]] = {}
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Bucket
    protocol_version = "HTTP/1.1"

    def answer(self, status: int, body: bytes = b"", content_type: str = "application/xml") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"1"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def key(self) -> str:
        return urlsplit(self.path).path

    def is_signed(self) -> bool:
        signature = parse_qs(urlsplit(self.path).query).get("X-Amz-Signature")
        return bool(signature) or "Signature=" in self.headers.get("Authorization", "")

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "aws-chunked" in self.headers.get("Content-Encoding", ""):
            length, _, rest = body.partition(b"\r\n")
            body = rest[: int(length.partition(b";")[0], 16)]
        self.server.objects[self.key()] = body, self.headers["Content-Type"]
        self.answer(200 if self.is_signed() else 403)

    def do_GET(self) -> None:
        if not self.is_signed():
            self.answer(403)
        elif self.key() in self.server.objects:
            self.answer(200, *self.server.objects[self.key()])
        else:
            self.answer(404)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.server.objects.pop(self.key(), None)
        self.answer(204)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def bucket(settings) -> Iterator[Bucket]:
    with Bucket() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        storage = copy.deepcopy(settings_module.S3_STORAGE)
        storage["OPTIONS"] |= {
            "bucket_name": "photos",
            "endpoint_url": server.url,
            "access_key": "name",
            "secret_key": "key",
        }
        settings.STORAGES = {**settings.STORAGES, "default": storage}
        yield server
        default_storage.connection.meta.client.close()
        server.shutdown()


@pytest.mark.django_db
def test_a_picture_goes_to_the_bucket_and_its_owner_is_sent_there(bucket, tiny, tiny_account, client, user):
    post = build_post("tiny", tiny_account)
    jpeg = io.BytesIO()
    Image.new("RGB", (900, 600), "red").save(jpeg, "JPEG")
    with responses.RequestsMock() as web:
        web.get(post.media_url, body=jpeg.getvalue(), content_type="image/jpeg")
        assert gallery.fetch_due(tiny, tiny_account)["fetched"] == 1
    post.refresh_from_db()
    [(key, (content, content_type))] = bucket.objects.items()
    assert (key, content_type) == (f"/photos/{post.picture}", "image/webp")
    assert Image.open(io.BytesIO(content)).size == (640, 427)

    client.force_login(user)
    response = client.get(pictures.address(post))
    assert response.status_code == 302
    assert response["Cache-Control"] == "private, max-age=1800"
    assert response["Location"].startswith(f"{bucket.url}{key}?")
    query = parse_qs(urlsplit(response["Location"]).query)
    assert query["X-Amz-Expires"] == ["3600"]
    assert query["X-Amz-Signature"]
    client.logout()
    assert bucket.url not in client.get(pictures.address(post))["Location"]


@pytest.mark.django_db
def test_the_object_goes_with_its_post(
    bucket, tiny, tiny_account, django_capture_on_commit_callbacks
) -> None:
    build_post(
        "tiny", tiny_account, picture=default_storage.save("thumbnails/a.webp", io.BytesIO(b"picture"))
    )
    assert len(bucket.objects) == 1
    with django_capture_on_commit_callbacks(execute=True):
        TinyPost.objects.all().delete()
    assert bucket.objects == {}


class TestSettings:
    def test_with_a_bucket_browsers_may_load_pictures_from_there_and_nowhere_else(self) -> None:
        bucket = {"DEBUG": "1", "S3_BUCKET": "photos", "S3_ENDPOINT_URL": ENDPOINT}
        assert setting("SECURE_CSP['img-src'][2:]", **bucket) == f"['{ENDPOINT}']"
        assert ENDPOINT not in setting("SECURE_CSP", DEBUG="1", S3_ENDPOINT_URL=ENDPOINT)

    @pytest.mark.parametrize(
        "endpoint", ["", "s3.example.org", f"{ENDPOINT}/photos", f"{ENDPOINT}; default-src"]
    )
    def test_a_bucket_needs_an_address_that_is_one(self, settings, endpoint) -> None:
        settings.S3_BUCKET, settings.S3_ENDPOINT_URL = "photos", endpoint
        [error] = checks.check_other_settings(None)
        assert error.msg.startswith("S3_BUCKET needs S3_ENDPOINT_URL")
        settings.S3_ENDPOINT_URL = ENDPOINT
        assert checks.check_other_settings(None) == []

    def test_a_bucket_without_its_library_is_noticed_at_the_start(self, settings, monkeypatch) -> None:
        settings.S3_BUCKET = "photos"
        assert checks.check_picture_storage(None) == []
        monkeypatch.setattr(checks, "find_spec", lambda name: None)
        [error] = checks.check_picture_storage(None)
        assert "django-storages is not installed" in error.msg
        settings.S3_BUCKET = ""
        assert checks.check_picture_storage(None) == []
