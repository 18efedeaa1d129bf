"""What partners of the exchange read, and what the exchange needs to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import NotFoundError
from incidents.exchange import queries
from incidents.exchange.models import ExchangeRating, ForeignId, ServiceRequest
from incidents.exchange.open311 import Filters
from incidents.exchange.open311_answers import PublicRequest
from incidents.exchange.traffy import MOST_ROWS
from incidents.exchange.traffy_server import Times
from incidents.models import Agency, Category, Incident, IncidentChange, Report


@dataclass(frozen=True)
class Change:
    """One step of an incident."""

    incident_id: int
    to_state: str
    by: str
    reason: str


def category_names(session: Session) -> dict[str, str]:
    """The code of each category by its Thai and English names, in small letters."""
    rows = session.execute(sa.select(Category.code, Category.name_th, Category.name_en))
    return {name.lower(): code for code, *both in rows for name in both}


def agencies(session: Session) -> list[Agency]:
    """Every agency, in the order of codes."""
    return list(session.scalars(sa.select(Agency).order_by(Agency.code)))


def public_issue(session: Session, number: str) -> PublicRequest:
    """What may leave of the incident; raises NoSuchRequestError for one that the public may not see."""
    return queries.public_request(session, number, media_url="")


def issue_numbers(
    session: Session, *, since: datetime | None, agency_codes: Sequence[str], category_code: str | None
) -> list[str]:
    """Numbers of incidents that moved since then, the last one first; at most 5,000."""
    rows = session.execute(
        sa.text(
            "SELECT i.number FROM incident i LEFT JOIN LATERAL (SELECT max(h.changed_at) AS at FROM incident_change h "
            "WHERE h.incident_id = i.id) h ON true "
            "WHERE (CAST(:since AS timestamptz) IS NULL OR greatest(i.last_report_at, h.at) >= :since) "
            "AND (:every OR i.agency_code = ANY(:agencies)) "
            "AND (CAST(:category AS text) IS NULL OR i.category_code = :category) "
            "ORDER BY greatest(i.last_report_at, h.at) DESC, i.id DESC LIMIT :most"
        ),
        {
            "since": since, "every": not agency_codes, "agencies": list(agency_codes), "category": category_code,
            "most": MOST_ROWS,
        },
    )
    return [number for (number,) in rows]


def public_issues(session: Session, numbers: Sequence[str], *, media_url: str) -> list[PublicRequest]:
    """What may leave of these incidents."""
    if not numbers:
        return []
    return queries.public_requests(session, Filters(ids=tuple(numbers), page_size=MOST_ROWS), media_url=media_url)


def times(session: Session, numbers: Sequence[str]) -> dict[str, Times]:
    """The times of incidents by their numbers."""
    rows = session.execute(
        sa.text(
            "SELECT i.number, i.agency_code, coalesce(a.name_th, '') AS agency_th, i.done_at, "
            "array_agg(h.to_state ORDER BY h.id) AS states, array_agg(h.changed_at ORDER BY h.id) AS moments, "
            "(SELECT round(avg(stars))::int FROM (SELECT m.stars FROM incident_rating m WHERE m.incident_id = i.id "
            "UNION ALL SELECT e.stars FROM exchange_rating e JOIN service_request s ON s.id = e.service_request_id "
            "JOIN report r ON r.id = s.report_id WHERE r.incident_id = i.id) AS said) AS star "
            "FROM incident i JOIN incident_change h ON h.incident_id = i.id AND h.kind = 'state' "
            "LEFT JOIN agency a ON a.code = i.agency_code "
            "WHERE i.number = ANY(:numbers) GROUP BY i.id, a.name_th"
        ),
        {"numbers": list(numbers)},
    )
    found = {}
    for row in rows:
        steps = list(zip(row.states, row.moments, strict=True))
        found[row.number] = Times(
            agency_code=row.agency_code, agency_th=row.agency_th,
            begun_at=next((at for state, at in steps if state == "in_progress"), None),
            finished_at=row.done_at, reopened=row.states.count("reopened"), steps=steps, star=row.star,
        )
    return found


def ratings(session: Session, incident_id: int) -> list[ExchangeRating]:
    """How those who reported it through partners rate the incident, the oldest first."""
    chosen = (
        sa.select(ExchangeRating)
        .join(ServiceRequest, ServiceRequest.id == ExchangeRating.service_request_id)
        .join(Report, Report.id == ServiceRequest.report_id)
        .where(Report.incident_id == incident_id)
    )
    return list(session.scalars(chosen.order_by(ExchangeRating.rated_at, ExchangeRating.service_request_id)))


def first_report(session: Session, incident_id: int) -> int | None:
    """The report by which the incident began."""
    return session.scalar(sa.select(sa.func.min(Report.id)).where(Report.incident_id == incident_id))


def incident_of(session: Session, known: ForeignId) -> int:
    """The incident that a foreign id means now: its report may have moved to another one since."""
    report = session.get(Report, known.report_id) if known.report_id else None
    return report.incident_id if report is not None else known.incident_id


def last_change_id(session: Session, incident_id: int) -> int:
    """The newest line of the incident's history."""
    newest = sa.select(sa.func.max(IncidentChange.id)).where(IncidentChange.incident_id == incident_id)
    return session.scalar(newest) or 0


def was_handed(session: Session, incident_id: int, *, from_code: str, to_code: str, by: str) -> bool:
    """The last sending on of the incident was this one, and it is with that agency still."""
    last = session.scalar(
        sa.select(IncidentChange)
        .where(
            IncidentChange.incident_id == incident_id, IncidentChange.kind == "state",
            IncidentChange.to_state == "sent_on",
        )
        .order_by(IncidentChange.id.desc())
        .limit(1)
    )
    leads = session.scalar(sa.select(Incident.agency_code).where(Incident.id == incident_id))
    handed = (last.from_agency_code, last.to_agency_code, last.changed_by) if last is not None else None
    return leads == to_code and handed == (from_code, to_code, by)


def change(session: Session, change_id: int) -> Change:
    """One step of an incident; raises NotFoundError."""
    found = session.get(IncidentChange, change_id)
    if found is None:
        raise NotFoundError(f"There is no change {change_id}.")
    return Change(found.incident_id, found.to_state, found.changed_by, found.reason)


def untold_changes(session: Session, *, since: datetime) -> list[int]:
    """The last step of each incident with a ticket at Traffy, where a ticket has not heard of it; oldest first."""
    rows = session.execute(
        sa.text(
            "SELECT DISTINCT h.id FROM foreign_id f LEFT JOIN report r ON r.id = f.report_id "
            "JOIN LATERAL (SELECT c.id, c.changed_by, c.changed_at, c.from_state FROM incident_change c "
            "WHERE c.incident_id = coalesce(r.incident_id, f.incident_id) AND c.kind = 'state' "
            "ORDER BY c.id DESC LIMIT 1) h ON true "
            "WHERE f.system = 'traffy' AND h.from_state IS NOT NULL AND h.changed_at >= :since "
            "AND h.changed_by NOT LIKE 'traffy%' AND NOT EXISTS (SELECT FROM foreign_id t "
            "WHERE t.system = 'traffy-step' AND t.foreign_id = f.foreign_id || '|' || h.id) ORDER BY h.id"
        ),
        {"since": since},
    )
    return [change_id for (change_id,) in rows]
