"""CAP 1.2 (OASIS, 2010): one frozen value, one XML document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from lxml import etree

from alerts.cap.schema import NAMESPACES

NAMESPACE = NAMESPACES["1.2"]
THAI_TIME = timezone(timedelta(hours=7))
CAP_LANGUAGES = {"th": "th-TH", "en": "en-US"}


@dataclass(frozen=True)
class Grade:
    """How bad, how soon, how sure, and what to do, in CAP's words."""

    response: str
    urgency: str
    severity: str
    certainty: str


# Levels to CAP: assumed, to be settled with the city. 0 is the all-clear: an Update with AllClear and urgency Past.
GRADES = {
    0: Grade("AllClear", "Past", "Minor", "Observed"),
    1: Grade("Prepare", "Expected", "Moderate", "Possible"),
    2: Grade("Execute", "Expected", "Severe", "Likely"),
    3: Grade("Evacuate", "Immediate", "Extreme", "Observed"),
}


@dataclass(frozen=True)
class Reference:
    """An earlier message that this one speaks of."""

    sender: str
    identifier: str
    sent_at: datetime


@dataclass(frozen=True)
class Area:
    """A zone: its name in the language of the info, its code, and CAP polygons ("lat,lon …")."""

    name: str
    code: str
    polygons: tuple[str, ...]


@dataclass(frozen=True)
class Info:
    """What is said in one language (`th` or `en`)."""

    language: str
    event: str
    headline: str
    description: str
    instruction: str
    sender_name: str
    areas: tuple[Area, ...]


@dataclass(frozen=True)
class CapAlert:
    """One CAP message. `status` is Actual, Exercise or Test; `message_type` Alert, Update or Cancel."""

    identifier: str
    sender: str
    sent_at: datetime
    status: str
    message_type: str
    level: int
    expires_at: datetime
    infos: tuple[Info, ...]
    note: str | None = None
    references: tuple[Reference, ...] = ()
    incidents: str | None = None


def moment(at: datetime) -> str:
    """A time as CAP writes it: Thai offset, no fraction ("Z" is not allowed)."""
    return at.astimezone(THAI_TIME).isoformat(timespec="seconds")


def _add(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, f"{{{NAMESPACE}}}{name}").text = _plain(text)


def _plain(text: str) -> str:
    """The text without control characters, which XML cannot carry."""
    return "".join(c for c in text if c in "\t\n" or ord(c) >= 0x20)


def _references(references: Sequence[Reference]) -> str:
    return " ".join(f"{r.sender},{r.identifier},{moment(r.sent_at)}" for r in references)


def _add_area(info: etree._Element, area: Area) -> None:
    element = etree.SubElement(info, f"{{{NAMESPACE}}}area")
    _add(element, "areaDesc", area.name)
    for polygon in area.polygons:
        _add(element, "polygon", polygon)
    geocode = etree.SubElement(element, f"{{{NAMESPACE}}}geocode")
    _add(geocode, "valueName", "faonam:zone")
    _add(geocode, "value", area.code)


def _add_info(root: etree._Element, alert: CapAlert, info: Info) -> None:
    element = etree.SubElement(root, f"{{{NAMESPACE}}}info")
    grade = GRADES[alert.level]
    # The order of these elements is CAP's own; any other is refused by its schema.
    _add(element, "language", CAP_LANGUAGES[info.language])
    _add(element, "category", "Met")
    _add(element, "event", info.event)
    _add(element, "responseType", grade.response)
    _add(element, "urgency", grade.urgency)
    _add(element, "severity", grade.severity)
    _add(element, "certainty", grade.certainty)
    _add(element, "effective", moment(alert.sent_at))
    _add(element, "expires", moment(alert.expires_at))
    _add(element, "senderName", info.sender_name)
    _add(element, "headline", info.headline)
    _add(element, "description", info.description)
    _add(element, "instruction", info.instruction)
    for area in info.areas:
        _add_area(element, area)


def to_xml(alert: CapAlert) -> bytes:
    """The message as a UTF-8 XML document that fits the schema of CAP 1.2."""
    root = etree.Element(f"{{{NAMESPACE}}}alert", nsmap={None: NAMESPACE})  # type: ignore[dict-item]  # the stubs forget the default namespace
    _add(root, "identifier", alert.identifier)
    _add(root, "sender", alert.sender)
    _add(root, "sent", moment(alert.sent_at))
    _add(root, "status", alert.status)
    _add(root, "msgType", alert.message_type)
    _add(root, "scope", "Public")
    if alert.note:
        _add(root, "note", alert.note)
    if alert.references:
        _add(root, "references", _references(alert.references))
    if alert.incidents:
        _add(root, "incidents", alert.incidents)
    for info in alert.infos:
        _add_info(root, alert, info)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
