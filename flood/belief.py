"""Which levels are believed: a datum mistake, a slip of the comma or a broken sensor must not draw water.

A level that is not believed is left out of the picture and named there; it is never bent into shape. Pure decisions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flood.rules import GaugeSite, Level

# ThaiWater's datum mistakes put levels more than 10 m from the bank; a bank lies where the ground around it does.
BANK_OFF_GROUND_M = 10.0
# Assumed: no flood of a Thai city has stood 6 m over its banks, and no river runs 25 m below the ground beside it.
OVER_GROUND_M, UNDER_GROUND_M = 6.0, 25.0
# Assumed: a pulse of three metres may come between two readings, more only as fast as mountain streams rise.
JUMP_M, FASTEST_M_PER_H = 3.0, 4.0

BANK, HIGH, LOW, JUMP = "bank-off-ground", "above-ground", "below-ground", "jumped"


@dataclass(frozen=True)
class Site:
    """A gauge's surroundings: the middle height of the ground around it, metres, NaN where no ground is known."""

    gauge: GaugeSite
    ground_m: float

    @property
    def doubt(self) -> str | None:
        """Why nothing that the gauge says can be placed over this ground: its marks count from another zero or unit."""
        marks_m = (self.gauge.bank_m_msl, self.gauge.danger_m_msl)
        is_off = any(abs(mark_m - self.ground_m) > BANK_OFF_GROUND_M for mark_m in marks_m if mark_m is not None)
        return BANK if is_off else None


def judged(
    levels: Sequence[Level], sites: Mapping[int, Site], *, drawn: Mapping[str, Mapping[str, Any]]
) -> list[Level]:
    """The levels, each with its doubt; `sites` by station id, `drawn` the last picture's levels by station id as text.

    A level that has no site on the map, or no ground around it, is believed: nothing contradicts it.
    """
    return [_judged(level, sites.get(level.station_id), drawn.get(str(level.station_id))) for level in levels]


def judged_ahead(level: Level, sites: Mapping[int, Site]) -> Level:
    """The level of an hour to come with its doubt: a trend or a forecast may carry it where no water stands."""
    site = sites.get(level.station_id)
    return replace(level, doubt=_off_ground(level, site)) if site is not None else level


def _judged(level: Level, site: Site | None, drawn: Mapping[str, Any] | None) -> Level:
    before = _believed(drawn)
    doubt = None if site is None else site.doubt or _off_ground(level, site)
    doubt = doubt or (JUMP if before is not None and _has_jumped(level, *before) else None)
    if doubt is None or before is None:
        return replace(level, doubt=doubt)
    return replace(level, doubt=doubt, believed_m_msl=before[0], believed_at=before[1])


def _off_ground(level: Level, site: Site) -> str | None:
    bank_m = site.gauge.bank_m_msl
    high_m = site.ground_m if bank_m is None else max(bank_m, site.ground_m)
    low_m = site.ground_m if bank_m is None else min(bank_m, site.ground_m)
    if level.level_m_msl > high_m + OVER_GROUND_M:
        return HIGH
    return LOW if level.level_m_msl < low_m - UNDER_GROUND_M else None


def _has_jumped(level: Level, before_m_msl: float, before_at: datetime) -> bool:
    hours = max((level.observed_at - before_at).total_seconds() / 3600, 0.0)
    return abs(level.level_m_msl - before_m_msl) > JUMP_M + FASTEST_M_PER_H * hours


def _believed(drawn: Mapping[str, Any] | None) -> tuple[float, datetime] | None:
    """The last level that was believed, and when it was observed, as the last picture knows it."""
    if drawn is None:
        return None
    names = ("level_m_msl", "observed_at") if drawn.get("doubt") is None else ("believed_m_msl", "believed_at")
    level_m_msl, at = (drawn.get(name) for name in names)
    if level_m_msl is None or at is None or not math.isfinite(level_m_msl):
        return None
    return float(level_m_msl), datetime.fromisoformat(str(at))
