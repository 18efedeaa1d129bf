"""Who misuses the chat is kept from ordinary reports for a time; what was held, of them or of a flood, is let through.

Emergencies pass always, and so do a person's rights over their own data. Everything that they send meanwhile is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock, sealing
from core.errors import ConflictError, InvalidInputError
from core.words import words
from line import inbox_queries
from line.models import InboxEvent
from residents import queries, rules
from residents.models import Resident
from residents.models_rights import ResidentBlock
from staff import actions as staff_actions
from staff.rules import AccountRef

# Long enough to calm down, short enough to be looked at again (assumed): whoever needs longer is a matter for the law.
LONGEST = timedelta(days=30)
REASON_LIMIT = 500
SHOWN_FOR = timedelta(days=7)
MOST_SHOWN = 100


@dataclass(frozen=True)
class HeldPerson:
    """How much of one person is held and was not answered, since when, and why: `pace` or `block`."""

    resident_id: int
    messages: int
    first_at: datetime
    last_at: datetime
    held_for: str | None
    blocked_until_at: datetime | None


@dataclass(frozen=True)
class Block:
    """One block of a resident, as it began and ended."""

    blocked_at: datetime
    blocked_by: str
    until_at: datetime
    reason: str
    lifted_at: datetime | None
    lifted_by: str | None
    lift_reason: str | None


def block(session: Session, *, account: AccountRef, resident_id: int, lasts: timedelta, reason: str) -> ResidentBlock:
    """The resident's ordinary reports are held for so long; another block that stood ends with this one.

    Raises InvalidInputError for a time that is none or too long, NotFoundError for nobody.
    """
    if not timedelta() < lasts <= LONGEST:
        raise InvalidInputError(f"A block lasts at most {LONGEST.days} days.")
    resident = _locked(session, resident_id)
    now = clock.now()
    _end_standing(session, resident_id, now=now, by=account.username, reason=reason)
    made = ResidentBlock(
        resident_id=resident_id, reason_sealed=sealing.seal(reason[:REASON_LIMIT]), blocked_at=now,
        blocked_by=account.username, until_at=now + lasts,
    )
    session.add(made)
    resident.blocked_until_at = made.until_at
    session.flush()
    _record(session, account, "resident.blocked", resident_id)
    return made


def lift(session: Session, *, account: AccountRef, resident_id: int, reason: str) -> None:
    """The resident is heard again. Raises ConflictError where no block stands."""
    resident = _locked(session, resident_id)
    now = clock.now()
    if not _end_standing(session, resident_id, now=now, by=account.username, reason=reason):
        raise _refusal("not-blocked")
    resident.blocked_until_at = None
    session.flush()
    _record(session, account, "resident.unblocked", resident_id)


def _refusal(key: str) -> ConflictError:
    said = {language: words("residents", key, language=language) for language in ("en", "th")}
    return ConflictError(said["en"], detail_th=said["th"])


def _locked(session: Session, resident_id: int) -> Resident:
    queries.resident(session, resident_id)
    wanted = sa.select(Resident).where(Resident.id == resident_id).with_for_update()
    return session.execute(wanted.execution_options(populate_existing=True)).scalar_one()


def _end_standing(session: Session, resident_id: int, *, now: datetime, by: str, reason: str) -> bool:
    ended = session.execute(
        sa.update(ResidentBlock)
        .where(ResidentBlock.resident_id == resident_id, ResidentBlock.lifted_at.is_(None))
        .where(ResidentBlock.until_at > now)
        .values(lifted_at=now, lifted_by=by, lift_reason_sealed=sealing.seal(reason[:REASON_LIMIT]))
        .returning(ResidentBlock.id)
    )
    return bool(ended.all())


def _record(session: Session, account: AccountRef, action: str, resident_id: int) -> None:
    staff_actions.record(session, account=account, action=action, subject=f"resident:{resident_id}", detail={})


def blocks_of(session: Session, resident_id: int) -> list[Block]:
    """The blocks of a resident, the newest first."""
    found = session.scalars(
        sa.select(ResidentBlock).where(ResidentBlock.resident_id == resident_id).order_by(ResidentBlock.id.desc())
    )
    return [
        Block(
            one.blocked_at, one.blocked_by, one.until_at, sealing.unseal(bytes(one.reason_sealed)), one.lifted_at,
            one.lifted_by, sealing.unseal(bytes(one.lift_reason_sealed)) if one.lift_reason_sealed else None,
        )
        for one in found
    ]


def must_be_told(session: Session, resident_id: int) -> bool:
    """The resident has not heard of the standing block yet; from now on they have."""
    told = session.execute(
        sa.update(ResidentBlock)
        .where(ResidentBlock.resident_id == resident_id, ResidentBlock.told_at.is_(None))
        .where(ResidentBlock.lifted_at.is_(None), ResidentBlock.until_at > clock.now())
        .values(told_at=clock.now())
        .returning(ResidentBlock.id)
    )
    return bool(told.all())


# ── What is held ─────────────────────────────────────────────────────────────────────────────────────────────────────

_IS_HELD = sa.and_(InboxEvent.held_at.is_not(None), InboxEvent.released_at.is_(None))


def held_people(session: Session) -> Sequence[HeldPerson]:
    """Of whom something was held in the last week and not let through, who has most first."""
    count = sa.func.count()
    rows = session.execute(
        sa.select(
            Resident.id, count, sa.func.min(InboxEvent.happened_at), sa.func.max(InboxEvent.happened_at),
            sa.func.max(InboxEvent.held_for), Resident.blocked_until_at,
        )
        .join(Resident, Resident.line_user_hash == InboxEvent.user_hash)
        .where(_IS_HELD, InboxEvent.held_at > clock.now() - SHOWN_FOR)
        .group_by(Resident.id)
        .order_by(count.desc(), Resident.id)
        .limit(MOST_SHOWN)
    )
    return [HeldPerson(*row) for row in rows]


def let_through(session: Session, *, account: AccountRef, resident_id: int) -> int:
    """What was held of the resident is heard and answered after all, in its order; how many messages.

    Raises ConflictError while they are blocked: it would only be held again.
    """
    resident = queries.resident(session, resident_id)
    if rules.is_blocked(resident.blocked_until_at, now=clock.now()):
        raise _refusal("still-blocked")
    released = session.execute(
        sa.update(InboxEvent)
        .where(InboxEvent.user_hash == resident.line_user_hash, _IS_HELD)
        .values(released_at=clock.now(), handled_at=None)
        .returning(InboxEvent.webhook_event_id)
    )
    count = len(released.all())
    if count:
        inbox_queries.wake_receivers(session)
        staff_actions.record(
            session, account=account, action="resident.let_through", subject=f"resident:{resident_id}",
            detail={"messages": count},
        )
    return count
