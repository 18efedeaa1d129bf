"""Where a phone says that it stood when it took a photo: the GPS part of EXIF (CIPA DC-008, 4.6.6). Pure.

What is read is somebody else's bytes: whatever is not plainly a place is none.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gis.points import LonLat, coordinate_fault

# A phone under open sky is good to 4.9 m (GPS.gov, "GPS Accuracy"), beside buildings to some tens; and what a photo
# shows lies across the street from who takes it (assumed).
RADIUS_M, LEAST_RADIUS_M = 30.0, 15.0
# Beyond this it was the telephone's mast, not the sky: nobody can be sent there (assumed).
WIDEST_M = 300.0
# "Poor" in every scale of the dilution of precision.
MOST_DOP = 20.0
# An older photo tells of another day; clocks may be a little ahead (assumed).
OLDEST, NEWEST = timedelta(days=14), timedelta(days=1)

_GPS_IFD = 0x8825
_LAT_REF, _LAT, _LON_REF, _LON, _STATUS, _DOP, _DATE, _ERROR = 1, 2, 3, 4, 9, 0x0B, 0x1D, 0x1F
_MOST_ENTRIES = 200
_ASCII, _LONG, _RATIONAL = 2, 4, 5
_SIZES = {_ASCII: 1, _LONG: 4, _RATIONAL: 8}


@dataclass(frozen=True)
class SeenFrom:
    """Where the camera stood, to within `radius_m`."""

    place: LonLat
    radius_m: float


def seen_from(tiff: bytes, *, now: datetime) -> SeenFrom | None:
    """The place in the TIFF block of a picture's EXIF; None where it says none that could be meant.

    None where the receiver says that it had no fix, for 0/0, for numbers off the earth, for a bad dilution of
    precision or a wide error, and for photos of another time.
    """
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2], "")
    if not order or len(tiff) < 8:
        return None
    (first_at,) = struct.unpack_from(order + "I", tiff, 4)
    pointer = _numbers(_directory(tiff, first_at, order).get(_GPS_IFD), order)
    gps = _directory(tiff, int(pointer[0]), order) if pointer else {}
    place = _place(gps, order)
    if place is None or not _is_sound(gps, order) or not _is_recent(gps, now=now):
        return None
    told_m = next(iter(_numbers(gps.get(_ERROR), order)), math.nan)
    if not math.isfinite(told_m) or told_m <= 0:
        return SeenFrom(place, RADIUS_M)
    return SeenFrom(place, max(told_m, LEAST_RADIUS_M)) if told_m <= WIDEST_M else None


_Entry = tuple[int, bytes]


def _directory(tiff: bytes, at: int, order: str) -> Mapping[int, _Entry]:
    """The entries of a directory that can be read: kind and bytes by tag, the first where a tag stands twice."""
    found: dict[int, _Entry] = {}
    if not 8 <= at <= len(tiff) - 2:
        return found
    (count,) = struct.unpack_from(order + "H", tiff, at)
    for entry_at in range(at + 2, min(at + 2 + 12 * min(count, _MOST_ENTRIES), len(tiff) - 11), 12):
        tag, kind, values = struct.unpack_from(order + "HHI", tiff, entry_at)
        size = _SIZES.get(kind, 0) * values
        if not 0 < size <= 64 or tag in found:
            continue
        value_at = entry_at + 8
        if size > 4:
            (value_at,) = struct.unpack_from(order + "I", tiff, value_at)
        if value_at + size <= len(tiff):
            found[tag] = (kind, tiff[value_at : value_at + size])
    return found


def _numbers(entry: _Entry | None, order: str) -> list[float]:
    kind, raw = entry or (0, b"")
    if kind == _LONG:
        return [float(value) for value in struct.unpack(f"{order}{len(raw) // 4}I", raw)]
    if kind != _RATIONAL:
        return []
    parts = struct.unpack(f"{order}{len(raw) // 4}I", raw)
    return [over / under if under else math.nan for over, under in zip(parts[::2], parts[1::2], strict=True)]


def _text(entry: _Entry | None) -> str:
    kind, raw = entry or (0, b"")
    return raw.split(b"\x00")[0].decode("ascii", "replace").strip() if kind == _ASCII else ""


def _place(gps: Mapping[int, _Entry], order: str) -> LonLat | None:
    lat = _degrees(_numbers(gps.get(_LAT), order), _text(gps.get(_LAT_REF)), "NS")
    lon = _degrees(_numbers(gps.get(_LON), order), _text(gps.get(_LON_REF)), "EW")
    if lat is None or lon is None or (abs(lat) < 1e-4 and abs(lon) < 1e-4):
        return None
    return None if coordinate_fault(lon=lon, lat=lat) is not None else LonLat(lon=lon, lat=lat)


def _degrees(parts: list[float], ref: str, refs: str) -> float | None:
    """Degrees of one to three parts (degrees, minutes, seconds); without a hemisphere nobody knows which is meant."""
    if not 1 <= len(parts) <= 3 or ref not in {*refs} or not all(map(math.isfinite, parts)):
        return None
    if any(part >= 60 for part in parts[1:]):
        return None
    whole = math.fsum(part / 60.0**power for power, part in enumerate(parts))
    return -whole if ref == refs[1] else whole


def _is_sound(gps: Mapping[int, _Entry], order: str) -> bool:
    if _text(gps.get(_STATUS)) == "V":  # Void: the receiver had no fix and wrote the last one that it knew.
        return False
    return _DOP not in gps or all(0 < dop <= MOST_DOP for dop in _numbers(gps[_DOP], order) or [math.nan])


def _is_recent(gps: Mapping[int, _Entry], *, now: datetime) -> bool:
    """The receiver's day (UTC) is not long ago; one that says no day is taken at its word."""
    told = _text(gps.get(_DATE))
    if not told:
        return True
    try:
        day = datetime.strptime(told, "%Y:%m:%d").replace(tzinfo=UTC)
    except ValueError:
        return False
    return now - OLDEST - timedelta(days=1) <= day <= now + NEWEST
