"""All SQL of incidents that reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import NotFoundError
from gis.points import LonLat
from incidents import rules
from incidents.models import Category, Draft, Incident, IncidentChange, Photo, Report, incident_number
from residents.models import Resident

RECENT_PIN = timedelta(hours=2)


@dataclass(frozen=True)
class IncidentRow:
    """An incident as lists and screens show it."""

    id: int
    number: str
    category_code: str
    category_th: str
    category_en: str
    icon: str
    tier: int
    agency_code: str | None
    agency_th: str | None
    agency_en: str | None
    state: str
    lon: float
    lat: float
    place_source: str
    place_label_th: str
    place_label_en: str
    summary: str
    depth_m: float | None
    people: int | None
    report_count: int
    opened_at: datetime
    promised_at: datetime
    done_at: datetime | None
    closed_at: datetime | None
    photo_ids: list[int]
    is_fading: bool
    was_breached: bool
    is_public: bool

    @property
    def place(self) -> LonLat:
        """Where it is."""
        return LonLat(lon=self.lon, lat=self.lat)


@dataclass(frozen=True)
class ReportRow:
    """A report as officers read it; nothing here names the resident."""

    id: int
    source: str
    text: str
    category_code: str
    lon: float
    lat: float
    place_source: str
    created_at: datetime
    join_terms: dict[str, object] | None
    withdrawn_at: datetime | None
    is_private: bool


@dataclass(frozen=True)
class ChangeRow:
    """One line of an incident's history; `kind` is `state`, or what else happened while the state stayed."""

    from_state: str | None
    to_state: str
    changed_at: datetime
    changed_by: str
    reason: str
    kind: str
    from_agency_code: str | None
    to_agency_code: str | None


@dataclass(frozen=True)
class Reporter:
    """A resident who reported an incident and can be told of it."""

    resident_id: int
    language: str
    is_reachable: bool


@dataclass(frozen=True)
class Telling:
    """An incident with a finished job: how many of its reporters have a finishing message that LINE accepted."""

    incident_id: int
    number: str
    done_at: datetime
    reporters: int
    told: int

    @property
    def is_told(self) -> bool:
        """Every reporter was told, and there was one."""
        return self.reporters > 0 and self.told == self.reporters


_categories: tuple[str | None, list[Category]] = (None, [])


CATEGORIES_VERSION = "SELECT string_agg(xmin::text || code, ' ' ORDER BY code) FROM category"


def next_number(opened_at: datetime) -> sa.ColumnElement[str]:
    """The number of an incident that is being stored: its head, and the next serial in six digits or more."""
    first = sa.literal(rules.number_head(opened_at))
    serial = sa.cast(incident_number.next_value(), sa.Text)
    return first + sa.func.lpad(serial, sa.func.greatest(rules.NUMBER_DIGITS, sa.func.length(serial)), "0")


def categories(session: Session, version: str | None = None) -> list[Category]:
    """Every category, in the city's order, to be read only: read anew by this process when one of them has changed.

    `version` is what CATEGORIES_VERSION says, where it has been asked for already.
    """
    global _categories
    version = version or session.scalar(sa.text(CATEGORIES_VERSION))
    known_version, known = _categories
    if version is None or version != known_version:
        known = list(session.scalars(sa.select(Category).order_by(Category.position)))
        for one in known:
            session.expunge(one)
        _categories = (version, known)
    return known


def category(session: Session, code: str) -> Category:
    """The category; raises NotFoundError."""
    found = session.get(Category, code)
    if found is None:
        raise NotFoundError(f"There is no category '{code}'.")
    return found


def incident(session: Session, incident_id: int) -> Incident:
    """The incident; raises NotFoundError."""
    found = session.get(Incident, incident_id)
    if found is None:
        raise NotFoundError(f"There is no incident {incident_id}.")
    return found


