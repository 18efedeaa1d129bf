"""The resident's own reports as LINE shows them: one as text with buttons, several as cards side by side."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from incidents import afterwards, cards
from incidents.afterwards import Own
from incidents.conversation import Say
from line import messages as line_messages

MOST_CARDS = 10  # LINE takes 12; so many fit its 50 kB whatever the names.


def slots(own: Own, language: str) -> dict[str, str | int]:
    """What texts say of it."""
    return {
        "number": own.number, "is_public": int(own.is_public),
        "category": cards.category_name(
            own.category_code, thai=own.category_th, english=own.category_en, language=language
        ),
        "place": own.place_th if language == "th" else own.place_en,
        "state": cards.say("state-withdrawn" if own.is_withdrawn else f"state-{own.state}", language),
        "opened": cards.moment(own.opened_at, language),
        "promised": cards.moment(own.promised_at, language),
    }


def said(say: Say, own: Own | None, language: str) -> dict[str, Any]:
    """One thing said about it."""
    return cards.message(say, language=language, slots=slots(own, language) if own else {}, category_names={})


def overview(owns: Sequence[Own], language: str, *, now: datetime) -> dict[str, Any]:
    """Where the reports stand, and what can be done with each."""
    if not owns:
        return said(Say("status-none"), None, language)
    if len(owns) == 1:
        return said(Say("status", afterwards.choices(owns[0], now=now)), owns[0], language)
    shown = owns[:MOST_CARDS]
    alt = [cards.say("status-several", language, count=len(owns))]
    alt += [cards.say("status-line", language, **slots(own, language)) for own in shown]
    bubbles = [_bubble(own, language, now=now) for own in shown]
    alt_text = line_messages.cut("\n".join(alt), limit_utf16=400)
    return line_messages.flex(alt_text, {"type": "carousel", "contents": bubbles})


def _bubble(own: Own, language: str, *, now: datetime) -> dict[str, Any]:
    filled = slots(own, language)
    lines = [_text(str(filled["number"]), weight="bold", size="lg"), _text(str(filled["category"]), weight="bold")]
    if filled["place"]:
        lines.append(_text(str(filled["place"]), size="sm"))
    lines += [_text(str(filled["state"])), _text(cards.say("status-times", language, **filled), size="xs")]
    body = {"type": "box", "layout": "vertical", "spacing": "sm", "contents": lines}
    bubble: dict[str, Any] = {"type": "bubble", "size": "kilo", "body": body}
    actions = [cards.action(choice, language, {}) for choice in afterwards.choices(own, now=now)]
    if own.is_public:
        link = cards.follow_link(own.number, language)
        actions.append(line_messages.open_uri(cards.say("label-follow", language), link))
    if actions:
        buttons = [{"type": "button", "style": "secondary", "height": "sm", "action": action} for action in actions]
        bubble["footer"] = {"type": "box", "layout": "vertical", "spacing": "sm", "contents": buttons}
    return bubble


def _text(body: str, **look: str) -> dict[str, Any]:
    return {"type": "text", "text": line_messages.cut(body, limit_utf16=300), "wrap": True, "color": "#1F1F1F", **look}
