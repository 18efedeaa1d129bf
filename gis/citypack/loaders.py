"""How gis's own layers get into its tables. Areas keep their ids from import to import; the rest is replaced."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import shapely
import sqlalchemy as sa
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy.orm import Session

from core.db import Base, driver_connection
from core.errors import InvalidInputError
from gis import crs
from gis.citypack import addresses, admin, numbers
from gis.citypack.findings import shown
from gis.citypack.layers import Column, LayerKind, LayerRows, count_column, level_column, register
from gis.models import Area, City, Terrain

Geoms = NDArray[np.object_]
DEFAULT_SHARE, LEAST_DEFAULTS = 0.99, 20  # As measured on the open buildings of a Thai city: 1,925 of 1,927 say 6 m.
MOST_PEOPLE = 100_000_000  # More than live in Thailand.
LEVEL_M = 3.0  # Assumed: a storey of a dwelling.
_NAMES = {"code": Column(), "name_th": Column(), "name_en": Column()}


def as_stored(geoms: Geoms) -> list[str]:
    """Each shape as hexadecimal EWKB in EPSG:4326, as COPY wants it."""
    stored: list[str] = shapely.to_wkb(shapely.set_srid(geoms, crs.STORED_SRID), hex=True, include_srid=True).tolist()
    return stored


def as_multipolygons(geoms: Geoms) -> Geoms:
    """Every polygon as a multipolygon; what repairs leave of lines and points is dropped."""
    parts = [
        shapely.MultiPolygon([p for p in shapely.get_parts(g).tolist() if p.geom_type == "Polygon"]) for g in geoms
    ]
    return np.array(parts, dtype=object)


def exploded(geoms: Geoms, codes: Sequence[str]) -> tuple[Geoms, list[int], list[str]]:
    """Single parts, the index of the row each came from, and its code: `way/1`, then `way/1#2` for the second part."""
    parts, index = shapely.get_parts(geoms, return_index=True)
    seen: dict[int, int] = {}
    names: list[str] = []
    for row in index.tolist():
        seen[row] = seen.get(row, 0) + 1
        names.append(codes[row] if seen[row] == 1 else f"{codes[row]}#{seen[row]}")
    return parts, index.tolist(), names


def replace_rows(
    session: Session, rows: LayerRows, *, table: str, columns: Sequence[str], values: Iterable[Sequence[Any]]
) -> int:
    """The layer's rows in `table` are these and no others; returns how many."""
    session.execute(sa.delete(Base.metadata.tables[table]).where(sa.column("layer_id") == rows.layer.id))
    connection = driver_connection(session)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, ["layer_id", *columns]))
    )
    count = 0
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in values:
            copy.write_row((rows.layer.id, *row))
            count += 1
    return count


def _codes(rows: LayerRows) -> list[str]:
    codes = zip(rows.column("code"), rows.numbers, strict=True)
    return [code or f"{rows.layer.name}/{number}" for code, number in codes]


def _texts(rows: LayerRows, name: str, default: str = "") -> list[str]:
    return [default if value is None else str(value) for value in rows.column(name)]


def _names(rows: LayerRows) -> tuple[list[str], list[str]]:
    """Thai and English names; where one is missing the other stands in."""
    thai, english = _texts(rows, "name_th"), _texts(rows, "name_en")
    return [t or e for t, e in zip(thai, english, strict=True)], [e or t for t, e in zip(thai, english, strict=True)]


def _attributes(rows: LayerRows) -> list[str]:
    """What the manifest asked to keep of each row, as JSON; what a row does not have is left out."""
    if not rows.extras:
        return ["{}"] * len(rows)
    kept = ({name: value for name, value in extra.items() if value is not None} for extra in rows.extras)
    return [json.dumps(extra, ensure_ascii=False, default=str) for extra in kept]


# --- areas ---------------------------------------------------------------------------------------------------------


def _load_areas(kind: str) -> Callable[[Session, LayerRows], int]:
    def load(session: Session, rows: LayerRows) -> int:
        codes = _codes(rows)
        _refuse_others_codes(session, rows, codes)
        _check_people(rows)
        thai, english = _names(rows)
        assert rows.geoms is not None  # noqa: S101 - the kind has shapes.
        geoms = as_multipolygons(rows.geoms)
        values = zip(
            codes, thai, english, as_stored(geoms), as_stored(shapely.point_on_surface(geoms)), _attributes(rows),
            strict=True,
        )
        for code, name_th, name_en, geom, place, attributes in values:
            session.execute(
                _UPSERT_AREA,
                {"layer": rows.layer.id, "kind": kind, "code": code, "name_th": name_th, "name_en": name_en,
                 "geom": geom, "place": place, "attributes": attributes, "trust": rows.layer.trust},
            )
        session.execute(sa.delete(Area).where(Area.layer_id == rows.layer.id, Area.code.not_in(codes)))
        return len(rows)

    return load