def locked_incident(session: Session, incident_id: int) -> Incident:
    """The incident, held until the transaction ends, so that two changes come one after the other."""
    chosen = sa.select(Incident).where(Incident.id == incident_id).with_for_update()
    found = session.scalar(chosen.execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError(f"There is no incident {incident_id}.")
    return found


def place_of(session: Session, incident_id: int) -> LonLat:
    """Where the incident is."""
    lon, lat = session.execute(
        sa.text("SELECT ST_X(place), ST_Y(place) FROM incident WHERE id = :id"), {"id": incident_id}
    ).one()
    return LonLat(lon=lon, lat=lat)


def place_of_report(session: Session, report_id: int) -> LonLat:
    """Where the report says it is."""
    lon, lat = session.execute(
        sa.text("SELECT ST_X(place), ST_Y(place) FROM report WHERE id = :id"), {"id": report_id}
    ).one()
    return LonLat(lon=lon, lat=lat)


def reporters(session: Session, incident_id: int) -> list[Reporter]:
    """Each resident who reported the incident and did not take it back, once."""
    rows = session.execute(
        sa.select(Resident.id, Resident.language, Resident.is_reachable)
        .where(Resident.id.in_(_standing(incident_id)))
        .order_by(Resident.id)
    )
    return [Reporter(*row) for row in rows]


def is_reporter(session: Session, incident_id: int, resident_id: int) -> bool:
    """The resident reported this incident and did not take it back."""
    found = session.scalar(_standing(incident_id).where(Report.resident_id == resident_id).limit(1))
    return found is not None


def _standing(incident_id: int) -> sa.Select[int | None]:
    """Whose reports of the incident stand: they were not taken back."""
    return sa.select(Report.resident_id).where(Report.incident_id == incident_id, Report.withdrawn_at.is_(None))


def draft_of(session: Session, resident_id: int, *, now: datetime) -> Draft | None:
    """The report the resident is telling, unless it has expired."""
    return session.scalar(sa.select(Draft).where(Draft.resident_id == resident_id, Draft.expires_at > now))


_ROWS = """
SELECT i.id, i.number, i.category_code, c.name_th, c.name_en, c.icon, c.tier, i.agency_code, a.name_th, a.name_en,
       i.state, ST_X(i.place), ST_Y(i.place), i.place_source, i.place_label_th, i.place_label_en, i.summary, i.depth_m,
       i.people, i.report_count, i.opened_at, i.promised_at, i.done_at, i.closed_at,
       ARRAY(SELECT p.id FROM photo p WHERE p.incident_id = i.id AND p.path IS NOT NULL AND NOT EXISTS (
           SELECT FROM photo_review v WHERE v.photo_id = p.id AND v.verdict = 'hidden') ORDER BY p.id),
       coalesce(i.fading_at > greatest(i.last_report_at, i.confirmed_at), false),
       EXISTS (SELECT FROM promise_mark m WHERE m.incident_id = i.id AND m.kind = 'breached'),
       EXISTS (SELECT FROM gis_public.incidents v WHERE v.id = i.id)
FROM incident i
JOIN category c ON c.code = i.category_code
LEFT JOIN agency a ON a.code = i.agency_code
"""


@dataclass(frozen=True)
class Receipt:
    """What the resident who has just reported an incident is told of it; `people` is how many have reported it."""

    number: str
    category_code: str
    agency_th: str | None
    agency_en: str | None
    place_label_th: str
    place_label_en: str
    promised_at: datetime
    is_public: bool
    people: int


_RECEIPT = sa.text("""
SELECT i.number, i.category_code, a.name_th, a.name_en, i.place_label_th, i.place_label_en, i.promised_at,
       EXISTS (SELECT FROM gis_public.incidents v WHERE v.id = i.id),
       (SELECT count(DISTINCT r.resident_id) + count(*) FILTER (WHERE r.resident_id IS NULL)
        FROM report r WHERE r.incident_id = i.id AND r.withdrawn_at IS NULL)
FROM incident i LEFT JOIN agency a ON a.code = i.agency_code WHERE i.id = :id
""")


def receipt(session: Session, incident_id: int) -> Receipt:
    """What is told to who reported the incident."""
    return Receipt(*session.execute(_RECEIPT, {"id": incident_id}).one())


def incident_rows(session: Session, *, states: Sequence[str], limit: int) -> list[IncidentRow]:
    """The newest incidents in these states, at most `limit`, newest first."""
    rows = session.execute(
        sa.text(_ROWS + "WHERE i.state = ANY(:states) ORDER BY i.opened_at DESC, i.id DESC LIMIT :limit"),
        {"states": list(states), "limit": limit},
    )
    return [IncidentRow(*row) for row in rows]


def incident_rows_of(session: Session, incident_ids: Sequence[int]) -> list[IncidentRow]:
    """These incidents, in this order."""
    rows = session.execute(
        sa.text(_ROWS + "WHERE i.id = ANY(:ids) ORDER BY array_position(:ids, i.id)"), {"ids": list(incident_ids)}
    )
    return [IncidentRow(*row) for row in rows]


def incident_row(session: Session, incident_id: int) -> IncidentRow:
    """The incident as screens show it; raises NotFoundError."""
    row = session.execute(sa.text(_ROWS + "WHERE i.id = :id"), {"id": incident_id}).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no incident {incident_id}.")
    return IncidentRow(*row)


def report_rows(session: Session, incident_id: int) -> list[ReportRow]:
    """The reports of an incident, oldest first."""
    rows = session.execute(
        sa.text(
            "SELECT id, source, text, category_code, ST_X(place), ST_Y(place), place_source, created_at, join_terms, "
            "withdrawn_at, is_private "
            "FROM report WHERE incident_id = :id ORDER BY id"
        ),
        {"id": incident_id},
    )
    return [ReportRow(*row) for row in rows]


def change_rows(session: Session, incident_id: int) -> list[ChangeRow]:
    """The history of an incident, oldest first."""
    rows = session.execute(
        sa.select(
            IncidentChange.from_state,
            IncidentChange.to_state,
            IncidentChange.changed_at,
            IncidentChange.changed_by,
            IncidentChange.reason,
            IncidentChange.kind,
            IncidentChange.from_agency_code,
            IncidentChange.to_agency_code,
        )
        .where(IncidentChange.incident_id == incident_id)
        .order_by(IncidentChange.id)
    )
    return [ChangeRow(*row) for row in rows]


def photo(session: Session, photo_id: int) -> Photo:
    """A photo that is kept; raises NotFoundError for an unknown one and for one that was never fetched."""
    found = session.get(Photo, photo_id)
    if found is None or found.path is None:
        raise NotFoundError(f"There is no photo {photo_id}.")
    return found


def reporters_told(session: Session) -> list[Telling]:
    """For every finished incident with reporters on LINE: how many of them LINE took the finishing message for."""
    rows = session.execute(
        sa.text(
            "SELECT i.id, i.number, i.done_at, count(DISTINCT r.resident_id), "
            "count(DISTINCT n.resident_id) FILTER (WHERE o.state = 'accepted') "
            "FROM incident i JOIN report r ON r.incident_id = i.id AND r.resident_id IS NOT NULL "
            "AND r.withdrawn_at IS NULL "
            "LEFT JOIN reporter_notice n ON n.resident_id = r.resident_id AND n.change_id = "
            "(SELECT max(d.id) FROM incident_change d WHERE d.incident_id = i.id AND d.to_state = 'done' "
            "AND d.kind = 'state') "
            "LEFT JOIN outbox_chunk o ON o.id = n.chunk_id "
            "WHERE i.done_at IS NOT NULL GROUP BY i.id ORDER BY i.id"
        )
    )
    return [Telling(*row) for row in rows]
