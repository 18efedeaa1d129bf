"""The live picture of the flood and the zones, for the officer's map."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from api.deps import CurrentAccount, SessionDep
from flood import queries
from gis.points import LonLat

router = APIRouter(tags=["flood"])


class FeatureCollection(BaseModel):
    """GeoJSON, longitude and latitude to 6 decimals."""

    type: str = "FeatureCollection"
    features: list[dict[str, Any]]


class FloodPicture(BaseModel):
    """The newest picture; without one, or without usable gauges, `method` is `no-data` and there are no polygons."""

    run_id: int | None
    computed_at: datetime | None
    method: str
    reason: str | None
    confidence: float
    levels: list[dict[str, Any]]
    polygons: FeatureCollection


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
            run_id=None, computed_at=None, method="no-data", reason=None, confidence=0.0, levels=[], polygons=nothing
        )
    features = [
        {"type": "Feature", "geometry": geometry, "properties": {"depth_class": depth_class}}
        for depth_class, geometry in queries.polygons(session, run.id)
    ]
    return FloodPicture(
        run_id=run.id,
        computed_at=run.computed_at,
        method=run.method,
        reason=run.reason,
        confidence=run.confidence,
        levels=list(run.levels.values()),
        polygons=FeatureCollection(features=features),
    )


@router.get("/flood/depth")
def read_depth(
    session: SessionDep,
    account: CurrentAccount,
    lon: Annotated[float, Query(ge=-180, le=180)],
    lat: Annotated[float, Query(ge=-90, le=90)],
) -> Depth:
    """The depth of the newest picture at a place."""
    run = queries.current_run(session)
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
