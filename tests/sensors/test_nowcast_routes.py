"""A gauge's forecast over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from api.deps import get_current_account
from core import db
from gis.points import LonLat
from sensors.actions import NewStation, register_station
from sensors.nowcast_models import Nowcast, NowcastModel
from staff.rules import AccountRef

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
OFFICER = AccountRef(id=1, username="officer", display_name="officer", roles=frozenset({"officer"}), crew_code=None)


@pytest.fixture
def gauge_id(database: sa.Engine, frozen_clock: Callable[..., None]) -> int:
    """A gauge that never spoke."""
    with db.transaction() as session:
        return register_station(
            session,
            NewStation(
                code="G1", name_th="คลอง", name_en="Canal", kind="gauge", place=LonLat(lon=100.0, lat=8.0),
                bank_m_msl=2.5, bed_m_msl=-1.5, watch_m_msl=1.0, warning_m_msl=1.5, danger_m_msl=2.0, interval_s=300,
                device_key=None, trust="simulated", layer="gauge",
            ),
        )


@pytest.fixture
def officer(gauge_id: int) -> Iterator[TestClient]:
    """An officer who asks."""
    app = create_app()
    app.dependency_overrides[get_current_account] = lambda: OFFICER
    with TestClient(app) as client:
        yield client


def forecast(gauge_id: int) -> None:
    """The gauge has been fitted, and forecast five minutes ago: one horizon to show, one of persistence."""
    made_at = NOW - timedelta(minutes=5)
    with db.transaction() as session:
        datastream_id = session.scalar(sa.text("SELECT id FROM datastream WHERE code = 'G1'"))
        session.add(
            NowcastModel(
                datastream_id=datastream_id, fitted_at=NOW - timedelta(hours=7), data_from=NOW - timedelta(days=90),
                data_to=NOW - timedelta(hours=7), readings=5000, step_s=300.0, choices=[], reason=None, document="{}",
            )
        )
        session.flush()
        for hours, forecaster, skill, why in ((1.0, "ridge", 0.4, []), (3.0, "persistence", None, ["missing:rain"])):
            session.add(
                Nowcast(
                    datastream_id=datastream_id, made_at=made_at, horizon_h=hours, at=made_at + timedelta(hours=hours),
                    origin_m_msl=0.5, level_m_msl=0.7, low_m_msl=0.6, high_m_msl=0.9, nominal=0.8,
                    forecaster=forecaster, skill=skill, skill_rising=skill, is_shown=skill is not None, why=why,
                )
            )


def test_a_forecast_shows_its_doubt_and_its_skill(officer: TestClient, gauge_id: int) -> None:
    """Each horizon has its moment, level, band, forecaster and skill, and whether it may be shown."""
    forecast(gauge_id)
    answer = officer.get(f"/api/v1/gauges/{gauge_id}/forecast").json()
    assert {name: answer[name] for name in ("gauge_id", "made_at", "is_shown", "reason", "fitted_at")} == {
        "gauge_id": gauge_id, "made_at": "2026-11-21T02:55:00Z", "is_shown": True, "reason": None,
        "fitted_at": "2026-11-20T20:00:00Z",
    }
    first, second = answer["horizons"]
    assert first == {
        "hours": 1.0, "at": "2026-11-21T03:55:00Z", "level_m_msl": 0.7, "low_m_msl": 0.6, "high_m_msl": 0.9,
        "nominal": 0.8, "forecaster": "ridge", "skill": 0.4, "skill_rising": 0.4, "is_shown": True, "why": [],
        "verified": 0, "verified_skill": None,
    }
    assert (second["is_shown"], second["skill"], second["why"]) == (False, None, ["missing:rain"])


def test_a_gauge_without_a_forecast_says_why(officer: TestClient, gauge_id: int) -> None:
    """No model is no error: nothing is shown, and a code says why."""
    answer = officer.get(f"/api/v1/gauges/{gauge_id}/forecast")
    assert answer.status_code == 200
    assert answer.json() == {
        "gauge_id": gauge_id, "made_at": None, "is_shown": False, "reason": "no_levels", "fitted_at": None,
        "horizons": [],
    }


def test_an_unknown_gauge_is_not_found(officer: TestClient) -> None:
    """Only a gauge that there is has a forecast or a reason."""
    assert officer.get("/api/v1/gauges/99/forecast").status_code == 404


def test_a_stranger_sees_no_forecast(officer: TestClient, gauge_id: int) -> None:
    """What may come is for the desk: a forecast is no warning to the public."""
    officer.app.dependency_overrides.clear()  # type: ignore[attr-defined]  # it is our FastAPI
    assert officer.get(f"/api/v1/gauges/{gauge_id}/forecast").status_code == 401
