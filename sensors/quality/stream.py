"""One reading after the other, judged by QARTOD's tests against a bounded state: what it is worth, and why.

Sources: U.S. IOOS QARTOD, Manual for Real-Time Quality Control of Water Level Data (gap, range, spike, rate of change,
flat line, and the flag numbers); formulas as in ioos_qc 3.0, its spike by the method "differential". What we do
otherwise, and how often, stands in docs/decisions/0021-quality-of-readings.md.

**Neighbours.** A value *fails on its own* where it is missing, a sentinel, not finite, beyond the range of failure or
of another datum: it is no neighbour of anything. A value that raised SPIKE is no neighbour either, whether suspect or
failed. One that raised RATE is doubted: the next value is compared with it and with the neighbour before it, and the
slower change counts. If it agrees with the doubted value, the water has really moved and goes on from there; if with
the one before, the doubted value stands alone; if with neither, it is doubted itself. No other flag matters.

**Spike.** The newest value is provisional: its spike test is made when the next value comes that does not fail on its
own, and a `Revision` tells of it if it was one. It is a spike where it lies above both neighbours, or below both, and
the smaller of the two differences is beyond the threshold. Across a gap there are no neighbours: no test is made.

**Flat line.** Values that span less than the tolerance for as long as the threshold says. Values that fail on their own
neither end nor lengthen the band; a gap ends it.

**Notes.** GAP, REPEATED and OUT_OF_ORDER say something of the stream, not of the value: they change no flag. After a
REPEATED or an OUT_OF_ORDER one the state is as before; the second (older than the newest, or another value at its time)
is for `sensors.quality.late`. A time that fails moves nothing either, lest a clock a day ahead make what follows late.
"""

from __future__ import annotations

import math
from enum import IntFlag
from typing import NamedTuple

from sensors.quality.parameters import Parameters
from sensors.quality.state import NEVER, State
from sensors.rules import Flag


class Tests(IntFlag):
    """The tests that a value can raise."""

    __test__ = False  # Else pytest takes it for a class of its own tests.

    RANGE = 1
    RATE = 2
    SPIKE = 4
    FLAT = 8
    GAP = 16
    AHEAD = 32
    TOO_OLD = 64
    REPEATED = 128
    OUT_OF_ORDER = 256
    SENTINEL = 512
    DATUM = 1024
    MISSING = 2048
    NOT_FINITE = 4096


class Revision(NamedTuple):
    """The reading at `at_s` is now to have this flag, these tests raised, and of them these failed."""

    at_s: float
    flag: Flag
    tests: Tests
    failed: Tests


class Judgement(NamedTuple):
    """What a reading is worth: its flag, the tests it raised, of them those it failed; and what changed before it."""

    flag: Flag
    tests: Tests
    failed: Tests
    revision: Revision | None = None


# A code holds the tests raised in its low bits, those failed above them, and whether no test could be run at all.
_FAILED = 16
_ALL = (1 << _FAILED) - 1
_NOTHING_RUN = 1 << 32
_RATE, _SPIKE, _FLAT, _GAP = int(Tests.RATE), int(Tests.SPIKE), int(Tests.FLAT), int(Tests.GAP)
_ABSENT = int(Tests.MISSING | Tests.SENTINEL)
_NOTES = int(Tests.GAP | Tests.REPEATED | Tests.OUT_OF_ORDER)
_MISPLACED = int(Tests.AHEAD | Tests.TOO_OLD) << _FAILED
_UNFIT = _ABSENT | int(Tests.RANGE | Tests.DATUM | Tests.NOT_FINITE) << _FAILED
_JUDGEMENTS: dict[int, Judgement] = {}


def judge(state: State, at_s: float, value: float | None, now_s: float, parameters: Parameters) -> Judgement:
    """What the reading of time `at_s`, arrived at `now_s` (both in epoch seconds), is worth; `state` has moved on.

    None and NaN stand for "no value". The value is in the datastream's unit.
    """
    (fine_min, fine_max, sentinels, least_age_s, most_age_s, gap_s, spike, rate_per_s, tolerance, flat_after_s,
     is_judging) = parameters.limits  # fmt: skip
    code = 0 if is_judging else _NOTHING_RUN
    if (
        value is None
        or not fine_min <= value <= fine_max
        or value in sentinels
        or not least_age_s <= now_s - at_s <= most_age_s
    ):
        code |= _alone(value, now_s - at_s, parameters)
        if value is None or value != value:
            value = None
    passed_s = at_s - state.last_at_s
    if not passed_s > 0.0:
        is_repeated = passed_s == 0.0 and value == state.last
        return _judgement(code | int(Tests.REPEATED if is_repeated else Tests.OUT_OF_ORDER))
    if code & _MISPLACED:
        return _judgement(code)
    if passed_s > gap_s and state.last_at_s != NEVER:
        code |= _GAP
    state.last_at_s, state.last = at_s, value
    if value is None or code & _UNFIT:
        return _judgement(code)

    newest = state.newest
    rise, apart_s = value - newest, at_s - state.newest_at_s
    most = rate_per_s * apart_s
    revision = None
    if state.is_doubted or not (-spike <= rise <= spike and -most <= rise <= most):
        raised, revision = _moved(state, at_s, value, parameters)
        code |= raised
    else:
        state.base_at_s, state.base = state.newest_at_s, newest
    if tolerance:
        if apart_s > gap_s or not state.lows:
            state.begin_band(at_s, value)
        elif rise > 0.0:
            state.note_rise(at_s, value, tolerance)
        elif rise < 0.0:
            state.note_fall(at_s, value, tolerance)
        if at_s - state.flat_since_s >= flat_after_s:
            code |= _flat(at_s - state.flat_since_s, parameters)
    elif state.lows:
        state.forget_band()
    state.newest_at_s, state.newest, state.newest_code = at_s, value, code
    judgement = _JUDGEMENTS.get(code) or _judgement(code)
    return judgement if revision is None else judgement._replace(revision=revision)


