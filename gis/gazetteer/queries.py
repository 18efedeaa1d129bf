"""The city's gazetteer out of its tables, kept in this process until the data change; and names by their beginning."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from gis import crs, queries
from gis.gazetteer.entries import FACILITY_RADIUS_M, USUAL_RADIUS_M, Entry
from gis.gazetteer.files import unit_entry, with_places
from gis.gazetteer.houses import Address
from gis.gazetteer.index import Extent, Gazetteer, build
from gis.gazetteer.normal import thai_normal
from gis.points import LonLat

# Pieces of one street further apart than this are streets of one name in two places, degrees (about 1.5 km).
_APART_DEG = 0.014
NAMES_BEGUN, BEGUN_LETTERS = 5, 60
LIKE_ENOUGH = 0.5

_LINES = sa.text(
    """
    SELECT 'road' AS kind, name_th, name_en, min(code) AS code, ST_AsBinary(ST_Collect(geom)) AS line
    FROM road WHERE name_th <> '' GROUP BY name_th, name_en
    UNION ALL
    SELECT 'waterway', name_th, name_en, min(code), ST_AsBinary(ST_Collect(geom))
    FROM waterway WHERE name_th <> '' GROUP BY name_th, name_en ORDER BY 4
    """
)
_FACILITIES = sa.text(
    "SELECT kind, code, name_th, name_en, ST_X(geom), ST_Y(geom) FROM facility WHERE name_th <> '' ORDER BY code"
)
_AREAS = sa.text(
    """
    SELECT kind, code, name_th, name_en, ST_X(place) AS lon, ST_Y(place) AS lat, attributes,
           ST_MaxDistance(ST_Transform(geom, :srid), ST_Transform(place, :srid)) AS radius_m
    FROM area WHERE name_th <> '' ORDER BY code
    """
)
_UNITS = sa.text(
    """
    SELECT kind, code, name_th, name_en, parent_code, moo, ST_X(coalesce(place, ST_PointOnSurface(geom))) AS lon,
           ST_Y(coalesce(place, ST_PointOnSurface(geom))) AS lat,
           ST_MaxDistance(ST_Transform(geom, :srid), ST_Transform(coalesce(place, geom), :srid)) AS radius_m
    FROM admin_unit
    WHERE name_th <> '' AND (kind NOT IN ('village', 'community') OR coalesce(parent_code, code) LIKE :province || '%')
    ORDER BY kind, code
    """
)
_LANDMARKS = sa.text(
    """
    SELECT kind, code, name_th, name_en, ST_AsBinary(geom) AS geom FROM landmark
    WHERE ST_Dimension(geom) <> 1
      AND code NOT IN (SELECT code FROM facility UNION ALL SELECT code FROM area) ORDER BY code
    """
)
# Pieces of one name that lie in the city stand in its own layers.
_LANDMARK_LINES = sa.text(
    """
    SELECT CASE WHEN kind = ANY(:waters) THEN 'waterway' ELSE 'road' END AS kind, name_th, name_en, min(code) AS code,
           ST_AsBinary(ST_CollectionHomogenize(ST_Collect(geom))) AS line
    FROM landmark WHERE ST_Dimension(geom) = 1 AND NOT ST_Intersects(geom, (SELECT extent FROM city))
    GROUP BY 1, name_th, name_en ORDER BY 4
    """
)
_WATERS = ["river", "stream", "canal", "drain", "ditch", "waterway", "tidal_channel"]
_VILLAGES = sa.text(
    "SELECT code, name_th, name_en, ST_X(geom) AS lon, ST_Y(geom) AS lat FROM place "
    "WHERE kind IN ('village', 'hamlet') AND name_th <> '' ORDER BY code"
)
_ADDRESSES = sa.text(
    "SELECT house_number, street_th, street_en, ST_X(geom) AS lon, ST_Y(geom) AS lat FROM address ORDER BY id"
)
_PROVINCE = sa.text(
    """
    SELECT left(code, 2) FROM admin_unit WHERE kind = 'subdistrict' AND place IS NOT NULL
    ORDER BY place <-> ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) LIMIT 1
    """
)
_IS_LIKE = "(thai_normal(name_th) LIKE '%' || :normal || '%' OR thai_normal(name_th) % :normal)"
_LINE_LIKE = (
    "SELECT '{table}' AS kind, min(code) AS code, name_th, min(name_en) AS name_en, "  # noqa: S608 - our own words.
    "ST_PointOnSurface(ST_Collect(geom)) AS place, ST_Collect(geom) AS geom "
    f"FROM {{table}} WHERE name_th <> '' AND {_IS_LIKE} GROUP BY name_th"
)
_BEGUN = sa.text(
    f"""
    WITH named AS (
        SELECT kind, code, name_th, name_en, geom AS place, geom FROM facility WHERE name_th <> '' AND {_IS_LIKE}
        UNION ALL SELECT kind, code, name_th, name_en, place, geom FROM area WHERE {_IS_LIKE}
        UNION ALL SELECT kind, code, name_th, name_en, ST_PointOnSurface(geom), geom FROM landmark
        WHERE ST_Dimension(geom) <> 1 AND {_IS_LIKE} AND code NOT IN (SELECT code FROM facility)
        UNION ALL {_LINE_LIKE.format(table="road")}
        UNION ALL {_LINE_LIKE.format(table="waterway")}
        UNION ALL SELECT kind, code, name_th, name_en, place, coalesce(geom, place) FROM admin_unit
        WHERE kind IN ('province', 'district', 'subdistrict', 'municipality') AND place IS NOT NULL AND {_IS_LIKE}
    )
    SELECT named.kind, named.code, named.name_th, named.name_en, ST_X(place) AS lon, ST_Y(place) AS lat,
           ST_MaxDistance(ST_Transform(named.geom, :srid), ST_Transform(place, :srid)) AS radius_m,
           greatest(similarity(thai_normal(named.name_th), :normal),
                    word_similarity(:normal, thai_normal(named.name_th))) AS likeness
    FROM named, city ORDER BY likeness DESC, place <-> city.centre LIMIT :most
    """  # noqa: S608 - our own words.
)


@dataclass(frozen=True, slots=True)
class BegunName:
    """A place whose name holds what was typed, or is like it (0 to 1), and how far it reaches."""

    kind: str
    code: str
    name_th: str
    name_en: str
    place: LonLat
    radius_m: float
    likeness: float


_lock = threading.Lock()
_kept: tuple[tuple[str, str], Gazetteer] | None = None


def gazetteer(session: Session, version: tuple[str, str] | None = None) -> Gazetteer:
    """The gazetteer of the city as it is now; made anew, in the time that `build` takes, after each import.

    `version` is `gis.queries.city_version`, where it has been asked for already. Raises NoCityError where no city has
    been imported.
    """
    global _kept
    slug, data = version or queries.city_version(session)
    version = (f"{session.get_bind().engine.url}{slug}", data)
    with _lock:
        if _kept is None or _kept[0] != version:
            _kept = (version, load(session))
        return _kept[1]


def load(session: Session) -> Gazetteer:
    """A gazetteer of the database's areas, roads with their houses, waterways, facilities and units."""
    card = queries.city_card(session)
    srid = crs.metric_srid(card.centre)
    extent = Extent(card.name_th, card.name_en, card.centre, card.bbox)
    # Villages of other provinces are left out: 75,000 names that no report means and that common words would hit.
    province = session.scalar(_PROVINCE, {"lon": card.centre.lon, "lat": card.centre.lat}) or ""
    units = with_places(_with_villages(session, list(_units(session, srid, province))))
    extent = _coded(extent, units)
    areas = list(_areas(session, srid, units, extent))
    own = {(entry.kind, thai_normal(entry.name_th)): entry for entry in areas}
    units = [_drawn(unit, own.get((unit.kind, thai_normal(unit.name_th))), extent) for unit in units]
    known = {(unit.kind, thai_normal(unit.name_th)) for unit in units if unit.is_local}
    areas = [area for area in areas if (area.kind, thai_normal(area.name_th)) not in known or area.kind == "community"]
    around = _located([*_landmarks(session, srid), *_landmark_lines(session, srid)], units, extent)
    entries = [*areas, *_lines(session, srid), *_facilities(session), *around, *units]
    return build(entries, city=extent, addresses=_addresses(session))


