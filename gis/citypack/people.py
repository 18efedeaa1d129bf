"""The people of the imported city spread over its houses and streets, as a layer of its own that says how."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from core import clock
from gis import crs, population
from gis.citypack import loaders
from gis.citypack.layers import LayerMeta, LayerRows
from gis.models import Layer
from gis.population import Dwellings, Spread, Unit

LAYER = "people"
OURS = "spread by us over buildings and streets"
METHOD_VERSION = 1
# The layers that the spread is made of: where none of them has changed, neither has it.
_MADE_OF = (
    "boundary", "communities", "buildings", "roads", "population", "subdistricts",
)
LEAST_LEFT_M2 = 1.0


def spread_people(session: Session) -> None:
    """The layer `people` tells how many live where; it is absent where no unit's people are known.

    Its legend says the method, how many were spread by each, who lives in parts of the units outside the city
    (`outside`), and who is known of but has no place (`unlocated`). Where nothing it is made of has changed, it stays.
    """
    made_of = session.execute(
        sa.select(Layer.name, Layer.digest, Layer.source, Layer.licence, Layer.dated, Layer.trust, Layer.kind)
        .where(Layer.kind.in_(_MADE_OF)).order_by(Layer.name)
    ).all()
    digest = hashlib.sha256(repr([METHOD_VERSION, *((row.name, row.digest) for row in made_of)]).encode()).hexdigest()
    layer = session.scalars(sa.select(Layer).where(Layer.name == LAYER)).one_or_none()
    if layer is not None and layer.digest == digest:
        return
    units, unlocated, told_by = _units(session)
    if not units:
        if layer is not None:
            session.delete(layer)
        return
    found = population.spread(units, homes=_homes(session), streets=_streets(session))
    layer = layer or Layer(name=LAYER, kind=LAYER, version=0)
    session.add(layer)
    of_people = [row for row in made_of if row.kind in told_by]
    layer.version, layer.digest, layer.imported_at = layer.version + 1, digest, clock.now()
    layer.source = "; ".join(dict.fromkeys([OURS, *(row.source for row in of_people)]))
    layer.licence = "; ".join(dict.fromkeys(row.licence for row in made_of))
    layer.dated = max((row.dated for row in of_people if row.dated), default=None)
    layer.trust = "simulated" if any(row.trust == "simulated" for row in made_of) else "derived"
    layer.legend = {
        "method": "dasymetric: totals of units over floor area of dwellings, else length of streets, else ground",
        "units": len(units), "total": sum(unit.people for unit in units) + unlocated, "by_method": found.by_method,
        "outside": found.outside, "unlocated": unlocated,
    }
    layer.row_count = len(found.people)
    session.flush()
    _store(session, layer, found)


def _store(session: Session, layer: Layer, found: Spread) -> None:
    srid = _srid(session)
    way = crs.transformer(srid, crs.STORED_SRID)
    degrees = shapely.transform(found.points, way.transform, interleaved=False)
    meta = LayerMeta(
        id=layer.id, name=LAYER, kind=LAYER, file="", source=layer.source, licence=layer.licence, dated=layer.dated,
        trust=layer.trust, version=layer.version,
    )
    loaders.replace_rows(
        session, LayerRows(meta, range(len(found.people)), {}, None), table="population_point",
        columns=("unit_code", "method", "people", "geom"),
        values=zip(
            found.unit_codes, found.methods, found.people.tolist(), loaders.as_stored(degrees), strict=True
        ),
    )


# --- what is known -------------------------------------------------------------------------------------------------


def _srid(session: Session) -> int:
    return int(session.execute(sa.text("SELECT metric_srid FROM city")).scalar_one())


def _metric(session: Session, text: str, **facts: Any) -> Sequence[Any]:
    """Rows of the query, whose last column is a shape in the city's metric system as WKB."""
    return session.execute(sa.text(text), {"srid": _srid(session), **facts}).all()


def _shapes(rows: Sequence[Any]) -> Any:
    return np.asarray(shapely.from_wkb(np.array([bytes(row[-1]) for row in rows], dtype=object)))


