"""A past flood from its high-water marks: the level anywhere, with its error, and how far that can be believed.

A mark's level is guessed from the other marks and from the ground: water ponds behind streets and runs over high
ground, so it stands higher where the ground does (the drift); what is left is shared by marks near each other. Heavy
(scipy): for the command line and the notebooks, never in the API.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from core.errors import InvalidInputError
from gis.terrain.grid import Floats, Mask
from gis.terrain.kriging import Belief, Guess, Samples, Spread, guess_at, spread_of

LEAST_MARKS = 5
TWIN_M = 1.0  # Marks on one wall are one place: guessed from its twin, each would seem to be known.
STREETS_WITHIN_M = 5000.0  # Assumed: streets farther away are of another place.
# The ground that counts for a level is that of the neighbourhood, not of the one wheel rut that is nearest.
GROUND_WITHIN_M = 200.0
GROUND_POINTS = 20  # So many of the nearest streets where none is within reach.
STREET_WITHIN_M = 30.0  # As far as a mark stands beside the street that it speaks for (facts of the survey).
# Assumed before any mark is read, and off by a factor of e or less two times in three: marks of one flood differ by
# 0.3 m, agree along two kilometres of canal, and a wall ten metres on may show 0.15 m more or less.
BELIEF = Belief(Spread(smooth_m=0.3, reach_m=2000.0, local_m=0.15), factor=float(np.e))
Z90 = 1.645  # Nine of ten errors of a normal distribution are smaller, on either side.

IDW_POWERS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
IDW_NEIGHBOURS = (3, 5, 8, None)  # None: all.


@dataclass(frozen=True, eq=False)
class Streets:
    """Surveyed heights of streets: east, north and height in metres, all of one datum."""

    x_m: Floats
    y_m: Floats
    height_m: Floats

    def ground_m(self, x_m: Floats, y_m: Floats) -> Floats:
        """The middle height of the streets within 200 m of each place, or of the 20 nearest where there are none."""
        tree = self._tree()
        _, nearest = tree.query(np.column_stack([x_m, y_m]), k=min(GROUND_POINTS, len(self.height_m)))
        near = tree.query_ball_point(np.column_stack([x_m, y_m]), GROUND_WITHIN_M)
        return np.array(
            [
                np.median(self.height_m[within if within else np.atleast_1d(fallback)])
                for within, fallback in zip(near, nearest, strict=True)
            ]
        )

    def street_m(self, x_m: Floats, y_m: Floats) -> Floats:
        """The height of the street at each place: of the nearest point within 30 m, NaN where there is none."""
        away_m, nearest = self._tree().query(np.column_stack([x_m, y_m]))
        return np.where(away_m <= STREET_WITHIN_M, self.height_m[nearest], np.nan)

    def away_m(self, x_m: Floats, y_m: Floats) -> Floats:
        """How far the nearest surveyed point of a street is from each place."""
        away: Floats = self._tree().query(np.column_stack([x_m, y_m]))[0]
        return away

    def _tree(self) -> cKDTree:
        return cKDTree(np.column_stack([self.x_m, self.y_m]))


@dataclass(frozen=True, eq=False)
class Marks:
    """High-water marks of one flood, metres, in the datum of the streets; `ground_m` is the ground around each."""

    x_m: Floats
    y_m: Floats
    level_m: Floats
    ground_m: Floats

    def as_samples(self) -> Samples:
        """The marks with the ground as drift."""
        return Samples(self.x_m, self.y_m, self.level_m, self.ground_m[:, None])


@dataclass(frozen=True)
class Skill:
    """How well left-out levels were guessed; metres. `coverage_90` is the share within the 90 % interval."""

    marks: int
    rmse_m: float
    bias_m: float
    coverage_90: float


def marks_of(*, x_m: Floats, y_m: Floats, level_m: Floats, streets: Streets) -> Marks:
    """The marks with the ground around each.

    Raises InvalidInputError where they lie at too few places to leave one out, or where no street is near one.
    """
    places = len(np.unique(np.round(np.column_stack([x_m, y_m]) / TWIN_M), axis=0))
    if places < LEAST_MARKS:
        raise InvalidInputError(
            f"There are {len(level_m)} high-water marks of this flood, at {places} places; at least {LEAST_MARKS} are "
            "needed to leave one out and still say anything."
        )
    away_m = streets.away_m(x_m, y_m)
    if away_m.max() > STREETS_WITHIN_M:
        raise InvalidInputError(
            f"The nearest surveyed street lies {away_m.max() / 1000:,.0f} km from a mark: they are not of one city."
        )
    return Marks(x_m, y_m, level_m, streets.ground_m(x_m, y_m))


def level_at(marks: Marks, *, x_m: Floats, y_m: Floats, streets: Streets) -> Guess:
    """The level of that flood at these places, with one standard deviation of what a mark there would show."""
    samples = marks.as_samples()
    ground_m = streets.ground_m(x_m, y_m)
    return guess_at(samples, spread_of(samples, BELIEF), x_m=x_m, y_m=y_m, drift=ground_m[:, None])


def left_out(marks: Marks) -> Guess:
    """Each mark's level as the others tell it; even how levels spread is learned without it."""
    samples = marks.as_samples()
    guesses = []
    for number in range(len(marks.level_m)):
        others, here = samples.without(number, within_m=TWIN_M), slice(number, number + 1)
        guesses.append(
            guess_at(
                others, spread_of(others, BELIEF), x_m=samples.x_m[here], y_m=samples.y_m[here],
                drift=samples.drift[here],
            )
        )
    return Guess(
        level_m=np.concatenate([guess.level_m for guess in guesses]),
        sigma_m=np.concatenate([guess.sigma_m for guess in guesses]),
    )


