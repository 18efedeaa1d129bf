"""Parameters to begin with, where nobody who knows the site has set others; each figure with its source."""

from __future__ import annotations

from dataclasses import replace

from sensors.quality.parameters import Clock, Datum, FlatLine, Parameters, Range, Rate, Spike
from sensors.rules import (
    CLOCK_AHEAD_AFTER,
    REFUSED_WHEN_AHEAD_BY,
    REFUSED_WHEN_OLDER_THAN,
    SENTINELS,
    STALE_AFTER_INTERVALS,
)

CLOCK = Clock(
    ahead_suspect_s=CLOCK_AHEAD_AFTER.total_seconds(),
    ahead_fail_s=REFUSED_WHEN_AHEAD_BY.total_seconds(),
    too_old_s=REFUSED_WHEN_OLDER_THAN.total_seconds(),
)
# Jakarta's gates, a reading every 10 min: jumps above 1 m from one to the next are faults or pumps (317 of 62,925).
# Three times as fast is taken for no water at all; assumed.
LEVEL_RATE = Rate(suspect_per_s=1.0 / 600, fail_per_s=3.0 / 600)
# Assumed: boats and pumps move a canal by less than 0.3 m for one reading; the official steps of a warning are 0.5 m.
LEVEL_SPIKE = Spike(suspect=0.3, fail=1.0)
# Assumed: no step of more than a millimetre, the finest that gauges tell, for two days, and for a week. So none of
# 13,732 levels of the Calder's dry August are flat, and 485 of 62,784 of Jakarta's, told to the centimetre; with 5 mm
# 2,123 of the Calder's were.
LEVEL_FLAT = FlatLine(tolerance=0.002, suspect_after_s=2 * 86_400.0, fail_after_s=7 * 86_400.0)
# The envelope of the greatest rains ever measured is 422 mm times (hours to the power of 0.475): A. H. Jennings,
# World's greatest observed point rainfalls, Monthly Weather Review 78 (1950); the record of 24 h, 1,825 mm, lies below.
RAIN_ENVELOPE_MM, RAIN_EXPONENT = 422.0, 0.475
# Assumed: a quarter of it, 105 mm in 1 h and 478 mm in 24 h. Bangkok's false record of 762 mm in 24 h lies above.
RAIN_SUSPECT_SHARE = 0.25


def water_level(*, bank_m: float, bed_m: float | None, interval_s: float) -> Parameters:
    """Parameters of a level in metres, in the same datum as bank and bed, a reading every `interval_s` seconds.

    Negative levels are as good as others. Where the bed lies deep below the bank, low water is not called far from it.
    """
    datum = Datum(bank=bank_m, bed=bed_m)
    if bed_m is not None:
        datum = replace(datum, far=max(datum.far, bank_m - bed_m + datum.below_bed))
    return Parameters(
        version=1,
        rate=LEVEL_RATE,
        spike=LEVEL_SPIKE,
        flat_line=LEVEL_FLAT,
        gap_s=STALE_AFTER_INTERVALS * interval_s,
        clock=CLOCK,
        datum=datum,
        sentinels=SENTINELS,
    )


def rain(*, sum_over_s: float, interval_s: float) -> Parameters:
    """Parameters of rain in mm, each reading a sum over `sum_over_s` seconds, one every `interval_s` seconds.

    Rain begins and ends at once and is zero for weeks: rate, spike and flat line are not run.
    """
    most_mm = RAIN_ENVELOPE_MM * (sum_over_s / 3600.0) ** RAIN_EXPONENT
    return Parameters(
        version=1,
        range=Range(fail_min=0.0, fail_max=most_mm, suspect_max=RAIN_SUSPECT_SHARE * most_mm),
        gap_s=STALE_AFTER_INTERVALS * interval_s,
        clock=CLOCK,
        sentinels=SENTINELS,
    )
