"""The country's administrative units from several registers: their sets differ, so they are united and counted.

The first layer that brings a unit owns it and its names; later ones fill what it lacks. Villages, communities and
municipalities are kept for the city's province and its neighbours, the levels above for the whole country.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import shapely
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.orm import Session

from core.db import driver_connection
from core.errors import InvalidInputError
from gis import crs
from gis.citypack.findings import shown
from gis.citypack.layers import Column, LayerKind, LayerRows, count_column
from gis.points import coordinate_fault

KIND_OF_LENGTH = {2: "province", 4: "district", 6: "subdistrict", 8: "village"}
KINDS_OF_UNITS = ("province", "district", "subdistrict", "municipality", "village", "community")
LOCAL = ("municipality", "village", "community")
LOWEST_PROVINCE, HIGHEST_PROVINCE = 10, 97  # DOPA's province codes, as in ISO 3166-2:TH; a serial number begins at 1.
NEAR_DEGREES = 0.045  # About 5 km: what a simplified outline of a province may be off.
ASTRAY_DEGREES = 0.01  # About 1 km: outlines of 8 vertices hold nobody's point to the metre.
NAMED_ROWS = 3
_FIELDS = (
    "layer_id", "kind", "code", "name_th", "name_en", "parent_code", "moo", "postcode", "population", "households",
    "place", "geom",
)


def _load(session: Session, rows: LayerRows) -> int:
    """The layer's units are in table `admin_unit` beside those of other layers; how many it brings."""
    units = list(_units(session, rows))
    others = sa.text("SELECT EXISTS (SELECT FROM admin_unit WHERE layer_id <> :id)")
    has_register = session.scalar(others, {"id": rows.layer.id})
    session.execute(sa.text("CREATE TEMPORARY TABLE unit_incoming (LIKE admin_unit) ON COMMIT DROP"))
    session.execute(sa.text("ALTER TABLE unit_incoming DROP COLUMN id"))
    statement = sql.SQL("COPY unit_incoming ({}) FROM STDIN").format(sql.SQL(", ").join(map(sql.Identifier, _FIELDS)))
    with driver_connection(session).cursor() as cursor, cursor.copy(statement) as copy:
        for unit in units:
            copy.write_row(unit)
    # Without an index and counts the first import is planned as if there were no units, and compares each with each.
    session.execute(sa.text("CREATE UNIQUE INDEX ON unit_incoming (kind, code)"))
    session.execute(sa.text("ANALYZE unit_incoming"))
    added = len(session.execute(sa.text(_ADDED), {"id": rows.layer.id}).all())
    session.execute(sa.text(_UNITE))
    # These columns alone: to count the normal forms of the index as well takes longer than all the rest of a layer.
    session.execute(sa.text("ANALYZE admin_unit (kind, code, layer_id, parent_code)"))
    gone = session.execute(sa.text(_GONE), {"id": rows.layer.id}).rowcount  # type: ignore[attr-defined]  # a DELETE counts its rows
    _empty_what_the_layer_no_longer_tells(session, rows)
    if has_register and added:
        rows.warnings.append(f"{rows.layer.file}: {added:,} of its units are in no layer before it; they were added.")
    if gone:
        rows.warnings.append(f"{rows.layer.file}: {gone:,} units of its last import are not in it; they are gone.")
    _note_what_is_missing(session, rows)
    session.execute(sa.text("DROP TABLE unit_incoming"))
    return len(units)


