"""All SQL of dispatch that reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import NotFoundError
from dispatch.models import Crew, Job, JobCrew, JobMove, PriorityWeights
from dispatch.rules import DWELLING_CATEGORIES, LIVE_STATES, WITH_CREW_STATES, CrewView
from gis.crs import distance_m
from gis.points import LonLat
from sensors.queries import current_levels

RISE_WITHIN_M = 3000.0
VULNERABLE_WITHIN_M = 40.0


@dataclass(frozen=True)
class CrewRow:
    """A crew with where it is and what it does; `position` in degrees."""

    id: int
    code: str
    name_th: str
    name_en: str
    kind: str
    capabilities: list[str]
    vehicle: str
    ford_limit_m: float
    lon: float
    lat: float
    position_at: datetime
    is_on_duty: bool
    trust: str
    job_id: int | None
    job_state: str | None
    job_tier: int | None

    @property
    def position(self) -> LonLat:
        """Where the crew was last."""
        return LonLat(lon=self.lon, lat=self.lat)

    @property
    def view(self) -> CrewView:
        """The crew as the rule of fitness sees it."""
        return CrewView(self.id, self.code, self.kind, frozenset(self.capabilities), self.is_on_duty, self.job_tier)


@dataclass(frozen=True)
class JobRow:
    """A job as lists and phones show it, with its incident and crew."""

    id: int
    incident_id: int
    number: str
    category_code: str
    category_th: str
    category_en: str
    icon: str
    state: str
    tier: int
    score: float
    terms: list[dict[str, Any]]
    weights_version: int
    crew_code: str | None
    crew_th: str | None
    crew_en: str | None
    lon: float
    lat: float
    place_label_th: str
    place_label_en: str
    summary: str
    depth_m: float | None
    report_count: int
    route: dict[str, Any] | None
    travel_s: float | None
    distance_m: float | None
    last_leg_m: float | None
    note: str | None
    photo_ids: list[int]
    created_at: datetime
    assigned_at: datetime | None
    done_at: datetime | None


@dataclass(frozen=True)
class Suggestion:
    """A crew offered for a job or left out of it; the reason is a text key with its slots."""

    crew_id: int
    crew_code: str
    crew_th: str
    crew_en: str
    vehicle: str
    rank: int
    is_excluded: bool
    reason_key: str
    reason_slots: dict[str, Any]
    travel_s: float | None
    distance_m: float | None
    last_leg_m: float | None
    route: dict[str, Any] | None
    computed_at: datetime


@dataclass(frozen=True)
class Facts:
    """What the database knows of an incident for its priority.

    `vulnerable_homes` is counted around dwellings only: registered homes of vulnerable people within 40 m.
    """

    category_tier: int
    category_code: str
    needs: list[str]
    place: LonLat
    people: int | None
    report_count: int
    has_photo: bool
    is_official: bool
    opened_at: datetime
    number: str
    vulnerable_homes: int


@dataclass(frozen=True)
class OpenJob:
    """A job without a crew that is on its way, as suggestions need it."""

    id: int
    needs: list[str]
    place: LonLat
    depth_m: float


_FACTS = sa.text("""
    SELECT i.id, c.tier, i.category_code, c.needs, ST_X(i.place), ST_Y(i.place), i.people, i.report_count,
           EXISTS (SELECT FROM photo p WHERE p.incident_id = i.id),
           EXISTS (SELECT FROM report r WHERE r.incident_id = i.id AND r.source IN ('officer', 'phone')),
           i.opened_at, i.number,
           CASE WHEN i.category_code = ANY(:dwellings) THEN (
               SELECT count(*) FROM home h
               WHERE h.is_vulnerable AND h.geom && ST_Expand(i.place, 0.01)
                 AND ST_DWithin(h.geom::geography, i.place::geography, :within_m)
           ) ELSE 0 END
    FROM incident i JOIN category c ON c.code = i.category_code
    WHERE i.id = ANY(:ids)
""")
_CREWS = """
SELECT c.id, c.code, c.name_th, c.name_en, c.kind, c.capabilities, c.vehicle, c.ford_limit_m,
       ST_X(c.position), ST_Y(c.position), c.position_at, c.is_on_duty, c.trust, j.id, j.state, j.tier
FROM crew c
LEFT JOIN LATERAL (
    SELECT id, state, tier FROM job WHERE crew_id = c.id AND state = ANY(:with_crew) ORDER BY tier, id LIMIT 1
) j ON true
"""


def crews(session: Session) -> list[CrewRow]:
    """Every crew, by code."""
    rows = session.execute(sa.text(_CREWS + "ORDER BY c.code"), {"with_crew": list(WITH_CREW_STATES)})
    return [CrewRow(*row) for row in rows]


def crew_by_code(session: Session, code: str) -> Crew:
    """The crew; raises NotFoundError."""
    found = session.scalar(sa.select(Crew).where(Crew.code == code))
    if found is None:
        raise NotFoundError(f"There is no crew '{code}'.")
    return found


def locked_job(session: Session, job_id: int) -> Job:
    """The job, held until the transaction ends; raises NotFoundError."""
    chosen = sa.select(Job).where(Job.id == job_id).with_for_update()
    found = session.scalar(chosen.execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError(f"There is no job {job_id}.")
    return found


def live_job_of(session: Session, incident_id: int) -> Job | None:
    """The incident's job that has not ended."""
    return session.scalar(sa.select(Job).where(Job.incident_id == incident_id, Job.state.in_(LIVE_STATES)))


