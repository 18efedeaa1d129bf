"""Erasing a person: everything that the house holds of them, in one transaction, room by room from the top."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock, sealing
from core.errors import SetupError
from line import personal
from residents import queries, rules
from residents.models import Resident
from residents.models_rights import Erasure, HandedCode, NeedLook
from staff import actions as staff_actions
from staff.rules import AccountRef

# Who holds something of people and must have forgotten before the person is gone, from the top of the house down.
ROOMS = ("dispatch", "alerts", "answers", "incidents")


@dataclass(frozen=True)
class Person:
    """Who is to be forgotten, as the rooms may know them. People's data: never logged, never kept.

    `words` are the person's name and phone numbers, to be taken out of what others wrote.
    """

    resident_id: int
    line_user_id: str
    message_ids: tuple[str, ...]
    words: frozenset[str]


Forgets = Callable[[Session, Person], dict[str, int]]
_rooms: dict[str, Forgets] = {}


def forgets(*, room: str) -> Callable[[Forgets], Forgets]:
    """The decorated `function(session, person)` is how the room forgets a person; it counts what it has forgotten."""

    def register(function: Forgets) -> Forgets:
        _rooms[room] = function
        return function

    return register


def order(session: Session, resident: Resident, *, account: AccountRef | None) -> tuple[Erasure, str]:
    """The erasure is on record, not yet done; with it the receipt that the person gets and nobody else knows."""
    receipt = secrets.token_hex(6).upper()
    erasure = Erasure(
        resident_id=resident.id,
        way="chat" if account is None else "officer",
        account_id=None if account is None else account.id,
        asked_at=clock.now(),
        receipt_hash=hashlib.sha256(receipt.encode()).digest(),
        was_imported=(resident.consent_version or "").startswith(rules.IMPORTED),
        counts={},
    )
    session.add(erasure)
    session.flush()
    if account is not None:
        subject = f"erasure:{erasure.id}"
        staff_actions.record(session, account=account, action="erasure.ordered", subject=subject, detail={})
    return erasure, receipt


def erase(session: Session, erasure: Erasure, *, until: datetime | None) -> str | None:
    """Nothing of the person is left but that somebody was erased; their LINE user id is returned for one farewell.

    None where they were erased before. What they sent after `until` waits as the message of somebody unknown. Raises
    SetupError where a room that must forget is not loaded in this process.
    """
    missing = set(ROOMS) - _rooms.keys()
    if missing:
        raise SetupError(f"Nobody can be erased here: {', '.join(sorted(missing))} would not forget.")
    resident_id = erasure.resident_id
    if resident_id is None or erasure.done_at is not None:
        return None
    line_user_id = queries.line_ids(session, [resident_id])[resident_id]
    # First, since who hands on their words may wait for the resident; afterwards nobody hears of the person any more.
    personal.hold(session, line_user_id)
    wanted = sa.select(Resident).where(Resident.id == resident_id).with_for_update()
    resident = session.execute(wanted.execution_options(populate_existing=True)).scalar_one()
    person = _person(session, resident, line_user_id)
    counts = {"homes": len(queries.homes_of(session, resident_id))}
    for room in ROOMS:
        counts |= _rooms[room](session, person)
    personal.forget_letters(session, line_user_id, until=until)
    _forget_resident(session, resident)
    erasure.done_at, erasure.counts, erasure.resident_id = clock.now(), counts, None
    session.flush()
    return line_user_id


def _person(session: Session, resident: Resident, line_user_id: str) -> Person:
    written = personal.written_by(session, line_user_id)
    words = {phone for text in written.texts for phone in rules.phones_in(text)}
    for sealed in (resident.name_sealed, resident.phone_sealed):
        if sealed is not None:
            words.add(sealing.unseal(bytes(sealed)))
    return Person(resident.id, line_user_id, written.message_ids, frozenset(words))


def _forget_resident(session: Session, resident: Resident) -> None:
    session.execute(sa.select(sa.func.set_config("faonam.erasing", "on", True)))
    session.execute(
        sa.update(NeedLook).where(NeedLook.resident_id == resident.id).values(reason_sealed=None, resident_id=None)
    )
    session.execute(sa.delete(HandedCode).where(HandedCode.resident_id == resident.id))
    session.execute(sa.delete(Resident).where(Resident.id == resident.id))
    session.expunge(resident)
    session.execute(sa.select(sa.func.set_config("faonam.erasing", "off", True)))
