"""SQL of pictures, and what they say of zones and spots. No raster library: the API samples depths with numpy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.settings import data_dir
from flood.depths import SpotDepth, depth_in, read_planes
from flood.errors import NoSuchRunError
from flood.models import FloodRoad, FloodRun, Zone, ZoneState
from flood.rules import Level, Settled
from gis import crs
from gis.points import LonLat
from gis.terrain.grid import Grid
from sensors.queries import current_levels


class Unknown(StrEnum):
    """Why no depth is known: before the first picture, without a usable gauge, no longer kept, off the known ground."""

    NO_PICTURE = "no-picture"
    NO_DATA = "no-data"
    NOT_KEPT = "not-kept"
    NO_GROUND = "no-ground"


@dataclass(frozen=True)
class CurrentZone:
    """A zone with what the newest picture says of it; `geometry` is GeoJSON in longitude and latitude."""

    id: int
    code: str
    name_th: str
    name_en: str
    version: int
    severity: int
    is_falling: bool
    depth_class: int
    wet_share: float
    depth_p50_m: float
    depth_p90_m: float
    confidence: float
    people: int
    people_method: str
    members: int
    homes: int
    vulnerable_homes: int
    roads_km: float
    roads_over_km: dict[str, float]
    facilities: dict[str, int]
    totals: dict[str, float]
    geometry: dict[str, Any]


@dataclass(frozen=True)
class RunCard:
    """A picture as a time line shows it, with the severity of its worst zone and the people who stand in water."""

    id: int
    computed_at: datetime
    valid_at: datetime
    horizon_min: int
    basis_run_id: int | None
    method: str
    confidence: float
    worst_severity: int
    people: int


@dataclass(frozen=True)
class ZoneChange:
    """A zone in two pictures: severity, share under water, depth in metres, people and homes in the water."""

    code: str
    name_th: str
    name_en: str
    severity: int
    other_severity: int
    wet_share: float
    other_wet_share: float
    depth_p50_m: float
    other_depth_p50_m: float
    people: int
    other_people: int
    homes: int
    other_homes: int


def levels(session: Session, *, now: datetime) -> list[Level]:
    """The newest level of every station that ever gave one, by id."""
    return [
        Level(
            station_id=found.station_id, code=found.code, level_m_msl=found.level_m_msl, observed_at=found.observed_at,
            state=found.state or 0, is_stale=found.is_stale, received_wall_at=found.received_wall_at,
            confidence=1.0 if found.confidence is None else found.confidence,
            trend_m_per_h=found.trend_m_per_h or 0.0,
        )
        for found in sorted(current_levels(session, now), key=lambda level: level.station_id)
    ]


def current_run(session: Session) -> FloodRun | None:
    """The newest picture of what is, None before the first."""
    observed = sa.select(FloodRun).where(FloodRun.horizon_min == 0)
    return session.scalars(observed.order_by(FloodRun.id.desc()).limit(1)).one_or_none()


def run_of(session: Session, run_id: int) -> FloodRun:
    """The picture of this number. Raises NoSuchRunError."""
    found = session.get(FloodRun, run_id)
    if found is None:
        raise NoSuchRunError(f"There is no flood picture {run_id}.")
    return found


def runs(session: Session, *, limit: int) -> list[RunCard]:
    """The newest pictures of what was and is, newest first, and the newest look ahead, nearest hour first."""
    observed = sa.select(FloodRun.id).where(FloodRun.horizon_min == 0).order_by(FloodRun.id.desc()).limit(limit)
    newest_basis = sa.select(sa.func.max(FloodRun.basis_run_id)).scalar_subquery()
    worst = (
        sa.select(sa.func.coalesce(sa.func.max(ZoneState.severity), 0))
        .where(ZoneState.run_id == FloodRun.id).scalar_subquery()
    )
    people = (
        sa.select(sa.func.coalesce(sa.func.sum(ZoneState.people), 0))
        .where(ZoneState.run_id == FloodRun.id).scalar_subquery()
    )
    rows = session.execute(
        sa.select(
            FloodRun.id, FloodRun.computed_at, FloodRun.valid_at, FloodRun.horizon_min, FloodRun.basis_run_id,
            FloodRun.method, FloodRun.confidence, worst, people,
        )
        .where(sa.or_(FloodRun.id.in_(observed), FloodRun.basis_run_id == newest_basis))
        .order_by(FloodRun.horizon_min > 0, FloodRun.horizon_min, FloodRun.id.desc())
    )
    return [RunCard(*row) for row in rows]


def newest_look_ahead(session: Session) -> list[FloodRun]:
    """The newest pictures of the hours to come, nearest hour first."""
    newest_basis = sa.select(sa.func.max(FloodRun.basis_run_id)).scalar_subquery()
    drawn = sa.select(FloodRun).where(FloodRun.basis_run_id == newest_basis)
    return list(session.scalars(drawn.order_by(FloodRun.horizon_min)))


def last_look_ahead_at(session: Session) -> datetime | None:
    """When the hours to come were last drawn (city time), None before the first time."""
    return session.scalar(sa.select(sa.func.max(FloodRun.computed_at)).where(FloodRun.horizon_min > 0))


def has_looked_ahead(session: Session, *, basis_run_id: int, horizon_min: int) -> bool:
    """The picture so many minutes after that one has been drawn."""
    drawn = sa.select(FloodRun.id).where(FloodRun.basis_run_id == basis_run_id, FloodRun.horizon_min == horizon_min)
    return session.scalar(sa.select(sa.exists(drawn))) or False


def changes_between(session: Session, *, run_id: int, other_run_id: int) -> list[ZoneChange]:
    """Each zone that either picture knows, with what the other one adds to it; by code."""
    rows = session.execute(
        sa.text(
            "SELECT z.code, z.name_th, z.name_en, coalesce(a.severity, 0), coalesce(b.severity, 0), "
            "coalesce(a.wet_share, 0), coalesce(b.wet_share, 0), coalesce(a.depth_p50_m, 0), "
            "coalesce(b.depth_p50_m, 0), coalesce(a.people, 0), coalesce(b.people, 0), coalesce(a.homes, 0), "
            "coalesce(b.homes, 0) FROM zone z "
            "LEFT JOIN zone_state a ON a.zone_id = z.id AND a.run_id = :one "
            "LEFT JOIN zone_state b ON b.zone_id = z.id AND b.run_id = :other "
            "WHERE a.run_id IS NOT NULL OR b.run_id IS NOT NULL ORDER BY z.code"
        ),
        {"one": run_id, "other": other_run_id},
    )
    return [ZoneChange(*row) for row in rows]


def settled_by_zone(session: Session, run_id: int) -> dict[int, Settled]:
    """What a picture holds of each zone's severity."""
    rows = session.execute(
        sa.select(
            ZoneState.zone_id,
            ZoneState.severity,
            ZoneState.lower_severity,
            ZoneState.lower_since_at,
            ZoneState.lower_runs,
            ZoneState.calls_for,
            ZoneState.falling_to,
        ).where(ZoneState.run_id == run_id)
    )
    return {
        zone_id: Settled(severity, lower, since, runs, calls_for, falling_to)
        for zone_id, severity, lower, since, runs, calls_for, falling_to in rows
    }


