"""Where to send somebody next, never to another site."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def is_ours(request: HttpRequest, address: str) -> bool:
    """Tell whether an address, which anybody may have written, is one of this site."""
    return url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())


def asked_for(request: HttpRequest) -> str:
    """Return the page of ours that `next` asks for; "" where it asks for none."""
    address = request.POST.get("next", request.GET.get("next", ""))
    return address if is_ours(request, address) else ""
