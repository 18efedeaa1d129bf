"""What can be done with stations and readings: register, store row by row, keep what had to be refused."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import sqlalchemy as sa
from geoalchemy2 import WKTElement
from sqlalchemy.orm import Session

from core import clock, events
from core.errors import InvalidInputError
from gis.points import LonLat
from sensors import queries, rules
from sensors.errors import DeviceKeyMissingError, DeviceKeyUnknownError
from sensors.events import LevelStateChanged, ReadingsStored
from sensors.models import Datastream, LevelStateChange, LevelStateRow, ReadingRefused, Station
from sensors.partitions import ensure_partitions
from sensors.payloads import MAX_RAW_CHARS, UNSTORABLE, DeviceRow
from sensors.rules import IncomingReading
from sensors.things import Face, show_datastream, show_station

__all__ = [
    "IncomingReading",
    "NewStation",
    "RowAnswer",
    "check_device_keys",
    "keep_unstorable",
    "key_hash",
    "register_station",
    "remove_other_stations",
    "store_device_rows",
    "store_readings",
]

Status = Literal["stored", "flagged", "repeated", "refused"]
SPAN_M = 10.0  # ThaiWater's datum mistakes put levels more than 10 m from the bank: a configuration fault, not a flood.


@dataclass(frozen=True)
class RowAnswer:
    """What became of one row of a batch; `reason` is a code, `detail` a sentence, None where it is stored as good."""

    row: int
    status: Status
    reason: str | None = None
    detail: str | None = None


@dataclass(frozen=True)
class NewStation:
    """A station and its one datastream, as a layer of a city pack gives them. Levels in metres above mean sea level."""

    code: str
    name_th: str
    name_en: str
    kind: Literal["gauge", "camera", "rain"]
    place: LonLat
    bank_m_msl: float | None
    bed_m_msl: float | None
    watch_m_msl: float | None
    warning_m_msl: float | None
    danger_m_msl: float | None
    interval_s: int
    device_key: str | None
    trust: str
    layer: str


def register_station(session: Session, new: NewStation) -> int:
    """The station of this code exists as described, with its datastream of the same code; returns the station's id.

    Raises InvalidInputError where its thresholds are out of order or cannot share a datum with its bank, or where its
    code belongs to a station of another layer.
    """
    _check_levels(new)
    station = session.scalar(sa.select(Station).where(Station.code == new.code))
    if station is None:
        station = Station(code=new.code, layer=new.layer)
    elif station.layer != new.layer:
        raise InvalidInputError(f"Station {new.code} is already there, from the layer '{station.layer}'.")
    station.name_th, station.name_en, station.kind, station.trust = new.name_th, new.name_en, new.kind, new.trust
    station.geom = WKTElement(f"POINT({new.place.lon} {new.place.lat})", srid=4326)  # type: ignore[assignment]  # geoalchemy2 takes either element
    station.bank_m_msl, station.bed_m_msl = new.bank_m_msl, new.bed_m_msl
    station.device_key_hash = key_hash(new.device_key) if new.device_key else None
    session.add(station)
    session.flush()
    face = show_station(session, station, lon=new.place.lon, lat=new.place.lat)
    _register_datastream(session, new, station=station, face=face)
    return station.id


def remove_other_stations(session: Session, *, layer: str, keep: Iterable[int]) -> None:
    """Stations of this layer that are not among `keep` are gone; their readings stay in the history."""
    session.execute(sa.delete(Station).where(Station.layer == layer, Station.id.not_in(list(keep))))


def _register_datastream(session: Session, new: NewStation, *, station: Station, face: Face) -> None:
    datastream = session.scalar(sa.select(Datastream).where(Datastream.code == new.code))
    if datastream is None:
        datastream = Datastream(code=new.code, dead_band_m=0.10, good_readings_needed=2)
    datastream.station_id, datastream.interval_s = station.id, new.interval_s
    if new.kind == "rain":
        datastream.observed_property, datastream.unit, datastream.datum = "rainfall", "mm", None
        datastream.range_min, datastream.range_max = 0.0, 300.0
    else:
        datastream.observed_property, datastream.unit, datastream.datum = "water_level", "m", "msl"
        datastream.range_min, datastream.range_max = _range_m_msl(new)
    datastream.watch_m_msl, datastream.warning_m_msl = new.watch_m_msl, new.warning_m_msl
    datastream.danger_m_msl = new.danger_m_msl
    show_datastream(session, datastream, station, face)
    session.add(datastream)
    session.flush()
    if session.get(LevelStateRow, datastream.id) is None:
        session.add(LevelStateRow(datastream_id=datastream.id, state=0, pending_count=0))
        session.flush()


def _range_m_msl(new: NewStation) -> tuple[float, float]:
    """Plausible levels reach from 2 m under the bed to 5 m over the bank; 10 m about either where only one is known."""
    bed, bank = new.bed_m_msl, new.bank_m_msl
    known = [level for level in (bed, bank, new.watch_m_msl, new.danger_m_msl) if level is not None]
    if not known:
        return -SPAN_M, 50.0
    lowest = bed - 2.0 if bed is not None else min(known) - SPAN_M
    highest = bank + 5.0 if bank is not None else max(known) + SPAN_M
    return lowest, highest


def _check_levels(new: NewStation) -> None:
    rising = [level for level in (new.watch_m_msl, new.warning_m_msl, new.danger_m_msl) if level is not None]
    if rising != sorted(set(rising)):
        raise InvalidInputError(f"Station {new.code}: watch, warning and danger must rise in this order.")
    if new.bed_m_msl is not None and new.bank_m_msl is not None and new.bed_m_msl >= new.bank_m_msl:
        raise InvalidInputError(f"Station {new.code}: the bed must be lower than the bank.")
    if new.bed_m_msl is not None and rising and rising[0] <= new.bed_m_msl:
        raise InvalidInputError(f"Station {new.code}: its thresholds must lie above its bed, at {new.bed_m_msl:g} m.")
    if new.bank_m_msl is not None and any(abs(level - new.bank_m_msl) > SPAN_M for level in rising):
        raise InvalidInputError(
            f"Station {new.code}: a threshold lies more than {SPAN_M:.0f} m from the bank. "
            "Are both in metres above mean sea level?"
        )


def key_hash(device_key: str) -> bytes:
    """What is stored of a device's key: its SHA-256. Keys are long and random, so no slow hash is needed."""
    return hashlib.sha256(device_key.encode("utf-8", "surrogatepass")).digest()


