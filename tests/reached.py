"""What of a request reaches Django, as JSON; tests serve it with gunicorn, behind each proxy."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from django.core.handlers.wsgi import WSGIRequest

from core import visitors


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Say how PostFlow would see this request."""
    request = WSGIRequest(environ)
    seen = {
        "is_secure": request.is_secure(),
        "host": request.get_host(),
        "address": visitors.address(request),
        "prefix": environ["SCRIPT_NAME"],
        "id": request.headers.get("X-Request-ID", ""),
        "body": len(request.body),
    }
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(seen).encode()]
