"""What each new reading of a batch is worth, and which stored ones it shows in another light. Pure but for the asking.

Readings newer than all before are judged as they come, against the memory of their stream. A late one is judged among
the stored readings around it, and changes only the flags that it touches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sensors import rules
from sensors.quality.late import Stored, context_start, rejudge
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


# The stored readings of a stream from a time on (epoch seconds), oldest first.
Around = Callable[[float], Sequence[Row]]
_LOOKS = (1.0, 4.0, 16.0)  # How many windows back the readings around a late one are asked for, until they suffice.
_LEAST_BACK_S = 6 * 3600.0


def judge_stream(state: State, rows: Iterable[Row], parameters: Parameters, *, around: Around) -> list[Row]:
    """Each row, in order of time, has its flag, and `state` has moved on; returns stored rows whose flags change."""
    judged: list[Row] = []
    late: list[Row] = []
    by_time: dict[datetime, Row] = {}
    pending: list[Revision] = []
    for row in rows:
        at_s = row.observed_at.timestamp()
        if at_s <= state.last_at_s:
            late.append(row)
            continue
        given = judge(state, at_s, row.value, row.received_at.timestamp(), parameters)
        row.mark(given.flag, given.tests)
        judged.append(row)
        by_time[row.observed_at] = row
        if given.revision is not None:
            pending.append(given.revision)
    changed = _apply(pending, by_time, around)
    for row in late:
        changed |= _judge_late(state, row, judged, changed, parameters, around=around)
        judged.append(row)
    return [row for key, row in changed.items() if key not in {one.observed_at for one in judged}]


def _apply(revisions: Sequence[Revision], by_time: dict[datetime, Row], around: Around) -> dict[datetime, Row]:
    """The revised rows by time, those of the batch marked in place."""
    changed: dict[datetime, Row] = {}
    for revision in revisions:
        at = _time(revision.at_s)
        row = by_time.get(at) or next((one for one in around(revision.at_s) if one.observed_at == at), None)
        if row is not None:
            row.mark(revision.flag, revision.tests)
            changed[at] = row
    return changed


def _judge_late(
    state: State, row: Row, judged: Sequence[Row], changed: dict[datetime, Row], parameters: Parameters, *,
    around: Around,
) -> dict[datetime, Row]:
    """The late row and all that it touches are marked; `state` is where the stream now stands."""
    at_s = row.observed_at.timestamp()
    known: dict[datetime, Row] = {}
    before: list[Row] = []
    for windows in _LOOKS:
        stored = around(at_s - windows * max(parameters.window_s, _LEAST_BACK_S))
        known = {one.observed_at: one for one in (*stored, *changed.values(), *judged)}
        before = sorted((one for one in known.values() if one.observed_at < row.observed_at), key=_by_time)
        if context_start([_stored(one) for one in before], parameters) is not None:
            break
    after = sorted((one for one in known.values() if one.observed_at > row.observed_at), key=_by_time)
    told = rejudge([_stored(one) for one in before], _stored(row), [_stored(one) for one in after], parameters)
    known[row.observed_at] = row
    if told.state is not None:
        state.take(told.state)
    revised = {}
    for revision in told.revisions:
        one = known[_time(revision.at_s)]
        one.mark(revision.flag, revision.tests)
        revised[one.observed_at] = one
    return revised


def _by_time(row: Row) -> datetime:
    return row.observed_at


def _stored(row: Row) -> Stored:
    return Stored(row.observed_at.timestamp(), row.value, row.received_at.timestamp(), row.tests)


def _time(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
