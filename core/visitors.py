"""Where a request comes from, as far as it can be trusted."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest

# One household or office has as many addresses of IPv6 as it likes, all in a network of this size.
IPV6_NETWORK = 64


def address(request: HttpRequest) -> str | None:
    """Return the IP address of the browser, of IPv6 the network's first one; None where it is not known.

    Each of the settings.TRUSTED_PROXY_COUNT proxies has added the address it was reached from to
    X-Forwarded-For. What stands before those anybody may have written.
    """
    near = request.META.get("REMOTE_ADDR", "")
    hops = [*request.headers.get("X-Forwarded-For", "").split(","), near]
    far = hops[max(0, len(hops) - 1 - settings.TRUSTED_PROXY_COUNT)]
    return _read(far) or _read(near)


def _read(text: str) -> str | None:
    try:
        found = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found.packed, IPV6_NETWORK), strict=False).network_address)