def settled_by_code(session: Session, run_id: int) -> dict[str, Settled]:
    """What a picture holds of each zone's severity, by the zone's code."""
    settled = settled_by_zone(session, run_id)
    rows = session.execute(sa.select(Zone.id, Zone.code).where(Zone.id.in_(list(settled))))
    return {code: settled[zone_id] for zone_id, code in rows}


def current_zones(session: Session) -> list[CurrentZone]:
    """Every zone with what the newest picture says of it; severity 0 and nothing wet before the first picture."""
    run = current_run(session)
    return zones_of(session, run.id if run else None)


def zones_of(session: Session, run_id: int | None) -> list[CurrentZone]:
    """Every zone with what this picture says of it; nothing is wet in one that it says nothing of."""
    rows = session.execute(
        sa.text(
            "SELECT z.id, z.code, z.name_th, z.name_en, z.version, "
            "coalesce(s.severity, 0), s.falling_to IS NOT NULL, coalesce(s.depth_class, 0), "
            "coalesce(s.wet_share, 0), coalesce(s.depth_p50_m, 0), coalesce(s.depth_p90_m, 0), "
            "coalesce(s.confidence, 0), coalesce(s.people, 0), coalesce(s.people_method, ''), coalesce(s.members, 0), "
            "coalesce(s.homes, 0), coalesce(s.vulnerable_homes, 0), coalesce(s.roads_km, 0), "
            "coalesce(s.roads_over_km, '{}'), coalesce(s.facilities, '{}'), coalesce(s.totals, '{}'), "
            "ST_AsGeoJSON(z.geom, 6)::json "
            "FROM zone z LEFT JOIN zone_state s ON s.zone_id = z.id AND s.run_id = :run_id "
            "WHERE NOT z.is_retired ORDER BY z.code"
        ),
        {"run_id": run_id},
    )
    return [CurrentZone(*row) for row in rows]


def polygons(session: Session, run_id: int) -> list[tuple[int, dict[str, Any]]]:
    """(depth class, GeoJSON geometry rounded to 6 decimals) of a picture, shallow first."""
    rows = session.execute(
        sa.text(
            "SELECT depth_class, ST_AsGeoJSON(geom, 6) FROM flood_polygon WHERE run_id = :run_id ORDER BY depth_class"
        ),
        {"run_id": run_id},
    )
    return [(depth_class, json.loads(geometry)) for depth_class, geometry in rows]


def depth_at(session: Session, place: LonLat) -> float | None:
    """The depth of the newest picture at a place, metres: 0.0 on dry ground; on a canal, that of its bank.

    None where nothing is known: before the first picture, outside the terrain, or while no gauge can be used.
    """
    found = spot_at(session, current_run(session), place)
    return found.depth_m if found else None


