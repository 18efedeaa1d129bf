"""What stands still while the water moves, as arrays, kept in this process as long as the city stays the same.

Heavy (rasterio, scipy): only the flood job and the import need it, never the API.
"""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from core.errors import InvalidInputError
from core.settings import data_dir
from flood import rules, standing
from flood.belief import Site
from flood.errors import NoTerrainError
from flood.methods import WaterOver, water_over
from flood.rules import GaugeSite
from gis.crs import STORED_SRID, transformer
from gis.exposure import RoadPieces, road_pieces
from gis.queries import PeoplePlaces, people_places
from gis.terrain.grid import OUTSIDE, Cells, Floats, Grid, Heights, Mask
from gis.terrain.network import Network, Reach, network_of, reach_of, snap
from gis.terrain.raster import labelled_by, read_terrain, touched_by, with_sunken_sides
from residents import queries as residents
from residents.queries import Register

Numbers = NDArray[np.intp]
HOLDS_WITHIN_M = 500.0  # Assumed: so near the ways between gauges a level is known; farther off, water may cross.
BANK_LOOK_M = 60.0  # The middle height of the ground so near a gauge is held against its marks, or stands for its bank.


@dataclass(frozen=True, eq=False)
class Places:
    """Points as cells, each with the number of its zone (`OUTSIDE` for none)."""

    cell: Cells
    zone: Numbers


@dataclass(frozen=True, eq=False)
class Homes(Places):
    """Member homes with whose they are and whether somebody there needs help."""

    resident: NDArray[np.int64]
    is_vulnerable: Mask


@dataclass(frozen=True, eq=False)
class People(Places):
    """Registered people, spread over where they may live: how many at each place; `legend` says how and who is not."""

    count: Floats
    legend: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Zones:
    """The zones, their cells on land, and how much each gauge decides the water there (zones x gauges, at most 1)."""

    rows: tuple[standing.ZoneRow, ...]
    cells: tuple[Cells, ...]
    of_cell: Numbers
    gauge_share: Floats
    gauge_way_m: Floats
    people_per_home: Floats


@dataclass(frozen=True, eq=False)
class Terrain:
    """The ground and its channels, and the ways from these to the water on that.

    `channel` are the channel cells and `bank` the cell nearest to each that is no channel. `gauges` are those that the
    water is drawn from; `sites`, by station id, holds besides them those whose marks lie nowhere near the ground.
    """

    grid: Grid
    datum: str
    heights_m: Heights
    is_channel: Mask
    channel: Cells
    bank: Cells
    water: WaterOver
    network: Network
    gauges: tuple[GaugeSite, ...]
    sites: Mapping[int, Site]
    stands_at: Numbers
    bank_m: Floats


@dataclass(frozen=True, eq=False)
class Town:
    """Zones, roads, facilities and people on their cells; `people` is None where no register tells how many."""

    zones: Zones
    road_ids: tuple[int, ...]
    roads: RoadPieces
    road_zone: Numbers
    facility_kinds: tuple[str, ...]
    facilities: Places
    people: People | None


@dataclass(frozen=True, eq=False)
class Ground:
    """Terrain, and who and what stands on it."""

    terrain: Terrain
    town: Town
    homes: Homes

    @property
    def zones(self) -> Zones:
        """The town's zones."""
        return self.town.zones


T = TypeVar("T")
_lock = threading.Lock()
_kept: dict[str, tuple[str, Any]] = {}


def ground_of(session: Session) -> Ground:
    """The ground of the city as it is now; each part is built once for each of its versions. Raises NoTerrainError."""
    version = standing.ground_version(session)
    zones_version = f"{version.terrain}|{version.zones}"
    with _lock:
        terrain = _once("terrain", version.terrain, lambda: terrain_of(session))
        # Residents register homes all day: these alone are read anew.
        register = _once("register", f"{version.terrain}|{version.homes}", lambda: residents.register(session))
        town = _once("town", zones_version, lambda: _town(session, terrain, register))
        homes_version = f"{zones_version}|{version.homes}"
        homes = _once("homes", homes_version, lambda: _homes(register, terrain.grid, town.zones.rows))
        return Ground(terrain=terrain, town=town, homes=homes)


def _once(name: str, version: str, build: Callable[[], T]) -> T:
    known = _kept.get(name)
    if known is None or known[0] != version:
        known = _kept[name] = (version, build())
    return cast(T, known[1])


@functools.lru_cache(maxsize=16)
def reach_from(terrain: Terrain, usable: tuple[int, ...]) -> Reach:
    """What the gauges with these numbers say about each channel cell."""
    return reach_of(terrain.network, terrain.stands_at[list(usable)])


def _town(session: Session, terrain: Terrain, register: Register) -> Town:
    grid, zones = terrain.grid, _zones(session, terrain, register)
    road_rows = standing.road_shapes(session, srid=grid.srid)
    roads = road_pieces(grid, _shapes([wkb for _, wkb in road_rows]))
    facility_rows = standing.facility_places(session, srid=grid.srid)
    return Town(
        zones=zones,
        road_ids=tuple(road_id for road_id, _ in road_rows),
        roads=roads,
        road_zone=_zone_at(roads.cell, zones.of_cell),
        facility_kinds=tuple(kind for kind, _, _ in facility_rows),
        facilities=_facilities(grid, zones.of_cell, facility_rows),
        people=_people(grid, zones.of_cell, people_places(session)),
    )


