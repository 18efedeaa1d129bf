"""The live picture of the flood and the zones, for the officer's map."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from api.deps import CurrentAccount, SessionDep
from flood import queries
from flood.models import FloodRun
from gis.points import LonLat

router = APIRouter(tags=["flood"])

BIGGEST_ID = 2**63 - 1
RunId = Annotated[int, Path(ge=1, le=BIGGEST_ID)]


class FeatureCollection(BaseModel):
    """GeoJSON, longitude and latitude to 6 decimals."""

    type: str = "FeatureCollection"
    features: list[dict[str, Any]]


class FloodPicture(BaseModel):
    """A picture; without one, or without usable gauges, `method` is `no-data` and there are no polygons.

    `valid_at` is the moment that it is of: that of its drawing, or `horizon_min` minutes after its basis. `not_counted`
    are homes and people who stand in no zone, and so in no figure of any.
    """

    run_id: int | None
    computed_at: datetime | None
    valid_at: datetime | None
    horizon_min: int
    method: str
    reason: str | None
    confidence: float
    levels: list[dict[str, Any]]
    not_counted: dict[str, int]
    polygons: FeatureCollection


class RunOut(BaseModel):
    """A picture on the time line: past and present ones have `horizon_min` 0, those of hours to come their `basis`."""

    run_id: int
    computed_at: datetime
    valid_at: datetime
    horizon_min: int
    basis_run_id: int | None
    method: str
    confidence: float
    worst_severity: int
    people: int


class RunsOut(BaseModel):
    """The newest pictures, newest first, then the newest look ahead, nearest hour first."""

    runs: list[RunOut]


class ZoneChangeOut(BaseModel):
    """A zone in two pictures: here and in the other."""

    code: str
    name: dict[str, str]
    severity: tuple[int, int]
    wet_share: tuple[float, float]
    depth_p50_m: tuple[float, float]
    people: tuple[int, int]
    homes: tuple[int, int]


class ComparisonOut(BaseModel):
    """Two pictures beside each other; every pair is (this, the other)."""

    run_id: int
    other_run_id: int
    valid_at: tuple[datetime, datetime]
    zones: list[ZoneChangeOut]


class Depth(BaseModel):
    """The depth at a place, metres: best estimate, 90th percentile, and the probability of water at all.

    All three are None where nothing is known.
    """

    lon: float
    lat: float
    depth_m: float | None
    likely_m: float | None
    chance: float | None
    run_id: int | None
    computed_at: datetime | None


@router.get("/flood/current")
def read_current_flood(session: SessionDep, account: CurrentAccount) -> FloodPicture:
    """The newest picture of the flood."""
    run = queries.current_run(session)
    if run is None:
        nothing = FeatureCollection(features=[])
        return FloodPicture(
            run_id=None, computed_at=None, valid_at=None, horizon_min=0, method="no-data", reason=None, confidence=0.0,
            levels=[], not_counted={}, polygons=nothing,
        )
    return _picture(session, run)


@router.get("/flood/runs")
def list_runs(
    session: SessionDep, account: CurrentAccount, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> RunsOut:
    """The pictures of the past and the present, and of the hours to come, for a time line."""
    return RunsOut(
        runs=[
            RunOut(
                run_id=card.id, computed_at=card.computed_at, valid_at=card.valid_at, horizon_min=card.horizon_min,
                basis_run_id=card.basis_run_id, method=card.method, confidence=card.confidence,
                worst_severity=card.worst_severity, people=card.people,
            )
            for card in queries.runs(session, limit=limit)
        ]
    )


@router.get("/flood/runs/{run_id}")
def read_run(session: SessionDep, account: CurrentAccount, run_id: RunId) -> FloodPicture:
    """One picture by its number."""
    return _picture(session, queries.run_of(session, run_id))


@router.get("/flood/runs/{run_id}/zones")
def read_run_zones(session: SessionDep, account: CurrentAccount, run_id: RunId) -> FeatureCollection:
    """Every zone with what this picture says of it."""
    run = queries.run_of(session, run_id)
    return FeatureCollection(features=[_feature(zone) for zone in queries.zones_of(session, run.id)])


@router.get("/flood/runs/{run_id}/compare/{other_run_id}")
def compare_runs(
    session: SessionDep, account: CurrentAccount, run_id: RunId, other_run_id: RunId
) -> ComparisonOut:
    """Two pictures zone by zone: what the other adds or takes away."""
    one, other = queries.run_of(session, run_id), queries.run_of(session, other_run_id)
    changes = queries.changes_between(session, run_id=one.id, other_run_id=other.id)
    return ComparisonOut(
        run_id=one.id, other_run_id=other.id, valid_at=(one.valid_at, other.valid_at),
        zones=[
            ZoneChangeOut(
                code=change.code, name={"th": change.name_th, "en": change.name_en},
                severity=(change.severity, change.other_severity), wet_share=(change.wet_share, change.other_wet_share),
                depth_p50_m=(change.depth_p50_m, change.other_depth_p50_m),
                people=(change.people, change.other_people), homes=(change.homes, change.other_homes),
            )
            for change in changes
        ],
    )


@router.get("/flood/depth")
def read_depth(
    session: SessionDep,
    account: CurrentAccount,
    lon: Annotated[float, Query(ge=-180, le=180)],
    lat: Annotated[float, Query(ge=-90, le=90)],
    run_id: Annotated[int | None, Query(ge=1, le=BIGGEST_ID)] = None,
) -> Depth:
    """The depth at a place in this picture, in the newest one where none is named."""
    run = queries.current_run(session) if run_id is None else queries.run_of(session, run_id)
    spot = queries.spot_at(session, run, LonLat(lon=lon, lat=lat))
    return Depth(
        lon=lon,
        lat=lat,
        depth_m=spot.depth_m if spot else None,
        likely_m=spot.likely_m if spot else None,
        chance=spot.chance if spot else None,
        run_id=run.id if run else None,
        computed_at=run.computed_at if run else None,
    )


@router.get("/zones")
def read_zones(session: SessionDep, account: CurrentAccount) -> FeatureCollection:
    """Every zone with what the newest picture says of it."""
    return FeatureCollection(features=[_feature(zone) for zone in queries.current_zones(session)])


def _picture(session: SessionDep, run: FloodRun) -> FloodPicture:
    features = [
        {"type": "Feature", "geometry": geometry, "properties": {"depth_class": depth_class}}
        for depth_class, geometry in queries.polygons(session, run.id)
    ]
    return FloodPicture(
        run_id=run.id, computed_at=run.computed_at, valid_at=run.valid_at, horizon_min=run.horizon_min,
        method=run.method, reason=run.reason, confidence=run.confidence, levels=list(run.levels.values()),
        not_counted=run.not_counted, polygons=FeatureCollection(features=features),
    )


def _feature(zone: queries.CurrentZone) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": zone.id,
        "geometry": zone.geometry,
        "properties": {
            "id": zone.id,
            "code": zone.code,
            "name": {"th": zone.name_th, "en": zone.name_en},
            "version": zone.version,
            "severity": zone.severity,
            "is_falling": zone.is_falling,
            "depth_class": zone.depth_class,
            "wet_share": zone.wet_share,
            "depth_p50_m": zone.depth_p50_m,
            "depth_p90_m": zone.depth_p90_m,
            "confidence": zone.confidence,
            "people": zone.people,
            "people_method": zone.people_method,
            "members": zone.members,
            "homes": zone.homes,
            "vulnerable_homes": zone.vulnerable_homes,
            "roads_km": zone.roads_km,
            "roads_over_km": zone.roads_over_km,
            "facilities": zone.facilities,
            "totals": zone.totals,
        },
    }
