"""What of a report may leave the house: rounded places, words without numbers of people. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Collection

from gis.points import LonLat

# Half a kilometre: wider than a community's lane, narrow enough to say which part of the town (assumed).
COARSE_DEGREES = 0.005
GONE = "…"

_TAG = re.compile(r"<(?:/?[A-Za-z][^<>]*|!--.*?--|![^<>]*|\?[^<>]*)>", re.DOTALL)
_SCRIPT = re.compile(r"<(script|style)\b[^<>]*>.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# Nine digits or more, however they are set apart: telephones (02…, 08…, +66…), identity cards, accounts; but not the
# number of a report.
_LONG_NUMBER = re.compile(r"(?<![\w.])(?!25\d\d-\d{6}(?!\d))\+?\(?\d(?:[\s().-]{0,2}\d){8,14}(?![\d])")
_LINE_ID = re.compile(r"(?:\bline|ไลน์|ไอดีไลน์)\s*(?:id|ไอดี)?\s*[:：=]?\s*@?[\w.-]{3,}", re.IGNORECASE)
_USER_ID = re.compile(r"\bU[0-9a-f]{32}\b")
_THAI_DIGITS = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")
_UNSEEN = re.compile("[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def plain(text: str) -> str:
    """The words without HTML, control characters and marks that turn the writing around."""
    without = _UNSEEN.sub("", _TAG.sub("", _SCRIPT.sub("", text)))
    return "\n".join(line.rstrip() for line in without.replace("\r\n", "\n").replace("\r", "\n").split("\n")).strip()


def redacted(text: str, *, hidden: Collection[str] = ()) -> str:
    """The words as the public may read them: telephones, mail addresses, identity numbers and LINE ids are gone.

    So is what an officer has hidden, however its letters are written.
    """
    for word in sorted(hidden, key=len, reverse=True):
        text = re.sub(re.escape(word), GONE, text, flags=re.IGNORECASE)
    found = [*_LONG_NUMBER.finditer(text.translate(_THAI_DIGITS))]  # One digit for one: places in the text stay.
    for match in reversed(found):
        text = text[: match.start()] + GONE + text[match.end() :]
    return _LINE_ID.sub(GONE, _MAIL.sub(GONE, _USER_ID.sub(GONE, plain(text))))


def shown_place(place: LonLat, *, is_coarse: bool, grid_degrees: float | None) -> LonLat:
    """The place as Open311 shows it: as it is, or by the category's grid, where coarse by half a kilometre at least."""
    if is_coarse:
        return coarsened(place, cell_degrees=max(grid_degrees or 0.0, COARSE_DEGREES))
    return place if grid_degrees is None else coarsened(place, cell_degrees=grid_degrees)


def coarsened(place: LonLat, *, cell_degrees: float = COARSE_DEGREES) -> LonLat:
    """The middle of the cell, of about half a kilometre, that holds the place: asked again, it is the same.

    The database says the same of it (`public_cell`), so that two answers never narrow a place down.
    """
    return LonLat(lon=_middle(place.lon, cell_degrees), lat=_middle(place.lat, cell_degrees))


def _middle(degrees: float, cell_degrees: float) -> float:
    return round((math.floor(degrees / cell_degrees) + 0.5) * cell_degrees, 6)
