"""Incidents as officers take them along: with place and first words as they are. Every use is logged by who asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from incidents.opendata import Wanted
from incidents.public_queries import wanted_terms

COLUMNS = (
    "number", "category", "category_th", "tier", "state", "agency", "agency_th", "opened_at", "last_report_at",
    "promised_at", "done_at", "closed_at", "was_breached", "report_count", "place_th", "place_source", "lon", "lat",
    "summary", "depth_m", "people", "merged_into",
)
_ROWS = """
SELECT i.id, i.number, i.category_code AS category, c.name_th AS category_th, c.tier, i.state, i.agency_code AS agency,
       a.name_th AS agency_th, i.opened_at, i.last_report_at, i.promised_at, i.done_at, i.closed_at,
       EXISTS (SELECT FROM promise_mark m WHERE m.incident_id = i.id AND m.kind = 'breached') AS was_breached,
       i.report_count, i.place_label_th AS place_th, i.place_source, ST_X(i.place) AS lon, ST_Y(i.place) AS lat,
       i.summary, i.depth_m, i.people, s.number AS merged_into
FROM incident i JOIN category c ON c.code = i.category_code LEFT JOIN agency a ON a.code = i.agency_code
LEFT JOIN incident s ON s.id = i.merged_into_id
WHERE {terms} AND (:every_agency OR i.agency_code = ANY(:agencies))
  AND (:words = '' OR strpos(lower(i.summary), lower(:words)) > 0 OR i.number = :words)
ORDER BY i.id DESC LIMIT :limit
"""


def export_page(session: Session, wanted: Wanted, *, agencies: Sequence[str], words: str) -> list[dict[str, Any]]:
    """The incidents that are asked for, of these agencies or all, with the words in summary or number; newest first."""
    terms, values = wanted_terms(wanted, number="i.id", category="i.category_code", place="i.place")
    values |= {"every_agency": not agencies, "agencies": list(agencies), "words": words.replace("\x00", "").strip()}
    return [dict(row) for row in session.execute(sa.text(_ROWS.format(terms=terms)), values).mappings()]
