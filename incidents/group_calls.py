"""A cry for help in a group by somebody unknown: officers see that, hear what was said, and answer the group.

No incident is made: nobody knows where. What is cried in one group within ten minutes is one call, however often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock, sealing
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.events import publish
from incidents import cards
from incidents.events import GroupCalled
from incidents.group_models import GroupCall, GroupCry
from line import client, outbox
from line import messages as line_messages
from line import personal as line_personal
from line.errors import LineRefusedError
from line.events import CriedInGroup, open_line_user
from line.models import OutboxChunk
from staff import actions as staff_actions
from staff.rules import AccountRef

JOINED_WITHIN = timedelta(minutes=10)
# What an officer reads of one call; further cries are counted (assumed).
MOST_KEPT, LONGEST = 10, 500
# As long as somebody may ask what was done about it (assumed).
KEPT_FOR = timedelta(days=30)
MOST_SHOWN = 50
ANSWER_LIMIT = 1000
_PRIORITY = 1
# Cries of one group come one after the other, whoever serves their senders.
_HOLD = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('incidents.group:' || encode(:group_hash, 'hex'), 0))")


@dataclass(frozen=True)
class Cry:
    """One cry: its first words and when; nothing says whose."""

    text: str
    happened_at: datetime


@dataclass(frozen=True)
class Heard:
    """A call with the words of its cries, the oldest first."""

    call: GroupCall
    cries: Sequence[Cry]


def note(session: Session, event: CriedInGroup) -> None:
    """Officers see that somebody cried for help in the group; the same event twice is as once.

    A call that was answered waits anew with the next cry: it may be the reply. One that was only looked at stays so for
    its ten minutes, so that a joker is looked at once.
    """
    if event.group_id_sealed is None:
        return
    group_id = open_line_user(event.group_id_sealed)
    group_hash = sealing.fingerprint(group_id)
    session.execute(_HOLD, {"group_hash": group_hash})
    if session.get(GroupCry, event.webhook_event_id) is not None:
        return
    now = clock.now()
    call = _standing(session, group_hash, now=now)
    is_news = call is None or call.was_answered
    if call is None:
        call = GroupCall(group_hash=group_hash, group_sealed=sealing.seal(group_id), began_at=now, last_at=now, cries=0)
        session.add(call)
    if is_news:
        call.ended_at, call.ended_by, call.was_answered = None, None, False
    call.cries, call.last_at = call.cries + 1, now
    session.flush()
    if call.cries <= MOST_KEPT:
        user_id = open_line_user(event.line_user_id_sealed) if event.line_user_id_sealed is not None else None
        session.add(
            GroupCry(
                webhook_event_id=event.webhook_event_id, call_id=call.id, happened_at=event.happened_at,
                user_hash=sealing.fingerprint(user_id) if user_id is not None else None,
                text_sealed=sealing.seal(event.text[:LONGEST]),
            )
        )
        session.flush()
    if is_news:
        publish(session, GroupCalled(call_id=call.id, at=now))


def _standing(session: Session, group_hash: bytes, *, now: datetime) -> GroupCall | None:
    newest = sa.select(GroupCall).where(GroupCall.group_hash == group_hash, GroupCall.began_at > now - JOINED_WITHIN)
    return session.scalar(newest.order_by(GroupCall.began_at.desc()).limit(1))


def name(session: Session, call_id: int) -> None:
    """The call bears its group's name, where LINE tells one. Raises LineUnavailableError while LINE does not answer."""
    call = session.get(GroupCall, call_id)
    if call is None or call.name_sealed is not None:
        return
    try:
        found = client.group_name(sealing.unseal(bytes(call.group_sealed)))
    except LineRefusedError:  # A room, or a group that has put us out: it has no name for us.
        return
    if found is not None:
        call.name_sealed = sealing.seal(found)


# ── Officers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def waiting(session: Session) -> Sequence[GroupCall]:
    """Calls that nobody has answered or looked at, the last one first."""
    wanted = sa.select(GroupCall).where(GroupCall.ended_at.is_(None)).order_by(GroupCall.last_at.desc())
    return session.scalars(wanted.limit(MOST_SHOWN)).all()


def hear(session: Session, call_id: int, *, account: AccountRef) -> Heard:
    """What was cried; the audit log says who has read it. Raises NotFoundError."""
    call = session.get(GroupCall, call_id)
    if call is None:
        raise NotFoundError(f"There is no call {call_id} from a group.")
    rows = session.scalars(
        sa.select(GroupCry).where(GroupCry.call_id == call_id).order_by(GroupCry.happened_at, GroupCry.webhook_event_id)
    )
    cries = [Cry(sealing.unseal(bytes(one.text_sealed)), one.happened_at) for one in rows]
    _record(session, account, "group_call.read", call_id)
    return Heard(call, cries)


def look_at(session: Session, call_id: int, *, account: AccountRef) -> None:
    """Somebody has looked at the call. Raises NotFoundError, ConflictError where somebody else was faster."""
    _end(session, call_id, account=account, was_answered=False)
    _record(session, account, "group_call.looked_at", call_id)


def answer(session: Session, call_id: int, text: str, *, account: AccountRef) -> None:
    """The group reads the officer's words. Raises as `look_at`, and InvalidInputError without words."""
    said = text.strip()
    if not said or len(said) > ANSWER_LIMIT:
        raise InvalidInputError(f"Write what the group shall read, {ANSWER_LIMIT:,} letters at most.")
    call = _end(session, call_id, account=account, was_answered=True)
    outbox.enqueue(
        session, subject=_subject(call_id), kind="push", to=[sealing.unseal(bytes(call.group_sealed))],
        messages=[line_messages.text(said)], priority=_PRIORITY,
    )
    _record(session, account, "group_call.answered", call_id)


def _end(session: Session, call_id: int, *, account: AccountRef, was_answered: bool) -> GroupCall:
    wanted = sa.select(GroupCall).where(GroupCall.id == call_id).with_for_update()
    call = session.scalar(wanted.execution_options(populate_existing=True))
    if call is None:
        raise NotFoundError(f"There is no call {call_id} from a group.")
    if call.ended_at is not None:
        raise ConflictError(cards.say("group-call-ended", "en"), detail_th=cards.say("group-call-ended", "th"))
    call.ended_at, call.ended_by, call.was_answered = clock.now(), account.username, was_answered
    session.flush()
    publish(session, GroupCalled(call_id=call_id, at=clock.now()))
    return call


def _record(session: Session, account: AccountRef, action: str, call_id: int) -> None:
    staff_actions.record(session, account=account, action=action, subject=_subject(call_id), detail={})


def _subject(call_id: int) -> str:
    return f"group_call:{call_id}"


# ── What is forgotten ────────────────────────────────────────────────────────────────────────────────────────────────


def forget_of(session: Session, line_user_id: str) -> None:
    """No cry of the person is kept, nor what was answered to it; that there was a call in the group stays."""
    gone = sa.delete(GroupCry).where(GroupCry.user_hash == sealing.fingerprint(line_user_id))
    calls = {call_id for (call_id,) in session.execute(gone.returning(GroupCry.call_id))}
    answers = sa.select(OutboxChunk.id).where(OutboxChunk.subject.in_([_subject(call_id) for call_id in calls]))
    line_personal.forget_chunks(session, session.scalars(answers).all())


def forget_old(session: Session, *, before: datetime) -> int:
    """Calls that nobody cried in since this time are gone with their words; how many."""
    gone = session.execute(sa.delete(GroupCall).where(GroupCall.last_at < before).returning(GroupCall.id))
    return len(gone.all())
