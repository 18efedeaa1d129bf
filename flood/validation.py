"""The flood picture against what was seen: every high-water mark of a pack, guessed without itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.errors import InvalidInputError
from flood import marks, rules
from flood.belief import BANK_OFF_GROUND_M
from flood.marks import Marks, Skill, Streets
from gis.citypack.manifest import Manifest
from gis.citypack.survey import SurveyedPoints, surveyed_points

NORMAL = "normal"  # The season's usual high water: nobody calls it a flood, and streets are no deeper than an ankle.

# What a level must reach to be worth more than a guess (bars of the project; the mean of the others gives 0.28 m).
MOST_RMSE_M, MOST_BIAS_M = 0.25, 0.08
LEAST_COVERAGE, MOST_COVERAGE = 0.80, 0.97
LEAST_ANKLE_SHARE = 0.90


@dataclass(frozen=True)
class FloodFound:
    """A flood's marks, each left out and guessed, beside the rules that a guess must beat; metres and shares."""

    event: str
    skill: Skill
    mean_rmse_m: float
    inverse_distance_rmse_m: float
    inverse_distance_rule: str
    street_depth_rmse_m: float | None

    @property
    def holds(self) -> bool:
        """The guess is close, unbiased, honest about its error, and better than both plain rules."""
        skill = self.skill
        return (
            skill.rmse_m <= MOST_RMSE_M
            and skill.rmse_m < min(self.mean_rmse_m, self.inverse_distance_rmse_m)
            and abs(skill.bias_m) <= MOST_BIAS_M
            and LEAST_COVERAGE <= skill.coverage_90 <= MOST_COVERAGE
        )


@dataclass(frozen=True)
class SeasonFound:
    """The usual high water: its marks, and how the streets around them (within 200 m) would stand in it."""

    skill: Skill
    ankle_or_dry: int
    ankle_share: float
    median_depth_m: float
    deepest_m: float
    seen_ankle_share: float

    @property
    def holds(self) -> bool:
        """The streets are dry or ankle-deep: the middle one is, and nearly all are."""
        return self.ankle_share >= LEAST_ANKLE_SHARE and self.median_depth_m < rules.CLASS_BOUNDS_M[0]


@dataclass(frozen=True)
class Validation:
    """What became of a pack's marks; `streets` is how many surveyed heights of streets the ground was read from."""

    city: str
    streets: int
    floods: tuple[FloodFound, ...]
    season: SeasonFound | None

    @property
    def holds(self) -> bool:
        """Every flood and the usual season hold."""
        return all(flood.holds for flood in self.floods) and (self.season is None or self.season.holds)

    def as_json(self) -> dict[str, Any]:
        """Plain values, with the bars beside them."""
        season = None if self.season is None else _rounded(asdict(self.season)) | {"holds": self.season.holds}
        return {
            "city": self.city,
            "streets": self.streets,
            "floods": [_rounded(asdict(flood)) | {"holds": flood.holds} for flood in self.floods],
            "season": season,
            "bar": {
                "rmse_m": MOST_RMSE_M, "bias_m": MOST_BIAS_M, "coverage_90": [LEAST_COVERAGE, MOST_COVERAGE],
                "ankle_share": LEAST_ANKLE_SHARE,
            },
            "holds": self.holds,
        }


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    """Metres to the millimetre, shares to a tenth of a per cent, also in what lies inside."""
    return {
        key: _rounded(value) if isinstance(value, dict) else round(value, 3) if isinstance(value, float) else value
        for key, value in values.items()
    }


def validate(manifest: Manifest, tell: Callable[[str], None]) -> Validation:
    """Every flood of the pack's marks has been guessed mark by mark, and the usual season's streets looked at.

    Raises CityPackError where marks or street levels cannot be read, InvalidInputError where there is no flood to tell.
    """
    tell("reading marks and streets")
    points = surveyed_points(manifest, "flood_marks")
    ground = surveyed_points(manifest, "road_levels", srid=points.srid)
    nameless = sum(not event for event in points.event)
    if nameless:
        raise InvalidInputError(
            f"{nameless} of {len(points.event)} marks do not say of which flood they are: fill the column 'event'."
        )
    streets = Streets(ground.x_m, ground.y_m, ground.level_m)
    events = marks.events_of(points.event)
    floods = [event for event in events if event != NORMAL]
    if not floods:
        raise InvalidInputError("The marks speak of no flood: each is of the usual season, so nothing can be tested.")
    found = []
    for event in floods:
        tell(f"leaving out each mark of '{event}'")
        found.append(_flood(_marks_of(event, points, streets), event, streets))
    season = None
    if NORMAL in events:
        tell("the usual season")
        season = _season(_marks_of(NORMAL, points, streets))
    return Validation(city=manifest.slug, streets=len(ground.level_m), floods=tuple(found), season=season)


def _marks_of(event: str, points: SurveyedPoints, streets: Streets) -> Marks:
    """The marks of this flood. Raises InvalidInputError that names the flood, and the row of a level that is none."""
    of_event = np.flatnonzero([name == event for name in points.event])
    try:
        seen = marks.marks_of(
            x_m=points.x_m[of_event], y_m=points.y_m[of_event], level_m=points.level_m[of_event], streets=streets
        )
    except InvalidInputError as exc:
        raise InvalidInputError(f"Marks of '{event}': {exc.detail}") from exc
    off = int(np.abs(seen.level_m - seen.ground_m).argmax())
    if abs(seen.level_m[off] - seen.ground_m[off]) > BANK_OFF_GROUND_M:
        raise InvalidInputError(
            f"{points.where[of_event[off]]}: the mark says {seen.level_m[off]:g} m, but the streets around it lie at "
            f"{seen.ground_m[off]:.2f} m. Are both in metres above mean sea level?"
        )
    return seen


def _flood(seen: Marks, event: str, streets: Streets) -> FloodFound:
    guess = marks.left_out(seen)
    plain = marks.rivals(seen)
    rule, rule_rmse_m = marks.best_of(plain)
    street_m = streets.street_m(seen.x_m, seen.y_m)
    error_m = marks.street_depths_m(guess.level_m, street_m) - marks.street_depths_m(seen.level_m, street_m)
    known_m = error_m[np.isfinite(error_m)]
    return FloodFound(
        event=event, skill=marks.skill_of(seen, guess), mean_rmse_m=plain["mean"],
        inverse_distance_rmse_m=rule_rmse_m, inverse_distance_rule=rule,
        street_depth_rmse_m=marks.rmse_m(known_m) if known_m.size else None,
    )


def _season(seen: Marks) -> SeasonFound:
    guess = marks.left_out(seen)
    depth_m = marks.street_depths_m(guess.level_m, seen.ground_m)
    share, known = marks.share_below(depth_m, rules.CLASS_BOUNDS_M[0])
    return SeasonFound(
        skill=marks.skill_of(seen, guess), ankle_or_dry=round(share * known), ankle_share=share,
        median_depth_m=float(np.median(depth_m)), deepest_m=float(depth_m.max()),
        seen_ankle_share=marks.share_below(
            marks.street_depths_m(seen.level_m, seen.ground_m), rules.CLASS_BOUNDS_M[0]
        )[0],
    )
