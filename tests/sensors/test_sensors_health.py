"""How far gauges are to be believed, and what was measured near them, over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from api.deps import get_current_account
from core import db
from gis.points import LonLat
from sensors.actions import IncomingReading, NewStation, register_station, store_readings
from sensors.health import health_of
from sensors.history import POINTS_AT_MOST
from sensors.watch.interval import Learnt, pace_of
from sensors.watch.state import Condition
from sensors.watching import tick_all
from staff.rules import AccountRef

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
OFFICER = AccountRef(id=1, username="officer", display_name="officer", roles=frozenset({"officer"}), crew_code=None)
PACE = pace_of(Learnt(), declared_s=300)


def _register(code: str, *, kind: Any = "gauge", lat: float = 8.0, watch_m_msl: float | None = 1.0) -> int:
    is_watched = kind == "gauge" and watch_m_msl is not None
    with db.transaction() as session:
        return register_station(
            session,
            NewStation(
                code=code, name_th="คลอง", name_en="Canal", kind=kind, place=LonLat(lon=100.0, lat=lat),
                bank_m_msl=2.5 if kind == "gauge" else None, bed_m_msl=-1.5 if kind == "gauge" else None,
                watch_m_msl=watch_m_msl if is_watched else None, warning_m_msl=1.5 if is_watched else None,
                danger_m_msl=2.0 if is_watched else None, interval_s=300, device_key=None, trust="simulated",
                layer=kind,
            ),
        )


def _hear(code: str, *minutes_and_values: tuple[float, float], unit: str = "m") -> None:
    with db.transaction() as session:
        store_readings(
            session,
            [IncomingReading(code, NOW + timedelta(minutes=m), value, unit) for m, value in minutes_and_values],
            source="test",
        )


@pytest.fixture
def officer(database: sa.Engine, frozen_clock: Callable[..., None]) -> Iterator[TestClient]:
    """An officer who asks."""
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        client.app.dependency_overrides[get_current_account] = lambda: OFFICER  # type: ignore[attr-defined]  # it is our FastAPI
        yield client


def _shown(client: TestClient) -> dict[str, dict[str, Any]]:
    features = client.get("/api/v1/gauges").json()["features"]
    return {feature["properties"]["code"]: feature["properties"] for feature in features}


def test_late_lost_and_untrusted_are_told_apart_and_none_of_them_is_ok(officer: TestClient) -> None:
    """Silence of three intervals is late, of six lost, three doubtful readings untrusted; the last good level stays."""
    for code in ("LATE", "LOST", "DOUBT", "OK", "NEVER"):
        _register(code)
    _register("FREE", watch_m_msl=None)
    _hear("LATE", (-25, 0.4), (-20, 0.4))
    _hear("LOST", (-65, 0.4), (-60, 0.4))
    _hear("FREE", (-65, 0.4), (-60, 0.4))
    _hear("DOUBT", (-20, 0.4), *((minute, 99.0) for minute in (-12, -8, -4, -1)))
    _hear("OK", (-5, 0.4), (-1, 0.4))
    with db.transaction() as session:
        tick_all(session, now=NOW)
    shown = _shown(officer)
    assert {code: gauge["condition"] for code, gauge in shown.items()} == {
        "LATE": "late", "LOST": "lost", "DOUBT": "untrusted", "OK": "ok", "NEVER": "late", "FREE": "lost",
    }
    assert shown["LOST"]["level_m_msl"] == 0.4
    assert shown["LOST"]["last_good_at"] == (NOW - timedelta(minutes=60)).isoformat().replace("+00:00", "Z")
    assert datetime.fromisoformat(shown["DOUBT"]["last_heard_at"]) == NOW - timedelta(minutes=1)
    assert (shown["OK"]["interval_s"], shown["OK"]["declared_interval_s"], shown["OK"]["is_interval_learnt"]) == (
        300.0, 300, False,
    )


def test_a_gauge_without_a_fresh_good_level_is_never_ok() -> None:
    """What the watch has not noticed yet, the age of the newest reading tells."""
    for minutes, expected in ((16, "late"), (31, "lost")):
        found = health_of(
            Condition.HEARD, since_at=None, last_heard_at=NOW - timedelta(minutes=minutes), is_stale=True, pace=PACE,
            declared_s=300, now=NOW,
        )
        assert found.condition == expected
    never = health_of(
        Condition.HEARD, since_at=None, last_heard_at=None, is_stale=True, pace=PACE, declared_s=300, now=NOW
    )
    assert never.condition == "late"


def test_a_reading_in_doubt_names_its_tests(officer: TestClient) -> None:
    """The history says why: the gravest reason and every test, as codes that screens have words for."""
    gauge_id = _register("G1")
    _hear("G1", (-10, 0.4), (-5, 99.0))
    body = officer.get(f"/api/v1/gauges/{gauge_id}/readings").json()
    assert [(one["qc_flag"], one["qc_reason"]) for one in body["readings"]] == [(1, None), (4, "other_datum")]
    assert body["readings"][1]["qc_tests"] == ["other_datum"]
    assert (body["stored"], body["bucket_s"], body["gap_after_s"]) == (2, None, 900.0)


def test_a_week_of_many_readings_is_thinned_and_hides_neither_peak_nor_doubt(officer: TestClient) -> None:
    """Of 10,000 readings a bounded number goes out, with the highest, the lowest and the doubtful one among them."""
    gauge_id = _register("G1")
    with db.transaction() as session:
        session.execute(
            sa.text(
                "INSERT INTO reading (datastream_id, observed_at, value, qc_flag, source, received_at, "
                "received_wall_at) SELECT d.id, t, CASE n WHEN 777 THEN 1.9 WHEN 5000 THEN -0.7 WHEN 6000 THEN 3.3 "
                "ELSE 0.4 + 0.0001 * (n % 50) END, CASE n WHEN 6000 THEN 3 ELSE 1 END, 'test', t, t "
                "FROM datastream d, (SELECT n, CAST(:now AS timestamptz) - n * interval '4 seconds' AS t "
                "FROM generate_series(1, 9999) n) s WHERE d.code = 'G1'"
            ),
            {"now": NOW},
        )
    body = officer.get(f"/api/v1/gauges/{gauge_id}/readings", params={"hours": 168}).json()
    values = [(one["value"], one["qc_flag"]) for one in body["readings"]]
    assert body["stored"] == 9999
    assert len(values) <= POINTS_AT_MOST
    assert {(1.9, 1), (-0.7, 1), (3.3, 3)} <= set(values)
    assert body["gap_after_s"] >= 2 * body["bucket_s"] > 0
    times = [one["observed_at"] for one in body["readings"]]
    assert times == sorted(times)


def test_the_nearest_rain_gauge_is_summed_by_the_hour(officer: TestClient) -> None:
    """Each reading is the rain before it; an hour with a hole is the least that fell, and doubtful rain is left out."""
    gauge_id = _register("G1")
    assert officer.get(f"/api/v1/gauges/{gauge_id}/rain").json() == {"gauge_id": gauge_id, "station": None, "hours": []}
    _register("FAR", kind="rain", lat=8.2)
    _register("NEAR", kind="rain", lat=8.01)
    _register("BEYOND", kind="rain", lat=9.0)
    _hear("FAR", (-5, 50.0), unit="mm")
    _hear("NEAR", *((-115 + 5 * step, 1.0) for step in range(12)), (-55, 2.0), (-50, -4.0), unit="mm")
    body = officer.get(f"/api/v1/gauges/{gauge_id}/rain").json()
    assert (body["station"]["code"], body["station"]["distance_m"]) == ("NEAR", 1106)
    assert [(hour["from_at"], hour["rain_mm"], hour["is_whole"]) for hour in body["hours"]] == [
        ("2026-11-21T01:00:00Z", 12.0, True), ("2026-11-21T02:00:00Z", 2.0, False),
    ]
    assert officer.get("/api/v1/gauges/999999/rain").status_code == 404
