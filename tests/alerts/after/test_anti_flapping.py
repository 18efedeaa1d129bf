"""Water that hangs about a limit, jumps, or is not heard any more: what residents are told, reading to message."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.replaying import Replayed
from tests.alerts.after.noise import CALM_M, LIMITS, told_of

NOISE_M = 0.01
WITHIN = {1: LIMITS.watch, 2: LIMITS.warning, 3: LIMITS.danger}
DAY_MIN = 24 * 60
FALL_MIN = 20.0


def _day_at(level: int, *, every_min: float, rise_min: float, noise: random.Random) -> Iterator[tuple[float, float]]:
    """Calm water, a rise, a day within 1 cm of the limit of this level, a fall, and six hours of calm water again."""
    limit = WITHIN[level]
    assert limit is not None
    minute, calm_min = 0.0, 6 * 60
    while minute < 2 * calm_min + rise_min + DAY_MIN:
        from_rise, from_fall = minute - calm_min, minute - calm_min - rise_min - DAY_MIN
        risen = min(max(from_rise / rise_min, 0.0), 1.0) if rise_min else float(from_rise >= 0)
        fallen = min(max(from_fall / FALL_MIN, 0.0), 1.0)
        yield minute, CALM_M + (limit - CALM_M) * (risen - fallen) + noise.uniform(-NOISE_M, NOISE_M)
        minute += every_min


def _assert_calm(found: Replayed, level: int) -> None:
    """One alert for each level that was passed, in order, one all-clear at the end, and nothing proposed in vain."""
    levels = [one.level for one in found.told if one.kind != "all_clear"]
    assert levels == sorted(set(levels))
    assert levels[-1] == level
    assert [one.kind for one in found.told] == ["alert", *["update"] * (len(levels) - 1), "all_clear"]
    assert (found.proposed, found.withdrawn) == (len(found.told), 0)
    assert {one.event_id for one in found.told} == {1}


@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize("every_min", [1, 5, 15])
@pytest.mark.parametrize("rise_min", [0, 90])
def test_a_day_within_one_centimetre_of_a_limit_is_one_alert_per_level(
    level: int, every_min: int, rise_min: int
) -> None:
    """±1 cm of noise for 24 h: hundreds of naive crossings, one alert per level, one all-clear, one event."""
    found = told_of(_day_at(level, every_min=every_min, rise_min=rise_min, noise=random.Random(every_min + level)))
    assert found.naive_by_level[level] >= 15
    _assert_calm(found, level)


@settings(max_examples=25)
@given(
    level=st.sampled_from([1, 2, 3]), every_min=st.sampled_from([5.0, 7.0, 10.0, 15.0]),
    rise_min=st.floats(0, 240), seed=st.integers(0, 2**32),
)
def test_whatever_the_noise_it_is_one_alert_per_level(
    level: int, every_min: float, rise_min: float, seed: int
) -> None:
    """However the centimetre falls, and however fast the water came."""
    noise = random.Random(seed)
    _assert_calm(told_of(_day_at(level, every_min=every_min, rise_min=rise_min, noise=noise)), level)


def _steps(*parts: tuple[float, float], every_min: float = 5.0) -> list[tuple[float, float]]:
    """So many hours of each level, one reading every so many minutes, with four millimetres of life in it."""
    levels = [level_m for hours, level_m in parts for _ in range(round(hours * 60 / every_min))]
    return [(n * every_min, level_m + (n % 3) * 0.002) for n, level_m in enumerate(levels)]


@pytest.mark.parametrize(("high_m", "level"), [(3.5, 2), (4.5, 3)])
def test_a_jump_over_levels_is_one_alert_at_the_highest(high_m: float, level: int) -> None:
    """From calm water to warning or danger between two readings: nobody hears of the levels between."""
    found = told_of(_steps((6, CALM_M), (6, high_m)))
    assert [(one.kind, one.level) for one in found.told] == [("alert", level)]


SILENCES = {
    "nothing": [],
    "-999": [-999.0] * 288,
    "999999": [999999.0] * 288,
    "zero": [0.0] * 288,
    "stuck": [4.301] * 288,
}


@pytest.mark.parametrize("said", SILENCES.values(), ids=SILENCES.keys())
def test_a_gauge_that_is_not_to_be_believed_gives_no_all_clear(said: list[float]) -> None:
    """While danger stands, a silent, stuck or raving gauge for a day is no lower water: the level stays."""
    before = _steps((6, CALM_M), (2, 4.3))
    start = len(before) * 5.0
    after = [(start + 5.0 * n, level_m) for n, level_m in enumerate(said)] or [(start + DAY_MIN, 4.31)]
    found = told_of([*before, *after])
    assert [(one.kind, one.level) for one in found.told] == [("alert", 3)]


def test_the_gauge_that_speaks_again_ends_the_alert() -> None:
    """Silence only holds the alert: the all-clear comes with good readings of calm water."""
    high = _steps((6, CALM_M), (2, 4.3))
    low = [(minute + 20 * 60, level_m) for minute, level_m in _steps((6, CALM_M))]
    found = told_of([*high, *low])
    assert [(one.kind, one.level) for one in found.told] == [("alert", 3), ("all_clear", 3)]


def test_short_dips_are_one_event_and_real_waves_are_several() -> None:
    """A dip of 20 min within a flood is not told; a second flood after six calm hours is a second event."""
    dip = told_of(_steps((6, CALM_M), (3, 3.3), (1 / 3, 2.5), (3, 3.3), (6, CALM_M)))
    assert [(one.kind, one.level) for one in dip.told] == [("alert", 2), ("all_clear", 2)]
    waves = told_of(_steps((6, CALM_M), (3, 3.3), (6, CALM_M), (3, 3.3), (6, CALM_M)))
    assert [one.kind for one in waves.told] == ["alert", "all_clear"] * 2
    assert len({one.event_id for one in waves.told}) == 2


def test_water_that_goes_down_slowly_is_told_step_by_step_as_each_alert_runs_out() -> None:
    """Danger for an hour, then days at warning and at watch: what still is is told once the higher alert has lapsed."""
    found = told_of(_steps((6, CALM_M), (1, 4.3), (24, 3.3), (24, 2.3), (6, CALM_M), every_min=10.0))
    assert [(one.kind, one.level) for one in found.told] == [
        ("alert", 3), ("alert", 2), ("alert", 1), ("all_clear", 3),
    ]
    assert {one.event_id for one in found.told} == {1}
