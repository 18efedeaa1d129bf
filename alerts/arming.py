"""Armed automatic sending: under a named owner's policy danger goes out by itself unless somebody on duty stops it."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

import staff.actions
from alerts import armed_queries, proposals, queries, rules, thread
from alerts.errors import AlertStateError, SamePersonError
from alerts.models import Alert, ArmedPolicy
from core import clock
from core.errors import ConflictError, InvalidInputError, NotFoundError
from staff.models import Account
from staff.rules import AccountRef


def arm(
    session: Session, *, level: int, owner_username: str, lasts: timedelta, reason: str, by: AccountRef
) -> ArmedPolicy:
    """Proposals of the rules at this level send themselves in the owner's name until `lasts` has run out.

    Raises SamePersonError where the owner arms it alone, InvalidInputError where the level may not be armed, the time
    is too long, there is no reason or the owner may not approve, ConflictError where one is armed already.
    """
    proposals.store_shipped(session)
    rule, now = queries.current_policy(session).rule(level), clock.now()
    if not rule.may_be_armed:
        raise InvalidInputError(f"Alerts of level {level} never send themselves.")
    if not timedelta(0) < lasts <= rule.armed_at_most:
        hours = rule.armed_at_most.total_seconds() / 3600
        raise InvalidInputError(f"A policy is armed for {hours:g} hours at most.")
    if not reason.strip():
        raise InvalidInputError("Say why alerts may send themselves; the next shift will read it.")
    owner = session.scalars(sa.select(Account).where(Account.username == owner_username)).one_or_none()
    if owner is None or not owner.is_active or "approver" not in owner.roles:
        raise InvalidInputError(f"'{owner_username}' is nobody who may approve alerts.")
    if owner.id == by.id:
        raise SamePersonError("Whoever owns the policy cannot arm it alone; another person has to.")
    _let_run_out(session, level, now=now)
    if armed_queries.armed_policy(session, level, now=now) is not None:
        raise ConflictError(f"Alerts of level {level} send themselves already.")
    made = ArmedPolicy(
        level=level, owner_id=owner.id, armed_by=by.id, armed_at=now, expires_at=now + lasts,
        delay_s=int(rule.armed_delay.total_seconds()), reason=reason.strip(),
    )
    session.add(made)
    session.flush()
    _audit(session, made, action="alerts.armed", by=by)
    set_off(session, now=now)
    return made


def _let_run_out(session: Session, level: int, *, now: datetime) -> None:
    session.execute(
        sa.update(ArmedPolicy)
        .where(ArmedPolicy.level == level, ArmedPolicy.disarmed_at.is_(None), ArmedPolicy.expires_at <= now)
        .values(disarmed_at=ArmedPolicy.expires_at)
    )


def disarm(session: Session, policy_id: int, *, by: AccountRef) -> ArmedPolicy:
    """Nothing sends itself under this policy any more, also what was counting down. Raises NotFoundError."""
    queries.hold_decisions(session)
    found = session.get(ArmedPolicy, policy_id, with_for_update=True)
    if found is None:
        raise NotFoundError(f"There is no armed policy {policy_id}.")
    if found.disarmed_at is None:
        found.disarmed_at, found.disarmed_by = clock.now(), by.id
        waiting = sa.select(Alert).where(Alert.state == "proposed", Alert.armed_policy_id == policy_id)
        for alert in session.scalars(waiting):
            _stop(session, alert, by=by, why="disarmed")
        _audit(session, found, action="alerts.disarmed", by=by)
    session.flush()
    return found


def set_off(session: Session, *, now: datetime) -> None:
    """Each of the rules' proposals at an armed level counts down from now; one that was stopped does not begin again.

    A revision does not begin it anew: water that goes on rising would put it off for ever.
    """
    waiting = session.scalars(
        sa.select(Alert).where(
            Alert.state == "proposed", Alert.source == "rule", Alert.kind != "all_clear",
            Alert.armed_policy_id.is_(None), ~Alert.is_exercise,
        )
    )
    for alert in waiting:
        policy = armed_queries.armed_policy(session, alert.level, now=now)
        if policy is None:
            continue
        alert.armed_policy_id = policy.id
        alert.sends_itself_at = now + timedelta(seconds=policy.delay_s)
        thread.note(
            session, event_id=alert.event_id, alert_id=alert.id, kind="counting_down", armed_policy=policy.id,
            sends_itself_at=alert.sends_itself_at.isoformat(),
        )
        proposals.announce(session, alert)


def stop(session: Session, alert_id: int, *, by: AccountRef) -> Alert:
    """The alert does not send itself; somebody decides. Raises AlertStateError where it is not counting down."""
    queries.hold_decisions(session)
    alert = queries.alert(session, alert_id)
    if alert.state not in rules.OPEN or alert.sends_itself_at is None:
        raise AlertStateError(f"Alert {alert.number} is {alert.state} and does not count down.")
    _stop(session, alert, by=by, why="stopped")
    return alert


def _stop(session: Session, alert: Alert, *, by: AccountRef, why: str) -> None:
    alert.sends_itself_at = None
    thread.note(session, event_id=alert.event_id, alert_id=alert.id, kind="countdown_stopped", by=by, why=why)
    staff.actions.record(
        session, account=by, action="alert.countdown_stopped", subject=f"alert:{alert.id}",
        detail={"number": alert.number, "why": why},
    )
    proposals.announce(session, alert)


def _audit(session: Session, policy: ArmedPolicy, *, action: str, by: AccountRef) -> None:
    staff.actions.record(
        session, account=by, action=action, subject=f"armed_policy:{policy.id}",
        detail={"level": policy.level, "owner": policy.owner_id, "expires_at": policy.expires_at.isoformat(),
                "delay_s": policy.delay_s, "reason": policy.reason},
    )
