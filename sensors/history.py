"""What was measured in the last hours, as screens draw it: thinned without hiding anything, and the rain beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sensors.health import remembered_pace
from sensors.models import Datastream, StreamMemory
from sensors.quality.stream import Tests
from sensors.quality.words import doubts_of

# A chart is some 400 pixels wide on a desk, and twice that on a sharp screen or a picture.
BUCKETS = 400
POINTS_AT_MOST = 5 * BUCKETS  # Two good ones, two in doubt and one without a value in each.
RAIN_WITHIN_M = 30_000.0  # Assumed: rain farther away than a storm cell's path of an hour says nothing of this canal.


@dataclass(frozen=True)
class ReadingPoint:
    """One reading of a history: aware UTC time, value in the datastream's unit (None where missing), QARTOD flag.

    `doubts` are codes of the tests that it raised, `reason` the gravest of them or what the sender itself doubted.
    """

    observed_at: datetime
    value: float | None
    qc_flag: int
    reason: str | None
    doubts: list[str]


@dataclass(frozen=True)
class ReadingHistory:
    """Readings, oldest first, and how many there are in truth.

    `bucket_s` is None where every reading is there. Otherwise, of each stretch of that many seconds, the lowest and the
    highest reading that is good, those of the doubtful, and one without a value. Two points that are more than
    `gap_after_s` apart have silence between them.
    """

    datastream_id: int
    points: list[ReadingPoint]
    stored: int
    bucket_s: float | None
    gap_after_s: float


@dataclass(frozen=True)
class Override:
    """A reading that an officer judged: the flag given, by whom, when and why, and what its tests had said."""

    observed_at: datetime
    value: float | None
    flag: int
    reason: str
    by: str
    made_at: datetime
    tested_flag: int
    tested_reason: str | None


@dataclass(frozen=True)
class RainHour:
    """The rain of the hour from `from_at` on in mm; where not all of it was measured it is the least that fell."""

    from_at: datetime
    rain_mm: float
    is_whole: bool


@dataclass(frozen=True)
class RainNearby:
    """The rain gauge that is nearest to a station, how far away, and its hours, oldest first, without those unheard."""

    station_id: int
    code: str
    name_th: str
    name_en: str
    trust: str
    distance_m: float
    hours: list[RainHour]


_THINNED = sa.text(
    """
    WITH windowed AS (
        SELECT observed_at, value, qc_flag, qc_reason, qc_tests,
               floor(extract(epoch FROM observed_at) / CAST(:bucket_s AS float8)) AS bucket,
               CASE WHEN value IS NULL THEN 2 WHEN qc_flag > 2 THEN 1 ELSE 0 END AS sort
        FROM reading WHERE datastream_id = :id AND observed_at >= :since
    ), ranked AS (
        SELECT *, row_number() OVER (PARTITION BY bucket, sort ORDER BY value, observed_at) AS from_below,
                  row_number() OVER (PARTITION BY bucket, sort ORDER BY value DESC, observed_at) AS from_above
        FROM windowed
    )
    SELECT observed_at, value, qc_flag, qc_reason, qc_tests FROM ranked
    WHERE from_below = 1 OR (from_above = 1 AND sort < 2) ORDER BY observed_at
    """
)
_WHOLE = sa.text(
    "SELECT observed_at, value, qc_flag, qc_reason, qc_tests FROM reading "
    "WHERE datastream_id = :id AND observed_at >= :since ORDER BY observed_at"
)
_COUNT = sa.text("SELECT count(*) FROM reading WHERE datastream_id = :id AND observed_at >= :since")


def history(session: Session, station_id: int, *, since: datetime, now: datetime) -> ReadingHistory | None:
    """The station's levels (or rain) from `since` on, some `POINTS_AT_MOST` of them; None where no such station is."""
    found = session.execute(
        sa.select(Datastream.id, Datastream.interval_s, StreamMemory.document)
        .outerjoin(StreamMemory, StreamMemory.datastream_id == Datastream.id)
        .where(Datastream.station_id == station_id).order_by(Datastream.id).limit(1)
    ).one_or_none()
    if found is None:
        return None
    window = {"id": found.id, "since": since}
    stored = session.execute(_COUNT, window).scalar_one()
    bucket_s = (now - since).total_seconds() / BUCKETS if stored > POINTS_AT_MOST else None
    rows = session.execute(_THINNED if bucket_s else _WHOLE, window | ({"bucket_s": bucket_s} if bucket_s else {}))
    pace = remembered_pace(found.document, declared_s=found.interval_s)
    return ReadingHistory(
        datastream_id=found.id,
        points=[
            ReadingPoint(at.astimezone(UTC), value, flag, reason, doubts_of(Tests(tests)))
            for at, value, flag, reason, tests in rows
        ],
        stored=stored,
        bucket_s=bucket_s,
        gap_after_s=max(pace.late_after_s, 2 * (bucket_s or 0.0)),
    )


