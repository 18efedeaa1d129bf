"""What was fitted as a JSON document of numbers and names, with a version: reading one runs nothing.

A pickle would run whatever it holds and bind a model to the release that wrote it. Weights and trees are numbers; 80
small trees take some 60 kB, the experience of a model as much again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from core.errors import InvalidInputError
from sensors.nowcast.fitted import Fitted

VERSION: Literal[2] = 2


@dataclass(frozen=True)
class _Document:
    version: Literal[2]
    fitted: Fitted


_DOCUMENT = TypeAdapter(_Document)


def as_json(fitted: Fitted) -> str:
    """The document that `from_json` reads back to an equal value."""
    return _DOCUMENT.dump_json(_Document(VERSION, fitted)).decode()


def from_json(text: str) -> Fitted:
    """What the document holds. Raises InvalidInputError for another version or what is no such document."""
    try:
        return _DOCUMENT.validate_json(text).fitted
    except ValidationError as exc:
        raise InvalidInputError("This is no nowcast that this version can read; fit it again.") from exc
