"""All SQL of what everybody may see of incidents; it reads `gis_public.incidents`, rounded and without people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from incidents.opendata import CELL_DEGREES, COLUMNS, Wanted
from incidents.rules import OPEN_STATES

# An incident's number, or that of a report which joined one; nothing else is looked for.
_NUMBER = re.compile(r"25\d\d-\d{6,12}(-\d{1,18})?", re.ASCII)


@dataclass(frozen=True)
class Step:
    """A state that the incident came into, when, and which agency led it then."""

    state: str
    at: datetime
    agency_th: str
    agency_en: str


@dataclass(frozen=True)
class Tracked:
    """An incident as everybody may follow it; `asked` is the number that led here, which may be a merged one's."""

    asked: str
    number: str
    category_th: str
    category_en: str
    state: str
    place_th: str
    place_en: str
    agency_th: str
    agency_en: str
    opened_at: datetime
    promised_at: datetime
    ended_at: datetime | None
    is_promise_kept: bool | None
    people: int
    steps: Sequence[Step]


# A number that was merged leads on only where what stood under it could be seen itself.
_TRACKED = """
WITH RECURSIVE asked AS (
    SELECT i.id FROM incident i LEFT JOIN open_service o ON o.category_code = i.category_code
    WHERE i.number = :number AND coalesce(o.exposure, 'coarse') <> 'hidden' AND (i.merged_into_id IS NULL OR EXISTS (
        SELECT FROM incident_merge m JOIN report r ON r.id = ANY(m.report_ids)
        WHERE m.merged_id = i.id AND m.undone_at IS NULL AND NOT r.is_private))
    UNION ALL
    SELECT r.incident_id FROM service_request s JOIN report r ON r.id = s.report_id
    LEFT JOIN open_service o ON o.category_code = r.category_code
    WHERE s.request_id = :number AND s.has_joined AND NOT r.is_private AND coalesce(o.exposure, 'coarse') <> 'hidden'
),
way AS (
    SELECT i.id, i.merged_into_id, 0 AS step FROM incident i JOIN asked USING (id)
    UNION ALL SELECT i.id, i.merged_into_id, w.step + 1 FROM incident i JOIN way w ON i.id = w.merged_into_id
)
SELECT v.*, (SELECT count(DISTINCT r.resident_id) + count(*) FILTER (WHERE r.resident_id IS NULL)
             FROM report r WHERE r.incident_id = v.id) AS people
FROM gis_public.incidents v WHERE v.id = (SELECT id FROM way ORDER BY step DESC LIMIT 1)
"""
_STEPS = """
SELECT h.to_state, h.changed_at, t.name_th, t.name_en
FROM incident_change h LEFT JOIN agency t ON t.code = h.to_agency_code
WHERE h.incident_id = :id AND h.kind = 'state' ORDER BY h.id
"""


def tracked(session: Session, number: str) -> Tracked | None:
    """What everybody may know of the incident to which the number leads; None alike for none and for a private one."""
    if not _NUMBER.fullmatch(number):
        return None
    row = session.execute(sa.text(_TRACKED), {"number": number}).one_or_none()
    if row is None:
        return None
    return Tracked(
        asked=number, number=row.number, category_th=row.category_th, category_en=row.category_en, state=row.state,
        place_th=row.place_th, place_en=row.place_en, agency_th=row.agency_th or "", agency_en=row.agency_en or "",
        opened_at=row.opened_at, promised_at=row.promised_at, ended_at=row.ended_at,
        is_promise_kept=row.is_promise_kept, people=row.people,
        steps=_steps(session.execute(sa.text(_STEPS), {"id": row.id}).all()),
    )


def _steps(rows: Sequence[Any]) -> list[Step]:
    """The states in their order, each with who led when it was written; nobody where that was not kept then."""
    return [
        Step(state=row.to_state, at=row.changed_at, agency_th=row.name_th or "", agency_en=row.name_en or "")
        for row in rows
    ]


