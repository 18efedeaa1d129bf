"""The rulebook over HTTP: who may write, what a dry run says, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from api.deps import get_current_account
from core import clock, db
from gis.points import LonLat
from sensors.actions import IncomingReading, NewStation, register_station, store_readings
from sensors.rulebook import trying
from sensors.watch.documents import parse_rule
from sensors.watch.dry_run import dry_run
from sensors.watch.signals import Reading
from staff.rules import AccountRef
from tests.accounts import add_account

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
LEVEL = {"kind": "level", "streams": ["A"], "watch": 1.0, "warning": 1.5}
SWINGING = [1.02 if step % 2 else 0.98 for step in range(12)]


class House:
    """An API with one gauge of twelve readings, and whoever is signed in."""

    def __init__(self) -> None:
        with db.transaction() as session:
            self.accounts = {role: add_account(session, role, roles=[role]) for role in ("officer", "approver")}
            register_station(
                session,
                NewStation(
                    code="A", name_th="ท่าวัง", name_en="Tha Wang", kind="gauge", place=LonLat(lon=99.96, lat=8.43),
                    bank_m_msl=2.5, bed_m_msl=-0.5, watch_m_msl=1.0, warning_m_msl=1.5, danger_m_msl=2.0,
                    interval_s=600, device_key=None, trust="simulated", layer="gauges",
                ),
            )
            given = [IncomingReading("A", self.at(step), value, "m") for step, value in enumerate(SWINGING)]
            store_readings(session, given, source="test")
        app = create_app()
        app.dependency_overrides[get_current_account] = lambda: self.account
        self.account: AccountRef = self.accounts["approver"]
        self.client = TestClient(app, raise_server_exceptions=False)

    @staticmethod
    def at(step: int) -> datetime:
        """When the reading of this step was taken."""
        return NOW - timedelta(minutes=10 * (12 - step))

    def put(self, code: str, document: dict[str, Any], *, based_on: int = 0, reason: str = "lower bridge") -> Any:
        """The answer to a new version."""
        body = {"document": document, "based_on_version": based_on, "reason": reason}
        return self.client.put(f"/api/v1/rules/{code}", json=body)

    def try_out(self, document: dict[str, Any], **what: Any) -> Any:
        """The answer to a dry run."""
        return self.client.post("/api/v1/rules/dry-run", json={"document": document, **what})


@pytest.fixture(scope="module")
def house(module_database: sa.Engine) -> Iterator[House]:
    clock.freeze(lambda: NOW)
    yield House()
    clock.freeze(None)


@pytest.fixture(autouse=True)
def _as_approver(house: House) -> None:
    house.account = house.accounts["approver"]


def _record() -> dict[str, str]:
    return {"since": (NOW - timedelta(days=1)).isoformat(), "until": NOW.isoformat()}


def test_a_dry_run_over_http_is_the_pure_one(house: House) -> None:
    """Out of the database or out of the body, the changes are those of the machine, beside the naive crossings."""
    document = {**LEVEL, "timing": {"interval_s": 600, "late_after_s": 1800, "lost_after_s": 3600}}
    readings = [Reading("A", house.at(step), value) for step, value in enumerate(SWINGING)]
    rule = parse_rule({"code": "dry-run", **document, "version": 1})
    pure = dry_run(rule, readings, trying.ticks_of(readings, until=None))
    given = [{"stream": one.stream, "at": one.at.isoformat(), "value": one.value} for one in readings]
    by_body = house.try_out(document, readings=given)
    assert by_body.status_code == 200, by_body.text
    told = by_body.json()
    assert [(one["kind"], datetime.fromisoformat(one["at"]), one["to_state"]) for one in told["changes"]] == [
        (str(one.kind), one.at, int(one.to_state)) for one in pure
    ]
    assert (told["state_changes"], told["naive_crossings"], told["readings"]) == (1, 11, 12)
    assert [point["value"] for point in told["points"]] == SWINGING
    of_record = house.try_out(document, since=house.at(0).isoformat(), until=house.at(11).isoformat()).json()
    assert of_record == told


def test_a_dry_run_keeps_nothing(house: House) -> None:
    """Who only tries has changed nothing: neither rules nor states."""
    before = house.client.get("/api/v1/rules").json()
    assert house.try_out({**LEVEL, "watch": 0.2}, **_record()).json()["changes"]
    assert house.client.get("/api/v1/rules").json() == before


def test_the_list_shows_thresholds_until_somebody_writes_a_rule(house: House) -> None:
    """Version 0 is nobody's; a written version takes its place, and retirement gives it back."""
    [shown] = house.client.get("/api/v1/rules").json()["rules"]
    assert (shown["code"], shown["version"], shown["made_by"]) == ("level/A", 0, None)
    assert shown["document"]["danger"] == 2.0
    kept = house.put("level/A", {**LEVEL, "watch": 0.9})
    assert kept.json() == {"code": "level/A", "version": 1, "keeps_state": True, "warnings": []}
    [shown] = house.client.get("/api/v1/rules").json()["rules"]
    assert (shown["version"], shown["made_by"], shown["reason"]) == (1, "Approver", "lower bridge")
    assert house.put("level/A", LEVEL).status_code == 409
    retired = house.client.post("/api/v1/rules/level/A/retire", json={"based_on_version": 1, "reason": "test is over"})
    assert retired.json() == {"code": "level/A", "version": 2}
    history = house.client.get("/api/v1/rules/level/A").json()
    assert [(one["version"], one["is_active"]) for one in history["versions"]] == [(2, False), (1, True), (0, True)]
    assert [one["version"] for one in house.client.get("/api/v1/rules").json()["rules"]] == [0]
    assert house.client.get("/api/v1/rules/none").status_code == 404
    again = house.put("level/A", LEVEL)  # The thresholds that the list shows are what was looked at.
    assert (again.status_code, again.json()["version"]) == (200, 3)
    assert house.put("level/A", LEVEL).status_code == 409
    house.client.post("/api/v1/rules/level/A/retire", json={"based_on_version": 3, "reason": "test is over"})