def _coded(extent: Extent, units: Sequence[Entry]) -> Extent:
    """The city with the codes of the sub-district whose office is nearest to its middle."""
    offices = [unit for unit in units if unit.kind == "subdistrict" and unit.place and extent.holds(unit.place)]
    if not offices:
        return extent
    nearest = min(offices, key=lambda unit: crs.distance_m(unit.place or extent.centre, extent.centre))
    return replace(extent, district=nearest.district, province=nearest.province)


def _drawn(unit: Entry, area: Entry | None, extent: Extent) -> Entry:
    """The unit, with the outline of the city's own layer where that has it."""
    if area is not None and (unit.province == extent.province or not extent.province):
        return replace(unit, place=area.place, radius_m=area.radius_m, is_local=True)
    is_here = unit.place is not None and extent.holds(unit.place) and unit.kind != "province"
    return replace(unit, is_local=True) if is_here else unit


def _lines(session: Session, srid: int) -> Iterator[Entry]:
    for row in session.execute(_LINES):
        yield from (replace(entry, is_local=True) for entry in _line_entries(row, srid))


def _landmark_lines(session: Session, srid: int) -> Iterator[Entry]:
    for row in session.execute(_LANDMARK_LINES, {"waters": _WATERS}):
        yield from _line_entries(row, srid)


