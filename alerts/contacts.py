"""Lists of people to call when nobody of an area acknowledges: sealed, and every look at a number is logged."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from alerts import queries
from alerts.leader_models import Contact
from core import clock, sealing
from core.errors import ConflictError, NotFoundError
from residents.rules import NAME_LIMIT, clean_phone, clean_words
from staff import actions as staff_actions
from staff.rules import AccountRef


def listed(session: Session, area_id: int | None) -> Sequence[Contact]:
    """The area's list in its order, the city's where no area is named."""
    where = Contact.area_id.is_(None) if area_id is None else Contact.area_id == area_id
    return session.scalars(sa.select(Contact).where(where).order_by(Contact.position, Contact.id)).all()


def add_contact(
    session: Session, *, area_id: int | None, name: str, phone: str, position: int | None, account: AccountRef
) -> Contact:
    """Somebody is on the list: at this place, those behind move back; at its end without one.

    Raises InvalidInputError for what is no name or no phone number, ConflictError where the number is on it already.
    """
    number = clean_phone(phone)
    queries.hold_decisions(session)
    before = listed(session, area_id)
    if any(bytes(one.phone_hash) == sealing.fingerprint(number) for one in before):
        raise ConflictError("This phone number is on the list already.")
    at = len(before) if position is None else min(max(position, 0), len(before))
    for place, one in enumerate(before):
        one.position = place + (place >= at)
    made = Contact(
        area_id=area_id,
        position=at,
        name_sealed=sealing.seal(clean_words(name, limit=NAME_LIMIT, what="The name")),
        phone_sealed=sealing.seal(number),
        phone_hash=sealing.fingerprint(number),
        is_wrong=False,
        made_by=account.id,
        made_at=clock.now(),
    )
    session.add(made)
    session.flush()
    staff_actions.record(session, account=account, action="contact.added", subject=f"contact:{made.id}", detail={})
    return made


def look_at_phone(session: Session, contact_id: int, *, account: AccountRef) -> str:
    """The contact's number; who looked and when is in the audit log. Raises NotFoundError."""
    found = session.get(Contact, contact_id)
    if found is None:
        raise NotFoundError(f"There is no contact {contact_id}.")
    subject = f"contact:{contact_id}"
    staff_actions.record(session, account=account, action="contact.looked_at", subject=subject, detail={})
    return sealing.unseal(bytes(found.phone_sealed))


def name_of(contact: Contact) -> str:
    """Who it is. People's data: never logged."""
    return sealing.unseal(bytes(contact.name_sealed))
