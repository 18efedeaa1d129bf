"""A document of others before it is understood: opened safely, its alerts found, its links where it is an index.

A document is taken whole or refused with a sentence that names the source, the element and the cause.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NoReturn
from urllib.parse import urljoin, urlsplit

from lxml import etree

from alerts.cap.schema import NAMESPACES
from alerts.errors import CapRefusedError

# A whole country's alerts inline are about 10 MB; what is larger is no feed for a city.
BYTES_AT_MOST = 20_000_000
ALERTS_AT_MOST = 5_000
ENTRIES_AT_MOST = 10_000
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_ATOM = "http://www.w3.org/2005/Atom"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_ALERTS = tuple(f"{{{namespace}}}alert" for namespace in NAMESPACES.values())
_OLDER = "http://www.incident.com/cap/1.0"
# RFC 4287, sections 4.1 and 4.2: what else stands in Atom's own namespace is a mistake.
_OF_ATOM = frozenset(
    f"{{{_ATOM}}}{name}"
    for name in (
        *("author", "category", "content", "contributor", "entry", "generator", "icon", "id", "link", "logo"),
        *("published", "rights", "source", "subtitle", "summary", "title", "updated"),
    )
)
# Where feeds write an alert as text, and the declaration there, which speaks of an encoding that the text has no more.
_TEXTS = (f"{{{_ATOM}}}content", f"{{{_ATOM}}}summary", "description", "{*}encoded")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_CAP_TYPES = ("application/cap+xml", "application/common-alerting-protocol+xml")
_XML_TYPES = (*_CAP_TYPES, "application/xml", "text/xml")


def refuse(
    source: str, element: etree._Element | None, problem: str, *, field: str | None = None, line: int | None = None
) -> NoReturn:
    """Raise CapRefusedError: the source, the element (or the `field` of it) with its line, and the cause."""
    if element is None:
        raise CapRefusedError(f"{source}: {problem}")
    name = field or etree.QName(element).localname
    at = line or element.sourceline
    raise CapRefusedError(f"{source}, <{name}> in line {at}: {problem}", element=name, line=at)


def opened(raw: bytes, *, source: str) -> etree._Element:
    """The root of the document; nothing is loaded from anywhere, comments are dropped.

    Raises CapRefusedError for what is too large, no XML, or has a DOCTYPE: no alert needs one, and text would be
    half-read before an entity.
    """
    if len(raw) > BYTES_AT_MOST:
        refuse(source, None, f"The document has {len(raw)} bytes; {BYTES_AT_MOST} at most are read.")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(raw.lstrip(b" \t\r\n"), parser)
    except (etree.XMLSyntaxError, LookupError, ValueError) as exc:
        refuse(source, None, f"The document is no XML: {str(exc)[:200]}.")
    if root.getroottree().docinfo.internalDTD is not None:
        refuse(source, None, "The document has a DOCTYPE; no CAP message needs one.")
    for element in root.iter(etree.Element):
        # libxml2 would fetch the schema that a document recommends for itself.
        for name in ("schemaLocation", "noNamespaceSchemaLocation"):
            if element.get(f"{{{_XSI}}}{name}") is not None:
                del element.attrib[f"{{{_XSI}}}{name}"]
    return root


def alerts_in(root: etree._Element, *, source: str) -> list[etree._Element]:
    """The document's CAP alerts in their order: it is one, wraps some (EDXL-DE, a feed), or carries them as text."""
    if root.tag in _ALERTS:
        return [root]
    if etree.QName(root).namespace == _OLDER:
        refuse(source, root, "It is CAP 1.0; 1.1 and 1.2 are read.")
    if etree.QName(root).localname == "alert":
        refuse(source, root, "It is not in a namespace of CAP 1.1 or 1.2.")
    found = [*root.iter(*_ALERTS), *_written_as_text(root, source=source)]
    if len(found) > ALERTS_AT_MOST:
        refuse(source, root, f"It holds {len(found)} alerts; {ALERTS_AT_MOST} at most are read.")
    return found


