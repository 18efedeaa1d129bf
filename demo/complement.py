"""What a real city's open data lacks for a storm, invented and labelled so: an overlay pack on the imported city.

From the city's own boundary, waterways, streets and communities come a plausible terrain, gauges, cameras, members'
homes, agencies and crews. Layers that the city brought itself are left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from demo import complement_queries as queries
from demo import landform, members, rosters, stations
from demo.landform import CELL_M, LowGround, Square
from demo.packwriter import PackWriter, in_both, simulated_source
from demo.stations import StationPlan
from gis import queries as gis_queries
from gis.datum import SEA_LEVEL

Floats = NDArray[np.float64]

NEEDED = frozenset({"terrain", "gauges", "cameras", "homes", "agencies", "crews"})
DRAWN = date(2026, 1, 1)
GAUGES, CAMERAS = 5, 2
FALL_PER_M = 4e-4  # Assumed: the fall of the plain from west to east.
LEVEE_M, CHANNEL_M = 0.6, 2.5
EAST_EDGE_M = 1.5  # The height of the plain at the eastern edge where no surveyed street tells a better one.
LOW_RADIUS_M, LOW_DEPTH_M = 120.0, 0.2
TERRAIN_MARGIN_M = 500.0
INSIDE_M = 150.0


@dataclass(frozen=True)
class _Place:
    """The imported city in its metric system."""

    slug: str
    srid: int
    boundary: Any
    waterways: list[Any]
    roads: list[Any]
    communities: list[queries.Community]
    east_edge_m: float | None

    @property
    def water(self) -> Any:
        """All waterways as one shape."""
        return shapely.union_all(self.waterways)

    def bank_m(self, east_m: Floats | float) -> Any:
        """The level of the banks: the plain falls evenly to the east."""
        edge_m = EAST_EDGE_M if self.east_edge_m is None else self.east_edge_m
        return edge_m + LEVEE_M + FALL_PER_M * (self.boundary.bounds[2] - east_m)


def lacking(session: Session) -> frozenset[str]:
    """The kinds of layers that a storm needs and the imported city does not have."""
    return NEEDED - {layer.kind for layer in gis_queries.layers(session)}


def write_overlay(session: Session, folder: Path, seed: int) -> Path:
    """A pack stands in `folder` that extends the imported city by the layers it lacks; returns the folder."""
    rng = np.random.default_rng(seed)
    place, lacks = _place(session), lacking(session)
    pack = PackWriter(folder, source=simulated_source(seed), dated=DRAWN, srid=place.srid)
    if "terrain" in lacks:
        _add_terrain(pack, place, rng)
    gauges_m = _add_gauges(pack, place) if "gauges" in lacks else queries.gauge_places(session, srid=place.srid)
    if "cameras" in lacks:
        _add_cameras(pack, place, gauges_m)
    if "homes" in lacks:
        _add_homes(pack, place, rng)
    if "agencies" in lacks:
        pack.add_table("agencies", rosters.agency_columns())
    if "crews" in lacks:
        _add_crews(pack, place, rng)
    return pack.close({"slug": f"{place.slug}-simulated", "extends": place.slug, "datum": SEA_LEVEL})


def _place(session: Session) -> _Place:
    city = gis_queries.city(session)
    srid = city.metric_srid
    return _Place(
        slug=city.slug, srid=srid,
        boundary=queries.boundary(session, srid=srid),
        waterways=queries.waterways(session, srid=srid),
        roads=queries.roads(session, srid=srid),
        communities=queries.communities(session, srid=srid),
        east_edge_m=queries.street_level_by_the_eastern_edge_m(session, srid=srid),
    )


# --- terrain -------------------------------------------------------------------------------------------------------


def _add_terrain(pack: PackWriter, place: _Place, rng: np.random.Generator) -> None:
    from rasterio import Affine
    from rasterio.features import rasterize

    west, south, east, north = shapely.buffer(place.boundary, TERRAIN_MARGIN_M).bounds
    west_m, north_m = np.floor(west / CELL_M) * CELL_M, np.ceil(north / CELL_M) * CELL_M
    rows, columns = int(np.ceil((north_m - south) / CELL_M)), int(np.ceil((east - west_m) / CELL_M))
    square = Square.of(west_m=west_m, north_m=north_m, rows=rows, columns=columns)
    depth_m = rasterize(
        [(line, CHANNEL_M) for line in place.waterways], out_shape=(rows, columns), all_touched=True, dtype="float64",
        transform=Affine(CELL_M, 0.0, west_m, 0.0, -CELL_M, north_m),
    )
    low = [
        LowGround(east_m=spot.x, north_m=spot.y, radius_m=LOW_RADIUS_M, depth_m=LOW_DEPTH_M)
        for spot in (community.geom.representative_point() for community in place.communities if community.floods)
    ]
    heights_m = landform.heights_m(
        square, bank_m=place.bank_m(square.east_m), channel_depth_m=depth_m, low=low, extra_m=0.0, rng=rng
    )
    edge = "edge-assumed" if place.east_edge_m is None else "edge-surveyed"
    pack.add_terrain(
        heights_m, west_m=west_m, north_m=north_m, cell_m=CELL_M,
        source=f"{pack.source}; {in_both('terrain-not-measured', edge=edge)}",
    )


# --- gauges and cameras --------------------------------------------------------------------------------------------


def _channel(place: _Place) -> Any:
    """The waterways well inside the municipality."""
    return shapely.intersection(shapely.union_all(place.waterways), shapely.buffer(place.boundary, -INSIDE_M))


def _add_gauges(pack: PackWriter, place: _Place) -> Floats:
    """Five gauges far from one another on the municipality's waters; returns their places."""
    spots = shapely.get_coordinates(shapely.segmentize(_channel(place), 50.0))
    places_m = spots[_spread(spots, GAUGES, chosen=[int(spots[:, 0].argmin())])]
    plans = [_plan(place, f"G{number}", spot, "gauge") for number, spot in enumerate(places_m, start=1)]
    pack.add_points("gauges", places_m, stations.gauge_columns(plans))
    return places_m


