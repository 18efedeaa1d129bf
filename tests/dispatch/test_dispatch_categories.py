"""A category put right: the job asks for what the new kind needs, or is no more."""

from __future__ import annotations

import sqlalchemy as sa

from dispatch import actions, queries, tasks
from incidents.events import IncidentRecategorised
from incidents.models import Incident
from tests.dispatch.conftest import Town


def _become(town: Town, incident: Incident, code: str) -> None:
    town.session.execute(sa.update(Incident).where(Incident.id == incident.id).values(category_code=code))
    event = IncidentRecategorised(incident_id=incident.id, number=incident.number, category_code=code)
    tasks.follow_category(town.session, event)


def test_another_kind_needs_another_crew_or_none(town: Town) -> None:
    """The waiting job stays the same one at its new rank; where nobody is sent it is cancelled, and comes back."""
    job = town.job(category="road")
    incident = town.session.get_one(Incident, job.incident_id)
    _become(town, incident, "rescue")
    assert (job.state, job.tier, job.needs) == ("open", 1, ["rescue", "boat"])
    _become(town, incident, "street_light")
    assert (job.state, queries.live_job_of(town.session, incident.id)) == ("cancelled", None)
    _become(town, incident, "road")
    again = queries.live_job_of(town.session, incident.id)
    assert again is not None
    assert (again.id != job.id, again.needs) == (True, ["road"])


def test_a_crew_that_was_sent_goes_on(town: Town) -> None:
    """It is on the spot and can tell what is there; nobody calls it back by a word in a list."""
    job = town.job(category="flooded_road")
    actions.assign(town.session, job.id, "pump-1", by="dispatcher")
    _become(town, town.session.get_one(Incident, job.incident_id), "street_light")
    assert (job.state, job.needs) == ("assigned", ["pump", "drain", "road"])