_ADDED = """
    SELECT incoming.code FROM unit_incoming incoming
    WHERE NOT EXISTS (SELECT FROM admin_unit u WHERE u.kind = incoming.kind AND u.code = incoming.code)
"""
_UNITE = """
    INSERT INTO admin_unit AS u (layer_id, kind, code, name_th, name_en, parent_code, moo, postcode, population,
                                 households, place, geom)
    SELECT layer_id, kind, code, name_th, name_en, parent_code, moo, postcode, population, households, place, geom
    FROM unit_incoming
    ON CONFLICT (kind, code) DO UPDATE SET
        name_th = CASE WHEN u.layer_id = excluded.layer_id THEN excluded.name_th ELSE u.name_th END,
        name_en = CASE WHEN u.layer_id = excluded.layer_id OR u.name_en = u.name_th THEN excluded.name_en
                       ELSE u.name_en END,
        parent_code = CASE WHEN u.layer_id = excluded.layer_id THEN coalesce(excluded.parent_code, u.parent_code)
                           ELSE coalesce(u.parent_code, excluded.parent_code) END,
        moo = coalesce(u.moo, excluded.moo),
        postcode = CASE WHEN u.layer_id = excluded.layer_id THEN coalesce(excluded.postcode, u.postcode)
                        ELSE coalesce(u.postcode, excluded.postcode) END,
        place = CASE WHEN u.layer_id = excluded.layer_id THEN coalesce(excluded.place, u.place)
                     ELSE coalesce(u.place, excluded.place) END,
        population = coalesce(excluded.population, u.population),
        households = coalesce(excluded.households, u.households),
        geom = coalesce(excluded.geom, u.geom)
"""
_GONE = """
    DELETE FROM admin_unit u WHERE u.layer_id = :id
      AND NOT EXISTS (SELECT FROM unit_incoming incoming WHERE incoming.kind = u.kind AND incoming.code = u.code)
"""
_TELLS = {
    "population": "population = NULL, households = NULL", "subdistricts": "geom = NULL", "provinces": "geom = NULL",
}


def _empty_what_the_layer_no_longer_tells(session: Session, rows: LayerRows) -> None:
    fields = _TELLS.get(rows.layer.kind)
    if fields is not None:
        session.execute(
            sa.text(
                f"UPDATE admin_unit u SET {fields} WHERE u.kind IN (SELECT DISTINCT kind FROM unit_incoming)"  # noqa: S608 - the fields are the constants above
                " AND NOT EXISTS (SELECT FROM unit_incoming i WHERE i.kind = u.kind AND i.code = u.code)"
            )
        )


def _note_what_is_missing(session: Session, rows: LayerRows) -> None:
    lacks = {"population": "population", "subdistricts": "outline"}.get(rows.layer.kind)
    if lacks is None:
        return
    missing = session.execute(
        sa.text(
            "SELECT u.kind, count(*) AS units FROM admin_unit u"
            " WHERE u.kind IN (SELECT DISTINCT kind FROM unit_incoming) AND NOT EXISTS"
            " (SELECT FROM unit_incoming i WHERE i.kind = u.kind AND i.code = u.code) GROUP BY u.kind"
        )
    )
    for kind, units in missing:
        rows.warnings.append(f"{rows.layer.file}: {units:,} units of the kind {kind} are not in it: no {lacks}.")


# --- rows ----------------------------------------------------------------------------------------------------------


def _units(session: Session, rows: LayerRows) -> Iterator[tuple[Any, ...]]:
    """The units that a city keeps, as rows of `admin_unit`."""
    codes = [_code(code) for code in rows.column("code")]
    kinds = _kinds(rows, codes)
    near = _near_provinces(session)
    kept = [
        index for index, (code, kind) in enumerate(zip(codes, kinds, strict=True))
        if kind is not None and (kind not in LOCAL or near is None or code[:2] in near)
    ]
    thai, english = rows.column("name_th"), rows.column("name_en")
    nameless = [index for index in kept if not (thai[index] or english[index])]
    if nameless:
        rows.warnings.append(
            f"{rows.layer.file}, column name_th: {len(nameless):,} units have no name (the first in row "
            f"{rows.numbers[nameless[0]]}); they were left out."
        )
        kept = sorted(set(kept) - set(nameless))
    _check_codes(rows, codes, kinds, kept)
    places = _places(session, rows, codes, kept)
    geoms = _outlines(rows)
    parents, moos = rows.column("parent_code"), rows.column("moo")
    postcodes, people, homes = rows.column("postcode"), rows.column("population"), rows.column("households")
    for index in kept:
        code, kind = codes[index], kinds[index]
        names = thai[index] or english[index], english[index] or thai[index]
        parent = _code(parents[index]) if parents[index] else _parent(code, str(kind))
        moo = moos[index] if moos[index] is not None else _moo(code, str(kind))
        yield (
            rows.layer.id, kind, code, *names, parent, moo, _postcode(postcodes[index]), people[index], homes[index],
            places.get(index), geoms[index],
        )