def _add_cameras(pack: PackWriter, place: _Place, gauges_m: Floats) -> None:
    """Two cameras where streets cross waters, far from the gauges."""
    crossings = shapely.get_coordinates(shapely.intersection(_channel(place), shapely.union_all(place.roads)))
    spots = np.vstack([gauges_m, crossings])
    known = len(gauges_m)
    places_m = spots[_spread(spots, known + CAMERAS, chosen=list(range(known)))[known:]]
    plans = [_plan(place, f"CAM{number}", spot, "camera") for number, spot in enumerate(places_m, start=1)]
    columns = stations.camera_columns(plans)
    pack.add_points("cameras", places_m, columns, attributes=stations.SCENE_ATTRIBUTES)


def _spread(spots: Floats, count: int, *, chosen: list[int]) -> list[int]:
    """The numbers of `count` spots: those chosen, and then each time the farthest from all before it."""
    while len(chosen) < count:
        apart_m = np.hypot(*(spots[:, None] - spots[chosen][None]).transpose(2, 0, 1)).min(axis=1)
        chosen = [*chosen, int(apart_m.argmax())]
    return chosen


def _plan(place: _Place, code: str, spot: Floats, kind: str) -> StationPlan:
    at = shapely.Point(spot)
    community = min(place.communities, key=lambda community: community.geom.distance(at), default=None)
    bank_m = round(float(place.bank_m(float(spot[0]))), 2)
    thai, english = rosters.station_title(kind)
    near_th, near_en = (community.name_th, community.name_en) if community else ("", "")
    return StationPlan(
        code=code, name_th=f"{thai} {near_th} ({code})", name_en=f"{english} {near_en} ({code})",
        east_m=float(spot[0]), north_m=float(spot[1]), bank_m_msl=bank_m, bed_m_msl=round(bank_m - CHANNEL_M, 2),
    )


# --- people --------------------------------------------------------------------------------------------------------


def _add_homes(pack: PackWriter, place: _Place, rng: np.random.Generator) -> None:
    """Members' homes along the streets of the municipality; each community has members by its people."""
    inside = shapely.intersection(np.array(place.roads, dtype=object), place.boundary)
    plots_m = members.plots_along(shapely.get_parts(inside).tolist(), rng)
    plots_m = plots_m[members.off_the_water(plots_m, place.water, at_least_m=20.0)]
    community = _community_of(place, plots_m)
    plots_m, community = plots_m[community >= 0], community[community >= 0]
    plots = np.bincount(community, minlength=len(place.communities))
    people = np.array([community.population or 0.0 for community in place.communities])
    known = people[people > 0]
    people[people <= 0] = np.median(known) if known.size else 1.0
    weights = people[community] / plots[community]
    homes = rng.choice(len(plots_m), members.MEMBERS, p=weights / weights.sum())
    codes = [place.communities[number].code for number in community[homes].tolist()]
    places_m = plots_m[homes] + rng.uniform(-2.5, 2.5, (members.MEMBERS, 2))
    pack.add_points("homes", places_m, members.member_columns(codes, rng))


def _community_of(place: _Place, places_m: Floats) -> NDArray[np.intp]:
    tree = shapely.STRtree([community.geom for community in place.communities])
    at, number = tree.query(shapely.points(places_m), predicate="intersects")
    found = np.full(len(places_m), -1, dtype=np.intp)
    found[at] = number
    return found


def _add_crews(pack: PackWriter, place: _Place, rng: np.random.Generator) -> None:
    columns = rosters.crew_columns()
    homes = rng.choice(len(place.communities), len(columns["code"]), replace=True)
    middles = [place.communities[number].geom.representative_point() for number in homes.tolist()]
    pack.add_points("crews", shapely.get_coordinates(np.array(middles, dtype=object)), columns)
