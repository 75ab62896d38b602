"""What browsers send: each proxy of `deploy/` lets nothing forged or huge through, and logs no secret.

Without a proxy here, the same is asked of gunicorn, in the headers that a proxy would have made.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from core.http import is_listening
from tests.servers import ROOT, free_port

HOST = "photos.example.org"
# Another address of this machine than the proxies' own.
VISITOR = "127.0.0.5"
FORGED = [
    {},
    {"X-Forwarded-Proto": "http"},
    {"X-Forwarded-For": "6.6.6.6"},
    {"X-Forwarded-Host": "evil.example", "X-Forwarded-Port": "6666"},
    {"X-Real-IP": "6.6.6.6", "Forwarded": "for=6.6.6.6;proto=http;host=evil.example"},
    {"X-Forwarded-Ssl": "off", "X-Forwarded-Protocol": "http"},
    {"X_Forwarded_For": "6.6.6.6", "X_Forwarded_Proto": "http"},
    {"SCRIPT_NAME": "/reached", "PATH_INFO": "/metrics"},
    {"Connection": "X-Forwarded-Proto, X-Forwarded-For"},
]
LARGEST = 2 * 1024 * 1024


@contextmanager
def served(command: list[object], port: int, log: Path, **variables: str) -> Iterator[None]:
    """Run a server until the block ends."""
    words = [str(word) for word in command]
    with log.open("w") as output:
        process = subprocess.Popen(words, cwd=ROOT, env=os.environ | variables, stdout=output, stderr=output)
    try:
        ends_at = time.monotonic() + 30
        while not is_listening(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < ends_at, log.read_text()
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def gunicorn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of gunicorn as it is set up for one proxy."""
    port, log = free_port(), tmp_path_factory.mktemp("gunicorn") / "log"
    command = [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py"]
    with served(
        [*command, "--bind", f"127.0.0.1:{port}", "tests.reached"],
        port,
        log,
        DJANGO_SETTINGS_MODULE="core.settings",
        PYTHONDONTWRITEBYTECODE="1",
        SECRET_KEY="x",
        DEBUG="0",
        ALLOWED_HOSTS=HOST,
        TRUST_X_FORWARDED_PROTO="1",
        TRUSTED_PROXY_COUNT="1",
    ):
        yield port


def program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    return found or pytest.skip(f"no {name} here")


def make_certificate(folder: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={HOST}"]
    files = ["-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"]
    subprocess.run([*command, *files], check=True, capture_output=True, timeout=60)


@contextmanager
def nginx(folder: Path, upstream: int) -> Iterator[int]:
    """Run nginx with our file, its paths and ports made those of this test. Yields its port."""
    executable, port = program("nginx"), free_port()
    make_certificate(folder)
    site = (ROOT / "deploy/nginx.conf").read_text().replace("127.0.0.1:8000", f"127.0.0.1:{upstream}")
    for path in ("/etc/letsencrypt/live/photos.example.org/", "/var/log/nginx/"):
        site = site.replace(path, f"{folder}/")
    for was, now in (("80", free_port()), ("443", port)):
        site = site.replace(f"listen {was}", f"listen 127.0.0.1:{now}")
    (folder / "site.conf").write_text(site)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    # Started by root it would be somebody who cannot write here.
    user = "user root;" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; pid {folder}/pid; error_log stderr; events {{}}"
        f"http {{ {paths} include {folder}/site.conf; }}"
    )
    with served([executable, "-e", "stderr", "-c", folder / "nginx.conf"], port, folder / "log"):
        yield port


@contextmanager
def caddy(folder: Path, upstream: int) -> Iterator[int]:
    """Run Caddy with our file, and a certificate that it need not get first. Yields its port."""
    executable, port = program("caddy"), free_port()
    make_certificate(folder)
    site = (ROOT / "deploy/Caddyfile").read_text().replace("127.0.0.1:8000", f"127.0.0.1:{upstream}")
    site = site.replace(f"{HOST} {{", f"{HOST} {{\ntls {folder}/fullchain.pem {folder}/privkey.pem")
    options = f"admin off\nhttp_port {free_port()}\nhttps_port {port}\ndefault_bind 127.0.0.1"
    # Its first block is that of all options.
    (folder / "Caddyfile").write_text(site.replace("\n{\n", f"\n{{\n{options}\n", 1))
    command = [executable, "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"]
    homes = dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(folder))
    with served(command, port, folder / "log", **homes):
        yield port


