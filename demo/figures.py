"""The closing figures of a headless storm, with the stand-in's delivery log as the oracle of who was told what.

Who lives inside a zone is decided here a second time, by shapely over the zones' polygons, and not by the query that
chose the audience: a fault in that query must not be able to prove itself right.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import httpx
import numpy as np
import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock, db, sealing
from demo.actors.residents import standin_url
from incidents import policy


@dataclass(frozen=True)
class Figures:
    """What came of a storm. `audience`, `delivered`, `outside` and `duplicates` count (alert, resident) pairs."""

    city: str
    gauges: int
    readings: int
    camera_readings: int
    zones: int
    alerts: int
    audience: int
    delivered: int
    outside: int
    duplicates: int
    incidents: int
    incidents_located: int
    jobs_done: int
    incidents_finished: int
    reporters_told: int
    reading_to_accepted_s: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """The figures by name, for the closing JSON line."""
        return asdict(self)

    def is_exact(self) -> bool:
        """Everybody in the audience was told once and nobody else was told."""
        return self.audience > 0 and self.delivered == self.audience and self.outside == 0 and self.duplicates == 0


_COUNTS = sa.text(
    """
    SELECT (SELECT slug FROM city) AS city,
           (SELECT count(*) FROM station WHERE kind = 'gauge') AS gauges,
           (SELECT count(*) FROM reading r JOIN datastream d ON d.id = r.datastream_id
              JOIN station s ON s.id = d.station_id WHERE s.kind = 'gauge') AS readings,
           (SELECT count(*) FROM camera_frame WHERE is_reading) AS camera_readings,
           (SELECT count(*) FROM zone) AS zones,
           (SELECT count(*) FROM alert WHERE approved_at IS NOT NULL) AS alerts,
           (SELECT count(*) FROM incident) AS incidents,
           (SELECT count(*) FROM incident WHERE place IS NOT NULL) AS incidents_located,
           (SELECT count(*) FROM job WHERE state = 'done') AS jobs_done
    """
)
_AUDIENCE = sa.text(
    """
    SELECT alert_recipient.alert_id, resident.line_user_sealed
    FROM alert_recipient JOIN resident ON resident.id = alert_recipient.resident_id
    WHERE alert_recipient.chunk_id IS NOT NULL
    """
)
_CHUNKS = sa.text("SELECT retry_key::text, subject FROM outbox_chunk")
_ZONES_OF_ALERTS = sa.text(
    """
    SELECT alert_zone.alert_id, ST_AsBinary(alert_zone.geom)
    FROM alert_zone JOIN alert ON alert.id = alert_zone.alert_id
    WHERE alert.approved_at IS NOT NULL
    """
)
_REFERENCES = sa.text('SELECT id, "references" AS earlier FROM alert WHERE approved_at IS NOT NULL ORDER BY id')
_HOMES = sa.text(
    """
    SELECT resident.line_user_sealed, ST_X(home.geom), ST_Y(home.geom)
    FROM home JOIN resident ON resident.id = home.resident_id
    """
)
_LATENCIES = sa.text(
    """
    SELECT extract(epoch FROM outbox_chunk.accepted_wall_at - alert.trigger_received_wall_at)
    FROM outbox_chunk JOIN alert ON outbox_chunk.subject = 'alert:' || alert.id
    WHERE outbox_chunk.accepted_wall_at IS NOT NULL AND alert.trigger_received_wall_at IS NOT NULL
    """
)
_WITH_FINISHED_JOB = sa.text(
    """
    SELECT incident.id, array_agg(DISTINCT resident.line_user_sealed)
    FROM incident
    JOIN job ON job.incident_id = incident.id AND job.state = 'done'
    JOIN report ON report.incident_id = incident.id
    JOIN resident ON resident.id = report.resident_id
    -- What ordinary work has to tell by night waits for the morning.
    WHERE NOT EXISTS (SELECT FROM reporter_notice held WHERE held.incident_id = incident.id
                      AND held.state = 'waiting' AND held.due_at > :now)
    GROUP BY incident.id
    """
)
# A reply carries no key by which the stand-in's log could name its subject: here the house's own ledger must do.
_TOLD_BY_REPLY = sa.text(
    """
    SELECT reporter_notice.incident_id, resident.line_user_sealed
    FROM reporter_notice JOIN outbox_chunk ON outbox_chunk.id = reporter_notice.chunk_id
    JOIN resident ON resident.id = reporter_notice.resident_id
    WHERE outbox_chunk.kind = 'reply' AND outbox_chunk.state = 'accepted'
    """
)
_QUIET = sa.text(
    """
    SELECT NOT EXISTS (SELECT FROM job WHERE state IN ('assigned', 'accepted', 'en_route', 'on_scene'))
       AND NOT EXISTS (SELECT FROM outbox_chunk WHERE state IN ('queued', 'sending'))
       AND NOT EXISTS (SELECT FROM alert WHERE state IN ('proposed', 'approved', 'sending'))
       AND NOT EXISTS (SELECT FROM reporter_notice WHERE state = 'waiting' AND due_at <= :soon)
       -- A job that is to be tried again waits as well: a killed worker's are.
       AND NOT EXISTS (SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing')
                       AND task_name NOT LIKE 'core.%')
       AND NOT EXISTS (SELECT FROM inbox_event WHERE handled_at IS NULL)
    """
)


def is_quiet() -> bool:
    """No alert waits for a decision, no message for LINE, no crew for its next step."""
    with db.transaction() as session:
        return bool(session.scalar(_QUIET, {"soon": clock.now() + policy.shipped().bundle_ordinary}))


def _deliveries() -> list[dict[str, Any]]:
    answer = httpx.get(f"{standin_url()}/deliveries", timeout=60.0)
    answer.raise_for_status()
    return [json.loads(line) for line in answer.text.splitlines() if line]


def _told_by_subject(session: Session) -> dict[str, Counter[str]]:
    """Per outbox subject (`alert:12`), how often each LINE user was told, by the stand-in's own log."""
    subject_of = {row.retry_key: row.subject for row in session.execute(_CHUNKS)}
    told: dict[str, Counter[str]] = defaultdict(Counter)
    for delivery in _deliveries():
        subject = subject_of.get(delivery["retry_key"] or "", "unknown" if delivery["kind"] == "multicast" else "reply")
        kind, _, ids = subject.partition(":")
        # One message may tell of several incidents.
        about = [f"incident:{one}" for one in ids.split(",")] if kind == "incidents" else [subject]
        for one in about:
            told[one][delivery["user_id"]] += 1
    return told


