"""Refused rows are tried again, by an operator, after what refused them was put right.

A device cannot ask for this, and nothing that a device sent says how its row is tried: a row is believed where the key
that it once came with is now the key of its station, or where the operator vouches for it. It is stored as if it were
taken when it came: with the times of its arrival, against which its own time is judged, and once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hmac import compare_digest

import psycopg
import sqlalchemy as sa
from sqlalchemy.orm import Session

import staff.actions
from core import clock
from core.errors import InvalidInputError
from core.logs import get_logger
from core.settings import settings
from sensors import quarantine, queries, rules
from sensors.feeds.units import UNITS, canonical, converted
from sensors.intake import take_readings
from sensors.models import ReadingRefused
from sensors.payloads import UNSTORABLE
from sensors.quarantine import OF_DEVICES, UNSTORABLE_REASON, Choice
from sensors.queries import Stream
from sensors.rules import IncomingReading, Refused
from staff.rules import AccountRef

log = get_logger("sensors.retrying")

AT_ONCE = 500
# COPY goes past SQLAlchemy, so its faults are the driver's.
AWAY = (sa.exc.OperationalError, psycopg.OperationalError)
REFUSING = (sa.exc.DBAPIError, psycopg.Error)
Units = Mapping[str, str]
Streams = Mapping[str, Stream]
# What a row says is taken as what it is; the answer is why it still cannot be, None where it was.
Taker = Callable[[Session, ReadingRefused], str | None]
_takers: dict[str, Taker] = {}


def takes_again(source: str) -> Callable[[Taker], Taker]:
    """The decorated `taker(session, row)` tries refused rows of this source from now on; what it decides, goes.

    Rows say more than readings: a part of the room above this one registers itself for what it keeps here. Where it
    refuses a row once more it has changed nothing.
    """

    def register(taker: Taker) -> Taker:
        _takers[source] = taker
        return taker

    return register


@dataclass(frozen=True)
class Belief:
    """Whether a row is believed to be its station's, when it was received, and who vouches for both, if anybody."""

    is_of: Callable[[ReadingRefused, Stream], bool]
    received_at: Callable[[ReadingRefused, datetime], datetime]
    vouched_by: str | None = None


@dataclass(frozen=True)
class Operator:
    """Who has rows tried again: an account, or whoever is at the machine's command line."""

    name: str
    account: AccountRef | None = None


@dataclass(frozen=True)
class Tried:
    """What became of refused rows: how many were tried and taken, and why the others are still refused.

    `last_id` is that of the last row tried, None where none was left to try.
    """

    rows: int
    taken: int
    still_refused: Mapping[str, int]
    last_id: int | None


@dataclass
class _Try:
    """One refused row on its way: what it says, and why that is still no reading."""

    row: ReadingRefused
    readings: list[IncomingReading] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


def units_of(said: Collection[str]) -> dict[str, str]:
    """What units that rows name really are, from texts such as "เมตร=m" (another name) or "cm=cm" (to be converted).

    Raises InvalidInputError for what is no such text, for a unit that nobody knows or that counts from a zero of its
    own, and for a name that would be two units.
    """
    units: dict[str, str] = {}
    for text in said:
        name, _, meant = (part.strip() for part in text.partition("="))
        unit = canonical(meant)
        if not name or unit is None or UNSTORABLE.search(name):
            raise InvalidInputError(f"'{text[:60]}' is not NAME=UNIT with one of the units {', '.join(UNITS)}.")
        if UNITS[unit].zero is not None:
            raise InvalidInputError(f"'{text[:60]}': a level that counts from a zero of its own is not converted here.")
        if units.setdefault(name, unit) != unit:
            raise InvalidInputError(f"'{name[:60]}' cannot be two units.")
    return units


def replay_refused(session: Session, choice: Choice, *, units: Units, by: Operator) -> Tried:
    """At most 500 of the chosen rows that wait, oldest first, are tried again; what is taken is marked, once for all.

    A device's row is taken where it came with the key that its station has now, another's by its own taker. `units`
    says what unit a name in the rows really is; without it no unit is converted. A row still refused stays as it is.
    The audit log tells of it.
    """
    return _replay(session, choice, units=units, by=by, belief=Belief(_is_signed, _as_received))


def replay_vouched(session: Session, choice: Choice, *, units: Units, by: Operator) -> Tried:
    """As `replay_refused`, but the operator vouches that the rows are true: without their station's key, and in time.

    What seemed ahead or too old when it came is then taken too: not the gauge's clock was wrong, but ours. Raises
    InvalidInputError where neither a reason nor ids say for which rows. No word of an operator moves a `Taker`.
    """
    if choice.reason is None and not choice.ids:
        raise InvalidInputError("Say for which rows you vouch, by their ids or by one reason.")
    return _replay(session, choice, units=units, by=by, belief=Belief(_is_any, _as_it_must_have_been, by.name))


def _is_signed(row: ReadingRefused, stream: Stream) -> bool:
    if row.source not in OF_DEVICES:
        return True
    if row.key_hash is None or stream.device_key_hash is None:
        return False
    return compare_digest(row.key_hash, stream.device_key_hash)


def _is_any(row: ReadingRefused, stream: Stream) -> bool:
    return True


def _as_received(row: ReadingRefused, observed_at: datetime) -> datetime:
    return row.received_at


def _as_it_must_have_been(row: ReadingRefused, observed_at: datetime) -> datetime:
    """The time of arrival that is nearest to what our clock said, and possible."""
    if row.received_at < observed_at:
        return observed_at
    if row.received_at - observed_at > rules.REFUSED_WHEN_OLDER_THAN:
        return observed_at + rules.REFUSED_WHEN_OLDER_THAN
    return row.received_at