def terrain_of(session: Session) -> Terrain:
    """The terrain, its channels and its gauges. Raises NoTerrainError, or MixedDatumsError naming who disagrees."""
    land = _land(session)
    grid, is_channel = land.grid, land.is_channel
    gauges = tuple(site.gauge for site in land.sites.values() if site.doubt is None)
    east_m, north_m = np.array([g.x_m for g in gauges]), np.array([g.y_m for g in gauges])
    network = network_of(grid, is_channel)
    strays = grid.cells_at(east_m, north_m)[snap(network, east_m, north_m) < 0]
    if strays.size:  # A gauge far from every waterway measures a water of its own, at its own cell.
        is_channel.ravel()[strays] = True
        network = network_of(grid, is_channel)
    return _with_water(land, network=network, gauges=gauges, stands_at=snap(network, east_m, north_m))


def unused_gauges(session: Session) -> tuple[list[Site], list[str]]:
    """The gauges that no picture will show: those whose marks lie nowhere near the ground, and the codes of those that
    stand off the terrain. Raises as `terrain_of`.
    """
    land = _land(session)
    codes = [site.code for site in standing.gauge_sites(session, srid=land.grid.srid)]
    on_map = {site.gauge.code for site in land.sites.values()}
    return [s for s in land.sites.values() if s.doubt is not None], [code for code in codes if code not in on_map]


@dataclass(frozen=True, eq=False)
class _Land:
    """Heights, channels and the gauges' surroundings, before the water's ways are sought."""

    grid: Grid
    datum: str
    heights_m: Heights
    is_channel: Mask
    sites: Mapping[int, Site]


def _land(session: Session) -> _Land:
    file = standing.terrain(session)
    if file is None:
        raise NoTerrainError("The city has no terrain layer, so it cannot be said where the water stands.")
    try:
        grid, heights_m = read_terrain(_path_of(file.path))
    except InvalidInputError as exc:
        raise NoTerrainError(f"{exc.detail} Import the city's terrain again.") from exc
    gauges = _gauges_on(grid, standing.gauge_sites(session, srid=grid.srid))
    rules.check_datums(gauges, terrain_datum=file.datum)
    is_channel = touched_by(grid, _shapes(standing.waterway_shapes(session, srid=grid.srid)))
    is_channel = with_sunken_sides(is_channel, heights_m)
    sites = {gauge.station_id: Site(gauge, _ground_m(gauge, grid, heights_m, is_channel)) for gauge in gauges}
    return _Land(grid=grid, datum=file.datum, heights_m=heights_m, is_channel=is_channel, sites=sites)


def _with_water(
    land: _Land, *, network: Network, gauges: tuple[GaugeSite, ...], stands_at: Numbers
) -> Terrain:
    """The terrain of these heights and channels, with gauges that stand at cells of the network."""
    grid, heights_m, is_channel = land.grid, land.heights_m, land.is_channel
    channel = np.flatnonzero(is_channel).astype(np.int32)
    bank = _banks(is_channel)[channel]
    return Terrain(
        grid=grid, datum=land.datum, heights_m=heights_m, is_channel=is_channel, channel=channel, bank=bank,
        water=water_over(grid, heights_m, holds=_holding(grid, network, stands_at), channel=channel, bank=bank),
        network=network, gauges=gauges, sites=land.sites, stands_at=stands_at,
        bank_m=np.array([_bank_m(land.sites[gauge.station_id]) for gauge in gauges]),
    )


def _holding(grid: Grid, network: Network, stands_at: Numbers) -> Mask:
    """Channels whose level the gauges know: they keep it and let no other water across, also while one is silent."""
    holds = np.zeros(grid.size, dtype=bool)
    if stands_at.size:
        reach = reach_of(network, stands_at)
        held: Cells = network.cells[(reach.beyond_m <= HOLDS_WITHIN_M) & (reach.weights.sum(axis=1) > 0.5)]
        holds[held] = True
    return holds.reshape(grid.shape)


def _path_of(text: str) -> Path:
    path = Path(text)
    return path if path.is_absolute() else data_dir() / path


def _gauges_on(grid: Grid, sites: Sequence[GaugeSite]) -> tuple[GaugeSite, ...]:
    is_on = grid.cells_at(np.array([s.x_m for s in sites]), np.array([s.y_m for s in sites])) != OUTSIDE
    return tuple(site for site, stays in zip(sites, is_on, strict=True) if stays)


def _shapes(wkb: Sequence[bytes]) -> list[BaseGeometry]:
    return [shapely.from_wkb(shape) for shape in wkb]


