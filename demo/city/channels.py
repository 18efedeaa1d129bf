"""The demo city's river and canals: smooth lines, metres from the south-west corner of its square, and their banks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SIDE_M = 7000.0
CELL_ORIGIN = (617_600.0, 914_100.0)  # The corner in UTM 47 N: the middle is near 100.10 E 8.30 N.
SRID = 32647
LEVEE_M = 0.6
RIVER_BED_M, CANAL_BED_M = 3.2, 2.2


@dataclass(frozen=True)
class Channel:
    """A water by its key in words.toml, from its upper to its lower end."""

    key: str
    kind: str
    line: shapely.LineString

    @property
    def depth_m(self) -> float:
        """From the bank down to the bed."""
        return RIVER_BED_M if self.kind == "river" else CANAL_BED_M


_RIVER = [(0, 3700), (900, 3900), (1800, 3450), (2600, 3600), (3400, 3250), (4200, 3500), (5100, 3150), (6000, 3350),
          (7000, 3100)]
# Each canal's ends lie on the river or on a canal before it where its first or last corner is near one.
_CANALS = {
    "foothill": [(500, 5300), (800, 4800), (700, 4300), (900, 3900)],
    "north": [(1800, 3450), (2200, 4400), (3000, 5000), (4000, 5300), (5200, 5200), (7000, 5400)],
    "south": [(2600, 3600), (2900, 2500), (3700, 1700), (4800, 1400), (7000, 1200)],
    "link": [(5200, 5200), (5350, 4300), (5100, 3150)],
    "middle": [(4200, 3500), (4350, 2600), (4800, 1400)],
}
_MEET_M = 400.0


def plain_m(east_m: Floats) -> Floats:
    """The height of the plain, metres above mean sea level: 5.5 in the west down to 1.1 in the east."""
    falling = np.clip((SIDE_M - east_m) / SIDE_M, 0.0, 1.0)
    return 1.1 + 4.4 * falling**1.15


def bank_m(east_m: Floats) -> Floats:
    """The height of the banks: natural levees stand 0.6 m above the plain."""
    return plain_m(east_m) + LEVEE_M


def channels() -> list[Channel]:
    """The river and five canals, joined to one network by shared vertices."""
    found = [Channel("river", "river", _smooth(_RIVER))]
    for key, corners in _CANALS.items():
        line = _joined(_smooth(corners), [channel.line for channel in found])
        found.append(Channel(key, "canal", line))
    return found


def _smooth(corners: list[tuple[int, int]]) -> shapely.LineString:
    """Chaikin's corner cutting, three times; the ends stay."""
    points = np.array(corners, dtype=float)
    for _ in range(3):
        quarter, three = 0.75 * points[:-1] + 0.25 * points[1:], 0.25 * points[:-1] + 0.75 * points[1:]
        inner = np.stack([quarter, three], axis=1).reshape(-1, 2)
        points = np.vstack([points[:1], inner[1:-1], points[-1:]])
    return shapely.LineString(np.round(points, 2))


def _joined(line: shapely.LineString, others: list[shapely.LineString]) -> shapely.LineString:
    points = shapely.get_coordinates(line).copy()
    vertices = np.vstack([shapely.get_coordinates(other) for other in others])
    for end in (0, -1):
        apart_m = np.hypot(*(vertices - points[end]).T)
        if apart_m.min() < _MEET_M:
            points[end] = vertices[apart_m.argmin()]
    return shapely.LineString(points)
