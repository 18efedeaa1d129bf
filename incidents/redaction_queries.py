"""All SQL that reads what officers have hidden of pictures and words."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import sealing
from incidents.inbox_models import PhotoReview, ReportRedaction
from incidents.models import Photo, Report


def words_by_report(session: Session, incident_id: int) -> dict[int, list[str]]:
    """The hidden words of each report of the incident that has some."""
    return {report_id: words for report_id, _, words in _hidden(session, [incident_id])}


def words_by_incident(session: Session, incident_ids: Sequence[int]) -> dict[int, list[str]]:
    """The hidden words of all reports of each of these incidents."""
    found: dict[int, list[str]] = {}
    for _, incident_id, words in _hidden(session, incident_ids):
        found.setdefault(incident_id, []).extend(words)
    return found


def words_of(session: Session, report_id: int) -> list[str]:
    """The hidden words of one report."""
    kept = session.get(ReportRedaction, report_id)
    return list(json.loads(sealing.unseal(bytes(kept.words_sealed)))) if kept is not None else []


def _hidden(session: Session, incident_ids: Sequence[int]) -> list[tuple[int, int, list[str]]]:
    rows = session.execute(
        sa.select(ReportRedaction.report_id, Report.incident_id, ReportRedaction.words_sealed)
        .join(Report, Report.id == ReportRedaction.report_id)
        .where(Report.incident_id.in_(incident_ids))
        .order_by(ReportRedaction.report_id)
    )
    return [(report_id, id_, list(json.loads(sealing.unseal(bytes(sealed))))) for report_id, id_, sealed in rows]


def reviews(session: Session, incident_id: int) -> list[tuple[Photo, PhotoReview | None]]:
    """Every kept picture of the incident, with what was decided of it."""
    rows = session.execute(
        sa.select(Photo, PhotoReview)
        .outerjoin(PhotoReview, PhotoReview.photo_id == Photo.id)
        .where(Photo.incident_id == incident_id, Photo.path.is_not(None))
        .order_by(Photo.id)
    )
    return [(photo, review) for photo, review in rows]


def review_of(session: Session, photo_id: int) -> PhotoReview | None:
    """What was decided of the picture, None where nobody has looked yet."""
    return session.get(PhotoReview, photo_id)


def reviewed(session: Session, photo_ids: Collection[int]) -> set[int]:
    """Those of the pictures of which something was decided."""
    if not photo_ids:
        return set()
    return set(session.scalars(sa.select(PhotoReview.photo_id).where(PhotoReview.photo_id.in_(photo_ids))))
