"""Gauges and their readings: for the officer's map, and the way in for devices that speak HTTP."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import AwareDatetime, BaseModel, Field

from api.bodies import OnceRoute
from api.deps import CurrentAccount, SessionDep, needs
from cctv.queries import camera_ids_by_station
from core import clock
from core.errors import InvalidInputError, NotFoundError
from sensors import actions, history, overriding, queries
from sensors.health import GaugeHealth, healths
from sensors.payloads import json_of, row_of
from sensors.rules import Flag
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["sensors"])

Officer = Annotated[AccountRef, Depends(needs("officer", "approver", "admin"))]
BODY_LIMIT_BYTES = 1_000_000
ROWS_LIMIT = 5000


class GaugeFeatures(BaseModel):
    """GeoJSON: every station that measures the water's level, levels in metres above mean sea level."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[dict[str, Any]]


class Point(BaseModel):
    """One reading: when, how much, its QARTOD flag, and codes of why it is in doubt: the gravest and all tests."""

    observed_at: datetime
    value: float | None
    qc_flag: int
    qc_reason: str | None
    qc_tests: list[str]


class OverrideOut(BaseModel):
    """A reading that an officer judged otherwise than its tests, which had said `tested_flag`."""

    observed_at: datetime
    value: float | None
    flag: int
    reason: str
    by: str
    made_at: datetime
    tested_flag: int
    tested_reason: str | None


class Judged(BaseModel):
    """An officer's judgement of a reading: good (1), suspect (3) or unusable (4), and why."""

    flag: Literal[1, 3, 4]
    reason: str = Field(min_length=1, max_length=overriding.LONGEST_REASON)


class History(BaseModel):
    """A gauge's readings, oldest first.

    Where there are many, `bucket_s` says of how many seconds each the lowest and highest are here, good and doubtful
    ones by themselves, and `stored` how many there are in truth. Points further apart than `gap_after_s` have silence
    between them.
    """

    gauge_id: int
    readings: list[Point]
    stored: int
    bucket_s: float | None
    gap_after_s: float
    overrides: list[OverrideOut]


class RainStation(BaseModel):
    """The rain gauge nearest to a gauge."""

    id: int
    code: str
    name: dict[str, str]
    trust: str
    distance_m: int


class RainHour(BaseModel):
    """The rain of an hour; the least that fell where not all of the hour was measured."""

    from_at: datetime
    rain_mm: float
    is_whole: bool


class Rain(BaseModel):
    """The rain near a gauge by the hour, oldest first; no station where none is near. Unheard hours are absent."""

    gauge_id: int
    station: RainStation | None
    hours: list[RainHour]


class RowResult(BaseModel):
    """What became of one row; `reason` is a code and `detail` a sentence where it is not stored as good."""

    row: int
    status: Literal["stored", "flagged", "repeated", "refused"]
    reason: str | None = None
    detail: str | None = None


class Intake(BaseModel):
    """The answer to a batch, row by row; `stored` counts the rows that are new in the table, flagged ones too."""

    stored: int
    rows: list[RowResult]


def gauge_feature(
    card: queries.GaugeCard, *, camera_id: int | None, health: GaugeHealth
) -> dict[str, Any]:
    """A gauge as a GeoJSON feature; its condition is ok, late, lost or untrusted."""
    return {
        "type": "Feature",
        "id": card.station_id,
        "geometry": {"type": "Point", "coordinates": [round(card.place.lon, 6), round(card.place.lat, 6)]},
        "properties": {
            "id": card.station_id,
            "code": card.code,
            "name": {"th": card.name_th, "en": card.name_en},
            "kind": card.kind,
            "level_m_msl": card.level_m_msl,
            "observed_at": card.observed_at,
            "state": card.state if card.level_m_msl is not None else None,
            "is_stale": card.is_stale,
            "trend_m_per_h": card.trend_m_per_h,
            "bank_m_msl": card.bank_m_msl,
            "thresholds": {"watch": card.watch_m_msl, "warning": card.warning_m_msl, "danger": card.danger_m_msl},
            "qc_flag": card.qc_flag,
            "qc_reason": card.qc_reason,
            "confidence": card.confidence,
            "trust": card.trust,
            "camera_id": camera_id,
            "condition": health.condition,
            "condition_since_at": health.since_at,
            "last_heard_at": health.last_heard_at,
            "last_good_at": card.observed_at,
            "interval_s": health.interval_s,
            "declared_interval_s": health.declared_s,
            "is_interval_learnt": health.is_interval_learnt,
        },
    }


def gauge_features(session: SessionDep, now: datetime) -> list[dict[str, Any]]:
    """Every gauge and camera as it stands at `now`, by code."""
    cameras, cards = camera_ids_by_station(session), queries.gauges(session, now)
    known = healths(session, now)
    return [
        gauge_feature(card, camera_id=cameras.get(card.station_id), health=known[card.datastream_id])
        for card in cards if card.datastream_id in known  # One may have been removed in between.
    ]


