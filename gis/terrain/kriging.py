"""A surface from a few levels: the best linear unbiased guess, with its error (universal kriging; never in the API).

A level is a drift (linear in what is known everywhere, such as the ground's height), a smooth part that near places
share, and a local part that they do not. How strong each is comes from the levels themselves, by restricted maximum
likelihood with a weak belief, since twenty levels alone cannot tell a long reach from a short one.
Formulas: Cressie, Statistics for Spatial Data (1993), 3.4; Rasmussen & Williams, Gaussian Processes (2006), 2.7, 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

from gis.terrain.grid import Floats

LEAST_DRIFT = 1e-3  # A drift that differs by less (a millimetre of ground) tells no level from another.

@dataclass(frozen=True, eq=False)
class Samples:
    """Levels at places: east, north and level in metres, and the drift's known values (samples x drifts, unit free)."""

    x_m: Floats
    y_m: Floats
    level_m: Floats
    drift: Floats

    def without(self, number: int, *, within_m: float = 0.0) -> Samples:
        """All samples but one, and but those that lie so near that they tell the same."""
        stays = np.hypot(self.x_m - self.x_m[number], self.y_m - self.y_m[number]) > within_m
        return Samples(self.x_m[stays], self.y_m[stays], self.level_m[stays], self.drift[stays])


@dataclass(frozen=True)
class Spread:
    """How levels differ: deviation of the smooth part, its reach, deviation of the local part; metres."""

    smooth_m: float
    reach_m: float
    local_m: float


@dataclass(frozen=True)
class Belief:
    """The spread held to be likely before any level is read, and by what factor each part may be off (1 sigma)."""

    spread: Spread
    factor: float


@dataclass(frozen=True, eq=False)
class Guess:
    """Levels where none was measured, and one standard deviation of what a measurement there would show; metres."""

    level_m: Floats
    sigma_m: Floats


def spread_of(samples: Samples, belief: Belief) -> Spread:
    """The spread that explains the samples best (restricted likelihood times belief); at least three samples."""
    apart_m = _apart_m(samples.x_m, samples.y_m, samples.x_m, samples.y_m)
    believed = np.log([belief.spread.smooth_m, belief.spread.reach_m, belief.spread.local_m])
    trend = _trend(samples.drift)

    def doubt(logs: Floats) -> float:
        return _misfit(samples.level_m, trend, _covariance(apart_m, Spread(*np.exp(logs)))) + float(
            ((logs - believed) ** 2).sum() / (2 * np.log(belief.factor) ** 2)
        )

    # Short, believed and long reach: the likelihood of few samples may have a dip for each.
    starts = [believed + np.array([0.0, shift, 0.0]) for shift in (-1.0, 0.0, 1.0)]
    # A hundredth of a logarithm is a hundredth of a deviation: no mark is measured so well.
    close = {"maxiter": 400, "xatol": 0.01, "fatol": 0.001}
    found = [minimize(doubt, start, method="Nelder-Mead", options=close) for start in starts]
    smooth_m, reach_m, local_m = np.exp(min(found, key=lambda result: float(result.fun)).x).tolist()
    return Spread(smooth_m=smooth_m, reach_m=reach_m, local_m=local_m)


def guess_at(samples: Samples, spread: Spread, *, x_m: Floats, y_m: Floats, drift: Floats) -> Guess:
    """The levels at these places (`drift` places x drifts), each with its error, given the spread."""
    covariance = _covariance(_apart_m(samples.x_m, samples.y_m, samples.x_m, samples.y_m), spread)
    shared = _smooth(_apart_m(x_m, y_m, samples.x_m, samples.y_m), spread)
    factor = cho_factor(covariance, lower=True)
    trend, there = _trend(samples.drift), _trend_like(samples.drift, drift)
    weighted = cho_solve(factor, trend)
    inner = trend.T @ weighted
    slopes = np.linalg.solve(inner, weighted.T @ samples.level_m)
    level_m = there @ slopes + shared @ cho_solve(factor, samples.level_m - trend @ slopes)
    unexplained = there - shared @ weighted
    variance = (
        spread.smooth_m**2 + spread.local_m**2 - np.einsum("ps,sp->p", shared, cho_solve(factor, shared.T))
        + np.einsum("pd,dp->p", unexplained, np.linalg.solve(inner, unexplained.T))
    )
    return Guess(level_m=level_m, sigma_m=np.sqrt(np.maximum(variance, 0.0)))


def _apart_m(x_m: Floats, y_m: Floats, to_x_m: Floats, to_y_m: Floats) -> Floats:
    apart: Floats = np.hypot(x_m[:, None] - to_x_m[None, :], y_m[:, None] - to_y_m[None, :])
    return apart


def _smooth(apart_m: Floats, spread: Spread) -> Floats:
    """Matérn's covariance of order 3/2: a surface with a slope everywhere, but no smoother than water is."""
    scaled = np.sqrt(3.0) * apart_m / spread.reach_m
    shared: Floats = spread.smooth_m**2 * (1.0 + scaled) * np.exp(-scaled)
    return shared


def _covariance(apart_m: Floats, spread: Spread) -> Floats:
    return _smooth(apart_m, spread) + spread.local_m**2 * np.eye(len(apart_m))


def _trend(drift: Floats) -> Floats:
    """A constant and the drift, counted from its middle so that the two are told apart well."""
    return _trend_like(drift, drift)


def _trend_like(known: Floats, drift: Floats) -> Floats:
    tells = np.ptp(known, axis=0) >= LEAST_DRIFT  # One that is the same everywhere is the constant again.
    return np.column_stack([np.ones(len(drift)), (drift - known.mean(axis=0))[:, tells]])


def _misfit(level_m: Floats, trend: Floats, covariance: Floats) -> float:
    """Minus the logarithm of the restricted likelihood, without its constant."""
    factor = cho_factor(covariance, lower=True)
    weighted = cho_solve(factor, trend)
    inner = trend.T @ weighted
    rest = level_m - trend @ np.linalg.solve(inner, weighted.T @ level_m)
    return float(
        np.log(np.diag(factor[0])).sum() + np.linalg.slogdet(inner)[1] / 2 + rest @ cho_solve(factor, rest) / 2
    )
