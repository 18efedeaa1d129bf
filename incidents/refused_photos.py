"""A picture that cannot be used: who sent it hears so once, by their next answer or, after the report, by a message."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock
from incidents import afterwards, cards, drafts, pictures, queries
from incidents.models import Photo
from incidents.speaking import ANSWER_PRIORITY
from line import messages, outbox
from line import personal as line_personal
from residents import queries as residents_queries
from residents.models import Resident

# Pictures of one report that were sent within this are told of together.
TOLD_TOGETHER = timedelta(hours=1)


def tell(session: Session, photo_id: int, resident_id: int) -> None:
    """The sender hears that the picture could not be used and which can; one that belongs to no report is let go."""
    line_user_id = residents_queries.line_ids(session, [resident_id]).get(resident_id)
    if line_user_id is None:
        return
    line_personal.hold(session, line_user_id)  # Nothing they say meanwhile is heard before this ends.
    stored = queries.draft_of(session, resident_id, now=clock.now())
    if stored is not None and stored.step != afterwards.STEP and photo_id in stored.data.get("photo_ids", ()):
        stored.data = asdict(pictures.refused(drafts.read(stored.data), photo_id))
        session.flush()
        return
    resident = session.get_one(Resident, resident_id)
    if resident.is_reachable and _is_first_of_its_report(session, photo_id):
        outbox.enqueue(
            session, subject="conversation", kind="push", to=[line_user_id],
            messages=[messages.text(cards.say("photo-unusable", resident.language))], priority=ANSWER_PRIORITY,
        )


def _is_first_of_its_report(session: Session, photo_id: int) -> bool:
    """The picture belongs to an incident, and none that was sent with it was told of."""
    photo = session.scalars(
        sa.select(Photo).where(Photo.id == photo_id).execution_options(populate_existing=True)
    ).one_or_none()
    if photo is None or photo.incident_id is None:
        return False
    others = sa.select(Photo.id).where(
        Photo.incident_id == photo.incident_id, Photo.report_id.is_not_distinct_from(photo.report_id),
        Photo.id != photo_id, Photo.refused_reason.is_not(None), Photo.created_at > photo.created_at - TOLD_TOGETHER,
    )
    return not session.scalar(sa.select(sa.exists(others)))
