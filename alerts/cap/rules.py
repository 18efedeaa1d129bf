"""What CAP's schema cannot say: the rules of the standard that a well-formed message may still break.

Source: CAP 1.2, sections 3.2.1 to 3.2.4. Each rule is a finding; who emits holds all of them, who reads shows them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import shapely
from shapely.geometry import Polygon

from alerts.cap.messages import CapArea, CapInfo, CapMessage, Finding

# A text shows its script within its first lines; the rest of a very long one would cost time.
_LETTERS_LOOKED_AT = 5_000
_LATIN = re.compile(r"[A-Za-z]")
_THAI = re.compile(r"[\u0e01-\u0e3a\u0e40-\u0e4e]")


class Box(NamedTuple):
    """The part of the world where a sender's places can lie, in degrees."""

    south: float
    north: float
    west: float
    east: float


# Catches latitude and longitude in the wrong order.
THAILAND = Box(south=5.5, north=20.6, west=97.3, east=105.7)


def findings(message: CapMessage) -> list[Finding]:
    """Every rule beyond the schema that the message breaks; an empty list for a sound one."""
    return [*_of_head(message), *_of_infos(message)]


def outside(message: CapMessage, box: Box) -> list[Finding]:
    """A finding for each outline or circle of the message that leaves the box."""
    return [
        Finding("polygon", f"'{lat},{lon}' lies outside {box}.")
        for info in message.infos
        for area in info.areas
        for lon, lat in _first_outside(area, box)
    ]


def _first_outside(area: CapArea, box: Box) -> Iterator[tuple[float, float]]:
    places = [*area.polygons, *(((circle.lon, circle.lat),) for circle in area.circles)]
    for ring in places:
        for lon, lat in ring:
            if not (box.south <= lat <= box.north and box.west <= lon <= box.east):
                yield lon, lat
                break


def _of_head(message: CapMessage) -> Iterator[Finding]:
    if message.message_type in {"Update", "Cancel"} and not message.references:
        yield Finding("references", f"A message of type {message.message_type} does not say which it replaces.")
    if message.status == "Exercise" and not message.note:
        yield Finding("note", "An exercise does not say which.")
    if message.scope == "Restricted" and not message.restriction:
        yield Finding("restriction", "A restricted message does not say how.")
    if message.scope == "Private" and not message.addresses:
        yield Finding("addresses", "A private message does not say to whom.")


def _of_infos(message: CapMessage) -> Iterator[Finding]:
    if not message.infos and message.message_type in {"Alert", "Update"}:
        yield Finding("info", "The message says nothing.")
    for language, times in sorted(Counter(info.language.lower() for info in message.infos).items()):
        if times > 1:
            yield Finding("language", f"{language} is there {times} times.")
    for info in message.infos:
        yield from _of_times(info, message.sent_at)
        yield from _of_words(info)
        yield from _of_areas(info)


def _of_times(info: CapInfo, sent_at: datetime) -> Iterator[Finding]:
    if info.expires_at is None:
        yield Finding("expires", "It is missing: every receiver would decide for itself.")
        return
    for name, begin in {"sent": sent_at, "effective": info.effective_at, "onset": info.onset_at}.items():
        if begin and info.expires_at <= begin:
            yield Finding("expires", f"It expires before '{name}'.")


def _of_words(info: CapInfo) -> Iterator[Finding]:
    words = " ".join((info.headline, info.description, info.instruction))[:_LETTERS_LOOKED_AT]
    # Places that have no English name stand by their Thai one; the sentences around them are what counts.
    for area in info.areas:
        words = words.replace(area.name, "") if area.name else words
    if len(_THAI.findall(words)) > len(_LATIN.findall(words)) and not info.language.lower().startswith("th"):
        yield Finding("language", f"The text is Thai but declared {info.language}.")
    if not info.headline:
        yield Finding("headline", "It is missing.")


def _of_areas(info: CapInfo) -> Iterator[Finding]:
    if not info.areas:
        yield Finding("area", "The message does not say where.")
    for area in info.areas:
        if not (area.polygons or area.circles or area.geocodes):
            yield Finding("area", f"'{area.name[:60]}' has neither outline nor code.")
        for ring in area.polygons:
            if not shapely.is_valid(Polygon(ring)):
                yield Finding("polygon", "The outline crosses itself.")
