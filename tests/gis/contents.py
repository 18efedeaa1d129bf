"""Everything that an import writes, to be compared before and after."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

TABLES = (
    "city", "layer", "area", "admin_unit", "road", "waterway", "building", "place", "facility", "survey_point",
    "terrain", "population_point", "address",
)


def contents(session: Session) -> dict[str, list[Any]]:
    """Every row with its id, by table; tables without rows are left out."""
    found = {}
    for table in TABLES:
        rows = session.execute(sa.text(f"SELECT t::text FROM {table} t ORDER BY id")).all()  # noqa: S608 - our own names
        if rows:
            found[table] = [row[0] for row in rows]
    return found
