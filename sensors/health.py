"""How far each gauge is to be believed, and how often it speaks: the watch's word, never better than its readings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session

from sensors import rules
from sensors.watch.interval import Learnt, pace_of
from sensors.watch.state import Condition, Pace

# What screens call a condition, the worst first: of a lost gauge nothing is known, of an untrusted one what is said is
# in doubt, a late one may still come.
WORDS = {Condition.LOST: "lost", Condition.UNTRUSTED: "untrusted", Condition.LATE: "late", Condition.HEARD: "ok"}


@dataclass(frozen=True)
class GaugeHealth:
    """A gauge's condition (`ok`, `late`, `lost` or `untrusted`) and its pace.

    `since_at` is when the condition began, None where it never was another. `last_heard_at` is its newest reading, good
    or not. `is_interval_learnt` where the gauge speaks more seldom than was declared.
    """

    condition: str
    since_at: datetime | None
    last_heard_at: datetime | None
    interval_s: float
    declared_s: int | None
    is_interval_learnt: bool
    late_after_s: float
    lost_after_s: float


def health_of(
    condition: Condition, *, since_at: datetime | None, last_heard_at: datetime | None, is_stale: bool,
    pace: Pace, declared_s: int | None, now: datetime,
) -> GaugeHealth:
    """What the watch says of the gauge, unless it says that it is heard and no good reading is fresh.

    Then it is late, or lost where nothing at all came for as long as its pace allows: a gauge that nobody watches, one
    that never spoke, or the seconds until the watch looks again. So `ok` always stands beside a fresh good level.
    """
    if condition is Condition.HEARD and is_stale:
        condition, since_at = _silence(last_heard_at, pace, now=now)
    return GaugeHealth(
        condition=WORDS[condition], since_at=since_at, last_heard_at=last_heard_at, interval_s=pace.interval_s,
        declared_s=declared_s, is_interval_learnt=pace.interval_s != float(declared_s or 0),
        late_after_s=pace.late_after_s, lost_after_s=pace.lost_after_s,
    )


def _silence(last_heard_at: datetime | None, pace: Pace, *, now: datetime) -> tuple[Condition, datetime | None]:
    if last_heard_at is None:
        return Condition.LATE, None
    lost_at = last_heard_at + timedelta(seconds=pace.lost_after_s)
    if now > lost_at:
        return Condition.LOST, lost_at
    return Condition.LATE, min(now, last_heard_at + timedelta(seconds=pace.late_after_s))


_HEALTHS = sa.text(
    """
    SELECT d.id, d.interval_s, l.observed_at, l.good_observed_at, s.condition, s.condition_since_at, m.document
    FROM datastream d
    JOIN station p ON p.id = d.station_id
    LEFT JOIN latest_reading l ON l.datastream_id = d.id
    LEFT JOIN level_state s ON s.datastream_id = d.id
    LEFT JOIN stream_memory m ON m.datastream_id = d.id
    WHERE d.observed_property = 'water_level'
    """
)


def healths(session: Session, now: datetime) -> dict[int, GaugeHealth]:
    """The health of every gauge and camera that measures a level, by datastream, at `now`."""
    return {row.id: _health(row, now=now) for row in session.execute(_HEALTHS)}


def _health(row: sa.Row[Any], *, now: datetime) -> GaugeHealth:
    return health_of(
        Condition(row.condition or 0), since_at=row.condition_since_at, last_heard_at=row.observed_at,
        is_stale=rules.is_stale(row.good_observed_at, interval_s=row.interval_s, now=now),
        pace=remembered_pace(row.document, declared_s=row.interval_s), declared_s=row.interval_s, now=now,
    )


def remembered_pace(document: bytes | None, *, declared_s: float | None) -> Pace:
    """The pace that counts for a stream whose memory was written down like this; the declared one where none was."""
    return pace_of(Learnt.from_json(orjson.loads(document)["pace"]) if document else Learnt(), declared_s=declared_s)
