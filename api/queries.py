"""What the API itself reads: events that a screen missed, and whether the database answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.events import EventRecord


def events_after(session: Session, event_id: int, *, limit: int) -> list[tuple[int, str, dict[str, Any]]]:
    """Id, name and payload of the events after `event_id`, oldest first, `limit` at most."""
    rows = session.execute(
        sa.select(EventRecord.id, EventRecord.name, EventRecord.payload)
        .where(EventRecord.id > event_id)
        .order_by(EventRecord.id)
        .limit(limit)
    )
    return [(row.id, row.name, row.payload) for row in rows]


def is_answering(session: Session) -> bool:
    """The database answers a question; raises SQLAlchemy's OperationalError where it does not."""
    return session.scalar(sa.text("SELECT true")) is True


@dataclass(frozen=True)
class Overview:
    """How many of everything, by state; a state that nothing is in is absent."""

    incidents: dict[str, int]
    incidents_overdue: int
    jobs: dict[str, int]
    jobs_waiting: int
    alerts: dict[str, int]
    chunks: dict[str, int]
    zones_by_severity: dict[int, int]
    members: int
    members_reachable: int
    homes: int
    simulated_layers: list[str]


def overview(session: Session, *, now: datetime) -> Overview:
    """The figures at the top of the officers' console; `now` is shared time."""
    one = session.execute(_OVERVIEW, {"now": now}).mappings().one()
    return Overview(
        incidents=one["incidents"],
        incidents_overdue=one["incidents_overdue"],
        jobs=one["jobs"],
        jobs_waiting=one["jobs_waiting"],
        alerts=one["alerts"],
        chunks=one["chunks"],
        zones_by_severity={int(severity): count for severity, count in one["zones"].items()},
        members=one["members"],
        members_reachable=one["members_reachable"],
        homes=one["homes"],
        simulated_layers=one["simulated_layers"],
    )


@dataclass(frozen=True)
class Vitals:
    """How the house fares, for those who watch over it by machine; nothing of a person."""

    datastreams: int
    readings_hour: int
    refused: int
    astray_not_kept_hour: int
    jobs: dict[str, float]
    chunks: dict[str, float]
    gauge_age_s: dict[str, float]
    gauge_state: dict[str, float]


def vitals(session: Session, *, now: datetime) -> Vitals:
    """One look at readings, queues and gauges at shared time `now`."""
    return Vitals(**session.execute(_VITALS, {"now": now}).mappings().one())


_VITALS = sa.text(
    """
    WITH gauge AS (
        SELECT s.code, extract(epoch FROM :now - l.good_observed_at)::float8 AS age_s, m.state
        FROM station s JOIN datastream d ON d.station_id = s.id
        JOIN latest_reading l ON l.datastream_id = d.id LEFT JOIN level_state m ON m.datastream_id = d.id
        WHERE d.observed_property = 'water_level' AND l.good_observed_at IS NOT NULL
    )
    SELECT
        (SELECT count(*) FROM datastream) AS datastreams,
        (SELECT count(*) FROM reading WHERE observed_at > :now - interval '1 hour' AND observed_at <= :now)
            AS readings_hour,
        (SELECT count(*) FROM reading_refused WHERE replayed_at IS NULL) AS refused,
        (SELECT coalesce(sum((raw ->> 'not_kept')::bigint), 0)::bigint FROM reading_refused
            WHERE source = 'mqtt_astray' AND reason = 'too_many_astray' AND received_at <= :now
              AND received_at > :now - interval '1 hour') AS astray_not_kept_hour,
        coalesce((SELECT jsonb_object_agg(status, n) FROM
                  (SELECT status::text, count(*) AS n FROM procrastinate_jobs GROUP BY status) j), '{}') AS jobs,
        coalesce((SELECT jsonb_object_agg(state, n) FROM
                  (SELECT state::text, count(*) AS n FROM outbox_chunk GROUP BY state) c), '{}') AS chunks,
        coalesce((SELECT jsonb_object_agg(code, age_s) FROM gauge), '{}') AS gauge_age_s,
        coalesce((SELECT jsonb_object_agg(code, state) FROM gauge WHERE state IS NOT NULL), '{}') AS gauge_state
    """
)


# One statement, so that all figures are of one moment.
_OVERVIEW = sa.text(
    """
    WITH current_run AS (SELECT max(id) AS id FROM flood_run WHERE horizon_min = 0),
    by_state AS (
        SELECT 'incident' AS kind, state::text AS state, count(*) AS n FROM incident GROUP BY state
        UNION ALL SELECT 'job', state::text, count(*) FROM job GROUP BY state
        UNION ALL SELECT 'alert', state::text, count(*) FROM alert GROUP BY state
        UNION ALL SELECT 'chunk', state::text, count(*) FROM outbox_chunk GROUP BY state
        UNION ALL SELECT 'zone', severity::text, count(*) FROM zone_state
                  WHERE run_id = (SELECT id FROM current_run) GROUP BY severity
    ),
    by_kind AS (SELECT kind, jsonb_object_agg(state, n) AS states FROM by_state GROUP BY kind)
    SELECT
        coalesce((SELECT states FROM by_kind WHERE kind = 'incident'), '{}') AS incidents,
        coalesce((SELECT states FROM by_kind WHERE kind = 'job'), '{}') AS jobs,
        coalesce((SELECT states FROM by_kind WHERE kind = 'alert'), '{}') AS alerts,
        coalesce((SELECT states FROM by_kind WHERE kind = 'chunk'), '{}') AS chunks,
        coalesce((SELECT states FROM by_kind WHERE kind = 'zone'), '{}') AS zones,
        (SELECT count(*) FROM incident
         WHERE state NOT IN ('done', 'closed', 'rejected') AND promised_at < :now) AS incidents_overdue,
        (SELECT count(*) FROM job WHERE state = 'open') AS jobs_waiting,
        (SELECT count(*) FROM resident) AS members,
        (SELECT count(*) FROM resident WHERE is_reachable) AS members_reachable,
        (SELECT count(*) FROM home) AS homes,
        (SELECT coalesce(array_agg(name ORDER BY name), '{}') FROM layer WHERE trust = 'simulated') AS simulated_layers
    """
)