_OVERRIDES = sa.text(
    """
    SELECT DISTINCT ON (o.observed_at) o.observed_at, r.value, o.flag, o.reason, a.display_name AS by, o.made_at,
           o.tested_flag, o.tested_reason
    FROM flag_override o
    JOIN reading r ON r.datastream_id = o.datastream_id AND r.observed_at = o.observed_at AND r.copy = 0
    JOIN account a ON a.id = o.account_id
    WHERE o.datastream_id = :id AND o.observed_at >= :since
    ORDER BY o.observed_at, o.id DESC
    """
)


def overrides(session: Session, datastream_id: int, *, since: datetime) -> list[Override]:
    """The readings from `since` on that an officer judged, oldest first, each with the judgement that counts."""
    rows = session.execute(_OVERRIDES, {"id": datastream_id, "since": since}).mappings()
    return [Override(**row) for row in rows]


_NEAREST_RAIN = sa.text(
    """
    SELECT r.id AS station_id, r.code, r.name_th, r.name_en, r.trust, d.id AS datastream_id, d.interval_s,
           ST_Distance(r.geom::geography, s.geom::geography) AS distance_m
    FROM station s JOIN station r ON r.kind = 'rain' JOIN datastream d ON d.station_id = r.id
    WHERE s.id = :station_id AND ST_DWithin(r.geom::geography, s.geom::geography, :within_m)
    ORDER BY r.geom <-> s.geom, r.id LIMIT 1
    """
)
# Each reading is the rain of the interval before it: one of 10:00 belongs to the hour that began at 09:00.
_RAIN_HOURS = sa.text(
    """
    SELECT date_trunc('hour', observed_at - CAST(:interval AS interval)) AS from_at, sum(value) AS rain_mm,
           count(*) AS heard
    FROM reading
    WHERE datastream_id = :id AND qc_flag IN (1, 2) AND value IS NOT NULL AND copy = 0
      AND observed_at > :since
    GROUP BY 1 ORDER BY 1
    """
)


def rain_nearby(session: Session, station_id: int, *, since: datetime) -> RainNearby | None:
    """The hourly sums of the nearest rain gauge within `RAIN_WITHIN_M`; None where there is none.

    From the hour of `since` on, and only readings that are not in doubt. The hour that is not over yet is not whole.
    """
    first_at = since.replace(minute=0, second=0, microsecond=0)
    gauge = session.execute(
        _NEAREST_RAIN, {"station_id": station_id, "within_m": RAIN_WITHIN_M}
    ).mappings().one_or_none()
    if gauge is None:
        return None
    fields = dict(gauge)
    datastream_id, interval_s = fields.pop("datastream_id"), fields.pop("interval_s")
    rows = session.execute(
        _RAIN_HOURS,
        {"id": datastream_id, "interval": timedelta(seconds=interval_s), "since": first_at},
    )
    needed = 3600.0 / interval_s
    return RainNearby(
        **fields,
        hours=[
            RainHour(row.from_at.astimezone(UTC), row.rain_mm, is_whole=row.heard >= needed)
            for row in rows if row.from_at >= first_at
        ],
    )
