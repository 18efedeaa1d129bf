"""The demo city's people and houses: communities, buildings, members' homes, and the places that matter in a flood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from demo.city.channels import SIDE_M
from demo.members import MEMBERS

Floats = NDArray[np.float64]
Geoms = NDArray[np.object_]

COMMUNITIES = 32
BUILDINGS = 9_000
OLD_TOWN = (3700.0, 3700.0, 1500.0)  # Middle and spread of the dense part, metres.
_CENTRE_M = SIDE_M / 2
# kind -> how many, and whether high ground is chosen
_FACILITIES = {
    "hospital": (2, True), "clinic": (6, False), "school": (14, False), "temple": (12, False), "mosque": (3, False),
    "market": (4, False), "police": (2, False), "fire_station": (2, True), "government": (2, True),
    "shelter": (7, True),
}
_CAPACITY = {"hospital": 200, "shelter": 400, "school": 300}


@dataclass(frozen=True)
class Communities:
    """The communities' polygons (metres), codes and bare names."""

    geoms: Geoms
    codes: list[str]
    names_th: list[str]
    names_en: list[str]

    def at(self, places_m: Floats) -> NDArray[np.intp]:
        """The number of the community in which each place lies, -1 for none."""
        tree = shapely.STRtree(self.geoms)
        place, community = tree.query(shapely.points(places_m), predicate="intersects")
        found = np.full(len(places_m), -1, dtype=np.intp)
        found[place] = community
        return found


def boundary(rng: np.random.Generator) -> shapely.Polygon:
    """The municipality: a crooked square of about 6 km, metres from the corner."""
    turns = np.linspace(0.0, 2.0 * np.pi, 72, endpoint=False)
    square = 1.0 / np.maximum(np.abs(np.cos(turns)), np.abs(np.sin(turns)))
    away_m = 2840.0 * np.minimum(square, 1.32) + rng.uniform(-60.0, 60.0, turns.size)
    points = _CENTRE_M + np.column_stack([away_m * np.cos(turns), away_m * np.sin(turns)])
    return shapely.Polygon(np.round(np.clip(points, 520.0, SIDE_M - 520.0), 2))


def communities(city: shapely.Polygon, words: Mapping[str, Any], rng: np.random.Generator) -> Communities:
    """Some thirty communities that tile the municipality."""
    seeds = _even_seeds(city, rng)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(seeds), extend_to=city, ordered=True))
    geoms = shapely.intersection(cells, city)
    names = words["names"]
    return Communities(
        geoms=np.asarray(geoms),
        codes=[f"C{number:02d}" for number in range(1, COMMUNITIES + 1)],
        names_th=[str(names[i][0]) for i in range(COMMUNITIES)],
        names_en=[str(names[i][1]) for i in range(COMMUNITIES)],
    )


def _even_seeds(city: shapely.Polygon, rng: np.random.Generator) -> Floats:
    """Points spread evenly: random ones moved to the middle of those nearest to them, eight times."""
    crowd = rng.uniform(500.0, SIDE_M - 500.0, (8000, 2))
    crowd = crowd[shapely.contains(city, shapely.points(crowd))]
    seeds = crowd[:COMMUNITIES].copy()
    for _ in range(8):
        nearest = np.hypot(*(crowd[:, None, :] - seeds[None, :, :]).transpose(2, 0, 1)).argmin(axis=1)
        seeds = np.array([crowd[nearest == number].mean(axis=0) for number in range(COMMUNITIES)])
    return seeds[np.lexsort((seeds[:, 0], -np.round(seeds[:, 1], -3)))]


def density(places_m: Floats) -> Floats:
    """How crowded each place is, relative to the outskirts."""
    apart2 = ((places_m - np.array(OLD_TOWN[:2])) ** 2).sum(axis=1)
    crowded: Floats = 1.0 + 3.0 * np.exp(-apart2 / (2.0 * OLD_TOWN[2] ** 2))
    return crowded


def chosen(places_m: Floats, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """The numbers of `count` different places, the crowded parts more often."""
    weights = density(places_m)
    return rng.choice(len(places_m), count, replace=False, p=weights / weights.sum())


def buildings(plots_m: Floats, rng: np.random.Generator) -> tuple[Geoms, list[str]]:
    """Footprints on some thousands of plots, and their kinds."""
    middles = plots_m[chosen(plots_m, BUILDINGS, rng)]
    half = np.column_stack([rng.uniform(3.0, 6.0, BUILDINGS), rng.uniform(3.5, 7.0, BUILDINGS)])
    turn = rng.uniform(0.0, np.pi / 2, BUILDINGS)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])[None] * half[:, None, :]
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    east = corners[..., 0] * cos - corners[..., 1] * sin
    north = corners[..., 0] * sin + corners[..., 1] * cos
    shapes = shapely.polygons(np.stack([east, north], axis=-1) + middles[:, None, :])
    kinds = rng.choice(["house", "shophouse", "apartments", "warehouse"], BUILDINGS, p=[0.72, 0.2, 0.05, 0.03])
    return np.asarray(shapes), kinds.tolist()


def homes(plots_m: Floats, rng: np.random.Generator) -> Floats:
    """A place for each member; where more members than plots live, several share a house."""
    weights = density(plots_m)
    plot = rng.choice(len(plots_m), MEMBERS, p=weights / weights.sum())
    return plots_m[plot] + rng.uniform(-2.5, 2.5, (MEMBERS, 2))


def facilities(
    plots_m: Floats, heights_m: Floats, quarters: Communities, words: Mapping[str, Sequence[str]],
    rng: np.random.Generator,
) -> tuple[Floats, dict[str, list[Any]]]:
    """Places and columns of schools, hospitals, shelters and the like, well apart from others of their kind."""
    in_community = quarters.at(plots_m)
    places: list[Floats] = []
    columns: dict[str, list[Any]] = {name: [] for name in ("code", "kind", "name_th", "name_en", "capacity")}
    for kind, (count, is_high) in _FACILITIES.items():
        wanted = (in_community >= 0) & (heights_m > np.quantile(heights_m, 0.55) if is_high else True)
        for number, plot in enumerate(_apart(plots_m, np.flatnonzero(wanted), count, rng), start=1):
            community = int(in_community[plot])
            thai, english = words[kind]
            places.append(plots_m[plot])
            columns["code"].append(f"{kind}-{number}")
            columns["kind"].append(kind)
            columns["name_th"].append(thai + quarters.names_th[community])
            columns["name_en"].append(f"{quarters.names_en[community]} {english}")
            columns["capacity"].append(_CAPACITY.get(kind, ""))
    return np.array(places), columns


def _apart(
    places_m: Floats, candidates: NDArray[np.intp], count: int, rng: np.random.Generator
) -> list[int]:
    """So many of the candidates, each the farthest of twelve random ones from those chosen before."""
    found: list[int] = []
    for _ in range(count):
        few = rng.choice(candidates, 12, replace=False)
        if found:
            apart_m = np.hypot(*(places_m[few][:, None] - places_m[found][None]).transpose(2, 0, 1)).min(axis=1)
            found.append(int(few[apart_m.argmax()]))
        else:
            found.append(int(few[0]))
    return found
