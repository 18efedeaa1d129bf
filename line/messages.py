"""LINE messages that LINE will take: builders that check every limit before anything is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from line import rules
from line.errors import UnfitMessageError

Message = dict[str, Any]
Action = dict[str, Any]


@dataclass(frozen=True)
class _Look:
    header: str
    on_header: str
    symbol: str


# Colour is never alone: each level has a symbol too. Contrast of header text at least 4.5:1 (WCAG 2.2, 1.4.3).
LEVEL_LOOKS = {
    0: _Look(header="#1B5E20", on_header="#FFFFFF", symbol="✓"),
    1: _Look(header="#F9C846", on_header="#1F1F1F", symbol="▲"),
    2: _Look(header="#B45309", on_header="#FFFFFF", symbol="▲▲"),
    3: _Look(header="#A31621", on_header="#FFFFFF", symbol="▲▲▲"),
}


@dataclass(frozen=True)
class CardPicture:
    """A picture on a card: its https address, its size in pixels, and the line under it."""

    url: str
    width_px: int
    height_px: int
    caption: str


def _within(value: str, limit: int, what: str) -> str:
    if not value.strip():
        raise UnfitMessageError(f"{what} is empty.")
    length = rules.utf16_units(value)
    if length > limit:
        raise UnfitMessageError(f"{what} has {length} UTF-16 units; LINE takes {limit} at most.")
    return value


def _label(label: str) -> str:
    if not label.strip():
        raise UnfitMessageError("A button's label is empty.")
    length = rules.graphemes(label)
    if length > rules.LABEL_LIMIT_GRAPHEMES:
        raise UnfitMessageError(
            f"The label '{label}' has {length} letters; LINE takes {rules.LABEL_LIMIT_GRAPHEMES} at most."
        )
    return label


def postback(label: str, data: str, *, display_text: str | None = None) -> Action:
    """A button that sends `data` back to us; `display_text` is what the resident seems to say."""
    if rules.utf16_units(data) > rules.POSTBACK_DATA_LIMIT:
        raise UnfitMessageError(f"Postback data is longer than {rules.POSTBACK_DATA_LIMIT}.")
    action: Action = {"type": "postback", "label": _label(label), "data": data}
    return action if display_text is None else action | {"displayText": _within(display_text, 300, "displayText")}


def say(label: str, text_said: str) -> Action:
    """A button by which the resident says `text_said`."""
    return {"type": "message", "label": _label(label), "text": _within(text_said, 300, "The text of a message action")}


def ask_location(label: str) -> Action:
    """A quick reply that opens the map for a pin."""
    return {"type": "location", "label": _label(label)}


def ask_camera(label: str) -> Action:
    """A quick reply that opens the camera."""
    return {"type": "camera", "label": _label(label)}


def ask_camera_roll(label: str) -> Action:
    """A quick reply that opens the phone's pictures."""
    return {"type": "cameraRoll", "label": _label(label)}


def open_uri(label: str, uri: str) -> Action:
    """A button that opens an address (https, http, line or tel)."""
    if uri.split(":", 1)[0] not in {"https", "http", "line", "tel"} or len(uri) > 1000:
        raise UnfitMessageError(f"A button of LINE cannot open '{uri[:80]}'.")
    return {"type": "uri", "label": _label(label), "uri": uri}


def quick_reply(*actions: Action) -> dict[str, Any]:
    """The buttons under a message, 13 at most."""
    if not 1 <= len(actions) <= rules.QUICK_REPLY_LIMIT:
        raise UnfitMessageError(f"{len(actions)} quick replies; LINE takes 1 to {rules.QUICK_REPLY_LIMIT}.")
    return {"items": [{"type": "action", "action": action} for action in actions]}


def _with(message: Message, quick: dict[str, Any] | None) -> Message:
    return message if quick is None else message | {"quickReply": quick}


def text(body: str, *, quick: dict[str, Any] | None = None) -> Message:
    """A plain text, 5,000 UTF-16 units at most."""
    return _with({"type": "text", "text": _within(body, rules.TEXT_LIMIT_UTF16, "The text")}, quick)


def flex(alt_text: str, bubble: dict[str, Any], *, quick: dict[str, Any] | None = None) -> Message:
    """A flex message; `alt_text` is what notifications and old phones show."""
    alt = _within(alt_text, rules.ALT_TEXT_LIMIT_UTF16, "The altText")
    return _with({"type": "flex", "altText": alt, "contents": bubble}, quick)


def _flex_text(body: str, **look: Any) -> dict[str, Any]:
    return {"type": "text", "text": _within(body, 2000, "A text of a card"), "wrap": True, **look}


