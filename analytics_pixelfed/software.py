"""Which software an instance runs: its own word (nodeinfo), for accounts where nobody has asked yet."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import Any
from urllib.parse import urljoin

from analytics_core.engine import hosts
from analytics_core.platforms import PlatformError
from analytics_core.text import plain_text
from core import http
from pixelfed.models import MastodonAccount

logger = logging.getLogger(__name__)

# Instances that do not answer are asked again at the next hour: only so many of them at a time.
ASKED_AT_ONCE = 20
# Real servers name one or two documents; every one is a request.
MAX_LINKS = 5


def ask_software(instance_url: str, *, timeout_seconds: float | None = None) -> str:
    """Return the name of the instance's software in lower case, "" if it does not tell.

    GET /.well-known/nodeinfo and the document it names; else "Pixelfed" in the version of
    GET /api/v1/instance (api-facts 1.1). All three are public; no token is sent.

    Raises:
        core.http.HTTPError: the instance did not answer.
    """
    with http.open_session() as session:

        def get(url: str) -> dict[str, Any]:
            return _get(session, url, timeout_seconds)

        links = get(urljoin(instance_url, "/.well-known/nodeinfo")).get("links")
        for link in links[:MAX_LINKS] if isinstance(links, list) else []:
            href = link.get("href") if isinstance(link, dict) else None
            if isinstance(href, str) and href.startswith(("https://", "http://")):
                software = get(href).get("software")
                name = software.get("name") if isinstance(software, dict) else None
                if plain_text(name):
                    return plain_text(name, max_length=50).lower()
        version = plain_text(get(urljoin(instance_url, "/api/v1/instance")).get("version"))
        return "pixelfed" if "pixelfed" in version.lower() else ""


def identify(accounts: Iterable[MastodonAccount]) -> None:
    """Ask the instances of these accounts what they run, and keep the answers; some answer later."""
    for account in accounts:
        turn = hosts.Turn()
        try:
            turn.wait(account.host)
            account.software = ask_software(account.instance_url)
        except (http.HTTPError, PlatformError) as error:
            logger.info("%s: its software is not known yet: %s", account, error)
            continue
        finally:
            turn.end(account.host)
        account.save(update_fields=["software"])


def _get(session: http.Session, url: str, timeout_seconds: float | None) -> dict[str, Any]:
    answer = http.fetch(session, "GET", url, timeout_seconds=timeout_seconds)
    try:
        data = json.loads(answer.body) if answer.status == 200 else None
    except (ValueError, RecursionError):
        data = None
    return data if isinstance(data, dict) else {}
