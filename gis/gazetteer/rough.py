"""Coordinates of two decimals, which may as well be levels or prices: read only where they lie in the city. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from urllib.parse import unquote

from gis.gazetteer.clues import DEGREE_M, LATITUDE, LONGITUDE, Clue, with_signs
from gis.gazetteer.index import Extent
from gis.points import LonLat, coordinate_fault

# How sure the pair is a place (assumed): called coordinates, or merely two numbers that happen to lie in the city.
SAID, BARE = 0.9, 0.55
DECIMALS = 2
_NUMBER = r"([1-9]\d{0,2}\.\d{2,})"
_AXIS = rf"(?<![a-z])(?:{LATITUDE}|{LONGITUDE}|[NE](?![a-z]))\.?\s*[:=]?\s*"
_PAIR = re.compile(
    rf"(?<![\d.+-])(?<!\d,){_NUMBER}\s*(?:°\s*)?(?P<north>[NE](?![a-z]))?\s*(?:[,;/]|!4d|\s)\s*"
    rf"(?P<axis>{_AXIS})?{_NUMBER}(?![\d.])",
    re.IGNORECASE,
)
_SAID_BEFORE = re.compile(
    rf"(?:(?:พิกัด|จีพีเอส|gps|coord(?:inate)?s?)[^\d\n]{{0,12}}|{_AXIS}|https?://\S*(?:[=@/:,]|!3d)|geo:)$", re.IGNORECASE
)
# What stands before or behind numbers that are prices, levels, heights or times.
_MEASURED_BEFORE = re.compile(
    r"(?:ราคา|ระดับ|สูง|ลึก|กว้าง|ยาว|ค่า|เวลา|฿|\$|price|cost|level|depth|height|time)[^\d\n]{0,12}$", re.IGNORECASE
)
_MEASURED_BEHIND = re.compile(
    r"\s*(?:บาท|ล้าน|เมตร|ม\.|มิลลิ|มม|เซนติ|ซม|กม|กิโล|ลบ|ลิตร|ไร่|นาที|ชั่วโมง|ชม|โมง|น\.|%|฿|°\s?C|(?:mm?|cm|km|msl|baht|thb|am|pm)(?![a-z]))",
    re.IGNORECASE,
)
_LISTED_BEFORE = re.compile(r"\d\.\d+\s*[,;/ ]\s*$")
_LISTED_BEHIND = re.compile(r"\s*[,;/ ]\s*\d+\.\d")
_BEFORE = 200  # How many letters before a pair are looked at: as long as a link may be.


def rough_clues(text: str, *, city: Extent | None) -> list[Clue]:
    """The pairs of numbers with two decimals that lie in the city, in either order, as far as half of the last decimal
    reaches; none without a city.

    A pair that is called coordinates, or stands in a link, is surer than a bare one. Prices, levels, times and rows of
    numbers are none.
    """
    if city is None or "." not in text:
        return []
    plain = with_signs(text)
    plain = unquote(plain) if "%" in plain else plain
    return list(_rough(plain, city))


def _rough(plain: str, city: Extent) -> Iterator[Clue]:
    for found in _PAIR.finditer(plain):
        first, second = found[1], found[4]
        place = _in_city(float(first), float(second), city)
        before = plain[max(0, found.start() - _BEFORE) : found.start()]
        if place is None or min(_decimals(first), _decimals(second)) != DECIMALS:
            continue
        if _MEASURED_BEHIND.match(plain, found.end()):
            continue
        is_said = bool(found["north"] or found["axis"] or _SAID_BEFORE.search(before))
        is_listed = _LISTED_BEFORE.search(before) or _LISTED_BEHIND.match(plain, found.end())
        if not is_said and (is_listed or _MEASURED_BEFORE.search(before)):
            continue
        radius_m = math.hypot(_half_m(first), _half_m(second))
        yield Clue(place, radius_m, "coordinates", found[0].strip(), SAID if is_said else BARE)


def _in_city(first: float, second: float, city: Extent) -> LonLat | None:
    """The place of the numbers in the order in which it lies in the city."""
    orders = ((second, first), (first, second))
    places = [LonLat(lon=lon, lat=lat) for lon, lat in orders if coordinate_fault(lon=lon, lat=lat) is None]
    return next((place for place in places if city.holds(place)), None)


def _decimals(number: str) -> int:
    return len(number.partition(".")[2])


def _half_m(number: str) -> float:
    """Half of the number's last decimal in metres: what rounding hides."""
    return DEGREE_M * 0.5 * 10.0 ** -_decimals(number)
