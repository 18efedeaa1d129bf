"""Why a reading is not good, as one code for screens and answers: the gravest of the tests that it raised."""

from __future__ import annotations

from sensors.quality.stream import Tests
from sensors.rules import Flag

# The gravest first: what is no value at all, what cannot be this water's level, and then how it moved.
REASONS: tuple[tuple[Tests, str], ...] = (
    (Tests.MISSING, "no_value"),
    (Tests.SENTINEL, "sentinel"),
    (Tests.NOT_FINITE, "infinite"),
    (Tests.DATUM, "other_datum"),
    (Tests.RANGE, "out_of_range"),
    (Tests.AHEAD, "clock_ahead"),
    (Tests.TOO_OLD, "too_old"),
    (Tests.SPIKE, "spike"),
    (Tests.RATE, "too_fast"),
    (Tests.FLAT, "flat_line"),
)


def reason_of(flag: Flag, tests: Tests) -> str | None:
    """The code of the gravest test; None where the reading is good or nothing was tested."""
    if flag in {Flag.GOOD, Flag.NOT_EVALUATED}:
        return None
    return next((reason for test, reason in REASONS if tests & test), None)


def doubts_of(tests: Tests) -> list[str]:
    """The codes of every test that casts doubt on the reading, the gravest first; notes on the stream are left out."""
    return [reason for test, reason in REASONS if tests & test]
