"""Officers judge readings: with a reason, for good, and without touching what was measured."""

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
from sensors.models import FlagOverride, LatestReading, LevelStateRow, Reading
from sensors.watch.state import Condition
from staff.actions import create_account
from staff.models import AuditEntry
from staff.rules import AccountRef

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.fixture
def officer(database: sa.Engine, frozen_clock: Callable[..., None]) -> Iterator[TestClient]:
    """An officer with an account, and one gauge, whose id is 1 as the account's."""
    with db.transaction() as session:
        account = create_account(
            session, username="malee", display_name="มาลี", password="a-long-password-of-hers", roles=["officer"]
        )
        register_station(
            session,
            NewStation(
                code="G1", name_th="คลอง", name_en="Canal", kind="gauge", place=LonLat(lon=100.0, lat=8.0),
                bank_m_msl=2.5, bed_m_msl=-1.5, watch_m_msl=1.0, warning_m_msl=1.5, danger_m_msl=2.0, interval_s=300,
                device_key=None, trust="simulated", layer="gauges",
            ),
        )
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        client.app.dependency_overrides[get_current_account] = lambda: account  # type: ignore[attr-defined]  # it is our FastAPI
        yield client


def _hear(*minutes_and_values: tuple[float, float]) -> None:
    with db.transaction() as session:
        readings = [IncomingReading("G1", NOW + timedelta(minutes=m), value, "m") for m, value in minutes_and_values]
        store_readings(session, readings, source="test")


def _judge(client: TestClient, minutes: float, flag: int, reason: str = "ดูจากกล้องแล้ว") -> Any:
    with db.transaction() as session:
        gauge_id = session.execute(sa.text("SELECT id FROM station")).scalar_one()
    at = (NOW + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")
    return client.post(f"/api/v1/gauges/{gauge_id}/readings/{at}/flag", json={"flag": flag, "reason": reason})


def _reading(minutes: float) -> Reading:
    with db.transaction() as session:
        found = session.scalars(sa.select(Reading).where(Reading.observed_at == NOW + timedelta(minutes=minutes))).one()
        session.expunge(found)
    return found


def test_an_override_keeps_the_value_the_tests_flag_and_who_said_why(officer: TestClient) -> None:
    """The newest level follows at once; the panel and the audit log name the officer and the reason."""
    _hear((-10, 0.4), (-5, 0.6))
    assert _judge(officer, -5, 4).status_code == 204
    judged = _reading(-5)
    assert (judged.value, judged.qc_flag, judged.qc_reason) == (0.6, 4, "officer")
    with db.transaction() as session:
        latest = session.scalars(sa.select(LatestReading)).one()
        assert (latest.good_value, latest.value, latest.qc_flag) == (0.4, 0.6, 4)
        audit = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "sensors.flag_overridden")).one()
        assert (audit.username, audit.detail["from"], audit.detail["to"]) == ("malee", 1, 4)
        gauge_id = audit.subject.split(":")[1]
    assert _judge(officer, -5, 3, "แก้อีกครั้ง").status_code == 204
    [told] = officer.get(f"/api/v1/gauges/{gauge_id}/readings").json()["overrides"]
    assert (told["flag"], told["tested_flag"], told["by"], told["reason"], told["value"]) == (
        3, 1, "มาลี", "แก้อีกครั้ง", 0.6,
    )
    with db.transaction() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(FlagOverride)) == 2
    things = officer.get("/sta/v1.1/Observations", params={"$filter": "result eq 0.6"}).json()["value"]
    assert (things[0]["resultQuality"]["qartod"], things[0]["resultQuality"]["reason"]) == (3, "officer")


def test_quality_control_does_not_take_an_override_back(officer: TestClient) -> None:
    """A spike seen one step later, and a late reading beside it, flag what is theirs and leave the officer's word."""
    _hear((-20, 0.40), (-15, 0.41), (-10, 1.60))
    assert _judge(officer, -10, 1, "ประตูน้ำเปิด").status_code == 204
    _hear((-5, 0.42))
    _hear((-12, 0.41))
    judged = _reading(-10)
    assert (judged.qc_flag, judged.qc_reason) == (1, "officer")
    assert judged.qc_tests != 0


def test_the_watch_believes_a_gauge_again_when_its_newest_reading_is_judged_good(officer: TestClient) -> None:
    """Three doubtful readings make a gauge untrusted; an officer's word on the newest ends it, on an older one not."""
    _hear((-30, 0.4), (-25, 0.4), (-15, 99.0), (-10, 99.0), (-5, 99.0))

    def condition() -> Condition:
        with db.transaction() as session:
            return Condition(session.scalars(sa.select(LevelStateRow.condition)).one())

    assert condition() is Condition.UNTRUSTED
    assert _judge(officer, -10, 1).status_code == 204
    assert condition() is Condition.UNTRUSTED
    assert _judge(officer, -5, 1).status_code == 204
    assert condition() is Condition.HEARD


def test_nobody_judges_without_a_reason_a_role_or_a_reading(officer: TestClient) -> None:
    """An empty reason, a flag of the machine's own, a time without a reading and a viewer are refused."""
    _hear((-5, 0.4))
    assert _judge(officer, -5, 4, "").status_code == 422
    assert _judge(officer, -5, 4, "   ").status_code == 422
    assert _judge(officer, -5, 9).status_code == 422
    assert _judge(officer, -6, 4).status_code == 404
    assert _judge(officer, -5, 4, "a\0b").status_code == 422
    viewer = AccountRef(id=1, username="v", display_name="v", roles=frozenset({"viewer"}), crew_code=None)
    officer.app.dependency_overrides[get_current_account] = lambda: viewer  # type: ignore[attr-defined]  # it is our FastAPI
    assert _judge(officer, -5, 4).status_code == 403
    assert _reading(-5).qc_flag == 1


def test_nobody_makes_a_level_of_what_no_water_can_be(officer: TestClient) -> None:
    """A number outside the gauge's range is not called good by anybody: charts and rules would follow it."""
    _hear((-5, 1e308))
    answer = _judge(officer, -5, 1)
    assert (answer.status_code, "G1" in answer.json()["detail"]) == (422, True)
    assert _reading(-5).qc_flag != 1
