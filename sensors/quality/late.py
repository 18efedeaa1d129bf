"""Readings that come late or corrected: which flags they change, told from the stored readings around them.

The late ones of a batch are heard in one pass, among the stored ones. While the stream stands the same with them and
without, there is one state; from a late one to where it ceases to matter there are two, and what they tell differently
is what changes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.errors import InvalidInputError
from sensors.quality.parameters import Parameters
from sensors.quality.state import State
from sensors.quality.stream import Judgement, Revision, Tests, judge

NOTHING = Tests(0)
CALM = 256  # So many stored readings after the late ones ceased to matter, the next late one is sought by itself.
_BEGINS_WITH = Tests.GAP | Tests.FLAT  # Who raised nothing else is a neighbour of the next, and undoubted.
_DOUBTS = ~int(_BEGINS_WITH)
_TOLD_AT_MOST = 64


@dataclass(frozen=True, slots=True)
class Stored:
    """A reading as it is stored: when it was observed and when it arrived (epoch seconds), and the tests it raised."""

    at_s: float
    value: float | None
    received_s: float
    tests: int = NOTHING


@dataclass(frozen=True, slots=True)
class Rejudged:
    """The flags that change, oldest first, those of the late readings always among them.

    `state` is where the stream stands now, None where its own state still holds. `left` are late ones that lie too far
    on to be reached in the same pass.
    """

    revisions: list[Revision]
    state: State | None
    left: list[Stored]


def context(before: Iterable[Stored], parameters: Parameters) -> list[Stored]:
    """Of the stored readings before a late one, newest first, as many as it needs to be judged; oldest first.

    They begin with one that raised no doubt, followed by another such, and the band in which the stream lay at this
    second one began between the two: their values span the tolerance, a gap lies between, or all that the flat line
    test looks back on. Where nothing of this is found, all are needed.
    """
    taken: list[Stored] = []
    newest_s, low, high = 0.0, 0.0, 0.0
    window_s, tolerance, gap_s = parameters.window_s, parameters.limits.tolerance, parameters.limits.gap_s
    is_begun = has_sound = False
    for one in before:
        is_begun = is_begun or (has_sound and taken[-1].at_s - one.at_s > gap_s)
        taken.append(one)
        if one.value is None or one.tests & _DOUBTS:
            continue
        if not has_sound:
            has_sound, newest_s, low, high = True, one.at_s, one.value, one.value
            continue
        low, high = min(low, one.value), max(high, one.value)
        if is_begun or high - low >= tolerance or one.at_s <= newest_s - window_s:
            break
    return taken[::-1]


def rejudge(
    before: Sequence[Stored], late: Sequence[Stored], stored: Iterable[Stored], parameters: Parameters
) -> Rejudged:
    """The flags as if each `late` reading had come in its time; one of the time of a stored one corrects it.

    All are oldest first: `before` a `context` of the first late one, `stored` the readings from its time on, to the
    newest. None is looked at beyond where the late ones cease to matter. Tests of arrival (AHEAD, TOO_OLD) keep to each
    reading's own arrival.

    Raises InvalidInputError where the readings are not in order of time, each time once.
    """
    if any(earlier.at_s >= later.at_s for earlier, later in pairwise((*before, *late))):
        raise InvalidInputError("Late readings and those before them are in order of time, each time once.")
    lines, waiting, calm, last_s = _Lines(parameters), deque(late), 0, before[-1].at_s if before else None
    for one in before:
        lines.hear(one)
    for one in stored:
        if last_s is not None and one.at_s <= last_s:
            raise InvalidInputError("The readings around a late one are in order of time, each time once.")
        last_s = one.at_s
        while waiting and waiting[0].at_s < one.at_s:
            lines.hear_late(waiting.popleft())
        if waiting and waiting[0].at_s == one.at_s:
            lines.hear_late(waiting.popleft(), instead_of=one)
        else:
            lines.hear(one)
        calm = calm + 1 if lines.without is None else 0
        if calm and (not waiting or calm > CALM):
            return Rejudged(lines.told(), None, list(waiting))
    for one in waiting:
        lines.hear_late(one)
    return Rejudged(lines.told(), lines.moved(), [])


class _Lines:
    """A stream heard with the late readings (`now`) and `without` them, None while it stands the same either way."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.now = State()
        self.without: State | None = None
        self._changes: list[Revision] = []
        self._told_now: dict[float, Judgement] = {}
        self._told_without: dict[float, Judgement] = {}
        self._late: set[float] = set()

    def hear(self, one: Stored) -> None:
        """A stored reading is heard either way; where both then stand the same, they are one again."""
        if self.without is None:
            judged = judge(self.now, one.at_s, one.value, one.received_s, self.parameters)
            if self.now.newest_at_s == one.at_s:
                self._told_now = {one.at_s: judged}
            return
        self._tell(self.without, one, self._told_without)
        self._tell(self.now, one, self._told_now)
        # A late one that is still the newest waits for its spike test.
        if self.now.newest_at_s not in self._late and _is_same(self.now, self.without):
            self._settle()
            self.without = None
        elif len(self._told_now) > _TOLD_AT_MOST:
            self._settle(but={self.now.newest_at_s, self.without.newest_at_s})

    def hear_late(self, one: Stored, *, instead_of: Stored | None = None) -> None:
        """The late reading is heard now, and in the other line what it corrects, if anything."""
        if self.without is None:
            self.without = self.now.copy()
            self._told_now = {at_s: judged._replace(revision=None) for at_s, judged in self._told_now.items()}
            self._told_without = dict(self._told_now)
        self._late.add(one.at_s)
        if instead_of is not None:
            self._tell(self.without, instead_of, self._told_without)
        self._tell(self.now, one, self._told_now)

    def told(self) -> list[Revision]:
        """What is told otherwise now than without the late readings, and of these themselves, oldest first."""
        if self.without is not None:
            self._settle()
        return sorted(self._changes)

    def moved(self) -> State | None:
        """Where the stream stands in the end; None where that is where it stood without the late readings."""
        return None if self.without is None or self.without == self.now else self.now

    def _settle(self, *, but: Collection[float] = ()) -> None:
        """What differs is among the changes, except of readings that may still be told otherwise: those of `but`."""
        for at_s in [at_s for at_s in self._told_now if at_s not in but]:
            now = self._told_now[at_s]
            if at_s in self._late or self._told_without.get(at_s) != now:
                self._changes.append(Revision(at_s, *now[:3]))
            if self.now.newest_at_s != at_s:
                del self._told_now[at_s]
        self._told_without = {at_s: self._told_without[at_s] for at_s in but if at_s in self._told_without}

    def _tell(self, state: State, one: Stored, told: dict[float, Judgement]) -> None:
        judged = judge(state, one.at_s, one.value, one.received_s, self.parameters)
        revision = judged.revision
        if revision is not None:
            told[revision.at_s] = Judgement(revision.flag, revision.tests, revision.failed)
            judged = judged._replace(revision=None)
        told[one.at_s] = judged


def _is_same(one: State, other: State) -> bool:
    # What stays apart for longest first: all of a state is compared only where the rest of it may be the same too.
    return one.flat_since_s == other.flat_since_s and one.newest_at_s == other.newest_at_s and one == other
