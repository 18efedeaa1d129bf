"""What alerts hold of one person: shown to them, and forgotten. How many were told stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from alerts import acknowledging, delivery, escalation, packing, queries, rollcall
from alerts.models import Alert, AlertRecipient, AlertTarget
from line import messages as line_messages
from line import personal
from line.models import OutboxChunk
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


GONE = "–"


@dataclass(frozen=True)
class MyAlert:
    """An alert or news as one of its recipients sees it."""

    number: str
    kind: str
    level: int
    title: str
    sent_at: datetime | None
    state: str
    answer: str | None
    answered_at: datetime | None
    offers: tuple[str, ...] = ()


def alerts_of(session: Session, resident_id: int) -> list[MyAlert]:
    """Every alert that was for the resident, and what they answered, oldest first."""
    packing.write_person(session, resident_id)
    rows = session.execute(
        sa.select(Alert, AlertRecipient)
        .join(AlertRecipient, AlertRecipient.alert_id == Alert.id)
        .where(AlertRecipient.resident_id == resident_id)
        .order_by(Alert.id)
    )
    offers = rollcall.offers_of(session, resident_id)
    return [
        MyAlert(
            number=alert.number,
            kind=alert.kind,
            level=alert.level,
            title=alert.texts.get(row.language, {}).get("title", ""),
            sent_at=alert.approved_at,
            state=row.state,
            answer=row.answer,
            answered_at=row.answered_at,
            offers=offers.get(alert.id, ()),
        )
        for alert, row in rows
    ]


def _forget_letters(session: Session, resident_id: int) -> None:
    """News written to this person alone keep none of their words: they may say anything of the person."""
    mine = sa.select(AlertTarget.alert_id).where(AlertTarget.kind == "person", AlertTarget.ref_id == resident_id)
    for alert in session.scalars(sa.select(Alert).where(Alert.id.in_(mine)).order_by(Alert.id)).all():
        session.execute(
            sa.delete(AlertTarget).where(
                AlertTarget.alert_id == alert.id, AlertTarget.kind == "person", AlertTarget.ref_id == resident_id
            )
        )
        others = session.scalar(sa.select(sa.func.count()).where(AlertTarget.alert_id == alert.id))
        if alert.kind != "news" or others or queries.zones(session, [alert.id])[alert.id]:
            continue
        alert.own_words = None
        alert.texts = {tongue: dict.fromkeys(text, GONE) for tongue, text in alert.texts.items()}
        messages = [line_messages.text(GONE)]
        session.execute(
            sa.update(OutboxChunk).where(OutboxChunk.subject == queries.subject(alert.id)).values(messages=messages)
        )
    session.flush()


@forgets(room="alerts")
def forget(session: Session, person: Person) -> dict[str, int]:
    """No alert names the person: one on its way goes to the others only, one that went keeps its counts."""
    packing.write_person(session, person.resident_id)
    acknowledging.forget(session, person.line_user_id)
    _forget_letters(session, person.resident_id)
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
