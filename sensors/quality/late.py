"""Readings that come late or corrected: which flags they change, told from the stored readings around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.errors import InvalidInputError
from sensors.quality.parameters import Parameters
from sensors.quality.state import State
from sensors.quality.stream import Judgement, Revision, Tests, judge

NOTHING = Tests(0)
_BEGINS_WITH = Tests.GAP | Tests.FLAT  # Who raised nothing else is a neighbour of the next, and undoubted.


@dataclass(frozen=True, slots=True)
class Stored:
    """A reading as it is stored: when it was observed and when it arrived (epoch seconds), and the tests it raised."""

    at_s: float
    value: float | None
    received_s: float
    tests: Tests = NOTHING


@dataclass(frozen=True, slots=True)
class Rejudged:
    """The flags that change, oldest first, that of the late reading always among them.

    `state` is where the stream stands now, None where its own state still holds.
    """

    revisions: list[Revision]
    state: State | None


def context_start(before: Sequence[Stored], parameters: Parameters) -> int | None:
    """From which of the readings before a late one (oldest first) it can be rejudged, None where more are needed.

    That is the newest one that raised no doubt and lies, with one such reading between, the window of the flat line
    test back. Where `before` is all that is stored, None does no harm.
    """
    is_sound = [not one.tests & ~_BEGINS_WITH for one in before]
    newest = next((index for index in range(len(before) - 1, -1, -1) if is_sound[index]), None)
    if newest is None:
        return None
    latest_s = before[newest].at_s - parameters.window_s
    starts = (index for index in range(newest - 1, -1, -1) if is_sound[index] and before[index].at_s <= latest_s)
    return next(starts, None)


def rejudge(
    before: Sequence[Stored],
    late: Stored,
    after: Sequence[Stored],
    parameters: Parameters,
    *,
    replaced: Stored | None = None,
) -> Rejudged:
    """The flags as if `late` had come in its time, in place of `replaced` where it corrects a reading.

    `before` and `after` are the stored readings around it, oldest first: `before` from a `context_start` on or from
    the stream's beginning, `after` to the newest; none is looked at beyond where the late one ceases to matter. Tests
    of arrival (AHEAD, TOO_OLD) keep to each reading's own arrival.

    Raises InvalidInputError where the readings are not in order of time, or `replaced` is of another time.
    """
    _check_order(before, late, after, replaced)
    start = context_start(before, parameters) or 0
    was, now = _Line(parameters), _Line(parameters)
    for one in before[start:]:
        was.hear(one)
        now.hear(one)
    if replaced is not None:
        was.hear(replaced)
    now.hear(late)
    for one in after:
        if was.state == now.state and now.state.newest_at_s != late.at_s:
            return Rejudged(_changes(was, now, late), None)
        was.hear(one)
        now.hear(one)
    return Rejudged(_changes(was, now, late), None if was.state == now.state else now.state)


class _Line:
    """Readings judged in their order, and what is told of each in the end."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.state = State()
        self.told: dict[float, Judgement] = {}

    def hear(self, one: Stored) -> None:
        judged = judge(self.state, one.at_s, one.value, one.received_s, self.parameters)
        revision = judged.revision
        if revision is not None:
            self.told[revision.at_s] = Judgement(revision.flag, revision.tests, revision.failed)
        self.told[one.at_s] = Judgement(judged.flag, judged.tests, judged.failed)


def _changes(was: _Line, now: _Line, late: Stored) -> list[Revision]:
    changed = (at_s for at_s, judged in now.told.items() if at_s == late.at_s or was.told.get(at_s) != judged)
    return [Revision(at_s, *now.told[at_s][:3]) for at_s in sorted(changed)]


def _check_order(
    before: Sequence[Stored], late: Stored, after: Sequence[Stored], replaced: Stored | None
) -> None:
    times_s = [one.at_s for one in (*before, late, *after)]
    if any(earlier >= later for earlier, later in pairwise(times_s)):
        raise InvalidInputError("The readings around a late one are in order of time, each time once.")
    if replaced is not None and replaced.at_s != late.at_s:
        raise InvalidInputError("A corrected reading replaces one of the same time.")
