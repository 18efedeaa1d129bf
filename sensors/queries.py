"""What others ask of sensors: streams, gauges as they stand. A batch's SQL is in `sensors.batches`."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gis.points import LonLat
from sensors import rules
from sensors.models import Station
from sensors.quality.parameters import Parameters
from sensors.quality.sites import Site, parameters_of

_Known = TypeVar("_Known")


@dataclass(frozen=True)
class Stream:
    """A datastream as the intake needs it."""

    id: int
    station_id: int
    code: str
    unit: str
    interval_s: int
    quality: Parameters
    quality_id: int | None
    thresholds: rules.Thresholds | None
    device_key_hash: bytes | None


@dataclass(frozen=True)
class GaugeLevel:
    """The level at a gauge now (metres above mean sea level): its newest good reading, its state and its trend.

    `is_stale` where no good reading came for three intervals; the level is then the last one known, not the present.
    """

    station_id: int
    datastream_id: int
    code: str
    kind: str
    place: LonLat
    level_m_msl: float
    observed_at: datetime
    state: int
    is_stale: bool
    trend_m_per_h: float | None
    received_wall_at: datetime
    confidence: float | None


@dataclass(frozen=True)
class GaugeCard:
    """All that a screen shows of a gauge; the level is None where no good reading ever came."""

    station_id: int
    datastream_id: int
    code: str
    name_th: str
    name_en: str
    kind: str
    place: LonLat
    trust: str
    bank_m_msl: float | None
    watch_m_msl: float | None
    warning_m_msl: float | None
    danger_m_msl: float | None
    level_m_msl: float | None
    observed_at: datetime | None
    received_wall_at: datetime | None
    state: int | None
    is_stale: bool
    trend_m_per_h: float | None
    qc_flag: int | None
    qc_reason: str | None
    confidence: float | None


_STREAMS = (
    "SELECT d.id, d.station_id, d.code, d.observed_property, d.unit, d.range_min, d.range_max, d.watch_m_msl, "
    "d.warning_m_msl, d.danger_m_msl, d.dead_band_m, d.good_readings_needed, d.interval_s, s.bank_m_msl, s.bed_m_msl, "
    "s.device_key_hash, q.id AS quality_id, q.document AS quality "
    "FROM datastream d JOIN station s ON s.id = d.station_id LEFT JOIN LATERAL ("
    "  SELECT p.id, p.document FROM quality_parameters p WHERE p.datastream_id = d.id ORDER BY p.version DESC LIMIT 1"
    ") q ON true WHERE "
)


def streams_by_code(session: Session, codes: Iterable[str]) -> dict[str, Stream]:
    """The datastreams with these codes; unknown codes are absent."""
    rows = session.execute(sa.text(_STREAMS + "d.code = ANY(:codes)"), {"codes": sorted(set(codes))})
    return {row.code: _stream(row) for row in rows}


def stream_of_station(session: Session, station_id: int) -> Stream | None:
    """The datastream of a station; None where there is no such station."""
    found = session.execute(sa.text(_STREAMS + "d.station_id = :id ORDER BY d.id LIMIT 1"), {"id": station_id})
    row = found.one_or_none()
    return _stream(row) if row else None


def watched_streams(session: Session) -> list[Stream]:
    """Every datastream of a water level that has thresholds."""
    rows = session.execute(sa.text(_STREAMS + "d.observed_property = 'water_level'"))
    return [stream for stream in map(_stream, rows) if stream.thresholds is not None]


def is_key_of_a_station(session: Session, hashes: Iterable[bytes]) -> bool:
    """At least one of the hashes is that of a station's device key.

    The database sees hashes of long random keys only, so how long it takes tells nothing of a key.
    """
    return bool(session.scalar(sa.select(sa.exists().where(Station.device_key_hash.in_(list(hashes))))))


def _stream(row: sa.Row[Any]) -> Stream:
    return Stream(
        id=row.id,
        station_id=row.station_id,
        code=row.code,
        unit=_known(row.unit),
        interval_s=_known(row.interval_s),
        quality=_quality(row),
        quality_id=row.quality_id,
        thresholds=_thresholds(row),
        device_key_hash=row.device_key_hash,
    )


def _quality(row: sa.Row[Any]) -> Parameters:
    """What somebody set for the datastream, else what follows from its site."""
    if row.quality_id is not None:
        return _parameters(row.quality_id, json.dumps(row.quality))
    return parameters_of(
        Site(
            observed_property=_known(row.observed_property), bank=row.bank_m_msl, bed=row.bed_m_msl,
            range_min=_known(row.range_min), range_max=_known(row.range_max), interval_s=_known(row.interval_s),
        )
    )


@functools.lru_cache(maxsize=4096)
def _parameters(quality_id: int, document: str) -> Parameters:
    return Parameters.from_json(json.loads(document))


def _thresholds(row: sa.Row[Any]) -> rules.Thresholds | None:
    if row.observed_property != "water_level":
        return None
    if row.watch_m_msl is None and row.warning_m_msl is None and row.danger_m_msl is None:
        return None
    return rules.Thresholds(
        watch_m_msl=row.watch_m_msl,
        warning_m_msl=row.warning_m_msl,
        danger_m_msl=row.danger_m_msl,
        dead_band_m=_known(row.dead_band_m),
        good_readings_needed=_known(row.good_readings_needed),
    )


def _known(value: _Known | None) -> _Known:
    """What every station's datastream has, and only that of a generic client may lack."""
    if value is None:
        raise ValueError("a station's datastream lacks its code, unit, range, dead band or count")
    return value


