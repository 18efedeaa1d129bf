"""Which forecaster may be shown for which horizon and inputs: one that was better than persistence, beyond chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sensors.nowcast.fitted import NO_SKILL, Fitted, Forecaster, Inputs, Way, fit_model, fit_still
from sensors.nowcast.grid import History
from sensors.nowcast.skill import Score, edges, judge, score

# Settled in the rehearsal of 0023, on weeks that are neither fitted on nor held out.
LEAST_RISING_DAYS = 5  # Fewer days with rising water tell of these days, not of the gauge.
MARGIN = 0.1


@dataclass(frozen=True)
class Choice:
    """What was judged for one set of inputs and one horizon, and who may be shown: nobody if `forecaster` is None."""

    inputs: Inputs
    horizon_h: float
    forecaster: str | None
    scores: Mapping[str, Score]


def is_fit_to_show(found: Score) -> bool:
    """A skill above the margin in 19 of 20 resamples of days, on rising water and on all; none lost in any quarter."""
    is_sure = min(found.rising_least, found.skill_least) > MARGIN
    return is_sure and found.worst_part > 0.0 and found.rising_days >= LEAST_RISING_DAYS


def choose(
    history: History,
    forecasters: Sequence[Forecaster],
    *,
    ways: Sequence[Inputs],
    horizons_h: Sequence[float],
    seed: int,
) -> tuple[Choice, ...]:
    """For each set of inputs and horizon the forecaster with the best skill on rising water of those fit to show.

    `ways` are usually all of `fitted.ways_of(history)`: what is shown when an input is missing needs its own skill.
    """
    return tuple(
        _choice(history, forecasters, inputs=inputs, horizon_h=horizon_h, seed=seed)
        for inputs in ways
        for horizon_h in horizons_h
    )


def _choice(
    history: History, forecasters: Sequence[Forecaster], *, inputs: Inputs, horizon_h: float, seed: int
) -> Choice:
    scores = {}
    for forecaster in forecasters:
        judged = judge(forecaster, history, inputs=inputs, horizon_h=horizon_h, edges=edges(history))
        if judged is not None:
            scores[forecaster.name] = score(judged, seed=seed)
    fit = [name for name, found in scores.items() if is_fit_to_show(found)]
    best = max(fit, key=lambda name: scores[name].rising_skill, default=None)
    return Choice(inputs, horizon_h, best, scores)


def fit_chosen(history: History, choices: Sequence[Choice], forecasters: Sequence[Forecaster]) -> Fitted:
    """The chosen forecasters fitted on the whole history; without one the poorer ways speak, then persistence."""
    by_name = {forecaster.name: forecaster for forecaster in forecasters}
    ways = []
    for inputs in dict.fromkeys(choice.inputs for choice in choices):
        seen = inputs.design(history)
        found = {
            choice.horizon_h: fit_model(by_name[choice.forecaster], history, seen, choice.horizon_h)
            for choice in choices
            if choice.inputs == inputs and choice.forecaster is not None
        }
        models = {horizon_h: model for horizon_h, model in found.items() if model is not None}
        ways.append(Way(inputs, models, absent=NO_SKILL))
    return Fitted(history.step_s, tuple(ways), fit_still(history, [choice.horizon_h for choice in choices]))
