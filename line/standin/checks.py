"""What LINE refuses although its contract does not say so: rules by hand, always applied.

Limits without a place in the contract (altText, bubble size, label) are as LINE's guides and users report them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from line.rules import graphemes, utf16_units
from line.standin import byhand, templates
from line.standin.schemas import Fault

EMPTY = "May not be empty"
USER_ID = re.compile(r"U[0-9a-f]{32}")
ANY_TARGET = re.compile(r"[UCR][0-9a-f]{32}")
BUBBLE_LIMIT_BYTES = 30_000
CAROUSEL_LIMIT_BYTES = 50_000
CAROUSEL_LIMIT = 12
_COMMON = {"type", "quickReply", "sender"}
# The properties of each message type; a misspelt one is refused, as strict clients of the platform would want.
_PROPERTIES: dict[str, set[str]] = {
    "text": {"text", "emojis", "quoteToken"},
    "textV2": {"text", "substitution", "quoteToken"},
    "sticker": {"packageId", "stickerId", "quoteToken"},
    "image": {"originalContentUrl", "previewImageUrl"},
    "video": {"originalContentUrl", "previewImageUrl", "trackingId"},
    "audio": {"originalContentUrl", "duration"},
    "location": {"title", "address", "latitude", "longitude"},
    "imagemap": {"baseUrl", "altText", "baseSize", "actions", "video"},
    "template": {"altText", "template"},
    "flex": {"altText", "contents"},
    "coupon": {"couponId", "deliveryTag"},
}
_ROOT = {
    "multicast": {"to", "messages", "notificationDisabled", "customAggregationUnits"},
    "push": {"to", "messages", "notificationDisabled", "customAggregationUnits"},
    "reply": {"replyToken", "messages", "notificationDisabled"},
    "narrowcast": {"messages", "recipient", "filter", "limit", "notificationDisabled"},
    "broadcast": {"messages", "notificationDisabled"},
    "pnp": {"to", "messages", "notificationDisabled"},
    "validate": {"messages"},
}
UNIT = re.compile(r"[a-zA-Z0-9_]{1,30}")
PHONE_HASH = re.compile(r"[0-9a-f]{64}")
_ADDRESSES = {
    "originalContentUrl", "previewImageUrl", "previewUrl", "baseUrl", "imageUrl", "iconUrl", "thumbnailImageUrl",
}
_NEEDED_BY_ACTION = {
    "uri": ("uri",),
    "message": ("text",),
    "postback": ("data",),
    "clipboard": ("clipboardText",),
    "datetimepicker": ("data", "mode"),
    "richmenuswitch": ("richMenuAliasId", "data"),
}


def faults(kind: str, body: dict[str, Any]) -> list[Fault]:
    """Everything that the rules by hand hold against a request body of this kind."""
    return [
        *_unknown(body, _ROOT[kind], ""),
        *_target(kind, body),
        *_units(body.get("customAggregationUnits")),
        *(byhand.narrowcast_faults(body) if kind == "narrowcast" else ()),
        *_messages(body.get("messages")),
    ]


def _units(units: object) -> Iterator[Fault]:
    if units is None:
        return
    if not isinstance(units, list) or len(units) > 1:
        yield Fault("Size must be between 0 and 1", "customAggregationUnits")
    elif units and not (isinstance(units[0], str) and UNIT.fullmatch(units[0])):
        yield Fault("Must match ^[a-zA-Z0-9_]{1,30}$", "customAggregationUnits[0]")


def _unknown(node: dict[str, Any], known: set[str], path: str) -> Iterator[Fault]:
    for name in node.keys() - known:
        yield Fault("Unknown property", f"{path}.{name}" if path else name)


def _target(kind: str, body: dict[str, Any]) -> Iterator[Fault]:
    if kind == "reply":
        if not isinstance(body.get("replyToken"), str) or not body["replyToken"]:
            yield Fault(EMPTY, "replyToken")
        return
    if "to" not in _ROOT[kind]:
        return
    to = body.get("to")
    if kind == "pnp":
        if not isinstance(to, str) or not PHONE_HASH.fullmatch(to):
            yield Fault("The property, 'to', in the request body is invalid", "to")
        return
    if kind == "push":
        if not isinstance(to, str) or not ANY_TARGET.fullmatch(to):
            yield Fault("The property, 'to', in the request body is invalid", "to")
        return
    if not isinstance(to, list) or not 1 <= len(to) <= 500:
        yield Fault("Size must be between 1 and 500", "to")
        return
    if len(set(map(str, to))) != len(to):
        yield Fault("A recipient is repeated", "to")
    for i, user_id in enumerate(to):
        if not isinstance(user_id, str) or not USER_ID.fullmatch(user_id):
            yield Fault("Invalid user ID", f"to[{i}]")


def _messages(messages: object) -> Iterator[Fault]:
    if not isinstance(messages, list) or not 1 <= len(messages) <= 5:
        yield Fault("Size must be between 1 and 5", "messages")
        return
    for i, message in enumerate(messages):
        if not isinstance(message, dict):
            yield Fault("Must be an object", f"messages[{i}]")
            continue
        yield from _message(message, f"messages[{i}]")


def _message(message: dict[str, Any], path: str) -> Iterator[Fault]:
    kind = message.get("type")
    if not isinstance(kind, str) or kind not in _PROPERTIES:
        yield Fault(f"Must be one of the following values: {sorted(_PROPERTIES)}", f"{path}.type")
        return
    yield from _unknown(message, _COMMON | _PROPERTIES[kind], path)
    if kind in {"text", "textV2"}:
        yield from _text(message, "text", path, limit=5000)
    if kind in {"flex", "template", "imagemap"}:
        yield from _text(message, "altText", path, limit=1500)
    if kind == "location":
        yield from _place(message, path)
    yield from _https(message, path)
    if kind == "template":
        yield from templates.faults(message.get("template"), f"{path}.template")
    if kind == "flex":
        yield from _flex(message.get("contents"), f"{path}.contents")
    yield from _quick_reply(message.get("quickReply"), f"{path}.quickReply")
    yield from _imagemap_actions(message, path) if kind == "imagemap" else _actions(message, path)


def _https(node: Any, path: str) -> Iterator[Fault]:
    if isinstance(node, list):
        for i, item in enumerate(node):
            yield from _https(item, f"{path}[{i}]")
    elif isinstance(node, dict):
        for name, value in node.items():
            if name in _ADDRESSES and not str(value).startswith("https://"):
                yield Fault("Must be an https URL", f"{path}.{name}")
            yield from _https(value, f"{path}.{name}")


def _imagemap_actions(message: dict[str, Any], path: str) -> Iterator[Fault]:
    """An imagemap's actions name their address `linkUri`; those of its quick replies are as everywhere."""
    yield from _actions(message.get("quickReply"), f"{path}.quickReply")
    actions = message.get("actions")
    for i, action in enumerate(actions if isinstance(actions, list) else []):
        if isinstance(action, dict) and action.get("type") == "uri":
            yield from _uri(action.get("linkUri"), f"{path}.actions[{i}].linkUri")


