"""CAP messages of others as outside warnings: one warning a message, whatever languages and areas it has. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from alerts import cap
from alerts.errors import CapRefusedError
from alerts.outside.said import (
    PLAUSIBLE_YEARS,
    Finding,
    OutsideWarning,
    Place,
    Read,
    Reference,
    Unread,
    Words,
    grade_of,
    hazard_of,
    known_by,
)

_ALL_CLEAR, _PAST = "allclear", "past"


def read_cap(body: bytes, *, source: str, newest_by_title: bool) -> Read:
    """The warnings of a CAP document, of a feed with its alerts or of an envelope, and the links of an index.

    With `newest_by_title` each issue is a new alert without references, and the newest of a title, sender and hazard
    counts (the Thai Meteorological Department's way).
    """
    try:
        reading = cap.read(body, source=source)
    except CapRefusedError as refused:
        return Read(unread=(Unread("cap_refused", refused.detail),))
    broken = [one for one in reading.messages if not _has_plausible_times(one)]
    if broken:
        one = broken[0]
        detail = f"The message {one.identifier[:100]} is of the year {one.sent_at.year}, or of another impossible one."
        return Read(unread=(Unread("cap_refused", detail),))
    warnings = tuple(_warning(message, newest_by_title=newest_by_title) for message in reading.messages)
    newest = max((warning.sent_at for warning in warnings), default=None)
    return Read(warnings, links=reading.links, newest_at=newest)


def _has_plausible_times(message: cap.CapMessage) -> bool:
    ends = [at for info in message.infos for at in (info.effective_at, info.onset_at, info.expires_at) if at]
    return all(at.year in PLAUSIBLE_YEARS for at in (message.sent_at, *ends))


def is_all_clear(message: cap.CapMessage) -> bool:
    """The message says that the danger is past: every info does, by its response or, in an Update, by its urgency."""
    is_update = message.message_type.casefold() == "update"
    return bool(message.infos) and all(
        (is_update and info.urgency.casefold() == _PAST)
        or _ALL_CLEAR in {one.casefold() for one in info.response_types}
        for info in message.infos
    )


def _warning(message: cap.CapMessage, *, newest_by_title: bool) -> OutsideWarning:
    worst = max(message.infos, key=lambda info: grade_of(info.severity) or 0, default=None)
    words = _words(message.infos)
    event = worst.event if worst else ""
    hazard = hazard_of(event, *(one.headline for one in words.values()), *(one.description for one in words.values()))
    headline = next(iter(words.values())).headline if words else ""
    group = _group(message.sender, hazard, headline) if newest_by_title and not message.references else None
    return OutsideWarning(
        identifier=known_by(message.identifier),
        sender=message.sender,
        sent_at=message.sent_at,
        event=event,
        hazard=hazard,
        grade=grade_of(worst.severity) if worst else None,
        words=words,
        places=_places(message.infos),
        status=message.status,
        message_type="AllClear" if is_all_clear(message) else message.message_type,
        severity=worst.severity if worst else "",
        urgency=worst.urgency if worst else "",
        certainty=worst.certainty if worst else "",
        effective_at=_first(info.effective_at for info in message.infos),
        onset_at=_first(info.onset_at for info in message.infos),
        expires_at=max((info.expires_at for info in message.infos if info.expires_at), default=None),
        references=tuple(Reference(one.sender, known_by(one.identifier)) for one in message.references),
        group=group,
        findings=tuple(_finding(one) for one in message.findings[:20]),
        facts={"scope": message.scope, "note": message.note[:1_000], "is_signed": message.is_signed,
               "incidents": list(message.incidents[:20])},
    )  # fmt: skip


def _words(infos: Sequence[cap.CapInfo]) -> dict[str, Words]:
    """By language, Thai first; of several infos in one language the worst is told."""
    found: dict[str, cap.CapInfo] = {}
    for info in infos:
        language = info.language.split("-")[0].casefold()
        held = found.get(language)
        if held is None or (grade_of(info.severity) or 0) > (grade_of(held.severity) or 0):
            found[language] = info
    return {
        language: Words(info.event, info.headline or info.event, info.description, info.instruction)
        for language, info in sorted(found.items(), key=lambda pair: pair[0] != "th")
    }


def _places(infos: Sequence[cap.CapInfo]) -> tuple[Place, ...]:
    """Each place once: the infos of several languages mostly repeat the same outlines."""
    found: dict[object, Place] = {}
    for info in infos:
        for area in info.areas:
            codes = tuple((code.name, code.value) for code in area.geocodes)
            circles = tuple((one.lon, one.lat, one.radius_km) for one in area.circles)
            place = Place(area.name, codes, area.polygons, circles)
            found.setdefault((area.name, codes, area.polygons, circles), place)
    return tuple(found.values())


def _group(sender: str, hazard: str, headline: str) -> str:
    title = " ".join(headline.split()).casefold()
    return hashlib.sha256(f"{sender}\n{hazard}\n{title}".encode()).hexdigest()[:32]


def _first(times: Iterable[datetime | None]) -> datetime | None:
    return min((at for at in times if at is not None), default=None)


def _finding(found: cap.Finding) -> Finding:
    is_buddhist = "Buddhist" in found.problem
    return Finding("buddhist_year" if is_buddhist else "other", f"{found.field}: {found.problem}")