def _written_as_text(root: etree._Element, *, source: str) -> Iterator[etree._Element]:
    """Alerts that stand in a feed's content or description as CDATA or escaped."""
    for element in root.iter(*_TEXTS):
        if _is_alert(element.text or ""):
            inner = opened(_DECLARATION.sub("", element.text or "").encode(), source=source)
            if inner.tag not in _ALERTS:
                refuse(source, element, "The alert written in it as text is none of CAP 1.1 or 1.2.")
            yield inner


def _is_alert(text: str) -> bool:
    beginning = text.lstrip()[:2000]
    return beginning.startswith("<") and any(namespace in beginning for namespace in NAMESPACES.values())


def is_index(root: etree._Element) -> bool:
    """Whether the document is an Atom or RSS feed."""
    return root.tag in {f"{{{_ATOM}}}feed", f"{{{_ATOM}}}entry", "rss", f"{{{_RDF}}}RDF"}


def links_in(root: etree._Element, *, source: str) -> tuple[str, ...]:
    """Where the alerts are of which the feed says only that they exist; an empty tuple for a feed without any.

    Raises CapRefusedError for a feed that breaks its own format, or with an entry that leads nowhere.
    """
    entries = sum(1 for _ in root.iter(f"{{{_ATOM}}}entry", "{*}item"))
    if entries > ENTRIES_AT_MOST:
        refuse(source, root, f"It has {entries} entries; {ENTRIES_AT_MOST} at most are read.")
    is_atom = etree.QName(root).namespace == _ATOM
    found = _links_of_atom(root, source=source) if is_atom else _links_of_rss(root, source=source)
    return tuple(dict.fromkeys(found))


def _links_of_atom(root: etree._Element, *, source: str) -> Iterator[str]:
    entries = [root] if root.tag == f"{{{_ATOM}}}entry" else root.findall(f"{{{_ATOM}}}entry")
    for part in [root, *entries]:
        for name in ("id", "title"):
            if part.find(f"{{{_ATOM}}}{name}") is None:
                refuse(source, part, f"It has no <{name}>, which Atom requires.")
        for child in part:
            if etree.QName(child).namespace == _ATOM and child.tag not in _OF_ATOM:
                refuse(source, child, "Atom knows no such element.")
    for entry in entries:
        if not _carries_alert(entry):
            yield _address(entry, _best_link(entry), source=source)


def _carries_alert(part: etree._Element) -> bool:
    """Whether the alert itself stands in the entry, so that no link has to be followed."""
    if next(part.iter(*_ALERTS), None) is not None:
        return True
    return any(_is_alert(one.text or "") for one in part.iter(*_TEXTS))


def _best_link(entry: etree._Element) -> str | None:
    links = [link for link in entry.findall(f"{{{_ATOM}}}link") if link.get("href")]

    def rank(link: etree._Element) -> int:
        kind = (link.get("type") or "").partition(";")[0].strip().lower()
        if kind in _CAP_TYPES:
            return 0
        if kind in _XML_TYPES:
            return 1
        return 2 if not kind else 3

    content = entry.find(f"{{{_ATOM}}}content")
    if not links:
        return content.get("src") if content is not None else None
    return min(links, key=rank).get("href")


def _links_of_rss(root: etree._Element, *, source: str) -> Iterator[str]:
    channel = root.find("{*}channel")
    if channel is None or channel.find("{*}title") is None:
        refuse(source, root if channel is None else channel, "It has no channel with a <title>, which RSS requires.")
    for item in root.iter("{*}item"):
        if _carries_alert(item):
            continue
        yield _address(item, next(_links_of_item(item), None), source=source)


def _links_of_item(item: etree._Element) -> Iterator[str]:
    """Where the item leads to, the likeliest first: a document enclosed, a CAP link of its own (GDACS), any link."""
    yield from (one.get("url") or "" for one in item.findall("{*}enclosure") if "xml" in (one.get("type") or ""))
    for name in ("cap", "link", "guid"):
        for one in item.findall(f"{{*}}{name}"):
            if text := (one.text or one.get("href") or "").strip():
                yield text


def _address(part: etree._Element, link: str | None, *, source: str) -> str:
    if not link:
        refuse(source, part, "It holds no alert and no link to one.")
    address = urljoin(source, link.strip()) if source.startswith(("http://", "https://")) else link.strip()
    if urlsplit(address).scheme not in {"http", "https"}:
        refuse(source, part, f"'{address[:100]}' is no web address.")
    return address
