"""Places that a text gives in numbers: coordinates in their many forms, map links, Plus Codes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from gis import crs
from gis.gazetteer import pluscode
from gis.points import LonLat, coordinate_fault, is_swapped_in_thailand

_THAI_DIGITS = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")
_DECIMAL = r"[-+]?\d{1,3}\.\d{3,}"
_PAIR = re.compile(rf"(?<![\d.])({_DECIMAL})\s*°?\s*[NSns]?\s*[,;/ ]\s*({_DECIMAL})(?![\d.])")
_IN_LINK = (
    re.compile(rf"!3d({_DECIMAL})!4d({_DECIMAL})"),
    re.compile(rf"[?&](?:q|query|ll|destination|daddr|center|sll)=(?:loc:)?({_DECIMAL})[,+ ]+({_DECIMAL})"),
    re.compile(rf"/(?:dir|search|place)/(?:[^/\s]*/)*?({_DECIMAL}),[+]?({_DECIMAL})(?=[/?\s]|$)"),
    re.compile(rf"@({_DECIMAL}),({_DECIMAL})"),
    re.compile(rf"geo:({_DECIMAL}),({_DECIMAL})"),
)
_DEGREES = r"(\d{1,3})\s*[°ºd]\s*(\d{1,2}(?:\.\d+)?)\s*['′’]?\s*(?:(\d{1,2}(?:\.\d+)?)\s*(?:\"|″|”|''|’’)?)?\s*"
_DMS = re.compile(rf"{_DEGREES}([NSns])[\s,;]*{_DEGREES}([EWew])")
LATITUDE, LONGITUDE = r"(?:lat(?:itude)?|ละติจูด)", r"(?:lon(?:g(?:itude)?)?|lng|ลองจิจูด|ลองติจูด)"
_SIGN = r"\.?\s*[:=]?\s*"
_LABELLED = re.compile(rf"{LATITUDE}{_SIGN}({_DECIMAL})\W*{LONGITUDE}{_SIGN}({_DECIMAL})", re.IGNORECASE)
_LABELLED_LON_FIRST = re.compile(rf"{LONGITUDE}{_SIGN}({_DECIMAL})\W*{LATITUDE}{_SIGN}({_DECIMAL})", re.IGNORECASE)
_MINUTES = re.compile(
    r"(\d{1,3})[\s°º]+(\d{1,2}\.\d+)\s*['′’]?\s*([NSns])\W*(\d{1,3})[\s°º]+(\d{1,2}\.\d+)\s*['′’]?\s*([EWew])"
)
_THAI_SIGNS = (("พิลิปดา", '"'), ("ฟิลิปดา", '"'), ("ลิปดา", "'"), ("องศา", "°"), ("เหนือ", "N"), ("ตะวันออก", "E"))
_UTM = re.compile(r"(?<!\d)(4[78])\s?[NPQ]\s*E?\s*(\d{6})(?:\.\d+)?\s*(?:mE|E)?[\s,]+N?\s*(\d{6,7})(?:\.\d+)?(?!\d)")
_SHORT_LINK = re.compile(r"(?:goo\.gl/maps|maps\.app\.goo\.gl|g\.co/kgs)/\S+", re.IGNORECASE)

# Half the last decimal digit is far below what a hand on a phone meets; a pin is seldom better than this, metres.
PIN_RADIUS_M = 40.0
_SIGNS = frozenset(".°º+")
DEGREE_M = 111_320.0


@dataclass(frozen=True)
class Clue:
    """A place given in numbers; `kind` is coordinates or plus_code, `sureness` (0 to 1) how likely they are a place."""

    place: LonLat
    radius_m: float
    kind: str
    matched: str
    sureness: float = 1.0


def clues_in(text: str, *, reference: LonLat | None) -> list[Clue]:
    """The places that the text gives in numbers, the first first; `reference` completes short Plus Codes.

    Latitude before longitude, as people and map links write; the other way round where only that lies in Thailand.
    """
    plain = with_signs(text)
    if _SIGNS.isdisjoint(plain):
        return _utm(plain)
    found = _written(plain)
    if "+" in plain:
        found += [
            Clue(LonLat(lon=cell.lon, lat=cell.lat), max(cell.radius_m, PIN_RADIUS_M), "plus_code", code)
            for code, cell in pluscode.codes_in(plain, reference=reference)
        ]
    return list({(c.place.lon, c.place.lat): c for c in reversed(found)}.values())[::-1]


def with_signs(text: str) -> str:
    """The text with digits and signs in the place of Thai digits and of the Thai words for degrees."""
    plain = text.translate(_THAI_DIGITS)
    if "องศา" in plain:
        for word, sign in _THAI_SIGNS:
            plain = plain.replace(word, sign)
    return plain


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
    labelled = [(found[1], found[2], found[0]) for found in _LABELLED.finditer(plain)]
    labelled += [(found[2], found[1], found[0]) for found in _LABELLED_LON_FIRST.finditer(plain)]
    told = [clue for lat, lon, matched in labelled if (clue := _pair(lat, lon, matched))]
    if told:
        return told
    pairs = [clue for found in _PAIR.finditer(plain) if (clue := _pair(found[1], found[2], found[0]))]
    pairs += [clue for found in _MINUTES.finditer(plain) if (clue := _minutes(found))]
    return pairs + [clue for found in _DMS.finditer(plain) if (clue := _dms(found))] + _utm(plain)


def _utm(plain: str) -> list[Clue]:
    """Grid coordinates of zone 47 or 48, WGS 84, with their zone and band, as maps of the army and officers write."""
    found = []
    for match in _UTM.finditer(plain):
        srid = 32600 + int(match[1])
        lon, lat = crs.transformer(srid, crs.STORED_SRID).transform(float(match[2]), float(match[3]))
        clue = _clue(float(lon), float(lat), match[0], PIN_RADIUS_M)
        found += [clue] if clue else []
    return found


def _minutes(found: re.Match[str]) -> Clue | None:
    lat = _degrees(found[1], found[2], None) * (-1 if found[3] in "Ss" else 1)
    lon = _degrees(found[4], found[5], None) * (-1 if found[6] in "Ww" else 1)
    return _clue(lon, lat, found[0], PIN_RADIUS_M)


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
