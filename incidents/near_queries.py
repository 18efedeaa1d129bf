"""All SQL that reads around an incident: the open ones near a report, and what lies between those that were merged."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gis.points import LonLat
from incidents import likeness, scales
from incidents.likeness import Candidate, Kind, Offset
from incidents.models import Incident, IncidentMerge, Photo, Report
from incidents.queries import Reporter, locked_incident
from incidents.rules import OPEN_STATES, NewReport
from incidents.wording import MOST_LETTERS
from residents.models import Resident

# A degree of latitude; of longitude at the equator. Between two places of one city the error is below a thousandth.
METRES_PER_DEGREE = 110_600.0
REPORTS_COMPARED = 12


def open_incidents_near(
    session: Session, new: NewReport, kind: Kind, *, reach_m: float, since: datetime
) -> list[Candidate]:
    """Open incidents of related kinds around a report, last told of after `since`: the nearest `MOST_CANDIDATES`.

    Where an incident lies is what its first reports say together.
    """
    rows = session.execute(
        sa.text(_NEAR),
        {
            "lon": new.place.lon, "lat": new.place.lat, "since": since, "reach_m": reach_m,
            "groups": likeness.group_codes(kind, scales.shipped()),
            "reach_deg": reach_m / METRES_PER_DEGREE / math.cos(math.radians(min(abs(new.place.lat), 80.0))),
            "limit": likeness.MOST_CANDIDATES, "reports": REPORTS_COMPARED, "resident_id": new.resident_id,
            "letters": MOST_LETTERS,
        },
    )
    return [_candidate(row) for row in rows]


def _candidate(row: sa.Row[Any]) -> Candidate:
    """The incident with its first reports, as `_NEAR` gives it, and how far from the report it lies.

    Its place is what its reports around it say together; one that was merged into it from further off is a place of its
    own. Moved by a later pin it lies where that says.
    """
    offsets = [
        Offset(east, north, likeness.uncertainty_m(source, radius_m))
        for east, north, source, radius_m in zip(
            row.report_east_m, row.report_north_m, row.report_source, row.report_radius_m, strict=True
        )
    ]
    if not offsets or row.is_moved:
        offsets = [Offset(row.east_m, row.north_m, likeness.uncertainty_m(row.place_source, None)), *offsets[1:]]
    nearest = likeness.nearest_place(offsets)
    return Candidate(
        incident_id=row.id,
        kind=Kind(row.category_code, row.group_code, row.tier, row.join_radius_m),
        distance_m=math.hypot(nearest.east_m, nearest.north_m),
        uncertainty_m=nearest.uncertainty_m,
        last_report_at=row.last_report_at,
        texts=likeness.merged_texts(row.texts),
        is_own=row.is_own,
        perhaps_same=frozenset(row.perhaps_same),
    )


# The states stand here as they stand in the partial index `ix_incident_open_place`, which they have to match.
_NEAR = """
WITH here AS (
    SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS at, cos(radians(:lat)) * 111320 AS east, 110600 AS north
),
near AS (
    SELECT i.* FROM incident i, here h
    WHERE i.state IN ('new', 'accepted', 'in_progress', 'reopened', 'sent_on')
      AND i.category_code = ANY(ARRAY(SELECT code FROM category WHERE group_code = ANY(:groups)))
      AND i.last_report_at >= :since AND i.place && ST_Expand(h.at, :reach_deg)
      AND ST_DWithin(i.place::geography, h.at::geography, :reach_m)
    ORDER BY i.place <-> h.at LIMIT :limit
)
SELECT n.id, n.category_code, c.group_code, c.tier, c.join_radius_m, n.last_report_at, n.place_source,
       (ST_X(n.place) - :lon) * h.east AS east_m, (ST_Y(n.place) - :lat) * h.north AS north_m, r.*,
       coalesce(NOT ST_Equals(n.place, r.first_place), false) AS is_moved,
       EXISTS (SELECT FROM report o WHERE o.incident_id = n.id AND o.resident_id = :resident_id) AS is_own,
       ARRAY(
           SELECT CASE WHEN l.incident_id = n.id THEN l.other_id ELSE l.incident_id END FROM incident_likeness l
           WHERE (l.incident_id = n.id OR l.other_id = n.id) AND l.verdict IS DISTINCT FROM 'different'
       ) AS perhaps_same
