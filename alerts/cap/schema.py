"""The structure of CAP 1.1 and 1.2, as one table; checked by libxml2 as an XML schema that is made from the table.

Source: OASIS, Common Alerting Protocol 1.1 (2005) and 1.2 (2010), section 3.2, data dictionary. `strict_fault` adds for
1.2 what it says in words only: the letters of identifiers, the form of references and circles, no height below zero.
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree

NAMESPACES: Final = {"1.1": "urn:oasis:names:tc:emergency:cap:1.1", "1.2": "urn:oasis:names:tc:emergency:cap:1.2"}
VERSIONS: Final = {namespace: version for version, namespace in NAMESPACES.items()}
SIGNATURES: Final = "http://www.w3.org/2000/09/xmldsig#"

# In the order in which CAP wants them: `?` may be missing, `*` any number, `+` at least one; after `:` what it holds.
ALERT: Final = (
    "identifier:name sender:name sent:time status:status msgType:msgType source? scope:scope restriction? addresses? "
    "code* note? references?:references incidents? info*:info"
)
INFO: Final = (
    "language?:language category+:category event responseType*:responseType urgency:urgency severity:severity "
    "certainty:certainty audience? eventCode*:pair effective?:time onset?:time expires?:time senderName? headline? "
    "description? instruction? web?:uri contact? parameter*:pair resource*:resource area*:area"
)
RESOURCE: Final = "resourceDesc mimeType size?:integer uri?:uri derefUri? digest?"
AREA: Final = "areaDesc polygon* circle*:circle geocode*:pair altitude?:height ceiling?:height"
PAIR: Final = "valueName value"

WORDS: Final = {
    "status": ("Actual", "Exercise", "System", "Test", "Draft"),
    "msgType": ("Alert", "Update", "Cancel", "Ack", "Error"),
    "scope": ("Public", "Restricted", "Private"),
    "category": (
        *("Geo", "Met", "Safety", "Security", "Rescue", "Fire"),
        *("Health", "Env", "Transport", "Infra", "CBRNE", "Other"),
    ),
    "responseType": (
        *("Shelter", "Evacuate", "Prepare", "Execute", "Avoid"),
        *("Monitor", "Assess", "AllClear", "None"),
    ),
    "urgency": ("Immediate", "Expected", "Future", "Past", "Unknown"),
    "severity": ("Extreme", "Severe", "Moderate", "Minor", "Unknown"),
    "certainty": ("Observed", "Likely", "Possible", "Unlikely", "Unknown"),
}
NEW_IN_12: Final = frozenset({"Avoid", "AllClear"})

_NAME = r"[^\s,&<]+"
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+,\-]\d\d:\d\d"
_TRIPLE = f"{_NAME},{_NAME},{_TIME}"
_DEGREES = r"[+\-]?\d{0,%d}\.?\d*"
PATTERNS: Final = {
    "name": _NAME,
    "references": rf"\s*{_TRIPLE}(\s+{_TRIPLE})*\s*",
    "circle": rf"\s*{_DEGREES % 2},{_DEGREES % 3}\s\+?\d*\.?\d*\s*",
    "height": r"\+?\d*\.?\d*",
}
# What a value should have been, for a sentence.
FORMS: Final = {
    "name": "a name without space, comma, < or &",
    "references": "a list of sender,identifier,sent with blanks between",
    "circle": "lat,lon and a radius in km",
    "height": "a height that is not negative",
    "time": "a time as 2026-11-21T10:00:00+07:00, with offset and without fraction",
}

_ITEM = re.compile(r"(?P<name>\w+)(?P<many>[?*+]?)(?::(?P<kind>\w+))?")
_OCCURS = {
    "": "",
    "?": ' minOccurs="0"',
    "*": ' minOccurs="0" maxOccurs="unbounded"',
    "+": ' maxOccurs="unbounded"',
}


@dataclass(frozen=True)
class Fault:
    """Where a document leaves the structure of CAP: the element, its line, and a sentence."""

    element: str
    line: int
    problem: str


def kinds(table: str) -> dict[str, str]:
    """The elements of a table, in order, each with what it holds (`text` where nothing is said)."""
    return {item["name"]: item["kind"] or "text" for item in _ITEM.finditer(table)}


def _sequence(table: str) -> str:
    elements = [
        f'<x:element name="{item["name"]}" type="c:{item["kind"] or "text"}"{_OCCURS[item["many"]]}'
        + (' default="en-US"/>' if item["kind"] == "language" else "/>")
        for item in _ITEM.finditer(table)
    ]
    return "".join(elements)


def _complex(name: str, table: str, last: str = "") -> str:
    return f'<x:complexType name="{name}"><x:sequence>{_sequence(table)}{last}</x:sequence></x:complexType>'


def _simple(name: str, base: str, facets: str = "") -> str:
    return f'<x:simpleType name="{name}"><x:restriction base="x:{base}">{facets}</x:restriction></x:simpleType>'


def _pattern(regex: str) -> str:
    return '<x:pattern value="{}"/>'.format(regex.replace("&", "&amp;").replace("<", "&lt;"))


def _enumeration(words: tuple[str, ...], version: str) -> str:
    known = [word for word in words if version != "1.1" or word not in NEW_IN_12]
    return "".join(f'<x:enumeration value="{word}"/>' for word in known)


def _types(version: str, patterns: dict[str, str]) -> Iterator[str]:
    for name, base in {"text": "string", "language": "language", "uri": "anyURI", "integer": "integer"}.items():
        yield _simple(name, base)
    yield _simple("time", "dateTime", _pattern(_TIME) if version == "1.2" else "")
    for name in ("name", "references", "circle", "height"):
        base = "decimal" if name == "height" and version == "1.2" else "string"
        yield _simple(name, base, _pattern(patterns[name]) if name in patterns else "")
    for name, words in WORDS.items():
        yield _simple(name, "string", _enumeration(words, version))
    yield _complex("pair", PAIR)
    yield _complex("area", AREA)
    yield _complex("resource", RESOURCE.replace("mimeType", "mimeType?") if version == "1.1" else RESOURCE)
    yield _complex("info", INFO)
    signature = f'<x:any minOccurs="0" maxOccurs="unbounded" namespace="{SIGNATURES}" processContents="lax"/>'
    yield _complex("alert", ALERT, last=signature if version == "1.2" else "")


@functools.cache
def _compiled(version: str, patterns: tuple[tuple[str, str], ...]) -> etree.XMLSchema:
    namespace = NAMESPACES[version]
    text = (
        f'<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:c="{namespace}" targetNamespace="{namespace}" '
        'elementFormDefault="qualified"><x:element name="alert" type="c:alert"/>'
        f"{''.join(_types(version, dict(patterns)))}</x:schema>"
    )
    return etree.XMLSchema(etree.fromstring(text))


# A compiled schema keeps the log of its last run: two threads would read each other's.
_ONE_AT_A_TIME = threading.Lock()


def fault(alert: etree._Element) -> Fault | None:
    """The first place where the element leaves the structure of its version of CAP; None where it fits."""
    return _first_fault(alert, ())


def strict_fault(alert: etree._Element) -> Fault | None:
    """As `fault`, and for CAP 1.2 with the rules that the standard's dictionary says in words only."""
    version = VERSIONS.get(etree.QName(alert).namespace or "")
    return _first_fault(alert, tuple(PATTERNS.items()) if version == "1.2" else ())


