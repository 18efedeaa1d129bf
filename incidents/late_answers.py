"""Photos that wait for those that follow them are answered when none came."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock
from incidents import talk
from incidents.models import Draft
from residents import queries as residents_queries
from residents.models import Resident

MOST_AT_ONCE = 200


def answer_photos(session: Session) -> int:
    """Whose photos have waited long enough has one answer to them; how many residents. Twice is the same as once."""
    now = clock.now()
    due = session.execute(
        sa.select(Draft.resident_id, Resident.language)
        .join(Resident, Resident.id == Draft.resident_id)
        .where(Draft.answer_due_at <= now, Draft.expires_at > now)
        .order_by(Draft.resident_id)
        .limit(MOST_AT_ONCE)
    ).all()
    if not due:
        return 0
    line_ids = residents_queries.line_ids(session, [resident_id for resident_id, _ in due])
    for resident_id, language in due:
        talk.take_late_turn(session, resident_id, line_ids[resident_id], language)
    return len(due)
