"""What the flood room does: draw the picture anew, and cut the city into zones that can flood."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock, events
from core.logs import get_logger
from core.settings import data_dir
from flood import belief, queries, rules, standing
from flood.depths import write_depths
from flood.events import FloodRedrawn, ZoneSeverityChanged
from flood.models import FloodPolygon, FloodRoad, FloodRun, Zone, ZoneState
from gis.crs import STORED_SRID, transformer
from residents import queries as residents
from sensors.forecasts import ExpectedLevel, expected_levels

if TYPE_CHECKING:
    from flood.exposed import ZoneFacts
    from flood.ground import Ground
    from flood.picture import Picture

log = get_logger("flood")

METHOD = "canal-network"
NO_DATA = "no-data"
# Older ones keep polygons and zones, not the depth of every cell and road; of hours to come, two looks ahead.
PICTURES_KEPT_WHOLE = 50
AHEAD_KEPT_WHOLE = 2 * len(rules.HORIZONS_MIN)
DRAWING_LOCK = 0x0F100D  # One picture at a time: severities build on the one before.


@dataclass(frozen=True)
class Trigger:
    """What a picture answers to: the datastream (None for a batch) and the real time its newest reading arrived."""

    datastream_id: int | None = None
    received_wall_at: datetime | None = None


UNTRIGGERED = Trigger()


def draw(session: Session, *, now: datetime, trigger: Trigger = UNTRIGGERED) -> FloodRun:
    """The picture of the flood at the newest levels is stored, and told by FloodRedrawn and ZoneSeverityChanged.

    Gauges that are stale, or whose level is not believed, are left out and lower the confidence; without any usable
    gauge the picture says `no-data` and why, and every zone keeps its severity. Raises NoTerrainError, and
    MixedDatumsError naming gauges that count from different zeros.
    """
    # The kernels are heavy, and only the process that draws may load them.
    from flood.ground import ground_of

    started_s = time.perf_counter()
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(DRAWING_LOCK)))
    ground = ground_of(session)
    previous = queries.current_run(session)
    levels = belief.judged(
        queries.levels(session, now=now), ground.terrain.sites, drawn=previous.levels if previous else {}
    )
    _tell_doubts(levels)
    on_map = {gauge.station_id for gauge in ground.terrain.gauges}
    usable = {level.station_id: level.level_m_msl for level in levels if level.is_usable and level.station_id in on_map}
    if not usable:
        return draw_nothing(session, now=now, reason=_why_nothing(levels), levels=levels, trigger=trigger)
    return _draw_water(session, ground, levels, usable, now=now, trigger=trigger, started_s=started_s)


def _tell_doubts(levels: Sequence[rules.Level]) -> None:
    for level in levels:
        if level.doubt is not None and not level.is_stale:
            log.warning("flood.level_not_believed", gauge=level.code, level_m_msl=level.level_m_msl, doubt=level.doubt)


def _why_nothing(levels: Sequence[rules.Level]) -> str:
    doubted = [f"{level.code} ({level.level_m_msl:.2f} m)" for level in levels if level.doubt and not level.is_stale]
    if not doubted:
        return "No gauge has a fresh level."
    return f"No gauge has a fresh level that can be believed; not believed: {', '.join(doubted)}."


def draw_nothing(
    session: Session, *, now: datetime, reason: str, levels: Sequence[rules.Level], trigger: Trigger = UNTRIGGERED
) -> FloodRun:
    """A picture that says `no-data` and why; zones keep their severity and roads their water: silence is not safety."""
    previous = queries.current_run(session)
    run = _new_run(session, levels, now=now, trigger=trigger, method=NO_DATA, reason=reason)
    if previous is not None:
        queries.carry_over(session, from_run_id=previous.id, to_run_id=run.id)
    events.publish(session, _redrawn(run, queries.settled_by_code(session, run.id)))
    log.warning("flood.no_data", run_id=run.id)
    return run


def look_ahead(session: Session, *, basis_run_id: int, horizon_min: int, now: datetime) -> FloodRun | None:
    """The picture so many minutes after the basis stands beside it, its levels as forecast, else carried on by trends.

    Its zones have the severity of that picture alone, and nobody is told of it as of a fact. None where it has been
    drawn before, or the basis knew no water. Raises NoSuchRunError, NoTerrainError, MixedDatumsError.
    """
    from flood.ground import ground_of

    started_s = time.perf_counter()
    basis = queries.run_of(session, basis_run_id)
    if basis.method != METHOD or queries.has_looked_ahead(session, basis_run_id=basis_run_id, horizon_min=horizon_min):
        return None
    ground = ground_of(session)
    hours, sites = horizon_min / 60, ground.terrain.sites
    on_map = [level for level in queries.levels(session, now=now) if level.station_id in sites]
    known = belief.judged(on_map, sites, drawn=basis.levels)
    told = expected_levels(session, at=basis.valid_at + timedelta(minutes=horizon_min), now=now)
    ahead = [_ahead(level, told.get(level.station_id), hours=hours) for level in known if level.is_usable]
    # What is not believed now, or would not be then, is in no picture to come, but named in it.
    levels = [*(belief.judged_ahead(level, sites) for level, _ in ahead), *(one for one in known if one.doubt)]
    usable = {level.station_id: level.level_m_msl for level in levels if level.is_usable}
    if not usable:
        return None
    drawing = _Drawing(
        ground=ground, levels=levels, usable=usable,
        sigma_m={level.station_id: sigma_m for level, sigma_m in ahead}, started_s=started_s,
    )
    run = _new_run(session, levels, now=now, trigger=UNTRIGGERED, method=METHOD, reason=None)
    run.horizon_min, run.basis_run_id = horizon_min, basis_run_id
    run.valid_at = basis.valid_at + timedelta(minutes=horizon_min)
    zones = _fill(session, run, drawing)
    fading = rules.CONFIDENCE_PER_HOUR**hours
    run.confidence = round(run.confidence * fading, 3)
    for zone in zones:
        faded = replace(zone, confidence=round(zone.confidence * fading, 3))
        session.add(_state(run.id, faded, rules.Settled(severity=rules.severity_of(zone.evidence))))
    session.flush()
    log.info("flood.looked_ahead", run_id=run.id, basis=basis_run_id, horizon_min=horizon_min, wall_s=run.wall_s)
    return run


def _ahead(level: rules.Level, told: ExpectedLevel | None, *, hours: float) -> tuple[rules.Level, float]:
    if told is None:
        return rules.level_ahead(level, hours=hours)
    return rules.level_told(
        level, expected_m_msl=told.level_m_msl, low_m_msl=told.low_m_msl, high_m_msl=told.high_m_msl,
        nominal=told.nominal, forecaster=told.forecaster,
    )


@dataclass(frozen=True, eq=False)
class _Drawing:
    """What a picture is drawn of: the ground, all levels, those that can be used by station id, and their doubts."""

    ground: Ground
    levels: Sequence[rules.Level]
    usable: dict[int, float]
    sigma_m: dict[int, float]
    started_s: float


def _draw_water(
    session: Session, ground: Ground, levels: Sequence[rules.Level], usable: dict[int, float], *,
    now: datetime, trigger: Trigger, started_s: float,
) -> FloodRun:
    previous = queries.current_run(session)
    run = _new_run(session, levels, now=now, trigger=trigger, method=METHOD, reason=None)
    drawing = _Drawing(ground=ground, levels=levels, usable=usable, sigma_m={}, started_s=started_s)
    zones = _fill(session, run, drawing)
    before = queries.settled_by_zone(session, previous.id) if previous else {}
    settled = _store_states(session, run, zones, before)
    session.flush()
    events.publish(session, _redrawn(run, settled))
    worst = max((zone.severity for zone in settled.values()), default=0)
    log.info("flood.redrawn", run_id=run.id, wall_s=run.wall_s, gauges=len(usable), worst=worst)
    return run


def _fill(session: Session, run: FloodRun, drawing: _Drawing) -> list[ZoneFacts]:
    """The run has its depths, polygons and roads; returns what it means for each zone."""
    from flood.exposed import deepest_roads, facts_by_zone, not_counted
    from flood.picture import picture_of

    ground = drawing.ground
    picture = picture_of(ground.terrain, drawing.usable, sigma_m=drawing.sigma_m)
    zones = facts_by_zone(ground, picture, {level.station_id: level for level in drawing.levels})
    run.grid = ground.terrain.grid.as_json()
    run.depth_path = _keep_depths(session, run, picture, ground)
    run.not_counted = not_counted(ground)
    run.confidence = _confidence(zones, fresh=len(drawing.usable), known=len(ground.terrain.gauges))
    _store_polygons(session, run.id, picture, srid=ground.terrain.grid.srid)
    _store_roads(session, run, deepest_roads(ground, picture))
    run.wall_s = round(time.perf_counter() - drawing.started_s, 3)
    return zones


def _new_run(
    session: Session, levels: Sequence[rules.Level], *, now: datetime, trigger: Trigger, method: str, reason: str | None
) -> FloodRun:
    run = FloodRun(
        computed_at=now, computed_wall_at=clock.wall_now(), trigger_datastream_id=trigger.datastream_id,
        trigger_received_wall_at=trigger.received_wall_at, method=method, reason=reason,
        levels={str(level.station_id): _as_json(level) for level in levels}, wall_s=0.0, confidence=0.0,
        horizon_min=0, valid_at=now,
    )
    session.add(run)
    session.flush()
    return run


def _as_json(level: rules.Level) -> dict[str, Any]:
    times = {name: getattr(level, name) for name in ("observed_at", "received_wall_at", "believed_at")}
    return asdict(level) | {name: at.isoformat() if at else None for name, at in times.items()}


def _redrawn(run: FloodRun, settled: Mapping[str, rules.Settled]) -> FloodRedrawn:
    return FloodRedrawn(
        run_id=run.id, trigger_received_wall_at=run.trigger_received_wall_at,
        severity_by_zone={code: zone.severity for code, zone in settled.items()},
        falling_by_zone={code: zone.falling_to for code, zone in settled.items() if zone.falling_to is not None},
        is_without_data=run.method == NO_DATA,
    )


def _confidence(zones: Sequence[ZoneFacts], *, fresh: int, known: int) -> float:
    """The mean confidence of the zones; without zones, as much as the share of gauges that are fresh allows."""
    if not zones:
        return round(rules.CONFIDENCE_AT_BEST * fresh / max(known, 1), 3)
    return round(float(np.mean([zone.confidence for zone in zones])), 3)


def _keep_depths(session: Session, run: FloodRun, picture: Picture, ground: Ground) -> str:
    """The depths are in a file of the data folder, old ones are gone; returns its path."""
    folder = data_dir() / "flood"
    folder.mkdir(exist_ok=True)
    # Two databases may share a data folder, and both have a run 1.
    database = hashlib.sha256(str(session.get_bind().engine.url).encode()).hexdigest()[:8]
    kind, most = ("ahead", AHEAD_KEPT_WHOLE) if run.horizon_min else ("run", PICTURES_KEPT_WHOLE)
    path = folder / f"{kind}_{run.id}_{database}.npy"
    write_depths(path, ground.terrain.grid, picture.depth_m, picture.likely_m, picture.chance)
    kept = sorted(folder.glob(f"{kind}_*_{database}.npy"), key=_run_id_of)
    for old in kept[:-most]:
        old.unlink(missing_ok=True)
    return str(path.relative_to(data_dir()))


def _run_id_of(path: Path) -> int:
    return int(path.name.split("_")[1])


def _store_polygons(session: Session, run_id: int, picture: Picture, *, srid: int) -> None:
    for depth_class, shape in sorted(picture.outlines.items()):
        geom = queries.lonlat_shape(shape.wkb, srid=srid)
        session.add(FloodPolygon(run_id=run_id, depth_class=depth_class, geom=geom))
    session.flush()


def _store_roads(session: Session, run: FloodRun, roads: Sequence[tuple[int, float]]) -> None:
    """The roads in the water stand with the picture; those of pictures whose depths are no longer kept are gone."""
    if roads:
        session.execute(
            sa.insert(FloodRoad),
            [{"run_id": run.id, "road_id": road_id, "max_depth_m": depth_m} for road_id, depth_m in roads],
        )
    is_ahead = run.horizon_min > 0
    alike = FloodRun.horizon_min > 0 if is_ahead else FloodRun.horizon_min == 0
    most = AHEAD_KEPT_WHOLE if is_ahead else PICTURES_KEPT_WHOLE
    oldest = sa.select(FloodRun.id).where(alike).order_by(FloodRun.id.desc()).offset(most - 1).limit(1)
    gone = sa.delete(FloodRoad).where(
        FloodRoad.run_id < oldest.scalar_subquery(), FloodRoad.run_id == FloodRun.id, alike
    )
    session.execute(gone, execution_options={"synchronize_session": False})


def _store_states(
    session: Session, run: FloodRun, zones: Sequence[ZoneFacts], before: dict[int, rules.Settled]
) -> dict[str, rules.Settled]:
    """Each zone's state is stored, its severity settled; returns what settled by code, changes are published."""
    settled_by_code = {}
    for zone in zones:
        previous = before.get(zone.zone_id)
        settled = rules.settle(previous, rules.severity_of(zone.evidence), now=run.computed_at, has_data=zone.has_data)
        session.add(_state(run.id, zone, settled))
        settled_by_code[zone.code] = settled
        if settled.severity != (previous.severity if previous else 0):
            change = ZoneSeverityChanged(
                run_id=run.id, zone_id=zone.zone_id, zone_code=zone.code,
                from_severity=previous.severity if previous else 0, to_severity=settled.severity,
                trigger_received_wall_at=run.trigger_received_wall_at,
            )
            events.publish(session, change)
    session.flush()
    return settled_by_code


