"""What forecasters say, what they fall back to, and that a kept one says the same."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from core.errors import InvalidInputError
from core.settings import ROOT
from sensors.nowcast import stored
from sensors.nowcast.boosting import _grown, boosting
from sensors.nowcast.features import Design, design
from sensors.nowcast.fitted import STILL, Fitted, Forecaster, Inputs
from sensors.nowcast.forecast import PERSISTENCE
from sensors.nowcast.grid import History
from sensors.nowcast.linear import Recipe, Rows, damped_trend, ridge
from tests.sensors.nowcast.conftest import as_history

HORIZONS_H = (1.0, 3.0)
RIDGE = Forecaster("ridge", ridge, HORIZONS_H)


@pytest.fixture(scope="module")
def fitted(river: History) -> Fitted:
    return RIDGE.fit(river)


def without(recent: History, *, rain: bool = False, upstream: bool = False) -> History:
    """The same with inputs that fell silent three hours ago."""

    def silent(series: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: np.where(np.arange(len(one)) < len(one) - 12, one, np.nan) for name, one in series.items()}

    return replace(
        recent,
        rain_mm=silent(dict(recent.rain_mm)) if rain else recent.rain_mm,
        upstream=silent(dict(recent.upstream)) if upstream else recent.upstream,
    )


@pytest.mark.parametrize("recipe", [ridge, damped_trend])
def test_a_steady_rise_goes_on(recipe: Recipe) -> None:
    """A level that always rose 2 cm an hour is expected to rise 2 cm in the next one."""
    rise = as_history(0.005 * np.arange(1200.0))
    ahead = Forecaster("it", recipe, (1.0,)).fit(rise).predict(rise, (1.0,)).ahead[0]
    assert ahead.level - rise.level[-1] == pytest.approx(0.02, abs=0.002)


def test_persistence_stays(river: History) -> None:
    """Persistence says the newest level, has a doubt, and is not shown."""
    ahead = STILL.fit(river).predict(river, (1.0,)).ahead[0]
    assert (ahead.level, ahead.is_shown) == (river.level[-1], False)
    assert ahead.low < ahead.level < ahead.high


def test_the_gauge_above_tells_of_the_next_hour(river: History, fitted: Fitted) -> None:
    """Of a copy that comes two hours later, the next hour is known but for the noise."""
    points = list(range(800, 1400, 40))
    errors = [
        fitted.predict(river.between(0, point + 1), (1.0,)).ahead[0].level - river.level[point + 4] for point in points
    ]
    still = [river.level[point] - river.level[point + 4] for point in points]
    assert np.std(errors) < 0.3 * np.std(still)


def test_the_richest_whole_inputs_speak(river: History, fitted: Fitted) -> None:
    """With all inputs there, nothing is explained away."""
    forecast = fitted.predict(river, HORIZONS_H)
    assert forecast.why == ()
    assert [ahead.forecaster for ahead in forecast.ahead] == ["ridge", "ridge"]


@pytest.mark.parametrize(
    ("gone", "why", "inputs"),
    [
        ({"rain": True}, ("missing:rain",), Inputs(upstream=("U",))),
        ({"upstream": True}, ("missing:upstream:U",), Inputs(rain=("R",))),
        ({"rain": True, "upstream": True}, ("missing:rain", "missing:upstream:U"), Inputs()),
    ],
)
def test_a_silent_input_is_left_out_and_named(
    river: History, fitted: Fitted, gone: dict[str, bool], why: tuple[str, ...], inputs: Inputs
) -> None:
    """Without an input the model that never knew of it speaks, as if fitted alone, and the reason is told."""
    recent = without(river, **gone)
    ahead = fitted.predict(recent, (1.0,)).ahead[0]
    alone = next(way for way in fitted.ways if way.inputs == inputs).models[1.0]
    expected = alone.predictor.changes(inputs.design(recent))[-1]
    assert ahead.level == pytest.approx(recent.level[-1] + expected)
    assert set(ahead.why) == set(why)


def test_water_unlike_all_that_was_fitted_on_is_not_forecast(river: History, fitted: Fitted) -> None:
    """A gauge above that stands metres higher than ever: the level stands, nothing is shown, and why is told.

    The poorer models, which do not see that gauge and would find nothing strange, are silent too.
    """
    last = np.arange(len(river)) == len(river) - 1
    strange = replace(river, upstream={"U": river.upstream["U"] + np.where(last, 5.0, 0.0)})
    for ahead in fitted.predict(strange, HORIZONS_H).ahead:
        assert (ahead.forecaster, ahead.level, ahead.is_shown) == (PERSISTENCE, river.level[-1], False)
        assert ahead.why == ("outside_experience",)


def test_without_the_levels_of_the_last_hours_persistence_speaks(river: History, fitted: Fitted) -> None:
    """A gauge that has just come back has no slope: the level stands, nothing is shown, and why is told."""
    level = np.where(np.arange(len(river)) < len(river) - 1, np.nan, river.level)
    ahead = fitted.predict(replace(river, level=level, is_measured=np.isfinite(level)), (1.0,)).ahead[0]
    assert (ahead.forecaster, ahead.level) == (PERSISTENCE, river.level[-1])
    assert "missing:level" in ahead.why


def test_without_a_level_nothing_is_said(river: History, fitted: Fitted) -> None:
    """No level at the origin, no forecast, not even that it stays."""
    silent = replace(river, level=np.where(np.arange(len(river)) == len(river) - 1, np.nan, river.level))
    forecast = fitted.predict(silent, (1.0,))
    assert (forecast.ahead, forecast.nothing) == ((), ((1.0, "missing:level"),))


def test_a_horizon_nobody_fitted_is_said_to_be_so(river: History, fitted: Fitted) -> None:
    """There is no answer for two hours where one and three were fitted."""
    assert fitted.predict(river, (2.0,)).nothing == ((2.0, "not_fitted"),)


def test_too_short_a_history_fits_nothing() -> None:
    """A day of readings is no ground for a model."""
    short = as_history(np.sin(np.arange(96.0)))
    assert RIDGE.fit(short).predict(short, (1.0,)).nothing == ((1.0, "not_fitted"),)


def test_another_grid_is_refused(river: History, fitted: Fitted) -> None:
    """A model of 15 minutes says nothing of 10 minutes."""
    with pytest.raises(InvalidInputError, match="900 s, not of 600 s"):
        fitted.predict(replace(river, step_s=600.0), (1.0,))


def test_the_bands_lie_around_the_level_and_the_wider_is_wider(river: History, fitted: Fitted) -> None:
    """Nine of ten lie in a band that holds the band of eight of ten."""
    for ahead in fitted.predict(river, HORIZONS_H).ahead:
        eight, nine = ahead.bands
        assert nine.low <= eight.low <= ahead.level <= eight.high <= nine.high


@pytest.mark.parametrize("recipe", [ridge, damped_trend, boosting])
def test_what_was_kept_says_the_same(river: History, recipe: Recipe) -> None:
    """A model written as JSON and read again is equal and says the same."""
    alone = replace(river, rain_mm={}, upstream={})
    fitted = Forecaster("it", recipe, (1.0,)).fit(alone)
    read = stored.from_json(stored.as_json(fitted))
    assert read == fitted
    assert read.predict(alone, (1.0,)) == fitted.predict(alone, (1.0,))


@pytest.mark.parametrize("text", ["{}", "not json", '{"version": 1, "fitted": {}}'])
def test_a_document_of_another_kind_is_refused(text: str) -> None:
    """What cannot be read is fitted again, never guessed at."""
    with pytest.raises(InvalidInputError, match="fit it again"):
        stored.from_json(text)


def test_kept_trees_say_what_scikit_learn_says(river: History) -> None:
    """The trees are read from where scikit-learn keeps them: if that changes, this fails."""
    seen, changes = design(river), river.changes(1.0)
    usable = np.flatnonzero(seen.is_whole & np.isfinite(changes))
    rows = Rows(seen.names, seen.values[usable], changes[usable], 1.0, 4)
    trees = boosting(rows)
    theirs = trees.shrink * _grown(rows).predict(rows.values)
    np.testing.assert_allclose(trees.changes(Design(rows.names, rows.values)), theirs, atol=1e-12)


@pytest.mark.parametrize("recipe", [ridge, boosting])
def test_the_same_history_fits_the_same_model(river: History, recipe: Recipe) -> None:
    """Nothing is left to chance."""
    alone = replace(river, rain_mm={}, upstream={})
    forecaster = Forecaster("it", recipe, (1.0,))
    assert forecaster.fit(alone) == forecaster.fit(alone)


def test_whoever_only_forecasts_loads_no_scikit_learn() -> None:
    """Kept models speak without the library that grew them: only a process that fits trees loads it."""
    program = "import sys, sensors.nowcast.stored, sensors.nowcast.choice; print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
