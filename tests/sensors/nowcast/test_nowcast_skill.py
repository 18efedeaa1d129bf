"""Skill in rolling folds, intervals that hold, and who may be shown."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from sensors.nowcast.choice import choose, fit_chosen, is_fit_to_show
from sensors.nowcast.doubt import Said, bands_along, learn_doubt
from sensors.nowcast.features import design
from sensors.nowcast.fitted import Forecaster, Inputs, fit_model, ways_of
from sensors.nowcast.forecast import Skill
from sensors.nowcast.grid import Array, History
from sensors.nowcast.linear import damped_trend, ridge
from sensors.nowcast.skill import MARGIN, Crossings, Judged, Score, chance, crossings, edges, judge, score, skill

FORECASTERS = (Forecaster("damped", damped_trend, (1.0,)), Forecaster("ridge", ridge, (1.0,)))
RIDGE = FORECASTERS[1]
FULL = Inputs(rain=("R",), upstream=("U",))


def judged(said: list[float], true: list[float], *, level: float = 0.0) -> Judged:
    number = len(true)
    return Judged(
        times_s=43_200.0 * np.arange(number, dtype=np.float64),
        levels=np.full(number, level),
        said=np.array(said),
        true=np.array(true),
        bands=np.tile([[[-1.0, 1.0], [-2.0, 2.0]]], (number, 1, 1)),
        is_inside=np.ones(number, dtype=np.bool_),
    )


def test_skill_is_nought_for_persistence_one_for_the_truth_and_less_for_worse() -> None:
    """PI = 1 - MSE / MSE of persistence."""
    true = [0.1, -0.2, 0.3]
    assert skill(judged([0.0, 0.0, 0.0], true)) == 0.0
    assert skill(judged(true, true)) == 1.0
    assert skill(judged([0.2, -0.4, 0.6], true)) == pytest.approx(0.0)
    assert skill(judged([-0.1, 0.2, -0.3], true)) == pytest.approx(-3.0)


def test_rising_water_is_the_tenth_that_rose_most() -> None:
    """Of twenty origins two are rising, and none where the water only falls."""
    true = [0.01 * number for number in range(20)]
    assert np.flatnonzero(judged(true, true).is_rising).tolist() == [18, 19]
    falling = [-0.01 * number for number in range(20)]
    assert not judged(falling, falling).is_rising.any()


def test_a_skill_from_one_day_is_less_sure_than_the_same_from_many() -> None:
    """What holds on one good day and fails on the others is chance, the same skill on every day is none."""
    steady = judged([0.05] * 40, [0.1] * 40)
    lucky = judged([1.0, 1.0] + [-0.05] * 38, [1.0, 1.0] + [0.1] * 38)
    assert min(score(lucky).skill, score(steady).skill) > 0.6
    assert score(steady).chance < 0.001
    assert score(lucky).chance > 0.05


def test_a_few_days_prove_nothing() -> None:
    """Four days of the best forecast are not enough to say anything, thirty are."""
    rise = (0.1 + np.random.default_rng(1).random(60)).tolist()
    assert chance(judged(rise[:8], rise[:8])) == 1.0
    assert chance(judged(rise, rise)) < 0.001


def test_a_skill_that_is_just_the_margin_passes_as_often_as_the_test_says() -> None:
    """At one in twenty no more than one in ten passes that should not, though the errors of two days are kin."""
    rng = np.random.default_rng(5)

    def series() -> Array:
        return np.asarray(np.convolve(rng.normal(0.0, 0.1, 63), np.ones(4), mode="valid"))

    found = []
    for _ in range(300):
        true, error = series(), np.sqrt(1.0 - MARGIN) * series()
        found.append(chance(judged((true + error).tolist(), true.tolist())))
    assert 0.02 < np.mean(np.array(found) < 0.05) < 0.1


def test_what_is_tried_shares_the_chance() -> None:
    """What one test lets pass is not shown where nine were tried: of many one shines by chance."""
    found = Score(
        rows=500, share=0.9, rising_share=0.8, skill=0.4, chance=0.01, rising_skill=0.4, rising_chance=0.02,
        rising_days=9, worst_part=0.1,
    )
    assert is_fit_to_show(found, tried=2)
    assert not is_fit_to_show(found, tried=9)
    assert not is_fit_to_show(replace(found, worst_part=-0.1), tried=1)
    assert not is_fit_to_show(replace(found, rising_days=4), tried=1)
    assert not is_fit_to_show(replace(found, share=0.19), tried=1)


def test_what_is_not_shown_is_not_judged() -> None:
    """Skill is that of the moments at which the forecaster speaks; how many of all and of the rising ones is told."""
    true = [0.01 * number for number in range(20)]
    half = np.arange(20) < 19
    found = score(replace(judged([*true[:19], -9.0], true), is_inside=half))
    assert (found.rows, found.skill) == (19, 1.0)
    assert (found.share, found.rising_share) == (0.95, 0.5)


def test_crossings_count_only_from_below() -> None:
    """Hit, miss and false alarm of a threshold one metre above; from above there is nothing to warn of."""
    assert crossings(judged([1.2, 0.2, 1.2, 0.2], [1.1, 1.1, 0.1, 0.1]), 1.0) == Crossings(1, 1, 1)
    assert crossings(judged([1.2], [1.1], level=2.0), 1.0) == Crossings(0, 0, 0)


def test_the_future_changes_no_past_forecast(river: History) -> None:
    """Whatever comes after an edge, shuffled or not, what was said before it is the same to the last bit."""
    cut = edges(river)[2]
    order = np.concatenate([np.arange(cut), cut + np.random.default_rng(0).permutation(len(river) - cut)])

    def shuffled(series: Array) -> Array:
        return np.asarray(series[order])

    other = replace(
        river,
        level=shuffled(river.level),
        rain_mm={"R": shuffled(river.rain_mm["R"])},
        upstream={"U": shuffled(river.upstream["U"])},
    )
    found = [
        judge(FORECASTERS[1], history, inputs=FULL, horizon_h=1.0, edges=edges(river)) for history in (river, other)
    ]
    assert found[0] is not None
    assert found[1] is not None
    before = found[0].times_s < river.times_s[cut] - 3600.0
    assert before.sum() > 300
    np.testing.assert_array_equal(found[0].said[before], found[1].said[before])
    np.testing.assert_array_equal(found[0].bands[before], found[1].bands[before])
    assert not np.array_equal(found[0].said[~before], found[1].said[~before])


def test_a_fit_knows_no_truth_of_its_own_future(river: History) -> None:
    """The model of an edge is the model of a history that ends there."""
    cut = 900
    seen = design(river, upstream=("U",))
    cut_off = fit_model(FORECASTERS[1], river.between(0, cut), seen.rows(0, cut), 1.0)
    alone = fit_model(FORECASTERS[1], river.between(0, cut), design(river.between(0, cut), upstream=("U",)), 1.0)
    assert cut_off == alone


def test_the_folds_hold_as_many_readings_each(river: History) -> None:
    """A hole of days makes no fold without readings."""
    holed = replace(river, is_measured=(np.arange(len(river)) < 600) | (np.arange(len(river)) > 1300))
    found = edges(holed)
    counts = [holed.is_measured[first:end].sum() for first, end in itertools.pairwise(found)]
    assert max(counts) - min(counts) <= 2
    assert found[-1] == len(river)


def test_noise_is_never_shown(noise: History) -> None:
    """Where nothing foretells the level nobody is chosen, and the forecast says so and is not shown."""
    choices = choose(noise, FORECASTERS, ways=ways_of(noise), horizons_h=(1.0,))
    assert {choice.forecaster for choice in choices} == {None}
    ahead = fit_chosen(noise, choices, FORECASTERS).predict(noise, (1.0,)).ahead[0]
    assert (ahead.is_shown, ahead.why) == (False, ("no_skill",))


def test_a_copy_of_the_gauge_above_is_shown(river: History) -> None:
    """Two hours of foreknowledge are skill, and ridge finds it."""
    choices = choose(river, FORECASTERS, ways=(FULL,), horizons_h=(1.0,))
    assert choices[0].forecaster == "ridge"
    assert choices[0].scores["ridge"].rising_skill > 0.7
    ahead = fit_chosen(river, choices, FORECASTERS).predict(river, (1.0,)).ahead[0]
    assert ahead.is_shown
    assert ahead.skill == Skill(choices[0].scores["ridge"].skill, choices[0].scores["ridge"].rising_skill)


def said(spread: Array, *, seed: int) -> Said:
    rng = np.random.default_rng(seed)
    number = len(spread)
    return Said(
        times_s=900.0 * np.arange(number, dtype=np.float64),
        changes=np.zeros(number),
        true=rng.normal(0.0, spread),
        activity=np.ones(number),
        is_inside=np.ones(number, dtype=np.bool_),
        horizon_s=3600.0,
    )


@pytest.mark.parametrize("after", [1.0, 4.0])
def test_bands_cover_what_they_say_also_when_the_errors_grow(after: float) -> None:
    """Within five points of 80 and 90 %, though the errors of the weeks judged are four times those of the fit."""
    doubt = learn_doubt(said(np.ones(800), seed=1))
    later = said(np.full(3000, after), seed=2)
    ends, _ = bands_along(doubt, later)
    for column, nominal in enumerate((0.8, 0.9)):
        inside = (later.true >= ends[:, column, 0]) & (later.true <= ends[:, column, 1])
        assert inside.mean() == pytest.approx(nominal, abs=0.05)


def test_an_error_counts_only_once_its_horizon_is_over() -> None:
    """A band does not know of an error that nobody could know yet."""
    doubt = learn_doubt(said(np.ones(600), seed=1))
    later = said(np.ones(50), seed=2)
    wild = replace(later, true=np.where(np.arange(50) >= 20, 1000.0, later.true))
    quiet, _ = bands_along(doubt, later)
    moved, _ = bands_along(doubt, wild)
    np.testing.assert_array_equal(quiet[:24], moved[:24])
    assert (moved[24, :, 1] > quiet[24, :, 1]).all()


def test_busier_water_has_wider_bands() -> None:
    """Where errors go with the water's activity, so do the bands."""
    busy = np.tile([1.0, 5.0], 400)
    learnt = learn_doubt(replace(said(busy, seed=3), activity=busy))
    ends, _ = bands_along(learnt, replace(said(np.ones(2), seed=4), activity=np.array([1.0, 5.0])))
    width = ends[:, 0, 1] - ends[:, 0, 0]
    assert width[1] > 3.0 * width[0]


