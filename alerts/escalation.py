"""Nobody acknowledged in time: officers call an area's list through, in its order, until somebody is reached."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from alerts import acknowledging, contacts, leader_queries, queries, thread
from alerts import leader_rules as decide
from alerts.events import EscalationChanged
from alerts.leader_models import Contact, Escalation, EscalationCall, EscalationRule
from alerts.leader_queries import ZoneAnswer
from alerts.leader_rules import Listed, Patience, Silence
from alerts.models import Alert
from core import clock, events, sealing
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.logs import get_logger
from residents.rules import clean_phone, seen
from staff import actions as staff_actions
from staff.rules import AccountRef

log = get_logger("alerts")
OPEN = ("calling", "exhausted")
NOTE_LIMIT = 500
LEVELS = (1, 2, 3)
MOST_MINUTES = 24 * 60


# ── How long is waited ───────────────────────────────────────────────────────────────────────────────────────────────


@functools.cache
def shipped() -> Patience:
    """The policy that comes with Faonam, from `alerts/data/escalation.toml`."""
    found = tomllib.loads((Path(__file__).parent / "data" / "escalation.toml").read_text(encoding="utf-8"))
    after = {row["level"]: timedelta(minutes=row["after_minutes"]) for row in found["level"]}
    return Patience(version=found["version"], after=after)


def patience(session: Session) -> Patience:
    """The newest version of the policy: the city's own, or what comes with Faonam."""
    newest = sa.select(sa.func.max(EscalationRule.version)).scalar_subquery()
    rows = session.scalars(sa.select(EscalationRule).where(EscalationRule.version == newest)).all()
    if not rows:
        return shipped()
    after = {row.level: timedelta(seconds=row.after_s) for row in rows if row.after_s is not None}
    return Patience(version=rows[0].version, after=after)


def set_patience(session: Session, minutes_by_level: Mapping[int, int | None], *, account: AccountRef) -> Patience:
    """The policy has a new version; older ones stay on record. Raises InvalidInputError."""
    if set(minutes_by_level) != set(LEVELS):
        raise InvalidInputError("Say for each of the levels 1, 2 and 3 after how many minutes, or never.")
    for minutes in minutes_by_level.values():
        if minutes is not None and not 1 <= minutes <= MOST_MINUTES:
            raise InvalidInputError(f"A level is called about after 1 to {MOST_MINUTES} minutes, or never.")
    queries.hold_decisions(session)
    version, now = patience(session).version + 1, clock.now()
    session.add_all(
        EscalationRule(
            version=version, level=level, after_s=None if minutes is None else minutes * 60, made_by=account.id,
            made_at=now,
        )
        for level, minutes in minutes_by_level.items()
    )
    session.flush()
    staff_actions.record(
        session, account=account, action="escalation_policy.changed", subject=f"escalation_policy:{version}",
        detail={"minutes": {str(level): minutes for level, minutes in minutes_by_level.items()}},
    )
    return patience(session)


# ── Numbers that go ──────────────────────────────────────────────────────────────────────────────────────────────────


def remove_contact(session: Session, contact_id: int, *, account: AccountRef) -> None:
    """Nobody keeps this number; if it was to be called just now, the next one is. Raises NotFoundError."""
    found = session.get(Contact, contact_id, with_for_update=True)
    if found is None:
        raise NotFoundError(f"There is no contact {contact_id}.")
    staff_actions.record(session, account=account, action="contact.removed", subject=f"contact:{contact_id}", detail={})
    _drop(session, [found])


def _drop(session: Session, found: Sequence[Contact]) -> None:
    ids = [one.id for one in found]
    escalation_ids = session.scalars(
        sa.select(EscalationCall.escalation_id).where(
            EscalationCall.contact_id.in_(ids), EscalationCall.outcome.is_(None)
        )
    ).all()
    session.execute(
        sa.delete(EscalationCall).where(EscalationCall.contact_id.in_(ids), EscalationCall.outcome.is_(None))
    )
    for one in found:
        session.delete(one)
    session.flush()
    for escalation_id in escalation_ids:
        _call_next(session, _locked(session, escalation_id))


def forget(session: Session, words: Collection[str]) -> int:
    """No list names a person by one of these phone numbers; how many lines are gone."""
    hashes = []
    for word in words:
        try:
            hashes.append(sealing.fingerprint(clean_phone(word)))
        except InvalidInputError:  # A name, not a number.
            continue
    found = session.scalars(sa.select(Contact).where(Contact.phone_hash.in_(hashes))).all() if hashes else []
    _drop(session, found)
    return len(found)


# ── Calling through ──────────────────────────────────────────────────────────────────────────────────────────────────


