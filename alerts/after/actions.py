"""What is done after an event: an officer says of a zone what became of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

import staff.actions
from alerts.after import queries
from alerts.after.models import EventOutcome
from alerts.after.outcome import Word
from core import clock
from core.errors import InvalidInputError
from staff.rules import AccountRef

LONGEST_NOTE = 500


def note_outcome(
    session: Session, event_id: int, *, zone_id: int, word: Word, flooded_at: datetime | None, note: str,
    by: AccountRef,
) -> EventOutcome:
    """The officer's word on the zone stands before what witnesses saw; earlier words stay on record.

    Raises NotFoundError where there is no such event, InvalidInputError where there is no such zone, or the time of
    flooding does not fit.
    """
    now = clock.now()
    event = queries.event(session, event_id, now=now)
    if zone_id not in queries.zone_names(session, [zone_id]):
        raise InvalidInputError(f"There is no zone {zone_id}.")
    _check_time(event.window(now), word=word, flooded_at=flooded_at)
    row = EventOutcome(
        event_id=event_id, zone_id=zone_id, outcome=word.value, flooded_at=flooded_at, note=note.strip(), said_by=by.id,
        said_at=now,
    )
    session.add(row)
    staff.actions.record(
        session, account=by, action="event.outcome", subject=f"event:{event_id}",
        detail={"zone": zone_id, "outcome": word.value},
    )
    session.flush()
    return row


def _check_time(window: tuple[datetime, datetime], *, word: Word, flooded_at: datetime | None) -> None:
    if flooded_at is None:
        return
    if word is not Word.FLOODED:
        raise InvalidInputError("Only a zone that was flooded has a time at which the water came.")
    if not window[0] <= flooded_at <= window[1]:
        raise InvalidInputError(
            f"The water came at {flooded_at.isoformat()}, which is outside this event's time "
            f"({window[0].isoformat()} to {window[1].isoformat()})."
        )