def test_a_flood_of_errors_outside_the_experience_leaves_the_bands_as_they_were() -> None:
    """What is never shown teaches no band: errors a hundred times as great outside, before a fit or since, move none.

    The same errors counted move them, so the flood was there.
    """
    is_inside = np.arange(1200) % 3 > 0
    calm = [replace(said(np.ones(1200), seed=seed), is_inside=is_inside) for seed in (5, 6)]
    flood = [replace(one, true=np.where(is_inside, one.true, 100.0 * one.true)) for one in calm]
    counted = [replace(one, is_inside=np.ones(1200, dtype=np.bool_)) for one in flood]
    expected, moved, mixed = (bands_along(learn_doubt(fit), since)[0] for fit, since in (calm, flood, counted))
    np.testing.assert_allclose(moved, expected)
    assert (mixed[600:, 0, 1] - mixed[600:, 0, 0]).mean() > 2.0 * (expected[600:, 0, 1] - expected[600:, 0, 0]).mean()


def test_a_fit_without_enough_moments_inside_learns_from_all() -> None:
    """Of a few scores no band can be told: then what was said outside counts, and the bands begin as wide as that."""
    one = said(np.where(np.arange(600) < 560, 10.0, 0.1), seed=9)
    few, enough = (replace(one, is_inside=np.arange(600) >= first) for first in (561, 560))
    known = learn_doubt(replace(one, is_inside=np.ones(600, dtype=np.bool_)))
    assert learn_doubt(few) == known
    assert max(np.abs(learn_doubt(enough).scores)) < max(np.abs(known.scores)) / 10.0


def test_a_forecast_on_duty_learns_nothing_of_errors_outside(river: History) -> None:
    """Hours of strange water above, not shown, leave the band of the next moment inside as it would have been."""
    split = len(river) - 100
    fitted = RIDGE.fit(river.between(0, split))
    strange = np.zeros(len(river), dtype=np.bool_)
    strange[split + 10 : split + 40] = True
    above = river.upstream["U"] + np.where(strange, 50.0, 0.0)
    flood = replace(river, upstream={"U": above})
    calm = fitted.predict(river, (1.0,)).ahead[0]
    after = fitted.predict(flood, (1.0,)).ahead[0]
    assert (after.forecaster, after.level) == (calm.forecaster, calm.level)
    assert after.high - after.low < 1.5 * (calm.high - calm.low)