# By the index, before each is rounded: nothing that is shown in the box lies further from it than half a cell, but for
# what is shown where another report of it lies.
_NEAR_THE_BOX = """ AND v.id = ANY(ARRAY(
    SELECT id FROM incident WHERE place && ST_Expand(ST_MakeEnvelope(:west, :south, :east, :north, 4326),
        (SELECT greatest(max(grid_degrees), 0.005) / 2 + 0.000001 FROM open_service))
    UNION SELECT f.incident_id FROM report f WHERE f.is_private))"""


def public_page(session: Session, wanted: Wanted) -> list[dict[str, Any]]:
    """The incidents that are asked for, the newest first, by column. Places are compared as they are shown, rounded:
    asking for ever smaller boxes tells no more than the answer does.
    """
    terms, values = _wanted_terms(wanted)
    if wanted.bbox:
        terms += _NEAR_THE_BOX
    columns = ", ".join(f"v.{name}" for name in COLUMNS if name not in {"lon", "lat"})
    rows = session.execute(
        sa.text(
            f"SELECT v.id, {columns}, ST_X(v.geom) AS lon, ST_Y(v.geom) AS lat FROM gis_public.incidents v "  # noqa: S608 - names of ours.
            f"WHERE {terms} ORDER BY v.id DESC LIMIT :limit"
        ),
        values,
    )
    return [dict(row) for row in rows.mappings()]


# A place name and a category speak for a cell where most of its incidents have them.
_CELLS = """
SELECT ST_X(cell) AS lon, ST_Y(cell) AS lat, count(*) AS count, count(*) FILTER (WHERE state = ANY(:open)) AS open,
       mode() WITHIN GROUP (ORDER BY nullif(place_th, '')) AS place_th,
       mode() WITHIN GROUP (ORDER BY nullif(place_en, '')) AS place_en,
       mode() WITHIN GROUP (ORDER BY category_th) AS category_th,
       mode() WITHIN GROUP (ORDER BY category_en) AS category_en
FROM (SELECT v.*, public_cell(v.geom, :cell_degrees) AS cell FROM gis_public.incidents v WHERE {terms}) found
GROUP BY cell ORDER BY count(*) DESC, cell LIMIT :limit
"""


def public_cells(session: Session, wanted: Wanted) -> list[dict[str, Any]]:
    """How many of the incidents that are asked for lie in which cell of `CELL_DEGREES`, as they are shown; most first.

    `lon` and `lat` are the cell's middle.
    """
    terms, values = _wanted_terms(wanted)
    if wanted.bbox:
        terms += _NEAR_THE_BOX
    values |= {"open": list(OPEN_STATES), "cell_degrees": CELL_DEGREES}
    return [dict(row) for row in session.execute(sa.text(_CELLS.format(terms=terms)), values).mappings()]


def _wanted_terms(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    """The filters as SQL over the view, and what is bound in it."""
    parts, values = ["true"], {"limit": wanted.limit}
    known: list[tuple[Any, str, dict[str, Any]]] = [
        (wanted.after, "v.id < :after", {"after": wanted.after}),
        (wanted.categories, "v.category = ANY(:categories)", {"categories": list(wanted.categories)}),
        (wanted.states, "v.state = ANY(:states)", {"states": list(wanted.states)}),
        (wanted.from_at, "v.opened_at >= :from_at", {"from_at": wanted.from_at}),
        (wanted.to_at, "v.opened_at < :to_at", {"to_at": wanted.to_at}),
        (wanted.bbox, "v.geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326)",
         dict(zip(("west", "south", "east", "north"), wanted.bbox or (), strict=False))),
    ]
    for is_asked, term, bound in known:
        if is_asked:
            parts.append(term)
            values |= bound
    return " AND ".join(parts), values


def shown_categories(session: Session) -> list[tuple[str, str, str]]:
    """Code, Thai and English name of the categories that everybody may see, in the city's order."""
    rows = session.execute(
        sa.text(
            "SELECT c.code, c.name_th, c.name_en FROM category c LEFT JOIN open_service o ON o.category_code = c.code "
            "WHERE coalesce(o.exposure, 'coarse') <> 'hidden' ORDER BY c.position"
        )
    )
    return [(code, name_th, name_en) for code, name_th, name_en in rows]
