"""The agencies of a city pack: who does which work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock
from gis.citypack import layers
from gis.citypack.findings import Findings
from gis.citypack.layers import Column, LayerKind, LayerRows, Row, RowFault, refuse_faulty
from gis.errors import CityPackError
from gis.models import Area
from incidents import agencies, catalogue
from incidents.models import Agency
from incidents.routing import ANYTHING


def split_list(value: object) -> list[str]:
    """The parts of a field such as `pump;boat`, without blanks and repeats, in their order."""
    return list(dict.fromkeys(part.strip() for part in str(value or "").split(";") if part.strip()))


def load_agencies(session: Session, rows: LayerRows) -> int:
    """The city's agencies are those of the layer; open incidents of an agency that is gone go to who has its work now.

    Raises CityPackError where a row names a category or an area that does not exist, or no agency of the whole city
    takes what nobody else takes.
    """
    refuse_faulty(rows, _agency_faults)
    known_areas = frozenset(session.scalars(sa.select(Area.code)))
    refuse_faulty(rows, lambda row: _area_faults(row, known_areas))
    loaded = [_agency(row, trust=rows.layer.trust) for row in rows.rows]
    _refuse_without_catch_all(rows, loaded)
    session.execute(sa.delete(Agency).where(Agency.code.not_in([agency["code"] for agency in loaded])))
    if loaded:
        statement = insert(Agency).values(loaded)
        fresh = {name: statement.excluded[name] for name in ("name_th", "name_en", "categories", "area_code", "trust")}
        session.execute(statement.on_conflict_do_update(index_elements=["code"], set_=fresh))
    session.flush()
    agencies.adopt_orphans(session, now=clock.now())
    return len(loaded)


def _refuse_without_catch_all(rows: LayerRows, loaded: list[dict[str, Any]]) -> None:
    if any(ANYTHING in agency["categories"] and agency["area_code"] is None for agency in loaded):
        return
    findings = Findings()
    findings.note(
        rows.layer.file,
        "no agency takes what nobody else takes: one of them needs * among its categories and no area_code, so that "
        "no report is left without an agency.",
    )
    raise CityPackError(findings.sentences)


def _area_faults(row: Row, known: frozenset[str]) -> Iterator[RowFault]:
    area_code = row.fields.get("area_code")
    if area_code is not None and area_code not in known:
        yield RowFault(f"'{area_code}' is no area of the city: its incidents would reach nobody.", "area_code")


def _agency_faults(row: Row) -> Iterator[RowFault]:
    shipped = catalogue.shipped()
    for name in split_list(row.fields["categories"]):
        if name != "*" and name not in shipped.codes | shipped.agency_kinds:
            yield RowFault(
                f"'{name}' is no category and no kind of agency (categories: {', '.join(sorted(shipped.codes))}; "
                f"kinds: {', '.join(sorted(shipped.agency_kinds))}; or *).", "categories",
            )


def _agency(row: Row, *, trust: str) -> dict[str, Any]:
    return {
        "code": row.fields["code"],
        "name_th": row.fields["name_th"],
        "name_en": row.fields.get("name_en") or row.fields["name_th"],
        "categories": split_list(row.fields["categories"]),
        "area_code": row.fields.get("area_code"),
        "trust": trust,
    }


layers.register(
    LayerKind(
        kind="agencies",
        columns={
            "code": Column(required=True, unique=True),
            "name_th": Column(required=True),
            "name_en": Column(),
            "categories": Column(required=True),
            "area_code": Column(),
        },
        geometry=None,
        load=load_agencies,
        judge=_agency_faults,
    )
)
