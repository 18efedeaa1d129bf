"""What others warn of, in one form for every kind of source. Pure values.

`grade` is how bad the source says it is, on its own scale (CAP: 1 Minor to 4 Extreme; ThaiWater: its situation level).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

Ring = tuple[tuple[float, float], ...]

# CAP 1.2, 3.2.2: severity, the least bad first; "Unknown" is no grade.
CAP_GRADES: Mapping[str, int] = {"minor": 1, "moderate": 2, "severe": 3, "extreme": 4}
# What a source may mean; the last three never warn residents: rain does as the flood that it brings.
HAZARDS = ("flood", "flash_flood", "dam_release", "tide", "storm", "rain", "low_water", "other")
ALERT_HAZARDS: Mapping[str, str] = {
    "flood": "flood", "flash_flood": "flash_flood", "dam_release": "dam_release", "tide": "tide", "storm": "storm",
    "rain": "flood",
}  # fmt: skip
# The first that is found in a text counts: what is more exact stands before what is more common.
_HAZARD_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("flash_flood", ("flash flood", "น้ำป่า", "ท่วมฉับพลัน", "น้ำหลาก")),
    ("dam_release", ("dam ", "dam-", "dam_", "reservoir", "เขื่อน", "อ่างเก็บน้ำ", "ประตูระบายน้ำ", "พร่องน้ำ")),
    ("tide", ("tide", "storm surge", "coastal flood", "น้ำทะเลหนุน", "คลื่นซัดฝั่ง", "คลื่นพายุ")),
    ("flood", ("flood", "น้ำท่วม", "ล้นตลิ่ง", "น้ำเอ่อล้น", "อุทกภัย")),
    ("rain", ("rain", "ฝน")),
    ("storm", ("storm", "cyclone", "typhoon", "hurricane", "wind", "พายุ", "ลมแรง")),
)


@dataclass(frozen=True)
class Finding:
    """Something odd about a warning that could be read all the same: a code with words in the locale files."""

    code: str
    detail: str = ""


@dataclass(frozen=True)
class Words:
    """What a warning says in one language."""

    event: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""


@dataclass(frozen=True)
class Place:
    """Where a warning is for: a name, codes by the name of their list, outlines and circles (lon, lat, km)."""

    name: str = ""
    codes: tuple[tuple[str, str], ...] = ()
    rings: tuple[Ring, ...] = ()
    circles: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True)
class Reference:
    """An earlier warning of a source that this one speaks of."""

    sender: str
    identifier: str


@dataclass(frozen=True)
class OutsideWarning:
    """One warning as its source means it. Times are aware UTC; `words` are by language (`th`, `en`).

    `group` is equal for issues of which only the newest counts, None where each issue stands for itself. `station` is
    the source's own number of a measuring station. `facts` are further plain values, kept for people to see.
    """

    identifier: str
    sender: str
    sent_at: datetime
    event: str
    hazard: str
    grade: int | None
    words: Mapping[str, Words]
    places: tuple[Place, ...] = ()
    status: str = "Actual"
    message_type: str = "Alert"
    severity: str = ""
    urgency: str = ""
    certainty: str = ""
    effective_at: datetime | None = None
    onset_at: datetime | None = None
    expires_at: datetime | None = None
    references: tuple[Reference, ...] = ()
    station: str | None = None
    group: str | None = None
    findings: tuple[Finding, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Unread:
    """A part of what a source sent that is no warning: a code with words in the locale files, and a sentence."""

    reason: str
    detail: str
    raw: str = ""


@dataclass(frozen=True)
class Read:
    """What one document of a source says.

    `over` are identifiers that the source itself says are in force no longer. `links` lead to further documents.
    `newest_at` is the latest time in it.
    """

    warnings: tuple[OutsideWarning, ...] = ()
    over: frozenset[str] = frozenset()
    links: tuple[str, ...] = ()
    unread: tuple[Unread, ...] = ()
    newest_at: datetime | None = None


# No warning is of another time; what says so has a broken clock, and would break ours where times are added.
PLAUSIBLE_YEARS = range(1990, 2200)
# An index of the database takes no text much longer.
_IDENTIFIER_CHARS = 200


def known_by(identifier: str) -> str:
    """The identifier by which a warning is known: as it is, or its beginning and its hash where it is endless."""
    if len(identifier) <= _IDENTIFIER_CHARS:
        return identifier
    return f"{identifier[:100]}~{hashlib.sha256(identifier.encode()).hexdigest()[:40]}"


def hazard_of(*texts: str) -> str:
    """Which hazard the first of these texts that names one speaks of; "other" where none does."""
    for text in texts:
        spelt = f" {text.casefold().replace('_', ' ')} "
        for hazard, words in _HAZARD_WORDS:
            if any(word in spelt for word in words):
                return hazard
    return "other"


def grade_of(severity: str) -> int | None:
    """The grade of a severity in CAP's words, None for "Unknown" and for what is none of its words."""
    return CAP_GRADES.get(severity.strip().casefold())