def test_officers_may_try_and_approvers_write(house: House) -> None:
    """Changing what alarms a city is the work of who answers for alarms, and has a reason."""
    house.account = house.accounts["officer"]
    assert house.try_out(LEVEL, **_record()).status_code == 200
    assert house.put("mine", LEVEL).status_code == 403
    refused = house.client.post("/api/v1/rules/mine/retire", json={"based_on_version": 1, "reason": "why"})
    assert refused.status_code == 403
    house.account = house.accounts["approver"]
    empty = house.put("mine", LEVEL, reason="  ")
    assert (empty.status_code, "'reason'" in empty.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("document", "what", "named"),
    [
        ({**LEVEL, "watch": "high"}, _record(), "'watch'"),
        ({**LEVEL, "wacht": 1.0}, _record(), "'wacht'"),
        ({**LEVEL, "streams": ["B"]}, _record(), "'streams' names 'B'"),
        ({**LEVEL, "code": "level/B"}, _record(), "'code'"),
        (LEVEL, {"since": NOW.isoformat(), "until": NOW.isoformat()}, "'until'"),
        (LEVEL, {"since": "2026-01-01T00:00:00Z", "until": NOW.isoformat()}, "31 days"),
        (LEVEL, {"since": "2026-11-20T00:00:00", "until": NOW.isoformat()}, "since: a time must say its time zone"),
        ({**LEVEL, "timing": {"hold_s": 1e9}}, _record(), "at most 2,592,000 s (30 days)"),
        (LEVEL, {"since": "2569-11-20T00:00:00Z", "until": "2569-11-21T00:00:00Z"}, "since"),
        (LEVEL, {}, "give either"),
        (LEVEL, {"readings": [], **_record()}, "give either"),
        (LEVEL, {"readings": [{"stream": "A", "at": NOW.isoformat(), "value": 1e400}]}, "value"),
        (LEVEL, {"readings": [{"stream": "A", "at": NOW.isoformat(), "value": 1, "flag": 7}]}, "flag"),
    ],
)
def test_what_cannot_be_tried_is_a_problem_that_names_the_field(
    house: House, document: dict[str, Any], what: dict[str, Any], named: str
) -> None:
    """RFC 9457, with a sentence: an officer can mend what is named."""
    answer = house.client.post(
        "/api/v1/rules/dry-run", content=json.dumps({"document": document, **what}),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert named in answer.json()["detail"]


def test_a_dry_run_is_bounded() -> None:
    """Neither many readings nor a long look back can hold the house up: both are refused before the work."""
    day = {"kind": "rate_of_rise", "streams": ["A"], "watch": 1, "within_s": 86400}
    rule = parse_rule({"code": "r", "version": 1, **day})
    minutely = [Reading("A", NOW + timedelta(seconds=10 * step), 1.0) for step in range(20_000)]
    with pytest.raises(trying.InvalidInputError, match="looks back too far"):
        trying.try_on(rule, minutely)
    with pytest.raises(trying.InvalidInputError, match="more than 200,000"):
        trying.try_on(rule, minutely * 11)
    far = [minutely[0], Reading("A", NOW + timedelta(days=20_000), 1.0)]
    assert len(trying.ticks_of(far, until=None)) <= trying.MOST_TICKS


def test_peaks_stay_in_the_picture_of_many_readings() -> None:
    """Of each stretch the lowest and the highest are drawn, so that no excursion is averaged away."""
    rule = parse_rule({"code": "r", "version": 1, **LEVEL})
    values = [9.0 if step == 7777 else 0.5 for step in range(10_000)]
    readings = [Reading("A", NOW + timedelta(minutes=step), value) for step, value in enumerate(values)]
    points = trying.picture_points(trying.try_on(rule, readings))
    assert len(points) <= trying.MOST_POINTS
    assert max(point.value for point in points) == 9.0
