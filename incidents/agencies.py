"""Which agencies an incident reaches, and how one hands it to another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.words import words
from gis.points import LonLat
from incidents import policy, promise_queries, queries, routing, rules
from incidents.errors import HandingError
from incidents.models import Agency, Category, Incident, IncidentAgency
from incidents.routing import Reached


def reached_by(
    session: Session, category: Category, place: LonLat, *, radius_m: float | None
) -> tuple[Reached, ...]:
    """The agencies that an incident of this category at this place goes to, the lead first; all of them exist."""
    takes = frozenset({category.code, category.agency_kind, routing.ANYTHING})
    choices, surroundings = promise_queries.choices_at(session, place, takes=takes)
    reached = routing.agencies_for(
        choices,
        category_code=category.code,
        agency_kind=category.agency_kind,
        surroundings=surroundings,
        radius_m=radius_m,
    )
    if any(agency.code == routing.DESK_CODE for agency in reached):
        ensure_desk(session)
    return reached


def ensure_desk(session: Session) -> None:
    """The city's built-in desk is there, for what no agency takes."""
    names = {f"name_{tongue}": words("incidents", "city-desk", language=tongue) for tongue in ("th", "en")}
    row = {"code": routing.DESK_CODE, **names, "categories": [routing.ANYTHING], "trust": "derived"}
    session.execute(insert(Agency).values(row).on_conflict_do_nothing(index_elements=["code"]))


def keep_first(session: Session, incident: Incident, reached: Sequence[Reached], *, now: datetime) -> None:
    """The agencies of an incident that has just been opened, the first as its lead."""
    _add(session, incident, reached, role="lead", by="", now=now)


def keep_reached(
    session: Session, incident: Incident, reached: Sequence[Reached], *, by: str, now: datetime
) -> None:
    """The incident's agencies are these, the first as its lead, in place of those before."""
    session.execute(sa.delete(IncidentAgency).where(IncidentAgency.incident_id == incident.id))
    incident.agency_code = reached[0].code
    _add(session, incident, reached, role="lead", by=by, now=now)


def _add(
    session: Session, incident: Incident, reached: Sequence[Reached], *, role: str, by: str, now: datetime
) -> None:
    """The incident reaches these agencies too: the first in this role, those after it beside it."""
    rows = [
        {
            "incident_id": incident.id, "agency_code": agency.code, "role": "other" if rank else role,
            "reason": agency.reason, "distance_m": agency.distance_m, "since_at": now, "added_by": by,
        }
        for rank, agency in enumerate(reached)
    ]
    if rows:
        session.execute(insert(IncidentAgency).values(rows).on_conflict_do_nothing())
    session.flush()


def reach_more(
    session: Session, incident: Incident, category: Category, place: LonLat, *, radius_m: float | None, now: datetime
) -> None:
    """A further report of the incident reaches its agencies too: who was not there yet comes to the others.

    Where every agency serves the whole city a report beside the first reaches nobody else.
    """
    if all(agency.area_code is None for agency in promise_queries.agency_choices(session)):
        return
    _add(session, incident, reached_by(session, category, place, radius_m=radius_m), role="other", by="", now=now)


def add_invited(session: Session, incident: Incident, code: str, *, by: str, now: datetime) -> None:
    """The incident reaches this agency too, since another asked it in."""
    _add(session, incident, [Reached(code, "invited")], role="other", by=by, now=now)


def take_over(session: Session, *, from_id: int, to_id: int) -> None:
    """The agencies that the one incident reached are reached by the other too; its own lead stays."""
    columns = ["incident_id", "agency_code", "role", "reason", "distance_m", "since_at", "added_by"]
    theirs = sa.select(
        sa.literal(to_id), IncidentAgency.agency_code, sa.literal("other"), IncidentAgency.reason,
        IncidentAgency.distance_m, IncidentAgency.since_at, IncidentAgency.added_by,
    ).where(IncidentAgency.incident_id == from_id)
    session.execute(insert(IncidentAgency).from_select(columns, theirs).on_conflict_do_nothing())


def reroute(session: Session, incident: Incident, place: LonLat, *, now: datetime) -> None:
    """An incident whose place is better known goes to the agencies of that place.

    Who has begun with it, or was sent it by somebody, stays the lead; those of the new place come to the others.
    """
    category = queries.category(session, incident.category_code)
    if incident.state != "new" or promise_queries.handings(session, incident.id):
        reach_more(session, incident, category, place, radius_m=None, now=now)
        return
    keep_reached(session, incident, reached_by(session, category, place, radius_m=None), by="", now=now)


def adopt_orphans(session: Session, *, now: datetime) -> int:
    """Open incidents whose agency is gone are those of the agency that has its work now; how many."""
    orphans = promise_queries.open_without_agency(session, rules.OPEN_STATES)
    for incident_id in orphans:
        incident = queries.locked_incident(session, incident_id)
        place = queries.place_of(session, incident_id)
        category = queries.category(session, incident.category_code)
        keep_reached(session, incident, reached_by(session, category, place, radius_m=None), by="", now=now)
    session.flush()
    return len(orphans)


def hand_to(session: Session, incident: Incident, to_code: str, *, by: str, now: datetime) -> None:
    """The incident's lead is this agency; who led before is out of it.

    Raises HandingError where it may not be sent there, NotFoundError where there is no such agency.
    """
    earlier = promise_queries.handings(session, incident.id)
    desk_code = routing.desk_of(promise_queries.agency_choices(session))
    refused = routing.refusal_of_handing(
        earlier, lead_code=incident.agency_code, to_code=to_code, desk_code=desk_code,
        limit=policy.shipped().handing_limit,
    )
    to, desk = _names(promise_queries.agency(session, to_code)), _names(session.get(Agency, desk_code))
    if refused is not None:
        raise HandingError(refused, agency=to, desk=desk, count=len(earlier))
    put_lead(session, incident, to_code, reason="sent_on", by=by, now=now)


def put_lead(
    session: Session, incident: Incident, to_code: str, *, reason: str, by: str, now: datetime
) -> None:
    """The incident's lead is this agency; who led before is out of it."""
    out = sa.or_(IncidentAgency.agency_code == to_code, IncidentAgency.role == "lead")
    session.execute(sa.delete(IncidentAgency).where(IncidentAgency.incident_id == incident.id, out))
    incident.agency_code = to_code
    _add(session, incident, [Reached(to_code, reason)], role="lead", by=by, now=now)


def _names(agency: Agency | None) -> dict[str, str]:
    if agency is None:
        return {tongue: words("incidents", "city-desk", language=tongue) for tongue in ("th", "en")}
    return {"th": agency.name_th, "en": agency.name_en}