PROXIES = {"nginx": nginx, "caddy": caddy}


@pytest.fixture(scope="module", params=PROXIES)
def proxy(request: pytest.FixtureRequest, gunicorn: int, tmp_path_factory: pytest.TempPathFactory):
    """The port of each proxy before gunicorn."""
    with PROXIES[request.param](tmp_path_factory.mktemp(request.param), gunicorn) as port:
        yield port


def ask(
    port: int,
    headers: dict[str, str],
    *,
    path: str = "/reached",
    host: str = HOST,
    body: bytes = b"",
    is_proxy: bool = False,
) -> tuple[int, dict]:
    """Post something as a visitor, or as a proxy on this machine does; return status and answer."""
    source = "127.0.0.1" if is_proxy else VISITOR
    found = socket.create_connection(("127.0.0.1", port), 20, source_address=(source, 0))
    if not is_proxy:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        found = context.wrap_socket(found, server_hostname=HOST)
    connection = http.client.HTTPConnection(HOST)
    connection.sock = found
    # Who has heard enough answers, and hangs up.
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.request("POST", path, body=body, headers={"Host": host} | headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text) if answer.status == 200 and text else {}


@pytest.mark.parametrize("forged", FORGED, ids=lambda forged: " ".join(forged) or "nothing")
def test_nothing_forged_gets_through_a_proxy(proxy, forged) -> None:
    status, seen = ask(proxy, forged)
    assert status == 200
    assert (seen["is_secure"], seen["host"], seen["address"], seen["prefix"]) == (True, HOST, VISITOR, "")


def test_a_port_or_an_id_of_the_browser_stays_outside(proxy) -> None:
    status, seen = ask(proxy, {"X-Request-ID": "forged-by-me"}, host=f"{HOST}:6666")
    assert (status, seen["host"]) == (200, HOST)
    assert seen["id"] != "forged-by-me"


def test_a_body_is_as_large_as_both_allow_and_no_larger(proxy) -> None:
    status, seen = ask(proxy, {}, body=b"x" * LARGEST)
    assert (status, seen["body"]) == (200, LARGEST)
    assert ask(proxy, {}, body=b"x" * (LARGEST + 1))[0] == 413
    assert ask(proxy, {}, body=b"x" * (5 * LARGEST))[0] == 413


@pytest.mark.parametrize("name", PROXIES)
def test_what_opens_an_account_is_in_no_log_of_a_proxy(name, tmp_path) -> None:
    # Nobody listens there, which both complain about.
    with PROXIES[name](tmp_path, free_port()) as port:
        for path in ("/accounts/connect/callback/?code=secret", "/accounts/password-reset/MQ/secret/"):
            assert ask(port, {"Referer": f"https://{HOST}{path}", "Cookie": "id=secret"}, path=path)[0] == 502
    logs = "".join(path.read_text() for path in tmp_path.glob("*log"))
    assert " 502 " in logs or '"status":502' in logs
    assert "secret" not in logs


@pytest.mark.parametrize("forged", FORGED, ids=lambda forged: " ".join(forged) or "nothing")
def test_gunicorn_takes_from_a_proxy_what_the_proxy_makes(gunicorn, forged) -> None:
    passed_on = {name: value for name, value in forged.items() if name != "Connection"}
    made = {"X-Forwarded-Proto": "https", "X-Forwarded-For": f"6.6.6.6, {VISITOR}"}
    status, seen = ask(gunicorn, passed_on | made, is_proxy=True)
    assert status == 200
    assert (seen["is_secure"], seen["host"], seen["address"], seen["prefix"]) == (True, HOST, VISITOR, "")