def _alone(value: float | None, age_s: float, parameters: Parameters) -> int:
    """What the value and its age raise without any other."""
    return _of_time(age_s, parameters) | _of_value(value, parameters)


def _of_time(age_s: float, parameters: Parameters) -> int:
    clock = parameters.clock
    if not math.isfinite(age_s):
        return _failed(Tests.TOO_OLD if age_s > 0 else Tests.AHEAD)
    if clock is None:
        return 0
    if clock.too_old_s is not None and age_s > clock.too_old_s:
        return _failed(Tests.TOO_OLD)
    if clock.ahead_fail_s is not None and -age_s > clock.ahead_fail_s:
        return _failed(Tests.AHEAD)
    if clock.ahead_suspect_s is not None and -age_s > clock.ahead_suspect_s:
        return int(Tests.AHEAD)
    return 0


def _of_value(value: float | None, parameters: Parameters) -> int:
    if value is None or value != value:
        return int(Tests.MISSING)
    if math.isinf(value):
        return _failed(Tests.NOT_FINITE)
    if value in parameters.sentinels:
        return int(Tests.SENTINEL)
    code, span, datum = 0, parameters.range, parameters.datum
    if datum is not None and not datum.low <= value <= datum.high:
        code |= _failed(Tests.DATUM)
    if span is None:
        return code
    if _is_beyond(value, span.fail_min, span.fail_max):
        return code | _failed(Tests.RANGE)
    return code | int(Tests.RANGE) if _is_beyond(value, span.suspect_min, span.suspect_max) else code


def _is_beyond(value: float, least: float | None, most: float | None) -> bool:
    return (least is not None and value < least) or (most is not None and value > most)


def _moved(state: State, at_s: float, value: float, parameters: Parameters) -> tuple[int, Revision | None]:
    """The newest value is told a spike if it was one; the neighbour is chosen, and this value's rate judged by it."""
    if state.newest_at_s == NEVER:
        return 0, None
    spike = _spike(state, at_s, value, parameters)
    revision = None
    if spike:
        told = _judgement(state.newest_code | spike)
        revision = Revision(state.newest_at_s, told.flag, told.tests, told.failed)
    per_s = abs(value - state.newest) / (at_s - state.newest_at_s)
    limit_per_s = parameters.limits.rate_per_s
    if spike:
        per_s = abs(value - state.base) / (at_s - state.base_at_s)
    elif state.is_doubted and per_s > limit_per_s:
        per_s = min(per_s, abs(value - state.base) / (at_s - state.base_at_s))
    else:
        state.base_at_s, state.base = state.newest_at_s, state.newest
    state.is_doubted = per_s > limit_per_s
    rate = parameters.rate
    if rate is None or not state.is_doubted:
        return 0, revision
    is_failed = rate.fail_per_s is not None and per_s > rate.fail_per_s
    return _failed(Tests.RATE) if is_failed else _RATE, revision


def _spike(state: State, at_s: float, value: float, parameters: Parameters) -> int:
    spike, gap_s = parameters.spike, parameters.limits.gap_s
    if spike is None or at_s - state.newest_at_s > gap_s or state.newest_at_s - state.base_at_s > gap_s:
        return 0
    came, went = state.newest - state.base, state.newest - value
    least = min(abs(came), abs(went)) if (came > 0) == (went > 0) else 0.0
    if spike.fail is not None and least > spike.fail:
        return _failed(Tests.SPIKE)
    return _SPIKE if least > spike.suspect else 0


def _flat(lasted_s: float, parameters: Parameters) -> int:
    flat = parameters.flat_line
    is_failed = flat is not None and flat.fail_after_s is not None and lasted_s >= flat.fail_after_s
    return _failed(Tests.FLAT) if is_failed else _FLAT


def _failed(test: Tests) -> int:
    return int(test) | int(test) << _FAILED


def _judgement(code: int) -> Judgement:
    """The judgement of this code; there are few, and each is made once."""
    known = _JUDGEMENTS.get(code)
    if known is None:
        known = _JUDGEMENTS[code] = Judgement(_flag(code), Tests(code & _ALL), Tests((code >> _FAILED) & _ALL))
    return known


def _flag(code: int) -> Flag:
    if code & _ABSENT:
        return Flag.MISSING
    if (code >> _FAILED) & _ALL:
        return Flag.FAIL
    if code & _ALL & ~_NOTES:
        return Flag.SUSPECT
    if code & (_NOTHING_RUN | int(Tests.REPEATED | Tests.OUT_OF_ORDER)):
        return Flag.NOT_EVALUATED
    return Flag.GOOD
