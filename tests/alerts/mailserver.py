"""A real SMTP server on loopback, small and ill-behaved on demand: it keeps what it takes."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class MailServer:
    """What came, as (recipient, bytes, was it encrypted). `fault` befalls all, `refuses` answers an address."""

    port: int = 0
    context: ssl.SSLContext | None = None
    fault: str = ""
    refuses: dict[str, str] = field(default_factory=dict)
    taken: list[tuple[str, bytes, bool]] = field(default_factory=list)
    sign_ins: list[str] = field(default_factory=list)
    connections: int = 0


class _Talk(socketserver.StreamRequestHandler):
    kept: MailServer

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            self._talk()
        if isinstance(self.connection, ssl.SSLSocket):
            self.rfile.close()
            self.wfile.close()
            self.connection.close()

    def _say(self, text: str) -> None:
        if self.kept.fault == "drips":  # A byte at a time, for ever: no single read ever times out.
            while True:
                self.wfile.write(b"2")
                self.wfile.flush()
                time.sleep(0.05)
        self.wfile.write(text.encode() + b"\r\n")
        self.wfile.flush()

    def _talk(self) -> None:
        kept, is_secret, recipient = self.kept, False, ""
        kept.connections += 1
        if kept.fault == "silent":
            time.sleep(1)
            return
        self._say("421 busy" if kept.fault == "busy" else "220 test ESMTP")
        while line := self.rfile.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            match verb.upper():
                case "EHLO" | "HELO":
                    offers = ["test", *(["STARTTLS"] if kept.context and not is_secret else []), "AUTH PLAIN"]
                    for offer in offers[:-1]:
                        self._say(f"250-{offer}")
                    self._say(f"250 {offers[-1]}")
                case "STARTTLS" if kept.context is not None:
                    self._say("220 go")
                    self.connection = kept.context.wrap_socket(self.connection, server_side=True)
                    self.rfile = self.connection.makefile("rb")
                    self.wfile = self.connection.makefile("wb", buffering=0)  # type: ignore[assignment]  # a raw file does
                    is_secret = True
                case "AUTH":
                    kept.sign_ins.append(rest)
                    self._say("235 well")
                case "RCPT":
                    recipient = rest.partition("<")[2].partition(">")[0]
                    self._say(kept.refuses.get(recipient, "250 well"))
                case "DATA":
                    self._say("354 go")
                    body = b""
                    while (piece := self.rfile.readline()) != b".\r\n":
                        body += piece[1:] if piece.startswith(b".") else piece
                    kept.taken.append((recipient, body, is_secret))
                    if kept.fault == "breaks off":
                        self.connection.shutdown(socket.SHUT_RDWR)
                        return
                    self._say("250 taken")
                case "QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 well")


@contextlib.contextmanager
def mail_server(context: ssl.SSLContext | None = None) -> Iterator[MailServer]:
    """Listens until the end; with a `context` it offers STARTTLS."""
    kept = MailServer(context=context)
    handler = type("Talk", (_Talk,), {"kept": kept})
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
    kept.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a certificate for `localhost`, and the file of the authority that made it."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "server.pem", folder / "server.key"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public