def _homes(session: Session) -> Dwellings:
    rows = _metric(session, "SELECT kind, levels, ST_AsBinary(ST_Transform(geom, :srid)) FROM building ORDER BY id")
    return population.homes_of(_shapes(rows), [row.kind for row in rows], [row.levels for row in rows])


def _streets(session: Session) -> Dwellings:
    rows = _metric(
        session, "SELECT class, ST_AsBinary(ST_Transform(geom, :srid)) FROM road WHERE NOT is_bridge ORDER BY id"
    )
    return population.along_streets(_shapes(rows), [row[0] for row in rows])


def _units(session: Session) -> tuple[list[Unit], int, set[str]]:
    """The smallest units whose people are known, without overlap; how many people have no outline; who told of them.

    Communities come first; a sub-district then holds its people without theirs, on its ground without theirs. Only
    where neither is known the municipality's own total counts.
    """
    reach = _reach(session)
    units = [*_communities(session, reach)]
    told_by = {"communities"} if units else set()
    taken = shapely.union_all([unit.outline for unit in units]) if units else None
    larger, unlocated = _subdistricts(session, reach, units, taken)
    if larger:
        return [*units, *larger], unlocated, told_by | {"population", "subdistricts"}
    if units:
        return units, 0, told_by
    rows = _metric(
        session,
        "SELECT code, (attributes->>'population')::numeric AS people, ST_AsBinary(ST_Transform(geom, :srid)) FROM area "
        "WHERE kind = 'municipality' AND attributes->>'population' ~ '^[0-9]+(\\.0)?$'",
    )
    whole = [
        Unit(row.code, int(row.people), outline, outline) for row, outline in zip(rows, _shapes(rows), strict=True)
    ]
    return whole, 0, {"boundary"}


def _reach(session: Session) -> BaseGeometry:
    """The ground of which buildings and streets are known: the city's extent."""
    reach: BaseGeometry = _shapes(_metric(session, "SELECT ST_AsBinary(ST_Transform(extent, :srid)) FROM city"))[0]
    return reach


def _communities(session: Session, reach: BaseGeometry) -> list[Unit]:
    rows = _metric(
        session,
        "SELECT code, (attributes->>'population')::numeric AS people, ST_AsBinary(ST_Transform(geom, :srid)) FROM area "
        "WHERE kind = 'community' AND attributes->>'population' ~ '^[0-9]+(\\.0)?$' ORDER BY id",
    )
    return [
        Unit(row.code, int(row.people), outline, reach)
        for row, outline in zip(rows, _shapes(rows), strict=True) if row.people > 0
    ]


def _subdistricts(
    session: Session, reach: BaseGeometry, inner: Sequence[Unit], taken: BaseGeometry | None
) -> tuple[list[Unit], int]:
    rows = _metric(
        session,
        "SELECT code, population AS people, ST_AsBinary(ST_Transform(u.geom, :srid)) FROM admin_unit u, city "
        "WHERE u.kind = 'subdistrict' AND u.population > 0 AND ST_Intersects(u.geom, city.boundary) ORDER BY code",
    )
    units = []
    for row, outline in zip(rows, _shapes(rows), strict=True):
        inside = [unit for unit in inner if outline.intersects(unit.outline.representative_point())]
        people = row.people - sum(unit.people for unit in inside)
        ground = outline.difference(taken) if taken is not None and inside else outline
        if people > 0 and ground.area > LEAST_LEFT_M2:
            units.append(Unit(row.code, people, ground, reach))
    return units, _without_outline(session, [row.code for row in rows])


def _without_outline(session: Session, codes: Sequence[str]) -> int:
    """The people of sub-districts in the city's districts that have no outline: known of, but nobody knows where."""
    found = session.scalar(
        sa.text(
            "SELECT coalesce(sum(population), 0) FROM admin_unit WHERE kind = 'subdistrict' AND geom IS NULL"
            " AND left(code, 4) = ANY(:districts)"
        ),
        {"districts": sorted({code[:4] for code in codes})},
    )
    return int(found or 0)
