"""What wakes leaders' groups and phone lists: what is said in a group, an approval, the clock."""

from __future__ import annotations

from sqlalchemy.orm import Session

from alerts import acknowledging, escalation, leader_queries, leaders
from alerts import leader_rules as decide
from alerts.events import AlertAcknowledged, AlertApproved, AlertClosed
from core import clock, jobs
from core.events import subscribes
from core.logs import get_logger
from line.errors import LineRefusedError
from line.events import LeftGroup, MembersLeftGroup, PressedInGroup, SpokenInGroup, open_line_user
from residents.rules import asked_in

log = get_logger("alerts")


@subscribes(SpokenInGroup, by="alerts.hear_leaders_words")
def hear_words(session: Session, event: SpokenInGroup) -> None:
    """A leaders' code opens the group, "acknowledged" acknowledges; to all else said there nobody listens."""
    asked = asked_in(event.text)
    if asked is not None and asked.what == "code" and event.line_user_id_sealed is not None:
        opened = leaders.hear_code(
            session,
            asked.code,
            line_group_id=open_line_user(event.group_id_sealed),
            line_user_id=open_line_user(event.line_user_id_sealed),
            reply_token=event.reply_token,
        )
        if opened is not None:
            jobs.enqueue(session, count_members, group_id=opened)
            tell_standing(session)
    elif decide.is_acknowledgement(event.text):
        acknowledging.hear_words(
            session,
            line_group_id=open_line_user(event.group_id_sealed),
            line_user_id=_who(event.line_user_id_sealed),
            reply_token=event.reply_token,
        )


def _who(sealed: str | None) -> str | None:
    return None if sealed is None else open_line_user(sealed)


@subscribes(PressedInGroup, by="alerts.hear_leaders_button")
def hear_button(session: Session, event: PressedInGroup) -> None:
    """The button under an alert acknowledges it."""
    acknowledging.hear_button(
        session,
        event.data,
        line_group_id=open_line_user(event.group_id_sealed),
        line_user_id=_who(event.line_user_id_sealed),
        reply_token=event.reply_token,
    )


@subscribes(LeftGroup, by="alerts.end_leaders_group")
def end_group(session: Session, event: LeftGroup) -> None:
    """A group that has put us out is told nothing any more."""
    leaders.put_out(session, open_line_user(event.group_id_sealed))


@subscribes(MembersLeftGroup, by="alerts.lose_leaders")
def lose_leaders(session: Session, event: MembersLeftGroup) -> None:
    """Who has left a group is no leader of it."""
    gone = [open_line_user(one) for one in event.line_user_ids_sealed]
    leaders.lose_leaders(session, open_line_user(event.group_id_sealed), gone)


@subscribes(AlertApproved, by="alerts.tell_leaders", queue=jobs.URGENT)
def tell_leaders(session: Session, event: AlertApproved) -> None:
    """The groups of the alert's zones hear of it, right after the residents; what is held waits for the clock's job."""
    leaders.tell(session, event.alert_id)


@subscribes(AlertClosed, by="alerts.end_escalations")
def end_escalations(session: Session, event: AlertClosed) -> None:
    """Of an alert that is over no group hears any more, and nobody is called about it."""
    leaders.stop(session, event.alert_id)
    escalation.stop(session, event.alert_id)


@subscribes(AlertAcknowledged, by="alerts.end_acknowledged_escalations")
def end_acknowledged_escalations(session: Session, event: AlertAcknowledged) -> None:
    """Where leaders have acknowledged for all zones of a list, nobody on it is called."""
    escalation.end_acknowledged(session, event.alert_id)


def tell_standing(session: Session) -> None:
    """Every alert in force is known to the groups of its zones: one that was held, and groups that came later."""
    for alert in leader_queries.alerts_to_look_at(session, now=clock.now()):
        leaders.tell(session, alert.id)


@jobs.periodic(name="alerts.look_after_leaders", cron="* * * * * */15")
def look_after_leaders(session: Session) -> None:
    """No group waits for an alert in force, and for zones that nobody acknowledged in time somebody is to be called."""
    tell_standing(session)
    escalation.call_overdue(session)


@jobs.job(name="alerts.count_leaders_group", attempts=10)
def count_members(session: Session, *, group_id: int) -> None:
    """The group's size is known, for the quota; tried again while LINE does not answer."""
    try:
        leaders.count_members(session, group_id)
    except LineRefusedError as exc:  # The last count stands.
        log.warning("leaders.not_counted", group=group_id, error=exc.detail)


@jobs.periodic(name="alerts.count_leaders_groups", cron="17 * * * *")
def count_all(session: Session) -> None:
    """Every group is counted anew once an hour."""
    for group_id in leader_queries.open_group_ids(session):
        jobs.enqueue(session, count_members, group_id=group_id)
