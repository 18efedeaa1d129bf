"""OpenStreetMap extracts (.osm.pbf) in one streaming pass: roads, water, buildings, places, facilities, boundaries,
house numbers.

Only what has a tag that matters is kept in memory, beside libosmium's table of node positions. osmium is imported when
the first extract is opened; the API process never gets here.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis.citypack import osm_words as words

SUFFIXES = (".pbf", ".osm", ".o5m", ".osm.gz", ".osm.bz2")
_NAMED = ("code", "name_th", "name_en")
_COLUMNS = {
    "roads": (*_NAMED, "class", "is_bridge", *words.ROAD_ATTRIBUTES),
    "waterways": (*_NAMED, "kind"),
    "buildings": ("code", "kind", "levels"),
    "places": (*_NAMED, "kind", "population"),
    "facilities": (*_NAMED, "kind", "capacity"),
    "addresses": ("code", "house_number", "street_th", "street_en"),
}
_BUSIEST = 99.0  # Percent of the vertices: complete ways reach far beyond the box that an extract was cut by.


class UnreadableExtractError(Exception):
    """The extract cannot be read; the text says why."""


@dataclass(frozen=True)
class AdminArea:
    """An administrative area that lies whole in the extract; `ref` is `relation/3488060` or `way/…`."""

    ref: str
    level: int
    name_th: str
    name_en: str
    population: int | None
    geom: BaseGeometry

    @property
    def name(self) -> str:
        """The name to call it by, English first."""
        return self.name_en or self.name_th


@dataclass
class OsmRows:
    """Rows of one kind: OSM numbers, fields of the kind, attributes that may be kept, shapes in degrees."""

    numbers: list[int] = field(default_factory=list)
    columns: dict[str, list[Any]] = field(default_factory=dict)
    shapes: list[str] = field(default_factory=list)
    geoms: NDArray[np.object_] = field(default_factory=lambda: np.array([], dtype=object))

    def add(self, number: int, shape: str, /, **fields: Any) -> None:
        """One more row; every row of a kind brings the same fields. `shape` is hexadecimal WKB."""
        self.numbers.append(number)
        self.shapes.append(shape)
        for name, value in fields.items():
            self.columns.setdefault(name, []).append(value)


@dataclass
class Extract:
    """What one extract holds. `broken` counts, by kind, objects without usable shape; `box` is west, south, east, north
    of the extract as its header or its densest data tell; `dated` is the day of the newest change in it.
    """

    layers: dict[str, OsmRows]
    areas: tuple[AdminArea, ...]
    cut_areas: tuple[str, ...]
    broken: Mapping[str, int]
    box: tuple[float, float, float, float] | None
    is_box_declared: bool
    dated: date | None


def is_extract(path: Path) -> bool:
    """The file's name is that of an OpenStreetMap extract."""
    return path.name.lower().endswith(SUFFIXES)


