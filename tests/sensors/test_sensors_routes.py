"""Gauges, readings and cameras over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from api.deps import get_current_account
from cctv.actions import record_frame, register_camera
from cctv.queries import sources
from cctv.rules import WaterlineReading
from core import db
from core.settings import data_dir, settings
from gis.points import LonLat
from sensors.actions import NewStation, register_station
from sensors.models import Reading, ReadingRefused
from staff.rules import AccountRef

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
OFFICER = AccountRef(id=1, username="officer", display_name="officer", roles=frozenset({"officer"}), crew_code=None)


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Pictures of one test are not found by the next."""
    monkeypatch.setenv("FAONAM_DATA_DIR", str(tmp_path / "data"))
    settings.cache_clear()
    yield
    settings.cache_clear()


def _station(code: str, kind: Any = "gauge") -> NewStation:
    return NewStation(
        code=code,
        name_th="คลอง",
        name_en="Canal",
        kind=kind,
        place=LonLat(lon=100.0, lat=8.0),
        bank_m_msl=2.5,
        bed_m_msl=-1.5,
        watch_m_msl=1.0,
        warning_m_msl=1.5,
        danger_m_msl=2.0,
        interval_s=300,
        device_key=f"key-of-{code}",
        trust="simulated",
        layer=kind,
    )


@pytest.fixture
def stranger(database: sa.Engine, frozen_clock: Callable[..., None]) -> Iterator[TestClient]:
    """A caller who is not signed in, and two gauges."""
    with db.transaction() as session:
        for code in ("G1", "G2"):
            register_station(session, _station(code))
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def officer(stranger: TestClient) -> TestClient:
    """The same caller as an officer."""
    stranger.app.dependency_overrides[get_current_account] = lambda: OFFICER  # type: ignore[attr-defined]  # it is our FastAPI
    return stranger


def _row(code: str, minutes: float, value: object = 1.2, **changes: object) -> dict[str, object]:
    at = (NOW + timedelta(minutes=minutes)).isoformat()
    return {"datastream": code, "observed_at": at, "value": value, "unit": "m"} | changes


def _post(client: TestClient, rows: object, *, key: str | None = "key-of-G1") -> Any:
    headers = {"X-Device-Key": key} if key else {}
    return client.post("/api/v1/readings", content=json.dumps(rows), headers=headers)


def _count(table: type) -> int:
    with db.transaction() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_a_device_is_answered_row_by_row(stranger: TestClient) -> None:
    """Good, doubtful, repeated and refused rows each have their answer; the good ones are stored."""
    rows = [_row("G1", -5), _row("G1", -4, 99.0), _row("G1", -5), _row("G1", -3, unit="cm"), _row("G2", -3), 7]
    answer = _post(stranger, rows)
    assert answer.status_code == 200
    assert answer.json()["stored"] == 2
    assert [(row["status"], row["reason"]) for row in answer.json()["rows"]] == [
        ("stored", None),
        ("flagged", "other_datum"),
        ("repeated", None),
        ("refused", "wrong_unit"),
        ("refused", "wrong_key"),
        ("refused", "not_an_object"),
    ]
    assert (_count(Reading), _count(ReadingRefused)) == (2, 3)


@pytest.mark.parametrize("key", [None, "", "guessed"])
def test_a_stranger_leaves_nothing(stranger: TestClient, key: str | None) -> None:
    """Without any station's key the answer is 401, says so in words for a gauge, and nothing is kept."""
    answer = _post(stranger, [_row("G1", -5), _row("NOBODY", -5), 7], key=key)
    assert answer.status_code == 401
    slug = "device-key-unknown" if key else "device-key-missing"
    assert answer.json()["type"] == f"urn:faonam:problem:{slug}"
    assert "เข้าสู่ระบบ" not in answer.json()["title_th"]
    assert (_count(Reading), _count(ReadingRefused)) == (0, 0)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"observed_at": "2026-11-21T03:00:00"}, "no_time_zone"),
        ({"observed_at": "yesterday"}, "malformed"),
        ({"observed_at": "2026-11-21T04:00:00Z"}, "future_time"),
        ({"value": "1.2"}, "malformed"),
        ({"datastream": "G\0001"}, "malformed"),
        ({"unit": "m\0"}, "malformed"),
        ({"unit": "\ud800"}, "malformed"),
        ({"datastream": "NOBODY"}, "unknown_datastream"),
        ({"datastream": "G2"}, "wrong_key"),
        ({"key": "\ud800"}, "wrong_key"),
        ({"value": "\ud800"}, "malformed"),
    ],
)
def test_a_known_key_is_answered_row_by_row_however_wrong_the_row(
    stranger: TestClient, wrong: dict[str, object], reason: str
) -> None:
    """The key signs the device in; a row that cannot be used alone is refused with its own reason and kept raw."""
    answer = _post(stranger, [_row("G1", -5) | wrong])
    assert answer.status_code == 200
    row = answer.json()["rows"][0]
    assert (row["status"], row["reason"]) == ("refused", reason)
    assert row["detail"]
    assert (_count(Reading), _count(ReadingRefused)) == (0, 1)


