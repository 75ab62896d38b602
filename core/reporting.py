"""Tells a Sentry server of faults of ours, where settings.SENTRY_DSN names one, and of nobody's data.

Local variables, bodies, cookies, headers and queries stay here: any of them may hold a token. Its library
sends what it has to say by itself, not through `core.http`.
"""

from typing import Any

import sentry_sdk
from django.conf import settings
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.integrations.threading import ThreadingIntegration

from core.outage import is_outage


def start(**options: Any) -> None:
    """Begin to report. `options` are those of `sentry_sdk.init`."""
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=f"postflow@{settings.VERSION}",
        environment=settings.SENTRY_ENVIRONMENT,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        auto_session_tracking=False,
        # The library's own choice would write a header of its own into our requests to instances.
        default_integrations=False,
        auto_enabling_integrations=False,
        trace_propagation_targets=[],
        integrations=[
            DjangoIntegration(middleware_spans=False, signals_spans=False, cache_spans=False),
            LoggingIntegration(),
            ExcepthookIntegration(),
            ThreadingIntegration(propagate_scope=False),
            DedupeIntegration(),
            AtexitIntegration(callback=lambda pending, timeout: None),
        ],
        before_send=without_data,
        **options,
    )


def without_data(event: Any, hint: dict[str, Any]) -> Any:
    """Return the event without what people or instances sent; None for an outage: `/readyz` tells of it."""
    if "exc_info" in hint and is_outage(hint["exc_info"][1]):
        return None
    request = event.get("request", {})
    kept = {"method": request.get("method"), "url": str(request.get("url", "")).partition("?")[0]}
    event["request"] = {name: value for name, value in kept.items() if value}
    for name in ("user", "extra", "breadcrumbs"):
        event.pop(name, None)
    return event
