"""What the pictures say of one place: the water there now and in the hours to come, its zone, the nearest gauge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from flood import queries
from flood.depths import SpotDepth
from flood.models import FloodRun
from flood.queries import Unknown
from gis.crs import distance_m
from gis.points import LonLat
from sensors import queries as sensor_queries
from sensors.queries import GaugeCard

_ZONE = sa.text("""
    SELECT z.name_th, z.name_en, s.run_id, s.severity
    FROM zone z LEFT JOIN zone_state s ON s.zone_id = z.id AND s.run_id = ANY(:run_ids)
    WHERE NOT z.is_retired AND ST_Covers(z.geom, ST_SetSRID(ST_Point(:lon, :lat), 4326))
    ORDER BY z.code
""")


@dataclass(frozen=True)
class Moment:
    """One picture at the place: when it is of, the water there or why none is known, and its zone's severity.

    `severity` (0 to 3) is None where the place lies in no zone, or the picture says nothing of it.
    """

    valid_at: datetime
    spot: SpotDepth | Unknown
    severity: int | None


@dataclass(frozen=True)
class NearGauge:
    """The nearest gauge that gives a level, how far away, and whether the picture leaves it out as a mistake."""

    card: GaugeCard
    distance_m: float
    is_doubted: bool


@dataclass(frozen=True)
class WaterAtPlace:
    """`now` is None before the first picture; `ahead` are the hours to come, nearest first, drawn at `foretold_at`.

    `zone_th` and `zone_en` name the zone, None where the place lies in none.
    """

    now: Moment | None
    ahead: tuple[Moment, ...]
    foretold_at: datetime | None
    zone_th: str | None
    zone_en: str | None
    gauge: NearGauge | None


def water_at(session: Session, place: LonLat, *, now: datetime) -> WaterAtPlace:
    """All that the system knows of the water at the place."""
    run = queries.current_run(session)
    to_come = [one for one in queries.newest_look_ahead(session) if one.valid_at > now]
    drawn = [*([run] if run else []), *to_come]
    names, severities = _zone(session, place, drawn)
    moments = {
        one.id: Moment(one.valid_at, queries.spot_or_why(session, one, place), severities.get(one.id)) for one in drawn
    }
    return WaterAtPlace(
        now=moments[run.id] if run else None,
        ahead=tuple(moments[one.id] for one in to_come),
        foretold_at=to_come[0].computed_at if to_come else None,
        zone_th=names[0] if names else None,
        zone_en=names[1] if names else None,
        gauge=_nearest_gauge(session, place, run, now=now),
    )


def _zone(
    session: Session, place: LonLat, drawn: Sequence[FloodRun]
) -> tuple[tuple[str, str] | None, dict[int, int]]:
    """The names of the zone around the place, and its severity in each picture that knows it."""
    asked = {"run_ids": [run.id for run in drawn], "lon": place.lon, "lat": place.lat}
    rows = session.execute(_ZONE, asked).all()
    if not rows:
        return None, {}
    severities: dict[int, int] = {}
    for row in rows:  # Where two zones overlap, the worse one counts.
        if row.run_id is not None:
            severities[row.run_id] = max(row.severity, severities.get(row.run_id, 0))
    return (rows[0].name_th, rows[0].name_en), severities


def _nearest_gauge(session: Session, place: LonLat, run: FloodRun | None, *, now: datetime) -> NearGauge | None:
    cards = [card for card in sensor_queries.gauges(session, now) if card.level_m_msl is not None]
    if not cards:
        return None
    nearest = min(cards, key=lambda card: distance_m(card.place, place))
    drawn = run.levels.get(str(nearest.station_id)) if run else None
    return NearGauge(nearest, distance_m(nearest.place, place), bool(drawn and drawn.get("doubt")))