def call_overdue(session: Session) -> int:
    """For each list whose time has come a first person is to be called; how many lists are new.

    Where meanwhile every zone was acknowledged, or the alert is over, nobody is to be called any more.
    """
    now = clock.now()
    alerts = {alert.id: alert for alert in leader_queries.alerts_to_look_at(session, now=now)}
    _end_all_over(session, alerts.keys(), now=now)
    rules = patience(session)
    answers = {
        alert.id: leader_queries.zone_answers(session, alert) for alert in alerts.values() if alert.level in rules.after
    }
    silences = [
        Silence(alert_id, alerts[alert_id].level, one.zone_id, one.area_id, one.told_at)
        for alert_id, zones in answers.items()
        for one in zones
        if one.acknowledgement is None
    ]
    return sum(
        _open(session, alert_id, area_id, version=rules.version)
        for alert_id, area_id in decide.overdue(silences, rules, now=now)
    )


def _end_all_over(session: Session, in_force: Collection[int], *, now: datetime) -> None:
    over = session.scalars(
        sa.select(Escalation)
        .where(Escalation.state.in_(OPEN), Escalation.alert_id.not_in(list(in_force)))
        .with_for_update()
    ).all()
    for one in over:
        _end(session, one, "stopped", now=now)


def _open(session: Session, alert_id: int, area_id: int | None, *, version: int) -> int:
    opened = session.scalar(
        insert(Escalation)
        .values(
            alert_id=alert_id, area_id=area_id, policy_version=version, state="calling", opened_at=clock.now(),
        )
        .on_conflict_do_nothing()
        .returning(Escalation)
    )
    if opened is None:
        return 0
    event_id = queries.alert(session, alert_id).event_id
    thread.note(session, event_id=event_id, alert_id=alert_id, kind="nobody_acknowledged", area=area_id)
    log.warning("leaders.nobody_acknowledged", alert=alert_id, area=area_id)
    _call_next(session, opened)
    return 1


