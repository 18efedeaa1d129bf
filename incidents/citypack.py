"""The agencies of a city pack: who does which work."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gis.citypack import layers
from gis.citypack.layers import Column, LayerKind, LayerRows, Row, RowFault, refuse_faulty
from incidents import catalogue
from incidents.models import Agency


def split_list(value: object) -> list[str]:
    """The parts of a field such as `pump;boat`, without blanks and repeats, in their order."""
    return list(dict.fromkeys(part.strip() for part in str(value or "").split(";") if part.strip()))


def load_agencies(session: Session, rows: LayerRows) -> int:
    """The city's agencies are those of the layer; incidents of an agency that is gone keep their history.

    Raises CityPackError where a row names a category that does not exist.
    """
    refuse_faulty(rows, _agency_faults)
    loaded = [_agency(row, trust=rows.layer.trust) for row in rows.rows]
    session.execute(sa.delete(Agency).where(Agency.code.not_in([agency["code"] for agency in loaded])))
    if loaded:
        statement = insert(Agency).values(loaded)
        fresh = {name: statement.excluded[name] for name in ("name_th", "name_en", "categories", "area_code", "trust")}
        session.execute(statement.on_conflict_do_update(index_elements=["code"], set_=fresh))
    session.flush()
    return len(loaded)


def _agency_faults(row: Row) -> Iterator[RowFault]:
    shipped = catalogue.shipped()
    for name in split_list(row.fields["categories"]):
        if name != "*" and name not in shipped.codes | shipped.agency_kinds:
            yield RowFault(
                f"'{name}' is no category and no kind of agency (categories: {', '.join(sorted(shipped.codes))}; "
                f"kinds: {', '.join(sorted(shipped.agency_kinds))}; or *).", "categories",
            )


def _agency(row: Row, *, trust: str) -> dict[str, object]:
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
