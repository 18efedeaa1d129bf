"""Sources on loopback that answer as badly as a test wants, over HTTP or TLS, and a town that asks them."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from alerts.models import Alert
from alerts.outside import declaring, polling, queries
from alerts.outside.declaring import NewSource
from alerts.outside.models import OutsideDocument, OutsideHealth, OutsideWarningRow
from alerts.outside.polling import Result
from core import clock
from core.db import transaction

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
XML = {"Content-Type": "application/xml"}
JSON = {"Content-Type": "application/json"}
SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "cap" / "samples"
# Around the town of the fixtures (100..101 east, 8..9 north), and around its zone A alone.
PROVINCE = "7.0,99.0 7.0,103.0 11.0,103.0 11.0,99.0 7.0,99.0"
ZONE_A = "8.4,100.0 8.4,100.01 8.41,100.01 8.41,100.0 8.4,100.0"


@dataclass
class Answers:
    """What a source answers by path: status, headers, body; `seen` is what was asked."""

    url: str = ""
    by_path: dict[str, tuple[int, Mapping[str, str], bytes]] = field(default_factory=dict)
    seen: list[tuple[str, str, bytes]] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    # Seconds between single bytes of header and body.
    drip_s: float = 0.0


class _Handler(BaseHTTPRequestHandler):
    answers: Answers

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def _answer(self, sent: bytes) -> None:
        self.answers.seen.append((self.command, self.path, sent))
        status, headers, body = self.answers.by_path.get(self.path, (404, {}, b""))
        try:
            if self.answers.drip_s:
                self._drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 100_000)
                return
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | dict(headers)).items():
                self.send_header(name, value)
            self.end_headers()
            for start in range(0, len(body), 65_536):
                self.wfile.write(body[start : start + 65_536])
        except OSError:  # Whoever asked has hung up, as it should.
            return

    def _drip(self, content: bytes) -> None:
        for letter in content:
            self.wfile.write(bytes((letter,)))
            if self.answers.stopped.wait(self.answers.drip_s):
                return

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is written."""


class Server:
    """A source that is served while the block lasts; with `certificate` over TLS."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.answers = Answers()
        handler = type("Handler", (_Handler,), {"answers": self.answers})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if certificate else "http"
        host = "localhost" if certificate else "127.0.0.1"
        self.answers.url = f"{scheme}://{host}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Answers:
        self._thread.start()
        return self.answers

    def __exit__(self, *_: object) -> None:
        self.answers.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


@dataclass(frozen=True)
class Chain:
    """A root, an authority between, and a server's certificate, as the Thai weather service sends only the last."""

    root_pem: str
    between_pem: str
    leaf: Path


def make_chain(folder: Path) -> Chain:
    """The certificates of a server named localhost, valid for a day; the leaf's file holds its key as well."""
    root, root_key = _certificate("Root", issuer=None, is_authority=True)
    between, between_key = _certificate("Between", issuer=(root, root_key), is_authority=True)
    leaf, leaf_key = _certificate("localhost", issuer=(between, between_key), is_authority=False)
    path = folder / "leaf.pem"
    key = leaf_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(key + _pem(leaf).encode())
    return Chain(_pem(root), _pem(between), path)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _certificate(
    name: str, *, issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None, is_authority: bool
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signed_by = issuer[1] if issuer else key
    made = (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(issuer[0].subject if issuer else subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_by.public_key()), critical=False
        )
        .sign(signed_by, hashes.SHA256())
    )  # fmt: skip
    return made, key


def alert_xml(
    identifier: str = "CAP1", *, sent: str = "2026-11-21T09:30:00+07:00", expires: str = "2026-11-21T21:00:00+07:00",
    message_type: str = "Alert", status: str = "Actual", references: str = "", title: str = "ฝนตกหนักถึงหนักมาก",
    event: str = "Heavy Rain", severity: str = "Severe", polygon: str = PROVINCE, name: str = "นครศรีธรรมราช",
    code: str = "TH-80",
) -> bytes:
    """A CAP document as the Thai weather service writes it."""
    refs = f"<references>{references}</references>" if references else ""
    geocode = f"<geocode><valueName>ISO 3166-2</valueName><value>{code}</value></geocode>" if code else ""
    return f"""<?xml version="1.0" encoding="utf-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{identifier}</identifier><sender>TMD</sender>
<sent>{sent}</sent><status>{status}</status><msgType>{message_type}</msgType><scope>Public</scope>{refs}
<info><language>th-TH</language><category>Met</category><event>{event}</event><urgency>Immediate</urgency>
<severity>{severity}</severity><certainty>Likely</certainty><expires>{expires}</expires>
<headline>{title}</headline><description>ระวังน้ำท่วม</description><area><areaDesc>{name}</areaDesc>
<polygon>{polygon}</polygon>{geocode}</area></info></alert>""".encode()


def index_rss(*links: str) -> bytes:
    """The index of documents, with times that say +0700 and mean UTC."""
    items = "".join(
        f"<item><title>CAP</title><link>{link}</link><description>CAP</description>"
        f"<pubDate>Sat, 21 Nov 2026 02:30:00 +0700</pubDate></item>"
        for link in links
    )
    head = "<title>TMD CAP</title><link>http://127.0.0.1/</link><description>CAP</description>"
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{head}{items}</channel></rss>'.encode()


def level_list(situation: object, *, at: str = "2026-11-21 09:30", level: str = "3.20") -> bytes:
    """ThaiWater's list with one station, 7001."""
    row = {
        "waterlevel_datetime": at, "waterlevel_msl": level, "situation_level": situation,
        "station": {"id": 7001, "tele_station_name": {"th": "คลองเหนือ", "en": "North"}, "min_bank": "3.50"},
    }
    return json.dumps({"waterlevel_data": {"result": "OK", "data": [row]}}).encode()


def free_port() -> int:
    """A port at which nobody answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def declare(code: str, kind: str, url: str | None, **changes: Any) -> int:
    """The source is declared; its id."""
    with transaction() as session:
        new = NewSource(code=code, name_th=code, name_en=code, kind=kind, period_s=600, url=url, **changes)
        return declaring.declare(session, new, now=clock.wall_now()).id


def ask(source_id: int) -> Result:
    """What asking it once came to."""
    with transaction() as session:
        result = polling.ask(session, source_id)
    assert result is not None
    return result


def warnings() -> list[OutsideWarningRow]:
    """Every stored warning, the oldest first."""
    with transaction() as session:
        options = sa.orm.defer(OutsideWarningRow.geom)
        return list(session.scalars(sa.select(OutsideWarningRow).options(options).order_by(OutsideWarningRow.id)))


def zones(warning_id: int) -> list[str]:
    """The codes of the zones that the table names for it."""
    with transaction() as session:
        return [zone.code for zone in queries.zones_of(session, [warning_id])[warning_id]]


def alerts() -> list[Alert]:
    """Every alert, the oldest first."""
    with transaction() as session:
        return list(session.scalars(sa.select(Alert).order_by(Alert.id)))


def health(source_id: int) -> OutsideHealth:
    """How the source does."""
    with transaction() as session:
        return session.get_one(OutsideHealth, source_id)


def kept(state: str) -> list[OutsideDocument]:
    """The documents in this state."""
    with transaction() as session:
        asked = sa.select(OutsideDocument).where(OutsideDocument.state == state).order_by(OutsideDocument.id)
        return list(session.scalars(asked))
