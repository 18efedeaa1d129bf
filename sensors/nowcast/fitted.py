"""Fitting and forecasting: one model per horizon and per set of inputs, the poorer sets fitted beside the richer.

On duty the richest set that is whole speaks. Rain comes late and gauges fall silent: then the model that never knew of
them speaks, in its own words and with its own doubt, and says why. Where none can, the level is said to stay as it is,
and that is not shown; so too at a moment unlike all that the model was fitted on. No poorer model speaks then: it would
only not see what is strange.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from core.errors import InvalidInputError
from sensors.nowcast.doubt import Doubt, Said, activity, as_bands, bands_along, learn_doubt
from sensors.nowcast.experience import Experience, learn_experience
from sensors.nowcast.features import Design, design
from sensors.nowcast.forecast import OUTSIDE_EXPERIENCE, PERSISTENCE, Ahead, Forecast, Skill
from sensors.nowcast.grid import HOUR_S, History
from sensors.nowcast.linear import INNER_SHARE, Recipe, Rows, persistence
from sensors.nowcast.predictors import Predictor

HORIZONS_H = (1.0, 3.0, 6.0)
LEAST_ROWS = 200
MOST_ROWS = 6000  # Bounds the fit: a second for trees, a tenth for ridge (0023). Of more rows every n-th is taken.
MISSING_LEVEL, NOT_FITTED, NO_SKILL = "missing:level", "not_fitted", "no_skill"


@dataclass(frozen=True)
class Inputs:
    """The rain gauges and the gauges upstream that a model sees beside the level itself."""

    rain: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()

    def design(self, history: History) -> Design:
        """The features of these inputs."""
        return design(history, rain=self.rain, upstream=self.upstream)


@dataclass(frozen=True)
class Model:
    """One horizon's expectation, its doubt, where it has been, and by which skill it was chosen, where it was."""

    forecaster: str
    predictor: Predictor
    doubt: Doubt
    experience: Experience
    skill: Skill | None = None


@dataclass(frozen=True)
class Way:
    """The models of one set of inputs by horizon; `absent` says why a horizon has none."""

    inputs: Inputs
    models: Mapping[float, Model]
    absent: str = NOT_FITTED


@dataclass(frozen=True)
class Fitted:
    """Ways from the richest to the poorest, and persistence by horizon, which is always there."""

    step_s: float
    ways: tuple[Way, ...]
    still: Mapping[float, Model]

    def predict(self, recent: History, horizons_h: Sequence[float]) -> Forecast:
        """What is expected from the last point of `recent` on; `recent` spans a day at least, better since the fit.

        Errors made since the fit whose truths stand in `recent` have moved the bands. Raises InvalidInputError where
        `recent` lies on another grid than the fit.
        """
        if recent.step_s != self.step_s:
            raise InvalidInputError(f"The model was fitted on steps of {self.step_s:g} s, not of {recent.step_s:g} s.")
        if not len(recent):
            raise InvalidInputError("A forecast needs a point to start from.")
        at_s = float(recent.times_s[-1])
        if not np.isfinite(recent.level[-1]):
            return Forecast(at_s, (), tuple((horizon_h, MISSING_LEVEL) for horizon_h in horizons_h))
        designs = [way.inputs.design(recent) for way in self.ways]
        ahead = [self._ahead(recent, designs, horizon_h) for horizon_h in horizons_h if horizon_h in self.still]
        unknown = tuple((horizon_h, NOT_FITTED) for horizon_h in horizons_h if horizon_h not in self.still)
        return Forecast(at_s, tuple(ahead), unknown)

    def _ahead(self, recent: History, designs: Sequence[Design], horizon_h: float) -> Ahead:
        why: list[str] = []
        for way, seen in zip(self.ways, designs, strict=True):
            model = way.models.get(horizon_h)
            missing = (way.absent,) if model is None else _missing(model, seen)
            if model is None or missing:
                why.extend(missing)
                continue
            if model.experience.holds(seen.rows(len(recent) - 1, len(recent)))[0]:
                return _expected(model, recent, seen, horizon_h, tuple(dict.fromkeys(why)))
            why.append(OUTSIDE_EXPERIENCE)
            break
        return _expected(self.still[horizon_h], recent, BLIND.design(recent), horizon_h, tuple(dict.fromkeys(why)))


@dataclass(frozen=True)
class Forecaster:
    """A recipe with its name and the horizons that it is fitted for."""

    name: str
    recipe: Recipe
    horizons_h: tuple[float, ...] = HORIZONS_H

    def fit(self, history: History) -> Fitted:
        """The recipe fitted on the history for every set of inputs that it has, and persistence beside."""
        ways = []
        for inputs in ways_of(history):
            seen = inputs.design(history)
            found = {horizon_h: fit_model(self, history, seen, horizon_h) for horizon_h in self.horizons_h}
            ways.append(Way(inputs, {horizon_h: model for horizon_h, model in found.items() if model is not None}))
        return Fitted(history.step_s, tuple(ways), fit_still(history, self.horizons_h))


