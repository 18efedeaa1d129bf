"""The intake: a batch of readings is judged, stored and followed up; doing it twice changes nothing."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Literal

from sqlalchemy.orm import Session

from core import clock, events
from sensors import batches, changes, quarantine, queries, rules, watching
from sensors.batches import Key
from sensors.errors import DeviceKeyMissingError, DeviceKeyUnknownError
from sensors.events import ReadingsStored
from sensors.judging import Row, judge_stream
from sensors.memory import Memory, memory_of
from sensors.partitions import ensure_partitions
from sensors.payloads import DeviceRow
from sensors.rules import Flag, IncomingReading

Status = Literal["stored", "flagged", "repeated", "refused"]


@dataclass(frozen=True)
class RowAnswer:
    """What became of one row of a batch; `reason` is a code, `detail` a sentence, None where it is stored as good."""

    row: int
    status: Status
    reason: str | None = None
    detail: str | None = None


def key_hash(device_key: str) -> bytes:
    """What is stored of a device's key: its SHA-256. Keys are long and random, so no slow hash is needed."""
    return hashlib.sha256(device_key.encode("utf-8", "surrogatepass")).digest()


def store_device_rows(session: Session, rows: Sequence[DeviceRow], *, source: str) -> list[RowAnswer]:
    """Rows as devices sent them are stored as `store_readings` does; rows without their station's key are refused.

    Every refused row is kept as it came: its text without the key, and of the key its hash.
    """
    streams = _streams_of(session, rows)
    refusals = _refusals(rows, streams)
    answers = {
        index: RowAnswer(row=index, status="refused", reason=refused.reason, detail=refused.detail)
        for index, refused in refusals.items()
    }
    accepted = [
        (index, row.reading)
        for index, row in enumerate(rows)
        if index not in refusals and isinstance(row.reading, IncomingReading)
    ]
    readings = [reading for _, reading in accepted]
    taken = take_readings(session, readings, source=source, streams=streams) if accepted else []
    for (index, _), answer in zip(accepted, taken, strict=True):
        answers[index] = RowAnswer(row=index, status=answer.status, reason=answer.reason, detail=answer.detail)
    for index, row in enumerate(rows):
        reason = answers[index].reason
        if answers[index].status == "refused" and reason is not None:
            hashed = key_hash(row.device_key) if row.device_key else None
            quarantine.keep_row(session, row, reason, key_hash=hashed, source=source)
    return [answers[index] for index in range(len(rows))]


def check_device_keys(session: Session, keys: Iterable[str]) -> None:
    """At least one of the keys is that of a station, whatever its rows say: the key is what signs a device in.

    Raises DeviceKeyMissingError where there is none, DeviceKeyUnknownError where they belong to no station.
    """
    hashes = {key_hash(key) for key in keys if key}
    if not hashes:
        raise DeviceKeyMissingError("No device key came with these readings; send it in the header X-Device-Key.")
    if not queries.is_key_of_a_station(session, hashes):
        raise DeviceKeyUnknownError("This device key belongs to no station here. Compare it with the city's list.")


def _streams_of(session: Session, rows: Sequence[DeviceRow]) -> dict[str, queries.Stream]:
    codes = [row.reading.datastream_code for row in rows if isinstance(row.reading, IncomingReading)]
    return queries.streams_by_code(session, codes)


def _refusals(rows: Sequence[DeviceRow], streams: dict[str, queries.Stream]) -> dict[int, rules.Refused]:
    refusals = {}
    for index, row in enumerate(rows):
        if isinstance(row.reading, rules.Refused):
            refusals[index] = row.reading
        elif row.reading.datastream_code in streams and not _is_keyed(row, streams):
            refusals[index] = rules.Refused("wrong_key", "The device key is not that of this station.")
    return refusals


def _is_keyed(row: DeviceRow, streams: dict[str, queries.Stream]) -> bool:
    if isinstance(row.reading, rules.Refused) or row.device_key is None:
        return False
    stream = streams.get(row.reading.datastream_code)
    if stream is None or stream.device_key_hash is None:
        return False
    return hmac.compare_digest(stream.device_key_hash, key_hash(row.device_key))


@dataclass
class _Batch:
    """A batch on its way: what is new by key, with the rows of the answer that said it, and what was said again."""

    answers: dict[int, RowAnswer] = field(default_factory=dict)
    rows: dict[Key, Row] = field(default_factory=dict)
    first: dict[Key, int] = field(default_factory=dict)
    again: list[tuple[int, Row]] = field(default_factory=list)

    def add(self, index: int, row: Row) -> None:
        """The row is new to the batch, or says again what one before it said."""
        if row.key in self.rows:
            self.again.append((index, row))
            return
        self.rows[row.key] = row
        self.first[row.key] = index


def store_readings(session: Session, readings: Sequence[IncomingReading], *, source: str) -> list[RowAnswer]:
    """Each reading is stored once, flagged by quality, or refused and kept as said; answered row by row.

    Doing it twice changes nothing. The newest readings and the gauges' states follow; `ReadingsStored` tells once per
    batch, `LevelStateChanged` once per change. `source` says by which way they came (mqtt, http, camera, …).
    """
    answers = take_readings(session, readings, source=source)
    for reading, answer in zip(readings, answers, strict=True):
        if answer.status == "refused" and answer.reason is not None:
            quarantine.keep_reading(session, reading, answer.reason, source=source)
    return answers


