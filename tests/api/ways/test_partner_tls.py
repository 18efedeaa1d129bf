"""A partner's number is connected to, and its name is what TLS must prove."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from incidents.exchange.errors import HookAwayError
from incidents.exchange.hook_client import Address, HookClient

NAME = "partner.test"


def _certificate(folder: Path) -> Path:
    """A certificate for NAME that signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    path = folder / "partner.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


class _Takes(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(200 if self.headers["host"].startswith(NAME) else 400)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is written."""


@pytest.fixture
def tls_port(tmp_path: Path) -> Iterator[int]:
    """A server on loopback that proves to be NAME."""
    server = HTTPServer(("127.0.0.1", 0), _Takes)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(tmp_path))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.mark.parametrize(("name", "is_taken"), [(NAME, True), ("other.test", False)])
def test_the_name_is_proved_though_the_number_is_connected_to(
    tls_port: int, tmp_path: Path, name: str, is_taken: bool
) -> None:
    """Who holds the number and not the name is told nothing."""
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    trusted = ssl.create_default_context(cafile=tmp_path / "partner.pem")
    client = HookClient(is_live=False, resolve=resolve, transport=httpx.AsyncHTTPTransport(verify=trusted))
    address = Address(f"https://{name}:{tls_port}/hook", "https", name, tls_port)
    if is_taken:
        client.send(address, method="POST", raw=b"{}", headers={})
        return
    with pytest.raises(HookAwayError, match="ConnectError"):
        client.send(address, method="POST", raw=b"{}", headers={})
