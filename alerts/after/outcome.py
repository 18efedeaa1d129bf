"""What became of each zone of an event: warned in time, missed, or warned of water that did not come. Pure.

The definition (docs/decisions/0050), zone by zone, over one event:

- **hit**: the zone was warned, and water stood in it (ankle or deeper) while the warning held, not before it came.
- **miss**: water stood in it and it was not warned, or only afterwards, or the warning had run out.
- **false alarm**: it was warned, no witness saw water, and at least one looked while the warning held.
- **unknown**: it was warned and no witness looked; or its officer says that nobody knows.
- **quiet**: it was not warned, and an officer says that no water came.

Witnesses are pictures of the flood drawn from gauges, and incidents of flood that were confirmed. What an officer says
of a zone goes before both. The lead is from the warning to the first water, in minutes, and only a hit has one.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

ANKLE = 1  # The lowest depth class that is water (flood.rules.depth_class_of).


class Outcome(StrEnum):
    """What became of a zone."""

    HIT = "hit"
    MISS = "miss"
    FALSE_ALARM = "false_alarm"
    UNKNOWN = "unknown"
    QUIET = "quiet"


class Word(StrEnum):
    """What an officer says of a zone when the event is over."""

    FLOODED = "flooded"
    NOT_FLOODED = "not_flooded"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Span:
    """A warning of the zone: its level, and from when until when it held."""

    level: int
    from_at: datetime
    until_at: datetime


@dataclass(frozen=True)
class Stretch:
    """Pictures in a row that say the same of a zone: dry (0), or water of at most this depth class."""

    from_at: datetime
    until_at: datetime
    depth_class: int

    @property
    def is_wet(self) -> bool:
        """Water stands in the zone."""
        return self.depth_class >= ANKLE


@dataclass(frozen=True)
class Facts:
    """All that is known of one zone in the event's time, each in time order."""

    spans: tuple[Span, ...] = ()
    stretches: tuple[Stretch, ...] = ()
    reported_at: tuple[datetime, ...] = ()
    word: Word | None = None
    flooded_at: datetime | None = None


@dataclass(frozen=True)
class Judged:
    """What became of the zone, who says so (`officer` or `witnesses`), and when it was warned and wet.

    `lead_min` is from the warning to the water; only a hit whose water has a time has one. `witnesses` are those that
    saw water: `picture`, `report`, `officer`.
    """

    outcome: Outcome
    by: str
    level: int
    warned_at: datetime | None
    water_at: datetime | None
    lead_min: float | None
    depth_class: int
    witnesses: tuple[str, ...]


@dataclass(frozen=True)
class Score:
    """How many zones had which outcome; shares are None where nothing was there to be shared."""

    hits: int
    misses: int
    false_alarms: int
    unknown: int
    detected_share: float | None
    false_share: float | None
    median_lead_min: float | None


def judged(facts: Facts) -> Judged | None:
    """What became of the zone; None of one that was not warned, saw no water and was not spoken of."""
    water_at, witnesses = _water(facts)
    outcome = _of_witnesses(facts, water_at) if facts.word is None else _of_officer(facts, water_at)
    if outcome is None:
        return None
    warned_at = facts.spans[0].from_at if facts.spans else None
    is_led = outcome is Outcome.HIT and warned_at is not None and water_at is not None
    return Judged(
        outcome=outcome, by="witnesses" if facts.word is None else "officer",
        level=max((span.level for span in facts.spans), default=0), warned_at=warned_at, water_at=water_at,
        lead_min=round((water_at - warned_at).total_seconds() / 60, 1) if is_led and water_at and warned_at else None,
        depth_class=max((one.depth_class for one in facts.stretches), default=0), witnesses=witnesses,
    )


def _water(facts: Facts) -> tuple[datetime | None, tuple[str, ...]]:
    """When water was first seen, and by whom. An officer's word goes before what witnesses saw."""
    if facts.word is Word.NOT_FLOODED:
        return None, ()
    seen: list[tuple[datetime, str]] = [(one.from_at, "picture") for one in facts.stretches if one.is_wet]
    seen += [(at, "report") for at in facts.reported_at]
    witnesses = sorted({name for _, name in seen})
    if facts.word is Word.FLOODED:
        witnesses = ["officer", *witnesses]
        if facts.flooded_at is not None:
            return facts.flooded_at, tuple(witnesses)
    return min((at for at, _ in seen), default=None), tuple(witnesses)


def _of_officer(facts: Facts, water_at: datetime | None) -> Outcome:
    if facts.word is Word.UNKNOWN:
        return Outcome.UNKNOWN
    if facts.word is Word.NOT_FLOODED:
        return Outcome.FALSE_ALARM if facts.spans else Outcome.QUIET
    # It was flooded at a time that nobody knows: a warning that was out then gets the benefit of the doubt.
    return _hit_or_miss(facts, water_at) if water_at or not facts.spans else Outcome.HIT


def _of_witnesses(facts: Facts, water_at: datetime | None) -> Outcome | None:
    if water_at is not None:
        return _hit_or_miss(facts, water_at)
    if not facts.spans:
        return None
    return Outcome.FALSE_ALARM if _was_looked_at(facts) else Outcome.UNKNOWN


def _hit_or_miss(facts: Facts, water_at: datetime | None) -> Outcome:
    is_in_time = water_at is not None and any(span.from_at <= water_at <= span.until_at for span in facts.spans)
    return Outcome.HIT if is_in_time else Outcome.MISS


def _was_looked_at(facts: Facts) -> bool:
    """A picture with data was drawn while a warning held."""
    return any(
        one.from_at <= span.until_at and one.until_at >= span.from_at
        for span in facts.spans for one in facts.stretches
    )


def score(zones: Iterable[Judged]) -> Score:
    """The zones counted by outcome. Detected: hits of hits and misses; false: false alarms of hits and false alarms."""
    found = list(zones)
    hits, misses, false_alarms, unknown = (
        sum(one.outcome is outcome for one in found)
        for outcome in (Outcome.HIT, Outcome.MISS, Outcome.FALSE_ALARM, Outcome.UNKNOWN)
    )
    leads = [one.lead_min for one in found if one.lead_min is not None]
    return Score(
        hits=hits, misses=misses, false_alarms=false_alarms, unknown=unknown,
        detected_share=_share(hits, hits + misses), false_share=_share(false_alarms, hits + false_alarms),
        median_lead_min=statistics.median(leads) if leads else None,
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None


def stretches_of(pictures: Sequence[tuple[datetime, int]]) -> tuple[Stretch, ...]:
    """The stretches of (moment, depth class) pictures in time order: wet ones with their deepest, and dry ones."""
    found: list[Stretch] = []
    for at, depth_class in pictures:
        is_wet = depth_class >= ANKLE
        if found and found[-1].is_wet == is_wet:
            found[-1] = Stretch(found[-1].from_at, at, max(found[-1].depth_class, depth_class))
        else:
            found.append(Stretch(at, at, depth_class))
    return tuple(found)