def _users_inside(session: Session) -> dict[int, set[str]]:
    """Per alert, the LINE users with a home in its zones, edge included, found by shapely over all homes."""
    rows = list(session.execute(_HOMES))
    users = [sealing.unseal(bytes(sealed)) for sealed, _, _ in rows]
    lon, lat = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
    inside: dict[int, set[str]] = defaultdict(set)
    for alert_id, wkb in session.execute(_ZONES_OF_ALERTS):
        zone = shapely.from_wkb(bytes(wkb))
        shapely.prepare(zone)
        inside[alert_id].update(users[i] for i in np.flatnonzero(shapely.intersects_xy(zone, lon, lat)))
    return inside


@dataclass(frozen=True)
class _Delivery:
    audience: int
    delivered: int
    outside: int
    duplicates: int


def _delivery(session: Session, told: dict[str, Counter[str]]) -> _Delivery:
    audience: dict[int, set[str]] = defaultdict(set)
    for alert_id, sealed in session.execute(_AUDIENCE):
        audience[alert_id].add(sealing.unseal(bytes(sealed)))
    may_hear = _may_hear(session)
    heard = {int(subject.removeprefix("alert:").split(":")[0]): users
             for subject, users in told.items() if subject.startswith("alert:")}
    strangers = sum(told.get("unknown", Counter()).values())
    return _Delivery(
        audience=sum(len(users) for users in audience.values()),
        delivered=sum(len(audience[alert] & users.keys()) for alert, users in heard.items()),
        outside=strangers
        + sum(len(users.keys() - (audience[alert] & may_hear[alert])) for alert, users in heard.items()),
        duplicates=sum(times - 1 for users in heard.values() for times in users.values()),
    )


def _may_hear(session: Session) -> dict[int, set[str]]:
    """Per alert, who may hear of it: who lives in its zones, and who lived in those of the alerts it follows up."""
    may_hear = _users_inside(session)
    for alert_id, earlier in session.execute(_REFERENCES):
        for reference in earlier or ():
            may_hear[alert_id] |= may_hear[reference]
    return may_hear


def _reporters_told(session: Session, told: dict[str, Counter[str]]) -> tuple[int, int]:
    """How many incidents have a finished job, and of how many of those every reporter was told at least once."""
    finished = fully_told = 0
    by_reply: dict[int, set[str]] = defaultdict(set)
    for incident_id, sealed in session.execute(_TOLD_BY_REPLY):
        by_reply[incident_id].add(sealing.unseal(bytes(sealed)))
    for incident_id, sealed_users in session.execute(_WITH_FINISHED_JOB, {"now": clock.now()}):
        finished += 1
        users = {sealing.unseal(bytes(sealed)) for sealed in sealed_users}
        fully_told += users <= told.get(f"incident:{incident_id}", Counter()).keys() | by_reply[incident_id]
    return finished, fully_told


def _quantiles(values: Iterable[float]) -> dict[str, float]:
    seconds = np.array([float(value) for value in values])
    if not len(seconds):
        return {"p50": float("nan"), "p95": float("nan")}
    return {"p50": round(float(np.quantile(seconds, 0.5)), 2), "p95": round(float(np.quantile(seconds, 0.95)), 2)}


def gather() -> Figures:
    """The figures of the storm that has just been played on this database and stand-in."""
    with db.transaction() as session:
        counts = session.execute(_COUNTS).one()._mapping
        told = _told_by_subject(session)
        finished, fully_told = _reporters_told(session, told)
        return Figures(
            **counts,
            **asdict(_delivery(session, told)),
            incidents_finished=finished,
            reporters_told=fully_told,
            reading_to_accepted_s=_quantiles(session.scalars(_LATENCIES)),
        )
