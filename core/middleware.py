"""What comes before everything else: the request's id and its time; answers for monitors."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import resolve

from core import logs, metrics

type Answer = Callable[[HttpRequest], HttpResponse]

MONITORED = frozenset({"/healthz", "/readyz", "/metrics"})


class RequestMiddleware:
    """Gives the request an id, that of the proxy if it sent one, and notes how long the answer took."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began_at = time.perf_counter()
        request_id = logs.sound_id(request.headers.get("X-Request-ID", ""))
        logs.begin_request(request_id)
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        metrics.note_page(request, response, seconds=time.perf_counter() - began_at)
        return response


class MonitoringMiddleware:
    """Answers monitors before the host, HTTPS or a session are asked for.

    They come by the machine's own address, over plain HTTP, and when the database is away.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info not in MONITORED:
            return self.get_response(request)
        request.resolver_match = match = resolve(request.path_info)
        return match.func(request)
