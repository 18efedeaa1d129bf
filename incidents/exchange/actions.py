"""What clients of Open311 do: report, and say more about what they reported."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from core import clock
from incidents import actions, rules
from incidents import queries as incident_queries
from incidents.exchange import arrivals, echoes, queries
from incidents.exchange.errors import NoSuchRequestError
from incidents.exchange.hook_bodies import issue_mark
from incidents.exchange.models import ApiKey, ForeignId, ServiceRequest
from incidents.exchange.open311 import Submission
from incidents.exchange.open311_answers import Service
from incidents.exchange.open311_updates import Update
from incidents.exchange.questions import told
from incidents.models import Incident, Report

# FixMyStreet's states by which a reporter says that it is mended, or is not.
SAYS_MENDED = frozenset({"FIXED", "CLOSED"})
SAYS_AGAIN = frozenset({"OPEN", "REOPEN"})


def take_submission(
    session: Session, submission: Submission, *, service: Service, key: ApiKey, pictures: Sequence[bytes] = ()
) -> ServiceRequest:
    """The report is with its incident; the same one sent again has the number of the first.

    The same is what has the client's own number, or equal place and words within ten minutes. Raises
    UnusableReportError where the place cannot be found or lies elsewhere, OwnNewsError where we told the client of it.
    """
    system = f"open311:{key.name}"
    if submission.client_id:
        queries.hold(session, f"{system}|{submission.client_id}".encode())
        known = queries.foreign(session, system, submission.client_id)
        request = queries.request_of_report(session, known.report_id) if known and known.report_id else None
        if request is not None:
            return request
    if submission.place is not None:
        mark = issue_mark(submission.description, lat=submission.place.lat, lon=submission.place.lon)
        echoes.check_is_no_echo(session, key, mark)
    spot = arrivals.spot_of(
        session, place=submission.place, address=submission.address, address_id=submission.address_id
    )
    request = arrivals.receive(
        session,
        arrivals.Arrival(
            door="open311",
            category_code=service.code,
            description=submission.description,
            told=told(service.questions, submission.answers),
            spot=spot,
            repeat_of=_same(submission),
            key_id=key.id,
            token=secrets.token_urlsafe(16) if service.service_type == "batch" else None,
            answers=submission.answers,
            contact=submission.contact,
            media_urls=() if pictures else submission.media_urls,
            pictures=pictures,
        ),
    )
    if submission.client_id:
        _note(session, request, system=system, foreign_id=submission.client_id)
    return request


def _same(submission: Submission) -> str:
    """What two submissions have in common that are one."""
    place = submission.place
    where = f"{place.lon:.5f} {place.lat:.5f}" if place else f"{submission.address}{submission.address_id}"
    return "|".join(
        (submission.service_code, where, submission.description, submission.account_id, submission.client_id)
    )


def _note(
    session: Session, request: ServiceRequest, *, system: str, foreign_id: str, version: datetime | None = None
) -> ForeignId:
    report = session.get_one(Report, request.report_id)
    note = ForeignId(
        system=system, foreign_id=foreign_id, direction="in", version=version, incident_id=report.incident_id,
        report_id=report.id, noted_at=clock.now(),
    )
    session.add(note)
    session.flush()
    return note


def take_update(session: Session, update: Update, *, key: ApiKey) -> str:
    """What a client adds to its own report stands with it; mended closes what is done, not mended opens it again.

    The id of the update here; the same update again changes nothing. Raises NoSuchRequestError for a request that did
    not come by this key.
    """
    request = queries.request_of_id(session, update.request_id)
    if request is None or request.key_id != key.id:
        raise NoSuchRequestError(f"There is no service request '{update.request_id}' that this api_key sent.")
    system = f"open311-update:{key.name}"
    queries.hold(session, f"{system}|{update.update_id}".encode())
    note = queries.foreign(session, system, update.update_id)
    if note is None:
        note = _note(session, request, system=system, foreign_id=update.update_id, version=update.updated_at)
        if update.text:
            arrivals.add_words(session, request.report_id, update.text)
        incident = incident_queries.locked_incident(session, note.incident_id)
        _take_verdict(session, incident, status=update.status, by=f"open311:{key.name}")
    return f"u{note.id}"


def _take_verdict(session: Session, incident: Incident, *, status: str, by: str) -> None:
    says = "close" if status in SAYS_MENDED else "reopen" if status in SAYS_AGAIN else ""
    to = rules.verdict(state=incident.state, says=says, done_at=incident.done_at, now=clock.now())
    if to is not None:
        actions.change_state(session, incident.id, to, by=by, reason="")