FROM near n JOIN category c ON c.code = n.category_code CROSS JOIN here h
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(left(s.text, :letters) ORDER BY s.id), '{}') AS texts,
           coalesce(array_agg(s.place_source ORDER BY s.id), '{}') AS report_source,
           coalesce(array_agg(s.radius_m ORDER BY s.id), '{}') AS report_radius_m,
           coalesce(array_agg((ST_X(s.place) - :lon) * h.east ORDER BY s.id), '{}') AS report_east_m,
           coalesce(array_agg((ST_Y(s.place) - :lat) * h.north ORDER BY s.id), '{}') AS report_north_m,
           (array_agg(s.place ORDER BY s.id))[1] AS first_place
    FROM (SELECT * FROM report WHERE incident_id = n.id ORDER BY id LIMIT :reports) s
) r
ORDER BY n.id
"""


def hold_surroundings(session: Session, place: LonLat, *, reach_m: float) -> None:
    """Reports of the same surroundings are joined one after the other: two that come together become one incident.

    Held is each square of 0.01 degrees that the reach touches, in a fixed order.
    """
    reach_deg = reach_m / METRES_PER_DEGREE / math.cos(math.radians(min(abs(place.lat), 80.0)))
    columns, rows = (
        range(math.floor((middle - reach_deg) * 100), math.floor((middle + reach_deg) * 100) + 1)
        for middle in (place.lon, place.lat)
    )
    squares = sorted(f"incidents.square:{column}:{row}" for column in columns for row in rows)
    held = "SELECT pg_advisory_xact_lock(hashtextextended(square, 0)) FROM unnest(CAST(:squares AS text[])) square"
    session.execute(sa.text(held), {"squares": squares})


def surviving_id(session: Session, incident_id: int) -> int:
    """The incident to which this one leads today: itself, or the end of the way along which it was merged."""
    survivor: int = session.execute(
        sa.text(
            "WITH RECURSIVE way AS ("
            "SELECT id, merged_into_id, 0 AS step FROM incident WHERE id = :id UNION ALL "
            "SELECT i.id, i.merged_into_id, w.step + 1 FROM incident i JOIN way w ON i.id = w.merged_into_id) "
            "SELECT coalesce((SELECT id FROM way ORDER BY step DESC LIMIT 1), :id)"
        ),
        {"id": incident_id},
    ).scalar_one()
    return survivor


def locked_survivor(session: Session, incident_id: int) -> Incident:
    """The incident to which this one leads, held; no signpost on the way to it is."""
    while True:
        found = locked_where(session, surviving_id(session, incident_id), lambda one: one.merged_into_id is None)
        if found is not None:
            return found


def locked_where(session: Session, incident_id: int, is_wanted: Callable[[Incident], bool]) -> Incident | None:
    """The incident, held, where it is still the wanted one; else None, and it is let go at once.

    To hold one that was merged while we waited would be to hold it before its survivor: whoever undoes the merge holds
    them in the order of their ids, and both would wait for ever.
    """
    trying = session.begin_nested()
    found = locked_incident(session, incident_id)
    if is_wanted(found):
        trying.commit()
        return found
    trying.rollback()
    return None


def merge(session: Session, merge_id: int) -> IncidentMerge | None:
    """The merge, held until the transaction ends."""
    return session.scalar(sa.select(IncidentMerge).where(IncidentMerge.id == merge_id).with_for_update())


def perhaps_same(session: Session, incident_id: int) -> list[tuple[int, float, dict[str, float]]]:
    """The open incidents of which nobody has decided whether they are this one, score and terms, likeliest first."""
    rows = session.execute(
        sa.text(
            "SELECT o.id, l.score, l.terms FROM incident_likeness l JOIN incident o ON o.id = "
            "CASE WHEN l.incident_id = :id THEN l.other_id ELSE l.incident_id END "
            "JOIN incident i ON i.id = :id AND i.state = ANY(:states) "
            "WHERE (l.incident_id = :id OR l.other_id = :id) AND l.verdict IS NULL AND o.state = ANY(:states) "
            "ORDER BY l.score DESC, o.id"
        ),
        {"id": incident_id, "states": list(OPEN_STATES)},
    )
    return [(other_id, score or 0.0, terms or {}) for other_id, score, terms in rows]


def signpost(session: Session, incident_id: int) -> tuple[int, str] | None:
    """Id and number of the incident to which this one leads today, None where it is none's double."""
    survivor_id = surviving_id(session, incident_id)
    if survivor_id == incident_id:
        return None
    number = session.execute(sa.select(Incident.number).where(Incident.id == survivor_id)).scalar_one()
    return survivor_id, number


