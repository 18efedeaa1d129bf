"""Whether a forecaster is better than "it stays as it is": judged as on duty, on what came after each fit.

Skill over persistence is PI = 1 - MSE / MSE of persistence (Kitanidis and Bras, Water Resources Research 16, 1980): 0
is persistence, 1 perfect, below 0 worse than saying nothing.

*Rising water* are the tenth of the judged origins after which the level rose most over the horizon, where it rose at
all. Only the outcome tells which they are, so a forecaster that always says "it rises" would shine on them: nothing is
chosen by them alone.

A model is silent outside its experience, and so is judged on the moments at which it speaks; their share is told.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from sensors.nowcast.doubt import NOMINALS, bands_along
from sensors.nowcast.fitted import Forecaster, Inputs, fit_model, said_along
from sensors.nowcast.grid import Array, History, Mask

RISING_SHARE = 0.1
FIRST_SHARE, FOLDS = 0.4, 4  # The first 40 % are only learnt from; the rest is judged in four parts, one after another.
DAY_S = 86_400.0
MARGIN = 0.1  # A skill below this is not worth a look at the screen.
LEAST_DAYS = 5  # On fewer days neither the errors nor their kinship from day to day can be known.


@dataclass(frozen=True)
class Judged:
    """What a forecaster said at origins after its fits and what came, as changes; `bands` as in `bands_along`.

    What it said where not `is_inside` its experience is never shown.
    """

    times_s: Array
    levels: Array
    said: Array
    true: Array
    bands: Array
    is_inside: Mask

    def __len__(self) -> int:
        return len(self.times_s)

    @property
    def inside(self) -> Judged:
        """The origins at which it speaks."""
        return self.where(self.is_inside)

    @property
    def share(self) -> float:
        """The share of the origins at which it speaks; NaN without origins."""
        return float(self.is_inside.mean()) if len(self) else float("nan")

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
            is_inside=self.is_inside[chosen],
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
    """The skill on all and on rising water, on how many days it rests, how likely either is chance, and the worst part.

    All of it is of the `rows` origins at which the forecaster speaks, their share of all, and that of the rising ones.
    `chance` and `rising_chance` are p-values: how likely so much skill is where the true one is at most `MARGIN`.
    `worst_part` is the skill on the worst quarter of the origins in order of time.
    """

    rows: int
    share: float
    rising_share: float
    skill: float
    chance: float
    rising_skill: float
    rising_chance: float
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
        found = Judged(said.times_s, history.level[points], said.changes, true, bands, said.is_inside)
        parts.append(found.where(known))
    return _joined(parts) if parts else None


def _joined(parts: Sequence[Judged]) -> Judged:
    return Judged(
        times_s=np.concatenate([part.times_s for part in parts]),
        levels=np.concatenate([part.levels for part in parts]),
        said=np.concatenate([part.said for part in parts]),
        true=np.concatenate([part.true for part in parts]),
        bands=np.concatenate([part.bands for part in parts]),
        is_inside=np.concatenate([part.is_inside for part in parts]),
    )


def skill(judged: Judged) -> float:
    """1 - MSE / MSE of persistence; 0 where the level never changed, NaN without origins."""
    if not len(judged):
        return float("nan")
    still = float(np.sum(judged.true**2))
    return 1.0 - float(np.sum((judged.said - judged.true) ** 2)) / still if still > 0.0 else 0.0


def score(judged: Judged) -> Score:
    """The skills where it speaks, on how many days they rest, and how likely they are chance."""
    inside = judged.inside
    rising = inside.where(inside.is_rising)
    return Score(
        rows=len(inside),
        share=judged.share,
        rising_share=judged.where(judged.is_rising).share,
        skill=skill(inside),
        chance=chance(inside),
        rising_skill=skill(rising),
        rising_chance=chance(rising),
        rising_days=len(np.unique(rising.times_s // DAY_S)),
        worst_part=min(skill(inside.where(part)) for part in _parts(len(inside))),
    )


def _parts(origins: int) -> list[Mask]:
    return [np.arange(origins) * FOLDS // max(1, origins) == part for part in range(FOLDS)]


def chance(judged: Judged) -> float:
    """The p-value of "the skill is at most `MARGIN`" against "it is more"; 1 on fewer than `LEAST_DAYS` days.

    The test of Diebold and Mariano (Journal of Business & Economic Statistics 13, 1995) on the loss that the forecaster
    saves, summed by day because errors come in floods; the variance of its mean counts the kinship of neighbouring days
    with Bartlett's weights (Newey and West, Econometrica 55, 1987), corrected for few days and read from Student's t
    (Harvey, Leybourne and Newbold, International Journal of Forecasting 13, 1997).
    """
    _, day = np.unique(judged.times_s // DAY_S, return_inverse=True)
    gain = (1.0 - MARGIN) * judged.true**2 - (judged.said - judged.true) ** 2
    saved = np.bincount(day, gain).astype(np.float64)
    days = len(saved)
    if days < LEAST_DAYS:
        return 1.0
    lags = math.floor(4.0 * (days / 100.0) ** (2.0 / 9.0))
    variance = _long_variance(saved, lags=lags)
    if variance <= 0.0:
        return 0.0 if saved.mean() > 0.0 else 1.0
    span = lags + 1
    few = (days + 1 - 2 * span + span * (span - 1) / days) / days
    statistic = float(saved.mean()) / math.sqrt(variance / days) * math.sqrt(max(few, 0.0))
    return float(stdtr(days - 1, -statistic))


def _long_variance(series: Array, *, lags: int) -> float:
    """The variance of the series' mean times its length, where values up to so many apart are kin."""
    apart = series - series.mean()
    kin = [float(apart[lag:] @ apart[: len(apart) - lag]) / len(apart) for lag in range(lags + 1)]
    return kin[0] + 2.0 * sum((1.0 - lag / (lags + 1)) * kin[lag] for lag in range(1, lags + 1))


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
