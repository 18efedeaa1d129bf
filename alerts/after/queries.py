"""What is read about an event: its alerts, where water was seen and by whom, what officers said, whom it reached."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from alerts.after.models import EventOutcome
from alerts.after.outcome import Span, Word
from alerts.models import Alert
from core.errors import NotFoundError

# Assumed: water that stood in a zone so long before the first proposal belongs to the event: it was warned of too late.
LOOK_BACK = timedelta(hours=6)
NO_DATA = "no-data"
NEWS = "news"


@dataclass(frozen=True)
class Event:
    """An event: the alerts of one flood. `ended_at` is None while one of its warnings holds or waits.

    `told` counts messages that were approved, `said` the zones of which an officer has said what became of them.
    """

    id: int
    number: str
    began_at: datetime
    ended_at: datetime | None
    level: int
    alerts: int
    told: int
    zones: int
    said: int
    is_exercise: bool

    def window(self, now: datetime) -> tuple[datetime, datetime]:
        """From when until when water is this event's."""
        return self.began_at - LOOK_BACK, self.ended_at or now


@dataclass(frozen=True)
class ZoneName:
    """A zone by its names."""

    id: int
    code: str
    name_th: str
    name_en: str


@dataclass(frozen=True)
class Report:
    """A confirmed incident of flood in a zone: no words of anybody, and no place but the zone."""

    zone_id: int
    number: str
    at: datetime
    category_th: str
    category_en: str


@dataclass(frozen=True)
class GaugeChange:
    """A change of a gauge near one of the event's zones."""

    at: datetime
    kind: str
    from_state: int
    to_state: int
    name_th: str
    name_en: str
    level_m_msl: float | None


_EVENTS = """
SELECT a.event_id AS id, min(f.number) AS number, min(a.proposed_at) AS began_at,
       CASE WHEN bool_or(a.closed_at IS NULL AND coalesce(a.expires_at > :now, true) AND a.kind <> 'all_clear')
            THEN NULL
            ELSE max(CASE a.kind WHEN 'all_clear' THEN a.approved_at ELSE least(a.closed_at, a.expires_at) END)
       END AS ended_at,
       max(a.level) AS level, bool_or(a.is_exercise) AS is_exercise, count(*) AS alerts, count(a.approved_at) AS told,
       (SELECT count(DISTINCT z.zone_id) FROM alert_zone z JOIN alert o ON o.id = z.alert_id
        WHERE o.event_id = a.event_id AND o.kind <> 'news') AS zones,
       (SELECT count(DISTINCT w.zone_id) FROM event_outcome w WHERE w.event_id = a.event_id) AS said
FROM alert a JOIN alert f ON f.id = a.event_id
WHERE a.kind <> 'news' {only}
GROUP BY a.event_id
"""


def events(session: Session, *, limit: int, now: datetime) -> list[Event]:
    """The events, the newest first."""
    newest = sa.text(_EVENTS.format(only="") + " ORDER BY began_at DESC, id DESC LIMIT :limit")
    return [Event(**row) for row in session.execute(newest, {"limit": limit, "now": now}).mappings()]


def event(session: Session, event_id: int, *, now: datetime) -> Event:
    """The event; raises NotFoundError."""
    one = sa.text(_EVENTS.format(only="AND a.event_id = :event_id"))
    row = session.execute(one, {"event_id": event_id, "now": now}).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"There is no event {event_id}.")
    return Event(**row)


def alerts(session: Session, event_id: int) -> Sequence[Alert]:
    """The event's alerts, oldest first; news that were told meanwhile are none."""
    return session.scalars(
        sa.select(Alert).where(Alert.event_id == event_id, Alert.kind != NEWS).order_by(Alert.id)
    ).all()


def zone_names(session: Session, zone_ids: Collection[int]) -> dict[int, ZoneName]:
    """The names of these zones, retired ones too."""
    rows = session.execute(
        sa.text("SELECT id, code, name_th, name_en FROM zone WHERE id = ANY(:ids) ORDER BY code"),
        {"ids": sorted(zone_ids)},
    )
    return {row.id: ZoneName(*row) for row in rows}


def spans(session: Session, event_id: int, *, now: datetime) -> dict[int, tuple[Span, ...]]:
    """For each zone, its warnings that were sent, and from when until when each held (`now` at most)."""
    rows = session.execute(
        sa.text(
            "SELECT z.zone_id, a.level, a.approved_at, least(a.closed_at, a.expires_at, :now) AS until_at "
            "FROM alert a JOIN alert_zone z ON z.alert_id = a.id "
            "WHERE a.event_id = :event_id AND a.approved_at IS NOT NULL AND a.kind NOT IN ('all_clear', 'news') "
            "ORDER BY a.approved_at, a.id"
        ),
        {"event_id": event_id, "now": now},
    )
    found: dict[int, tuple[Span, ...]] = {}
    for zone_id, level, from_at, until_at in rows:
        found[zone_id] = (*found.get(zone_id, ()), Span(level=level, from_at=from_at, until_at=until_at))
    return found