def taken_in(session: Session, incident_id: int) -> list[tuple[int, str]]:
    """The incidents that were merged into this one, by id and number, the first first."""
    chosen = sa.select(Incident.id, Incident.number).where(Incident.merged_into_id == incident_id)
    rows = session.execute(chosen.order_by(Incident.closed_at, Incident.id))
    return [(merged_id, number) for merged_id, number in rows]


def standing_merge(session: Session, merged_id: int) -> IncidentMerge | None:
    """The merge by which this incident is a signpost, held."""
    return session.scalar(
        sa.select(IncidentMerge)
        .where(IncidentMerge.merged_id == merged_id, IncidentMerge.undone_at.is_(None))
        .with_for_update()
    )


def reports_of(session: Session, incident_id: int) -> list[Report]:
    """The reports of an incident, the oldest first."""
    return list(
        session.scalars(
            sa.select(Report).where(Report.incident_id == incident_id).order_by(Report.created_at, Report.id),
            execution_options={"populate_existing": True},
        )
    )


def photo_ids_of(session: Session, incident_id: int) -> list[int]:
    """Every photo of an incident, fetched or not."""
    return list(session.scalars(sa.select(Photo.id).where(Photo.incident_id == incident_id).order_by(Photo.id)))


def photo_ids_of_reports(session: Session, report_ids: Sequence[int]) -> list[int]:
    """Every photo that came with these reports."""
    return list(session.scalars(sa.select(Photo.id).where(Photo.report_id.in_(report_ids)).order_by(Photo.id)))


def place_of_report(session: Session, report_id: int) -> LonLat:
    """Where a report was told to be."""
    lon, lat = session.execute(
        sa.text("SELECT ST_X(place), ST_Y(place) FROM report WHERE id = :id"), {"id": report_id}
    ).one()
    return LonLat(lon=lon, lat=lat)


def people_who_reported(session: Session, incident_id: int) -> int:
    """How many people reported the incident: residents once each, reports from elsewhere each for one."""
    elsewhere = sa.func.count().filter(Report.resident_id.is_(None))
    counted = sa.select(sa.func.count(Report.resident_id.distinct()) + elsewhere)
    standing = counted.where(Report.incident_id == incident_id, Report.withdrawn_at.is_(None))
    return session.execute(standing).scalar_one()


def residents_of(session: Session, resident_ids: Sequence[int]) -> list[Reporter]:
    """These residents, as those who can be told."""
    chosen = sa.select(Resident.id, Resident.language, Resident.is_reachable).where(Resident.id.in_(resident_ids))
    return [Reporter(*row) for row in session.execute(chosen.order_by(Resident.id))]