def _check_people(rows: LayerRows) -> None:
    """Raises InvalidInputError that names the row whose `population` is no count: its people would silently be none."""
    for number, extra in zip(rows.numbers, rows.extras, strict=False):
        told = extra.get("population")
        try:
            is_count = told in (None, "") or 0 <= numbers.whole(told) <= MOST_PEOPLE
        except (TypeError, ValueError):
            is_count = False
        if not is_count:
            raise InvalidInputError(f"row {number}, column population: {shown(told)} is no number of people.")


_UPSERT_AREA = sa.text(
    """
    INSERT INTO area (layer_id, kind, code, name_th, name_en, geom, place, attributes, trust)
    VALUES (:layer, :kind, :code, :name_th, :name_en, CAST(:geom AS geometry), CAST(:place AS geometry),
            CAST(:attributes AS jsonb), :trust)
    ON CONFLICT (code) DO UPDATE SET (name_th, name_en, geom, place, attributes, trust)
      = (excluded.name_th, excluded.name_en, excluded.geom, excluded.place, excluded.attributes, excluded.trust)
    """
)


def _refuse_others_codes(session: Session, rows: LayerRows, codes: Sequence[str]) -> None:
    taken = session.scalars(sa.select(Area.code).where(Area.code.in_(codes), Area.layer_id != rows.layer.id)).all()
    if taken:
        raise InvalidInputError(f"the code '{taken[0]}' belongs to an area of another layer.")


# --- lines, footprints, points -------------------------------------------------------------------------------------


def _load_roads(session: Session, rows: LayerRows) -> int:
    assert rows.geoms is not None  # noqa: S101 - the kind has shapes.
    thai, english = _names(rows)
    classes, bridges = _texts(rows, "class", "road"), rows.column("is_bridge")
    known = _attributes(rows)
    parts, index, codes = exploded(rows.geoms, _codes(rows))
    srid = session.scalars(sa.select(City.metric_srid)).one()
    way = crs.transformer(crs.STORED_SRID, srid)
    lengths_m = shapely.length(shapely.transform(parts, way.transform, interleaved=False)).tolist()
    return replace_rows(
        session, rows, table="road",
        columns=("code", "name_th", "name_en", "class", "is_bridge", "attributes", "length_m", "geom"),
        values=(
            (code, thai[i], english[i], classes[i], bool(bridges[i]), known[i], length_m, geom)
            for code, i, length_m, geom in zip(codes, index, lengths_m, as_stored(parts), strict=True)
        ),
    )


def _load_waterways(session: Session, rows: LayerRows) -> int:
    assert rows.geoms is not None  # noqa: S101 - the kind has shapes.
    thai, english = _names(rows)
    kinds = _texts(rows, "kind", "waterway")
    parts, index, codes = exploded(rows.geoms, _codes(rows))
    return replace_rows(
        session, rows, table="waterway", columns=("code", "name_th", "name_en", "kind", "geom"),
        values=(
            (code, thai[i], english[i], kinds[i], geom)
            for code, i, geom in zip(codes, index, as_stored(parts), strict=True)
        ),
    )


def _load_buildings(session: Session, rows: LayerRows) -> int:
    assert rows.geoms is not None  # noqa: S101 - the kind has shapes.
    kinds, levels = _texts(rows, "kind", "yes"), _levels(rows)
    parts, index, codes = exploded(rows.geoms, _codes(rows))
    return replace_rows(
        session, rows, table="building", columns=("code", "kind", "levels", "geom"),
        values=(
            (code, kinds[i], levels[i], geom) for code, i, geom in zip(codes, index, as_stored(parts), strict=True)
        ),
    )


def _levels(rows: LayerRows) -> list[int | None]:
    """Each building's levels: as counted, else from its height; a height that nearly all share is no data."""
    heights_m = rows.column("height_m")
    told = Counter(height for height in heights_m if height is not None)
    common_m, count = told.most_common(1)[0] if told else (0.0, 0)
    if count >= DEFAULT_SHARE * len(rows) and count >= LEAST_DEFAULTS:
        rows.warnings.append(
            f"{rows.layer.file}, column height_m: {count:,} of {len(rows):,} rows say {common_m:g} m: a default, no "
            "measurement; it is not used."
        )
        heights_m = [None if height == common_m else height for height in heights_m]
    from_height = (None if h is None else max(1, round(h / LEVEL_M)) for h in heights_m)
    counted = zip(rows.column("levels"), from_height, strict=True)
    return [levels if levels is not None and levels > 0 else told_m for levels, told_m in counted]


def _load_places(session: Session, rows: LayerRows) -> int:
    assert rows.geoms is not None  # noqa: S101 - the kind has shapes.
    thai, english = _names(rows)
    values = zip(
        _codes(rows), _texts(rows, "kind"), thai, english, rows.column("population"), as_stored(rows.geoms), strict=True
    )
    columns = ("code", "kind", "name_th", "name_en", "population", "geom")
    return replace_rows(session, rows, table="place", columns=columns, values=values)


