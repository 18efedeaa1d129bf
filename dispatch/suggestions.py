"""Which crew for which job, by road and through the flood: the heavy half of dispatch. Only workers import this."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock
from core.events import publish
from dispatch import queries, roads, rules
from dispatch.events import SuggestionsDrawn
from dispatch.models import CrewSuggestion, Job, crew_change
from dispatch.queries import CrewRow, OpenJob
from dispatch.roads import Reach, RoadGraph, Street, Vehicle, Way
from flood.queries import flooded_roads
from gis.points import LonLat

Flooded = tuple[tuple[int, float], ...]
AT_ONCE = 100  # In a storm thousands wait: those that come first have their crews first.


@dataclass(frozen=True)
class _Offer:
    crew: CrewRow
    is_excluded: bool
    reason_key: str
    reason_slots: Mapping[str, Any]
    way: Way | None


@functools.lru_cache(maxsize=1)
def _cached_graph(version: str, holder: _Holder) -> RoadGraph:
    return roads.build_graph(holder.streets())


class _Holder:
    """Carries the session past the cache: two holders count as equal, only the version decides."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Holder)

    def __hash__(self) -> int:
        return 0

    def streets(self) -> list[Street]:
        return [
            Street(street_id, road_class, is_bridge, np.array(line["coordinates"], dtype=float)[:, :2])
            for street_id, road_class, is_bridge, line in queries.streets(self._session)
        ]


def make_old(session: Session) -> None:
    """What is drawn by now is old: crews are needed elsewhere or free again, or the water closes other streets."""
    session.execute(sa.select(crew_change.next_value()))


def _hold(session: Session) -> None:
    session.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended('dispatch.suggestions', 0))"))


def draw_due(session: Session, *, most: int = AT_ONCE) -> int:
    """The jobs whose crews are to be ranked, the `most` most urgent ones, have them ranked; how many."""
    _hold(session)
    due = queries.jobs_to_draw(session, change=queries.change(session), most=most)
    return draw_suggestions(session, due) if due else 0


def draw_suggestions(session: Session, job_ids: Sequence[int] | None = None) -> int:
    """Every job that waits (or those named) has its crews ranked by travel time now; how many jobs.

    One drawing at a time. A city without streets has no suggestions, and says so by having none.
    """
    _hold(session)
    change = queries.change(session)  # Before anything is looked at: what changes meanwhile makes these old again.
    jobs = queries.open_jobs(session, job_ids)
    version = queries.streets_version(session)
    if not jobs:
        return 0
    if version.endswith("|0:0"):
        _note_drawn(session, jobs, change=change)
        return 0
    graph = _cached_graph(version, _Holder(session))
    # Up to the next 5 cm: a centimetre changes no way, and an unchanged flood needs no new networks.
    flooded = tuple(sorted((street, ceil(depth_m * 20) / 20) for street, depth_m in flooded_roads(session)))
    crews = queries.crews(session)
    reaches = _reaches(graph, flooded, crews, jobs)
    _store(session, [(job, _ranked(job, crews, reaches)) for job in jobs])
    _note_drawn(session, jobs, change=change)
    publish(session, SuggestionsDrawn(job_ids=tuple(job.id for job in jobs)))
    return len(jobs)


def _reaches(graph: RoadGraph, flooded: Flooded, crews: Sequence[CrewRow], jobs: Sequence[OpenJob]) -> dict[int, Reach]:
    """What each crew that fits any of the jobs can reach; crews with the same vehicle share one network."""
    found = {}
    for crew in crews:
        if all(_unfit(crew, job) in {"reason-off-duty", "reason-cannot"} for job in jobs):
            continue
        vehicle = Vehicle(crew.vehicle, crew.ford_limit_m)
        found[crew.id] = roads.reach(_network(graph, flooded, vehicle), crew.position)
    return found


@functools.lru_cache(maxsize=16)
def _network(graph: RoadGraph, flooded: Flooded, vehicle: Vehicle) -> roads.Network:
    return roads.network(graph, roads.edge_depths(graph, dict(flooded)), vehicle)