def _replay(session: Session, choice: Choice, *, units: Units, by: Operator, belief: Belief) -> Tried:
    rows = quarantine.lock_waiting(session, choice, limit=AT_ONCE)
    if not rows:
        return Tried(0, 0, {}, None)
    said = [(row, quarantine.readings_in(row)) for row in rows if _taker_of(row) is None]
    codes = {one.datastream_code for _, readings in said for one in readings if isinstance(one, IncomingReading)}
    streams = queries.streams_by_code(session, codes)
    tries = [_try_of(row, readings, streams, units=units, belief=belief) for row, readings in said]
    _take(session, tries, streams)
    # After the readings: who makes a partition for those must hold none, and these write to what is there.
    tries += [_taken_by(session, row, taker) for row in rows if (taker := _taker_of(row)) is not None]
    taken = [one for one in tries if not one.reasons]
    for one in taken:
        one.row.replayed_at, one.row.replayed_by = clock.now(), by.name
    session.flush()
    still = Counter(one.reasons[0] for one in tries if one.reasons)
    staff.actions.record(
        session, account=by.account, action="readings.replayed", subject=f"reading_refused:{rows[0].id}-{rows[-1].id}",
        detail={
            "by": by.name, "reason": choice.reason, "units": dict(units), "vouched_by": belief.vouched_by,
            "rows": len(rows), "taken": len(taken), "still_refused": dict(still),
        },
    )
    log.info("refused.replayed", rows=len(rows), taken=len(taken))
    return Tried(len(rows), len(taken), dict(still), rows[-1].id)


def _taker_of(row: ReadingRefused) -> Taker | None:
    """Who tries rows of this source; None where they say readings. Raises LookupError where that is not loaded here."""
    if "message" in row.raw and row.source not in _takers:
        raise LookupError(f"Nothing in this process takes rows of '{row.source}' again.")
    return _takers.get(row.source)


def _taken_by(session: Session, row: ReadingRefused, taker: Taker) -> _Try:
    try:
        with session.begin_nested():
            reason = taker(session, row)
    except AWAY:
        raise
    except REFUSING:
        reason = UNSTORABLE_REASON
    return _Try(row, reasons=[] if reason is None else [reason])


def _try_of(
    row: ReadingRefused, said: Sequence[IncomingReading | Refused], streams: Streams, *, units: Units,
    belief: Belief,
) -> _Try:
    one = _Try(row)
    kept_from = clock.now().date() - timedelta(days=settings().readings_kept_days - 1)
    for reading in said:
        if isinstance(reading, Refused):
            one.reasons.append(reading.reason)
            continue
        stream = streams.get(reading.datastream_code)
        if stream is not None and not belief.is_of(row, stream):
            one.reasons.append("wrong_key")
        elif reading.observed_at.date() < kept_from:
            # Its day has left for the archive, where nobody would see that it is there already.
            one.reasons.append("too_old")
        else:
            in_unit = _in_unit_of(reading, stream, units)
            one.readings.append(replace(in_unit, received_at=belief.received_at(row, reading.observed_at)))
    return one


def _in_unit_of(reading: IncomingReading, stream: Stream | None, units: Units) -> IncomingReading:
    """The reading in the datastream's unit, where `units` says what its own is and one can become the other."""
    meant, ours = units.get(reading.unit), canonical(stream.unit) if stream is not None else None
    if stream is None or meant is None or ours is None or UNITS[meant].kind != UNITS[ours].kind:
        return reading
    return replace(reading, value=converted(reading.value, unit=meant, to_unit=ours), unit=stream.unit)


def _take(session: Session, tries: Sequence[_Try], streams: Streams) -> None:
    """What the tries say is stored; each knows why what is still refused of it is."""
    by_source: dict[str, list[_Try]] = defaultdict(list)
    for one in tries:
        if one.readings:
            by_source[one.row.source].append(one)
    for source, together in by_source.items():
        try:
            with session.begin_nested():
                refused = _refused_of(session, together, streams, source=source)
        except AWAY:
            raise
        except REFUSING:  # One that the database cannot take: the others do not wait for it.
            refused = [_refused_alone(session, one, streams, source=source) for one in together]
        for one, reasons in zip(together, refused, strict=True):
            one.reasons += reasons


def _refused_of(session: Session, tries: Sequence[_Try], streams: Streams, *, source: str) -> list[list[str]]:
    """Of each try why what is still refused of it is; all else is stored."""
    readings = [reading for one in tries for reading in one.readings]
    answers = iter(take_readings(session, readings, source=source, streams=dict(streams)))
    said = [[next(answers) for _ in one.readings] for one in tries]
    return [[str(one.reason) for one in of_row if one.status == "refused"] for of_row in said]


def _refused_alone(session: Session, one: _Try, streams: Streams, *, source: str) -> list[str]:
    try:
        with session.begin_nested():
            return _refused_of(session, [one], streams, source=source)[0]
    except AWAY:
        raise
    except REFUSING:
        return [UNSTORABLE_REASON]


def all_of(try_some: Callable[[Choice], Tried], choice: Choice) -> Tried:
    """Every chosen row is tried, some at a time; `try_some` does so in a transaction of its own."""
    rows = taken = 0
    still: Counter[str] = Counter()
    while (tried := try_some(choice)).last_id is not None:
        rows, taken = rows + tried.rows, taken + tried.taken
        still.update(tried.still_refused)
        choice = replace(choice, after_id=tried.last_id)
    return Tried(rows, taken, dict(still), None)
