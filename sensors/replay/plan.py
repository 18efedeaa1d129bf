"""What a past record is played with: its levels in metres, each gate's official limits, and the rule that follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from core.errors import InvalidInputError
from sensors.quality.parameters import Parameters
from sensors.quality.sites import Site, parameters_of
from sensors.records.jakarta import LIMITS_MM
from sensors.records.rows import Record, Row
from sensors.rules import WaterState
from sensors.watch.documents import CANAL_DEAD_BAND_M, Kind, Rule, level_rule
from sensors.watch.interval import UNKNOWN_INTERVAL_S
from sensors.watch.signals import Limits
from sensors.watch.state import LEVELS, Timing

METRES_PER_UNIT = {"m": 1.0, "cm": 0.01, "mm": 0.001}
# A level so far from the limits is a wrong datum or a fault, not water (docs/decisions/0022): bank + 5 m, bank - 10 m.
ABOVE_LIMITS_M = 5.0
BELOW_LIMITS_M = 10.0


@dataclass(frozen=True)
class Gate:
    """A station of the record that has limits: its official limits (m), its rule, and its rows in time order."""

    name: str
    official: Limits
    rule: Rule
    rows: tuple[Row, ...]


def level_m(row: Row) -> float:
    """The level in metres at the station's own zero. Raises InvalidInputError where the unit is no length."""
    if row.unit not in METRES_PER_UNIT:
        raise InvalidInputError(f"The unit '{row.unit}' of {row.station} is no unit of a level.")
    # Rounded to 0.1 mm: 1510 mm and a limit of 1.51 m are the same level, whatever binary fractions say.
    return round(row.value * METRES_PER_UNIT[row.unit], 4)


def gates(
    record: Record, rules: Sequence[Rule], *, timing: Timing, dead_band_m: float = CANAL_DEAD_BAND_M
) -> list[Gate]:
    """The stations with limits, each with the rule given for it, or the level rule of its official limits.

    Raises InvalidInputError where a rule is not of the kind `level` or names no station of the record.
    """
    own = _own_rules(rules, record)
    found = []
    for name, rows in record.stations().items():
        official = official_limits(name, rows)
        if official is None and name not in own:
            continue
        official = official or own[name].only_limits
        ours = level_rule(name, replace(official, dead_band=dead_band_m), timing=replace(timing, top=_top(official)))
        found.append(Gate(name=name, official=official, rule=own.get(name, ours), rows=tuple(rows)))
    return found


def official_limits(name: str, rows: Iterable[Row]) -> Limits | None:
    """The published limits; else the lowest level that the record labels so; None where every row is normal.

    A service labels by limits, so these are its own as far as the water ever reached them (in Jakarta's record they
    give back the label of every row); nothing of a rule is fitted.
    """
    if name in LIMITS_MM:
        siaga_3, siaga_2, siaga_1 = (limit / 1000 for limit in LIMITS_MM[name])
        return Limits(watch=siaga_3, warning=siaga_2, danger=siaga_1)
    lowest: dict[WaterState, float] = {}
    for row in rows:
        if row.official is not None and row.official > WaterState.NORMAL:
            lowest[row.official] = min(level_m(row), lowest.get(row.official, level_m(row)))
    if not lowest:
        return None
    watch, warning, danger = (lowest.get(level) for level in LEVELS)
    return Limits(watch=watch, warning=warning, danger=danger)


def quality_of(gate: Gate) -> Parameters:
    """What the gate's readings are judged by: the first parameters of a level, and a range about its limits."""
    official = (gate.official.watch, gate.official.warning, gate.official.danger)
    limits = [limit for limit in official if limit is not None]
    return parameters_of(
        Site(
            observed_property="water_level", bank=None, bed=None, range_min=min(limits) - BELOW_LIMITS_M,
            range_max=max(limits) + ABOVE_LIMITS_M, interval_s=UNKNOWN_INTERVAL_S,
        )
    )


def _own_rules(rules: Sequence[Rule], record: Record) -> Mapping[str, Rule]:
    stations = {row.station for row in record.rows}
    own: dict[str, Rule] = {}
    for rule in rules:
        if rule.kind is not Kind.LEVEL:
            raise InvalidInputError(f"The rule '{rule.code}' is of the kind '{rule.kind}'; a replay compares levels.")
        if rule.streams[0] not in stations:
            raise InvalidInputError(f"The rule '{rule.code}' is for '{rule.streams[0]}', which the record has not.")
        own[rule.streams[0]] = rule
    return own


def _top(limits: Limits) -> WaterState:
    known = zip(LEVELS, (limits.watch, limits.warning, limits.danger), strict=True)
    return max(level for level, limit in known if limit is not None)