def _text(node: dict[str, Any], name: str, path: str, *, limit: int) -> Iterator[Fault]:
    value = node.get(name)
    if not isinstance(value, str) or not value.strip():
        yield Fault(EMPTY, f"{path}.{name}")
    elif utf16_units(value) > limit:
        yield Fault(f"Length must be between 0 and {limit}", f"{path}.{name}")


def _place(message: dict[str, Any], path: str) -> Iterator[Fault]:
    yield from _text(message, "title", path, limit=100)
    yield from _text(message, "address", path, limit=100)
    for name, most in (("latitude", 90), ("longitude", 180)):
        value = message.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not -most <= value <= most:
            yield Fault(f"Must be between -{most} and {most}", f"{path}.{name}")


def _quick_reply(quick_reply: object, path: str) -> Iterator[Fault]:
    if quick_reply is None:
        return
    items = quick_reply.get("items") if isinstance(quick_reply, dict) else None
    if not isinstance(items, list) or not 1 <= len(items) <= 13:
        yield Fault("Size must be between 1 and 13", f"{path}.items")
        return
    for i, item in enumerate(items):
        action = item.get("action") if isinstance(item, dict) else None
        if not isinstance(action, dict) or not action.get("label"):
            yield Fault(EMPTY, f"{path}.items[{i}].action.label")