def _code(text: object) -> str:
    """The DOPA code of `TH800101`, `800101` or `800101.0`."""
    return str(text).strip().upper().removeprefix("TH").removesuffix(".0")


def _postcode(text: object) -> str | None:
    return str(text).removesuffix(".0") if text not in (None, "") else None


def _parent(code: str, kind: str) -> str | None:
    if kind == "province":
        return None
    return code[:2] if kind == "municipality" else code[:-2]


def _moo(code: str, kind: str) -> int | None:
    """A village's number stands at the end of its code."""
    return int(code[6:]) if kind == "village" else None


def _kinds(rows: LayerRows, codes: Sequence[str]) -> list[str | None]:
    """Each row's kind: its own word, or what its code's length says; None where it is no unit of ours, counted."""
    if rows.layer.kind in ("provinces", "subdistricts"):
        return [rows.layer.kind.removesuffix("s")] * len(codes)
    told = rows.column("kind")
    kinds = [kind or KIND_OF_LENGTH.get(len(code)) for kind, code in zip(told, codes, strict=True)]
    for index, (kind, code) in enumerate(zip(kinds, codes, strict=True)):
        if kind is None:
            raise InvalidInputError(
                f"row {rows.numbers[index]}, column code: {shown(code)} is no code of a province, district, "
                "sub-district or village (2, 4, 6 or 8 digits); a file's serial number is no code."
            )
    strange = Counter(str(kind) for kind in kinds if kind not in KINDS_OF_UNITS)
    for kind, count in sorted(strange.items()):
        rows.warnings.append(f"{rows.layer.file}, column kind: {count:,} rows of the kind {shown(kind)} are left out.")
    if kinds and sum(strange.values()) == len(kinds):
        raise InvalidInputError(f"column kind: none of its rows is of a known kind ({', '.join(KINDS_OF_UNITS)}).")
    return [kind if kind in KINDS_OF_UNITS else None for kind in kinds]


def _check_codes(rows: LayerRows, codes: Sequence[str], kinds: Sequence[str | None], kept: Sequence[int]) -> None:
    """Raises InvalidInputError that names the row of a code that cannot be DOPA's (a serial number, a wrong length), or
    that is there twice."""
    lengths = {kind: length for length, kind in KIND_OF_LENGTH.items()}
    first: dict[tuple[str | None, str], int] = {}
    for index in kept:
        code, kind = codes[index], kinds[index]
        before = first.setdefault((kind, code), rows.numbers[index])
        if before != rows.numbers[index]:
            raise InvalidInputError(
                f"row {rows.numbers[index]}, column code: the {kind} {shown(code)} is there twice: row {before} has it "
                "already."
            )
        wanted = lengths.get(str(kind), len(code))
        is_number = code.isascii() and code.isdigit() and len(code) >= 2
        if is_number and len(code) == wanted and LOWEST_PROVINCE <= int(code[:2]) <= HIGHEST_PROVINCE:
            continue
        raise InvalidInputError(
            f"row {rows.numbers[index]}, column code: '{code}' is no code of the kind {kind} ({wanted} digits, the "
            f"first two a province from {LOWEST_PROVINCE} to {HIGHEST_PROVINCE}); a file's serial number is no code."
        )


def _near_provinces(session: Session) -> set[str] | None:
    """The codes of the city's province and its neighbours; None where no outlines tell."""
    found = session.scalars(
        sa.text(
            """
            WITH home AS (
                SELECT p.geom FROM admin_unit p, city WHERE p.kind = 'province' AND ST_Intersects(p.geom, city.centre)
            )
            SELECT p.code FROM admin_unit p, home WHERE p.kind = 'province' AND ST_DWithin(p.geom, home.geom, :near)
            """
        ),
        {"near": NEAR_DEGREES},
    ).all()
    return set(found) or None


def _outlines(rows: LayerRows) -> list[str | None]:
    from gis.citypack.loaders import as_multipolygons, as_stored

    if rows.geoms is None:
        return [None] * len(rows)
    return list(as_stored(as_multipolygons(rows.geoms)))


# --- points --------------------------------------------------------------------------------------------------------


