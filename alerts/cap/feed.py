"""The public Atom feed (RFC 4287) of CAP messages: the newest first, each with a link to its document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree

from alerts.cap.messages import CapMessage

ATOM = "http://www.w3.org/2005/Atom"
CAP_TYPE = "application/cap+xml"
ATOM_TYPE = "application/atom+xml"


@dataclass(frozen=True)
class Feed:
    """What the feed says of itself. `address` and `home` are URLs."""

    address: str
    home: str
    title: str
    author: str
    updated_at: datetime


def moment(at: datetime) -> str:
    """A time as Atom writes it, in UTC."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _add(parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    element.text = text
    return element


def _in_earnest(message: CapMessage, text: str) -> str:
    """The text behind the message's status, where it is not meant in earnest."""
    return text if message.status == "Actual" else f"[{message.status.upper()}] {text}"


def _add_entry(feed: etree._Element, message: CapMessage, address: str) -> None:
    first = next(iter(message.infos), None)
    entry = _add(feed, "entry")
    _add(entry, "id", address)
    # A bare Cancel has no words of its own.
    _add(entry, "title", _in_earnest(message, first.headline if first else message.message_type))
    for name in ("updated", "published"):
        _add(entry, name, moment(message.sent_at))
    _add(_add(entry, "author"), "name", first.sender_name if first else message.sender)
    _add(entry, "link", rel="alternate", type=CAP_TYPE, href=address)
    for term in (
        message.status,
        message.message_type,
        *((first.event, first.severity, first.urgency) if first else ()),
    ):
        _add(entry, "category", term=term)
    words = [f"{_in_earnest(message, info.headline)}\n{info.description}" for info in message.infos]
    _add(entry, "summary", "\n".join(words) or " ".join(reference.identifier for reference in message.references))


def to_atom(feed: Feed, entries: Sequence[tuple[CapMessage, str]]) -> bytes:
    """The feed as a UTF-8 document; each entry is a message and the address of its document, in the order given."""
    root = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})  # type: ignore[dict-item]  # the stubs forget the default namespace
    _add(root, "id", feed.address)
    _add(root, "title", feed.title)
    _add(root, "updated", moment(feed.updated_at))
    _add(_add(root, "author"), "name", feed.author)
    _add(root, "link", rel="self", type=ATOM_TYPE, href=feed.address)
    _add(root, "link", rel="alternate", type="text/html", href=feed.home)
    for message, address in entries:
        _add_entry(root, message, address)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
