"""Which forecaster may be shown for which horizon and inputs: one that was better than persistence, beyond chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sensors.nowcast.doubt import NOMINALS
from sensors.nowcast.fitted import NO_SKILL, Fitted, Forecaster, Inputs, Way, fit_model, fit_still
from sensors.nowcast.forecast import Skill
from sensors.nowcast.grid import History
from sensors.nowcast.skill import Score, edges, judge, score

# Settled in the rehearsal of 0023, on weeks that are neither fitted on nor held out.
LEAST_RISING_DAYS = 5  # Fewer days with rising water tell of these days, not of the gauge.
LEAST_SHARE = 0.2  # Who speaks more seldom is no help, however good.
CHANCE = 0.05  # How likely one of all that is tried for a gauge may be shown though it has no skill worth it.


@dataclass(frozen=True)
class Choice:
    """What was judged for one set of inputs and one horizon, and who may be shown: nobody if `forecaster` is None.

    `coverage` is the share of truths in the chosen one's bands where it speaks, per nominal as in `doubt.NOMINALS`.
    """

    inputs: Inputs
    horizon_h: float
    forecaster: str | None
    scores: Mapping[str, Score]
    coverage: tuple[float, ...] = ()

    @property
    def score(self) -> Score | None:
        """How the chosen one did."""
        return None if self.forecaster is None else self.scores[self.forecaster]


def is_fit_to_show(found: Score, *, tried: int) -> bool:
    """A skill above the margin beyond chance, on rising water and on all, and above 0 in each quarter of the time.

    It is that of the moments inside the models' experience, which are at least a fifth of all.
    Of many that are tried one shines by chance: `tried` tests share the chance of being wrong (Bonferroni).
    """
    is_sure = max(found.chance, found.rising_chance) * tried <= CHANCE
    is_steady = found.worst_part > 0.0 and found.rising_days >= LEAST_RISING_DAYS
    return is_sure and is_steady and found.share >= LEAST_SHARE


def choose(
    history: History, forecasters: Sequence[Forecaster], *, ways: Sequence[Inputs], horizons_h: Sequence[float]
) -> tuple[Choice, ...]:
    """For each set of inputs and horizon the forecaster with the best skill on rising water of those fit to show.

    `ways` are usually all of `fitted.ways_of(history)`: what is shown when an input is missing needs its own skill.
    """
    tried = len(forecasters) * len(ways) * len(horizons_h)
    return tuple(
        _choice(history, forecasters, inputs=inputs, horizon_h=horizon_h, tried=tried)
        for inputs in ways
        for horizon_h in horizons_h
    )


def _choice(
    history: History, forecasters: Sequence[Forecaster], *, inputs: Inputs, horizon_h: float, tried: int
) -> Choice:
    judged = {}
    for forecaster in forecasters:
        found = judge(forecaster, history, inputs=inputs, horizon_h=horizon_h, edges=edges(history))
        if found is not None and found.is_inside.any():
            judged[forecaster.name] = found
    scores = {name: score(found) for name, found in judged.items()}
    fit = [name for name, found in scores.items() if is_fit_to_show(found, tried=tried)]
    best = max(fit, key=lambda name: scores[name].rising_skill, default=None)
    coverage = () if best is None else tuple(judged[best].inside.coverage(nominal) for nominal in NOMINALS)
    return Choice(inputs, horizon_h, best, scores, coverage)


def fit_chosen(history: History, choices: Sequence[Choice], forecasters: Sequence[Forecaster]) -> Fitted:
    """The chosen forecasters fitted on the whole history; without one the poorer ways speak, then persistence."""
    by_name = {forecaster.name: forecaster for forecaster in forecasters}
    ways = []
    for inputs in dict.fromkeys(choice.inputs for choice in choices):
        seen = inputs.design(history)
        models = {}
        for choice in choices:
            if choice.inputs != inputs or choice.forecaster is None:
                continue
            model = fit_model(by_name[choice.forecaster], history, seen, choice.horizon_h)
            if model is not None:
                found = choice.scores[choice.forecaster]
                skill = Skill(all=found.skill, rising=found.rising_skill)
                models[choice.horizon_h] = replace(model, skill=skill)
        ways.append(Way(inputs, models, absent=NO_SKILL))
    return Fitted(history.step_s, tuple(ways), fit_still(history, [choice.horizon_h for choice in choices]))