def depths_at(session: Session, places: Sequence[LonLat]) -> list[float | None]:
    """The depth of the newest picture at each of many places, as `depth_at`."""
    run = current_run(session)
    return [spot.depth_m if isinstance(spot, SpotDepth) else None for spot in _spots(run, places)]


def spot_at(session: Session, run: FloodRun | None, place: LonLat) -> SpotDepth | None:
    """What a picture says of a place, with its doubt; None where nothing is known or no longer kept."""
    found = spot_or_why(session, run, place)
    return None if isinstance(found, Unknown) else found


def spot_or_why(session: Session, run: FloodRun | None, place: LonLat) -> SpotDepth | Unknown:
    """What a picture says of a place, with its doubt, or why it says nothing."""
    return _spots(run, [place])[0]


def _spots(run: FloodRun | None, places: Sequence[LonLat]) -> list[SpotDepth | Unknown]:
    if run is None:
        return [Unknown.NO_PICTURE] * len(places)
    if run.depth_path is None or run.grid is None:
        return [Unknown.NO_DATA] * len(places)
    grid = Grid(**run.grid)
    lonlat = np.array([(place.lon, place.lat) for place in places]).reshape(-1, 2)
    # PROJ gives infinity where it knows no metres, half the world away from the city: that is off every grid.
    cells = grid.cells_at(*crs.transformer(4326, grid.srid).transform(*lonlat.T))
    try:
        planes = read_planes(data_dir() / run.depth_path)
    except (OSError, ValueError, EOFError):  # Gone, or cut off by a full disk.
        return [Unknown.NOT_KEPT] * len(places)
    return [depth_in(planes, int(cell)) or Unknown.NO_GROUND for cell in cells]


def ground_outline(run: FloodRun) -> dict[str, Any] | None:
    """Where the picture's terrain reaches to, GeoJSON; None of a picture without one."""
    if run.grid is None:
        return None
    outline = shapely.set_precision(crs.outline(Grid(**run.grid)), 1e-6)
    return dict(shapely.geometry.mapping(outline))


def keeps_depths(run: FloodRun) -> bool:
    """The depth of every cell of the picture is still there; older pictures keep outlines and zones alone."""
    return run.depth_path is not None and (data_dir() / run.depth_path).is_file()


def depth_planes(session: Session, run_id: int) -> tuple[Path, Grid] | None:
    """The file of a picture's depths (`flood.depths`) and their grid; None where they are not, or no longer, kept."""
    run = session.get(FloodRun, run_id)
    if run is None or run.depth_path is None or run.grid is None:
        return None
    path = data_dir() / run.depth_path
    return (path, Grid(**run.grid)) if path.is_file() else None


def had_depths(session: Session, run_id: int) -> bool:
    """The picture knew the depth of every cell once, whether or not that is still kept."""
    run = session.get(FloodRun, run_id)
    return run is not None and run.depth_path is not None


def runs_with_depth(session: Session, most: int) -> list[int]:
    """The newest pictures whose depths are kept, newest first, of at most so many."""
    asked = (
        sa.select(FloodRun.id, FloodRun.depth_path).where(FloodRun.depth_path.is_not(None))
        .order_by(FloodRun.id.desc()).limit(most)
    )
    return [run_id for run_id, path in session.execute(asked) if path and (data_dir() / path).is_file()]


def flooded_roads(session: Session) -> list[tuple[int, float]]:
    """(road id, greatest depth in metres) of the roads under water in the newest picture; never a bridge."""
    newest = sa.select(sa.func.max(FloodRun.id)).where(FloodRun.horizon_min == 0).scalar_subquery()
    rows = session.execute(sa.select(FloodRoad.road_id, FloodRoad.max_depth_m).where(FloodRoad.run_id == newest))
    return [(road_id, depth_m) for road_id, depth_m in rows]


def lonlat_shape(wkb: bytes, *, srid: int) -> sa.ColumnElement[Any]:
    """A metric shape as a MultiPolygon in longitude and latitude, for a statement that stores it."""
    metric = sa.func.ST_GeomFromWKB(wkb, srid)
    return sa.func.ST_Multi(sa.func.ST_Transform(metric, 4326))


def carry_over(session: Session, *, from_run_id: int, to_run_id: int) -> None:
    """What a picture held of zones and roads is held by the next one too, with no confidence left."""
    runs = {"old": from_run_id, "new": to_run_id}
    columns = [c.name for c in ZoneState.__table__.columns if c.name not in {"run_id", "confidence"}]
    kept = ", ".join(columns)
    session.execute(
        sa.text(
            f"INSERT INTO zone_state (run_id, confidence, {kept}) "  # noqa: S608 - names of our own columns
            f"SELECT :new, 0, {kept} FROM zone_state WHERE run_id = :old"
        ),
        runs,
    )
    session.execute(
        sa.text(
            "INSERT INTO flood_road (run_id, road_id, max_depth_m) "
            "SELECT :new, road_id, max_depth_m FROM flood_road WHERE run_id = :old"
        ),
        runs,
    )