def store_device_rows(session: Session, rows: Sequence[DeviceRow], *, source: str) -> list[RowAnswer]:
    """Rows as devices sent them are stored as `store_readings` does; rows without their station's key are refused.

    Every refused row is kept as it came, without the key.
    """
    refusals = _refusals(session, rows)
    answers = {
        index: RowAnswer(row=index, status="refused", reason=refused.reason, detail=refused.detail)
        for index, refused in refusals.items()
    }
    for index, refused in refusals.items():
        _keep_refused(session, rows[index].raw, refused.reason, source=source)
    accepted = [
        (index, row.reading)
        for index, row in enumerate(rows)
        if index not in refusals and isinstance(row.reading, IncomingReading)
    ]
    stored = store_readings(session, [reading for _, reading in accepted], source=source) if accepted else []
    for (index, _), answer in zip(accepted, stored, strict=True):
        answers[index] = RowAnswer(row=index, status=answer.status, reason=answer.reason, detail=answer.detail)
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


def _refusals(session: Session, rows: Sequence[DeviceRow]) -> dict[int, rules.Refused]:
    streams = _streams_of(session, rows)
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


def store_readings(session: Session, readings: Sequence[IncomingReading], *, source: str) -> list[RowAnswer]:
    """Each reading is stored once, flagged by quality, or refused and kept raw; answered row by row.

    Doing it twice changes nothing. The newest readings and the gauges' states follow; `ReadingsStored` tells once per
    batch, `LevelStateChanged` once per change. `source` says by which way they came (mqtt, http, camera, …).
    """
    now, wall = clock.now(), clock.wall_now()
    streams = queries.streams_by_code(session, (reading.datastream_code for reading in readings))
    batch = _Batch()
    for index, reading in enumerate(readings):
        stream = streams.get(reading.datastream_code)
        judged = rules.judge(reading, stream.expectations if stream else None, now=now)
        if isinstance(judged, rules.Refused):
            batch.answers[index] = _refuse(session, index, reading, judged, source=source)
            continue
        row = queries.StoredRow(
            datastream_id=streams[reading.datastream_code].id,
            observed_at=reading.observed_at.astimezone(UTC),
            value=judged.value,
            flag=judged.flag,
            reason=judged.reason,
            confidence=None if reading.confidence is None else float(reading.confidence),
            received_wall_at=reading.received_wall_at or wall,
        )
        batch.add(index, row)
    new_rows = _insert(session, batch, readings, source=source, now=now)
    if new_rows:
        _follow_up(session, new_rows, {stream.id: stream for stream in streams.values()}, now=now)
    return [batch.answers[index] for index in range(len(readings))]


class _Batch:
    """The rows of one batch by key, each with the indexes of the readings that said it."""

    def __init__(self) -> None:
        self.answers: dict[int, RowAnswer] = {}
        self.rows: dict[tuple[int, datetime], queries.StoredRow] = {}
        self.first: dict[tuple[int, datetime], int] = {}
        self.again: list[tuple[int, queries.StoredRow]] = []

    def add(self, index: int, row: queries.StoredRow) -> None:
        if row.key in self.rows:
            self.again.append((index, row))
            return
        self.rows[row.key] = row
        self.first[row.key] = index