def job_ids_of(session: Session, incident_id: int) -> list[int]:
    """Every job of an incident, ended or not."""
    return list(session.scalars(sa.select(Job.id).where(Job.incident_id == incident_id).order_by(Job.id)))


def jobs_moved(session: Session, merge_id: int) -> list[int]:
    """The jobs that came to another incident with this merge."""
    return list(session.scalars(sa.select(JobMove.job_id).where(JobMove.merge_id == merge_id).order_by(JobMove.job_id)))


def job_ids_by_incident(session: Session, incident_ids: Sequence[int]) -> dict[int, int]:
    """The newest job of each incident that has one."""
    newest = sa.select(Job.incident_id, sa.func.max(Job.id)).where(Job.incident_id.in_(incident_ids))
    rows = session.execute(newest.group_by(Job.incident_id)).all()
    return {incident_id: job_id for incident_id, job_id in rows}  # noqa: C416 - a dict of rows has no types.


def weights(session: Session) -> PriorityWeights:
    """The newest version of the score's weights."""
    return session.scalars(sa.select(PriorityWeights).order_by(PriorityWeights.version.desc()).limit(1)).one()


def facts(session: Session, incident_ids: Sequence[int]) -> dict[int, Facts]:
    """What is known of these incidents for their priority; raises NotFoundError where one is not there."""
    rows = session.execute(
        _FACTS,
        {"ids": list(incident_ids), "dwellings": sorted(DWELLING_CATEGORIES), "within_m": VULNERABLE_WITHIN_M},
    )
    found = {
        incident_id: Facts(tier, code, needs, LonLat(lon=lon, lat=lat), *rest)
        for incident_id, tier, code, needs, lon, lat, *rest in rows
    }
    missing = next((incident_id for incident_id in incident_ids if incident_id not in found), None)
    if missing is not None:
        raise NotFoundError(f"There is no incident {missing}.")
    return found


def live_jobs(session: Session, job_ids: Sequence[int] | None) -> dict[int, int]:
    """The incident of each job that has not ended, by job; the jobs are held until the transaction ends.

    With `job_ids` those of them, waited for; without, all but those that somebody else is changing at this moment.
    """
    held = "SELECT id, incident_id FROM job WHERE state = ANY(:live) AND {} ORDER BY id FOR UPDATE {}"
    asked = held.format("true", "SKIP LOCKED") if job_ids is None else held.format("id = ANY(:ids)", "")
    rows = session.execute(sa.text(asked), {"live": list(LIVE_STATES), "ids": list(job_ids or [])})
    return {job_id: incident_id for job_id, incident_id in rows}  # noqa: C416 - a dict of rows has no types.


def rises_near(session: Session, places: Sequence[LonLat], *, now: datetime) -> list[float | None]:
    """How fast the water of the nearest gauge within 3 km of each place rises, m/h; None where none is near or trusted.
    """
    near = [level for level in current_levels(session, now) if not level.is_stale and level.trend_m_per_h is not None]
    if not near:
        return [None] * len(places)
    lon, lat = np.array([(level.place.lon, level.place.lat) for level in near]).T
    rises = []
    for place in places:
        away = np.hypot((lon - place.lon) * np.cos(np.radians(place.lat)), lat - place.lat)
        nearest = near[int(np.argmin(away))]
        is_near = distance_m(nearest.place, place) <= RISE_WITHIN_M
        rises.append(nearest.trend_m_per_h if is_near else None)
    return rises


def has_had_job(session: Session, *, job_id: int, crew_id: int) -> bool:
    """The crew told something of this job, or was given it once."""
    found = session.scalar(
        sa.select(JobCrew.crew_id).where(JobCrew.job_id == job_id, JobCrew.crew_id == crew_id).limit(1)
    )
    return found is not None


_JOBS = """
SELECT j.id, j.incident_id, i.number, i.category_code, c.name_th, c.name_en, c.icon, j.state, j.tier, j.score, j.terms,
       j.weights_version, w.code, w.name_th, w.name_en, ST_X(i.place), ST_Y(i.place), i.place_label_th,
       i.place_label_en, i.summary, i.depth_m, i.report_count, ST_AsGeoJSON(j.route, 6)::json, j.travel_s,
       j.distance_m, j.last_leg_m, j.note,
       ARRAY(SELECT p.id FROM photo p WHERE p.incident_id = i.id AND p.path IS NOT NULL AND NOT EXISTS (
           SELECT FROM photo_review v WHERE v.photo_id = p.id AND v.verdict = 'hidden') ORDER BY p.id),
       j.created_at, j.assigned_at, j.done_at
FROM job j
JOIN incident i ON i.id = j.incident_id
JOIN category c ON c.code = i.category_code
LEFT JOIN crew w ON w.id = j.crew_id
"""
_FIRST = " ORDER BY j.tier, j.score DESC, j.id"


