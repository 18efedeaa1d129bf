"""What partners do with a ticket beside its state: rate it, speak, ask other agencies in, hand it over.

A key with `traffy-update` acts as the agency, on what reaches it; one that only writes speaks as the reporter, of what
it sent itself. What is sent twice happens once.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sqlalchemy.orm import Session

from core import clock
from core.errors import ConflictError, ForbiddenError, InvalidInputError
from core.events import publish
from incidents import actions, cards, history, inviting, near_queries, notes, policy, promise_queries, rules, telling
from incidents import queries as incident_queries
from incidents.errors import WrongStateError
from incidents.events import IncidentNoted
from incidents.exchange import arrivals, keys, queries, traffy_actions, traffy_exchange, traffy_queries
from incidents.exchange.models import ApiKey, ExchangeRating, ServiceRequest
from incidents.exchange.partner_calls import HAND_OVER, Comment, JoinForward, Star, Ticket
from incidents.models import Incident, Report

RATED_STATES = ("done", "closed")
# The exchange gives comments no number of their own: equal words within this time are a sender's second attempt.
REPEATED_WITHIN = timedelta(minutes=10)
SAID = "partner_said"


def rate(session: Session, star: Star, *, key: ApiKey) -> None:
    """So many stars are the word of the partner's reporter on how it was done; the last word counts.

    Raises ForbiddenError for a ticket that another sent: nobody rates their own work. WrongStateError before the end.
    """
    request = _own_request(session, star.ticket, key=key)
    if request is None:
        traffy_exchange.incident_asked(session, star.ticket.ticket_id, star.ticket.client_id, key=key)
        raise ForbiddenError("Only who sent a ticket rates it | ให้คะแนนได้เฉพาะเรื่องที่ท่านแจ้งเอง")
    report = session.get_one(Report, request.report_id)
    incident = incident_queries.locked_incident(session, report.incident_id)
    if incident.state not in RATED_STATES:
        raise WrongStateError(f"The ticket {incident.number} is not finished yet | เรื่องนี้ยังไม่เสร็จสิ้น")
    known = session.get(ExchangeRating, request.id)
    if known is not None and known.stars == star.stars:
        return
    rating = known or ExchangeRating(service_request_id=request.id)
    rating.stars, rating.rated_at = star.stars, clock.now()
    session.add(rating)
    reason = cards.say("reason-rated", "th", stars=str(star.stars))
    _write(session, incident, kind="rated", reason=reason, key=key)


def _own_request(session: Session, ticket: Ticket, *, key: ApiKey) -> ServiceRequest | None:
    """What the partner itself sent under this number, ours or its own."""
    if ticket.ticket_id:
        request = queries.request_of_id(session, ticket.ticket_id)
    else:
        known = queries.foreign(session, f"exchange:{key.name}", ticket.client_id)
        request = queries.request_of_report(session, known.report_id) if known and known.report_id else None
    return request if request is not None and request.key_id == key.id else None


def _write(session: Session, incident: Incident, *, kind: str, reason: str, key: ApiKey) -> None:
    change = history.write(
        session, incident, from_state=incident.state, by=keys.acts_as(key), reason=reason, now=clock.now(), kind=kind
    )
    publish(session, IncidentNoted(incident_id=change.incident_id, number=incident.number))


# ── Words ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def say(session: Session, comment: Comment, *, key: ApiKey) -> None:
    """The agency's words are with every reporter, or among officers; a reporter's stand with the report. Once.

    Raises ForbiddenError where the ticket does not reach the key's agency, or was not sent by a key that only writes.
    """
    ticket = comment.ticket
    incident_id = traffy_exchange.incident_asked(session, ticket.ticket_id, ticket.client_id, key=key)
    incident = near_queries.locked_survivor(session, incident_id)
    is_agency = "traffy-update" in key.scopes
    request = None if is_agency else _own_request(session, ticket, key=key)
    if is_agency:
        _check_reaches(session, incident, key=key)
    elif request is None or comment.kind == "chat_staff_only":
        raise ForbiddenError("This api_key may not say this of the ticket | ไม่มีสิทธิ์ส่งข้อความในเรื่องนี้")
    if _was_said(session, incident, comment, key=key):
        return
    if request is not None:
        arrivals.add_words(session, request.report_id, f"[{key.name} {comment.kind}] {comment.text}")
        _write(session, incident, kind="words_added", reason="", key=key)
    elif comment.kind == "chat_staff_only":
        notes.write_note(session, incident.id, comment.text, by=keys.acts_as(key))
    else:
        _say_to_reporters(session, incident, comment, key=key)


def _say_to_reporters(session: Session, incident: Incident, comment: Comment, *, key: ApiKey) -> None:
    now = clock.now()
    change = history.write(
        session, incident, from_state=incident.state, by=keys.acts_as(key), reason=comment.text, now=now, kind=SAID
    )
    if comment.tells_reporter:
        telling.note_change(session, incident, change, note={"th": comment.text, "en": comment.text}, now=now)
    publish(session, IncidentNoted(incident_id=incident.id, number=incident.number))


def _was_said(session: Session, incident: Incident, comment: Comment, *, key: ApiKey) -> bool:
    """The partner said the same of it a moment ago; it is noted that it says it now."""
    now, system = clock.now(), f"exchange-comment:{key.name}"
    said = hashlib.sha256(f"{incident.id}|{comment.kind}|{comment.text}".encode()).hexdigest()
    known = queries.foreign(session, system, said)
    if known is None:
        traffy_actions.note(session, said, direction="in", incident_id=incident.id, version=now, system=system)
        return False
    if known.version is not None and now - known.version < REPEATED_WITHIN:
        return True
    known.version = now
    return False


# ── Other agencies ───────────────────────────────────────────────────────────────────────────────────────────────────


def join_forward(session: Session, asked: JoinForward, *, key: ApiKey) -> None:
    """The agencies of the destinations have joined in, or the first of them leads in place of the origin.

    Raises NotFoundError for an agency that is not this city's, ForbiddenError where the origin has not the ticket or
    is not the key's, ConflictError where it was sent on too often, HandingError where it would go round in a circle.
    """
    codes = traffy_exchange.agencies_asked(session, ",".join((asked.origin, *asked.destinations)))
    origin, destinations = codes[0], codes[1:]
    ticket = asked.ticket
    incident_id = traffy_exchange.incident_asked(session, ticket.ticket_id, ticket.client_id, key=key)
    incident = near_queries.locked_survivor(session, incident_id)
    if key.agency_code not in (None, origin):
        raise ForbiddenError("origin_group is not the agency of this api_key | origin_group ไม่ใช่หน่วยงานของท่าน")
    if origin in destinations:
        raise InvalidInputError("destination_group holds origin_group | หน่วยงานปลายทางซ้ำกับต้นทาง")
    if asked.counter >= policy.shipped().handing_limit:
        raise ConflictError("The ticket was sent on too often (recursive_counter) | ส่งต่อหลายครั้งเกินไป")
    before = traffy_queries.last_change_id(session, incident.id)
    if asked.scenario == HAND_OVER:
        _hand_over(session, incident, origin, destinations, note=asked.note, key=key)
    else:
        _check_origin(session, incident, origin)
        _invite(session, incident, destinations, origin=origin, note=asked.note, key=key)
    if not asked.tells_reporter:
        telling.tell_nobody(session, incident.id, after=before)


def _hand_over(
    session: Session, incident: Incident, origin: str, destinations: list[str], *, note: str, key: ApiKey
) -> None:
    if traffy_queries.was_handed(session, incident.id, from_code=origin, to_code=destinations[0], by=keys.acts_as(key)):
        return  # Sent again: it is there.
    if incident.agency_code != origin:
        raise ForbiddenError(f"The ticket {incident.number} is another agency's | เรื่องนี้เป็นของหน่วยงานอื่น")
    actions.send_on(session, incident.id, destinations[0], by=keys.acts_as(key), reason=note)
    _invite(session, incident, destinations[1:], origin=destinations[0], note=note, key=key)


def _invite(
    session: Session, incident: Incident, destinations: list[str], *, origin: str, note: str, key: ApiKey
) -> None:
    if incident.state not in rules.OPEN_STATES:
        raise WrongStateError(f"The ticket {incident.number} has ended | เรื่องนี้จบแล้ว")
    inviting.invite_agencies(session, incident.id, destinations, from_code=origin, by=keys.acts_as(key), reason=note)


def _check_origin(session: Session, incident: Incident, origin: str) -> None:
    if origin not in {row.code for row in promise_queries.reached_rows(session, incident.id)}:
        raise ForbiddenError(f"The ticket {incident.number} is another agency's | เรื่องนี้เป็นของหน่วยงานอื่น")


def _check_reaches(session: Session, incident: Incident, *, key: ApiKey) -> None:
    if key.agency_code is not None:
        _check_origin(session, incident, key.agency_code)
