"""What a Sentry server is told of a fault of ours, and what it is never told."""

import http.client
import logging

import psycopg
import pytest
import sentry_sdk
from django.core.handlers.wsgi import WSGIHandler
from django.db import OperationalError
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from sentry_sdk.transport import Transport

from core import reporting

SECRET = "token-of-ana"


class Kept(Transport):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.envelopes: list[sentry_sdk.envelope.Envelope] = []

    def capture_envelope(self, envelope) -> None:
        self.envelopes.append(envelope)

    @property
    def text(self) -> str:
        return b"\n".join(envelope.serialize() for envelope in self.envelopes).decode()


@csrf_exempt
def breaks(request) -> HttpResponse:
    access_token = SECRET
    held = {"authorization": f"Bearer {access_token}", "body": request.body}
    raise RuntimeError(f"It broke with {len(held)} things")


def has_no_database(request) -> HttpResponse:
    raise OperationalError("away") from psycopg.OperationalError("away")


urlpatterns = [path("breaks/", breaks), path("away/", has_no_database)]


@pytest.fixture
def sent(settings):
    settings.SENTRY_DSN = "https://key@sentry.example/1"
    settings.ROOT_URLCONF = __name__
    transport = Kept()
    reporting.start(transport=transport)
    yield transport
    sentry_sdk.get_global_scope().set_client(None)


@pytest.mark.django_db
def test_a_fault_is_told_without_what_anybody_sent(sent) -> None:
    headers = {"Authorization": SECRET, "Referer": f"https://a.example/?state={SECRET}", "Cookie": SECRET}
    environ = RequestFactory().post(f"/breaks/?code={SECRET}", {"password": SECRET}, headers=headers).environ
    statuses = []
    # As a server calls it: the library looks on there.
    list(WSGIHandler()(environ, lambda status, headers: statuses.append(status)))
    assert statuses == ["500 Internal Server Error"]
    assert [item.type for envelope in sent.envelopes for item in envelope.items] == ["event"]
    event = sent.envelopes[0].get_event()
    [fault] = event["exception"]["values"]
    assert (fault["type"], fault["value"]) == ("RuntimeError", "It broke with 2 things")
    assert fault["stacktrace"]["frames"][-1]["function"] == "breaks"
    assert not any("vars" in frame for frame in fault["stacktrace"]["frames"])
    assert event["request"] == {"method": "POST", "url": "http://testserver/breaks/"}
    assert event["release"].startswith("postflow@")
    assert event["environment"] == "production"
    assert SECRET not in sent.text


def test_a_fault_of_a_worker_is_told_too(sent) -> None:
    token = SECRET
    try:
        raise ValueError(str(len(token)))
    except ValueError:
        logging.getLogger("core.example").exception("Task failed")
    assert sent.envelopes[0].get_event()["exception"]["values"][0]["type"] == "ValueError"
    assert SECRET not in sent.text


def test_an_outage_is_not_reported_page_by_page(client, sent) -> None:
    client.raise_request_exception = False
    client.get("/away/")
    assert sent.envelopes == []


def test_our_requests_to_instances_stay_as_they_are(sent) -> None:
    assert "sentry" not in http.client.HTTPConnection.putrequest.__module__
    assert http.client.HTTPConnection.putrequest.__qualname__ == "HTTPConnection.putrequest"