STILL = Forecaster(PERSISTENCE, persistence)
BLIND = Inputs()


def ways_of(history: History) -> tuple[Inputs, ...]:
    """The sets of inputs from all that the history has to the level alone."""
    rain, upstream = tuple(history.rain_mm), tuple(history.upstream)
    every = (Inputs(rain, upstream), Inputs(rain=rain), Inputs(upstream=upstream), BLIND)
    return tuple(dict.fromkeys(every))


def fit_still(history: History, horizons_h: Sequence[float]) -> dict[float, Model]:
    """Persistence with its doubt, for each horizon that the history has rows for."""
    seen = Design((), np.empty((len(history), 0)))
    found = {horizon_h: fit_model(STILL, history, seen, horizon_h) for horizon_h in horizons_h}
    return {horizon_h: model for horizon_h, model in found.items() if model is not None}


def fit_model(forecaster: Forecaster, history: History, seen: Design, horizon_h: float) -> Model | None:
    """The forecaster for one horizon, or None where the history has fewer than `LEAST_ROWS` whole rows.

    The doubt comes from the later 40 % of the rows, said by a model of the earlier 60 %; then all rows are learnt.
    """
    true = history.changes(horizon_h)
    usable = np.flatnonzero(np.isfinite(true) & seen.is_whole)
    usable = usable[:: max(1, -(-len(usable) // MOST_ROWS))]
    if len(usable) < LEAST_ROWS:
        return None
    rows = Rows(seen.names, seen.values[usable], true[usable], horizon_h, history.steps(horizon_h))
    cut = round(INNER_SHARE * len(rows))
    begun = rows.earlier(cut)
    if len(begun) < LEAST_ROWS // 4:
        return None
    # One thread: small matrices and trees gain nothing from two, which spin on a busy processor.
    with threadpool_limits(limits=1):
        early, whole = forecaster.recipe(begun), forecaster.recipe(rows)
    late = Design(rows.names, rows.values[cut:])
    doubt = learn_doubt(
        Said(
            times_s=history.times_s[usable[cut:]],
            changes=early.changes(late),
            true=rows.changes[cut:],
            activity=activity(history)[usable[cut:]],
            is_inside=learn_experience(begun.names, begun.values).holds(late),
            horizon_s=horizon_h * HOUR_S,
        )
    )
    return Model(forecaster.name, whole, doubt, learn_experience(rows.names, rows.values))


def said_along(
    model: Model, history: History, seen: Design, *, horizon_h: float, first: int
) -> tuple[Said, NDArray[np.intp]]:
    """What the model says at every point from `first` on that it can speak at, and the numbers of these points."""
    changes = model.predictor.changes(Design(seen.names, seen.values[first:]))
    able = np.flatnonzero(np.isfinite(changes) & history.is_measured[first:])
    points = first + able
    said = Said(
        times_s=history.times_s[points],
        changes=changes[able],
        true=history.changes(horizon_h)[points],
        activity=activity(history)[points],
        is_inside=model.experience.holds(Design(seen.names, seen.values[points])),
        horizon_s=horizon_h * HOUR_S,
    )
    return said, points


def _missing(model: Model, seen: Design) -> tuple[str, ...]:
    needed = {*model.predictor.names, *model.experience.asked}
    newest = zip(seen.names, seen.values[-1], strict=True)
    gone = [name for name, value in newest if name in needed and not np.isfinite(value)]
    return tuple(dict.fromkeys("missing:" + name.rsplit(":", 1)[0] for name in gone))


def _expected(model: Model, recent: History, seen: Design, horizon_h: float, why: tuple[str, ...]) -> Ahead:
    first = int(np.searchsorted(recent.times_s, model.doubt.until_s - horizon_h * HOUR_S, side="right"))
    said, _ = said_along(model, recent, seen, horizon_h=horizon_h, first=min(first, len(recent) - 1))
    change = float(model.predictor.changes(Design(seen.names, seen.values[-1:]))[0])
    before = said.where(said.times_s < recent.times_s[-1])
    now = Said(
        times_s=np.append(before.times_s, recent.times_s[-1]),
        changes=np.append(before.changes, change),
        true=np.append(before.true, np.nan),
        activity=np.append(before.activity, activity(recent)[-1]),
        is_inside=np.append(before.is_inside, True),
        horizon_s=before.horizon_s,
    )
    ends, _ = bands_along(model.doubt, now)
    level = float(recent.level[-1])
    return Ahead(horizon_h, level + change, as_bands(ends[-1], level=level), model.forecaster, why, model.skill)