def _unfit(crew: CrewRow, job: OpenJob) -> str | None:
    """Why the crew is not offered; its own job does not make it busy for that job."""
    view = crew.view
    if crew.job_id == job.id:
        view = rules.CrewView(view.id, view.code, view.kind, view.capabilities, view.is_on_duty, None)
    return rules.unfit_reason(view, needs=job.needs)


def _ranked(job: OpenJob, crews: Sequence[CrewRow], reaches: Mapping[int, Reach]) -> list[_Offer]:
    offers = [_offer(job, crew, reaches.get(crew.id)) for crew in crews]
    return sorted(offers, key=lambda o: (o.is_excluded, o.way.travel_s if o.way else np.inf, o.crew.code))


def _offer(job: OpenJob, crew: CrewRow, reach: Reach | None) -> _Offer:
    unfit = _unfit(crew, job)
    way = None
    if reach is not None and unfit in {None, "reason-busy"}:
        way = roads.way_to(reach, job.place, depth_at_target_m=job.depth_m)
    if unfit is not None:
        return _Offer(crew, True, unfit, {"tier": crew.job_tier or 0}, way)
    if way is None:
        key = "reason-cut-off-boat" if crew.vehicle == "boat" else "reason-cut-off"
        return _Offer(crew, True, key, {"limit_cm": round(100 * crew.ford_limit_m)}, None)
    slots: dict[str, int | float] = {"minutes": max(1, round(way.travel_s / 60)), "km": round(way.distance_m / 1000, 1)}
    old_min = (clock.now() - crew.position_at).total_seconds() / 60
    if way.last_leg_m > roads.SNAP_M:
        return _Offer(crew, False, "reason-last-leg", slots | {"leg_m": round(way.last_leg_m)}, way)
    if old_min > rules.POSITION_OLD.total_seconds() / 60:
        return _Offer(crew, False, "reason-old-position", slots | {"old_min": round(old_min)}, way)
    return _Offer(crew, False, "reason-way", slots, way)


def _store(session: Session, drawn: Sequence[tuple[OpenJob, Sequence[_Offer]]]) -> None:
    now = clock.now()
    session.execute(sa.delete(CrewSuggestion).where(CrewSuggestion.job_id.in_([job.id for job, _ in drawn])))
    rows = [
        {
            "job_id": job.id,
            "crew_id": offer.crew.id,
            "rank": rank,
            "is_excluded": offer.is_excluded,
            "reason_key": offer.reason_key,
            "reason_slots": dict(offer.reason_slots),
            "travel_s": offer.way.travel_s if offer.way else None,
            "distance_m": offer.way.distance_m if offer.way else None,
            "last_leg_m": offer.way.last_leg_m if offer.way else None,
            "route": _line(offer.crew.position, offer.way, job.place) if offer.way else None,
            "computed_at": now,
        }
        for job, offers in drawn
        for rank, offer in enumerate(offers, start=1)
    ]
    if rows:
        session.execute(sa.insert(CrewSuggestion), rows)


def _line(origin: LonLat, way: Way, target: LonLat) -> str:
    """The whole way as a line: from where the crew stands, along the streets, to the place itself."""
    places = [(origin.lon, origin.lat), *((lon, lat) for lon, lat in way.lonlat), (target.lon, target.lat)]
    points = list(dict.fromkeys(f"{lon:.6f} {lat:.6f}" for lon, lat in places))
    return "SRID=4326;LINESTRING(" + ", ".join(points if len(points) > 1 else points * 2) + ")"


def _note_drawn(session: Session, jobs: Sequence[OpenJob], *, change: int) -> None:
    """The jobs need no drawing until the next change.

    One given to a crew before its way was known gets it now, as does one whose way the flood has changed.
    """
    ids = [job.id for job in jobs]
    session.execute(sa.update(Job).where(Job.id.in_(ids)).values(drawn_change=change))
    session.execute(
        sa.update(Job)
        .where(Job.id.in_(ids), Job.crew_id == CrewSuggestion.crew_id, CrewSuggestion.job_id == Job.id)
        .values(
            route=CrewSuggestion.route,
            travel_s=CrewSuggestion.travel_s,
            distance_m=CrewSuggestion.distance_m,
            last_leg_m=CrewSuggestion.last_leg_m,
        )
    )
    session.expire_all()
