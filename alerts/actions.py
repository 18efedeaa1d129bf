"""What is done with alerts: proposed by the rules, approved by a person, declined, cancelled, cleared, delivered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import staff.actions
import staff.queries
from alerts import (
    arming,
    audience,
    cap_publishing,
    delivery,
    escalation,
    leaders,
    ledger,
    packing,
    proposals,
    queries,
    queueing,
    quota,
    rules,
    thread,
)
from alerts.errors import AlertStateError, ProposalChangedError, SamePersonError, SecondPersonMissingError
from alerts.events import AlertApproved
from alerts.models import Alert, AlertRecipient
from alerts.queries import CityName
from alerts.rules import Decision, LevelRule
from core import clock, events
from core.errors import ConflictError, InvalidInputError
from core.logs import get_logger
from core.settings import settings
from flood import queries as flood
from staff.rules import AccountRef

log = get_logger("alerts")
CHANGED = (
    "The zones, the audience or the words of this alert have changed since they were shown. Look again, then approve."
)


def consider(
    session: Session,
    *,
    run_id: int,
    severity_by_code: Mapping[str, int],
    falling_by_code: Mapping[str, int],
    trigger_received_wall_at: datetime | None,
    is_without_data: bool,
) -> Decision:
    """Proposals follow a new picture of the flood: new ones, revised ones, withdrawn ones, all-clears.

    Considering the same picture twice changes nothing. `is_without_data` pictures never lead to an all-clear.
    """
    queries.hold_decisions(session)
    proposals.store_shipped(session)
    now = clock.now()
    ids = queries.zone_ids_by_code(session, severity_by_code.keys())
    severity_by_zone = {ids[code]: severity for code, severity in severity_by_code.items() if code in ids}
    standing = queries.standing(session, now=now)
    decision = rules.decide(
        severity_by_zone,
        standing,
        falling_by_zone={ids[code]: severity for code, severity in falling_by_code.items() if code in ids},
        policy=queries.current_policy(session),
        is_water_known=not is_without_data,
        now=now,
    )
    _withdraw(session, decision, now=now)
    for alert_id, proposal in decision.revise:
        proposals.refresh(session, queries.alert(session, alert_id), proposal.zone_ids, run_id=run_id, now=now)
    for proposal in decision.propose:
        proposals.open_proposal(
            session,
            kind="alert",
            level=proposal.level,
            zone_ids=proposal.zone_ids,
            run_id=run_id,
            now=now,
            trigger_received_wall_at=trigger_received_wall_at,
        )
    for event_id in decision.all_clear:
        _open_all_clear(session, event_id, run_id=run_id, by=None, now=now)
    arming.set_off(session, now=now)
    return decision


def _withdraw(session: Session, decision: Decision, *, now: datetime) -> None:
    for alert_id in decision.withdraw:
        alert = queries.alert(session, alert_id)
        proposals.move(session, alert, "withdrawn", now=now, reason="the water changed before it was approved")
        _audit(session, alert, by=None, action="alert.withdrawn")


def _open_all_clear(
    session: Session, event_id: int, *, run_id: int | None, by: AccountRef | None, now: datetime,
    is_exercise: bool = False,
) -> Alert:
    standing = queries.standing(session, now=now, is_exercise=is_exercise)
    told = [a for a in standing if a.event_id == event_id and a.is_warning and a.state in rules.TOLD]
    return proposals.open_proposal(
        session,
        kind="all_clear",
        level=max(a.level for a in told),
        zone_ids=rules.event_zones(event_id, standing),
        run_id=run_id,
        now=now,
        event_id=event_id,
        proposed_by=by.id if by else None,
        source="officer" if by else "rule",
        hazard=queries.alert(session, event_id).hazard,
        is_exercise=is_exercise,
    )


def _audit(session: Session, alert: Alert, *, by: AccountRef | None, action: str, **detail: object) -> None:
    staff.actions.record(
        session,
        account=by,
        action=action,
        subject=f"alert:{alert.id}",
        detail={"number": alert.number, "revision": alert.revision, **detail},
    )


def revise(session: Session, alert_id: int) -> Alert:
    """An open proposal shows what is true now; others stay as they are."""
    queries.hold_decisions(session)
    alert = queries.alert(session, alert_id)
    if alert.state in rules.OPEN:
        zone_ids = [zone.zone_id for zone in queries.zones(session, [alert_id])[alert_id]]
        run = flood.current_run(session)
        proposals.refresh(session, alert, zone_ids, run_id=run.id if run else None, now=clock.now())
    return alert


def check(session: Session, alert_id: int, revision: int, by: AccountRef) -> Alert:
    """`by` is the first of the two people that the alert's level needs: the danger is real, another one may approve.

    It counts for a while (`LevelRule.check_holds`), also when zones or audience are revised meanwhile: the approver
    decides about those. Raises SamePersonError where `by` proposed it, ProposalChangedError where `revision` is not
    what stands there, AlertStateError where it was decided already.
    """
    queries.hold_decisions(session)
    alert = queries.alert(session, alert_id)
    if alert.state not in rules.OPEN:
        raise AlertStateError(f"Alert {alert.number} has been decided already: it is {alert.state}.")
    if alert.proposed_by == by.id:
        raise SamePersonError(f"You proposed alert {alert.number}; another person has to check it.")
    if alert.revision != revision:
        raise ProposalChangedError(CHANGED, shown=revision, now=alert.revision)
    alert.checked_by, alert.checked_at = by.id, clock.now()
    thread.note(session, event_id=alert.event_id, alert_id=alert.id, kind="checked", by=by, revision=revision)
    _audit(session, alert, by=by, action="alert.checked")
    # Told as a revision is: every screen looks again.
    proposals.announce(session, alert)
    return alert


def approve(
    session: Session, alert_id: int, revision: int, by: AccountRef, *, armed_policy_id: int | None = None
) -> Alert:
    """The alert's audience is frozen and its messages wait in the outbox, once, however often this is asked.

    What is quiet at night waits for the morning first. Raises SamePersonError where `by` proposed or checked it,
    SecondPersonMissingError where its level needs a first person and nobody was, ProposalChangedError (nothing is done)
    where zones, audience or words are no longer what `revision` showed, AlertStateError where it was decided already,
    ConflictError where simulated data would go out on a real LINE channel, QuotaTooSmallError where this month's
    messages do not suffice (danger goes out as far as it gets). Whoever calls has checked that `by` may
    approve; with `armed_policy_id` it is the armed policy that approves, in the name of its owner.
    """
    queries.hold_decisions(session)
    alert = queries.alert(session, alert_id)
    if alert.state not in rules.OPEN:
        if alert.approved_by == by.id and alert.revision == revision:
            return alert
        raise AlertStateError(f"Alert {alert.number} has been decided already: it is {alert.state}.")
    city, now = queries.city(session), clock.now()
    rule = queries.current_policy(session).rule(alert.level)
    _check_approval(alert, revision, city)
    allowance = quota.forecast_of(session, alert, alert.audience_count)
    if armed_policy_id is None:
        _check_people(session, alert, by, rule, now=now)
        quota.refuse_where_short(alert, allowance)
    with session.begin_nested():
        _freeze_as_shown(session, alert, now=now)
    if allowance is not None and not allowance.is_enough:
        quota.go_as_far_as_it_gets(session, alert, allowance)
    _send(session, alert, by=by, rule=rule, now=now, armed_policy_id=armed_policy_id)
    return alert


def _check_people(session: Session, alert: Alert, by: AccountRef, rule: LevelRule, *, now: datetime) -> None:
    if alert.proposed_by == by.id and not may_send_alone(session, alert):
        raise SamePersonError(f"You proposed alert {alert.number}; another person has to approve it.")
    if alert.kind == "all_clear":
        return
    is_missing = rules.is_first_person_missing(
        proposed_by=alert.proposed_by, checked_by=alert.checked_by, checked_at=alert.checked_at, rule=rule, now=now
    )
    if is_missing:
        raise SecondPersonMissingError(
            f"Level {alert.level} needs two people: somebody else has to check alert {alert.number} first."
        )
    if rule.persons > 1 and alert.proposed_by is None and alert.checked_by == by.id:
        raise SamePersonError(f"You checked alert {alert.number}; another person has to approve it.")


def may_send_alone(session: Session, alert: Alert) -> bool:
    """News for persons or groups alone: who wrote it may send it."""
    return alert.kind == "news" and queries.target_kinds(session, alert.id) <= {"person", "group"} and not any(
        queries.zones(session, [alert.id])[alert.id]
    )


def _check_approval(alert: Alert, revision: int, city: CityName) -> None:
    if alert.revision != revision:
        raise ProposalChangedError(CHANGED, shown=revision, now=alert.revision)
    if city.is_simulated and settings().line.is_live:
        raise ConflictError("This city is simulated, and LINE is the real one: its alerts would alarm real people.")


def _freeze_as_shown(session: Session, alert: Alert, *, now: datetime) -> None:
    """The recipients stand frozen, and are exactly those whom the approver was shown; else ProposalChangedError."""
    if not queries.are_zones_as_drawn(session, alert.id):
        raise ProposalChangedError(CHANGED)
    says = proposals.said(session, alert, run_id=alert.run_id, at=alert.revised_at, now=now)
    priority = queries.current_policy(session).rule(alert.level).priority
    if says.shown_hash(audience.freeze(session, says.reach, priority=priority)) != alert.audience_hash:
        raise ProposalChangedError(CHANGED)


def _send(
    session: Session,
    alert: Alert,
    *,
    by: AccountRef,
    rule: LevelRule,
    now: datetime,
    armed_policy_id: int | None,
) -> None:
    alert.approved_by, alert.approved_at, alert.approved_wall_at = by.id, now, clock.wall_now()
    alert.hold_until_at = rules.held_until(rule, now=now)
    alert.sends_itself_at = None
    # An update never ends sooner than what it takes the place of: only an all-clear or a cancellation does.
    replaced = (queries.alert(session, alert_id).expires_at for alert_id in alert.references)
    alert.expires_at = max([(alert.hold_until_at or now) + rule.lasts, *(at for at in replaced if at is not None)])
    how: dict[str, Any] = {} if armed_policy_id is None else {"armed_policy": armed_policy_id}
    proposals.move(session, alert, "approved", now=now, by=by, audience=alert.audience_count, **how)
    if alert.kind != "news":
        _end_earlier(session, alert, now=now)
    _audit(
        session, alert, by=by, action="alert.approved", audience=alert.audience_count,
        audience_hash=alert.audience_hash, **how,
    )
    events.publish(
        session,
        AlertApproved(alert_id=alert.id, kind=alert.kind, level=alert.level, audience_count=alert.audience_count),
    )
    log.info("alert.approved", alert=alert.id, audience=alert.audience_count, held_until=alert.hold_until_at)
    if alert.hold_until_at is None:
        let_go(session, alert, now=now)


def let_go(session: Session, alert: Alert, *, now: datetime) -> None:
    """What was approved goes out to the audience that was frozen."""
    chunks = queueing.queue_messages(session, alert)
    cap_publishing.publish(session, alert, queries.city(session), sent_at=now)
    session.flush()
    if chunks:
        proposals.move(session, alert, "sending", now=now)
    else:
        delivery.note_progress(session, alert.id)


def _end_earlier(session: Session, alert: Alert, *, now: datetime) -> None:
    """The alerts that this one replaces are updated; an all-clear ends all of its event's warnings.

    Events that this alert's zones join into one flood become one.
    """
    if alert.kind == "all_clear":
        for one in queries.alerts_of_event(session, alert.event_id):
            if one.kind != "all_clear" and one.state in rules.TOLD:
                queueing.stop(session, one.id)
                proposals.move(session, one, "ended", now=now, reason=f"all-clear {alert.number}")
        return
    standing = [a for a in queries.standing(session, now=now, is_exercise=alert.is_exercise) if a.id != alert.id]
    zone_ids = {zone.zone_id for zone in queries.zones(session, [alert.id])[alert.id]}
    for event_id in rules.events_touched(zone_ids, standing):
        if event_id != alert.event_id:
            thread.join(session, event_id, into_event_id=alert.event_id)
            session.execute(sa.update(Alert).where(Alert.event_id == event_id).values(event_id=alert.event_id))
    for alert_id in alert.references:
        # Whoever still waits for the earlier message is in this one's audience, and gets only this one.
        queueing.stop(session, alert_id)
        proposals.move(session, queries.alert(session, alert_id), "updated", now=now, reason=f"alert {alert.number}")


def decline(session: Session, alert_id: int, reason: str, by: AccountRef) -> Alert:
    """The proposal goes out to nobody, and why is on record.

    Raises AlertStateError where it was decided already, InvalidInputError without a reason.
    """
    if not reason.strip():
        raise InvalidInputError("Say why the alert is declined; the next shift will read it.")
    queries.hold_decisions(session)
    alert = queries.alert(session, alert_id)
    proposals.move(session, alert, "declined", now=clock.now(), reason=reason.strip(), by=by)
    _audit(session, alert, by=by, action="alert.declined", reason=reason.strip())
    return alert


def cancel(session: Session, alert_id: int, reason: str, by: AccountRef) -> Alert:
    """What has not gone out of an approved alert stays here; those already told get an all-clear to approve.

    Raises AlertStateError where the alert is not on its way or in force, InvalidInputError without a reason.
    """
    if not reason.strip():
        raise InvalidInputError("Say why the alert is cancelled; the next shift will read it.")
    queries.hold_decisions(session)
    alert = queries.locked_alert(session, alert_id)
    if alert.state not in rules.TOLD or alert.kind == "all_clear":
        raise AlertStateError(f"Alert {alert.number} is {alert.state}; there is nothing to cancel.")
    stopped = queueing.stop(session, alert_id)
    leaders.stop(session, alert_id)
    escalation.stop(session, alert_id)
    _audit(session, alert, by=by, action="alert.cancelled", reason=reason.strip(), chunks_stopped=stopped)
    log.info("alert.cancelled", alert=alert_id, chunks_stopped=stopped)
    cap_publishing.withdraw(session, alert, queries.city(session), sent_at=clock.now())
    alert.hold_until_at = None
    was_anybody_told = not ledger.chunk_states(session, [alert_id])[alert_id].keys() <= {"cancelled"}
    if alert.kind != "news" and was_anybody_told and not _do_others_hold(session, alert):
        _propose_all_clear(session, alert, by)
    proposals.move(
        session, alert, "cancelled", now=clock.now(), reason=reason.strip(), by=by, chunks_stopped=stopped,
        is_correction_needed=was_anybody_told,
    )
    delivery.note_progress(session, alert_id)
    return alert


def _do_others_hold(session: Session, alert: Alert) -> bool:
    """Another warning of the event is in force: an all-clear would tell its people that their danger is over."""
    now = clock.now()
    return any(
        a.id != alert.id and a.event_id == alert.event_id and a.is_warning and a.is_in_force(now)
        for a in queries.standing(session, now=now, is_exercise=alert.is_exercise)
    )


def propose_all_clear(session: Session, alert_id: int, by: AccountRef) -> Alert:
    """An all-clear for the alert's event waits for another person's approval; the waiting one where there is one.

    It is for everybody who was ever told in the event. Raises AlertStateError where nobody was told.
    """
    queries.hold_decisions(session)
    alert = queries.alert(session, alert_id)
    if alert.kind in {"all_clear", "news"} or alert.state not in rules.TOLD:
        raise AlertStateError(f"Alert {alert.number} is {alert.state}; there is nothing to clear.")
    return _propose_all_clear(session, alert, by)


def _propose_all_clear(session: Session, alert: Alert, by: AccountRef) -> Alert:
    waiting = [
        one
        for one in queries.alerts_of_event(session, alert.event_id)
        if one.kind == "all_clear" and one.state in rules.OPEN | rules.TOLD
    ]
    if waiting:
        return waiting[-1]
    proposals.store_shipped(session)
    run = flood.current_run(session)
    now = clock.now()
    found = _open_all_clear(
        session, alert.event_id, run_id=run.id if run else None, by=by, now=now, is_exercise=alert.is_exercise
    )
    _audit(session, found, by=by, action="alert.all_clear_proposed", event=alert.event_id)
    return found


def note_answer(session: Session, alert_id: int, resident_id: int, answer: str) -> bool:
    """The resident's answer stands beside their row of the alert; False where they were not among its audience."""
    packing.write_person(session, resident_id)
    row = session.get(AlertRecipient, (alert_id, resident_id))
    if row is None:
        return False
    row.answer, row.answered_at = answer, clock.now()
    session.flush()
    return True
