"""What happened to incidents, for the rooms above and for the screens. No people's data travels here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.events import Event


@dataclass(frozen=True)
class IncidentOpened(Event):
    """The city has something new to act on. `tier` 1 is life, 4 ordinary service; `needs` is what a crew must do."""

    name: ClassVar[str] = "incidents.incident_opened"
    incident_id: int
    number: str
    category_code: str
    tier: int
    needs: tuple[str, ...]
    lon: float
    lat: float
    opened_at: datetime


@dataclass(frozen=True)
class ReportJoined(Event):
    """Another report tells of an incident that is already open."""

    name: ClassVar[str] = "incidents.report_joined"
    incident_id: int
    number: str
    report_id: int
    report_count: int


@dataclass(frozen=True)
class IncidentChanged(Event):
    """An incident went from one state to another; `change_id` is the last line of its history."""

    name: ClassVar[str] = "incidents.incident_changed"
    incident_id: int
    change_id: int
    number: str
    from_state: str
    to_state: str
    at: datetime


@dataclass(frozen=True)
class IncidentMoved(Event):
    """A resident's later pin says better where the incident is."""

    name: ClassVar[str] = "incidents.incident_moved"
    incident_id: int
    number: str
    lon: float
    lat: float


@dataclass(frozen=True)
class PromiseMarked(Event):
    """A promise nears its end (`used_75`, `ending`) or was broken (`breached`); said once."""

    name: ClassVar[str] = "incidents.promise_marked"
    incident_id: int
    number: str
    mark: str
    agency_code: str
    at: datetime


@dataclass(frozen=True)
class IncidentAged(Event):
    """Nobody and nothing has confirmed an incident for as long as its kind lives; or somebody has again."""

    name: ClassVar[str] = "incidents.incident_aged"
    incident_id: int
    number: str
    is_fading: bool


@dataclass(frozen=True)
class IncidentsMerged(Event):
    """Two incidents are one: `merged_id` is a signpost, everything of it is at `into_id`, whose number stands here."""

    name: ClassVar[str] = "incidents.incidents_merged"
    merge_id: int
    merged_id: int
    into_id: int
    number: str
    merged_number: str


@dataclass(frozen=True)
class MergeUndone(Event):
    """What was merged is an incident of its own again; `number` is its own."""

    name: ClassVar[str] = "incidents.merge_undone"
    merge_id: int
    merged_id: int
    into_id: int
    number: str


@dataclass(frozen=True)
class IncidentSplit(Event):
    """Reports of `from_id` have become an incident of their own."""

    name: ClassVar[str] = "incidents.incident_split"
    incident_id: int
    from_id: int
    number: str


@dataclass(frozen=True)
class IncidentRecategorised(Event):
    """An officer has put right what an incident is of."""

    name: ClassVar[str] = "incidents.incident_recategorised"
    incident_id: int
    number: str
    category_code: str


@dataclass(frozen=True)
class AgencyAssigned(Event):
    """An officer has put right whose work an incident is, before anybody had begun with it."""

    name: ClassVar[str] = "incidents.agency_assigned"
    incident_id: int
    number: str
    agency_code: str


@dataclass(frozen=True)
class AgencyInvited(Event):
    """An agency was asked to join in; the lead stays who it was."""

    name: ClassVar[str] = "incidents.agency_invited"
    incident_id: int
    number: str
    agency_code: str


@dataclass(frozen=True)
class PartnerPaused(Event):
    """A partner has taken none of our webhooks for too long, or wants none: it is told nothing until somebody acts."""

    name: ClassVar[str] = "incidents.partner_paused"
    partner: str


@dataclass(frozen=True)
class GroupCalled(Event):
    """Somebody unknown cries for help in a group on LINE, or an officer has seen to it."""

    name: ClassVar[str] = "incidents.group_called"
    call_id: int
    at: datetime


@dataclass(frozen=True)
class IncidentNoted(Event):
    """Something new stands with an incident that is no step: a note among officers, what is hidden from everybody else,
    what a partner said.
    """

    name: ClassVar[str] = "incidents.incident_noted"
    incident_id: int
    number: str