def _line_entries(row: sa.Row[Any], srid: int) -> Iterator[Entry]:
    """A road or canal of one name, an entry for each place where it has pieces."""
    for number, part in enumerate(_together(shapely.from_wkb(bytes(row.line)))):
        metric = crs.to_metric(part, srid)
        middle = shapely.get_point(shapely.shortest_line(metric, metric.centroid), 0)
        place = crs.to_lonlat(middle, srid)
        yield Entry(
            kind=row.kind, code=row.code if not number else f"{row.code}/{number + 1}", name_th=row.name_th,
            name_en=row.name_en, place=LonLat(lon=place.x, lat=place.y),
            radius_m=float(shapely.hausdorff_distance(metric, middle)) + 30.0, line=part,
        )


def _landmarks(session: Session, srid: int) -> Iterator[Entry]:
    """Places around the city: points, and grounds by their middle and reach."""
    for row in session.execute(_LANDMARKS):
        metric = crs.to_metric(shapely.from_wkb(bytes(row.geom)), srid)
        middle = metric.centroid
        place = crs.to_lonlat(middle, srid)
        reach_m = float(shapely.hausdorff_distance(metric, middle))
        yield Entry(
            kind=row.kind, code=row.code, name_th=row.name_th, name_en=row.name_en,
            place=LonLat(lon=place.x, lat=place.y), radius_m=max(reach_m, FACILITY_RADIUS_M),
        )


def _located(entries: Sequence[Entry], units: Sequence[Entry], extent: Extent) -> Iterator[Entry]:
    """The entries with the district and province of the sub-district whose office is nearest; the city's are local."""
    offices = [unit for unit in units if unit.kind == "subdistrict" and unit.place is not None]
    if not entries or not offices:
        yield from entries
        return
    tree = shapely.STRtree([shapely.Point(o.place.lon, o.place.lat) for o in offices if o.place])
    spots = [shapely.Point(e.place.lon, e.place.lat) for e in entries if e.place]
    for entry, nearest in zip(entries, tree.nearest(np.array(spots, dtype=object)).tolist(), strict=True):
        is_here = entry.place is not None and extent.holds(entry.place)
        yield replace(entry, district=offices[nearest].district, province=offices[nearest].province, is_local=is_here)


def _together(lines: BaseGeometry) -> Iterator[shapely.MultiLineString]:
    """The pieces of one name, those together that lie together."""
    pieces = shapely.get_parts(lines)
    is_near = shapely.distance(pieces[:, None], pieces[None, :]) <= _APART_DEG
    left = set(range(len(pieces)))
    while left:
        group, reached = set(), {min(left)}
        while reached:
            group |= reached
            reached = {int(n) for one in reached for n in np.flatnonzero(is_near[one])} - group
        left -= group
        yield shapely.MultiLineString([pieces[n] for n in sorted(group)])


def _facilities(session: Session) -> Iterator[Entry]:
    for kind, code, name_th, name_en, lon, lat in session.execute(_FACILITIES):
        yield Entry(
            kind=kind, code=code, name_th=name_th, name_en=name_en, place=LonLat(lon=lon, lat=lat),
            radius_m=FACILITY_RADIUS_M, is_local=True,
        )