def pictures(session: Session, *, from_at: datetime, until_at: datetime) -> dict[int, list[tuple[datetime, int]]]:
    """For each zone, (moment, depth class) of the pictures with data in this time: where it changed, and both ends."""
    rows = session.execute(
        sa.text(
            "SELECT zone_id, valid_at, depth_class FROM ("
            "  SELECT s.zone_id, r.valid_at, s.depth_class,"
            "         lag(s.depth_class) OVER w AS before, lead(s.depth_class) OVER w AS after"
            "  FROM flood_run r JOIN zone_state s ON s.run_id = r.id"
            "  WHERE r.horizon_min = 0 AND r.method <> :no_data AND s.confidence > 0"
            "    AND r.valid_at BETWEEN :from_at AND :until_at"
            "  WINDOW w AS (PARTITION BY s.zone_id ORDER BY r.valid_at, r.id)"
            ") seen WHERE before IS DISTINCT FROM depth_class OR after IS DISTINCT FROM depth_class "
            "ORDER BY zone_id, valid_at"
        ),
        {"from_at": from_at, "until_at": until_at, "no_data": NO_DATA},
    )
    found: dict[int, list[tuple[datetime, int]]] = {}
    for zone_id, at, depth_class in rows:
        found.setdefault(zone_id, []).append((at, depth_class))
    return found


def warned_elsewhere(session: Session, event_id: int, *, from_at: datetime, until_at: datetime) -> frozenset[int]:
    """The zones that another event's warning spoke of in this time: what befell them is that event's."""
    rows = session.scalars(
        sa.text(
            "SELECT DISTINCT z.zone_id FROM alert a JOIN alert_zone z ON z.alert_id = a.id "
            "WHERE a.event_id <> :event_id AND a.approved_at <= :until_at AND a.kind NOT IN ('all_clear', 'news') "
            "AND coalesce(least(a.closed_at, a.expires_at), :until_at) >= :from_at"
        ),
        {"event_id": event_id, "from_at": from_at, "until_at": until_at},
    )
    return frozenset(rows)


def reports(session: Session, *, from_at: datetime, until_at: datetime) -> list[Report]:
    """Incidents of flood in zones that somebody bore out: an officer who acts on it, a second report, a reading."""
    rows = session.execute(
        sa.text(
            "SELECT z.id, i.number, i.opened_at, c.name_th, c.name_en "
            "FROM incident i JOIN category c ON c.code = i.category_code AND c.group_code = 'flood' "
            "JOIN zone z ON NOT z.is_retired AND ST_Intersects(z.geom, i.place) "
            "WHERE i.opened_at BETWEEN :from_at AND :until_at AND i.merged_into_id IS NULL AND i.state <> 'rejected' "
            "AND (i.state <> 'new' OR i.confirmed_at IS NOT NULL OR i.report_count > 1) "
            "ORDER BY i.opened_at, i.id, z.id"
        ),
        {"from_at": from_at, "until_at": until_at},
    )
    return [Report(*row) for row in rows]


def words_of_officers(session: Session, event_id: int) -> dict[int, EventOutcome]:
    """The newest word on each zone of the event."""
    rows = session.scalars(sa.select(EventOutcome).where(EventOutcome.event_id == event_id).order_by(EventOutcome.id))
    return {row.zone_id: row for row in rows}


def word_of(row: EventOutcome | None) -> Word | None:
    """The officer's word as the rules know it."""
    return None if row is None else Word(row.outcome)


def people_told(session: Session, event_id: int) -> int:
    """How many different people LINE accepted at least one message of the event for; erased ones are not among them."""
    return int(
        session.scalar(
            sa.text(
                "SELECT count(DISTINCT r.resident_id) FROM alert a CROSS JOIN LATERAL ("
                "  SELECT resident_id, chunk_id FROM alert_recipient WHERE alert_id = a.id"
                "  UNION ALL"  # Whose row of the ledger is still to be written.
                "  SELECT u.id, f.outbox_chunk_id"
                "  FROM alert_chunk f CROSS JOIN LATERAL unnest(f.resident_ids) AS u (id)"
                "  WHERE f.alert_id = a.id AND NOT f.is_in_ledger"
                ") r JOIN outbox_chunk c ON c.id = r.chunk_id AND c.state = 'accepted' "
                "WHERE a.event_id = :event_id AND a.kind <> 'news'"
            ),
            {"event_id": event_id},
        )
        or 0
    )


def gauge_changes(
    session: Session, zone_ids: Collection[int], *, from_at: datetime, until_at: datetime
) -> list[GaugeChange]:
    """The changes of the gauges that pictures of this time name as near these zones: of water, and lost or returned."""
    rows = session.execute(
        sa.text(
            "WITH near AS ("
            "  SELECT DISTINCT jsonb_object_keys(s.gauges) AS code"
            "  FROM flood_run r JOIN zone_state s ON s.run_id = r.id"
            "  WHERE r.horizon_min = 0 AND r.valid_at BETWEEN :from_at AND :until_at AND s.zone_id = ANY(:zones)"
            ") SELECT c.observed_at, c.kind, c.from_state, c.to_state, t.name_th, t.name_en, c.level_m_msl "
            "FROM near JOIN station t ON t.code = near.code JOIN datastream d ON d.station_id = t.id "
            "JOIN level_state_change c ON c.datastream_id = d.id "
            "WHERE c.observed_at BETWEEN :from_at AND :until_at "
            "AND c.kind IN ('raised', 'lowered', 'lost', 'untrusted', 'returned') ORDER BY c.observed_at, c.id"
        ),
        {"zones": sorted(zone_ids), "from_at": from_at, "until_at": until_at},
    )
    return [GaugeChange(*row) for row in rows]


def outlines(session: Session, zone_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """The outlines of these zones as GeoJSON, simplified to some 10 m: for a picture, not for a decision."""
    rows = session.execute(
        sa.text(
            "SELECT id, ST_AsGeoJSON(ST_SimplifyPreserveTopology(geom, 0.0001), 5)::json AS shape "
            "FROM zone WHERE id = ANY(:ids)"
        ),
        {"ids": sorted(zone_ids)},
    )
    return {row.id: row.shape for row in rows}
