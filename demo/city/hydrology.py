"""How the demo's storm moves the water: a level for each gauge and camera at each hour, for any city.

Invented, not computed: the waters rise for three hours and fall for two, the lower a station's bank the higher above
it. The farthest upstream never reaches its bank, so that the picture shows a dry part of the city too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

RISE_FROM_H, PEAK_H, CALM_H = 0.1, 3.0, 4.8
LAG_H = 0.25  # The crest reaches the lower end of the city so much later than the upper end.
BELOW_WATCH_M = 0.5  # The calm level before the storm, below the watch threshold.
LEFT_OVER = 0.04  # The share of the rise that is still there afterwards.
UPSTREAM_OVER_BANK_M, DOWNSTREAM_OVER_BANK_M = -0.30, 1.05
ALONG_POWER = 1.6  # Most of the water gathers in the lower half.
USUAL_RISE_M = 1.6  # From calm to the bank where a station gives no watch threshold.


@dataclass(frozen=True)
class StationWater:
    """One station's calm and highest level, metres above mean sea level; `along` is 0 upstream, 1 downstream."""

    calm_m_msl: float
    peak_m_msl: float
    along: float

    def level_m_msl(self, after_h: float) -> float:
        """The level so many hours into the storm."""
        rise_m = self.peak_m_msl - self.calm_m_msl
        return self.calm_m_msl + rise_m * _swell(after_h - LAG_H * (self.along - 1.0))


@dataclass(frozen=True)
class Hydrology:
    """The storm's water at every station, by code."""

    stations: Mapping[str, StationWater]

    @classmethod
    def of(cls, *layers: Sequence[Mapping[str, object]]) -> Hydrology:
        """From rows of stations: `code`, `bank_m_msl` and, where known, `watch_m_msl`, as text or numbers."""
        rows = [row for layer in layers for row in layer if row.get("bank_m_msl") not in (None, "")]
        banks_m = {str(row["code"]): float(str(row["bank_m_msl"])) for row in rows}
        lowest_m, highest_m = min(banks_m.values()), max(banks_m.values())
        span_m = highest_m - lowest_m
        stations = {}
        for row in rows:
            bank_m = banks_m[str(row["code"])]
            along = (highest_m - bank_m) / span_m if span_m > 0 else 1.0
            stations[str(row["code"])] = _water(row, bank_m, along)
        return cls(stations)

    def level_m_msl(self, code: str, *, after_h: float) -> float:
        """The level of the station `code` so many hours into the storm, metres above mean sea level."""
        return self.stations[code].level_m_msl(after_h)


def _water(row: Mapping[str, object], bank_m: float, along: float) -> StationWater:
    watch = row.get("watch_m_msl")
    calm_m = bank_m - USUAL_RISE_M if watch in (None, "") else float(str(watch)) - BELOW_WATCH_M
    over_m = UPSTREAM_OVER_BANK_M + (DOWNSTREAM_OVER_BANK_M - UPSTREAM_OVER_BANK_M) * along**ALONG_POWER
    return StationWater(calm_m_msl=calm_m, peak_m_msl=bank_m + over_m, along=along)


def _swell(after_h: float) -> float:
    """From 0 before the storm smoothly to 1 at its crest, and down to what is left over."""
    if after_h <= PEAK_H:
        return _smooth((after_h - RISE_FROM_H) / (PEAK_H - RISE_FROM_H))
    return 1.0 - (1.0 - LEFT_OVER) * _smooth((after_h - PEAK_H) / (CALM_H - PEAK_H))


def _smooth(share: float) -> float:
    share = min(max(share, 0.0), 1.0)
    return share * share * (3.0 - 2.0 * share)
