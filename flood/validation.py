"""The flood picture against what was seen: every high-water mark of a pack, guessed without itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.errors import InvalidInputError
from flood import marks, rules
from flood.marks import Skill, Streets
from gis.citypack.manifest import Manifest
from gis.citypack.survey import SurveyedPoints, surveyed_points
from gis.terrain.grid import Floats

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
    points, ground = surveyed_points(manifest, "flood_marks"), surveyed_points(manifest, "road_levels")
    if points.srid != ground.srid:
        raise InvalidInputError("Marks and streets lie in different metric systems: they are not of one city.")
    streets = Streets(ground.x_m, ground.y_m, ground.level_m)
    events = marks.events_of(points.event)
    floods = [event for event in events if event != NORMAL]
    if not floods:
        raise InvalidInputError("The marks speak of no flood: each is of the usual season, so nothing can be tested.")
    found = []
    for event in floods:
        tell(f"leaving out each mark of '{event}'")
        found.append(_flood(event, _of_event(points, event), streets))
    season = None
    if NORMAL in events:
        tell("the usual season")
        season = _season(_of_event(points, NORMAL), streets)
    return Validation(city=manifest.slug, streets=len(ground.level_m), floods=tuple(found), season=season)


def _of_event(points: SurveyedPoints, event: str) -> tuple[Floats, Floats, Floats]:
    is_of = np.array([name == event for name in points.event])
    return points.x_m[is_of], points.y_m[is_of], points.level_m[is_of]


def _flood(event: str, places: tuple[Floats, Floats, Floats], streets: Streets) -> FloodFound:
    x_m, y_m, level_m = places
    seen = marks.marks_of(x_m=x_m, y_m=y_m, level_m=level_m, streets=streets)
    guess = marks.left_out(seen)
    plain = marks.rivals(seen)
    rule, rule_rmse_m = marks.best_of(plain)
    street_m = streets.street_m(x_m, y_m)
    error_m = marks.street_depths_m(guess.level_m, street_m) - marks.street_depths_m(level_m, street_m)
    known_m = error_m[np.isfinite(error_m)]
    return FloodFound(
        event=event, skill=marks.skill_of(seen, guess), mean_rmse_m=plain["mean"],
        inverse_distance_rmse_m=rule_rmse_m, inverse_distance_rule=rule,
        street_depth_rmse_m=marks.rmse_m(known_m) if known_m.size else None,
    )


def _season(places: tuple[Floats, Floats, Floats], streets: Streets) -> SeasonFound:
    x_m, y_m, level_m = places
    seen = marks.marks_of(x_m=x_m, y_m=y_m, level_m=level_m, streets=streets)
    guess = marks.left_out(seen)
    depth_m = marks.street_depths_m(guess.level_m, seen.ground_m)
    share, known = marks.share_below(depth_m, rules.CLASS_BOUNDS_M[0])
    return SeasonFound(
        skill=marks.skill_of(seen, guess), ankle_or_dry=round(share * known), ankle_share=share,
        median_depth_m=float(np.median(depth_m)), deepest_m=float(depth_m.max()),
        seen_ankle_share=marks.share_below(
            marks.street_depths_m(level_m, seen.ground_m), rules.CLASS_BOUNDS_M[0]
        )[0],
    )