def read_extract(path: Path) -> Extract:
    """The extract at `path`, read once per state of the file. Raises UnreadableExtractError with the cause."""
    stat = path.stat()
    return _read(path.resolve(), stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(maxsize=1)
def _read(path: Path, mtime_ns: int, size: int) -> Extract:
    if size == 0:
        raise UnreadableExtractError("it is empty: not a single byte.")
    reading = _Reading()
    for thing in _objects(path):
        reading.take(thing)
    if not reading.count:
        raise UnreadableExtractError("it holds no road, building, waterway, place or boundary: is it empty?")
    return reading.extract(_declared_box(path))


def _objects(path: Path) -> Iterator[Any]:
    """Every tagged node, way and area that may matter, in the file's order; areas after their parts."""
    import osmium

    lines, others = osmium.filter.KeyFilter(*words.LINE_KEYS), osmium.filter.KeyFilter(*words.KEYS)
    lines.enable_for(osmium.osm.WAY)
    others.enable_for(osmium.osm.NODE | osmium.osm.RELATION | osmium.osm.AREA)
    areas = osmium.filter.KeyFilter(*words.KEYS)
    try:
        reader = osmium.FileProcessor(str(path)).with_locations().with_areas(areas)
        things = iter(reader.with_filter(lines).with_filter(others))
    except RuntimeError as exc:
        raise UnreadableExtractError(f"it cannot be read as an OpenStreetMap extract: {exc}.") from exc
    while True:
        try:
            thing = next(things)
        except StopIteration:
            return
        except RuntimeError as exc:
            raise UnreadableExtractError(f"it cannot be read to its end: {exc}; it is cut off or damaged.") from exc
        yield thing


def _declared_box(path: Path) -> tuple[float, float, float, float] | None:
    import osmium

    with osmium.io.Reader(str(path)) as reader:
        box = reader.header().box()
        if not box.valid():
            return None
        low, high = box.bottom_left, box.top_right
        return low.lon, low.lat, high.lon, high.lat


class _Reading:
    """One reading of an extract, object by object."""

    def __init__(self) -> None:
        import osmium

        self.wkb = osmium.geom.WKBFactory()
        self.layers = {kind: OsmRows(columns={name: [] for name in names}) for kind, names in _COLUMNS.items()}
        self.areas: list[AdminArea] = []
        self.relations: dict[int, str] = {}
        self.broken: dict[str, int] = {}
        self.newest: Any = None
        self.count = 0

    def take(self, thing: Any) -> None:
        self.count += 1
        tags = thing.tags
        if thing.is_area():
            self._area(thing, tags)
        elif thing.is_node():
            self._node(thing, tags)
        elif thing.is_way():
            self._way(thing, tags)
        elif words.is_administrative(tags):
            self.relations[thing.id] = words.name_of(tags)
        if self.newest is None or thing.timestamp > self.newest:
            self.newest = thing.timestamp

    def _node(self, node: Any, tags: Mapping[str, str]) -> None:
        code = f"node/{node.id}"
        place, facility = tags.get("place"), words.facility_kind(tags)
        if place in words.PLACES and words.name_of(tags):
            thai, english = words.names(tags)
            self._add(
                "places", node, self.wkb.create_point, code=code, kind=place, name_th=thai, name_en=english,
                population=words.whole(tags.get("population")),
            )
        if facility:
            self._facility(node, code, facility, tags)
        self._address(node, self.wkb.create_point, code, tags)

    def _facility(self, thing: Any, code: str, kind: str, tags: Mapping[str, str]) -> None:
        thai, english = words.names(tags)
        shape = self.wkb.create_multipolygon if thing.is_area() else self.wkb.create_point
        self._add(
            "facilities", thing, shape, code=code, kind=kind, name_th=thai, name_en=english,
            capacity=words.whole(tags.get("capacity")),
        )

    def _address(self, thing: Any, shape_of: Any, code: str, tags: Mapping[str, str]) -> None:
        found = words.address(tags)
        if found is not None:
            self._add("addresses", thing, shape_of, code=code, **found)

    def _way(self, way: Any, tags: Mapping[str, str]) -> None:
        thai, english = words.names(tags)
        names = {"code": f"way/{way.id}", "name_th": thai, "name_en": english}
        if words.is_road(tags):
            kept = {name: tags.get(name) for name in words.ROAD_ATTRIBUTES}
            names["class"] = tags["highway"]
            self._add(
                "roads", way, self.wkb.create_linestring, **names, **kept, is_bridge=words.is_set(tags.get("bridge"))
            )
        if tags.get("waterway") in words.WATERWAYS:
            self._add("waterways", way, self.wkb.create_linestring, **names, kind=tags["waterway"])
        if not way.is_closed():  # A closed one comes as an area as well.
            self._address(way, self.wkb.create_linestring, names["code"], tags)

    def _area(self, area: Any, tags: Mapping[str, str]) -> None:
        code = f"{'way' if area.from_way() else 'relation'}/{area.orig_id()}"
        if words.is_building(tags):
            self._add(
                "buildings", area, self.wkb.create_multipolygon, code=code, kind=tags["building"],
                levels=words.whole(tags.get("building:levels")),
            )
        facility = words.facility_kind(tags)
        if facility:
            self._facility(area, code, facility, tags)
        self._address(area, self.wkb.create_multipolygon, code, tags)
        if words.is_administrative(tags):
            self._boundary(area, code, tags)

    def _boundary(self, area: Any, ref: str, tags: Mapping[str, str]) -> None:
        shape = self._shape("boundaries", area, self.wkb.create_multipolygon)
        if shape is not None:
            thai, english = words.names(tags)
            self.areas.append(
                AdminArea(
                    ref=ref, level=int(tags["admin_level"]), name_th=thai, name_en=english,
                    population=words.whole(tags.get("population")), geom=shapely.from_wkb(shape),
                )
            )

    def _add(self, layer: str, thing: Any, shape_of: Any, /, **fields: Any) -> None:
        shape = self._shape(layer, thing, shape_of)
        if shape is not None:
            number = thing.orig_id() if thing.is_area() else thing.id
            self.layers[layer].add(number, shape, **fields)

    def _shape(self, layer: str, thing: Any, shape_of: Any) -> str | None:
        """Hexadecimal WKB; None, and counted, for a way of one point, an area without rings, a node without place."""
        try:
            return str(shape_of(thing))
        except RuntimeError:
            self.broken[layer] = self.broken.get(layer, 0) + 1
            return None

    def extract(self, declared: tuple[float, float, float, float] | None) -> Extract:
        for rows in self.layers.values():
            rows.geoms = np.asarray(shapely.from_wkb(np.array(rows.shapes, dtype=object)))
        for points in (self.layers["facilities"], self.layers["addresses"]):
            points.geoms = shapely.point_on_surface(points.geoms)
        whole = {area.ref for area in self.areas}
        return Extract(
            layers=self.layers, areas=tuple(self.areas),
            cut_areas=tuple(name for number, name in self.relations.items() if f"relation/{number}" not in whole),
            broken=self.broken, box=declared or self._densest_box(), is_box_declared=declared is not None,
            dated=self.newest.date() if self.newest is not None and self.newest.year > 1970 else None,
        )

    def _densest_box(self) -> tuple[float, float, float, float] | None:
        """The box of all but the farthest percent of the vertices of roads and buildings."""
        at = shapely.get_coordinates(np.concatenate([self.layers["roads"].geoms, self.layers["buildings"].geoms]))
        if not len(at):
            return None
        edge = (100.0 - _BUSIEST) / 2
        west, south = np.percentile(at, edge, axis=0).tolist()
        east, north = np.percentile(at, 100.0 - edge, axis=0).tolist()
        return (west, south, east, north) if west < east and south < north else None
