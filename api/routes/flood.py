"""The live picture of the flood and the zones, for the officer's map."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field

from api.bodies import OnceRoute
from api.deps import CurrentAccount, SessionDep, needs
from flood import area, queries
from flood.models import FloodRun
from gis.points import LonLat
from staff import actions as staff_actions
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["flood"])

BIGGEST_ID = 2**63 - 1
RunId = Annotated[int, Path(ge=1, le=BIGGEST_ID)]
Officer = Annotated[AccountRef, Depends(needs("officer", "approver", "dispatcher", "admin"))]


class FeatureCollection(BaseModel):
    """GeoJSON, longitude and latitude to 6 decimals."""

    type: str = "FeatureCollection"
    features: list[dict[str, Any]]


class FloodPicture(BaseModel):
    """A picture; without one, or without usable gauges, `method` is `no-data` and there are no polygons.

    `valid_at` is the moment that it is of: that of its drawing, or `horizon_min` minutes after its basis. `not_counted`
    are homes and people who stand in no zone, and so in no figure of any. A level with a `doubt` is not believed and
    draws no water. Older pictures keep outlines and zones, but no depth of every spot: `has_depths` is false then.
    `ground` outlines the terrain: beyond it nothing is known, which does not mean dry; null without a terrain.
    """

    run_id: int | None
    computed_at: datetime | None
    valid_at: datetime | None
    horizon_min: int
    method: str
    reason: str | None
    confidence: float
    levels: list[dict[str, Any]]
    has_depths: bool
    not_counted: dict[str, int]
    ground: dict[str, Any] | None
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

    All three are None where nothing is known, which is not dry; `unknown` says why: `no-picture` yet, `no-data` of
    gauges, depths `not-kept` of an older picture, or `no-ground` known there.
    """

    lon: float
    lat: float
    depth_m: float | None
    likely_m: float | None
    chance: float | None
    unknown: queries.Unknown | None
    run_id: int | None
    computed_at: datetime | None


class Outline(BaseModel):
    """A GeoJSON polygon: rings of longitude and latitude in degrees, at most 500 corners in all."""

    type: Literal["Polygon"]
    coordinates: Annotated[
        list[Annotated[list[tuple[float, float]], Field(max_length=area.MOST_VERTICES + 1)]],
        Field(min_length=1, max_length=50),
    ]


class AreaAsked(BaseModel):
    """An area, and the picture it is asked of: the newest where none is named."""

    polygon: Outline
    run_id: Annotated[int | None, Field(ge=1, le=BIGGEST_ID)] = None


class PartOut(BaseModel):
    """So many of so many stand in the water; `wet` is None where it is unknown."""

    wet: float | None
    total: float


class MembersPartOut(BaseModel):
    """The same for what belongs to members: None also stands for one or two (`is_few`), who could be told by name."""

    wet: int | None
    is_few_wet: bool
    total: int | None
    is_few: bool


class DrawnAreaOut(BaseModel):
    """What lies in a drawn area; `wet_m2` and `roads_wet_km` by depth class, None where nothing is known of water.

    `people` are the registered ones, spread over houses, streets or bare ground (`people_by`); None without a register.
    """

    run_id: int | None
    valid_at: datetime | None
    horizon_min: int
    method: str
    confidence: float
    area_m2: float
    wet_m2: dict[int, float] | None
    homes: MembersPartOut
    vulnerable_homes: MembersPartOut
    members: MembersPartOut
    people: PartOut | None
    people_by: dict[str, int]
    roads_km: float
    roads_wet_km: dict[int, float] | None
    facilities: dict[str, PartOut]


@router.get("/flood/current")
def read_current_flood(session: SessionDep, account: CurrentAccount) -> FloodPicture:
    """The newest picture of the flood."""
    run = queries.current_run(session)
    if run is None:
        nothing = FeatureCollection(features=[])
        return FloodPicture(
            run_id=None, computed_at=None, valid_at=None, horizon_min=0, method="no-data", reason=None, confidence=0.0,
            levels=[], has_depths=False, not_counted={}, ground=None, polygons=nothing,
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
    found = queries.spot_or_why(session, run, LonLat(lon=lon, lat=lat))
    spot = None if isinstance(found, queries.Unknown) else found
    return Depth(
        lon=lon,
        lat=lat,
        depth_m=spot.depth_m if spot else None,
        likely_m=spot.likely_m if spot else None,
        chance=spot.chance if spot else None,
        unknown=found if isinstance(found, queries.Unknown) else None,
        run_id=run.id if run else None,
        computed_at=run.computed_at if run else None,
    )


@router.post("/flood/area", summary="What lies in a drawn area")
def count_in_area(session: SessionDep, account: Officer, asked: AreaAsked) -> DrawnAreaOut:
    """What the area holds and what of it is under water; every look is in the audit log, for it counts residents."""
    run = queries.current_run(session) if asked.run_id is None else queries.run_of(session, asked.run_id)
    rings = [[LonLat(lon=lon, lat=lat) for lon, lat in ring] for ring in asked.polygon.coordinates]
    found = area.exposure_in(session, rings, run=run)
    staff_actions.record(
        session, account=account, action="area.counted", subject=f"flood_run:{run.id if run else '-'}",
        detail={"area_m2": round(found.area_m2), "corner": [round(rings[0][0].lon, 4), round(rings[0][0].lat, 4)]},
    )
    return _area(found, run)


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
        has_depths=queries.keeps_depths(run), not_counted=run.not_counted,
        ground=queries.ground_outline(run), polygons=FeatureCollection(features=features),
    )


def _area(found: area.AreaExposure, run: FloodRun | None) -> DrawnAreaOut:
    is_known = found.homes.wet is not None
    return DrawnAreaOut(
        run_id=run.id if run else None, valid_at=run.valid_at if run else None,
        horizon_min=run.horizon_min if run else 0, method=run.method if run else "no-data",
        confidence=run.confidence if run else 0.0, area_m2=round(found.area_m2, 1),
        wet_m2={one: round(m2, 1) for one, m2 in found.wet_m2.items()} if is_known else None,
        homes=_members(found.homes), vulnerable_homes=_members(found.vulnerable_homes),
        members=_members(found.members), people=found.people and PartOut.model_validate(vars(found.people)),
        people_by=found.people_by, roads_km=round(found.roads_km, 3),
        roads_wet_km={one: round(km, 3) for one, km in found.roads_wet_km.items()} if is_known else None,
        facilities={kind: PartOut.model_validate(vars(one)) for kind, one in found.facilities.items()},
    )


def _members(part: area.Part) -> MembersPartOut:
    wet, total = area.told(part.wet), area.told(part.total)
    return MembersPartOut(
        wet=wet, is_few_wet=wet is None and part.wet is not None, total=total, is_few=total is None
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
