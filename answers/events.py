"""What happened to questions for officers, for the screens. Nothing of a resident stands in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.events import Event


@dataclass(frozen=True)
class QuestionMoved(Event):
    """A question to an officer came, grew, was answered or closed: it is in `state` now."""

    name: ClassVar[str] = "answers.question_moved"
    hand_over_id: int
    state: str
