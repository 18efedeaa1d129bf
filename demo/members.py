"""Members and their homes, invented: along streets, in no particular house of anybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MEMBERS = 44_000  # As many friends as a Thai city of 100,000 has on LINE.
LANGUAGES = {"th": 0.93, "ms": 0.04, "en": 0.02, "my": 0.01}
VULNERABLE_SHARE = 0.03
PLOT_EVERY_M = 8.0
SETBACK_M = (8.0, 17.0)


def plots_along(lines: Sequence[Any], rng: np.random.Generator) -> Floats:
    """Places (rows x 2, metres) on both sides of the streets, one every 8 m and set back by 8 to 17 m."""
    cut = shapely.segmentize(np.array(lines, dtype=object), PLOT_EVERY_M)
    corners, street = shapely.get_coordinates(cut, return_index=True)
    is_piece = (street[1:] == street[:-1]) & (np.hypot(*(corners[1:] - corners[:-1]).T) > PLOT_EVERY_M / 2)
    start, end = corners[:-1][is_piece], corners[1:][is_piece]
    along = (end - start) / np.hypot(*(end - start).T)[:, None]
    across = np.column_stack([-along[:, 1], along[:, 0]])
    middle = start + (end - start) * rng.uniform(0.2, 0.8, (len(start), 1))
    sides = [middle + across * sign * rng.uniform(*SETBACK_M, (len(start), 1)) for sign in (-1.0, 1.0)]
    return np.vstack(sides)


def off_the_water(places_m: Floats, water: Any, *, at_least_m: float) -> Flags:
    """True for places at least so far from every water."""
    shapely.prepare(water)
    return np.asarray(~shapely.dwithin(shapely.points(places_m), water, at_least_m))


def member_columns(communities: Sequence[str], rng: np.random.Generator) -> dict[str, list[Any]]:
    """The columns of the layer `homes`, one row per member: an invented LINE user id, language, need of help."""
    count = len(communities)
    digits = rng.bytes(16 * count).hex()
    languages = rng.choice(list(LANGUAGES), count, p=list(LANGUAGES.values()))
    vulnerable = (rng.random(count) < VULNERABLE_SHARE).astype(int)
    return {
        "member_id": [f"U{digits[32 * i : 32 * i + 32]}" for i in range(count)],
        "language": languages.tolist(),
        "is_vulnerable": vulnerable.tolist(),
        "community_code": list(communities),
    }
