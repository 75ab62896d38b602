"""A whole page, or the one part of it that HTMX asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django_htmx.middleware import HtmxDetails


def wanted_part(request: HttpRequest, parts: Sequence[str]) -> str:
    """Return which of these parts HTMX asks for; "" for the whole page."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    target = htmx.target if htmx and not htmx.history_restore_request else None
    return target if target and target in parts else ""


def page_or_part(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    parts_template: str,
    part: str,
    query: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Render `template`, or the partial `part` of `parts_template` where there is one to render.

    Args:
        query: what the address bar carries beside the path once the part is shown, so that no form's empty
            fields stand there; None: the address that was asked for, or none.
    """
    name = f"{parts_template}#{part}" if part else template
    response = render(request, name, {**context, "part": part})
    if part and query is not None:
        response["HX-Push-Url"] = f"{request.path}?{urlencode(query)}" if query else request.path
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response