def _state(run_id: int, zone: ZoneFacts, settled: rules.Settled) -> ZoneState:
    return ZoneState(
        run_id=run_id, zone_id=zone.zone_id, severity=settled.severity, lower_severity=settled.lower_severity,
        lower_since_at=settled.lower_since_at, lower_runs=settled.lower_runs, calls_for=settled.calls_for,
        falling_to=settled.falling_to, depth_class=zone.depth_class,
        wet_share=round(zone.evidence.wet_share, 4), depth_p50_m=zone.depth_p50_m, depth_p90_m=zone.depth_p90_m,
        confidence=zone.confidence, people=zone.people, people_method=zone.people_method, members=zone.members,
        homes=zone.homes, vulnerable_homes=zone.vulnerable_homes, roads_km=zone.roads_over_km["0.0"],
        roads_over_km=zone.roads_over_km, facilities=zone.facilities, totals=zone.totals, gauges=zone.gauges,
    )


def make_zones(session: Session) -> int:
    """The city has its zones: the ground of each community that water could reach; returns how many.

    Codes are stable (`Z-<community code>`); a zone whose shape changed gets a new version and keeps its old parts for
    the alerts that name them; zones that are no more are retired. Raises NoTerrainError, MixedDatumsError.
    """
    from flood.ground import terrain_of
    from flood.zoning import zone_shapes

    terrain = terrain_of(session)
    communities = standing.community_shapes(session, srid=terrain.grid.srid)
    places = residents.register(session).places
    homes = transformer(STORED_SRID, terrain.grid.srid).transform(places.lon, places.lat)
    shapes = zone_shapes(terrain, [community.wkb for community in communities], homes)
    kept = set()
    for number, wkb in shapes.items():
        community = communities[number]
        kept.add(_keep_zone(session, community, queries.lonlat_shape(wkb, srid=terrain.grid.srid)))
    session.execute(sa.update(Zone).where(Zone.code.not_in(kept)).values(is_retired=True))
    log.info("flood.zones_made", zones=len(kept))
    return len(kept)


def _keep_zone(session: Session, community: standing.Community, geom: sa.ColumnElement[Any]) -> str:
    """The zone of this community has this shape; its version counts up only where the shape is another."""
    code = f"Z-{community.code}"
    zone = session.scalar(sa.select(Zone).where(Zone.code == code))
    names = {"name_th": community.name_th, "name_en": community.name_en, "area_id": community.id}
    if zone is None:
        zone = Zone(code=code, version=1, geom=geom, is_retired=False, **names)
        session.add(zone)
    else:
        session.execute(sa.update(Zone).where(Zone.id == zone.id).values(is_retired=False, **names))
        if session.scalar(sa.select(sa.func.ST_OrderingEquals(Zone.geom, geom)).where(Zone.id == zone.id)):
            return code
        zone.version, zone.geom = zone.version + 1, geom
    session.flush()
    standing.subdivide(session, zone_id=zone.id, version=zone.version)
    return code
