"""Requests say who asks, answers are limited as a whole, errors keep secrets."""

import gzip
import logging
import socket
import time
import traceback
import tracemalloc
from typing import Any
from unittest import mock

import pytest
import responses
from django.conf import settings as django_settings

from core import http
from core.tests.servers import GOOD, get, serving


class TestRequest:
    def test_it_says_who_asks_and_what_it_wants(self, private_allowed: None) -> None:
        seen: list[bytes] = []

        def peek(connection: socket.socket) -> None:
            connection.sendall(GOOD)
            seen.append(connection.recv(65536))
            connection.sendall(GOOD)

        with serving(peek) as origin, http.open_session() as session:
            http.fetch(session, "GET", origin)
            http.fetch(
                session, "GET", f"{origin}/x", params={"limit": 40}, headers={"Authorization": "Bearer t"}
            )
        head = seen[0].decode()
        assert head.startswith("GET /x?limit=40 HTTP/1.1\r\n")
        assert "\r\nAccept: application/json\r\n" in head
        agent = f"PostFlow/{django_settings.VERSION} (+{django_settings.FETCH_CONTACT})"
        assert f"\r\nUser-Agent: {agent}\r\n" in head
        assert "\r\nAuthorization: Bearer t\r\n" in head

    def test_the_connection_is_kept_for_the_next_request(self, private_allowed: None) -> None:
        def answer_three(connection: socket.socket) -> None:
            for _ in range(3):
                connection.sendall(GOOD)
                connection.recv(65536)

        with serving(answer_three) as origin, http.open_session() as session:
            for _ in range(3):
                http.fetch(session, "GET", origin)
            pools = session.get_adapter(origin).poolmanager.pools  # type: ignore[attr-defined]
            assert [pools[key].num_connections for key in pools.keys()] == [1]  # noqa: SIM118

    def test_cookies_are_not_kept(self, private_allowed: None) -> None:
        with (
            serving(GOOD.replace(b"OK\r\n", b"OK\r\nSet-Cookie: a=b\r\n")) as origin,
            http.open_session() as session,
        ):
            http.fetch(session, "GET", origin)
            assert len(session.cookies) == 0

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_an_answer_and_not_followed(self, private_allowed: None, status: int) -> None:
        with serving(GOOD) as elsewhere:
            head = f"HTTP/1.1 {status} Found\r\nLocation: {elsewhere}/login\r\nContent-Length: 0\r\n\r\n"
            with serving(head.encode()) as origin:
                answer = get(origin)
        assert (answer.status, answer.headers["location"]) == (status, f"{elsewhere}/login")

    @responses.activate
    def test_responses_can_stand_in_without_a_look_up(
        self, public_only: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(socket, "getaddrinfo", mock.Mock(side_effect=AssertionError("looked up")))
        responses.add(
            "GET", "https://pixelfed.example/api", json={"ok": 1}, headers={"Link": '<x>; rel="next"'}
        )
        answer = get("https://pixelfed.example/api")
        assert (answer.status, answer.body, answer.headers["link"]) == (200, b'{"ok": 1}', '<x>; rel="next"')


def chunked(body: bytes) -> bytes:
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"


class TestAnswer:
    @pytest.mark.parametrize("status", ["200 OK", "302 Found\r\nLocation: /login", "500 Oops"])
    def test_a_body_over_the_cap_is_given_up(self, private_allowed: None, status: str) -> None:
        sent = []

        def endless(connection: socket.socket) -> None:
            connection.sendall(f"HTTP/1.1 {status}\r\n\r\n".encode())
            while True:
                sent.append(connection.send(b"x" * 65536))

        with serving(endless) as origin, pytest.raises(http.BodyTooLarge):
            get(origin, max_bytes=100_000)
        assert sum(sent) < 20_000_000

    def test_a_body_of_exactly_the_cap_is_read(self, private_allowed: None) -> None:
        with serving(GOOD) as origin:
            assert get(origin, max_bytes=2).body == b"{}"

    @pytest.mark.parametrize("layers", [1, 2])
    def test_a_compressed_bomb_is_counted_unpacked(self, private_allowed: None, layers: int) -> None:
        bomb = bytes(200_000_000)
        for _ in range(layers):
            bomb = gzip.compress(bomb, compresslevel=9)
        encodings = ", ".join(["gzip"] * layers)
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encodings}\r\nContent-Length: {len(bomb)}\r\n\r\n"
        with serving(head.encode() + bomb) as origin:
            del bomb
            tracemalloc.start()
            with pytest.raises(http.BodyTooLarge):
                get(origin, max_bytes=1_000_000)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < 8_000_000

    def test_an_ordinary_compressed_body_is_unpacked(self, private_allowed: None) -> None:
        body = gzip.compress(b'{"a": 1}')
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
        with serving(head.encode() + body) as origin:
            assert get(origin).body == b'{"a": 1}'

    @pytest.mark.parametrize(
        ("begin", "drop"),
        [
            (b"", b"H"),
            (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b"a"),
            (b"HTTP/1.1 200 OK\r\n\r\n", b"a"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunked(b"a")),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=", b"a"),
            (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
            (b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 5000\r\n\r\n", b"a"),
        ],
    )
    def test_a_server_that_drips_is_left_after_the_limit_for_the_whole_answer(
        self, private_allowed: None, settings: Any, begin: bytes, drop: bytes
    ) -> None:
        settings.FETCH_TIMEOUT = 0.4

        def drip(connection: socket.socket) -> None:
            connection.sendall(begin)
            while True:
                connection.sendall(drop)
                time.sleep(0.05)

        started = time.monotonic()
        with serving(drip) as origin, pytest.raises(http.Unreachable, match="in time"):
            get(origin)
        assert time.monotonic() - started < 1.5

    @pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"])
    def test_a_server_that_hangs_is_left(self, private_allowed: None, begin: bytes) -> None:
        def hang(connection: socket.socket) -> None:
            connection.sendall(begin)
            connection.recv(1)

        started = time.monotonic()
        with serving(hang) as origin, pytest.raises(http.Unreachable, match="in time"):
            get(origin, timeout_seconds=0.3)
        assert time.monotonic() - started < 1.5

    def test_the_limit_counts_anew_for_the_next_request_on_a_kept_connection(
        self, private_allowed: None
    ) -> None:
        def slow(connection: socket.socket) -> None:
            for _ in range(3):
                time.sleep(0.3)
                connection.sendall(GOOD)
                connection.recv(65536)

        with serving(slow) as origin, http.open_session() as session:
            for _ in range(3):
                assert http.fetch(session, "GET", origin, timeout_seconds=0.7).status == 200

    @pytest.mark.parametrize(
        "cut",
        [
            b"",
            b"HTTP/1.1 20",
            b"not http at all\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
            b"HTTP/1.1 200 OK\r\n" + b"X-Many: 1\r\n" * 500 + b"\r\n",
            b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 100_000 + b"\r\n\r\n",
        ],
    )
    def test_a_cut_or_broken_answer_is_no_answer(self, private_allowed: None, cut: bytes) -> None:
        with serving(cut) as origin, pytest.raises(http.Unreachable):
            get(origin, timeout_seconds=5)

    def test_a_server_that_is_not_there_is_unreachable(self, private_allowed: None) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with pytest.raises(http.Unreachable):
            get(f"http://127.0.0.1:{port}/")

    def test_a_name_that_does_not_exist_is_unreachable(self, public_only: None) -> None:
        with pytest.raises(http.Unreachable):
            get("https://nowhere.invalid/")


class TestSecrets:
    @pytest.mark.parametrize("answer", [None, b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", GOOD])
    def test_no_error_and_no_log_line_holds_a_token_or_a_query(
        self, private_allowed: None, caplog: pytest.LogCaptureFixture, answer: bytes | None
    ) -> None:
        caplog.set_level(logging.INFO)
        secret = "-".join(["not", "for", "you"])
        with serving(answer or b"") as origin, pytest.raises(http.HTTPError) as caught:
            get(
                f"{origin if answer is not None else 'http://127.0.0.1:1'}/api?cursor={secret}",
                params={"max_id": secret},
                headers={"Authorization": f"Bearer {secret}"},
                data={"code": secret},
                max_bytes=1,
            )
        assert secret not in "".join(traceback.format_exception(caught.value)) + caplog.text

    @pytest.mark.parametrize("token", ["hidden\nX: y", "hidden\u20ac", "hidden\r"])
    def test_a_token_that_is_no_header_value_stays_unsaid(self, private_allowed: None, token: str) -> None:
        with serving(GOOD) as origin, pytest.raises(http.HTTPError) as caught:
            get(origin, headers={"Authorization": f"Bearer {token}"})
        assert "hidden" not in str(caught.value)

    @responses.activate
    def test_an_answer_shows_neither_address_nor_body_when_printed(self) -> None:
        responses.add("GET", "https://pixelfed.example/api", body="hidden", headers={"X-A": "hidden"})
        assert repr(get("https://pixelfed.example/api?code=hidden")) == "Answer(status=200)"
