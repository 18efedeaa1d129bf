"""What a timeline is made of. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

# What an entry is about, for the lanes of a chart.
ALERT, GAUGE, WATER, REPORT, PERSON = "alert", "gauge", "water", "report", "person"


@dataclass(frozen=True)
class Entry:
    """Something that happened at `at`; `level` 0..3 says how grave, `zone_ids` where, `text` what, by language."""

    at: datetime
    about: str
    kind: str
    level: int
    zone_ids: tuple[int, ...]
    text: Mapping[str, str]
    slots: Mapping[str, object] = field(default_factory=dict)