def job_rows(session: Session, *, ended_limit: int) -> list[JobRow]:
    """Every live job, most urgent first, then the newest ended ones."""
    live = session.execute(sa.text(_JOBS + "WHERE j.state = ANY(:live)" + _FIRST), {"live": list(LIVE_STATES)})
    ended = session.execute(
        sa.text(_JOBS + "WHERE NOT j.state = ANY(:live) ORDER BY j.id DESC LIMIT :most"),
        {"live": list(LIVE_STATES), "most": ended_limit},
    )
    return [JobRow(*row) for rows in (live, ended) for row in rows]


def crew_job_rows(session: Session, crew_code: str, *, since: datetime) -> list[JobRow]:
    """The jobs of a crew: live ones, most urgent first, then those that ended since."""
    rows = session.execute(
        sa.text(
            _JOBS + "WHERE w.code = :code AND (j.state = ANY(:live) OR j.done_at >= :since) "
            "ORDER BY j.state = ANY(:live) DESC, j.tier, j.score DESC, j.id"
        ),
        {"code": crew_code, "live": list(LIVE_STATES), "since": since},
    )
    return [JobRow(*row) for row in rows]


def job_row(session: Session, job_id: int) -> JobRow:
    """The job as screens show it; raises NotFoundError."""
    row = session.execute(sa.text(_JOBS + "WHERE j.id = :id"), {"id": job_id}).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no job {job_id}.")
    return JobRow(*row)


def suggestions(session: Session, job_id: int) -> list[Suggestion]:
    """The crews for a job, the best first, those left out last."""
    rows = session.execute(
        sa.text(
            "SELECT s.crew_id, c.code, c.name_th, c.name_en, c.vehicle, s.rank, s.is_excluded, s.reason_key, "
            "s.reason_slots, s.travel_s, s.distance_m, s.last_leg_m, ST_AsGeoJSON(s.route, 6)::json, s.computed_at "
            "FROM crew_suggestion s JOIN crew c ON c.id = s.crew_id WHERE s.job_id = :job_id ORDER BY s.rank"
        ),
        {"job_id": job_id},
    )
    return [Suggestion(*row) for row in rows]


def open_jobs(session: Session, job_ids: Sequence[int] | None) -> list[OpenJob]:
    """The jobs that can still be given to another crew; all of them, or those named. Unknown depth counts as dry."""
    rows = session.execute(
        sa.text(
            "SELECT j.id, j.needs, ST_X(i.place), ST_Y(i.place), coalesce(i.depth_m, 0) "
            "FROM job j JOIN incident i ON i.id = j.incident_id "
            "WHERE j.state IN ('open', 'assigned', 'accepted') AND (:all OR j.id = ANY(:ids)) ORDER BY j.id"
        ),
        {"all": job_ids is None, "ids": list(job_ids or [])},
    )
    return [OpenJob(job_id, needs, LonLat(lon=lon, lat=lat), depth_m) for job_id, needs, lon, lat, depth_m in rows]


def change(session: Session) -> int:
    """The number of the last change that made drawn suggestions old: of a crew's work, or of the water."""
    return session.scalar(sa.text("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM crew_change")) or 0


def jobs_to_draw(session: Session, *, change: int, most: int) -> list[int]:
    """The jobs whose crews were not ranked since the `change`-th change, the most urgent first."""
    rows = session.scalars(
        sa.text(
            "SELECT id FROM job WHERE state IN ('open', 'assigned', 'accepted') AND drawn_change IS DISTINCT FROM "
            ":change ORDER BY tier, score DESC, id LIMIT :most"
        ),
        {"change": change, "most": most},
    )
    return list(rows)


def streets(session: Session) -> list[tuple[int, str, bool, dict[str, Any]]]:
    """(id, class, is a bridge, GeoJSON line) of every street."""
    rows = session.execute(sa.text('SELECT id, "class", is_bridge, ST_AsGeoJSON(geom, 7) FROM road ORDER BY id'))
    return [(street_id, road_class, is_bridge, json.loads(line)) for street_id, road_class, is_bridge, line in rows]


def streets_version(session: Session) -> str:
    """A text that changes when the streets do: the versions of the layers they came from and how many there are."""
    return str(
        session.scalar(
            sa.text(
                "SELECT (SELECT string_agg(name || ':' || version, ',' ORDER BY name) FROM layer WHERE kind = 'roads') "
                "|| '|' || (SELECT count(*) || ':' || coalesce(max(id), 0) FROM road)"
            )
        )
    )
