"""What a subscriber is told: plain values, and the bodies of mail and webhook made of them. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from incidents.exchange.hook_bodies import Call

_IDS = uuid.UUID("0f6f0c3c-4a56-4f1d-8a86-6a1f3b1d9be5")
CAP_TYPE = ("application", "cap+xml")


@dataclass(frozen=True)
class Letter:
    """One alert for one subscriber, in the subscriber's language.

    `address` and `secret` are never logged. `footer` is what stands below the words: whose alert it is and until when.
    """

    delivery_id: int
    attempts: int
    what: str
    subscriber_id: int
    address: str
    secret: str
    language: str
    number: str
    event_number: int
    kind: str
    level: int
    is_exercise: bool
    is_simulated: bool
    sent_at: datetime
    expires_at: datetime | None
    zones: tuple[tuple[str, str], ...]
    title: str
    situation: str
    action: str
    footer: str
    cap_identifier: str | None
    cap_xml: str | None

    def __repr__(self) -> str:
        """Without address, secret and words."""
        return f"Letter(delivery_id={self.delivery_id}, number={self.number!r}, what={self.what!r})"

    @property
    def key(self) -> str:
        """The same for the same news to the same subscriber, however often it is sent."""
        return uuid.uuid5(_IDS, f"{self.number}|{self.subscriber_id}|{self.what}").hex


def in_one_line(text: str) -> str:
    """As a header may carry it: no line break, no other control character."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def mail(letter: Letter, *, sender: str, domain: str) -> EmailMessage:
    """The mail: one recipient, a Message-ID that stays on every attempt, the CAP document beside the words."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = letter.address
    message["Subject"] = in_one_line(letter.title)
    message["Date"] = format_datetime(letter.sent_at)
    message["Message-ID"] = f"<{letter.key}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Alert-Number"] = letter.number
    words = (letter.title, letter.situation, letter.action, letter.footer)
    message.set_content("\n\n".join(part for part in words if part) + "\n", cte="base64")
    if letter.cap_xml:
        maintype, subtype = CAP_TYPE
        message.add_attachment(
            letter.cap_xml.encode(), maintype=maintype, subtype=subtype, filename=f"{letter.number}.cap.xml"
        )
    return message


def hook_body(letter: Letter) -> Mapping[str, Any]:
    """What a webhook is told."""
    return {
        "type": "alert.sent" if letter.what == "message" else "alert.withdrawn",
        "number": letter.number,
        "event": letter.event_number,
        "kind": letter.kind,
        "level": letter.level,
        "is_exercise": letter.is_exercise,
        "is_simulated": letter.is_simulated,
        "sent_at": letter.sent_at.isoformat(),
        "expires_at": letter.expires_at.isoformat() if letter.expires_at else None,
        "zones": [{"code": code, "name": name} for code, name in letter.zones],
        "language": letter.language,
        "title": letter.title,
        "situation": letter.situation,
        "action": letter.action,
        "cap_identifier": letter.cap_identifier,
    }


def hook_call(letter: Letter) -> Call:
    """The call, in the shape that partners' webhooks have: the id stays, the body is signed with its time."""
    return Call(f"msg_{letter.key}", "POST", hook_body(letter), ())