def test_a_key_signs_in_where_no_row_can_be_read(stranger: TestClient) -> None:
    """A batch of a known device that holds no object, or nothing at all, is an answer and no closed door."""
    assert [row["reason"] for row in _post(stranger, [7, "x"]).json()["rows"]] == ["not_an_object"] * 2
    assert _post(stranger, []).json() == {"stored": 0, "rows": []}
    assert _post(stranger, [], key=None).status_code == 401


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"7", b"[" * 9999, b"\xff", b"[" + b"0," * 5001 + b"0]"])
def test_a_body_that_is_no_list_of_readings_is_refused_with_a_sentence(stranger: TestClient, content: bytes) -> None:
    """Whatever is sent, the answer is a problem document, never a crash."""
    answer = stranger.post("/api/v1/readings", content=content, headers={"X-Device-Key": "key-of-G1"})
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_values_that_json_should_not_have_are_flagged(stranger: TestClient) -> None:
    """NaN and Infinity, which Python's JSON lets through, are never stored as good."""
    answer = _post(stranger, [_row("G1", -5, float("nan")), _row("G1", -4, float("inf")), _row("G1", -3, None)])
    assert [row["reason"] for row in answer.json()["rows"]] == ["no_value", "infinite", "no_value"]


def test_gauges_show_their_level_and_doubt(officer: TestClient) -> None:
    """The contract of GET /gauges, for a gauge that rises and one that never spoke."""
    _post(officer, [_row("G1", -10, 1.1), _row("G1", -5, 1.2), _row("G1", -1, 99.0)])
    first, second = officer.get("/api/v1/gauges").json()["features"]
    assert first["geometry"] == {"type": "Point", "coordinates": [100.0, 8.0]}
    shown = first["properties"]
    assert (shown["level_m_msl"], shown["state"], shown["is_stale"], shown["qc_flag"]) == (1.2, 1, False, 4)
    assert shown["trend_m_per_h"] == pytest.approx(1.2)
    assert shown["thresholds"] == {"watch": 1.0, "warning": 1.5, "danger": 2.0}
    assert shown["name"] == {"th": "คลอง", "en": "Canal"}
    silent = second["properties"]
    assert (silent["level_m_msl"], silent["state"], silent["is_stale"]) == (None, None, True)


def test_history_carries_flags_and_an_unknown_gauge_is_404(officer: TestClient) -> None:
    """Doubtful readings are shown as such; there is no empty history of nothing."""
    _post(officer, [_row("G1", -10, 1.1), _row("G1", -1, 99.0)])
    gauge_id = officer.get("/api/v1/gauges").json()["features"][0]["properties"]["id"]
    history = officer.get(f"/api/v1/gauges/{gauge_id}/readings", params={"hours": 1}).json()
    assert [(point["value"], point["qc_flag"]) for point in history["readings"]] == [(1.1, 1), (99.0, 4)]
    assert officer.get("/api/v1/gauges/999999/readings").status_code == 404
    assert officer.get(f"/api/v1/gauges/{gauge_id}/readings", params={"hours": "nan"}).status_code == 422


def test_a_stranger_sees_no_gauges_here(stranger: TestClient) -> None:
    """The officers' lists need a sign-in."""
    assert stranger.get("/api/v1/gauges").status_code == 401
    assert stranger.get("/api/v1/cameras").status_code == 401


def test_a_cameras_picture_is_public_and_costs_nothing_twice(officer: TestClient) -> None:
    """The prepared file goes out as it is with an ETag; who has it already is answered 304."""
    with db.transaction() as session:
        station_id = register_station(session, _station("CAM1", "camera"))
        register_camera(session, station_id=station_id, code="CAM1", source="x", calibration={})
        camera = sources(session)[0]
        reading = WaterlineReading(level_m_msl=1.2, sigma_m=0.01, confidence=0.9, reasons=())
        path = f"public-pictures/{camera.id}/20261121T030000.jpg"
        record_frame(session, camera, reading, taken_at=NOW, received_wall_at=NOW, picture_path=path)
    assert officer.get(f"/api/v1/cameras/{camera.id}/picture.jpg").status_code == 404
    (data_dir() / path).parent.mkdir(parents=True, exist_ok=True)
    (data_dir() / path).write_bytes(b"\xff\xd8picture")
    shown = officer.get("/api/v1/cameras").json()["features"][0]["properties"]
    assert (shown["level_m_msl"], shown["is_reading"], shown["trust"]) == (1.2, True, "simulated")
    picture = officer.get(shown["picture_url"])
    assert (picture.status_code, picture.content) == (200, b"\xff\xd8picture")
    again = officer.get(shown["picture_url"], headers={"If-None-Match": picture.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    gauge = next(f for f in officer.get("/api/v1/gauges").json()["features"] if f["properties"]["code"] == "CAM1")
    assert gauge["properties"]["camera_id"] == camera.id
