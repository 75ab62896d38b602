"""Nothing private is ever connected, however it is written or looked up."""

import socket
from typing import Any

import pytest

from core import http
from core.tests.private_addresses import PRIVATE_LITERALS
from core.tests.servers import GOOD, get, serving
from core.tests.watching import resolve_to, watch_connections


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What a socket was asked to connect to; nothing really is."""
    return watch_connections(monkeypatch)


class TestAddressGuard:
    @pytest.mark.parametrize("scheme", ["http", "https"])
    @pytest.mark.parametrize("host", [*PRIVATE_LITERALS, "localhost"])
    def test_a_private_address_in_any_notation_is_never_connected(
        self, public_only: None, connected: list[Any], scheme: str, host: str
    ) -> None:
        with pytest.raises(http.HTTPError):
            get(f"{scheme}://{host}/api/v1/instance")
        assert connected == []

    @pytest.mark.parametrize("host", PRIVATE_LITERALS)
    def test_a_name_that_resolves_to_a_private_address_is_refused(
        self, public_only: None, connected: list[Any], monkeypatch: pytest.MonkeyPatch, host: str
    ) -> None:
        ip = socket.getaddrinfo(host.strip("[].").replace("%25", "%"), 0)[0][4][0]
        resolve_to(monkeypatch, [str(ip)])
        with pytest.raises(http.AddressRefused, match="private or reserved"):
            get("https://pixelfed.example/")
        assert connected == []

    def test_a_public_address_is_connected_as_looked_up(
        self, public_only: None, connected: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = resolve_to(monkeypatch, ["93.184.215.14"])
        with pytest.raises(http.Unreachable):
            get("https://pixelfed.example/")
        assert (connected, asked) == (["93.184.215.14"], ["pixelfed.example"])

    def test_a_name_that_changes_to_a_private_address_after_the_check_gains_nothing(
        self, public_only: None, connected: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        resolve_to(monkeypatch, ["93.184.215.14"], ["127.0.0.1"])
        for error in (http.Unreachable, http.AddressRefused, http.AddressRefused):
            with pytest.raises(error):
                get("https://rebind.example/")
        assert connected == ["93.184.215.14"]

    @pytest.mark.parametrize("answers", [["93.184.215.14", "10.0.0.1"], ["2606:2800::1", "::1"]])
    def test_of_several_addresses_no_private_one_is_connected(
        self, public_only: None, connected: list[Any], monkeypatch: pytest.MonkeyPatch, answers: list[str]
    ) -> None:
        resolve_to(monkeypatch, answers)
        with pytest.raises(http.Unreachable):
            get("https://two.example/")
        resolve_to(monkeypatch, answers[::-1])
        with pytest.raises(http.AddressRefused):
            get("https://two.example/")
        assert connected == answers[:1]

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "pixelfed.social",
            "//pixelfed.social/",
            "ftp://pixelfed.social/",
            "file:///etc/passwd",
            "gopher://127.0.0.1:6379/_x",
            "javascript:alert(1)",
            "data:text/plain,x",
            "http://",
            "https://[bad/",
            "https://pixelfed.social:99999/",
            "https://pixelfed.social:http/",
            f"https://{'a' * 64}.example/",
            "https://.example/",
            "https://user:pass@pixelfed.social/",
            "https://pixelfed.social@127.0.0.1/",
            "https://127.0.0.1\\@pixelfed.social/",
        ],
    )
    def test_other_schemes_and_malformed_addresses_are_refused(
        self, private_allowed: None, connected: list[Any], url: str
    ) -> None:
        with pytest.raises(http.AddressRefused) as caught:
            get(url)
        assert connected == []
        assert "pass" not in str(caught.value).replace("passwd", "")

    def test_the_setting_is_read_when_used(self, settings: Any) -> None:
        settings.ALLOW_PRIVATE_INSTANCES = True
        with serving(GOOD) as origin, http.open_session() as session:
            assert http.fetch(session, "GET", origin).status == 200
            settings.ALLOW_PRIVATE_INSTANCES = False
            with pytest.raises(http.AddressRefused):
                http.fetch(session, "GET", origin)

    def test_proxies_of_the_environment_are_ignored(
        self, private_allowed: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        with serving(GOOD) as origin:
            assert get(origin).body == b"{}"