def skill_of(marks: Marks, guess: Guess) -> Skill:
    """How well the marks were guessed."""
    error_m = guess.level_m - marks.level_m
    return Skill(
        marks=len(error_m), rmse_m=rmse_m(error_m), bias_m=float(error_m.mean()),
        coverage_90=float((np.abs(error_m) <= Z90 * guess.sigma_m).mean()),
    )


def rmse_m(error_m: Floats) -> float:
    """Root of the mean square, metres."""
    return float(np.sqrt((error_m**2).mean()))


# --- what any guess must beat --------------------------------------------------------------------------------------


def mean_rule_m(marks: Marks) -> Floats:
    """Each mark's level as the plain mean of the others."""
    count = len(marks.level_m)
    rest: Floats = (marks.level_m.sum() - marks.level_m) / (count - 1)
    return rest


def inverse_distance_rule_m(marks: Marks, *, power: float, neighbours: int | None) -> Floats:
    """Each mark's level as the mean of the others (of the nearest so many), weighted by 1 / distance ** power."""
    apart_m = np.hypot(marks.x_m[:, None] - marks.x_m[None, :], marks.y_m[:, None] - marks.y_m[None, :])
    weights = 1.0 / np.maximum(apart_m, 1.0) ** power
    np.fill_diagonal(weights, 0.0)
    if neighbours is not None:
        rank = np.argsort(np.argsort(-weights, axis=1, kind="stable"), axis=1, kind="stable")
        weights = np.where(rank < neighbours, weights, 0.0)
    guessed: Floats = weights @ marks.level_m / weights.sum(axis=1)
    return guessed


def rivals(marks: Marks) -> Mapping[str, float]:
    """The error of the plain mean and of every inverse-distance rule, by name; metres.

    The best of the latter is chosen with the answers known, which no rule in use could do: it is the harder rival.
    """
    found = {"mean": rmse_m(mean_rule_m(marks) - marks.level_m)}
    for power in IDW_POWERS:
        for neighbours in IDW_NEIGHBOURS:
            name = f"inverse distance ** {power:g}, {neighbours or 'all'} others"
            error_m = inverse_distance_rule_m(marks, power=power, neighbours=neighbours) - marks.level_m
            found[name] = rmse_m(error_m)
    return found


def best_of(found: Mapping[str, float]) -> tuple[str, float]:
    """The inverse-distance rule with the least error, and that error in metres."""
    return min(((name, error_m) for name, error_m in found.items() if name != "mean"), key=lambda pair: pair[1])


# --- depth in the streets ------------------------------------------------------------------------------------------


def street_depths_m(level_m: Floats, street_m: Floats) -> Floats:
    """How deep the street stands in the water, metres; 0 where it is dry, NaN where no street was surveyed."""
    return np.maximum(level_m - street_m, 0.0)


def share_below(depths_m: Floats, bound_m: float) -> tuple[float, int]:
    """The share of the known depths below the bound, and how many are known."""
    known: Mask = np.isfinite(depths_m)
    return (float((depths_m[known] < bound_m).mean()) if known.any() else float("nan")), int(known.sum())


def events_of(names: Sequence[str]) -> list[str]:
    """The floods that marks speak of, each once, in their order."""
    return list(dict.fromkeys(names))
