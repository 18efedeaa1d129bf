"""An officer's own judgement of a reading: its value never changes, its tests stay, and who said what is kept."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

import staff.actions
from core import clock, events
from core.errors import InvalidInputError, NotFoundError
from sensors import batches, queries, watching
from sensors.events import FlagOverridden
from sensors.judging import Row
from sensors.memory import memory_of
from sensors.models import FlagOverride, Reading
from sensors.rules import Flag
from staff.rules import AccountRef

BY_OFFICER = "officer"  # The reason beside a flag that an officer gave.
GIVEN = frozenset({Flag.GOOD, Flag.SUSPECT, Flag.FAIL})
LONGEST_REASON = 500
FARTHEST_M = 100.0  # From the bank, up or down: assumed; no canal or river of a town comes near it.


def override_flag(
    session: Session, station_id: int, *, observed_at: datetime, flag: Flag, reason: str, by: AccountRef
) -> None:
    """The reading of the station at this time has this flag, whatever its tests say now or later; the audit log knows.

    The newest good level follows at once, and the watch where it is the newest reading; quality control itself goes on
    comparing what comes next with what its own tests found. Raises NotFoundError where there is no such reading, and
    InvalidInputError for a flag that cannot be given, a reason that says nothing, or "good" of what no water can be.
    """
    why = reason.strip()
    if flag not in GIVEN or not why or len(why) > LONGEST_REASON:
        raise InvalidInputError(f"A flag of 1, 3 or 4 and a reason of at most {LONGEST_REASON} letters are needed.")
    stream = queries.stream_of_station(session, station_id)
    if stream is None:
        raise NotFoundError(f"There is no gauge {station_id}.")
    # Nobody stores for the stream until the commit: a batch must not flag the reading in between.
    newest_at, document = batches.lock_documents(session, [stream.id])[stream.id]
    reading = session.scalar(
        sa.select(Reading).where(
            Reading.datastream_id == stream.id, Reading.observed_at == observed_at, Reading.copy == 0
        )
    )
    if reading is None:
        raise NotFoundError(f"Gauge {stream.code} has no reading of {observed_at.isoformat()}.")
    if reading.value is None:
        raise InvalidInputError("This reading has no value that could be judged.")
    if flag is Flag.GOOD:
        _check_possible(stream, reading.value)
    was = Flag(reading.qc_flag)
    _note(session, reading, flag=flag, reason=why, by=by)
    reading.qc_flag, reading.qc_reason = int(flag), BY_OFFICER
    session.flush()
    batches.find_newest_good(session, [stream.id])
    if (was is Flag.GOOD) != (flag is Flag.GOOD):
        memory = memory_of(newest_at, document)
        watching.hear_again(session, _row(reading, flag), stream, memory)
        batches.remember(session, {stream.id: (newest_at, memory.document())})
    events.publish(
        session,
        FlagOverridden(
            datastream_id=stream.id, station_id=station_id, observed_at=reading.observed_at, flag=int(flag)
        ),
    )
    staff.actions.record(
        session, account=by, action="sensors.flag_overridden", subject=f"station:{station_id}",
        detail={
            "observed_at": reading.observed_at.isoformat(), "from": int(was), "to": int(flag), "reason": why,
        },
    )


def _check_possible(stream: queries.Stream, value: float) -> None:
    """An officer may know better than a test of the datum, but charts and rules must be able to follow."""
    possible, datum = stream.quality.range, stream.quality.datum
    low = None if possible is None else possible.fail_min
    high = None if possible is None else possible.fail_max
    is_far = datum is not None and abs(value - datum.bank) > FARTHEST_M
    if is_far or (low is not None and value < low) or (high is not None and value > high):
        raise InvalidInputError(
            f"{value:g} is no level that gauge {stream.code} can have; correct the gauge's range or its datum first."
        )


def _note(session: Session, reading: Reading, *, flag: Flag, reason: str, by: AccountRef) -> None:
    """What the tests had said stays from the first override to the last."""
    before = session.scalar(
        sa.select(FlagOverride)
        .where(
            FlagOverride.datastream_id == reading.datastream_id, FlagOverride.observed_at == reading.observed_at
        )
        .order_by(FlagOverride.id.desc()).limit(1)
    )
    session.add(
        FlagOverride(
            datastream_id=reading.datastream_id, observed_at=reading.observed_at, flag=int(flag), reason=reason,
            account_id=by.id, made_at=clock.now(),
            tested_flag=before.tested_flag if before else reading.qc_flag,
            tested_reason=before.tested_reason if before else reading.qc_reason,
        )
    )


def _row(reading: Reading, flag: Flag) -> Row:
    return Row(
        reading.datastream_id, reading.observed_at.astimezone(UTC), reading.value, reading.confidence,
        reading.received_at, reading.received_wall_at, flag,
    )
