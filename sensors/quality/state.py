"""What is remembered of a datastream between two readings: a few numbers, and a bounded memory of how it moved."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any

from core.errors import InvalidInputError

NEVER = -math.inf
STILL = math.inf
# A band has room for more steps only where values creep strictly up or down inside it: a drift, no stuck sensor.
STEPS_AT_MOST = 96
FORMAT = 1
_INFINITE = {"inf": math.inf, "-inf": -math.inf}


class State:
    """Where a stream stands; `sensors.quality.stream.judge` moves it on. Empty, it has heard nothing.

    `newest` is the newest value that did not fail on its own: still provisional, its spike test waits for the next.
    `base` is the neighbour before it; `is_doubted` says that the newest value moved too fast. `lows` and `highs` are
    the values that may yet bound the band in which the stream lies since `flat_since_s`, oldest first, each with the
    time of the value after it.
    """

    __slots__ = (
        "base", "base_at_s", "flat_since_s", "highs", "is_doubted", "last", "last_at_s", "lows", "newest",
        "newest_at_s", "newest_code",
    )  # fmt: skip

    def __init__(self) -> None:
        self.last_at_s: float = NEVER
        self.last: float | None = None
        self.base_at_s: float = NEVER
        self.base: float = 0.0
        self.newest_at_s: float = NEVER
        self.newest: float = 0.0
        self.newest_code: int = 0
        self.is_doubted: bool = False
        self.flat_since_s: float = NEVER
        self.lows: deque[list[float]] = deque()
        self.highs: deque[list[float]] = deque()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and all(getattr(self, one) == getattr(other, one) for one in self.__slots__)

    __hash__ = None  # type: ignore[assignment]  # It moves on.

    def take(self, other: State) -> None:
        """The stream stands where the other one does."""
        for name in self.__slots__:
            setattr(self, name, getattr(other, name))

    def copy(self) -> State:
        """A state of its own that stands where this one does."""
        other = State()
        other.take(self)
        other.lows, other.highs = deque([*step] for step in self.lows), deque([*step] for step in self.highs)
        return other

    def as_json(self) -> dict[str, Any]:
        """A JSON object without NaN or infinities, at most some 8 kB, that `from_json` turns into the same state."""
        return {
            "format": FORMAT,
            "last": [_time(self.last_at_s), _value(self.last)],
            "base": [_time(self.base_at_s), self.base],
            "newest": [_time(self.newest_at_s), self.newest, self.newest_code, self.is_doubted],
            "flat_since_s": _time(self.flat_since_s),
            "lows": [[value, _time(then_s)] for value, then_s in self.lows],
            "highs": [[value, _time(then_s)] for value, then_s in self.highs],
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> State:
        """The state of that JSON object.

        Raises InvalidInputError where it is none, or of another format.
        """
        state = cls()
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise InvalidInputError(f"This is no quality state of format {FORMAT}.")
        try:
            last_at_s, last = document["last"]
            base_at_s, state.base = document["base"]
            newest_at_s, state.newest, state.newest_code, state.is_doubted = document["newest"]
            state.lows, state.highs = _steps(document["lows"]), _steps(document["highs"])
            flat_since_s = document["flat_since_s"]
        except (KeyError, TypeError, ValueError) as exc:
            raise InvalidInputError("The quality state is damaged: a field is missing or of another shape.") from exc
        state.last_at_s, state.last = _at(last_at_s, NEVER), _INFINITE.get(last, last) if last is not None else None
        state.base_at_s, state.newest_at_s = _at(base_at_s, NEVER), _at(newest_at_s, NEVER)
        state.flat_since_s = _at(flat_since_s, NEVER)
        return state

    def begin_band(self, at_s: float, value: float) -> None:
        """The band begins anew with this value."""
        self.flat_since_s = at_s
        self.lows, self.highs = deque([[value, STILL]]), deque([[value, STILL]])

    def forget_band(self) -> None:
        """There is no band: the flat line test is not run."""
        self.flat_since_s = NEVER
        self.lows, self.highs = deque(), deque()

    def note_rise(self, at_s: float, value: float, tolerance: float) -> None:
        """The band ends with this value, higher than the last, and reaches back while all span less than `tolerance`.

        Each value enters and leaves once, so that the cost is constant on average.
        """
        lows, highs = self.lows, self.highs
        lows[-1][1] = at_s
        while highs and highs[-1][0] <= value:
            highs.pop()
        if not highs:
            while lows and value - lows[0][0] >= tolerance:
                self.flat_since_s = lows.popleft()[1]
        highs.append([value, STILL])
        lows.append([value, STILL])
        self._stay_bounded()

    def note_fall(self, at_s: float, value: float, tolerance: float) -> None:
        """As `note_rise`, with a value lower than the last."""
        lows, highs = self.lows, self.highs
        highs[-1][1] = at_s
        while lows and lows[-1][0] >= value:
            lows.pop()
        if not lows:
            while highs and highs[0][0] - value >= tolerance:
                self.flat_since_s = highs.popleft()[1]
        highs.append([value, STILL])
        lows.append([value, STILL])
        self._stay_bounded()

    def _stay_bounded(self) -> None:
        # What is dropped lies, as a rule, further back than the test looks; else the band is told shorter than it is.
        for steps in (self.lows, self.highs):
            if len(steps) > STEPS_AT_MOST:
                self.flat_since_s = max(self.flat_since_s, steps.popleft()[1])


def _time(at_s: float) -> float | None:
    return at_s if math.isfinite(at_s) else None


def _at(given: float | None, otherwise: float) -> float:
    return otherwise if given is None else given


def _value(value: float | None) -> float | str | None:
    if value is None or math.isnan(value):
        return None
    return value if math.isfinite(value) else str(value)


def _steps(given: Sequence[Sequence[Any]]) -> deque[list[float]]:
    return deque([value, _at(then_s, STILL)] for value, then_s in given)