_GAUGES = """
    SELECT s.id AS station_id, d.id AS datastream_id, s.code, s.name_th, s.name_en, s.kind, s.trust,
           ST_X(s.geom) AS lon, ST_Y(s.geom) AS lat, s.bank_m_msl, d.watch_m_msl, d.warning_m_msl, d.danger_m_msl,
           d.interval_s, l.good_value AS level_m_msl, l.good_observed_at AS observed_at,
           l.good_received_wall_at AS received_wall_at, l.qc_flag, l.qc_reason, l.confidence, m.state,
           trend.m_per_h AS trend_m_per_h
    FROM station s
    JOIN datastream d ON d.station_id = s.id AND d.observed_property = 'water_level'
    LEFT JOIN latest_reading l ON l.datastream_id = d.id
    LEFT JOIN level_state m ON m.datastream_id = d.id
    LEFT JOIN LATERAL (
        SELECT regr_slope(r.value, extract(epoch FROM r.observed_at - CAST(:now AS timestamptz)) / 3600) AS m_per_h
        FROM reading r
        WHERE r.datastream_id = d.id AND r.qc_flag = 1 AND r.observed_at > :since AND r.observed_at <= :now
    ) trend ON true
"""


def gauges(session: Session, now: datetime) -> list[GaugeCard]:
    """Every station that measures the water's level, gauges and cameras, as it stands at `now`, by code."""
    return _gauge_cards(session, now, "ORDER BY s.code", {})


def gauge(session: Session, station_id: int, now: datetime) -> GaugeCard | None:
    """One gauge as it stands at `now`; None where there is none with this id."""
    found = _gauge_cards(session, now, "WHERE s.id = :station_id", {"station_id": station_id})
    return found[0] if found else None


def _gauge_cards(session: Session, now: datetime, ending: str, extra: dict[str, int]) -> list[GaugeCard]:
    rows = session.execute(sa.text(_GAUGES + ending), {"now": now, "since": now - timedelta(hours=1), **extra})
    return [_card(row, now=now) for row in rows.mappings()]


def _card(row: sa.RowMapping, *, now: datetime) -> GaugeCard:
    fields = dict(row)
    place = LonLat(lon=fields.pop("lon"), lat=fields.pop("lat"))
    stale = rules.is_stale(fields["observed_at"], interval_s=fields.pop("interval_s"), now=now)
    return GaugeCard(place=place, is_stale=stale, **fields)


def current_levels(session: Session, now: datetime) -> list[GaugeLevel]:
    """The level at every gauge and camera that ever gave a good one, as it stands at `now`, by code."""
    levels = []
    for card in gauges(session, now):
        if card.level_m_msl is None or card.observed_at is None or card.received_wall_at is None:
            continue
        levels.append(
            GaugeLevel(
                station_id=card.station_id,
                datastream_id=card.datastream_id,
                code=card.code,
                kind=card.kind,
                place=card.place,
                level_m_msl=card.level_m_msl,
                observed_at=card.observed_at,
                state=card.state or 0,
                is_stale=card.is_stale,
                trend_m_per_h=card.trend_m_per_h,
                received_wall_at=card.received_wall_at,
                confidence=card.confidence,
            )
        )
    return levels
