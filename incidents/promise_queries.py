"""SQL of promises: agencies that an incident reaches, the calendar, pauses, marks, what waits to be told or asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import NotFoundError
from gis.points import LonLat
from incidents.calendar import OfficeCalendar, Window
from incidents.calendar_models import Holiday, OfficeHours
from incidents.models import (
    Agency,
    Incident,
    IncidentAgency,
    IncidentChange,
    IncidentPause,
    PromiseMark,
    ReporterNotice,
    StillQuestion,
)
from incidents.routing import STREET_WITHIN_M, AgencyChoice, AreaNear, Handing, Surroundings

# The areas that hold the place come first, then the nearest: more than these are beyond every tolerance.
_MOST_AREAS = 12

_SURROUNDINGS = sa.text(
    """
    WITH here AS (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS at),
    street AS MATERIALIZED (
        SELECT ST_ClosestPoint(road.geom, here.at) AS at FROM road, here
        WHERE road.geom && ST_Expand(here.at, 0.0005)
          AND ST_DWithin(road.geom::geography, here.at::geography, :street_within_m)
    ),
    near AS MATERIALIZED (
        SELECT area.code, area.geom FROM area, here WHERE area.code = ANY(:codes)
        ORDER BY area.geom <-> here.at, area.code LIMIT :most
    )
    SELECT near.code, ST_Distance(near.geom::geography, here.at::geography),
           ST_Distance(ST_Boundary(near.geom)::geography, here.at::geography), ST_Area(near.geom::geography),
           (SELECT min(ST_Distance(near.geom::geography, street.at::geography)) FROM street),
           (SELECT min(ST_Distance(ST_Boundary(near.geom)::geography, street.at::geography)) FROM street)
    FROM near, here
    """
)
AGENCIES_VERSION = "SELECT string_agg(xmin::text || code, ' ' ORDER BY code) FROM agency"
_OUTSIDE = sa.text(
    f"""
    SELECT ({AGENCIES_VERSION}),
           CASE WHEN ST_Covers(boundary, at) THEN 0.0 ELSE ST_Distance(boundary::geography, at::geography) END
    FROM (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS at) here LEFT JOIN city ON true
    """  # noqa: S608 - our own words.
)


# ── Agencies ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class AgencyRow:
    """An agency by its names, with the area that it serves, None where that is the whole city."""

    code: str
    name_th: str
    name_en: str
    area_code: str | None


@dataclass(frozen=True)
class ReachedRow:
    """An agency that an incident reaches, with the reason."""

    code: str
    name_th: str
    name_en: str
    role: str
    reason: str
    distance_m: float | None
    since_at: datetime


_choices: tuple[str | None, list[AgencyChoice]] = (None, [])


def agency_choices(session: Session, version: str | None = None) -> list[AgencyChoice]:
    """Every agency as the routing rule sees it: read anew by this process when one of them has changed.

    `version` is what AGENCIES_VERSION says, where it has been asked for already.
    """
    global _choices
    version = version or session.scalar(sa.text(AGENCIES_VERSION))
    known_version, known = _choices
    if version is None or version != known_version:
        rows = session.execute(sa.select(Agency.code, Agency.categories, Agency.area_code).order_by(Agency.code))
        known = [AgencyChoice(code, frozenset(names), area_code) for code, names, area_code in rows]
        _choices = (version, known)
    return known


def agency_rows(session: Session) -> list[AgencyRow]:
    """Every agency, by name."""
    rows = session.execute(
        sa.select(Agency.code, Agency.name_th, Agency.name_en, Agency.area_code).order_by(Agency.name_th, Agency.code)
    )
    return [AgencyRow(*row) for row in rows]


def agency(session: Session, code: str) -> Agency:
    """The agency; raises NotFoundError."""
    found = session.get(Agency, code)
    if found is None:
        raise NotFoundError(f"There is no agency '{code}'.")
    return found


def choices_at(
    session: Session, place: LonLat, *, takes: frozenset[str]
) -> tuple[list[AgencyChoice], Surroundings]:
    """Every agency, and what the routing rule knows of a place: how far outside the city it lies, and the areas near.

    Those are the areas, holding the place or nearest to it, of agencies that take any of `takes`.
    """
    here = {"lon": place.lon, "lat": place.lat}
    version, outside_m = session.execute(_OUTSIDE, here).one()
    choices = agency_choices(session, version)
    codes = sorted({one.area_code for one in choices if one.area_code is not None and one.categories & takes})
    near = {**here, "codes": codes, "most": _MOST_AREAS, "street_within_m": STREET_WITHIN_M}
    areas = [AreaNear(*row) for row in session.execute(_SURROUNDINGS, near)] if codes else []
    return choices, Surroundings(tuple(areas), outside_m)


def reached_rows(session: Session, incident_id: int) -> list[ReachedRow]:
    """The agencies that an incident reaches, the lead first."""
    rows = session.execute(
        sa.select(
            Agency.code, Agency.name_th, Agency.name_en, IncidentAgency.role, IncidentAgency.reason,
            IncidentAgency.distance_m, IncidentAgency.since_at,
        )
        .join(Agency, Agency.code == IncidentAgency.agency_code)
        .where(IncidentAgency.incident_id == incident_id)
        .order_by(IncidentAgency.role, Agency.code)
    )
    return [ReachedRow(*row) for row in rows]


def handings(session: Session, incident_id: int) -> list[Handing]:
    """Each time that the incident was sent on, in their order."""
    rows = session.execute(
        sa.select(IncidentChange.from_agency_code, IncidentChange.to_agency_code)
        .where(IncidentChange.incident_id == incident_id, IncidentChange.to_state == "sent_on")
        .where(IncidentChange.kind == "state")
        .order_by(IncidentChange.id)
    )
    return [Handing(from_code, to_code or "") for from_code, to_code in rows]


def open_without_agency(session: Session, open_states: Sequence[str]) -> list[int]:
    """Open incidents that are nobody's: their agency is gone."""
    chosen = sa.select(Incident.id).where(Incident.agency_code.is_(None), Incident.state.in_(open_states))
    return list(session.scalars(chosen.order_by(Incident.id)))