@router.get("/gauges", summary="Every gauge as it stands now")
def list_gauges(session: SessionDep, account: CurrentAccount) -> GaugeFeatures:
    """Levels, states, trends and doubts of all gauges and cameras, and how far each is to be believed."""
    return GaugeFeatures(features=gauge_features(session, clock.now()))


Hours = Annotated[float, Query(gt=0, le=168)]


@router.get("/gauges/{gauge_id}/readings", summary="A gauge's history")
def list_readings(gauge_id: int, session: SessionDep, account: CurrentAccount, hours: Hours = 12) -> History:
    """The readings of the last hours (at most a week), good and doubtful ones, each with its flag and why.

    There are at most some 2,000: of more, the lowest and the highest of each stretch are given.
    """
    now = clock.now()
    since = now - timedelta(hours=hours)
    found = history.history(session, gauge_id, since=since, now=now)
    if found is None:
        raise NotFoundError(f"There is no gauge {gauge_id}.")
    return History(
        gauge_id=gauge_id,
        readings=[
            Point(observed_at=p.observed_at, value=p.value, qc_flag=p.qc_flag, qc_reason=p.reason, qc_tests=p.doubts)
            for p in found.points
        ],
        stored=found.stored,
        bucket_s=found.bucket_s,
        gap_after_s=found.gap_after_s,
        overrides=[OverrideOut(**asdict(one)) for one in history.overrides(session, found.datastream_id, since=since)],
    )


@router.post(
    "/gauges/{gauge_id}/readings/{observed_at}/flag", summary="Judge a reading", status_code=204,
    responses={404: {"description": "There is no such gauge, or no reading of this time."}},
)
def judge_reading(
    gauge_id: int, observed_at: AwareDatetime, judged: Judged, session: SessionDep, account: Officer
) -> None:
    """An officer's flag stands in the place of the tests' one, with its reason; the value itself never changes."""
    overriding.override_flag(
        session, gauge_id, observed_at=observed_at, flag=Flag(judged.flag), reason=judged.reason, by=account
    )


@router.get("/gauges/{gauge_id}/rain", summary="The rain near a gauge")
def list_rain(gauge_id: int, session: SessionDep, account: CurrentAccount, hours: Hours = 12) -> Rain:
    """The hourly sums of the nearest rain gauge; an empty list where none is near."""
    now = clock.now()
    if queries.gauge(session, gauge_id, now) is None:
        raise NotFoundError(f"There is no gauge {gauge_id}.")
    near = history.rain_nearby(session, gauge_id, since=now - timedelta(hours=hours))
    if near is None:
        return Rain(gauge_id=gauge_id, station=None, hours=[])
    return Rain(
        gauge_id=gauge_id,
        station=RainStation(
            id=near.station_id, code=near.code, name={"th": near.name_th, "en": near.name_en}, trust=near.trust,
            distance_m=round(near.distance_m),
        ),
        hours=[RainHour(from_at=h.from_at, rain_mm=round(h.rain_mm, 2), is_whole=h.is_whole) for h in near.hours],
    )


async def _rows(request: Request) -> list[Any]:
    raw = bytearray()
    async for piece in request.stream():
        raw += piece
        if len(raw) > BODY_LIMIT_BYTES:
            raise InvalidInputError(f"The body is larger than {BODY_LIMIT_BYTES} bytes; send smaller batches.")
    try:
        content = json_of(bytes(raw))
    except ValueError as fault:
        raise InvalidInputError(f"The body {fault}.") from None
    if not isinstance(content, list) or len(content) > ROWS_LIMIT:
        raise InvalidInputError(f"The body must be a list of at most {ROWS_LIMIT} readings.")
    return content


@router.post("/readings", summary="Readings from a device")
def receive_readings(
    contents: Annotated[list[Any], Depends(_rows)],
    session: SessionDep,
    x_device_key: Annotated[str | None, Header()] = None,
) -> Intake:
    """Each row is stored once, flagged or refused, and answered by itself; 401 where no key is that of a station."""
    wall = clock.wall_now()
    rows = [row_of(content, topic_code=None, device_key=x_device_key, received_wall_at=wall) for content in contents]
    # Strangers leave nothing behind: what is kept of refused rows must not become a way to fill the disk.
    actions.check_device_keys(session, {x_device_key or "", *(row.device_key or "" for row in rows)})
    answers = actions.store_device_rows(session, rows, source="http")
    counts = Counter(answer.status for answer in answers)
    return Intake(
        stored=counts["stored"] + counts["flagged"],
        rows=[RowResult(row=a.row, status=a.status, reason=a.reason, detail=a.detail) for a in answers],
    )