def _hero(picture: CardPicture) -> dict[str, Any]:
    if not picture.url.startswith("https://") or len(picture.url) > 2000:
        raise UnfitMessageError(f"LINE shows no picture of '{picture.url[:80]}'; it takes https addresses only.")
    image = {
        "type": "image",
        "url": picture.url,
        "size": "full",
        "aspectRatio": f"{picture.width_px}:{picture.height_px}",
        "aspectMode": "fit",
    }
    caption = _flex_text(picture.caption, size="xs", color="#5A5A5A", align="center")
    return {"type": "box", "layout": "vertical", "contents": [image, caption]}


def _header(look: _Look, level_label: str, heading: str | None) -> dict[str, Any]:
    contents = [_flex_text(f"{look.symbol} {level_label}", size="xl", weight="bold", color=look.on_header)]
    if heading:
        contents.insert(0, _flex_text(heading, size="sm", color=look.on_header))
    return {"type": "box", "layout": "vertical", "backgroundColor": look.header, "contents": contents}


def _buttons(actions: Sequence[Action], *, style: str) -> list[dict[str, Any]]:
    return [{"type": "button", "style": style, "height": "sm", "action": action} for action in actions]


def alert_card(
    *,
    level: int,
    level_label: str,
    title: str,
    body: Sequence[str],
    heading: str | None = None,
    time: str | None = None,
    calls: Sequence[Action] = (),
    picture: CardPicture | None = None,
    footnote: str | None = None,
    actions: Sequence[Action] = (),
    quick: dict[str, Any] | None = None,
) -> Message:
    """The card of an alert: coloured header with the level's symbol and word, picture, title, paragraphs, buttons.

    `level` is 1 watch, 2 warning, 3 danger, 0 all clear. `heading` (the city) stands above the level's word,
    `time` below the paragraphs, `calls` (numbers to tap) between them and the buttons. The notification (altText)
    reads label, title, first paragraph.
    """
    look = LEVEL_LOOKS[level]
    paragraphs = [_flex_text(paragraph, size="md", color="#1F1F1F") for paragraph in body]
    contents = [_flex_text(title, size="lg", weight="bold", color="#1F1F1F"), *paragraphs]
    contents += [_flex_text(small, size="xs", color="#5A5A5A") for small in (time, footnote) if small]
    contents += _buttons(calls, style="link")
    bubble: dict[str, Any] = {
        "type": "bubble",
        "size": "mega",
        "header": _header(look, level_label, heading),
        "body": {"type": "box", "layout": "vertical", "spacing": "md", "contents": contents},
    }
    if picture:
        bubble["hero"] = _hero(picture)
    if actions:
        buttons = _buttons(actions, style="secondary")
        bubble["footer"] = {"type": "box", "layout": "vertical", "spacing": "sm", "contents": buttons}
    alt = " ".join([f"{look.symbol} {level_label}:", title, *body[:1]])
    return flex(cut(alt, limit_utf16=400), bubble, quick=quick)


def cut(body: str, *, limit_utf16: int) -> str:
    """The text, ended with … where it would be longer than the limit."""
    if rules.utf16_units(body) <= limit_utf16:
        return body
    kept = body[: limit_utf16 - 1]
    while rules.utf16_units(kept) > limit_utf16 - 1:
        kept = kept[:-1]
    return kept + "…"


def cut_label(label: str) -> str:
    """The label, ended with … where a button would not take all its letters."""
    kept = label
    while rules.graphemes(kept) > rules.LABEL_LIMIT_GRAPHEMES - (kept != label):
        kept = kept[:-1]
    return kept if kept == label else kept.rstrip() + "…"


def check(messages: Sequence[Message]) -> None:
    """The messages fit one request: 1 to 5 of them; raises UnfitMessageError."""
    if not 1 <= len(messages) <= rules.MESSAGES_LIMIT:
        raise UnfitMessageError(f"{len(messages)} messages in one request; LINE takes 1 to {rules.MESSAGES_LIMIT}.")
    for message in messages:
        _check_one(message)


def _check_one(message: Message) -> None:
    if message.get("type") == "text":
        _within(str(message.get("text", "")), rules.TEXT_LIMIT_UTF16, "The text")
    if message.get("type") in {"flex", "template"}:
        _within(str(message.get("altText", "")), rules.ALT_TEXT_LIMIT_UTF16, "The altText")
    items = message.get("quickReply", {}).get("items", [])
    if len(items) > rules.QUICK_REPLY_LIMIT:
        raise UnfitMessageError(f"{len(items)} quick replies; LINE takes {rules.QUICK_REPLY_LIMIT} at most.")
