"""What of pictures and words nobody outside sees: decided by officers, the picture made anew, the original kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock, sealing
from core.aside import done_aside
from core.errors import InvalidInputError, NotFoundError
from core.events import publish
from incidents import photos, queries, redaction_queries
from incidents.errors import RedactionError
from incidents.events import IncidentNoted
from incidents.inbox_models import PhotoReview, ReportRedaction
from incidents.models import Photo, Report

WITHIN_S = 30.0
MOST_WORDS, LONGEST_WORD = 40, 200
Box = tuple[float, float, float, float]


def review_photo(session: Session, photo_id: int, *, verdict: str, boxes: Sequence[Box], by: str) -> PhotoReview:
    """The picture is open, redacted or hidden from now on; `boxes` are those of a redacted one, drawn on the original.

    Raises NotFoundError, InvalidInputError where boxes and verdict do not fit, UnavailableError where the picture
    cannot be made anew.
    """
    if (verdict == "redacted") != bool(boxes):
        raise InvalidInputError("Draw a box over what is to be hidden, or leave the picture open, or hide it wholly.")
    photo = queries.photo(session, photo_id)
    made = _made_anew(photo, boxes) if boxes else None
    before = session.get(PhotoReview, photo_id, with_for_update=True)
    old_path = before.path if before else None
    row = {
        "photo_id": photo_id, "verdict": verdict, "boxes": [list(box) for box in boxes],
        "path": photos.keep(made) if made else None, "sha256": made.sha256 if made else None,
        "content_type": made.content_type if made else None, "reviewed_by": by, "reviewed_at": clock.now(),
    }
    session.execute(insert(PhotoReview).values(row).on_conflict_do_update(index_elements=["photo_id"], set_=row))
    session.flush()
    _drop_file(session, old_path)
    _say(session, photo.incident_id)
    return session.get_one(PhotoReview, photo_id, populate_existing=True)


def _made_anew(photo: Photo, boxes: Sequence[Box]) -> photos.CleanPhoto:
    path = photos.folder() / (photo.path or "")
    if not path.is_file():
        raise NotFoundError(f"The file of photo {photo.id} is missing.")
    given = json.dumps([list(box) for box in boxes]).encode() + b"\n" + path.read_bytes()
    content = done_aside("incidents.redacting_child", given, within_s=WITHIN_S, name="Redacting the picture")
    return photos.CleanPhoto(content, photo.content_type or "image/jpeg", hashlib.sha256(content).hexdigest())


def forget_copy(session: Session, photo_id: int) -> None:
    """What was made of the picture is gone with it."""
    review = session.get(PhotoReview, photo_id)
    if review is None:
        return
    path = review.path
    session.delete(review)
    session.flush()
    _drop_file(session, path)


def _drop_file(session: Session, path: str | None) -> None:
    """The file is gone where nothing shows it any more."""
    if path is None:
        return
    shown = sa.or_(
        sa.exists().where(PhotoReview.path == path), sa.exists().where(Photo.path == path)
    )
    if not session.execute(sa.select(shown)).scalar_one():
        (photos.folder() / path).unlink(missing_ok=True)


def check_review_seen(session: Session, photo_id: int, *, seen_at: datetime | None) -> None:
    """The last review of the picture is the one that the officer saw, and stays it until the end of the transaction.

    Raises RedactionError where a colleague has decided since, NotFoundError for an unknown picture.
    """
    session.execute(sa.select(Photo.id).where(Photo.id == photo_id).with_for_update())
    review = session.get(PhotoReview, photo_id)
    if (review.reviewed_at if review else None) != seen_at:
        raise RedactionError("hidden-meanwhile")


def check_words_seen(session: Session, report_id: int, seen: Sequence[str]) -> None:
    """The report's hidden words are those that the officer saw, and stay them until the end of the transaction.

    Raises RedactionError where a colleague has hidden others, or brought some back.
    """
    session.execute(sa.select(Report.id).where(Report.id == report_id).with_for_update())
    if set(redaction_queries.words_of(session, report_id)) != set(seen):
        raise RedactionError("hidden-meanwhile")


def hide_words(session: Session, report_id: int, words: Sequence[str], *, by: str) -> None:
    """Nobody outside reads these words of the report, wherever the incident's words go; none brings all of them back.

    Raises NotFoundError, InvalidInputError where the report says no such word or there are too many.
    """
    report = session.get(Report, report_id)
    if report is None:
        raise NotFoundError(f"There is no report {report_id}.")
    wanted = list(dict.fromkeys(word.strip() for word in words if word.strip()))
    if len(wanted) > MOST_WORDS or any(len(word) > LONGEST_WORD for word in wanted):
        raise InvalidInputError(f"Hide {MOST_WORDS} words or sentences at most, of {LONGEST_WORD} letters each.")
    said = report.text.casefold()
    strange = next((word for word in wanted if word.casefold() not in said), None)
    if strange is not None:
        raise InvalidInputError(f"The report does not say “{strange}”.")
    _keep_words(session, report_id, wanted, by=by)
    _say(session, report.incident_id)


def _keep_words(session: Session, report_id: int, words: Sequence[str], *, by: str) -> None:
    if not words:
        session.execute(sa.delete(ReportRedaction).where(ReportRedaction.report_id == report_id))
        return
    row = {
        "report_id": report_id, "words_sealed": sealing.seal(json.dumps(list(words), ensure_ascii=False)),
        "redacted_by": by, "redacted_at": clock.now(),
    }
    session.execute(insert(ReportRedaction).values(row).on_conflict_do_update(index_elements=["report_id"], set_=row))


def forget_words(session: Session, incident_id: int, *, reports: Sequence[int], of_person: frozenset[str]) -> None:
    """What was hidden of a forgotten person is held nowhere: nothing of their own reports, no name in the others'."""
    own = sa.delete(ReportRedaction).where(ReportRedaction.report_id.in_(reports))
    session.execute(own)
    names = {word.casefold() for word in of_person}
    for report_id, hidden in redaction_queries.words_by_report(session, incident_id).items():
        kept = [word for word in hidden if not any(name in word.casefold() for name in names)]
        if kept != hidden:
            _keep_words(session, report_id, kept, by="")


def _say(session: Session, incident_id: int | None) -> None:
    if incident_id is not None:
        incident = queries.incident(session, incident_id)
        publish(session, IncidentNoted(incident_id=incident.id, number=incident.number))
