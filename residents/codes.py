"""Codes that the city hands over: they check an identity, open a group, or make a group on LINE one of leaders."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock, sealing
from core.errors import NotFoundError
from residents import queries, rules
from residents.errors import LeadersCodeError, TooManyTriesError, WrongCodeError
from residents.models import Resident
from residents.models_rights import CodeTry, GroupMember, HandedCode, ResidentGroup
from staff import actions as staff_actions
from staff.rules import AccountRef


@dataclass(frozen=True)
class Opened:
    """What a code opened: the identity is checked, or the resident belongs to `group`."""

    group: ResidentGroup | None


def _new_code() -> str:
    return "".join(secrets.choice(rules.CODE_LETTERS) for _ in range(8))


def hand_over_identity(session: Session, *, account: AccountRef, name: str, phone: str | None) -> str:
    """A code, to be handed to the person of this name whose papers the officer has seen; it is never shown again."""
    return _hand_over(
        session, account,
        purpose="identity",
        name_sealed=sealing.seal(rules.clean_words(name, limit=rules.NAME_LIMIT, what="The name")),
        phone_sealed=None if phone is None else sealing.seal(rules.clean_phone(phone)),
    )[0]


def hand_over_group(session: Session, *, account: AccountRef, group_id: int) -> str:
    """A code that opens the group to one person; it is never shown again. Raises NotFoundError."""
    group(session, group_id)
    return _hand_over(session, account, purpose="group", group_id=group_id)[0]


def hand_over_leaders(session: Session, *, account: AccountRef) -> tuple[str, int]:
    """A code that is typed by leaders in their group on LINE, never shown again, and its number."""
    return _hand_over(session, account, purpose="leaders")


def leaders_code(session: Session, given: str) -> int | None:
    """The number of the leaders' code that is spelt so, now used; None where none is, or it is older than a week.

    Other leaders of the same group may type it until then: whose group it opened, the caller knows.
    """
    now = clock.wall_now()
    code = queries.locked_code(session, rules.spelt(given[:40]))
    if code is None or code.purpose != "leaders" or code.expires_wall_at <= now:
        return None
    code.used_wall_at = code.used_wall_at or now
    session.flush()
    return code.id


def _hand_over(
    session: Session,
    account: AccountRef,
    *,
    purpose: str,
    group_id: int | None = None,
    name_sealed: bytes | None = None,
    phone_sealed: bytes | None = None,
) -> tuple[str, int]:
    code, now = _new_code(), clock.wall_now()
    handed = HandedCode(
        code_hash=sealing.fingerprint(code), purpose=purpose, group_id=group_id, name_sealed=name_sealed,
        phone_sealed=phone_sealed, issued_by=account.id, issued_wall_at=now, expires_wall_at=now + rules.CODE_LIFE,
    )
    session.add(handed)
    session.flush()
    staff_actions.record(
        session, account=account, action="code.handed_over", subject=f"code:{handed.id}", detail={"purpose": purpose}
    )
    return rules.shown_code(code), handed.id


def group(session: Session, group_id: int) -> ResidentGroup:
    """The group of this number. Raises NotFoundError."""
    found = session.get(ResidentGroup, group_id)
    if found is None:
        raise NotFoundError(f"There is no group {group_id}.")
    return found


def make_group(
    session: Session, *, account: AccountRef, name_th: str, name_en: str, is_leaders: bool, area_id: int | None
) -> ResidentGroup:
    """A group without members."""
    made = ResidentGroup(
        name_th=rules.clean_words(name_th, limit=rules.NAME_LIMIT, what="The group's Thai name"),
        name_en=rules.clean_words(name_en, limit=rules.NAME_LIMIT, what="The group's English name"),
        is_leaders=is_leaders,
        area_id=area_id,
        made_by=account.id,
        made_at=clock.now(),
    )
    session.add(made)
    session.flush()
    staff_actions.record(session, account=account, action="group.made", subject=f"group:{made.id}", detail={})
    return made


def leave_group(session: Session, *, account: AccountRef, group_id: int, resident_id: int) -> None:
    """The resident belongs to the group no more."""
    session.execute(
        sa.delete(GroupMember).where(GroupMember.group_id == group_id, GroupMember.resident_id == resident_id)
    )
    staff_actions.record(
        session, account=account, action="group.member_removed", subject=f"group:{group_id}",
        detail={"resident": resident_id},
    )


def use_code(session: Session, resident: Resident, given: str) -> Opened:
    """What the code opens is the resident's, and the code is used up.

    Raises TooManyTriesError after five wrong codes in an hour, without looking at the sixth, and WrongCodeError where
    it was never handed over, has expired or is used; the caller must keep the wrong try, `note_wrong_code`. Raises
    LeadersCodeError for one that belongs into a group on LINE; it stays good there.
    """
    now = clock.wall_now()
    # Two codes of one person at once would each see four tries.
    session.execute(sa.select(Resident.id).where(Resident.id == resident.id).with_for_update())
    tried = queries.tries_of(session, resident.id, since=now - rules.TRIES_WITHIN)
    if not rules.has_tries_left(tried, now=now):
        raise TooManyTriesError("Five codes were wrong. Try again in an hour.", retry_after_s=3600)
    code = queries.locked_code(session, rules.spelt(given[:40]))
    if code is None or code.used_wall_at is not None or code.expires_wall_at <= now:
        raise WrongCodeError("This code was not handed over, is used already, or is older than a week.")
    if code.purpose == "leaders":
        raise LeadersCodeError("This code is for the leaders' group on LINE. Type it there.")
    code.used_wall_at, code.resident_id = now, resident.id
    if code.purpose == "identity":
        _check_identity(resident, code)
        session.flush()
        return Opened(None)
    session.execute(
        insert(GroupMember)
        .values(group_id=code.group_id, resident_id=resident.id, joined_at=clock.now())
        .on_conflict_do_nothing()
    )
    session.flush()
    return Opened(group(session, code.group_id or 0))


def _check_identity(resident: Resident, code: HandedCode) -> None:
    resident.name_sealed, resident.phone_sealed = code.name_sealed, code.phone_sealed
    resident.identity_checked_at = clock.now()
    resident.identity_checked_by = "code"
    # One copy is enough, and it is the resident's.
    code.name_sealed = code.phone_sealed = None


def note_wrong_code(session: Session, resident: Resident) -> None:
    """One more code of this resident was wrong."""
    session.add(CodeTry(resident_id=resident.id, tried_wall_at=clock.wall_now()))
    session.flush()


def confirm_identity(
    session: Session, *, account: AccountRef, resident_id: int, name: str, phone: str | None
) -> Resident:
    """An officer has seen the person's papers: name and perhaps phone are known, and who checked them."""
    resident = queries.resident(session, resident_id)
    resident.name_sealed = sealing.seal(rules.clean_words(name, limit=rules.NAME_LIMIT, what="The name"))
    resident.phone_sealed = None if phone is None else sealing.seal(rules.clean_phone(phone))
    resident.identity_checked_at = clock.now()
    resident.identity_checked_by = f"officer:{account.username}"
    session.flush()
    subject = f"resident:{resident.id}"
    staff_actions.record(session, account=account, action="identity.confirmed", subject=subject, detail={})
    return resident
