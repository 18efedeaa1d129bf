"""Notes among officers: read and written by those who act on incidents, in no other answer of the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from api.bodies import OnceRoute
from api.deps import SessionDep, needs
from api.routes.incidents import READERS
from incidents import inbox_queries, notes, queries
from staff import actions as staff_actions
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, prefix="/incidents/{incident_id}/notes", tags=["incidents"])

Reader = Annotated[AccountRef, Depends(needs(*READERS))]


class NoteOut(BaseModel):
    """What an officer noted, and when."""

    id: int
    text: str
    by: str
    at: datetime


class NotesOut(BaseModel):
    """The notes of an incident and of those merged into it, the oldest first."""

    notes: list[NoteOut]


class NoteIn(BaseModel):
    """What colleagues should know."""

    text: str = Field(min_length=1, max_length=2000, pattern=r"\S")


@router.get("", summary="What officers noted of an incident")
def list_notes(session: SessionDep, account: Reader, incident_id: int) -> NotesOut:
    """For officers alone."""
    queries.incident(session, incident_id)
    return NotesOut(
        notes=[
            NoteOut(id=note.id, text=note.text, by=note.written_by, at=note.written_at)
            for note in inbox_queries.notes(session, incident_id)
        ]
    )


@router.post("", summary="Note something for colleagues", status_code=201)
def write_note(session: SessionDep, account: Reader, incident_id: int, given: NoteIn) -> NotesOut:
    """The note stands with the incident; no reporter hears of it."""
    notes.write_note(session, incident_id, given.text.strip(), by=account.username)
    staff_actions.record(
        session, account=account, action="incident.noted", subject=f"incident:{incident_id}", detail={}
    )
    return list_notes(session, account, incident_id)
