"""Places that a text gives in numbers: coordinates in their many forms, map links, Plus Codes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from gis.gazetteer import pluscode
from gis.points import LonLat, coordinate_fault, is_swapped_in_thailand

_THAI_DIGITS = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")
_DECIMAL = r"[-+]?\d{1,3}\.\d{3,}"
_PAIR = re.compile(rf"(?<![\d.])({_DECIMAL})\s*°?\s*[NSns]?\s*[,;/ ]\s*({_DECIMAL})(?![\d.])")
_IN_LINK = (
    re.compile(rf"!3d({_DECIMAL})!4d({_DECIMAL})"),
    re.compile(rf"[?&](?:q|query|ll|destination|daddr|center|sll)=(?:loc:)?({_DECIMAL})[,+ ]+({_DECIMAL})"),
    re.compile(rf"@({_DECIMAL}),({_DECIMAL})"),
    re.compile(rf"geo:({_DECIMAL}),({_DECIMAL})"),
)
_DEGREES = r"(\d{1,3})\s*[°ºd]\s*(\d{1,2}(?:\.\d+)?)\s*['′’]?\s*(?:(\d{1,2}(?:\.\d+)?)\s*(?:\"|″|”|''|’’)?)?\s*"
_DMS = re.compile(rf"{_DEGREES}([NSns])[\s,;]*{_DEGREES}([EWew])")
_SHORT_LINK = re.compile(r"(?:goo\.gl/maps|maps\.app\.goo\.gl|g\.co/kgs)/\S+", re.IGNORECASE)

# Half the last decimal digit is far below what a hand on a phone meets; a pin is seldom better than this, metres.
PIN_RADIUS_M = 40.0
_SIGNS = frozenset(".°º+")
DEGREE_M = 111_320.0


@dataclass(frozen=True)
class Clue:
    """A place given in numbers; `kind` is coordinates or plus_code."""

    place: LonLat
    radius_m: float
    kind: str
    matched: str


def clues_in(text: str, *, reference: LonLat | None) -> list[Clue]:
    """The places that the text gives in numbers, the first first; `reference` completes short Plus Codes.

    Latitude before longitude, as people and map links write; the other way round where only that lies in Thailand.
    """
    if _SIGNS.isdisjoint(text):
        return []
    plain = text.translate(_THAI_DIGITS)
    found = _written(plain)
    if "+" in plain:
        found += [
            Clue(LonLat(lon=cell.lon, lat=cell.lat), max(cell.radius_m, PIN_RADIUS_M), "plus_code", code)
            for code, cell in pluscode.codes_in(plain, reference=reference)
        ]
    return list({(c.place.lon, c.place.lat): c for c in reversed(found)}.values())[::-1]


def has_closed_link(text: str) -> bool:
    """The text holds a shortened map link, which says nothing without asking its maker on the internet."""
    return _SHORT_LINK.search(text) is not None


def without_links(text: str) -> str:
    """The text with its links, whose letters are no words of the sender, taken out."""
    return _LINK.sub(" ", text) if "://" in text else text


_LINK = re.compile(r"https?://\S+")


def _written(plain: str) -> list[Clue]:
    if "." not in plain and "°" not in plain and "º" not in plain:
        return []
    plain = unquote(plain) if "%" in plain else plain
    for pattern in _IN_LINK:  # What a link means comes before where its picture happened to be centred.
        linked = [clue for found in pattern.finditer(plain) if (clue := _pair(found[1], found[2], found[0]))]
        if linked:
            return linked
    pairs = [clue for found in _PAIR.finditer(plain) if (clue := _pair(found[1], found[2], found[0]))]
    return pairs + [clue for found in _DMS.finditer(plain) if (clue := _dms(found))]


def _pair(first: str, second: str, matched: str) -> Clue | None:
    lat, lon = float(first), float(second)
    if is_swapped_in_thailand(lon=lon, lat=lat):
        lat, lon = lon, lat
    decimals = min(len(first.partition(".")[2]), len(second.partition(".")[2]))
    return _clue(lon, lat, matched, max(PIN_RADIUS_M, DEGREE_M * 10.0**-decimals))


def _dms(found: re.Match[str]) -> Clue | None:
    lat = _degrees(found[1], found[2], found[3]) * (-1 if found[4] in "Ss" else 1)
    lon = _degrees(found[5], found[6], found[7]) * (-1 if found[8] in "Ww" else 1)
    return _clue(lon, lat, found[0], PIN_RADIUS_M if found[3] else 1_000.0)


def _degrees(degrees: str, minutes: str, seconds: str | None) -> float:
    return float(degrees) + float(minutes) / 60 + float(seconds or 0) / 3600


def _clue(lon: float, lat: float, matched: str, radius_m: float) -> Clue | None:
    if coordinate_fault(lon=lon, lat=lat) is not None or (lon == 0 and lat == 0):
        return None
    return Clue(LonLat(lon=lon, lat=lat), radius_m, "coordinates", matched.strip())
