"""Incidents as officers take them along: with place and first words as they are. Every use is logged by who asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

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
WHERE i.id = ANY(:ids) ORDER BY array_position(CAST(:ids AS bigint[]), i.id)
"""


def rows_of(session: Session, incident_ids: Sequence[int]) -> list[dict[str, Any]]:
    """These incidents as they are taken along, in their order."""
    return [dict(row) for row in session.execute(sa.text(_ROWS), {"ids": list(incident_ids)}).mappings()]