# ── The promise ──────────────────────────────────────────────────────────────────────────────────────────────────────


def office_calendar(session: Session) -> OfficeCalendar:
    """The office hours and the closed days as the city has them."""
    windows = session.execute(sa.select(OfficeHours.weekday, OfficeHours.opens, OfficeHours.closes))
    days = session.scalars(sa.select(Holiday.day).where(Holiday.is_closed))
    return OfficeCalendar(tuple(Window(*row) for row in windows), frozenset(days))


def holidays(session: Session) -> list[Holiday]:
    """Every day that the calendar names, the earliest first."""
    return list(session.scalars(sa.select(Holiday).order_by(Holiday.day)))


def pauses(session: Session, incident_id: int) -> list[IncidentPause]:
    """The pauses of an incident's promise, oldest first."""
    chosen = sa.select(IncidentPause).where(IncidentPause.incident_id == incident_id)
    return list(session.scalars(chosen.order_by(IncidentPause.began_at, IncidentPause.id)))


def open_pause(session: Session, incident_id: int) -> IncidentPause | None:
    """The pause that the incident's promise is in now."""
    return session.scalar(
        sa.select(IncidentPause).where(IncidentPause.incident_id == incident_id, IncidentPause.ended_at.is_(None))
    )


def pause_being_answered(session: Session, resident_id: int, *, now: datetime) -> IncidentPause | None:
    """The question that the resident has pressed the button to answer, the newest."""
    return session.scalar(
        sa.select(IncidentPause)
        .where(IncidentPause.answering_id == resident_id, IncidentPause.answering_until_at > now)
        .where(IncidentPause.ended_at.is_(None))
        .order_by(IncidentPause.id.desc())
        .limit(1)
    )


def pauses_over(session: Session, *, now: datetime, limit: int) -> list[int]:
    """Incidents whose reporter has not answered within the time."""
    chosen = sa.select(IncidentPause.incident_id).where(IncidentPause.ended_at.is_(None), IncidentPause.until_at <= now)
    return list(session.scalars(chosen.order_by(IncidentPause.id).limit(limit)))


def marks(session: Session, incident_id: int) -> list[PromiseMark]:
    """The warnings and the breach of an incident's promise, as they were made."""
    chosen = sa.select(PromiseMark).where(PromiseMark.incident_id == incident_id)
    return list(session.scalars(chosen.order_by(PromiseMark.at, PromiseMark.kind)))


def marks_to_make(session: Session, *, now: datetime, limit: int) -> list[int]:
    """Incidents with a mark that is due, the longest overdue first."""
    chosen = sa.select(Incident.id).where(Incident.mark_due_at <= now)
    return list(session.scalars(chosen.order_by(Incident.mark_due_at, Incident.id).limit(limit)))


def open_in_working_hours(session: Session, open_states: Sequence[str]) -> list[int]:
    """Open incidents whose promise is in hours of the office."""
    rows = session.execute(
        sa.text(
            "SELECT i.id FROM incident i JOIN category c ON c.code = i.category_code "
            "WHERE coalesce(i.promise_in, c.promise_in) = 'working' AND i.state = ANY(:states) ORDER BY i.id"
        ),
        {"states": list(open_states)},
    )
    return [row.id for row in rows]


