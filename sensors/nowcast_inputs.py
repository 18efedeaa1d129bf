"""What a nowcast sees of the database: good levels of a gauge and of the rain gauges near it, on one grid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.db import driver_connection
from sensors.nowcast.grid import History, Readings, ascending, grid_step_s, history

RAIN_WITHIN_M, RAIN_GAUGES = 25_000.0, 3  # Assumed: what falls farther away falls into another water.
LEAST_STEP_S = 300.0  # Nothing of the next hours is lost by it, and a season of minutes is five times as long.

_GOOD = (
    "SELECT extract(epoch FROM observed_at)::float8, value FROM reading WHERE datastream_id = %s AND copy = 0 "
    "AND qc_flag = 1 AND value IS NOT NULL AND observed_at > %s AND observed_at <= %s ORDER BY observed_at"
)
_RAIN_NEAR = sa.text(
    """
    SELECT near.code, near.datastream_id
    FROM datastream d JOIN station s ON s.id = d.station_id, LATERAL (
        SELECT o.code, r.id AS datastream_id
        FROM station o JOIN datastream r ON r.station_id = o.id AND r.observed_property = 'rainfall'
        WHERE ST_DWithin(o.geom::geography, s.geom::geography, :within_m)
        ORDER BY o.geom::geography <-> s.geom::geography, o.code LIMIT :most
    ) near
    WHERE d.id = :id
    """
)


def good_readings(session: Session, datastream_id: int, *, after: datetime, until: datetime) -> Readings:
    """The datastream's good values in its unit, later than `after` and not later than `until`; the rest is left out."""
    with driver_connection(session).cursor(binary=True) as cursor:
        return ascending(cursor.execute(_GOOD, [datastream_id, after, until]).fetchall())


def rain_near(session: Session, datastream_id: int) -> dict[str, int | None]:
    """The nearest rain gauges of the datastream's station, nearest first: their codes and datastreams.

    The gauges upstream are not asked for: nothing in the house says yet which gauge lies above which.
    """
    found = session.execute(_RAIN_NEAR, {"id": datastream_id, "within_m": RAIN_WITHIN_M, "most": RAIN_GAUGES})
    return {row.code: row.datastream_id for row in found}


def rain_named(session: Session, codes: Iterable[str]) -> dict[str, int | None]:
    """The datastreams of the rain gauges with these codes; None for one that is gone."""
    found = session.execute(
        sa.text(
            "SELECT s.code, d.id FROM station s JOIN datastream d ON d.station_id = s.id "
            "AND d.observed_property = 'rainfall' WHERE s.code = ANY(:codes)"
        ),
        {"codes": list(codes)},
    )
    ids = {row.code: row.id for row in found}
    return {code: ids.get(code) for code in codes}


def history_of(
    session: Session, datastream_id: int, *, rain: Mapping[str, int | None], after: datetime, until: datetime,
    step_s: float | None = None,
) -> History | None:
    """The levels and this rain on one grid that ends with the newest level; None with fewer than two levels.

    `step_s`: nothing takes what the levels' own interval asks for, five minutes at least. A rain gauge that is gone has
    no reading in it.
    """
    level = good_readings(session, datastream_id, after=after, until=until)
    if len(level.times_s) < 2:
        return None
    fallen = {
        code: ascending([]) if rain_id is None else good_readings(session, rain_id, after=after, until=until)
        for code, rain_id in rain.items()
    }
    return history(level, rain=fallen, step_s=step_s or max(LEAST_STEP_S, grid_step_s(level.times_s)))
