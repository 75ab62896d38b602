"""Over TLS the pinned connection checks the certificate of the name, and the limits hold too."""

import contextlib
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core import http
from core.tests.servers import GOOD, serving


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `localhost` with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    file.write_bytes(signed.public_bytes(pem) + secret)
    return file


@pytest.fixture
def session(certificate: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A session that takes 127.0.0.1 for public and trusts the certificate."""
    settings.ALLOW_PRIVATE_INSTANCES = False
    monkeypatch.setattr(http, "is_public_address", lambda address: True)
    with http.open_session() as session:
        session.get_adapter("https://")._allow_loopback = True  # type: ignore[attr-defined]
        session.verify = str(certificate)
        yield session


def secured(certificate: Path, *parts: bytes) -> Any:
    """Answer over TLS with the parts, slowly where there are several."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def answer(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as tls:
            while tls.recv(65536):
                for part in parts:
                    tls.sendall(part)
                    time.sleep(0.05 if len(parts) > 1 else 0)

    return serving(answer, read_first=False)


def test_the_name_is_checked_and_the_connection_kept(session: Any, certificate: Path) -> None:
    with secured(certificate, GOOD) as origin:
        url = origin.replace("http://127.0.0.1", "https://localhost")
        assert [http.fetch(session, "GET", url).body for _ in range(3)] == [b"{}"] * 3


def test_a_certificate_for_another_name_is_refused(session: Any, certificate: Path) -> None:
    with secured(certificate, GOOD) as origin, pytest.raises(http.Unreachable):
        http.fetch(session, "GET", origin.replace("http://", "https://"))


def test_a_certificate_nobody_knows_is_refused(session: Any, certificate: Path) -> None:
    session.verify = True
    with secured(certificate, GOOD) as origin, pytest.raises(http.Unreachable):
        http.fetch(session, "GET", origin.replace("http://127.0.0.1", "https://localhost"))


def test_a_dripping_server_is_left(session: Any, certificate: Path) -> None:
    started = time.monotonic()
    with (
        secured(certificate, b"HTTP/1.1 200 OK\r\nX: ", *[b"a"] * 100) as origin,
        pytest.raises(http.Unreachable),
    ):
        http.fetch(
            session, "GET", origin.replace("http://127.0.0.1", "https://localhost"), timeout_seconds=0.5
        )
    assert time.monotonic() - started < 1.5
