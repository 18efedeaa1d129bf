"""An alert as a LINE message: a card coloured by level, numbers to tap, buttons to answer, words for notifications."""

from __future__ import annotations

from typing import Any

from alerts.templates import FLOOD, AlertText, Vocabulary
from line import messages as line_messages
from line.messages import CardPicture

ANSWERS = ("safe", "help", "can_help")
# What a button sends back, before the alert's number.
VERBS = {"safe": "safe", "help": "help", "can_help": "canhelp"}


def messages(
    text: AlertText,
    *,
    level: int,
    alert_id: int,
    words: Vocabulary,
    is_simulated: bool,
    hazard: str = FLOOD,
    picture: CardPicture | None = None,
) -> list[dict[str, Any]]:
    """The LINE messages of an alert in one language; `level` 0 is the all-clear. The same bytes for everybody."""
    card = line_messages.alert_card(
        level=level,
        level_label=words.label.get(hazard, words.level)[level],
        actions=[answer_button(answer, words, alert_id) for answer in ANSWERS],
        **_said(text, words, is_simulated=is_simulated, picture=picture),
    )
    # Notifications and chat lists show only this: city, level, place and what to do.
    return [card | {"altText": line_messages.cut(text.alt, limit_utf16=1500)}]


def answer_button(answer: str, words: Vocabulary, alert_id: int) -> dict[str, Any]:
    """The button by which a resident answers an alert."""
    label = {"safe": words.safe, "help": words.help, "can_help": words.can_help}[answer]
    return line_messages.postback(label, f"{VERBS[answer]}:{alert_id}", display_text=label)


def _said(text: AlertText, words: Vocabulary, *, is_simulated: bool, picture: CardPicture | None) -> dict[str, Any]:
    return {
        "title": text.title,
        "body": [paragraph for paragraph in (text.situation, text.action) if paragraph],
        "heading": text.city or None,
        "time": text.time or None,
        "calls": [line_messages.open_uri(label, f"tel:{number}") for number, label in words.phones],
        "picture": picture,
        "footnote": words.simulated if is_simulated else None,
    }
