"""The demo city as a city pack: everything in it is drawn from a seed, nothing comes from a file of somebody else."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from demo import articles, members, rosters, stations
from demo.city import channels, doors, ground, quarters, streets
from demo.city.channels import CELL_ORIGIN, SRID, Channel
from demo.landform import CELL_M, Heights
from demo.packwriter import PackWriter, simulated_source
from demo.stations import StationPlan
from gis import crs

Floats = NDArray[np.float64]

SLUG = "demo"
SEED = 2569
DRAWN = date(2026, 1, 1)
_ON_CHANNEL = (  # code, channel, how many metres east of the corner
    ("G1", "river", 900.0), ("G2", "river", 3300.0), ("G3", "river", 6250.0), ("G4", "north", 5900.0),
    ("G5", "south", 5900.0),
)
_CAMERAS = (("CAM1", "river", 4700.0), ("CAM2", "north", 4300.0))


def write_pack(folder: Path, seed: int = SEED) -> Path:
    """The demo city's pack stands in `folder`; the same seed gives the same city. Returns the folder."""
    rng = np.random.default_rng(seed)
    words = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
    city = quarters.boundary(rng)
    waters = channels.channels()
    heights_m = ground.terrain_m(waters, rng)
    network = streets.streets(city, waters, words["roads"], rng)
    people = quarters.communities(city, words["communities"], rng)
    pack = PackWriter(folder, source=simulated_source(seed), dated=DRAWN, srid=SRID)
    pack.add_terrain(heights_m, west_m=CELL_ORIGIN[0], north_m=CELL_ORIGIN[1] + channels.SIDE_M, cell_m=CELL_M)
    _add_areas(pack, city, people, words)
    _add_lines(pack, network, waters, words)
    _add_addresses(pack, network, waters, seed)
    _add_people(pack, network, waters, people, heights_m, words, rng)
    _add_stations(pack, waters, network, words)
    _add_rosters(pack, people, rng)
    return pack.close(_head(city, words))


def _head(city: shapely.Polygon, words: dict[str, Any]) -> dict[str, Any]:
    centre = crs.to_lonlat(shapely.Point(*_moved(np.array([[3500.0, 3500.0]]))[0]), SRID)
    return {
        "slug": SLUG,
        **words["city"],
        "centre": {"lon": round(centre.x, 6), "lat": round(centre.y, 6)},
        "datum": "m above mean sea level",
    }


def _moved(places_m: Floats) -> Floats:
    """From metres from the corner to the metric system."""
    moved: Floats = places_m + np.array(CELL_ORIGIN)
    return moved


def _shapes(geoms: Sequence[Any] | NDArray[np.object_]) -> NDArray[np.object_]:
    return np.asarray(shapely.transform(np.asarray(geoms, dtype=object), _moved))


def _add_areas(
    pack: PackWriter, city: shapely.Polygon, people: quarters.Communities, words: dict[str, Any]
) -> None:
    pack.add_shapes("boundary", _shapes([city]), {"code": [f"{SLUG}-city"]})
    halves = [shapely.box(0, 0, 3500, 7000), shapely.box(3500, 0, 7000, 7000)]
    pack.add_shapes(
        "districts", _shapes([city.intersection(half) for half in halves]),
        {"code": ["D1", "D2"], "name_th": words["districts"]["th"], "name_en": words["districts"]["en"]},
    )
    pack.add_shapes(
        "communities", _shapes(people.geoms),
        {
            "code": people.codes,
            "name_th": [words["communities"]["prefix"] + name for name in people.names_th],
            "name_en": people.names_en,
        },
    )


def _add_lines(
    pack: PackWriter, network: Sequence[streets.Piece], waters: Sequence[Channel], words: dict[str, Any]
) -> None:
    pack.add_shapes(
        "roads", _shapes([piece.line for piece in network]),
        {
            "code": [f"R{number:05d}" for number in range(1, len(network) + 1)],
            "name_th": [piece.name_th for piece in network],
            "name_en": [piece.name_en for piece in network],
            "class": [piece.road_class for piece in network],
            "is_bridge": [int(piece.is_bridge) for piece in network],
        },
    )
    pack.add_shapes(
        "waterways", _shapes([water.line for water in waters]),
        {
            "code": [f"W{number}" for number in range(1, len(waters) + 1)],
            "name_th": [words["waterways"][water.key][0] for water in waters],
            "name_en": [words["waterways"][water.key][1] for water in waters],
            "kind": [water.kind for water in waters],
        },
    )


