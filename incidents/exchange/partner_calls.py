"""What partners ask of a ticket beside its state: stars, words, and other agencies. Read; pure.

Traffy itself takes 0 stars, and lets anybody send a ticket round; both are refused here, with a sentence.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from incidents.exchange import privacy
from incidents.exchange.traffy_server import tells_reporter, text_of

MOST_STARS = 5
COMMENT_LENGTH = 1_000
NOTE_LENGTH = 500
MOST_DESTINATIONS = 10
CommentKind = Literal["chat", "chat_staff_only", "comment"]
COMMENT_KINDS: Mapping[str, CommentKind] = {
    "": "chat", "chat": "chat", "chat_staff_only": "chat_staff_only", "comment": "comment",
}
INVITE, HAND_OVER = 1, 2


@dataclass(frozen=True)
class Ticket:
    """Which ticket is meant: by our number, or by the partner's own."""

    ticket_id: str
    client_id: str


@dataclass(frozen=True)
class Star:
    """How well a reporter says, through a partner, that it was done: 1 to 5."""

    ticket: Ticket
    stars: int


@dataclass(frozen=True)
class Comment:
    """What a partner says of a ticket: to reporters, or among staff."""

    ticket: Ticket
    kind: CommentKind
    text: str
    tells_reporter: bool


@dataclass(frozen=True)
class JoinForward:
    """An agency asks others to join in (scenario 1), or hands the ticket over (2); agencies by their numbers.

    `counter` is how often it was sent on before, as the sender counts.
    """

    ticket: Ticket
    scenario: int
    origin: str
    destinations: tuple[str, ...]
    note: str
    counter: int
    tells_reporter: bool


def _ticket(body: Mapping[str, Any], findings: list[str]) -> Ticket:
    ticket = Ticket(text_of(body, "ticket_id")[:200], text_of(body, "client_ticket_id")[:200])
    if not ticket.ticket_id and not ticket.client_id:
        findings.append("ticket_id or client_ticket_id is not specified")
    return ticket


def _whole(body: Mapping[str, Any], name: str) -> int | None:
    """The field as a whole number that is not negative; None where it is none."""
    text = text_of(body, name).removesuffix(".0")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else None


def read_star(body: Mapping[str, Any]) -> tuple[Star, tuple[str, ...]]:
    """The stars, and a sentence for each field that cannot be used."""
    findings: list[str] = []
    ticket, stars = _ticket(body, findings), _whole(body, "star")
    if not text_of(body, "star"):
        findings.append("star is not specified")
    elif stars is None or not 1 <= stars <= MOST_STARS:
        findings.append(f"star is a whole number from 1 to {MOST_STARS}")
    return Star(ticket, stars or 0), tuple(findings)


def read_comment(body: Mapping[str, Any]) -> tuple[Comment, tuple[str, ...]]:
    """The words, and a sentence for each field that cannot be used."""
    findings: list[str] = []
    ticket = _ticket(body, findings)
    kind = COMMENT_KINDS.get(text_of(body, "comment_type").lower())
    if kind is None:
        findings.append("comment_type is none of chat, chat_staff_only and comment")
    text = privacy.plain(text_of(body, "comment") or _decoded(text_of(body, "base64comment"), findings))
    if not text and not findings:
        findings.append("comment is not specified")
    return Comment(ticket, kind or "chat", text[:COMMENT_LENGTH], tells_reporter(body)), tuple(findings)


def _decoded(text: str, findings: list[str]) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        findings.append("base64comment is no base64 of UTF-8")
        return ""


def read_join_forward(body: Mapping[str, Any]) -> tuple[JoinForward, tuple[str, ...]]:
    """Who is asked or handed what, and a sentence for each field that cannot be used."""
    findings: list[str] = []
    ticket, scenario = _ticket(body, findings), _whole(body, "scenario")
    if scenario not in (INVITE, HAND_OVER):
        findings.append("scenario is 1 (invite) or 2 (hand over)")
    origin = _whole(body, "origin_group")
    if origin is None:
        findings.append("origin_group is not specified, or no whole number")
    destinations = _groups(body.get("destination_group"))
    if not destinations:
        findings.append("destination_group is not specified, or holds something else than whole numbers")
    elif len(destinations) > MOST_DESTINATIONS:
        findings.append(f"destination_group holds more than {MOST_DESTINATIONS} agencies")
    counter = _whole(body, "recursive_counter") if text_of(body, "recursive_counter") else 0
    if counter is None:
        findings.append("recursive_counter is no whole number")
    asked = JoinForward(
        ticket, scenario or 0, str(origin), destinations, privacy.plain(text_of(body, "note"))[:NOTE_LENGTH],
        counter=counter or 0, tells_reporter=tells_reporter(body),
    )
    return asked, tuple(findings)


def _groups(value: Any) -> tuple[str, ...]:
    """Numbers of agencies, each once: from a list, a single number, or a comma list; none where one is no number."""
    items = value if isinstance(value, list) else str(value).split(",") if isinstance(value, str) else [value]
    numbers = [_whole({"n": item}, "n") for item in items]
    return () if None in numbers else tuple(dict.fromkeys(str(number) for number in numbers))
