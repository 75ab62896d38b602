"""Pictures on the web, posts that name them, and the files that we keep."""

import io
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

from analytics_core.tests.builders import build_post

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
HOST = "https://tiny.example"


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
