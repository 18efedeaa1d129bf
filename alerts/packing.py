"""From a frozen audience to the outbox, 500 residents at a time, and to the ledger behind the sending.

Each step takes the next chunks that nobody else holds, and does the same when it runs twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from alerts import queries
from line import outbox

_SQL = Path(__file__).parent / "sql"
_WRITE_LEDGER = sa.text((_SQL / "write_ledger.sql").read_text(encoding="utf-8"))
_WRITE_PERSON = sa.text((_SQL / "write_person.sql").read_text(encoding="utf-8"))
_TAKE_OUT = sa.text((_SQL / "take_out.sql").read_text(encoding="utf-8"))
_HOLD = sa.text("""
    SELECT number FROM alert_chunk WHERE alert_id = :alert_id AND state = 'frozen'
    ORDER BY number LIMIT :most FOR UPDATE
""")
_PARTS = """
    SELECT c.number AS part, c.language AS variant, c.priority, s.to_each_sealed, c.resident_ids
    FROM alert_chunk c
    CROSS JOIN LATERAL (
        SELECT array_agg(r.line_user_sealed ORDER BY r.id) AS to_each_sealed
        FROM resident r WHERE r.id = ANY(c.resident_ids)
    ) s
    WHERE c.alert_id = :alert_id AND c.number = ANY(CAST(:numbers AS integer[])) AND s.to_each_sealed IS NOT NULL
"""
_PACKED = sa.text("""
    UPDATE alert_chunk c
    SET state = CASE WHEN p.chunk_id IS NULL THEN 'cancelled' ELSE 'packed' END, outbox_chunk_id = p.chunk_id
    FROM unnest(CAST(:numbers AS integer[]), CAST(:chunk_ids AS bigint[])) AS p (number, chunk_id)
    WHERE c.alert_id = :alert_id AND c.number = p.number
""")
_UNNAME = sa.text("""
    UPDATE outbox_chunk SET resident_ids = array_remove(resident_ids, CAST(:resident_id AS bigint))
    WHERE id = ANY(CAST(:chunk_ids AS bigint[])) AND resident_ids IS NOT NULL
""")
_STOP = sa.text("""
    UPDATE alert_chunk SET state = 'cancelled' WHERE alert_id = :alert_id AND state = 'frozen' RETURNING number
""")


def pack(
    session: Session,
    alert_id: int,
    *,
    most: int,
    messages_by_language: Mapping[str, list[dict[str, Any]]],
    channel: str = "line",
) -> int:
    """The messages of the next `most` frozen chunks wait in the outbox; how many chunks that were, 0 when none is left.

    A chunk whose residents were all erased meanwhile has no message. Who packs, cancels or forgets waits for whoever
    does so with the same chunks.
    """
    numbers = session.scalars(_HOLD, {"alert_id": alert_id, "most": most}).all()
    if not numbers:
        return 0
    packed = outbox.enqueue_parts(
        session,
        subject=queries.subject(alert_id),
        parts=_PARTS,
        slots={"alert_id": alert_id, "numbers": list(numbers)},
        messages_by_variant=messages_by_language,
        channel=channel,
    )
    session.execute(
        _PACKED,
        {"alert_id": alert_id, "numbers": list(numbers), "chunk_ids": [packed.get(number) for number in numbers]},
    )
    return len(numbers)


def stop(session: Session, alert_id: int) -> int:
    """No chunk that was still frozen, and none that waits in the outbox and was never tried, goes out; how many."""
    stopped = len(session.execute(_STOP, {"alert_id": alert_id}).all())
    return stopped + outbox.cancel(session, subject=queries.subject(alert_id))


def write_ledger(session: Session, alert_id: int, *, most: int) -> int:
    """The residents of the next `most` chunks have rows of their own in the ledger; 0 when none is left to write."""
    written: int = session.execute(_WRITE_LEDGER, {"alert_id": alert_id, "most": most}).scalar_one()
    return written


def write_person(session: Session, resident_id: int) -> None:
    """Every alert that is for the resident has their row in the ledger, also where the others' are still to come."""
    session.execute(_WRITE_PERSON, {"resident_id": resident_id})


def take_out(session: Session, alert_ids: list[int], resident_id: int) -> list[int]:
    """The resident stands in no chunk of these alerts; the outbox's chunks that may name them are returned."""
    rows = session.scalars(_TAKE_OUT, {"alert_ids": alert_ids, "resident_id": resident_id})
    chunk_ids = [chunk_id for chunk_id in rows if chunk_id is not None]
    session.execute(_UNNAME, {"chunk_ids": chunk_ids, "resident_id": resident_id})
    return chunk_ids
