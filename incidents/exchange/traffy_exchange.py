"""What partners do through the exchange API that this city speaks."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from core.errors import ForbiddenError, InvalidInputError, NotFoundError
from incidents import queries as incident_queries
from incidents import telling
from incidents.exchange import arrivals, echoes, keys, queries, traffy, traffy_actions, traffy_queries
from incidents.exchange.errors import OwnNewsError
from incidents.exchange.hook_bodies import issue_mark, step_mark
from incidents.exchange.models import ApiKey, ServiceRequest
from incidents.exchange.traffy_server import NewIssue, UpdateIssue, stable_number
from incidents.models import Report

NO_WORDS = "แจ้งผ่านระบบแลกเปลี่ยนข้อมูล"


def types(session: Session) -> list[dict[str, Any]]:
    """The categories as kinds of problems."""
    return [
        {
            "type": one.name_th, "type_en": one.name_en, "issue_category_id": stable_number(one.code),
            "org_category_id": None, "photo": "", "index": position,
        }
        for position, one in enumerate(incident_queries.categories(session), 1)
    ]


def organisations(session: Session, org_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The agencies, all or those of these numbers."""
    return [
        {
            "org_id": str(stable_number(one.code)), "name": one.name_th, "name_en": one.name_en, "photo": "",
            "latitude": None, "longitude": None, "address": "", "province": "", "is_official": one.trust == "real",
        }
        for one in traffy_queries.agencies(session)
        if not org_ids or str(stable_number(one.code)) in org_ids
    ]


def agencies_asked(session: Session, org_id: str) -> list[str]:
    """Codes of the agencies of a comma list of numbers; none for an empty one. Raises NotFoundError."""
    wanted = [part.strip() for part in org_id.split(",") if part.strip()]
    by_number = {str(stable_number(one.code)): one.code for one in traffy_queries.agencies(session)}
    unknown = [number for number in wanted if number not in by_number]
    if unknown:
        raise NotFoundError(f"There is no org_id {unknown[0][:40]} | ไม่พบหน่วยงานนี้")
    return [by_number[number] for number in wanted]


def category_asked(session: Session, *, name: str, number: str) -> str | None:
    """The category of a name, or else of a number; None where neither is asked for. Raises NotFoundError."""
    if name:
        found = traffy_queries.category_names(session).get(name.strip().lower())
    elif number:
        by_number = {str(stable_number(one.code)): one.code for one in incident_queries.categories(session)}
        found = by_number.get(number.strip())
    else:
        return None
    if found is None:
        raise NotFoundError("There is no such type | ไม่พบประเภทนี้")
    return found


def take_issue(session: Session, issue: NewIssue, *, key: ApiKey) -> ServiceRequest:
    """The partner's report is with its incident, once by the partner's own number.

    Raises UnusableReportError where it lies outside the city, NotFoundError for a number of no category, OwnNewsError
    where it is one of ours that the partner was told of.
    """
    system = f"exchange:{key.name}"
    if issue.client_id:
        queries.hold(session, f"{system}|{issue.client_id}".encode())
        known = queries.foreign(session, system, issue.client_id)
        request = queries.request_of_report(session, known.report_id) if known and known.report_id else None
        if request is not None:
            return request
    _check_is_no_echo(session, issue, key=key)
    spot = arrivals.spot_of(session, place=issue.place)
    request = arrivals.receive(
        session,
        arrivals.Arrival(
            door="traffy",
            category_code=_category(session, issue),
            description=issue.text or NO_WORDS,
            told=issue.address,
            spot=spot,
            repeat_of=f"{issue.client_id}|{issue.kind}|{spot.place.lon:.5f} {spot.place.lat:.5f}|{issue.text}",
            key_id=key.id,
            token=secrets.token_urlsafe(24),
            contact=issue.contact,
            media_urls=issue.links,
            pictures=issue.pictures,
        ),
    )
    if issue.client_id:
        report = session.get_one(Report, request.report_id)
        traffy_actions.note(
            session, issue.client_id, direction="in", incident_id=report.incident_id, report_id=report.id,
            system=system,
        )
    return request


def _check_is_no_echo(session: Session, issue: NewIssue, *, key: ApiKey) -> None:
    if issue.ticket_id and queries.incident_of_request(session, issue.ticket_id) is not None:
        raise OwnNewsError(f"The ticket {issue.ticket_id} is one of ours: nothing was made | เรื่องนี้มาจากระบบนี้เอง")
    if issue.place is not None:
        where = {"lat": issue.place.lat, "lon": issue.place.lon}
        words = (word for word in (issue.text, issue.client_id) if word)
        echoes.check_is_no_echo(session, key, *(issue_mark(word, **where) for word in words))


def _category(session: Session, issue: NewIssue) -> str:
    if issue.kind_number is not None:
        return category_asked(session, name="", number=str(issue.kind_number)) or "other"
    return traffy.category_of(issue.kind, names=traffy_queries.category_names(session))


def take_step(session: Session, update: UpdateIssue, *, key: ApiKey) -> None:
    """The incident is in the state that the partner tells; told again nothing changes.

    Raises NotFoundError for an unknown ticket, ForbiddenError for another agency's, WrongStateError for no step,
    OwnNewsError for one that the partner heard of from us.
    """
    incident_id = incident_asked(session, update.ticket_id, update.client_id, key=key)
    incident = incident_queries.locked_incident(session, incident_id)
    if key.agency_code is not None and incident.agency_code != key.agency_code:
        raise ForbiddenError(f"The ticket {incident.number} is another agency's | เรื่องนี้เป็นของหน่วยงานอื่น")
    if update.state == "new":
        raise InvalidInputError("A ticket does not go back to waiting | เปลี่ยนกลับเป็นรอรับเรื่องไม่ได้")
    if update.state == "sent_on":
        raise InvalidInputError("A ticket is sent on by join-forward | ส่งต่อเรื่องด้วย join-forward")
    if incident.state == update.state:
        return
    times = [traffy.said_time(update.said_at)] if update.said_at is not None else []
    marks = [
        step_mark(number, update.state, word)
        for number in {incident.number, update.ticket_id} for word in (update.note, *times)
    ]
    echoes.check_is_no_echo(session, key, *marks)
    before = traffy_queries.last_change_id(session, incident.id)
    traffy_actions.step(session, incident.id, update.state, by=keys.acts_as(key), reason=update.note)
    if not update.tells_reporter:
        telling.tell_nobody(session, incident.id, after=before)


def incident_asked(session: Session, ticket_id: str, client_id: str, *, key: ApiKey) -> int:
    """The incident under our number, or else under the partner's own. Raises NotFoundError."""
    if ticket_id:
        found = queries.incident_of_request(session, ticket_id)
    else:
        known = queries.foreign(session, f"exchange:{key.name}", client_id)
        found = traffy_queries.incident_of(session, known) if known else None
    if found is None:
        raise NotFoundError("There is no such ticket | ไม่พบเรื่องนี้")
    return found