def _locked(session: Session, escalation_id: int) -> Escalation:
    found = session.get(Escalation, escalation_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFoundError(f"There is no escalation {escalation_id}.")
    return found


def _call_next(session: Session, one: Escalation) -> None:
    """The next of the list is the one to call; at its end nobody is, and officers see that nobody was reached."""
    listed = contacts.listed(session, one.area_id) or contacts.listed(session, None)
    called = set(
        session.scalars(sa.select(EscalationCall.contact_id).where(EscalationCall.escalation_id == one.id)).all()
    )
    found = decide.next_to_call(
        [Listed(contact.id, contact.position, contact.is_wrong) for contact in listed],
        {contact_id for contact_id in called if contact_id is not None},
    )
    one.state = "exhausted" if found is None else "calling"
    if found is not None:
        session.add(
            EscalationCall(
                escalation_id=one.id, contact_id=found.contact_id, position=found.position, opened_at=clock.now()
            )
        )
    session.flush()
    _announce(session, one)


def _end(session: Session, one: Escalation, state: str, *, now: datetime) -> None:
    one.state, one.ended_at = state, now
    session.execute(
        sa.delete(EscalationCall).where(EscalationCall.escalation_id == one.id, EscalationCall.outcome.is_(None))
    )
    session.flush()
    _announce(session, one)


def _announce(session: Session, one: Escalation) -> None:
    events.publish(session, EscalationChanged(escalation_id=one.id, alert_id=one.alert_id, state=one.state))


def note_outcome(
    session: Session, escalation_id: int, outcome: str, *, note: str, call_id: int | None, account: AccountRef
) -> Escalation:
    """What came of the call that is due: who was reached has acknowledged for the zones; else the next one is called.

    A wrong number is called by nobody again until it is mended. Raises NotFoundError, InvalidInputError, and
    ConflictError where nobody is to be called, or somebody else noted this call (`call_id`) already.
    """
    if outcome not in decide.OUTCOMES:
        raise InvalidInputError(f"A call ends as {', '.join(decide.OUTCOMES)}, not as '{outcome[:40]}'.")
    if len(note) > NOTE_LIMIT:
        raise InvalidInputError(f"A note has {NOTE_LIMIT} letters at most.")
    one = _locked(session, escalation_id)
    call = _call_due(session, one)
    if call is None or (call_id is not None and call.id != call_id):
        raise ConflictError("This call was noted already, or need not be made any more. Look again.")
    said = seen(note).strip()
    call.outcome, call.outcome_at, call.outcome_by = outcome, clock.now(), account.id
    call.note_sealed = sealing.seal(said) if said else None
    session.flush()
    staff_actions.record(
        session, account=account, action="escalation.noted", subject=f"escalation:{one.id}", detail={"outcome": outcome}
    )
    event_id = queries.alert(session, one.alert_id).event_id
    thread.note(
        session, event_id=event_id, alert_id=one.alert_id, kind="called", by=account, outcome=outcome, area=one.area_id
    )
    if outcome == "reached":
        _note_reached(session, one, account)
        return one
    if outcome == "wrong_number" and call.contact_id is not None:
        session.get_one(Contact, call.contact_id).is_wrong = True
    _call_next(session, one)
    return one


def _note_reached(session: Session, one: Escalation, account: AccountRef) -> None:
    _end(session, one, "reached", now=clock.now())
    zones = silent_zones(session, queries.alert(session, one.alert_id), one.area_id)
    acknowledging.acknowledge(session, one.alert_id, [zone.zone_id for zone in zones], way="phone", account=account)


def _call_due(session: Session, one: Escalation) -> EscalationCall | None:
    due = sa.select(EscalationCall).where(EscalationCall.escalation_id == one.id, EscalationCall.outcome.is_(None))
    return session.scalar(due.with_for_update()) if one.state == "calling" else None


def silent_zones(session: Session, alert: Alert, area_id: int | None) -> list[ZoneAnswer]:
    """The area's zones of the alert that nobody has acknowledged."""
    answers = leader_queries.zone_answers(session, alert)
    return [one for one in answers if one.area_id == area_id and one.acknowledgement is None]


def stop(session: Session, alert_id: int) -> None:
    """Nobody is called about this alert any more."""
    for one in _open_of(session, alert_id):
        _end(session, one, "stopped", now=clock.now())


def end_acknowledged(session: Session, alert_id: int) -> None:
    """No list is called through all of whose zones were acknowledged."""
    for one in _open_of(session, alert_id):
        if not silent_zones(session, queries.alert(session, alert_id), one.area_id):
            _end(session, one, "acknowledged", now=clock.now())


def _open_of(session: Session, alert_id: int) -> Sequence[Escalation]:
    wanted = sa.select(Escalation).where(Escalation.alert_id == alert_id, Escalation.state.in_(OPEN))
    return session.scalars(wanted.order_by(Escalation.id).with_for_update()).all()


# ── What officers see ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Noted:
    """A call that was made: to whom, where the list still names them, and what came of it."""

    contact_id: int | None
    name: str | None
    outcome: str
    note: str | None
    at: datetime
    by_account_id: int | None


@dataclass(frozen=True)
class Task:
    """A list that is called through: for which alert and zones, whom to call now, who was called before."""

    escalation: Escalation
    alert: Alert
    zones: tuple[ZoneAnswer, ...]
    call: EscalationCall | None
    contact: Contact | None
    noted: tuple[Noted, ...]


def tasks(session: Session) -> list[Task]:
    """The lists that are called through or have reached nobody, of alerts in force, the highest level first."""
    in_force = {alert.id: alert for alert in leader_queries.alerts_to_look_at(session, now=clock.now())}
    wanted = sa.select(Escalation).where(Escalation.state.in_(OPEN), Escalation.alert_id.in_(list(in_force)))
    found = [_task(session, one, in_force[one.alert_id]) for one in session.scalars(wanted.order_by(Escalation.id))]
    waiting = [task for task in found if task.zones]  # Acknowledged a moment ago, and not ended yet.
    return sorted(waiting, key=lambda task: (-task.alert.level, task.escalation.opened_at, task.escalation.id))


def task(session: Session, escalation_id: int) -> Task:
    """One list that was or is called through. Raises NotFoundError."""
    found = session.get(Escalation, escalation_id)
    if found is None:
        raise NotFoundError(f"There is no escalation {escalation_id}.")
    return _task(session, found, queries.alert(session, found.alert_id))


def _task(session: Session, one: Escalation, alert: Alert) -> Task:
    calls = session.scalars(
        sa.select(EscalationCall).where(EscalationCall.escalation_id == one.id).order_by(EscalationCall.id)
    ).all()
    ids = [call.contact_id for call in calls if call.contact_id is not None]
    named = {contact.id: contact for contact in session.scalars(sa.select(Contact).where(Contact.id.in_(ids)))}
    due = next((call for call in calls if call.outcome is None), None)
    noted = tuple(
        Noted(
            contact_id=call.contact_id,
            name=contacts.name_of(named[call.contact_id]) if call.contact_id in named else None,
            outcome=call.outcome,
            note=None if call.note_sealed is None else sealing.unseal(bytes(call.note_sealed)),
            at=call.outcome_at or call.opened_at,
            by_account_id=call.outcome_by,
        )
        for call in calls
        if call.outcome is not None
    )
    zones = tuple(silent_zones(session, alert, one.area_id))
    contact = named.get(due.contact_id) if due is not None and due.contact_id is not None else None
    return Task(escalation=one, alert=alert, zones=zones, call=due, contact=contact, noted=noted)


def states_by_area(session: Session, alert_id: int) -> dict[int | None, str]:
    """How it stands with each area's list for this alert."""
    rows = session.execute(sa.select(Escalation.area_id, Escalation.state).where(Escalation.alert_id == alert_id))
    return dict(rows.all())
