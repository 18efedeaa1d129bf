"""What goes to and fro between the city and Traffy: each thing once, and nothing back to where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from core import clock
from core.logs import get_logger
from incidents import actions
from incidents import queries as incident_queries
from incidents.errors import WrongStateError
from incidents.exchange import arrivals, queries, traffy, traffy_queries
from incidents.exchange.errors import UnusableReportError
from incidents.exchange.models import ForeignId, ServiceRequest
from incidents.exchange.traffy_client import TraffyClient
from incidents.models import Report

log = get_logger("incidents.traffy")

SYSTEM = "traffy"
BY = "traffy"
# By these an incident goes forward; the others are a step of their own.
FORWARD = ("accepted", "in_progress", "done")
# A month's quota may have been used up since its first days.
CATCH_UP_WITHIN = timedelta(days=40)


@dataclass(frozen=True)
class Pulled:
    """What a look at Traffy brought."""

    taken: int
    moved: int
    findings: tuple[str, ...]
    was_cut: bool


def take_ticket(session: Session, issue: traffy.Issue) -> ServiceRequest | None:
    """A ticket of Traffy is a report here, once; None where it is known already, or is one of ours.

    Raises UnusableReportError where it has no place, or one outside the city.
    """
    # Traffy tells us of our own ticket too, perhaps before it has answered us its number: see `send_out`.
    queries.hold(session, SYSTEM.encode())
    if queries.foreign(session, SYSTEM, issue.ticket_id) is not None:
        return None
    if queries.incident_of_request(session, issue.ticket_id) is not None:
        return None  # Our own webhook, come back.
    if issue.place is None:
        raise UnusableReportError((f"The ticket {issue.ticket_id} has no place",))
    names = traffy_queries.category_names(session)
    request = arrivals.receive(
        session,
        arrivals.Arrival(
            door="traffy",
            category_code=traffy.category_of(issue.kind, names=names),
            description=issue.text,
            told=issue.address,
            spot=arrivals.spot_of(session, place=issue.place),
            repeat_of=issue.ticket_id,
            media_urls=issue.photos,
        ),
    )
    report = session.get_one(Report, request.report_id)
    note(session, issue.ticket_id, direction="in", incident_id=report.incident_id, report_id=report.id,
         version=issue.reported_at)
    return request


def note(
    session: Session,
    foreign_id: str,
    *,
    direction: str,
    incident_id: int,
    report_id: int | None = None,
    version: datetime | None = None,
    system: str = SYSTEM,
) -> ForeignId:
    """It is known what the other system calls this."""
    row = ForeignId(
        system=system, foreign_id=foreign_id, direction=direction, version=version, incident_id=incident_id,
        report_id=report_id, noted_at=clock.now(),
    )
    session.add(row)
    session.flush()
    return row


def take_status(session: Session, news: traffy.StatusNews) -> bool:
    """The incident of the ticket is where Traffy says; False where nothing changes.

    That is so for a ticket that is not known, for news older than the last (or the same), and for a state that is the
    organisation's own, lies behind ours or cannot be reached from it.
    """
    known = queries.foreign(session, SYSTEM, news.ticket_id)
    if known is None or (known.version is not None and news.at <= known.version):
        return False
    known.version = news.at
    incident = incident_queries.locked_incident(session, traffy_queries.incident_of(session, known))
    if news.state in (None, "new", incident.state):
        return False
    try:
        with session.begin_nested():
            step(session, incident.id, str(news.state), by=BY, reason=news.note)
    except WrongStateError:
        log.info("traffy.step_not_possible", incident=incident.number, to=news.state)
        return False
    return True


def step(session: Session, incident_id: int, to: str, *, by: str, reason: str) -> None:
    """The incident went forward to the state, or took the one step that leads there. Raises WrongStateError."""
    move = actions.advance_state if to in FORWARD else actions.change_state
    move(session, incident_id, to, by=by, reason=reason)


def take_chat(session: Session, news: traffy.ChatNews) -> bool:
    """What was said there stands with the report, once; False where it is known or nobody knows the ticket."""
    known = queries.foreign(session, SYSTEM, news.ticket_id)
    said = f"{SYSTEM}-comment"
    queries.hold(session, f"{said}|{news.comment_id}".encode())
    if known is None or not news.text or queries.foreign(session, said, news.comment_id) is not None:
        return False
    report_id = known.report_id or traffy_queries.first_report(session, known.incident_id)  # One of ours that went out.
    note(session, news.comment_id, direction="in", incident_id=known.incident_id, system=said)
    if report_id is not None:
        arrivals.add_words(session, report_id, f"[Traffy {news.event}] {news.text}")
    return report_id is not None


def pull(session: Session, client: TraffyClient, *, duration: str = "today") -> Pulled:
    """What moved at Traffy and was missed is here too; nothing is sent there, and nobody there is told."""
    issues, findings, was_cut = client.issues(duration)
    taken = moved = 0
    for issue in issues:
        try:
            taken += take_ticket(session, issue) is not None
        except UnusableReportError as fault:
            findings.append(f"{issue.ticket_id}: {fault.detail}")
            continue
        if issue.active_at is not None:
            news = traffy.StatusNews(issue.ticket_id, issue.status, "", ", ".join(issue.organisations), issue.active_at)
            moved += take_status(session, news)
    if was_cut:
        log.warning("traffy.list_was_cut", rows=len(issues))
    return Pulled(taken, moved, tuple(findings), was_cut)


def send_out(session: Session, client: TraffyClient, incident_id: int) -> str:
    """The incident is at Traffy too; its ticket there. One that came from there, or went there, is not sent again."""
    queries.hold(session, SYSTEM.encode())
    incident = incident_queries.locked_incident(session, incident_id)
    known = queries.foreign_of_incident(session, incident.id, SYSTEM)
    if known:
        return known[0].foreign_id
    row = incident_queries.incident_row(session, incident.id)
    public = traffy_queries.public_issue(session, incident.number)
    ticket_id = client.new_issue(
        traffy.new_issue_body(
            number=incident.number, text=public.description or row.category_th, kind=row.category_th,
            place=public.place, address=public.address_th,
        )
    )
    note(session, ticket_id, direction="out", incident_id=incident.id, version=clock.now())
    return ticket_id


def tell_step(session: Session, client: TraffyClient, *, change_id: int, tells_reporters: bool) -> int:
    """Every ticket of the incident has heard of the step, unless the step came from there; how many were told.

    Traffy tells the reporter only where the ticket is its own and `tells_reporters`: ours hear it from us.
    """
    change = traffy_queries.change(session, change_id)
    if change.by.startswith(BY):
        return 0
    told = 0
    for ticket in queries.foreign_of_incident(session, change.incident_id, SYSTEM):
        key = f"{ticket.foreign_id}|{change_id}"
        body = traffy.update_body(
            ticket_id=ticket.foreign_id, state=change.to_state, note=change.reason,
            tells_reporter=tells_reporters and ticket.direction == "in",
        )
        if body is None or queries.foreign(session, f"{SYSTEM}-step", key) is not None:
            continue
        client.update_issue(body)
        note(session, key, direction="out", incident_id=change.incident_id, system=f"{SYSTEM}-step")
        told += 1
    return told


def catch_up(session: Session, client: TraffyClient) -> int:
    """Tickets whose last step here Traffy did not hear of have heard of it, and no reporter was told; how many."""
    since = clock.now() - CATCH_UP_WITHIN
    return sum(
        tell_step(session, client, change_id=change_id, tells_reporters=False)
        for change_id in traffy_queries.untold_changes(session, since=since)
    )
