"""CAP 1.2 as we write it: one frozen value, one XML document."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from alerts.cap.schema import NAMESPACES
from alerts.cap.terms import CAP_LANGUAGES, Grade
from alerts.rules import THAI_TIME

NAMESPACE = NAMESPACES["1.2"]
# What XML 1.0 can carry (section 2.2, Char), but for the carriage return, which no reader gets back.
_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_A_NAME = re.compile(r"[\s,&<]")


@dataclass(frozen=True)
class Reference:
    """An earlier message that this one takes the place of."""

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
    """What is said in one of our languages."""

    language: str
    event: str
    headline: str
    description: str
    instruction: str
    sender_name: str
    contact: str
    areas: tuple[Area, ...]


@dataclass(frozen=True)
class CapAlert:
    """One CAP message. `status` is Actual, Exercise or Test; `message_type` Alert, Update or Cancel."""

    identifier: str
    sender: str
    sent_at: datetime
    status: str
    message_type: str
    categories: tuple[str, ...]
    grade: Grade
    expires_at: datetime
    infos: tuple[Info, ...]
    event_codes: tuple[tuple[str, str], ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    web: str | None = None
    note: str | None = None
    references: tuple[Reference, ...] = ()
    incidents: tuple[str, ...] = ()


def moment(at: datetime) -> str:
    """A time as CAP writes it: Thai offset, no fraction ("Z" is not allowed)."""
    return at.astimezone(THAI_TIME).isoformat(timespec="seconds")


def name(text: str) -> str:
    """The text as a name that references can carry: without space, comma, & and <."""
    return _NOT_A_NAME.sub("-", _NOT_XML.sub("", text)) or "-"


def _add(parent: etree._Element, tag: str, text: str) -> None:
    etree.SubElement(parent, f"{{{NAMESPACE}}}{tag}").text = _NOT_XML.sub("", text)


def _add_pairs(parent: etree._Element, tag: str, pairs: Sequence[tuple[str, str]]) -> None:
    for named, value in pairs:
        pair = etree.SubElement(parent, f"{{{NAMESPACE}}}{tag}")
        _add(pair, "valueName", named)
        _add(pair, "value", value)


def _references(references: Sequence[Reference]) -> str:
    return " ".join(f"{name(r.sender)},{name(r.identifier)},{moment(r.sent_at)}" for r in references)


def _add_area(info: etree._Element, area: Area) -> None:
    element = etree.SubElement(info, f"{{{NAMESPACE}}}area")
    _add(element, "areaDesc", area.name)
    for polygon in area.polygons:
        _add(element, "polygon", polygon)
    _add_pairs(element, "geocode", [("faonam:zone", area.code)])


def _add_info(root: etree._Element, alert: CapAlert, info: Info) -> None:
    element = etree.SubElement(root, f"{{{NAMESPACE}}}info")
    # The order of these elements is CAP's own; any other is refused by its schema.
    _add(element, "language", CAP_LANGUAGES[info.language])
    for category in alert.categories:
        _add(element, "category", category)
    _add(element, "event", info.event)
    _add(element, "responseType", alert.grade.response)
    _add(element, "urgency", alert.grade.urgency)
    _add(element, "severity", alert.grade.severity)
    _add(element, "certainty", alert.grade.certainty)
    _add_pairs(element, "eventCode", alert.event_codes)
    _add(element, "effective", moment(alert.sent_at))
    _add(element, "expires", moment(alert.expires_at))
    _add(element, "senderName", info.sender_name)
    _add(element, "headline", info.headline)
    _add(element, "description", info.description)
    _add(element, "instruction", info.instruction)
    if alert.web:
        _add(element, "web", alert.web)
    _add(element, "contact", info.contact)
    _add_pairs(element, "parameter", alert.parameters)
    for area in info.areas:
        _add_area(element, area)


def to_xml(alert: CapAlert) -> bytes:
    """The message as a UTF-8 XML document that fits the schema of CAP 1.2."""
    root = etree.Element(f"{{{NAMESPACE}}}alert", nsmap={None: NAMESPACE})  # type: ignore[dict-item]  # the stubs forget the default namespace
    _add(root, "identifier", name(alert.identifier))
    _add(root, "sender", name(alert.sender))
    _add(root, "sent", moment(alert.sent_at))
    _add(root, "status", alert.status)
    _add(root, "msgType", alert.message_type)
    _add(root, "scope", "Public")
    if alert.note:
        _add(root, "note", alert.note)
    if alert.references:
        _add(root, "references", _references(alert.references))
    if alert.incidents:
        _add(root, "incidents", " ".join(map(name, alert.incidents)))
    for info in alert.infos:
        _add_info(root, alert, info)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
