"""What is remembered of a stream between two batches, and how it is written down. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import orjson

from sensors.quality.state import State
from sensors.watch.interval import Learnt
from sensors.watch.state import WatchState


@dataclass(slots=True)
class Memory:
    """The time of the newest reading ever stored, where quality control and the watch stand, and the learnt pace."""

    newest_at: datetime | None = None
    quality: State = field(default_factory=State)
    pace: Learnt = field(default_factory=Learnt)
    watch: WatchState = field(default_factory=WatchState)

    def document(self) -> bytes:
        """All but the time, as JSON; `memory_of` gives the same back."""
        return orjson.dumps({"quality": self.quality.as_json(), "pace": self.pace, "watch": self.watch})


def memory_of(newest_at: datetime | None, document: bytes | None) -> Memory:
    """The memory that was written down; an empty one where there is none yet."""
    if document is None:
        return Memory(newest_at)
    stored = orjson.loads(document)
    return Memory(
        newest_at, State.from_json(stored["quality"]), Learnt.from_json(stored["pace"]),
        WatchState.from_json(stored["watch"]),
    )
