"""Open311's two formats from one document: XML first, JSON by the standard's mapping. Pure.

A document is a root element with its content: a dict of fields, or `Items` for a list, whose wrapper JSON drops.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

CONTENT_TYPES = {"xml": "text/xml; charset=utf-8", "json": "application/json; charset=utf-8"}
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Items:
    """A list: in XML each item stands in an element of this name, in JSON it is an array."""

    name: str
    items: Sequence[Any]


@dataclass(frozen=True)
class Document:
    """What is answered: the root's name and its content."""

    root: str
    content: Items | Mapping[str, Any]


def written(document: Document, form: str) -> bytes:
    """The document as `xml` or `json`, UTF-8. Empty is an empty element in XML and null in JSON."""
    return as_json(document) if form == "json" else as_xml(document)


def as_xml(document: Document) -> bytes:
    """The document as XML without a namespace, led by its declaration."""
    root = Element(document.root)
    _fill(root, document.content)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode").encode()


def _fill(element: Element, content: Any) -> None:
    match content:
        case Items():
            for item in content.items:
                _fill(SubElement(element, content.name), item)
        case Mapping():
            for name, value in content.items():
                _fill(SubElement(element, name), value)
        case None:
            return
        case bool():
            element.text = "true" if content else "false"
        case _:
            element.text = _NO_XML.sub("", str(content))


def as_json(document: Document) -> bytes:
    """The document as JSON: without the XML's wrappers, lists as arrays however long they are."""
    return json.dumps(_plain(document.content), ensure_ascii=False, allow_nan=False).encode()


def _plain(content: Any) -> Any:
    match content:
        case Items():
            return [_plain(item) for item in content.items]
        case Mapping():
            return {name: _plain(value) for name, value in content.items()}
        case str():
            return _NO_XML.sub("", content) or None
        case _:
            return content


def errors(faults: Sequence[tuple[int, str]]) -> Document:
    """What went wrong, each with its code and a sentence."""
    return Document("errors", Items("error", [{"code": code, "description": text} for code, text in faults]))