def _add_addresses(
    pack: PackWriter, network: Sequence[streets.Piece], waters: Sequence[Channel], seed: int
) -> None:
    places_m, columns = doors.house_numbers(network, shapely.union_all([water.line for water in waters]), seed)
    pack.add_points("addresses", _moved(places_m), columns)


def _add_people(
    pack: PackWriter, network: Sequence[streets.Piece], waters: Sequence[Channel], people: quarters.Communities,
    heights_m: Heights, words: dict[str, Any], rng: np.random.Generator,
) -> None:
    plots_m = members.plots_along([piece.line for piece in network if not piece.is_bridge], rng)
    wet = shapely.union_all([water.line for water in waters])
    is_fit = members.off_the_water(plots_m, wet, at_least_m=24.0) & (people.at(plots_m) >= 0)
    plots_m = plots_m[is_fit]
    footprints, kinds = quarters.buildings(plots_m, rng)
    codes = [f"B{number:05d}" for number in range(1, len(kinds) + 1)]
    pack.add_shapes("buildings", _shapes(footprints), {"code": codes, "kind": kinds})
    places_m, columns = quarters.facilities(
        plots_m, ground.height_at_m(heights_m, plots_m), people, words["facilities"], rng
    )
    pack.add_points("facilities", _moved(places_m), columns)
    homes_m = quarters.homes(plots_m, rng)
    communities = [people.codes[number] if number >= 0 else "" for number in people.at(homes_m).tolist()]
    pack.add_points("homes", _moved(homes_m), members.member_columns(communities, rng))


def _add_stations(
    pack: PackWriter, waters: Sequence[Channel], network: Sequence[streets.Piece], words: dict[str, Any]
) -> None:
    by_key = {water.key: water for water in waters}
    bridges = [piece.line for piece in network if piece.is_bridge]
    gauges = [
        _station(code, by_key[key], _at_east(by_key[key], east_m), words, kind="gauge")
        for code, key, east_m in _ON_CHANNEL
    ]
    cameras = [
        _station(code, by_key[key], _at_bridge(by_key[key], east_m, bridges), words, kind="camera")
        for code, key, east_m in _CAMERAS
    ]
    pack.add_points("gauges", _places(gauges), stations.gauge_columns(gauges))
    pack.add_points(
        "cameras", _places(cameras), stations.camera_columns(cameras), attributes=stations.SCENE_ATTRIBUTES
    )


def _places(plans: Sequence[StationPlan]) -> Floats:
    return _moved(np.array([[plan.east_m, plan.north_m] for plan in plans]))


def _at_east(water: Channel, east_m: float) -> shapely.Point:
    across = shapely.LineString([(east_m, 0.0), (east_m, channels.SIDE_M)])
    return shapely.Point(shapely.get_coordinates(water.line.intersection(across))[0])


def _at_bridge(water: Channel, east_m: float, bridges: Sequence[shapely.LineString]) -> shapely.Point:
    """The middle of the water below the bridge nearest to there."""
    wanted = _at_east(water, east_m)
    over = [bridge for bridge in bridges if bridge.intersects(water.line)]
    nearest = min(over, key=wanted.distance)
    return shapely.Point(shapely.get_coordinates(nearest.intersection(water.line))[0])


def _station(
    code: str, water: Channel, place: shapely.Point, words: dict[str, Any], *, kind: str
) -> StationPlan:
    bank = float(channels.bank_m(np.array([place.x]))[0])
    thai, english = rosters.station_title(kind)
    water_th, water_en = words["waterways"][water.key]
    return StationPlan(
        code=code, name_th=f"{thai} {water_th} ({code})", name_en=f"{english}, {water_en} ({code})",
        east_m=place.x, north_m=place.y, bank_m_msl=round(bank, 2), bed_m_msl=round(bank - water.depth_m, 2),
    )


def _add_rosters(pack: PackWriter, people: quarters.Communities, rng: np.random.Generator) -> None:
    pack.add_table("agencies", rosters.agency_columns())
    pack.add_table("articles", articles.article_columns())
    columns = rosters.crew_columns()
    homes = rng.choice(len(people.codes), len(columns["code"]), replace=False)
    middles = shapely.get_coordinates(shapely.point_on_surface(people.geoms[homes]))
    pack.add_points("crews", _moved(middles), columns)
