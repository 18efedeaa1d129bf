"""What CAP's schema cannot say: each rule of the standard that a schema-valid message may still break.

Rules: CAP 1.2 sections 3.2.1-3.2.4; the box of Thailand catches latitude and longitude in the wrong order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import shapely
from lxml import etree
from shapely.geometry import Polygon

from alerts.cap import NAMESPACE
from alerts.errors import CapRefusedError

BYTES_AT_MOST = 5_000_000
AREAS_AT_MOST = 2_000
BUDDHIST_FROM_YEAR = 2400
SOUTH, NORTH, WEST, EAST = 5.5, 20.6, 97.3, 105.7
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")
_LATIN = re.compile(r"[A-Za-z]")
_THAI = re.compile(r"[\u0e01-\u0e3a\u0e40-\u0e4e]")
_FORBIDDEN = re.compile(r"[\s,&<]")


@dataclass(frozen=True)
class Finding:
    """A rule that a message breaks: the element, and a sentence."""

    field: str
    problem: str


def read(xml: bytes) -> etree._Element:
    """The root of a CAP 1.2 document; nothing is loaded from anywhere.

    Raises CapRefusedError for a document that is too large, is no XML, has a DOCTYPE (entity attacks; text before an
    entity would be half-read) or is no CAP 1.2 alert.
    """
    if len(xml) > BYTES_AT_MOST:
        raise CapRefusedError(f"The document has {len(xml)} bytes; {BYTES_AT_MOST} at most are read.")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as exc:
        raise CapRefusedError(f"The document is no XML: {exc.msg}.") from exc
    if root.getroottree().docinfo.internalDTD is not None:
        raise CapRefusedError("The document has a DOCTYPE; no CAP message needs one.")
    if root.tag != f"{{{NAMESPACE}}}alert":
        raise CapRefusedError(f"The document's root is '{root.tag}', not an alert of CAP 1.2.")
    return root


def findings(xml: bytes) -> list[Finding]:
    """Every rule beyond the schema that the message breaks; an empty list for a sound one. Raises CapRefusedError."""
    root = read(xml)
    return [*_of_head(root), *_of_references(root), *_of_infos(root)]


def _all(parent: etree._Element, name: str) -> list[etree._Element]:
    return parent.findall(f"{{{NAMESPACE}}}{name}")


def _text(parent: etree._Element, name: str) -> str:
    return (parent.findtext(f"{{{NAMESPACE}}}{name}") or "").strip()


def _time(parent: etree._Element, name: str) -> tuple[datetime | None, list[Finding]]:
    text = _text(parent, name)
    if not text:
        return None, []
    if not _TIME.fullmatch(text):
        return None, [Finding(name, f"'{text}' is not a time with offset and without fraction.")]
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None, [Finding(name, f"'{text}' is not a time.")]
    if at.year > BUDDHIST_FROM_YEAR:
        return None, [Finding(name, f"The year {at.year} is of the Buddhist era; CAP counts {at.year - 543}.")]
    return at, []


def _of_head(root: etree._Element) -> Iterator[Finding]:
    for name in ("identifier", "sender"):
        if not _text(root, name) or _FORBIDDEN.search(_text(root, name)):
            yield Finding(name, "It is empty or holds a space, comma, < or &.")
    if not _text(root, "sent"):
        yield Finding("sent", "It is missing.")
    yield from _time(root, "sent")[1]
    if _text(root, "scope") == "Restricted" and not _text(root, "restriction"):
        yield Finding("restriction", "A restricted message does not say how.")
    if _text(root, "scope") == "Private" and not _text(root, "addresses"):
        yield Finding("addresses", "A private message does not say to whom.")
    if _text(root, "status") == "Exercise" and not _text(root, "note"):
        yield Finding("note", "An exercise does not say which.")


def _of_references(root: etree._Element) -> Iterator[Finding]:
    references = _text(root, "references").split()
    if _text(root, "msgType") in {"Update", "Cancel"} and not references:
        yield Finding("references", f"A message of type {_text(root, 'msgType')} does not say of which message.")
    for reference in references:
        parts = reference.split(",")
        if len(parts) != 3 or not all(parts) or not _TIME.fullmatch(parts[2]):
            yield Finding("references", f"'{reference[:80]}' is not sender,identifier,sent.")


def _of_infos(root: etree._Element) -> Iterator[Finding]:
    infos = _all(root, "info")
    if not infos and _text(root, "msgType") in {"Alert", "Update"}:
        yield Finding("info", "The message says nothing.")
    languages = [(_text(info, "language") or "en-US").lower() for info in infos]
    for language in sorted({language for language in languages if languages.count(language) > 1}):
        yield Finding("language", f"{language} is there {languages.count(language)} times.")
    sent_at = _time(root, "sent")[0]
    for info, language in zip(infos, languages, strict=True):
        yield from _of_times(info, sent_at)
        yield from _of_words(info, language)
        yield from _of_areas(info)


def _of_times(info: etree._Element, sent_at: datetime | None) -> Iterator[Finding]:
    if not _text(info, "expires"):
        yield Finding("expires", "It is missing: every receiver would decide for itself.")
    times: dict[str, datetime | None] = {"sent": sent_at}
    for name in ("effective", "onset", "expires"):
        times[name], problems = _time(info, name)
        yield from problems
    for name in ("sent", "effective", "onset"):
        begin, end = times[name], times["expires"]
        if begin and end and end <= begin:
            yield Finding("expires", f"It expires before '{name}'.")


def _of_words(info: etree._Element, language: str) -> Iterator[Finding]:
    words = " ".join(_text(info, name) for name in ("headline", "description", "instruction"))
    # Places that have no English name stand by their Thai one; the sentences around them are what counts.
    for area in _all(info, "area"):
        words = words.replace(_text(area, "areaDesc"), "")
    if len(_THAI.findall(words)) > len(_LATIN.findall(words)) and not language.startswith("th"):
        yield Finding("language", f"The text is Thai but declared {language}.")
    if not _text(info, "headline"):
        yield Finding("headline", "It is missing.")


def _of_areas(info: etree._Element) -> Iterator[Finding]:
    areas = _all(info, "area")
    if not areas:
        yield Finding("area", "The message does not say where.")
    if len(areas) > AREAS_AT_MOST:
        yield Finding("area", f"{len(areas)} areas; {AREAS_AT_MOST} at most are read.")
        return
    for area in areas:
        if not (_all(area, "polygon") or _all(area, "circle") or _all(area, "geocode")):
            yield Finding("area", f"'{_text(area, 'areaDesc')[:60]}' has neither outline nor code.")
        for polygon in _all(area, "polygon"):
            yield from _of_polygon((polygon.text or "").split())
        for circle in _all(area, "circle"):
            centre, _, radius_km = (circle.text or "").strip().partition(" ")
            yield from _of_pairs("circle", [centre])
            if not re.fullmatch(r"\d+(\.\d+)?", radius_km.strip()):
                yield Finding("circle", f"'{radius_km[:20]}' is no radius.")


def _pair(text: str) -> tuple[float, float] | None:
    match = re.fullmatch(r"(-?\d{1,3}(?:\.\d+)?),(-?\d{1,3}(?:\.\d+)?)", text)
    return (float(match[1]), float(match[2])) if match else None


def _of_pairs(field: str, pairs: Sequence[str]) -> Iterator[Finding]:
    for text in pairs:
        pair = _pair(text)
        if pair is None:
            yield Finding(field, f"'{text[:40]}' is not lat,lon.")
            return
        lat, lon = pair
        if not (SOUTH <= lat <= NORTH and WEST <= lon <= EAST):
            is_swapped = SOUTH <= lon <= NORTH and WEST <= lat <= EAST
            why = "latitude and longitude are in the wrong order" if is_swapped else "it lies outside Thailand"
            yield Finding(field, f"'{text}': {why}.")
            return


def _of_polygon(pairs: Sequence[str]) -> Iterator[Finding]:
    places = [_pair(text) for text in pairs]
    known = [place for place in places if place is not None]
    if len(known) < len(places) or not places:
        yield from _of_pairs("polygon", pairs or [""])
        return
    yield from _of_pairs("polygon", pairs)
    if known[0] != known[-1]:
        yield Finding("polygon", "The ring is open: the last pair is not the first.")
    elif len(known) < 4:
        yield Finding("polygon", f"{len(known)} pairs enclose nothing; 4 are needed.")
    elif not shapely.is_valid(Polygon([(lon, lat) for lat, lon in known])):
        yield Finding("polygon", "The outline crosses itself.")