def _banks(is_channel: Mask) -> Cells:
    if is_channel.all():
        return np.arange(is_channel.size, dtype=np.int32)
    row, column = distance_transform_edt(is_channel, return_distances=False, return_indices=True)
    banks: Cells = (row * is_channel.shape[1] + column).ravel().astype(np.int32)
    return banks


def _bank_m(site: Site) -> float:
    if site.gauge.bank_m_msl is not None:
        return site.gauge.bank_m_msl
    return site.ground_m if math.isfinite(site.ground_m) else float("inf")


def _ground_m(gauge: GaugeSite, grid: Grid, heights_m: Heights, is_channel: Mask) -> float:
    row, column = divmod(int(grid.cells_at(np.array([gauge.x_m]), np.array([gauge.y_m]))[0]), grid.columns)
    reach = max(round(BANK_LOOK_M / grid.cell_m), 1)
    window = np.s_[max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1]
    near_m = heights_m[window][~is_channel[window]]
    near_m = near_m[np.isfinite(near_m)]
    return float(np.median(near_m)) if near_m.size else float("nan")


def _zones(session: Session, terrain: Terrain, register: Register) -> Zones:
    grid = terrain.grid
    rows = tuple(standing.zone_rows(session, srid=grid.srid))
    labels = labelled_by(grid, _shapes([row.wkb for row in rows]))
    of_cell = labels.ravel().astype(np.intp) - 1
    land = np.where(terrain.is_channel.ravel() | ~np.isfinite(terrain.heights_m.ravel()), OUTSIDE, of_cell)
    order = np.argsort(land, kind="stable")
    ends = np.searchsorted(land[order], np.arange(len(rows) + 1))
    cells = tuple(order[ends[n] : ends[n + 1]].astype(np.int32) for n in range(len(rows)))
    share, way_m = _gauge_shares(terrain, cells)
    homes = _homes_by_area(session, register) if any(row.population for row in rows) else {}
    return Zones(
        rows=rows, cells=cells, of_cell=of_cell, gauge_share=share, gauge_way_m=way_m,
        people_per_home=np.array(
            [rules.people_per_home(row.population, homes.get(row.area_id or 0, 0)) for row in rows], dtype=np.float64
        ),
    )


def _gauge_shares(terrain: Terrain, zone_cells: Sequence[Cells]) -> tuple[Floats, Floats]:
    """For each zone the mean weights of the gauges at the channel cells nearest to its land, and the way to them."""
    share = np.zeros((len(zone_cells), len(terrain.gauges)))
    way_m = np.full(len(zone_cells), np.inf)
    if not terrain.gauges:
        return share, way_m
    reach = reach_from(terrain, tuple(range(len(terrain.gauges))))
    row, column = distance_transform_edt(~terrain.is_channel, return_distances=False, return_indices=True)
    number = np.zeros(terrain.grid.size, dtype=np.intp)
    number[terrain.network.cells] = np.arange(terrain.network.cells.size)
    nearest = number[(row * terrain.grid.columns + column).ravel()]
    for zone, cells in enumerate(zone_cells):
        if cells.size:
            share[zone] = reach.weights[nearest[cells]].mean(axis=0)
            way_m[zone] = reach.nearest_m[nearest[cells]].mean()
    return share, way_m


def _homes_by_area(session: Session, register: Register) -> dict[int, int]:
    """How many member homes each community holds."""
    communities = standing.community_shapes(session, srid=STORED_SRID)
    return {row.id: int(register.places.within(shapely.from_wkb(row.wkb)).sum()) for row in communities}


def _homes(register: Register, grid: Grid, zones: Sequence[standing.ZoneRow]) -> Homes:
    """The homes on their cells and in their zones; one on a common border counts once, in the first of its zones."""
    places = register.places
    zone = np.full(places.lon.size, OUTSIDE, dtype=np.intp)
    for number, row in reversed(list(enumerate(zones))):
        zone[places.within(shapely.from_wkb(row.stored_wkb))] = number
    east_m, north_m = transformer(STORED_SRID, grid.srid).transform(places.lon, places.lat)
    return Homes(
        cell=grid.cells_at(east_m, north_m),
        zone=zone,
        resident=register.resident,
        is_vulnerable=register.is_vulnerable,
    )


def _facilities(grid: Grid, of_cell: Numbers, rows: Sequence[tuple[str, float, float]]) -> Places:
    cell = grid.cells_at(np.array([row[1] for row in rows]), np.array([row[2] for row in rows]))
    return Places(cell=cell, zone=_zone_at(cell, of_cell))


def _people(grid: Grid, of_cell: Numbers, known: PeoplePlaces | None) -> People | None:
    if known is None:
        return None
    east_m, north_m = transformer(STORED_SRID, grid.srid).transform(np.array(known.lons), np.array(known.lats))
    cell = grid.cells_at(np.asarray(east_m), np.asarray(north_m))
    return People(
        cell=cell, zone=_zone_at(cell, of_cell), count=np.array(known.people, dtype=np.float64), legend=known.legend
    )


def _zone_at(cell: Cells, of_cell: Numbers) -> Numbers:
    return np.where(cell == OUTSIDE, OUTSIDE, of_cell[np.maximum(cell, 0)])
