"""The parameters that follow from what is known of a station: its property, its bank and bed, how often it speaks."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

from sensors.quality import defaults
from sensors.quality.parameters import Parameters, Range


@dataclass(frozen=True)
class Site:
    """What a city pack says of a station and its datastream, in the datastream's unit and datum."""

    observed_property: str
    bank: float | None
    bed: float | None
    range_min: float
    range_max: float
    interval_s: float


@functools.lru_cache(maxsize=4096)
def parameters_of(site: Site) -> Parameters:
    """The first version of the parameters; nobody has looked at this station's record yet.

    A level's datum is held against its bank; without a known bank only the range that the site allows is left.
    """
    if site.observed_property == "rainfall":
        return defaults.rain(sum_over_s=site.interval_s, interval_s=site.interval_s)
    if site.bank is not None:
        return defaults.water_level(bank_m=site.bank, bed_m=site.bed, interval_s=site.interval_s)
    level = defaults.water_level(bank_m=0.0, bed_m=None, interval_s=site.interval_s)
    return replace(level, datum=None, range=Range(fail_min=site.range_min, fail_max=site.range_max))