# ── What waits to be told ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class NewsRow:
    """A change that a reporter has not heard of yet, with the words for it."""

    change_id: int
    resident_id: int
    incident_id: int
    number: str
    category_code: str
    category_th: str
    category_en: str
    kind: str
    to_state: str
    agency_th: str
    agency_en: str
    note_th: str
    note_en: str
    is_public: bool


_NEWS = """
    SELECT n.change_id, n.resident_id, n.incident_id, i.number, c.code, c.name_th, c.name_en, ch.kind,
           ch.to_state, coalesce(a.name_th, ch.to_agency_code, ''), coalesce(a.name_en, ch.to_agency_code, ''),
           n.note_th, n.note_en, EXISTS (SELECT FROM gis_public.incidents v WHERE v.id = i.id)
    FROM reporter_notice n JOIN incident_change ch ON ch.id = n.change_id JOIN incident i ON i.id = n.incident_id
    JOIN category c ON c.code = i.category_code LEFT JOIN agency a ON a.code = ch.to_agency_code
    WHERE n.state = 'waiting'
"""


def earliest_notice_at(session: Session, resident_id: int, *, until: datetime) -> datetime | None:
    """When the resident's next message is due anyway, if by `until`."""
    return session.scalar(
        sa.select(sa.func.min(ReporterNotice.due_at)).where(
            ReporterNotice.resident_id == resident_id, ReporterNotice.state == "waiting", ReporterNotice.due_at <= until
        )
    )


def residents_to_tell(session: Session, *, now: datetime, limit: int) -> list[int]:
    """Residents with news that are due, the longest overdue first."""
    rows = session.execute(
        sa.select(ReporterNotice.resident_id)
        .where(ReporterNotice.state == "waiting", ReporterNotice.due_at <= now)
        .group_by(ReporterNotice.resident_id)
        .order_by(sa.func.min(ReporterNotice.due_at), ReporterNotice.resident_id)
        .limit(limit)
    )
    return [row.resident_id for row in rows]


def news_of(session: Session, resident_id: int, *, due_by: datetime | None) -> list[NewsRow]:
    """What waits to be told to a resident, in its order, held until the transaction ends; all, or what is due by then.

    What another transaction holds is being told already, and left out.
    """
    rows = session.execute(
        sa.text(
            _NEWS + "AND n.resident_id = :resident_id AND (CAST(:due_by AS timestamptz) IS NULL OR n.due_at <= :due_by)"
            " ORDER BY n.change_id FOR UPDATE OF n SKIP LOCKED"
        ),
        {"resident_id": resident_id, "due_by": due_by},
    )
    return [NewsRow(*row) for row in rows]


def unreachable_count(session: Session, incident_id: int) -> int:
    """How many reporters of the incident could not be told of something because they have blocked the account."""
    found = session.scalar(
        sa.select(sa.func.count(sa.distinct(ReporterNotice.resident_id))).where(
            ReporterNotice.incident_id == incident_id, ReporterNotice.state == "unreachable"
        )
    )
    return int(found or 0)


# ── Whether it is still so ───────────────────────────────────────────────────────────────────────────────────────────


def ageing_incidents(session: Session, *, now: datetime, open_states: Sequence[str], limit: int) -> list[int]:
    """Open incidents that nobody has told of or confirmed for longer than their category's reports live."""
    rows = session.execute(
        sa.text(
            "SELECT i.id FROM incident i JOIN category c ON c.code = i.category_code "
            "WHERE c.life_hours IS NOT NULL AND i.state = ANY(:states) "
            "AND greatest(i.last_report_at, i.confirmed_at) + make_interval(secs => c.life_hours * 3600) <= :now "
            "AND (i.fading_at IS NULL OR i.fading_at < greatest(i.last_report_at, i.confirmed_at) "
            # One that faded by night is asked about in the morning.
            "     OR (NOT EXISTS (SELECT FROM still_question q WHERE q.incident_id = i.id) AND EXISTS ("
            "         SELECT FROM report r JOIN resident s ON s.id = r.resident_id AND s.is_reachable "
            "         WHERE r.incident_id = i.id))) "
            "ORDER BY i.last_report_at, i.id LIMIT :limit"
        ),
        {"now": now, "states": list(open_states), "limit": limit},
    )
    return [row.id for row in rows]


def still_questions(session: Session, incident_id: int) -> list[StillQuestion]:
    """Who was asked whether it is still so, and what they said."""
    chosen = sa.select(StillQuestion).where(StillQuestion.incident_id == incident_id)
    return list(session.scalars(chosen.order_by(StillQuestion.asked_at, StillQuestion.resident_id)))