def _actions(node: Any, path: str) -> Iterator[Fault]:
    if isinstance(node, list):
        for i, item in enumerate(node):
            yield from _actions(item, f"{path}[{i}]")
    elif isinstance(node, dict):
        for name, value in node.items():
            here = f"{path}.{name}"
            if name in {"action", "defaultAction"} and isinstance(value, dict):
                yield from _action(value, here)
            elif name == "actions" and isinstance(value, list):
                for i, action in enumerate(value):
                    yield from _action(action if isinstance(action, dict) else {}, f"{here}[{i}]")
            else:
                yield from _actions(value, here)


def _action(action: dict[str, Any], path: str) -> Iterator[Fault]:
    for needed in _NEEDED_BY_ACTION.get(str(action.get("type")), ()):
        if not action.get(needed):
            yield Fault(EMPTY, f"{path}.{needed}")
    label = action.get("label")
    if isinstance(label, str) and graphemes(label) > 20:
        yield Fault("Length must be between 0 and 20", f"{path}.label")
    yield from _uri(action.get("uri"), f"{path}.uri")
    for name, count in (("data", utf16_units), ("text", graphemes), ("displayText", graphemes)):
        value = action.get(name)
        if isinstance(value, str) and count(value) > 300:
            yield Fault("Length must be between 0 and 300", f"{path}.{name}")


def _uri(uri: object, path: str) -> Iterator[Fault]:
    if not isinstance(uri, str):
        return
    if not re.match(r"(https?|line|tel):", uri):
        yield Fault("Invalid uri scheme", path)
    elif len(uri) > 1000:
        yield Fault("Length must be between 0 and 1000", path)


def action_faults(action: object, path: str) -> list[Fault]:
    """What the rules by hand hold against one action, such as a rich menu's."""
    return list(_action(action if isinstance(action, dict) else {}, path))


def _flex(contents: object, path: str) -> Iterator[Fault]:
    if not isinstance(contents, dict):
        yield Fault(EMPTY, path)
    elif contents.get("type") == "carousel":
        bubbles = contents.get("contents")
        if not isinstance(bubbles, list) or not 1 <= len(bubbles) <= CAROUSEL_LIMIT:
            yield Fault(f"Size must be between 1 and {CAROUSEL_LIMIT}", f"{path}.contents")
            return
        if _bytes(contents) > CAROUSEL_LIMIT_BYTES:
            yield Fault(f"Must not be larger than {CAROUSEL_LIMIT_BYTES} bytes", path)
        for i, bubble in enumerate(bubbles):
            yield from _bubble(bubble, f"{path}.contents[{i}]")
    else:
        yield from _bubble(contents, path)


def _bubble(bubble: object, path: str) -> Iterator[Fault]:
    if not isinstance(bubble, dict) or not bubble.keys() & {"header", "hero", "body", "footer"}:
        yield Fault("At least one block is needed", path)
        return
    if _bytes(bubble) > BUBBLE_LIMIT_BYTES:
        yield Fault(f"Must not be larger than {BUBBLE_LIMIT_BYTES} bytes", path)
    for block in ("header", "hero", "body", "footer"):
        yield from _component(bubble.get(block), f"{path}.{block}")


def _component(component: object, path: str) -> Iterator[Fault]:
    if not isinstance(component, dict):
        return
    kind = str(component.get("type"))
    if kind == "text" and not component.get("text") and not component.get("contents"):
        yield Fault(EMPTY, f"{path}.text")
    if kind in {"image", "video", "icon"} and not str(component.get("url", "")).startswith("https://"):
        yield Fault("Must be an https URL", f"{path}.url")
    if kind == "video":
        yield from _component(component.get("altContent"), f"{path}.altContent")
    contents = component.get("contents")
    for i, inner in enumerate(contents if isinstance(contents, list) else []):
        yield from _component(inner, f"{path}.contents[{i}]")


def _bytes(node: object) -> int:
    return len(json.dumps(node, ensure_ascii=False).encode())
