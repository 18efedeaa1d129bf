"""What became of an alert: of its requests to LINE by state, and of each resident; accepted is not delivered."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from alerts import queries
from alerts.models import AlertChunk, AlertErased, AlertRecipient
from line.models import OutboxChunk

_LEDGER = (Path(__file__).parent / "sql" / "ledger.sql").read_text(encoding="utf-8")


@dataclass(frozen=True)
class LedgerLine:
    """What became of one resident of an alert. `state`: queued, accepted, suppressed, failed, unknown, cancelled."""

    resident_id: int
    language: str
    reason: str
    reasons: list[str]
    chunk_id: int | None
    request_id: str | None
    accepted_at: datetime | None
    answer: str | None
    answered_at: datetime | None
    state: str


def answers(session: Session, alert_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """How many residents answered what, by alert."""
    told = sa.union_all(
        *(
            sa.select(one.alert_id, one.answer).where(one.alert_id.in_(list(alert_ids)), one.answer.is_not(None))
            for one in (AlertRecipient, AlertErased)
        )
    ).subquery()
    rows = session.execute(
        sa.select(told.c.alert_id, told.c.answer, sa.func.count()).group_by(told.c.alert_id, told.c.answer)
    )
    found: dict[int, dict[str, int]] = {alert_id: {} for alert_id in alert_ids}
    for alert_id, answer, count in rows:
        found[alert_id][str(answer)] = count
    return found


def chunk_states(session: Session, alert_ids: Collection[int]) -> dict[int, dict[str, tuple[int, int]]]:
    """For each alert, (chunks, recipients) by the state of the chunks; those still to be packed count as queued."""
    by_subject = {queries.subject(alert_id): alert_id for alert_id in alert_ids}
    rows = session.execute(
        sa.select(OutboxChunk.subject, OutboxChunk.state, sa.func.count(), sa.func.sum(OutboxChunk.recipient_count))
        .where(OutboxChunk.subject.in_(list(by_subject)))
        .group_by(OutboxChunk.subject, OutboxChunk.state)
    )
    found: dict[int, dict[str, tuple[int, int]]] = {alert_id: {} for alert_id in alert_ids}
    for about, state, chunks, recipients in rows:
        found[by_subject[about]][state] = (chunks, int(recipients))
    for alert_id, state, chunks, recipients in session.execute(_outside_the_outbox(alert_ids)):
        name = "queued" if state == "frozen" else state
        before = found[alert_id].get(name, (0, 0))
        found[alert_id][name] = (before[0] + chunks, before[1] + int(recipients))
    return found


def is_on_its_way(session: Session, alert_id: int) -> bool:
    """A chunk of the alert is still to be packed, waits, or has no answer yet; found without counting the others."""
    waits = sa.exists().where(
        OutboxChunk.subject == queries.subject(alert_id), OutboxChunk.state.in_(("queued", "sending"))
    )
    frozen = sa.exists().where(
        AlertChunk.alert_id == alert_id, AlertChunk.state == "frozen", AlertChunk.outbox_chunk_id.is_(None)
    )
    return bool(session.scalar(sa.select(sa.or_(waits, frozen))))


def _outside_the_outbox(alert_ids: Collection[int]) -> sa.Executable:
    recipients = sa.func.sum(sa.func.cardinality(AlertChunk.resident_ids))
    return (
        sa.select(AlertChunk.alert_id, AlertChunk.state, sa.func.count(), recipients)
        .where(
            AlertChunk.alert_id.in_(list(alert_ids)),
            AlertChunk.outbox_chunk_id.is_(None),
            AlertChunk.state.in_(("frozen", "cancelled")),
        )
        .group_by(AlertChunk.alert_id, AlertChunk.state)
    )


def chunks_to_send(session: Session, alert_id: int) -> int:
    """How many chunks of residents the alert is told to."""
    wanted = sa.select(sa.func.count()).where(AlertChunk.alert_id == alert_id, AlertChunk.suppressed.is_(None))
    return session.scalar(wanted) or 0


def has_unwritten_ledger(session: Session, alert_id: int) -> bool:
    """Some residents of the alert have no row in the ledger yet."""
    unwritten = sa.exists().where(AlertChunk.alert_id == alert_id, ~AlertChunk.is_in_ledger)
    return bool(session.scalar(sa.select(unwritten)))


def accepted_last_wall_at(session: Session, alert_id: int) -> datetime | None:
    """When LINE took the alert's last chunk (real time); None before the first."""
    return session.scalar(
        sa.select(sa.func.max(OutboxChunk.accepted_wall_at)).where(OutboxChunk.subject == queries.subject(alert_id))
    )


def reading_to_accepted_s(session: Session) -> list[float]:
    """Real seconds from the arrival of the reading that raised a warning to LINE's acceptance, one per chunk."""
    rows = session.scalars(
        sa.text(
            "SELECT extract(epoch FROM c.accepted_wall_at - a.trigger_received_wall_at)::float8 "
            "FROM alert a JOIN outbox_chunk c ON c.subject = 'alert:' || a.id "
            "WHERE a.kind <> 'all_clear' AND a.trigger_received_wall_at IS NOT NULL AND c.state = 'accepted' "
            "ORDER BY c.accepted_wall_at"
        )
    )
    return list(rows)


def lines(session: Session, alert_id: int, *, after_resident_id: int = 0, limit: int = 1000) -> list[LedgerLine]:
    """What became of each resident of the alert, by resident id."""
    rows = session.execute(
        sa.text(f"{_LEDGER} AND r.resident_id > :after ORDER BY r.resident_id LIMIT :limit"),
        {"alert_id": alert_id, "after": after_resident_id, "limit": limit},
    )
    return [LedgerLine(**row) for row in rows.mappings()]


def counts(session: Session, alert_id: int) -> dict[str, int]:
    """How many residents of the alert stand in each state of the ledger."""
    rows = session.execute(
        sa.text(  # Who was erased since still counts.
            f"SELECT state, count(*) FROM (SELECT state FROM ({_LEDGER}) named UNION ALL "  # noqa: S608 - our own words only.
            "SELECT state FROM alert_erased WHERE alert_id = :alert_id) ledger GROUP BY state"
        ),
        {"alert_id": alert_id},
    )
    return dict(rows.all())
