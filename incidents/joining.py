"""A report looks for its incident among the open ones around it, while no other report of these surroundings does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from incidents import likeness, near_queries, rules, scales
from incidents.likeness import Judgement, Kind, Likeness, Telling
from incidents.models import Category, Incident, IncidentLikeness
from incidents.rules import NewReport


def incident_told(
    session: Session, new: NewReport, category: Category, *, now: datetime
) -> tuple[Judgement, Incident | None]:
    """The judgement, and the incident joined, held; looked at again where another hand has ended or merged it."""
    measures = scales.shipped()
    kind = Kind(category.code, category.group_code, category.tier, category.join_radius_m)
    doubt_m = likeness.uncertainty_m(new.place_source, new.radius_m)
    reach_m = likeness.reach_m(kind, uncertainty_m=doubt_m)
    near_queries.hold_surroundings(session, new.place, reach_m=reach_m)
    telling = Telling(kind, doubt_m, new.text, now, tuple(category.words))
    since = likeness.since(kind, measures, reported_at=now)
    while True:
        candidates = near_queries.open_incidents_near(session, new, kind, reach_m=reach_m, since=since)
        judgement = likeness.judge(telling, candidates, scales=measures)
        if judgement.same is None:
            return judgement, None
        incident = near_queries.locked_where(
            session, judgement.same.incident_id, lambda one: one.state in rules.OPEN_STATES
        )
        if incident is not None:
            return judgement, incident


def note_perhaps(session: Session, incident: Incident, found: Sequence[Likeness], *, now: datetime) -> None:
    """The new incident stands beside those that are perhaps the same, until an officer has decided."""
    session.add_all(
        IncidentLikeness(
            incident_id=incident.id, other_id=one.incident_id, score=one.score, terms=dict(one.terms), found_at=now
        )
        for one in found
    )
    session.flush()