def _places(session: Session, rows: LayerRows, codes: Sequence[str], kept: Sequence[int]) -> dict[int, str]:
    """The point of each row that has one in its province, as stored; the others are told and left out."""
    found: dict[int, tuple[float, float]] = {}
    for index, lon, lat in zip(range(len(rows)), rows.column("lon"), rows.column("lat"), strict=True):
        if lon is None or lat is None:
            continue
        fault = coordinate_fault(lon=lon, lat=lat)
        if fault is not None:
            _doubt(rows, index, f"{fault[:-1]}; the unit has no point.")
            continue
        found[index] = (lon, lat)
    here = [index for index in kept if index in found]
    points = shapely.points([found[index] for index in here]) if here else np.array([], dtype=object)
    own = [codes[index][:6] for index in here]
    subdistricts = _outlines_by_code(session, "subdistrict")
    is_off = _is_outside(_outlines_by_code(session, "province"), [codes[i][:2] for i in here], points, NEAR_DEGREES)
    # A simplified province has lost its islands; the sub-district that the code names may still hold the point.
    is_off &= _is_outside(subdistricts, own, points, NEAR_DEGREES) | ~np.isin(own, list(subdistricts))
    for index in np.array(here, dtype=int)[is_off].tolist():
        lon, lat = found[index]
        _doubt(rows, index, f"({lon:g}, {lat:g}) lies outside its province and 5 km; the unit has no point.")
    is_astray = ~is_off & _is_outside(subdistricts, own, points, ASTRAY_DEGREES)
    for index in np.array(here, dtype=int)[is_astray].tolist():
        _doubt(rows, index, f"its point lies outside the outline of sub-district {codes[index][:6]}, of its code.")
    _tell_repeated(rows, [found[index] for index in here], here)
    stored = shapely.to_wkb(shapely.set_srid(points, crs.STORED_SRID), hex=True, include_srid=True)
    return {index: stored[at] for at, index in enumerate(here) if not is_off[at]}


def _doubt(rows: LayerRows, index: int, cause: str) -> None:
    rows.warnings.append(f"{rows.layer.file}, row {rows.numbers[index]}, column lon/lat: {cause}")


def _tell_repeated(rows: LayerRows, places: Sequence[tuple[float, float]], here: Sequence[int]) -> None:
    owners: dict[tuple[float, float], list[int]] = {}
    for place, index in zip(places, here, strict=True):
        owners.setdefault(place, []).append(rows.numbers[index])
    for numbers in owners.values():
        if len(numbers) > 1:
            named = ", ".join(map(str, numbers[:NAMED_ROWS]))
            rows.warnings.append(f"{rows.layer.file}, column lon/lat: {len(numbers)} rows share one point ({named} …).")


def _outlines_by_code(session: Session, kind: str) -> dict[str, Any]:
    asked = sa.text("SELECT code, ST_AsBinary(geom) FROM admin_unit WHERE kind = :kind AND geom IS NOT NULL")
    stored = session.execute(asked, {"kind": kind}).all()
    shapes = shapely.from_wkb([bytes(wkb) for _, wkb in stored])
    return dict(zip((code for code, _ in stored), shapes, strict=True))


def _is_outside(outlines: dict[str, Any], codes: Sequence[str], points: Any, reach: float) -> Any:
    """True for each point that lies farther than `reach` degrees from the outline of its code; unknown is not."""
    is_outside = np.zeros(len(codes), dtype=bool)
    every = np.array(codes)
    for code in set(codes) & set(outlines):
        of_code = every == code
        shapely.prepare(outlines[code])
        is_outside[of_code] = ~shapely.dwithin(outlines[code], points[of_code], reach)
    return is_outside


_UNIT = {"code": Column(required=True), "name_th": Column(), "name_en": Column()}
KINDS = (
    LayerKind("provinces", _UNIT | {"name_th": Column(required=True)}, "Polygon", _load, is_of_country=True),
    LayerKind("subdistricts", _UNIT | {"name_th": Column(required=True)}, "Polygon", _load, is_of_country=True),
    LayerKind(
        "admin_units",
        _UNIT | {
            "kind": Column(), "parent_code": Column(), "moo": count_column(),
            "postcode": Column(), "lon": Column(type=float), "lat": Column(type=float),
        },
        None, _load, is_of_country=True,
    ),
    LayerKind(
        "population",
        _UNIT | {"kind": Column(), "population": count_column(required=True), "households": count_column()},
        None, _load, is_of_country=True,
    ),
)
