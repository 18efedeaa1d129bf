"""Pictures and words as others see them: reviewed and redacted by officers; each look at an original is kept."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import AwareDatetime, BaseModel, Field, model_validator

from api.bodies import OnceRoute
from api.deps import SessionDep, needs
from api.routes.incidents import READERS, Changer, kept_picture, note_look, photo_urls
from incidents import queries, redaction, redaction_queries
from incidents.exchange import privacy
from staff import actions as staff_actions
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["incidents"])

Reader = Annotated[AccountRef, Depends(needs(*READERS))]
Share = Annotated[float, Field(ge=0, le=1)]
Word = Annotated[str, Field(max_length=redaction.LONGEST_WORD)]
MOST_BOXES = 60


class BoxIn(BaseModel):
    """A box over the upright picture, as shares of its width and height."""

    left: Share
    top: Share
    width: Annotated[float, Field(gt=0, le=1)]
    height: Annotated[float, Field(gt=0, le=1)]

    @model_validator(mode="after")
    def _lies_inside(self) -> BoxIn:
        if self.left + self.width > 1.0001 or self.top + self.height > 1.0001:
            raise ValueError("it goes beyond the picture")
        return self


class SeenIn(BaseModel):
    """The review that the officer saw, by its time; None where there was none."""

    at: AwareDatetime | None


class ReviewIn(BaseModel):
    """What is decided of a picture; boxes where it is to be redacted. With `seen` nothing changes where a colleague
    was faster.
    """

    seen: SeenIn | None = None
    verdict: Literal["open", "redacted", "hidden"]
    boxes: Annotated[list[BoxIn], Field(max_length=MOST_BOXES)] = []


class PhotoReviewOut(BaseModel):
    """A picture and what was decided of it; without a verdict nobody has looked, and it is not public."""

    id: int
    url: str
    original_url: str
    verdict: Literal["open", "redacted", "hidden"] | None
    boxes: list[BoxIn]
    by: str | None
    at: datetime | None


class HiddenOut(BaseModel):
    """A report's hidden words, and the report as others would read it."""

    report_id: int
    words: list[str]
    public_text: str


class RedactionOut(BaseModel):
    """What of an incident's pictures and words is hidden."""

    photos: list[PhotoReviewOut]
    reports: list[HiddenOut]


class WordsIn(BaseModel):
    """The words of the report that nobody outside reads, all of them. With `seen`, those that were hidden when the
    officer looked, nothing changes where a colleague was faster.
    """

    seen: Annotated[list[Word], Field(max_length=redaction.MOST_WORDS)] | None = None
    words: Annotated[list[Word], Field(max_length=redaction.MOST_WORDS)]


@router.get("/incidents/{incident_id}/redaction", summary="What of an incident is hidden from others")
def show_redaction(session: SessionDep, account: Reader, incident_id: int) -> RedactionOut:
    """For officers: every picture with its verdict, every report as others would read it."""
    queries.incident(session, incident_id)
    hidden = redaction_queries.words_by_report(session, incident_id)
    return RedactionOut(
        photos=[
            PhotoReviewOut(
                id=photo.id, url=photo_urls([photo.id])[0], original_url=f"/api/v1/photos/{photo.id}/original",
                verdict=review.verdict if review else None,
                boxes=[BoxIn(left=x, top=y, width=w, height=h) for x, y, w, h in (review.boxes if review else [])],
                by=review.reviewed_by if review else None, at=review.reviewed_at if review else None,
            )
            for photo, review in redaction_queries.reviews(session, incident_id)
        ],
        reports=[
            HiddenOut(
                report_id=report.id, words=hidden.get(report.id, []),
                public_text=privacy.redacted(report.text, hidden=hidden.get(report.id, [])),
            )
            for report in queries.report_rows(session, incident_id)
        ],
    )


@router.put("/photos/{photo_id}/review", summary="Decide what others see of a picture")
def review_photo(session: SessionDep, account: Changer, photo_id: int, given: ReviewIn) -> RedactionOut:
    """Open, redacted (made anew, with the boxes as pixels) or hidden; the original stays, behind a role."""
    boxes = [(box.left, box.top, box.width, box.height) for box in given.boxes]
    if given.seen is not None:
        redaction.check_review_seen(session, photo_id, seen_at=given.seen.at)
    redaction.review_photo(session, photo_id, verdict=given.verdict, boxes=boxes, by=account.username)
    detail = {"verdict": given.verdict, "boxes": len(boxes)}
    staff_actions.record(session, account=account, action="photo.reviewed", subject=f"photo:{photo_id}", detail=detail)
    incident_id = queries.photo(session, photo_id).incident_id
    return show_redaction(session, account, incident_id) if incident_id else RedactionOut(photos=[], reports=[])


@router.get("/photos/{photo_id}/original", summary="A picture as it came", response_class=Response)
def show_original(session: SessionDep, account: Changer, photo_id: int) -> Response:
    """Only for those who review pictures; every look is in the audit log, so that no browser keeps it."""
    photo = queries.photo(session, photo_id)
    picture = kept_picture(photo_id, photo.path)
    note_look(session, account, photo_id)
    return Response(picture, media_type=photo.content_type, headers={"Cache-Control": "no-store"})


@router.put("/reports/{report_id}/hidden-words", summary="Hide words of a report from others", status_code=204)
def hide_words(session: SessionDep, account: Changer, report_id: int, given: WordsIn) -> None:
    """These words and no others are hidden; 422 where the report does not say them."""
    if given.seen is not None:
        redaction.check_words_seen(session, report_id, given.seen)
    redaction.hide_words(session, report_id, given.words, by=account.username)
    staff_actions.record(
        session, account=account, action="report.redacted", subject=f"report:{report_id}",
        detail={"words": len(given.words)},
    )
