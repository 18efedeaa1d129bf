"""What each new reading of a batch is worth, and which stored ones it shows in another light. Pure but for the asking.

Readings newer than all before are judged as they come, against the memory of their stream. Late ones are judged before
them, in one pass among the stored readings around them, and change only the flags that they touch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from sensors import rules
from sensors.quality.late import Stored, context, rejudge
from sensors.quality.parameters import Parameters
from sensors.quality.state import State
from sensors.quality.stream import Revision, Tests, judge
from sensors.quality.words import reason_of
from sensors.rules import Flag


@dataclass(slots=True)
class Row:
    """A reading on its way into the table, or one there that is to be flagged anew.

    `confidence` is the sender's own doubt (0 to 1): below enough of it a good reading is suspect.
    """

    datastream_id: int
    observed_at: datetime
    value: float | None
    confidence: float | None
    received_at: datetime
    received_wall_at: datetime
    flag: Flag = Flag.NOT_EVALUATED
    tests: Tests = Tests(0)  # noqa: RUF009  An immutable number.
    reason: str | None = None
    quality_id: int | None = None

    @property
    def key(self) -> tuple[int, datetime]:
        """What makes it unique: its datastream and its time."""
        return self.datastream_id, self.observed_at

    def mark(self, flag: Flag, tests: Tests) -> None:
        """The reading has this flag and these tests, unless its sender itself doubts it."""
        self.flag, self.tests, self.reason = flag, tests, reason_of(flag, tests)
        if flag is Flag.GOOD and self.confidence is not None and not self.confidence >= rules.CONFIDENT_ENOUGH:
            self.flag, self.reason = Flag.SUSPECT, "low_confidence"


class Around(Protocol):
    """The stored readings of one stream; what is told of them one by one is fetched as far as it is looked at."""

    def before(self, at_s: float, *, since_s: float) -> Iterator[Stored]:
        """Those earlier than `at_s` and not earlier than `since_s`, newest first."""
        ...

    def since(self, at_s: float) -> Iterator[Stored]:
        """Those from `at_s` on, oldest first."""
        ...

    def rows_at(self, times: Sequence[datetime]) -> list[Row]:
        """The whole rows of these times, as far as there are any."""
        ...


# How many windows back the readings before a late one are looked at where nothing tells earlier that they suffice.
_WINDOWS_BACK = 16.0
_LEAST_BACK_S = 6 * 3600.0


def judge_stream(state: State, rows: Sequence[Row], parameters: Parameters, *, around: Around) -> list[Row]:
    """Each row, in order of time, has its flag, and `state` has moved on; returns stored rows whose flags change."""
    late = [row for row in rows if row.observed_at.timestamp() <= state.last_at_s]
    revisions = _judge_late(state, late, parameters, around) if late else {}
    fresh: dict[float, Row] = {}
    for row in rows[len(late):]:
        at_s = row.observed_at.timestamp()
        given = judge(state, at_s, row.value, row.received_at.timestamp(), parameters)
        row.mark(given.flag, given.tests)
        fresh[at_s] = row
        revision = given.revision
        if revision is None:
            continue
        if revision.at_s in fresh:
            fresh[revision.at_s].mark(revision.flag, revision.tests)
        else:
            revisions[revision.at_s] = revision
    return _marked(late, revisions, around)


def _judge_late(
    state: State, late: Sequence[Row], parameters: Parameters, around: Around
) -> dict[float, Revision]:
    """What is now to be told of the late rows and of all that they touch; `state` is where the stream now stands."""
    revisions: dict[float, Revision] = {}
    left = [stored_as(row.observed_at.timestamp(), row.value, row.received_at.timestamp(), row.tests) for row in late]
    back_s = _WINDOWS_BACK * max(parameters.window_s, _LEAST_BACK_S)
    while left:
        first_s = left[0].at_s
        before = context(around.before(first_s, since_s=first_s - back_s), parameters)
        told = rejudge(before, left, around.since(first_s), parameters)
        revisions |= {one.at_s: one for one in told.revisions}
        if told.state is not None:
            state.take(told.state)
        left = told.left
    return revisions


def _marked(late: Sequence[Row], revisions: Mapping[float, Revision], around: Around) -> list[Row]:
    """The rows that these revisions are of are marked; returns those that are stored already."""
    by_time = {row.observed_at.timestamp(): row for row in late}
    elsewhere = [_time(at_s) for at_s in revisions if at_s not in by_time]
    changed = around.rows_at(elsewhere) if elsewhere else []
    for row in (*late, *changed):
        revision = revisions[row.observed_at.timestamp()]
        row.mark(revision.flag, revision.tests)
    return changed


def stored_as(at_s: float, value: float | None, received_s: float, tests: int) -> Stored:
    """The reading as it was judged: beside the flag of an infinite value stands none."""
    return Stored(at_s, math.inf if value is None and tests & Tests.NOT_FINITE else value, received_s, tests)


def _time(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