def _load_facilities(session: Session, rows: LayerRows) -> int:
    assert rows.geoms is not None  # noqa: S101 - the kind has shapes.
    thai, english = _names(rows)
    columns = ("code", "kind", "name_th", "name_en", "capacity", "geom")
    values = zip(
        _codes(rows), _texts(rows, "kind", "other"), thai, english, rows.column("capacity"), as_stored(rows.geoms),
        strict=True,
    )
    return replace_rows(session, rows, table="facility", columns=columns, values=values)


def _load_landmarks(session: Session, rows: LayerRows) -> int:
    """What has no name is left out: nobody speaks of it."""
    assert rows.geoms is not None  # noqa: S101 - the kind has shapes.
    thai, english = _names(rows)
    values = zip(_codes(rows), _texts(rows, "kind"), thai, english, as_stored(rows.geoms), strict=True)
    columns = ("code", "kind", "name_th", "name_en", "geom")
    return replace_rows(session, rows, table="landmark", columns=columns, values=(v for v in values if v[2]))


def _load_addresses(session: Session, rows: LayerRows) -> int:
    """Houses by the middle of what they were drawn as."""
    assert rows.geoms is not None  # noqa: S101 - the kind has shapes.
    thai, english = _texts(rows, "street_th"), _texts(rows, "street_en")
    roads = session.execute(sa.text("SELECT DISTINCT name_th, name_en FROM road WHERE name_th <> ''")).all()
    used = addresses.usable_rows(rows, [(row.name_th, row.name_en) for row in roads])
    codes, numbers = _codes(rows), _texts(rows, "house_number")
    middles = as_stored(shapely.point_on_surface(rows.geoms))
    columns = ("code", "house_number", "street_th", "street_en", "geom")
    values = ((codes[i], numbers[i], thai[i] or english[i], english[i] or thai[i], middles[i]) for i in used)
    return replace_rows(session, rows, table="address", columns=columns, values=values)


def _load_survey(kind: str) -> Callable[[Session, LayerRows], int]:
    def load(session: Session, rows: LayerRows) -> int:
        assert rows.geoms is not None  # noqa: S101 - the kind has shapes.
        events = _texts(rows, "event")
        levels_m = rows.column("level_m_msl")
        values = ((kind, *row) for row in zip(events, levels_m, as_stored(rows.geoms), strict=True))
        columns = ("kind", "event", "level_m_msl", "geom")
        return replace_rows(session, rows, table="survey_point", columns=columns, values=values)

    return load


def _load_terrain(session: Session, rows: LayerRows) -> int:
    datum = session.scalars(sa.select(City.datum)).one()
    kept = rows.rows[0].fields
    session.merge(Terrain(id=1, datum=datum, trust=rows.layer.trust, version=rows.layer.version, **kept))
    session.flush()
    return 1


_SURVEY = {"level_m_msl": level_column(required=True), "event": Column()}
OWN_KINDS = (
    LayerKind("boundary", _NAMES, "Polygon", _load_areas("municipality")),
    *admin.KINDS,
    LayerKind("districts", _NAMES | {"name_th": Column(required=True)}, "Polygon", _load_areas("district")),
    LayerKind(
        "communities", _NAMES | {"code": Column(required=True), "name_th": Column(required=True)}, "Polygon",
        _load_areas("community"),
    ),
    LayerKind(
        "roads", _NAMES | {"class": Column(required=True), "is_bridge": Column(type=bool)}, "LineString", _load_roads
    ),
    LayerKind("waterways", _NAMES | {"kind": Column()}, "LineString", _load_waterways),
    LayerKind(
        "buildings",
        {"code": Column(), "kind": Column(), "levels": Column(type=int), "height_m": Column(type=float)},
        "Polygon", _load_buildings,
    ),
    LayerKind(
        "facilities", _NAMES | {"kind": Column(required=True), "capacity": count_column()}, "Point", _load_facilities
    ),
    LayerKind(
        "places", _NAMES | {"kind": Column(required=True), "population": count_column()}, "Point", _load_places
    ),
    LayerKind("landmarks", _NAMES | {"kind": Column(required=True)}, "Any", _load_landmarks),
    LayerKind(
        "addresses",
        {"code": Column(), "house_number": Column(required=True), "street_th": Column(), "street_en": Column()},
        "Any", _load_addresses,
    ),
    LayerKind("road_levels", _SURVEY, "Point", _load_survey("road_level")),
    LayerKind("flood_marks", _SURVEY, "Point", _load_survey("flood_mark")),
    LayerKind("terrain", {}, "Raster", _load_terrain),
)
for _kind in OWN_KINDS:
    register(_kind)
