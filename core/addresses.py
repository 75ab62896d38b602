"""Which addresses PostFlow talks to: what a person may type, and what a name may resolve to."""

import ipaddress
import re
from urllib.parse import urlsplit

import idna
from django.conf import settings
from requests_hardened.ip_filter import EXTRA_BLOCKED_NET_RANGES

_NOT_AN_ADDRESS = (
    "This is not the address of an instance. It looks like pixelfed.social or https://pixelfed.social."
)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])")
_PRIVATE_NAMES = re.compile(r"(?:.*\.)?(?:localhost|localdomain|local|internal|lan|home\.arpa)")
_LOOKS_NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")


class InstanceAddressError(ValueError):
    """What was typed is not the address of an instance; the text is a sentence for who typed it."""


def normalize_instance_url(text: str) -> str:
    """Return the typed address of an instance as an origin: " Pixelfed.Social/ " -> "https://pixelfed.social".

    Plain http, private addresses and names without a dot pass only with settings.ALLOW_PRIVATE_INSTANCES.
    Raises InstanceAddressError. What a name resolves to is checked later, when connecting.
    """
    text = text.strip()
    if not text:
        raise InstanceAddressError("Enter the address of your instance, for example pixelfed.social.")
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        port = parts.port
        host = _ascii_host(parts.hostname or "")
    except ValueError:
        raise InstanceAddressError(_NOT_AN_ADDRESS) from None
    if "@" in parts.netloc:
        raise InstanceAddressError(
            "Enter only the instance, without a user name: pixelfed.social, for example."
        )
    if port == 0 or parts.netloc.endswith(":") or not _HOST.fullmatch(host) or not text.isprintable():
        raise InstanceAddressError(_NOT_AN_ADDRESS)
    if parts.path not in ("", "/") or "?" in text or "#" in text:
        raise InstanceAddressError(
            "Enter only the instance, without anything behind it: pixelfed.social, for example."
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and settings.ALLOW_PRIVATE_INSTANCES):
        raise InstanceAddressError("The address has to begin with https://, so that nobody can read along.")
    if not settings.ALLOW_PRIVATE_INSTANCES and not _may_be_public(host):
        raise InstanceAddressError(
            "This address is inside a private network; PostFlow can only reach public instances."
        )
    default_port = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, default_port) else "")


def is_public_address(address: str) -> bool:
    """Say whether an IP address in plain notation is one of the open internet's. ValueError if it is none."""
    ip = ipaddress.ip_address(address)
    if ip.version == 6 and ip not in ipaddress.ip_network("2000::/3"):
        return False  # site-local, IPv4-compatible, IPv4-mapped, NAT64 and what may yet be assigned
    if any(ip in network for network in EXTRA_BLOCKED_NET_RANGES if network.version == ip.version):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _ascii_host(host: str) -> str:
    if ":" in host:
        return f"[{ipaddress.IPv6Address(host)}]"
    # Maps full-width digits and dots to plain ones too, so it comes before every other look at the name.
    return (host.lower() if host.isascii() else idna.encode(host, uts46=True).decode()).removesuffix(".")


def _may_be_public(host: str) -> bool:
    if host.startswith("[") or _LOOKS_NUMERIC.fullmatch(host):
        try:
            return is_public_address(host.strip("[]"))
        except ValueError:  # 127.1, 0x7f000001, 2130706433: no one writes a public address like that
            return False
    return "." in host and not _PRIVATE_NAMES.fullmatch(host)
