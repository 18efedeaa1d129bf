"""Limits of template messages, which the contract does not hold: LINE's reference, counted in letters as read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from line.rules import graphemes
from line.standin.schemas import Fault

_TEXT = {"buttons": 160, "confirm": 240, "carousel": 120}
_TEXT_BESIDE_PICTURE_OR_TITLE = 60
_TITLE = 40
_ACTIONS = {"buttons": (1, 4), "confirm": (2, 2), "carousel": (1, 3)}
_COLUMNS = (1, 10)


def faults(template: object, path: str) -> Iterator[Fault]:
    """What LINE's limits hold against a template."""
    if not isinstance(template, dict):
        return
    kind = str(template.get("type"))
    if kind in {"carousel", "image_carousel"}:
        columns = template.get("columns")
        if not isinstance(columns, list) or not _COLUMNS[0] <= len(columns) <= _COLUMNS[1]:
            yield Fault("Size must be between 1 and 10", f"{path}.columns")
            return
        if kind == "carousel":
            for i, column in enumerate(columns):
                yield from _card(column, "carousel", f"{path}.columns[{i}]")
    elif kind in _TEXT:
        yield from _card(template, kind, path)


def _card(card: Any, kind: str, path: str) -> Iterator[Fault]:
    if not isinstance(card, dict):
        return
    least, most = _ACTIONS[kind]
    actions = card.get("actions")
    if isinstance(actions, list) and not least <= len(actions) <= most:
        yield Fault(f"Size must be between {least} and {most}", f"{path}.actions")
    is_beside = kind != "confirm" and bool(card.get("thumbnailImageUrl") or card.get("title"))
    limits = (("title", _TITLE), ("text", _TEXT_BESIDE_PICTURE_OR_TITLE if is_beside else _TEXT[kind]))
    for name, limit in limits:
        value = card.get(name)
        if isinstance(value, str) and graphemes(value) > limit:
            yield Fault(f"Length must be between 0 and {limit}", f"{path}.{name}")
        if isinstance(value, str) and not value.strip():
            yield Fault("May not be empty", f"{path}.{name}")