def _addresses(session: Session) -> list[Address]:
    return [
        Address(row.house_number, row.street_th, row.street_en, LonLat(lon=row.lon, lat=row.lat))
        for row in session.execute(_ADDRESSES)
    ]


def _areas(session: Session, srid: int, units: Sequence[Entry], extent: Extent) -> Iterator[Entry]:
    tambons = {
        thai_normal(unit.name_th).removeprefix("ตำบล"): unit
        for unit in units
        if unit.kind == "subdistrict" and unit.district == extent.district
    }
    for row in session.execute(_AREAS, {"srid": srid}):
        attributes: dict[str, Any] = row.attributes or {}
        tambon = tambons.get(thai_normal(str(attributes.get("tambon") or "")))
        yield Entry(
            kind=row.kind, code=row.code, name_th=row.name_th, name_en=row.name_en,
            aliases=("ในเมือง",) if row.kind == "municipality" else (),
            place=LonLat(lon=row.lon, lat=row.lat), radius_m=float(row.radius_m) + 30.0,
            subdistrict=tambon.code if tambon else "", district=tambon.district if tambon else "",
            province=tambon.province if tambon else extent.province, moo=_moo(attributes.get("moo")), is_local=True,
        )


def _moo(value: object) -> int | None:
    return int(str(value)) if str(value or "").isdigit() else None


def _units(session: Session, srid: int, province: str) -> Iterator[Entry]:
    for row in session.execute(_UNITS, {"srid": srid, "province": province}):
        place = LonLat(lon=row.lon, lat=row.lat) if row.lon is not None else None
        radius_m = max(float(row.radius_m), USUAL_RADIUS_M[row.kind] / 4) if row.radius_m else None
        yield unit_entry(
            kind=row.kind, code=row.code, name_th=row.name_th, name_en=row.name_en, place=place, radius_m=radius_m,
            moo=row.moo, parent=row.parent_code or "",
        )


def _with_villages(session: Session, units: list[Entry]) -> list[Entry]:
    """The units, and the villages that a layer of places knows: its place, and its name if another, are the unit's."""
    spots = {
        row.code: unit_entry(
            kind="village", code=row.code, name_th=row.name_th, name_en=row.name_en,
            place=LonLat(lon=row.lon, lat=row.lat), moo=int(row.code[6:]) if _is_village_code(row.code) else None,
        )
        for row in session.execute(_VILLAGES)
    }
    placed = [_at_spot(unit, spots[unit.code]) if _is_spot(unit, spots) else unit for unit in units]
    known = {unit.code for unit in units if unit.kind == "village"}
    return [*placed, *(spot for code, spot in spots.items() if code not in known)]


def _is_spot(unit: Entry, spots: Mapping[str, Entry]) -> bool:
    return unit.kind == "village" and unit.code in spots


def _at_spot(unit: Entry, spot: Entry) -> Entry:
    is_other = thai_normal(spot.name_th) not in thai_normal(unit.name_th)
    aliases = (*unit.aliases, spot.name_th) if is_other else unit.aliases
    return replace(unit, place=unit.place or spot.place, aliases=aliases)


def _is_village_code(code: str) -> bool:
    return len(code) == 8 and code.isdecimal()


def names_begun(session: Session, text: str) -> list[BegunName]:
    """Places whose name holds the text, or is like it, in the order of likeness: for a search box while one types.

    Nothing for a text that is too long to be a name. Uses the trigram index of the normal form in every table.
    """
    normal = thai_normal(text)
    if len(text) > BEGUN_LETTERS or len(normal) < 3:
        return []
    srid = queries.city(session).metric_srid
    found = session.execute(_BEGUN, {"normal": normal, "most": NAMES_BEGUN, "srid": srid})
    return [
        BegunName(
            row.kind, row.code, row.name_th, row.name_en, LonLat(lon=row.lon, lat=row.lat),
            max(float(row.radius_m), USUAL_RADIUS_M.get(row.kind, FACILITY_RADIUS_M)), float(row.likeness),
        )
        for row in found
        if row.likeness >= LIKE_ENOUGH
    ]
