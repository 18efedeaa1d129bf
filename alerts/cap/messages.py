"""What a CAP message says, as frozen values: the form in which messages of others are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


@dataclass(frozen=True)
class Finding:
    """A rule that a message breaks, or what was read with tolerance: the element, and a sentence."""

    field: str
    problem: str


class Named(NamedTuple):
    """A value under a name of its sender's own list: a geocode, an event code, a parameter."""

    name: str
    value: str


@dataclass(frozen=True)
class Circle:
    """A circle in EPSG:4326 around lon, lat."""

    lon: float
    lat: float
    radius_km: float


Ring = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class CapArea:
    """A place: its name, closed rings of (lon, lat) in EPSG:4326 that `shapely.Polygon` takes, circles, and codes."""

    name: str
    polygons: tuple[Ring, ...]
    circles: tuple[Circle, ...]
    geocodes: tuple[Named, ...]


@dataclass(frozen=True)
class CapInfo:
    """What is said in one language. CAP's default for a message that names no language is en-US."""

    language: str
    categories: tuple[str, ...]
    event: str
    response_types: tuple[str, ...]
    urgency: str
    severity: str
    certainty: str
    event_codes: tuple[Named, ...]
    effective_at: datetime | None
    onset_at: datetime | None
    expires_at: datetime | None
    sender_name: str
    headline: str
    description: str
    instruction: str
    web: str
    contact: str
    parameters: tuple[Named, ...]
    areas: tuple[CapArea, ...]

    @property
    def category(self) -> str:
        """The first of its categories."""
        return self.categories[0]


@dataclass(frozen=True)
class CapReference:
    """An earlier message that this one speaks of."""

    sender: str
    identifier: str
    sent_at: datetime


@dataclass(frozen=True)
class CapMessage:
    """One message. `raw` is the document as it came or, inside a feed, the alert's element written out again."""

    version: str
    identifier: str
    sender: str
    sent_at: datetime
    status: str
    message_type: str
    source: str
    scope: str
    restriction: str
    addresses: str
    note: str
    references: tuple[CapReference, ...]
    incidents: tuple[str, ...]
    infos: tuple[CapInfo, ...]
    is_signed: bool
    findings: tuple[Finding, ...]
    raw: bytes


@dataclass(frozen=True)
class Reading:
    """A document read whole: its messages in its order, and the links to further documents where it is an index."""

    messages: tuple[CapMessage, ...]
    links: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
