"""The demo city's house numbers: odd on one side of a street, even on the other, by a rule that a seed draws."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from demo.city.streets import Piece

Floats = NDArray[np.float64]

# Main roads and the larger of the numbered ones, which people call soi; of the lanes those whose name is theirs alone.
NUMBERED = ("primary", "secondary", "tertiary", "service")
FRONTAGE_M = (14.0, 22.0)
SETBACK_M = (8.0, 17.0)  # As the plots of `demo.members`.
FIELDS, FIELD_M = 0.03, (40.0, 120.0)  # Behind so many plots the side goes on after a field, with the next number.
MISSING, DIVIDED = 0.2, 0.03  # Houses that the layer lacks; plots with two doors, 24/1 and 24/2.
KEEP_OFF_WATER_M = 15.0
_STREAM = 15  # The layer's own draw, so that it changes nothing of the rest of the city.


def house_numbers(
    network: Sequence[Piece], water: shapely.Geometry, seed: int
) -> tuple[Floats, dict[str, list[Any]]]:
    """Places (rows x 2, metres from the corner) and columns of the numbered houses along the city's streets.

    Numbers rise from a street's first piece to its last. They come from the streets alone, not from anybody's home.
    """
    rng = np.random.default_rng([seed, _STREAM])
    places: list[tuple[float, float]] = []
    columns: dict[str, list[Any]] = {name: [] for name in ("code", "house_number", "street_th", "street_en")}
    shapely.prepare(water)
    for pieces in _streets(network):
        for parity in (1, 0):
            for number, place in _side([piece.line for piece in pieces], water, parity, rng):
                places.append(place)
                columns["code"].append(f"H{len(places):05d}")
                columns["house_number"].append(number)
                columns["street_th"].append(pieces[0].name_th)
                columns["street_en"].append(pieces[0].name_en)
    return np.array(places), columns


def _streets(network: Sequence[Piece]) -> list[list[Piece]]:
    """The pieces of each street that is numbered, in their order."""
    of_name: dict[str, list[Piece]] = defaultdict(list)
    for piece in network:
        of_name[piece.name_th].append(piece)
    bearers = Counter(piece.name_th for piece in network if piece.road_class == "service")
    return [
        pieces for name, pieces in of_name.items() if pieces[0].road_class in NUMBERED and bearers[name] <= 1
    ]


def _side(
    lines: Sequence[shapely.LineString], water: shapely.Geometry, parity: int, rng: np.random.Generator
) -> list[tuple[str, tuple[float, float]]]:
    """The houses of one side: every plot has the next number of its parity, and some of the houses are known."""
    found = []
    base = 2 - parity
    for line in lines:
        start, end = shapely.get_coordinates(line)
        along = (end - start) / line.length
        across = np.array([-along[1], along[0]]) * (1.0 if parity else -1.0)
        at_m = float(rng.uniform(0.0, FRONTAGE_M[1]))
        while at_m < line.length:
            place = start + along * at_m + across * rng.uniform(*SETBACK_M)
            is_missing, is_divided, is_before_field = rng.random(3) < (MISSING, DIVIDED, FIELDS)
            if not is_missing and shapely.distance(water, shapely.Point(place)) > KEEP_OFF_WATER_M:
                beside = place + along * 4.0
                doors = [(f"{base}/1", place), (f"{base}/2", beside)] if is_divided else [(str(base), place)]
                found += [(number, (float(spot[0]), float(spot[1]))) for number, spot in doors]
            base += 2
            at_m += float(rng.uniform(*FRONTAGE_M)) + is_before_field * float(rng.uniform(*FIELD_M))
    return found
