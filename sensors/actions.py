"""What can be done with stations and readings: register here, store in `sensors.intake`, try again in `retrying`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa
from geoalchemy2 import WKTElement
from sqlalchemy.orm import Session

from core.errors import InvalidInputError
from gis.points import LonLat
from sensors.intake import RowAnswer, check_device_keys, key_hash, store_device_rows, store_readings
from sensors.models import Datastream, LevelStateRow, Station, StreamMemory
from sensors.quarantine import keep_refused_message, keep_unstorable
from sensors.retrying import Operator, replay_refused, replay_vouched
from sensors.rules import IncomingReading
from sensors.things import Face, show_datastream, show_station

__all__ = [
    "IncomingReading",
    "NewStation",
    "Operator",
    "RowAnswer",
    "check_device_keys",
    "keep_refused_message",
    "keep_unstorable",
    "key_hash",
    "level_faults",
    "register_station",
    "remove_other_stations",
    "replay_refused",
    "replay_vouched",
    "store_device_rows",
    "store_readings",
]

SPAN_M = 10.0  # ThaiWater's datum mistakes put levels more than 10 m from the bank: a configuration fault, not a flood.


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
    for fault in level_faults(
        watch_m_msl=new.watch_m_msl, warning_m_msl=new.warning_m_msl, danger_m_msl=new.danger_m_msl,
        bed_m_msl=new.bed_m_msl, bank_m_msl=new.bank_m_msl,
    ):
        raise InvalidInputError(f"Station {new.code}: {fault}")
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
        # From now on its silence is noticed, though it has never spoken.
        session.add(LevelStateRow(datastream_id=datastream.id, state=0))
        session.add(StreamMemory(datastream_id=datastream.id))
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


def level_faults(
    *, watch_m_msl: float | None, warning_m_msl: float | None, danger_m_msl: float | None, bed_m_msl: float | None,
    bank_m_msl: float | None,
) -> Iterator[str]:
    """What is wrong with a station's levels in metres above mean sea level; each None where there is none."""
    rising = [level for level in (watch_m_msl, warning_m_msl, danger_m_msl) if level is not None]
    if rising != sorted(set(rising)):
        yield "watch, warning and danger must rise in this order."
    if bed_m_msl is not None and bank_m_msl is not None and bed_m_msl >= bank_m_msl:
        yield "the bed must be lower than the bank."
    if bed_m_msl is not None and rising and rising[0] <= bed_m_msl:
        yield f"its thresholds must lie above its bed, at {bed_m_msl:g} m."
    if bank_m_msl is not None and any(abs(level - bank_m_msl) > SPAN_M for level in rising):
        yield (
            f"a threshold lies more than {SPAN_M:.0f} m from the bank. Are both in metres above mean sea level?"
        )
