"""What alerts hold of one person: shown to them, and forgotten. How many were told stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from alerts import acknowledging, delivery, escalation, packing, rollcall
from alerts.models import Alert, AlertRecipient
from line import personal
from residents.erasure import Person, forgets

# As the ledger says it, but nothing of it is on its way any more.
_KEEP_COUNTS = sa.text("""
    INSERT INTO alert_erased (alert_id, language, state, reason, answer)
    SELECT r.alert_id, r.language,
           CASE WHEN r.state = 'suppressed' THEN 'suppressed'
                WHEN c.state IN ('accepted', 'failed', 'unknown') THEN c.state ELSE 'cancelled' END,
           r.reason, r.answer
    FROM alert_recipient r LEFT JOIN outbox_chunk c ON c.id = r.chunk_id
    WHERE r.resident_id = :resident_id
""")


@dataclass(frozen=True)
class MyAlert:
    """An alert as one of its recipients sees it."""

    number: str
    level: int
    sent_at: datetime | None
    state: str
    answer: str | None
    answered_at: datetime | None
    offers: tuple[str, ...] = ()


def alerts_of(session: Session, resident_id: int) -> list[MyAlert]:
    """Every alert that was for the resident, and what they answered, oldest first."""
    packing.write_person(session, resident_id)
    rows = session.execute(
        sa.select(Alert.number, Alert.level, Alert.approved_at, AlertRecipient)
        .join(AlertRecipient, AlertRecipient.alert_id == Alert.id)
        .where(AlertRecipient.resident_id == resident_id)
        .order_by(Alert.id)
    )
    offers = rollcall.offers_of(session, resident_id)
    return [
        MyAlert(number, level, sent_at, row.state, row.answer, row.answered_at, offers.get(row.alert_id, ()))
        for number, level, sent_at, row in rows
    ]


@forgets(room="alerts")
def forget(session: Session, person: Person) -> dict[str, int]:
    """No alert names the person: one on its way goes to the others only, one that went keeps its counts."""
    packing.write_person(session, person.resident_id)
    acknowledging.forget(session, person.line_user_id)
    contacts = escalation.forget(session, person.words)
    session.execute(_KEEP_COUNTS, {"resident_id": person.resident_id})
    gone = session.execute(
        sa.delete(AlertRecipient)
        .where(AlertRecipient.resident_id == person.resident_id)
        .returning(AlertRecipient.alert_id, AlertRecipient.chunk_id)
    ).all()
    alert_ids = sorted({row.alert_id for row in gone})
    packed = packing.take_out(session, alert_ids, person.resident_id)
    reminded = rollcall.forget(session, person.resident_id, alert_ids)
    named = {*packed, *reminded, *(row.chunk_id for row in gone if row.chunk_id is not None)}
    personal.take_out(session, sorted(named), person.line_user_id)
    for alert_id in alert_ids:
        if session.get_one(Alert, alert_id).state in {"approved", "sending"}:
            delivery.note_progress(session, alert_id)  # The person's may have been the last chunk that waited.
    return {"alerts": len(gone), "contacts": contacts}
