"""The crews of a city pack: who can go, with what, from where."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock
from dispatch.models import Crew
from gis.citypack import layers
from gis.citypack.layers import Column, LayerKind, LayerRows, Row, RowFault, refuse_faulty
from incidents.citypack import split_list

# The deepest water a vehicle drives, for a boat the shallowest it floats in, where the city says nothing.
# Sedan 0.30 m: Pregnolato 2017; truck 0.60 m: doi 10.1155/2018/2850546; wading 0.5 m: AR&R; boat 0.40 m [assumed].
DEFAULT_LIMIT_M = {"car": 0.30, "truck": 0.60, "boat": 0.40, "foot": 0.50}
LIMIT_RANGE_M = (0.05, 1.5)


def load_crews(session: Session, rows: LayerRows) -> int:
    """The city's crews are those of the layer; a crew that is gone goes off duty, since its jobs name it.

    Raises CityPackError with the row and field where a vehicle is unknown or a limit absurd.
    """
    refuse_faulty(rows, _crew_faults)
    loaded = [_crew(row, trust=rows.layer.trust) for row in rows.rows]
    codes = [crew["code"] for crew in loaded]
    session.execute(sa.update(Crew).where(Crew.code.not_in(codes)).values(is_on_duty=False))
    if loaded:
        statement = insert(Crew).values(loaded)
        fresh = {name: statement.excluded[name] for name in loaded[0] if name != "code"}
        session.execute(statement.on_conflict_do_update(index_elements=["code"], set_=fresh))
    session.flush()
    return len(loaded)


def _crew_faults(row: Row) -> Iterator[RowFault]:
    vehicle, limit_m = row.fields["vehicle"], row.fields.get("ford_limit_m")
    if vehicle not in DEFAULT_LIMIT_M:
        yield RowFault(f"'{vehicle}' is not one of {', '.join(DEFAULT_LIMIT_M)}.", "vehicle")
    if limit_m is not None and not LIMIT_RANGE_M[0] <= limit_m <= LIMIT_RANGE_M[1]:
        yield RowFault(f"{limit_m} m is outside {LIMIT_RANGE_M[0]} to {LIMIT_RANGE_M[1]} m.", "ford_limit_m")
    if row.geom is None:
        yield RowFault(f"the crew '{row.fields['code']}' has no place.")


def _crew(row: Row, *, trust: str) -> dict[str, Any]:
    assert row.geom is not None  # noqa: S101  A row without a place has a fault; this tells the type.
    vehicle = row.fields["vehicle"]
    limit_m = row.fields.get("ford_limit_m")
    limit_m = DEFAULT_LIMIT_M[vehicle] if limit_m is None else limit_m
    return {
        "code": row.fields["code"],
        "name_th": row.fields["name_th"],
        "name_en": row.fields.get("name_en") or row.fields["name_th"],
        "kind": row.fields["kind"],
        "capabilities": split_list(row.fields.get("capabilities")),
        "vehicle": vehicle,
        "ford_limit_m": limit_m,
        "position": f"SRID=4326;{row.geom.wkt}",
        "position_at": clock.now(),
        "is_on_duty": True,
        "trust": trust,
    }


layers.register(
    LayerKind(
        kind="crews",
        columns={
            "code": Column(required=True, unique=True),
            "name_th": Column(required=True),
            "name_en": Column(),
            "kind": Column(required=True),
            "capabilities": Column(),
            "vehicle": Column(required=True),
            "ford_limit_m": Column(type=float),
        },
        geometry="Point",
        load=load_crews,
        judge=_crew_faults,
    )
)
