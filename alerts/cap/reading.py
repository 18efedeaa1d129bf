"""CAP 1.1 and 1.2 of others, read whole or refused: tolerant where the standard is, and each tolerance is a finding."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lxml import etree

from alerts.cap import documents, rules, schema
from alerts.cap.documents import refuse
from alerts.cap.messages import (
    CapArea,
    CapInfo,
    CapMessage,
    CapReference,
    Circle,
    Finding,
    Named,
    Reading,
    Ring,
)
from alerts.errors import CapRefusedError

AREAS_AT_MOST = 10_000
PAIRS_AT_MOST = 1_000_000
BUDDHIST_FROM_YEAR = 2400
BUDDHIST_YEARS = 543
_TIMES = ("sent", "effective", "onset", "expires")
_XML = "http://www.w3.org/XML/1998/namespace"
_YEAR = re.compile(r"(?<![\d.])(2[4-9]\d\d)(?=-\d\d-\d\dT)")
_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_PAIR = re.compile(rf"({_NUMBER}),({_NUMBER})")
_CIRCLE = re.compile(rf"({_NUMBER}),({_NUMBER})\s+({_NUMBER})")


def read(raw: bytes, *, source: str) -> Reading:
    """Every message of the document, in its order, and the links that it gives to further ones.

    Takes a CAP 1.1 or 1.2 alert, an Atom or RSS feed with alerts inline (as elements or as text) or with links, and
    alerts wrapped in EDXL-DE or another envelope. `source` names the document in sentences; an http(s) address also
    completes relative links. What was tolerated, and which rule of the standard each message breaks, is among its
    findings. Raises CapRefusedError with source, element and cause: nothing of such a document is read.
    """
    root = documents.opened(raw, source=source)
    alerts = documents.alerts_in(root, source=source)
    links = documents.links_in(root, source=source) if documents.is_index(root) else ()
    if not alerts and not documents.is_index(root):
        refuse(source, root, "The document holds no alert of CAP 1.1 or 1.2 and is no feed.")
    _check_size(alerts, source=source)
    messages = tuple(_message(alert, raw=raw if alert is root else None, source=source) for alert in alerts)
    return Reading(messages=messages, links=links)


def is_valid(raw: bytes, *, strict: bool) -> bool:
    """Whether every alert of the document fits the structure of its version; False where there is none.

    `strict` also holds CAP 1.2 to what the standard's dictionary says in words only (schema.strict_fault).
    """
    try:
        alerts = documents.alerts_in(documents.opened(raw, source="document"), source="document")
    except CapRefusedError:
        return False
    check = schema.strict_fault if strict else schema.fault
    return bool(alerts) and all(check(alert) is None for alert in alerts)


def _check_size(alerts: list[etree._Element], *, source: str) -> None:
    areas = sum(1 for alert in alerts for _ in alert.iter("{*}area"))
    if areas > AREAS_AT_MOST:
        refuse(source, alerts[0], f"{areas} areas; {AREAS_AT_MOST} at most are read.", field="area")
    pairs = sum((polygon.text or "").count(",") for alert in alerts for polygon in alert.iter("{*}polygon"))
    if pairs > PAIRS_AT_MOST:
        refuse(source, alerts[0], f"{pairs} pairs; {PAIRS_AT_MOST} at most are read.", field="polygon")


def _message(alert: etree._Element, *, raw: bytes | None, source: str) -> CapMessage:
    raw = raw or etree.tostring(alert, encoding="UTF-8", with_tail=False)
    is_signed = alert.find(f"{{{schema.SIGNATURES}}}Signature") is not None
    tolerated = list(_tolerate(alert))
    fault = schema.fault(alert)
    if fault:
        refuse(source, alert, fault.problem, field=fault.element, line=fault.line)
    reader = _Reader(alert, source)
    message = reader.message(raw=raw, is_signed=is_signed)
    return replace(message, findings=(*tolerated, *reader.findings, *rules.findings(message)))


def _tolerate(alert: etree._Element) -> Iterator[Finding]:
    """The element without what the standard bids a reader to bear; what that was."""
    for signature in alert.findall(f"{{{schema.SIGNATURES}}}Signature"):
        alert.remove(signature)
        yield Finding("Signature", "The message is signed; the signature was not verified.")
    attributes = {str(name) for element in alert.iter(etree.Element) for name in element.attrib}
    if attributes:
        names = ", ".join(sorted(etree.QName(name).localname for name in attributes))
        yield Finding("alert", f"Attributes that CAP does not know were left aside: {names[:100]}.")
        for element in alert.iter(etree.Element):
            element.attrib.clear()
    for element in alert.iter(etree.Element):
        yield from _tolerate_text(element, etree.QName(element).localname)


def _tolerate_text(element: etree._Element, name: str) -> Iterator[Finding]:
    text = element.text
    if not text or len(element):
        return
    if (name in schema.WORDS or name in {"identifier", "sender"}) and text != text.strip():
        element.text = text.strip()
        yield Finding(name, "Blanks around the value were left aside.")
    if name in {*_TIMES, "references"} and _YEAR.search(text):
        years = sorted(set(_YEAR.findall(text)))
        element.text = _YEAR.sub(lambda year: str(int(year[1]) - BUDDHIST_YEARS), text)
        yield Finding(name, f"The year {years[0]} is of the Buddhist era; read as {int(years[0]) - BUDDHIST_YEARS}.")


class _Reader:
    """Takes the facts out of one alert that fits its schema, and keeps what was doubtful."""

    def __init__(self, alert: etree._Element, source: str) -> None:
        self.alert = alert
        self.source = source
        self.namespace = etree.QName(alert).namespace or ""
        self.findings: list[Finding] = []

    def message(self, *, raw: bytes, is_signed: bool) -> CapMessage:
        """The message, without its findings."""
        sent_at = self._time(self.alert, "sent")
        if sent_at is None:
            refuse(self.source, self.alert, "It is missing.", field="sent")
        return CapMessage(
            version=schema.VERSIONS[self.namespace],
            identifier=self._name("identifier"),
            sender=self._name("sender"),
            sent_at=sent_at,
            status=self._text(self.alert, "status"),
            message_type=self._text(self.alert, "msgType"),
            source=self._text(self.alert, "source"),
            scope=self._text(self.alert, "scope"),
            restriction=self._text(self.alert, "restriction"),
            addresses=self._text(self.alert, "addresses"),
            note=self._text(self.alert, "note"),
            references=tuple(self._references()),
            incidents=tuple(self._text(self.alert, "incidents").split()),
            infos=tuple(self._info(info) for info in self._all(self.alert, "info")),
            is_signed=is_signed,
            findings=(),
            raw=raw,
        )

    def _all(self, parent: etree._Element, name: str) -> list[etree._Element]:
        return parent.findall(f"{{{self.namespace}}}{name}")

    def _text(self, parent: etree._Element, name: str) -> str:
        return (parent.findtext(f"{{{self.namespace}}}{name}") or "").strip()

    def _texts(self, parent: etree._Element, name: str) -> tuple[str, ...]:
        return tuple((one.text or "").strip() for one in self._all(parent, name))

    def _named(self, parent: etree._Element, name: str) -> tuple[Named, ...]:
        return tuple(Named(self._text(one, "valueName"), self._text(one, "value")) for one in self._all(parent, name))

    def _name(self, field: str) -> str:
        """A name that stands in references: "sender,identifier,sent" is taken apart from its end."""
        text = self._text(self.alert, field)
        if not text:
            refuse(self.source, self.alert, "It is empty.", field=field)
        if field == "identifier" and "," in text:
            refuse(self.source, self.alert, f"'{text[:80]}' holds a comma: no reference could name it.", field=field)
        if re.search(r"[\s,<&]", text):
            self.findings.append(Finding(field, f"'{text[:80]}' holds a space, comma, < or &."))
        return text

    def _time(self, parent: etree._Element, name: str) -> datetime | None:
        text = self._text(parent, name)
        if not text:
            return None
        at = self._moment(parent, name, text)
        if at.tzinfo is None:
            self.findings.append(Finding(name, f"'{text}' has no offset; read as UTC."))
            return at.replace(tzinfo=UTC)
        return at

    def _moment(self, parent: etree._Element, name: str, text: str) -> datetime:
        # The schema knows 24:00:00, Python does not.
        days = 1 if "T24:00:00" in text else 0
        try:
            return datetime.fromisoformat(text.replace("T24:00:00", "T00:00:00")) + timedelta(days=days)
        except (ValueError, OverflowError):
            refuse(self.source, parent, f"'{text[:80]}' is not a time.", field=name)

    def _references(self) -> Iterator[CapReference]:
        found = self.alert.find(f"{{{self.namespace}}}references")
        if found is None:
            return
        triples = (found.text or "").split()
        is_needed = self._text(self.alert, "msgType") in {"Update", "Cancel"}
        if not triples and is_needed:
            refuse(self.source, found, "It is empty: the message does not say which one it replaces.")
        if not triples:
            self.findings.append(Finding("references", "It is empty."))
        for triple in triples:
            parts = triple.rsplit(",", 2)
            if len(parts) != 3 or not all(parts):
                refuse(self.source, found, f"'{triple[:80]}' is not sender,identifier,sent.")
            at = self._moment(found, "references", parts[2])
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            yield CapReference(sender=parts[0], identifier=parts[1], sent_at=at)

    def _info(self, info: etree._Element) -> CapInfo:
        return CapInfo(
            language=self._text(info, "language") or "en-US",
            categories=self._texts(info, "category"),
            event=self._text(info, "event"),
            response_types=self._texts(info, "responseType"),
            urgency=self._text(info, "urgency"),
            severity=self._text(info, "severity"),
            certainty=self._text(info, "certainty"),
            event_codes=self._named(info, "eventCode"),
            effective_at=self._time(info, "effective"),
            onset_at=self._time(info, "onset"),
            expires_at=self._time(info, "expires"),
            sender_name=self._text(info, "senderName"),
            headline=self._text(info, "headline"),
            description=self._text(info, "description"),
            instruction=self._text(info, "instruction"),
            web=self._text(info, "web"),
            contact=self._text(info, "contact"),
            parameters=self._named(info, "parameter"),
            areas=tuple(self._area(area) for area in self._all(info, "area")),
        )

    def _area(self, area: etree._Element) -> CapArea:
        rings = [self._ring(polygon) for polygon in self._all(area, "polygon")]
        circles = [self._circle(circle) for circle in self._all(area, "circle")]
        return CapArea(
            name=self._text(area, "areaDesc"),
            polygons=tuple(ring for ring in rings if ring),
            circles=tuple(circle for circle in circles if circle),
            geocodes=self._named(area, "geocode"),
        )

    def _ring(self, polygon: etree._Element) -> Ring | None:
        text = (polygon.text or "").strip()
        if not text:
            self.findings.append(Finding("polygon", "It is empty."))
            return None
        pairs = re.sub(r",\s+", ",", text).split()
        ring = [self._place(polygon, pair) for pair in pairs]
        if ring[0] != ring[-1]:
            self.findings.append(Finding("polygon", "The ring is open; it was closed."))
            ring.append(ring[0])
        if len(ring) < 4:
            self.findings.append(Finding("polygon", f"{len(ring)} pairs enclose nothing; 4 are needed."))
            return None
        return tuple(ring)

    def _place(self, element: etree._Element, pair: str) -> tuple[float, float]:
        match = _PAIR.fullmatch(pair)
        if match is None:
            refuse(self.source, element, f"'{pair[:40]}' is not lat,lon.")
        lat, lon = float(match[1]), float(match[2])
        if abs(lat) > 90 or abs(lon) > 180:
            is_swapped = abs(lon) <= 90 and abs(lat) <= 180
            why = "latitude and longitude are in the wrong order" if is_swapped else "there is no such place"
            refuse(self.source, element, f"'{pair[:40]}': {why}.")
        return lon, lat

    def _circle(self, circle: etree._Element) -> Circle | None:
        text = (circle.text or "").strip()
        if not text:
            self.findings.append(Finding("circle", "It is empty."))
            return None
        match = _CIRCLE.fullmatch(re.sub(r",\s+", ",", text))
        if match is None or float(match[3]) < 0:
            refuse(self.source, circle, f"'{text[:60]}' is not lat,lon and a radius in km.")
        lon, lat = self._place(circle, f"{match[1]},{match[2]}")
        return Circle(lon=lon, lat=lat, radius_km=float(match[3]))
