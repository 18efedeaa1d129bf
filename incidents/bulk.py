"""Many incidents at once: each is changed wholly or not at all, and who refuses says why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from core.errors import FaonamError
from incidents import actions, assigning, queries, recategorising, rules
from incidents.errors import AlreadyMergedError
from incidents.models import Incident


@dataclass(frozen=True)
class Chosen:
    """An incident and the state in which the officer saw it, None where any will do."""

    incident_id: int
    seen: str | None


@dataclass(frozen=True)
class Deed:
    """What is to be done: accept, send_on, reject, done, category or agency; `to` is an agency or a category."""

    what: str
    reason: str
    to: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of one: without a refusal it was done. The number is empty where there is no such incident.

    The state is that in which it was found: who has read why it refused has seen it so.
    """

    incident_id: int
    number: str
    refusal: FaonamError | None
    state: str | None = None


def change_each(session: Session, chosen: Sequence[Chosen], deed: Deed, *, by: str) -> list[Outcome]:
    """The deed is done with each of them that allows it, in the order of their ids, so that nobody waits for ever.

    Whatever one refuses is undone for it alone. All become true with the transaction, or none.
    """
    states = {one.incident_id: one.seen for one in chosen}
    return [_do(session, Chosen(id_, states[id_]), deed, by=by) for id_ in sorted(states)]


def _do(session: Session, one: Chosen, deed: Deed, *, by: str) -> Outcome:
    trying = session.begin_nested()
    number, state = "", None
    try:
        incident = queries.locked_incident(session, one.incident_id)
        number, state = incident.number, incident.state
        if incident.merged_into_id is not None:
            raise AlreadyMergedError(f"Incident {number} was merged into another.", into_id=incident.merged_into_id)
        rules.check_seen(one.seen, incident.state)
        _DEEDS[deed.what](session, incident, deed, by)
    except FaonamError as refusal:
        trying.rollback()
        return Outcome(one.incident_id, number, refusal, state)
    trying.commit()
    return Outcome(one.incident_id, number, None, state)


def _accept(session: Session, incident: Incident, deed: Deed, by: str) -> None:
    actions.change_state(session, incident.id, "accepted", by=by, reason=deed.reason)


def _reject(session: Session, incident: Incident, deed: Deed, by: str) -> None:
    actions.change_state(session, incident.id, "rejected", by=by, reason=deed.reason)


def _finish(session: Session, incident: Incident, deed: Deed, by: str) -> None:
    """By every state between; what has ended is not finished again."""
    if incident.state not in rules.OPEN_STATES:
        rules.check_step(incident.state, "done")
    actions.advance_state(session, incident.id, "done", by=by, reason=deed.reason)


def _send_on(session: Session, incident: Incident, deed: Deed, by: str) -> None:
    actions.send_on(session, incident.id, deed.to, by=by, reason=deed.reason)


def _recategorise(session: Session, incident: Incident, deed: Deed, by: str) -> None:
    recategorising.recategorise(session, incident.id, deed.to, by=by, reason=deed.reason)


def _assign(session: Session, incident: Incident, deed: Deed, by: str) -> None:
    assigning.assign_agency(session, incident.id, deed.to, by=by, reason=deed.reason)


_DEEDS: dict[str, Callable[[Session, Incident, Deed, str], None]] = {
    "accept": _accept, "reject": _reject, "done": _finish, "send_on": _send_on, "category": _recategorise,
    "agency": _assign,
}
