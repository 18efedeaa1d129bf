"""What happened to jobs, for the screens and for this room's own refreshes. No people's data travels here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.events import Event


@dataclass(frozen=True)
class JobOpened(Event):
    """An incident needs a crew."""

    name: ClassVar[str] = "dispatch.job_opened"
    job_id: int
    incident_id: int
    number: str
    tier: int
    score: float


@dataclass(frozen=True)
class JobAssigned(Event):
    """A crew has the job; `has_route` says whether its way was already known."""

    name: ClassVar[str] = "dispatch.job_assigned"
    job_id: int
    incident_id: int
    crew_code: str
    by: str
    has_route: bool


@dataclass(frozen=True)
class JobChanged(Event):
    """A job went from one state to another."""

    name: ClassVar[str] = "dispatch.job_changed"
    job_id: int
    incident_id: int
    crew_code: str | None
    from_state: str
    to_state: str


@dataclass(frozen=True)
class CrewMoved(Event):
    """A crew is somewhere else than before."""

    name: ClassVar[str] = "dispatch.crew_moved"
    crew_code: str
    lon: float
    lat: float


@dataclass(frozen=True)
class SuggestionsDrawn(Event):
    """Which crews fit these jobs has been worked out anew."""

    name: ClassVar[str] = "dispatch.suggestions_drawn"
    job_ids: tuple[int, ...]
