"""What is doubtful about a rule that may be kept all the same: levels out of the canal, dead bands, what none reached.

Pure. A rule is never refused for this: a place may be other than its survey says. Reasons: docs/decisions/0028.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from sensors.rules import TOLERANCE_M, Flag, WaterState
from sensors.watch.documents import WARNING_BELOW_BANK_M, Kind, Rule
from sensors.watch.dry_run import Trial
from sensors.watch.signals import Limits

# The house's own ladder steps from warning to danger by this much; danger one such step above the bank is no slip yet.
DANGER_ABOVE_BANK_M = WARNING_BELOW_BANK_M
ROOM_ABOVE_BANK_M = {WaterState.WATCH: 0.0, WaterState.WARNING: 0.0, WaterState.DANGER: DANGER_ABOVE_BANK_M}


class Doubt(StrEnum):
    """What is doubtful; the locale files have a text for each."""

    ABOVE_BANK = "above-bank"
    BELOW_BED = "below-bed"
    DEAD_BAND_WIDE = "dead-band-wide"
    DEAD_BAND_TO_FLOOR = "dead-band-to-floor"
    NEVER_REACHED = "never-reached"
    ALWAYS_REACHED = "always-reached"
    NO_READINGS = "no-readings"


# A week without danger is what one hopes for: worth knowing, nothing to confirm.
NOTES = frozenset({Doubt.NEVER_REACHED, Doubt.NO_READINGS})


@dataclass(frozen=True)
class RuleWarning:
    """One doubt about one field of the document (empty: the whole), with the figures that its text names."""

    doubt: Doubt
    path: str = ""
    level: WaterState | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    unit: str = "m"

    @property
    def needs_confirmation(self) -> bool:
        """Whoever keeps the rule is to say once more that this is meant."""
        return self.doubt not in NOTES


@dataclass(frozen=True)
class Canal:
    """The bank and the bed where a datastream measures, in m MSL; None where nobody surveyed them."""

    bank_m_msl: float | None
    bed_m_msl: float | None


@dataclass(frozen=True)
class _Ladder:
    path: str
    levels: tuple[tuple[WaterState, float], ...]
    dead_band: float
    unit: str
    floor: float | None  # Below this no value can fall.
    canal: Canal | None


def warnings_of_rule(rule: Rule, canals: Mapping[str, Canal]) -> list[RuleWarning]:
    """What is doubtful about the rule by itself, beside the canals that its streams measure; lowest level first."""
    return [doubt for ladder in _ladders(rule, canals) for doubt in (*_of_levels(ladder), *_of_dead_band(ladder))]


def warnings_of_trial(rule: Rule, told: Trial) -> list[RuleWarning]:
    """What the good readings of a trial say: the lowest level that none reached, the highest that none was below."""
    if rule.kind in (Kind.SILENCE, Kind.FORECAST_CROSSING):
        return []
    reached = [one.reached for one in told.observations if one.flag is Flag.GOOD and one.value is not None]
    if not reached:
        return [RuleWarning(Doubt.NO_READINGS)]
    known = sorted(_levels_of(rule))
    never = [level for level in known if level > max(reached)]
    always = [level for level in known if level <= min(reached)]
    figures = {"readings": float(len(reached))}
    found = [RuleWarning(Doubt.NEVER_REACHED, never[0].name.lower(), never[0], figures)] if never else []
    if always:
        found.append(RuleWarning(Doubt.ALWAYS_REACHED, always[-1].name.lower(), always[-1], figures))
    return found


def _levels_of(rule: Rule) -> set[WaterState]:
    return {level for one in (*rule.limits.values(), *(each for _, each in rule.rain)) for level, _ in _rising(one)}


def _ladders(rule: Rule, canals: Mapping[str, Canal]) -> Iterator[_Ladder]:
    is_of_change = rule.kind is Kind.RATE_OF_RISE or rule.change_within_s is not None
    for back_s, limits in rule.rain:
        yield _Ladder(f"sums.{back_s / 3600:.0f}.", _rising(limits), limits.dead_band, "mm", 0.0, None)
    for stream, limits in {**rule.limits, **rule.witnesses}.items():
        group = "witnesses" if stream in rule.witnesses else "limits" if rule.kind is Kind.QUORUM else None
        path = f"{group}.{stream}." if group else ""
        canal = None if is_of_change and group is None else canals.get(stream)
        floor = canal.bed_m_msl if canal else (0.0 if is_of_change and group is None else None)
        yield _Ladder(path, _rising(limits), limits.dead_band, "m", floor, canal)


def _rising(limits: Limits) -> tuple[tuple[WaterState, float], ...]:
    named = (
        (WaterState.WATCH, limits.watch), (WaterState.WARNING, limits.warning), (WaterState.DANGER, limits.danger)
    )
    return tuple((level, value) for level, value in named if value is not None)


def _of_levels(ladder: _Ladder) -> Iterator[RuleWarning]:
    canal = ladder.canal or Canal(None, None)
    for level, value in ladder.levels:
        name = ladder.path + level.name.lower()
        if canal.bank_m_msl is not None and value > canal.bank_m_msl + ROOM_ABOVE_BANK_M[level] + TOLERANCE_M:
            figures = {"value": value, "bank": canal.bank_m_msl, "above": value - canal.bank_m_msl}
            yield RuleWarning(Doubt.ABOVE_BANK, name, level, figures)
        if canal.bed_m_msl is not None and value < canal.bed_m_msl - TOLERANCE_M:
            figures = {"value": value, "bed": canal.bed_m_msl, "below": canal.bed_m_msl - value}
            yield RuleWarning(Doubt.BELOW_BED, name, level, figures)


def _of_dead_band(ladder: _Ladder) -> Iterator[RuleWarning]:
    name, band = f"{ladder.path}dead_band", ladder.dead_band
    gap = min((upper - lower for (_, lower), (_, upper) in pairwise(ladder.levels)), default=None)
    if gap is not None and band > gap + TOLERANCE_M:
        yield RuleWarning(Doubt.DEAD_BAND_WIDE, name, None, {"band": band, "gap": gap}, ladder.unit)
    level, lowest = ladder.levels[0]
    is_above_floor = ladder.floor is not None and lowest >= ladder.floor
    if ladder.floor is not None and is_above_floor and lowest - band < ladder.floor - TOLERANCE_M:
        figures = {"band": band, "value": lowest, "floor": ladder.floor}
        yield RuleWarning(Doubt.DEAD_BAND_TO_FLOOR, name, level, figures, ladder.unit)