def take_readings(
    session: Session, readings: Sequence[IncomingReading], *, source: str,
    streams: dict[str, queries.Stream] | None = None,
) -> list[RowAnswer]:
    """As `store_readings`, but what is refused is only answered so; whoever calls it keeps that.

    `streams` are those of the readings, where the caller has asked for them already.
    """
    now = clock.now()
    if streams is None:
        streams = queries.streams_by_code(session, {reading.datastream_code for reading in readings})
    batch = _accepted(readings, streams, now=now)
    if batch.rows:
        # Before anything looks at the readings: who makes a day's partition must hold none of the others.
        ensure_partitions(session, {observed_at.date() for _, observed_at in batch.rows})
        documents = batches.lock_documents(session, (datastream_id for datastream_id, _ in batch.rows))
        memories = {one: memory_of(newest_at, document) for one, (newest_at, document) in documents.items()}
        new = _new_rows(session, batch, memories)
        if new:
            _keep(session, new, {stream.id: stream for stream in streams.values()}, memories, source=source)
            for row in new:
                index = batch.first[row.key]
                batch.answers[index] = RowAnswer(index, "stored" if row.flag == Flag.GOOD else "flagged", row.reason)
    return [batch.answers[index] for index in range(len(readings))]


def _accepted(
    readings: Sequence[IncomingReading], streams: dict[str, queries.Stream], *, now: datetime
) -> _Batch:
    """The readings that can be kept, not judged yet; the others are refused."""
    batch, wall = _Batch(), clock.wall_now()
    for index, reading in enumerate(readings):
        stream = streams.get(reading.datastream_code)
        # Nothing has arrived later than now, also where the clock has been set back.
        received_at = min(reading.received_at or now, now)
        refused = rules.refusal(reading, stream.unit if stream else None, now=received_at)
        if stream is None or refused is not None:
            assert refused is not None  # noqa: S101  An unknown datastream is refused; this only tells the type.
            batch.answers[index] = RowAnswer(index, "refused", refused.reason, refused.detail)
            continue
        row = Row(
            datastream_id=stream.id,
            observed_at=reading.observed_at.astimezone(UTC),
            value=None if math.isnan(reading.value) else float(reading.value),
            confidence=None if reading.confidence is None else float(reading.confidence),
            received_at=received_at,
            received_wall_at=reading.received_wall_at or wall,
            quality_id=stream.quality_id,
        )
        batch.add(index, row)
    return batch


def _new_rows(session: Session, batch: _Batch, memories: dict[int, Memory]) -> list[Row]:
    """The rows that are not stored yet, in the order of their keys; the others are answered as repeated or refused.

    What is newer than all that is remembered of its datastream cannot be there; only the rest is looked up.
    """
    values = {key: row.value for key, row in batch.rows.items()}
    known = batches.values_at(session, [key for key in values if not _is_newer(key, memories)])
    values |= known
    for index, row in [*((batch.first[key], batch.rows[key]) for key in known), *batch.again]:
        batch.answers[index] = _said_again(index, row, values[row.key])
    return sorted((row for key, row in batch.rows.items() if key not in known), key=lambda row: row.key)


def _is_newer(key: Key, memories: dict[int, Memory]) -> bool:
    newest_at = memories[key[0]].newest_at
    return newest_at is None or key[1] > newest_at


def _said_again(index: int, row: Row, stored: float | None) -> RowAnswer:
    refused = rules.contradiction(_storable(stored), _storable(row.value))
    if refused is None:
        return RowAnswer(index, "repeated")
    return RowAnswer(index, "refused", refused.reason, refused.detail)


def _keep(
    session: Session, rows: list[Row], streams: dict[int, queries.Stream], memories: dict[int, Memory], *, source: str
) -> None:
    """The new rows are judged and stored, what they show of older ones is told, and all that follows has followed."""
    changed: list[Row] = []
    for datastream_id, of_stream in groupby(rows, key=lambda row: row.datastream_id):
        memory, own = memories[datastream_id], list(of_stream)
        changed += judge_stream(
            memory.quality, own, streams[datastream_id].quality,
            around=batches.StoredAround(session, datastream_id, newest_at=memory.newest_at),
        )
        memory.newest_at = max(own[-1].observed_at, memory.newest_at or own[-1].observed_at)
    for row in rows:
        row.value = _storable(row.value)
    batches.copy_in(session, rows, source=source)
    if changed:
        batches.reflag(session, changed)
    changes.note_readings(session, rows, changed)
    on_time = [row for row in rows if row.observed_at <= row.received_at + rules.CLOCK_AHEAD_AFTER]
    batches.advance_latest(session, on_time)
    watching.follow(session, on_time, streams, memories)
    stored_for = {row.datastream_id: memories[row.datastream_id] for row in rows}
    batches.remember(session, {one: (memory.newest_at, memory.document()) for one, memory in stored_for.items()})
    events.publish(session, ReadingsStored(count=len(rows), latest_at=max(row.observed_at for row in rows)))


def _storable(value: float | None) -> float | None:
    """Infinity is told by its flag; the value beside it is none."""
    return value if value is not None and math.isfinite(value) else None