def _first_fault(alert: etree._Element, patterns: tuple[tuple[str, str], ...]) -> Fault | None:
    name = etree.QName(alert)
    if name.localname != "alert" or name.namespace not in VERSIONS:
        return Fault(name.localname, 0, "It is no alert of CAP 1.1 or 1.2.")
    schema = _compiled(VERSIONS[name.namespace], patterns)
    with _ONE_AT_A_TIME:
        if schema.validate(alert):
            return None
        first = schema.error_log[0]  # type: ignore[index]  # the stubs know nothing of a log
        message, line = first.message, first.line
    return _in_words(message, line)


def _in_words(message: str, line: int) -> Fault:
    plain = re.sub(r"\{(urn:|http)[^}]*\}", "", message)
    found = re.match(r"Element '([^']*)'(?:, attribute '[^']*')?: (.*)", plain, re.DOTALL)
    element, problem = (found[1], found[2]) if found else ("alert", plain)
    kind = {**kinds(ALERT), **kinds(INFO), **kinds(AREA)}.get(element, "")
    value = re.search(r"value '(.{0,80})", problem, re.DOTALL)
    if "facet 'pattern'" in problem and kind in FORMS and value:
        problem = f"'{value[1].split(chr(39))[0]}' is not {FORMS[kind]}."
    problem = re.sub(r"^\[facet '\w+'\] ", "", problem)
    return Fault(element, int(line), problem[:300])
