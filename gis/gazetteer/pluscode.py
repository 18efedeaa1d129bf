"""Plus Codes (Open Location Code, the public specification of Google, 2014): from the code to its cell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gis.points import LonLat

_ALPHABET = "23456789CFGHJMPQRVWX"
_CODE = re.compile(r"(?<![0-9A-Za-z])([23456789CFGHJMPQRVWX]{4}|[23456789CFGHJMPQRVWX]{8})\+"
                   r"([23456789CFGHJMPQRVWX]{2,7})(?![0-9A-Za-z])", re.IGNORECASE)
_PAIRS_DEG = (20.0, 1.0, 0.05, 0.0025, 0.000125)
_ROWS, _COLUMNS = 5, 4
_WHOLE_DEG = 1.0  # What the four missing letters of a short code leave open.
_DEGREE_M = 111_320.0


@dataclass(frozen=True)
class Cell:
    """The middle of a code's cell, degrees, and how far its corner is from there, metres."""

    lon: float
    lat: float
    radius_m: float


def codes_in(text: str, *, reference: LonLat | None) -> Iterator[tuple[str, Cell]]:
    """Every Plus Code in the text with its cell; a short one is the cell nearest to `reference`, or left out."""
    for found in _CODE.finditer(text):
        front, back = found[1].upper(), found[2].upper()
        if len(front) == 8:
            yield found[0], cell_of(front + back)
        elif reference is not None:
            yield found[0], _nearest(front + back, reference)


def cell_of(letters: str) -> Cell:
    """The cell of a full code without its `+`: 10 letters or more."""
    lat, lon = -90.0, -180.0
    for pair, size_deg in zip(range(0, 10, 2), _PAIRS_DEG, strict=True):
        lat += _ALPHABET.index(letters[pair]) * size_deg
        lon += _ALPHABET.index(letters[pair + 1]) * size_deg
    high_deg = wide_deg = _PAIRS_DEG[-1]
    for letter in letters[10:]:
        row, column = divmod(_ALPHABET.index(letter), _COLUMNS)
        high_deg, wide_deg = high_deg / _ROWS, wide_deg / _COLUMNS
        lat, lon = lat + row * high_deg, lon + column * wide_deg
    radius_m = _DEGREE_M * (high_deg**2 + wide_deg**2) ** 0.5 / 2
    return Cell(lon + wide_deg / 2, lat + high_deg / 2, radius_m)


def _nearest(letters: str, reference: LonLat) -> Cell:
    lat, lon = reference.lat + 90.0, reference.lon + 180.0
    cell = cell_of(_letters(lat // 20, lon // 20) + _letters(lat % 20 // 1, lon % 20 // 1) + letters)
    return Cell(_moved(cell.lon, reference.lon), _moved(cell.lat, reference.lat), cell.radius_m)


def _letters(row: float, column: float) -> str:
    return _ALPHABET[int(row)] + _ALPHABET[int(column)]


def _moved(degrees: float, reference: float) -> float:
    """The same place within its cell of one degree, in the cell that brings it nearest to the reference."""
    return degrees + round((reference - degrees) / _WHOLE_DEG) * _WHOLE_DEG
