"""Whether a forecaster is better than "it stays as it is": judged as on duty, on what came after each fit.

Skill over persistence is PI = 1 - MSE / MSE of persistence (Kitanidis and Bras, Water Resources Research 16, 1980): 0
is persistence, 1 perfect, below 0 worse than saying nothing.

*Rising water* are the tenth of the judged origins after which the level rose most over the horizon, where it rose at
all. Only the outcome tells which they are, so a forecaster that always says "it rises" would shine on them: nothing is
chosen by them alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sensors.nowcast.doubt import NOMINALS, bands_along
from sensors.nowcast.fitted import Forecaster, Inputs, fit_model, said_along
from sensors.nowcast.grid import Array, History, Mask

RISING_SHARE = 0.1
FIRST_SHARE, FOLDS = 0.4, 4  # The first 40 % are only learnt from; the rest is judged in four parts, one after another.
DAY_S = 86_400.0
RESAMPLES = 2000


@dataclass(frozen=True)
class Judged:
    """What a forecaster said at origins after its fits and what came, as changes; `bands` as in `bands_along`."""

    times_s: Array
    levels: Array
    said: Array
    true: Array
    bands: Array

    def __len__(self) -> int:
        return len(self.times_s)

    @property
    def is_rising(self) -> Mask:
        """The tenth with the greatest rise, where it is a rise."""
        if not len(self):
            return np.zeros(0, dtype=np.bool_)
        rising: Mask = (self.true >= np.quantile(self.true, 1.0 - RISING_SHARE)) & (self.true > 0.0)
        return rising

    def where(self, chosen: Mask) -> Judged:
        """The origins of the mask."""
        return Judged(
            times_s=self.times_s[chosen],
            levels=self.levels[chosen],
            said=self.said[chosen],
            true=self.true[chosen],
            bands=self.bands[chosen],
        )

    def coverage(self, nominal: float) -> float:
        """The share of truths inside the band, its ends with it; NaN without origins."""
        ends = self.bands[:, NOMINALS.index(nominal)]
        slack = 1e-9 * np.maximum(1.0, np.abs(self.true))
        inside = (self.true >= ends[:, 0] - slack) & (self.true <= ends[:, 1] + slack)
        return float(inside.mean()) if len(self) else float("nan")


@dataclass(frozen=True)
class Crossings:
    """How a forecaster did at a threshold, counted over origins below it: a crossing is a truth at or above it."""

    hits: int
    misses: int
    false_alarms: int


@dataclass(frozen=True)
class Score:
    """The skill on all and on rising water, what is left of it in 19 of 20 resamples, on how many days it rests,
    and the skill on the worst quarter of the origins in order of time.
    """

    rows: int
    skill: float
    skill_least: float
    rising_skill: float
    rising_least: float
    rising_days: int
    worst_part: float


def edges(history: History, *, first_share: float = FIRST_SHARE, folds: int = FOLDS) -> tuple[int, ...]:
    """The points between which the folds lie, each with as many readings, the last one the history's end."""
    measured = np.flatnonzero(history.is_measured)
    inner = [int(measured[int(share * len(measured))]) for share in np.linspace(first_share, 1.0, folds + 1)[:-1]]
    return (*inner, len(history))


def judge(
    forecaster: Forecaster, history: History, *, inputs: Inputs, horizon_h: float, edges: Sequence[int]
) -> Judged | None:
    """What the forecaster said between each edge and the next, fitted only on what was known at the edge.

    None where it could not be fitted at any edge. Features look back only, and a truth at or after the edge is not
    learnt from (the history is cut there), so what comes later changes nothing that was said before.
    """
    seen = inputs.design(history)
    parts = []
    for edge, end in itertools.pairwise(edges):
        model = fit_model(forecaster, history.between(0, edge), seen.rows(0, edge), horizon_h)
        if model is None:
            continue
        said, points = said_along(model, history.between(0, end), seen.rows(0, end), horizon_h=horizon_h, first=edge)
        bands, _ = bands_along(model.doubt, said)
        true = history.changes(horizon_h)[points]
        known = np.isfinite(true)
        parts.append(Judged(said.times_s, history.level[points], said.changes, true, bands).where(known))
    return _joined(parts) if parts else None


def _joined(parts: Sequence[Judged]) -> Judged:
    return Judged(
        times_s=np.concatenate([part.times_s for part in parts]),
        levels=np.concatenate([part.levels for part in parts]),
        said=np.concatenate([part.said for part in parts]),
        true=np.concatenate([part.true for part in parts]),
        bands=np.concatenate([part.bands for part in parts]),
    )


def skill(judged: Judged) -> float:
    """1 - MSE / MSE of persistence; 0 where the level never changed, NaN without origins."""
    if not len(judged):
        return float("nan")
    still = float(np.sum(judged.true**2))
    return 1.0 - float(np.sum((judged.said - judged.true) ** 2)) / still if still > 0.0 else 0.0


def score(judged: Judged, *, seed: int) -> Score:
    """The skills, and the least that 95 % of resamples leave; resampled in whole days, as errors come in floods."""
    rising = judged.is_rising
    return Score(
        rows=len(judged),
        skill=skill(judged),
        skill_least=_least(judged, seed=seed),
        rising_skill=skill(judged.where(rising)),
        rising_least=_least(judged.where(rising), seed=seed),
        rising_days=len(np.unique(judged.times_s[rising] // DAY_S)),
        worst_part=min(skill(judged.where(part)) for part in _parts(len(judged))),
    )


def _parts(origins: int) -> list[Mask]:
    return [np.arange(origins) * FOLDS // max(1, origins) == part for part in range(FOLDS)]


def _least(judged: Judged, *, seed: int) -> float:
    if not len(judged):
        return float("-inf")
    _, day = np.unique(judged.times_s // DAY_S, return_inverse=True)
    errors = np.bincount(day, (judged.said - judged.true) ** 2)
    still = np.bincount(day, judged.true**2)
    days = len(errors)
    drawn = np.random.default_rng(seed).multinomial(days, np.full(days, 1.0 / days), size=RESAMPLES)
    with np.errstate(invalid="ignore", divide="ignore"):
        skills = np.where(drawn @ still > 0.0, 1.0 - (drawn @ errors) / (drawn @ still), 0.0)
    return float(np.quantile(skills, 0.05))


def crossings(judged: Judged, threshold: float) -> Crossings:
    """Hits, misses and false alarms of crossing the threshold upwards within the horizon's end."""
    below = judged.levels < threshold
    came = judged.levels + judged.true >= threshold
    warned = judged.levels + judged.said >= threshold
    return Crossings(
        hits=int(np.sum(below & came & warned)),
        misses=int(np.sum(below & came & ~warned)),
        false_alarms=int(np.sum(below & ~came & warned)),
    )