def _insert(
    session: Session, batch: _Batch, readings: Sequence[IncomingReading], *, source: str, now: datetime
) -> list[queries.StoredRow]:
    rows = sorted(batch.rows.values(), key=lambda row: row.key)
    if not rows:
        return []
    ensure_partitions(session, {row.observed_at.date() for row in rows})
    stored_keys = queries.insert_new(session, rows, source=source, received_at=now)
    before = [row for row in rows if row.key not in stored_keys]
    values = {row.key: row.value for row in rows}
    if before:
        values |= queries.values_at(session, [row.key for row in before])
    for row in rows:
        if row.key in stored_keys:
            status: Status = "stored" if row.flag == rules.Flag.GOOD else "flagged"
            batch.answers[batch.first[row.key]] = RowAnswer(batch.first[row.key], status, row.reason)
    for index, row in [(batch.first[row.key], row) for row in before] + batch.again:
        if values[row.key] == row.value:
            batch.answers[index] = RowAnswer(index, "repeated")
        else:
            conflict = rules.Refused("conflicting_value", "Another value is already stored for this time.")
            batch.answers[index] = _refuse(session, index, readings[index], conflict, source=source)
    return [row for row in rows if row.key in stored_keys]


def _follow_up(
    session: Session, rows: list[queries.StoredRow], streams: dict[int, queries.Stream], *, now: datetime
) -> None:
    on_time = [row for row in rows if row.observed_at <= now + rules.CLOCK_AHEAD_AFTER]
    if on_time:
        queries.advance_latest(session, on_time)
    _advance_states(session, on_time, streams)
    events.publish(session, ReadingsStored(count=len(rows), latest_at=max(row.observed_at for row in rows)))


def _advance_states(session: Session, rows: list[queries.StoredRow], streams: dict[int, queries.Stream]) -> None:
    levels: dict[int, list[rules.LevelReading]] = {}
    for row in rows:
        if row.flag == rules.Flag.GOOD and row.value is not None and streams[row.datastream_id].thresholds:
            level = rules.LevelReading(row.value, row.observed_at, row.received_wall_at)
            levels.setdefault(row.datastream_id, []).append(level)
    if not levels:
        return
    for datastream_id, state_row in queries.lock_level_states(session, levels).items():
        _advance_state(session, state_row, levels[datastream_id], streams[datastream_id])


def _advance_state(
    session: Session, row: LevelStateRow, readings: list[rules.LevelReading], stream: queries.Stream
) -> None:
    before = rules.LevelState(
        state=rules.WaterState(row.state),
        pending_state=None if row.pending_state is None else rules.WaterState(row.pending_state),
        pending_count=row.pending_count,
        since_at=row.since_at,
        level_m_msl=row.level_m_msl,
        observed_at=row.observed_at,
    )
    after, changes = rules.follow(before, readings, stream.thresholds or rules.NO_THRESHOLDS)
    row.state = int(after.state)
    row.pending_state = None if after.pending_state is None else int(after.pending_state)
    row.pending_count, row.since_at = after.pending_count, after.since_at
    row.level_m_msl, row.observed_at = after.level_m_msl, after.observed_at
    for change in changes:
        _record_change(session, stream, change)


def _record_change(session: Session, stream: queries.Stream, change: rules.StateChange) -> None:
    session.add(
        LevelStateChange(
            datastream_id=stream.id,
            observed_at=change.reading.observed_at,
            from_state=int(change.from_state),
            to_state=int(change.to_state),
            level_m_msl=change.reading.level_m_msl,
            received_wall_at=change.reading.received_wall_at,
        )
    )
    events.publish(
        session,
        LevelStateChanged(
            datastream_id=stream.id,
            station_id=stream.station_id,
            from_state=int(change.from_state),
            to_state=int(change.to_state),
            level_m_msl=change.reading.level_m_msl,
            observed_at=change.reading.observed_at,
            received_wall_at=change.reading.received_wall_at,
        ),
    )


def _refuse(
    session: Session, index: int, reading: IncomingReading, refused: rules.Refused, *, source: str
) -> RowAnswer:
    raw = {
        "datastream": reading.datastream_code,
        "observed_at": reading.observed_at.isoformat(),
        "value": str(reading.value),
        "unit": reading.unit,
    }
    _keep_refused(session, raw, refused.reason, source=source)
    return RowAnswer(row=index, status="refused", reason=refused.reason, detail=refused.detail)


def keep_unstorable(session: Session, payload: bytes, *, source: str) -> None:
    """A message that the database could not take is kept as refused, as far as it can be read."""
    _keep_refused(session, payload[:MAX_RAW_CHARS].decode("utf-8", "replace"), "unstorable", source=source)


def _keep_refused(session: Session, raw: str | dict[str, str], reason: str, *, source: str) -> None:
    content = {"text": raw} if isinstance(raw, str) else raw
    # PostgreSQL's JSON knows no NUL character and no half of a surrogate pair.
    clean = {name: UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text) for name, text in content.items()}
    session.add(ReadingRefused(raw=clean, reason=reason, source=source, received_at=clock.now()))
