"""SQL of what one resident reported, as they have it."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from incidents.after_models import IncidentRating
from incidents.afterwards import Own
from incidents.models import Photo, Report

# More of one person nobody lists on a phone; the carousel shows fewer.
MOST_LOOKED_AT = 60

_OWN = """
    SELECT i.id, i.number, c.code, c.name_th, c.name_en, c.tier, i.state, i.place_label_th, i.place_label_en,
           i.opened_at, i.promised_at, i.done_at, coalesce(i.closed_at, i.done_at),
           bool_and(r.withdrawn_at IS NOT NULL),
           EXISTS (SELECT FROM report o WHERE o.incident_id = i.id AND o.withdrawn_at IS NULL
                   AND o.resident_id IS DISTINCT FROM :resident_id),
           (SELECT m.stars FROM incident_rating m WHERE m.incident_id = i.id AND m.resident_id = :resident_id),
           EXISTS (SELECT FROM gis_public.incidents v WHERE v.id = i.id),
           bool_and(r.is_private)
    FROM report r JOIN incident i ON i.id = r.incident_id JOIN category c ON c.code = i.category_code
    WHERE r.resident_id = :resident_id {and_where} GROUP BY i.id, c.code ORDER BY max(r.id) DESC LIMIT :limit
"""
_ALL = sa.text(_OWN.format(and_where=""))
_ONE = sa.text(_OWN.format(and_where="AND i.id = :incident_id"))


def owns(session: Session, resident_id: int) -> list[Own]:
    """The incidents that the resident reported, those with their newest reports first."""
    return [Own(*row) for row in session.execute(_ALL, {"resident_id": resident_id, "limit": MOST_LOOKED_AT})]


def own(session: Session, resident_id: int, incident_id: int) -> Own | None:
    """The incident as this resident reported it, None where they did not."""
    row = session.execute(_ONE, {"resident_id": resident_id, "incident_id": incident_id, "limit": 1}).one_or_none()
    return Own(*row) if row is not None else None


def newest_report_id(session: Session, resident_id: int, incident_id: int) -> int | None:
    """The resident's last report of the incident that stands."""
    return session.scalar(
        sa.select(sa.func.max(Report.id)).where(
            Report.incident_id == incident_id, Report.resident_id == resident_id, Report.withdrawn_at.is_(None)
        )
    )


def ratings_of(session: Session, incident_id: int) -> list[IncidentRating]:
    """How its reporters rate the incident, the oldest first."""
    chosen = sa.select(IncidentRating).where(IncidentRating.incident_id == incident_id)
    return list(session.scalars(chosen.order_by(IncidentRating.rated_at, IncidentRating.resident_id)))


def photo_count(session: Session, report_id: int) -> int:
    """How many photos belong to the report."""
    return session.scalar(sa.select(sa.func.count()).where(Photo.report_id == report_id)) or 0
