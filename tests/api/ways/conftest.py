"""A small town that is open to others: one API for the tests of a file, and a client that speaks Open311."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from core import clock
from core.db import transaction
from incidents import actions
from incidents.exchange import keys, services
from tests.accounts import add_account
from tests.api.ways.partners import forget, register
from tests.api.ways.receiver import Receiver, listening
from tests.incidents.conftest import fill_town
from tests.serving import served

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
CITY = """
INSERT INTO city (id, slug, name_th, name_en, boundary, extent, centre, metric_srid, datum, imported_at, is_simulated)
VALUES (1, 'tiny', 'เมืองจิ๋ว', 'Tiny', ST_Multi(ST_MakeEnvelope(99.9, 8.4, 100, 8.5, 4326)),
        ST_MakeEnvelope(99.9, 8.4, 100, 8.5, 4326), ST_SetSRID(ST_MakePoint(99.96, 8.43), 4326), 32647, 'msl',
        now(), true)
"""
TYPES = {"xml": "text/xml; charset=utf-8", "json": "application/json; charset=utf-8"}


def _png() -> bytes:
    """A picture of one black dot."""
    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(2))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )


PNG = _png()


@dataclass
class Ways:
    """The town's API with the keys of its partners."""

    client: TestClient
    keys: dict[str, str]
    _spots: Iterator[int] = field(default_factory=lambda: iter(range(1, 10_000)))

    def spot(self) -> dict[str, str]:
        """A place in the town where nobody has reported yet, some 200 m from the last one."""
        number = next(self._spots)
        return {"lat": f"{8.412 + number % 18 * 0.002:.4f}", "long": f"{99.942 + number // 18 * 0.002:.4f}"}

    def get(self, path: str, **query: Any) -> httpx.Response:
        """A GET below /open311/v2/."""
        return self.client.get(f"/open311/v2/{path}", params=query)

    def post(self, form: str = "json", **fields: Any) -> httpx.Response:
        """A report by the first partner's key, unless the fields say otherwise; None leaves a field out."""
        given: dict[str, Any] = {"api_key": self.keys["fms"], "service_code": "road", "description": "หลุม", **fields}
        if not {"lat", "long", "address_string", "address_id"} & set(given):
            given |= self.spot()
        return self.client.post(
            f"/open311/v2/requests.{form}", data={name: text for name, text in given.items() if text is not None}
        )

    def reported(self, **fields: Any) -> str:
        """The number of a new report."""
        answer = self.post(**fields)
        assert answer.status_code == 200, answer.text
        return str(answer.json()[0]["service_request_id"])

    def shown(self, number: str) -> dict[str, Any]:
        """What the public sees of a request, as JSON, after it was seen that XML says the same."""
        as_json = self.get(f"requests/{number}.json")
        assert as_json.status_code == 200, as_json.text
        (one,) = as_json.json()
        (request,) = xml(self.get(f"requests/{number}.xml"))
        for name, value in one.items():
            assert (request.findtext(name) or "") == ("" if value is None else str(value)), name
        assert [child.tag for child in request] == list(one)
        return dict(one)


def xml(answer: httpx.Response) -> ElementTree.Element:
    """The root of an answer in XML."""
    assert answer.content.startswith(b'<?xml version="1.0" encoding="utf-8"?>'), answer.text[:200]
    return ElementTree.fromstring(answer.content)  # noqa: S314 - written by ourselves.


def errors_of(answer: Any, form: str) -> list[tuple[str, str]]:
    """Codes and sentences of an answer that says what went wrong."""
    assert answer.headers["content-type"] == TYPES[form]
    if form == "json":
        return [(str(one["code"]), one["description"]) for one in answer.json()]
    root = xml(answer)
    assert root.tag == "errors"
    return [(one.findtext("code") or "", one.findtext("description") or "") for one in root]


@pytest.fixture(scope="module")
def ways(module_database: sa.Engine) -> Iterator[Ways]:
    """The town, its agencies and partners, at 10:00 in Thailand on 21 November."""
    clock.freeze(lambda: NOW)
    with transaction() as session:
        session.execute(sa.text(CITY))
        fill_town(session)
        services.load_shipped(session)
        for role in ("officer", "viewer"):
            add_account(session, role, roles=[role])
        made = {
            name: keys.make_key(session, name=name, scopes=scopes, agency_code=agency, per_minute=100_000)
            for name, scopes, agency in (
                ("fms", ["open311"], None), ("other", ["open311"], None),
                ("partner", ["traffy-read", "traffy-write", "traffy-update"], None),
                ("works", ["traffy-read", "traffy-update"], "works"), ("reader", ["traffy-read"], None),
                ("hook", ["traffy-hook"], None),
            )
        }
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        yield Ways(client, made)
    clock.freeze(None)


@pytest.fixture
def later(ways: Ways) -> Iterator[Any]:
    """`later(hours=2)` moves the shared clock on for this test."""
    yield lambda **span: clock.freeze(lambda: NOW + timedelta(**span))
    clock.freeze(lambda: NOW)


def walk(number: str, *states: str, reason: str = "") -> None:
    """The incident of that number goes through the states, one by one."""
    with transaction() as session:
        incident_id = session.execute(sa.text("SELECT id FROM incident WHERE number = :n"), {"n": number}).scalar_one()
        for state in states:
            actions.change_state(session, incident_id, state, by="officer", reason=reason)


@pytest.fixture(scope="module")
def served_at(ways: Ways) -> Iterator[str]:
    """The address of the same API on a real socket, for clients that are not ours."""
    with served() as address:
        yield address


@pytest.fixture
def time_goes_on(ways: Ways) -> Iterator[None]:
    """Each look at the clock is a moment later, as outside of tests."""
    ticks = iter(range(1, 1_000_000))
    clock.freeze(lambda: NOW + timedelta(milliseconds=next(ticks)))
    yield
    clock.freeze(lambda: NOW)


@pytest.fixture
def receiver(ways: Ways) -> Iterator[Receiver]:
    """The first partner's server; the partner is told from now on, until the test ends."""
    with listening() as made:
        made.secret = register("partner", made)
        yield made
        forget("partner")
