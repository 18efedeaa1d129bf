"""Jobs follow their incidents: merged there is one live job, undone each has its own again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dispatch import actions, queries, tasks
from dispatch.models import Job
from gis.points import LonLat
from incidents import merging
from incidents import queries as incident_queries
from incidents.events import IncidentOpened, IncidentsMerged, MergeUndone
from incidents.models import IncidentMerge

if TYPE_CHECKING:
    from tests.dispatch.conftest import Town

FAR = LonLat(lon=100.006, lat=8.000)


def _merge(town: Town, one: Job, other: Job) -> IncidentMerge:
    survivor = merging.merge_incidents(town.session, one.incident_id, other.incident_id, by="officer", reason="")
    merge = town.session.query(IncidentMerge).filter_by(into_id=survivor.id).one()
    event = IncidentsMerged(merge.id, merge.merged_id, merge.into_id, survivor.number, "n")
    tasks.follow_merge(town.session, event)
    tasks.follow_merge(town.session, event)
    return merge


def _undo(town: Town, merge: IncidentMerge) -> None:
    merging.undo_merge(town.session, merge.merged_id, by="officer")
    event = MergeUndone(merge.id, merge.merged_id, merge.into_id, "n")
    tasks.follow_undone_merge(town.session, event)
    tasks.follow_undone_merge(town.session, event)


def test_of_two_live_jobs_the_further_on_stays(town: Town) -> None:
    """The crew that is on its way goes on, to the survivor; the job that nobody had is cancelled."""
    waiting, going = town.job(), town.job(place=FAR)
    actions.assign(town.session, going.id, "pump-1", by="dispatcher")
    merge = _merge(town, waiting, going)
    live = queries.live_job_of(town.session, merge.into_id)
    assert live is not None
    assert (live.id, live.state) == (going.id, "assigned")
    assert town.session.get_one(Job, waiting.id).state == "cancelled"
    assert queries.job_ids_of(town.session, merge.merged_id) == []
    assert incident_queries.incident(town.session, merge.into_id).state == "in_progress"


@pytest.mark.parametrize("assigned", [0, 1])
def test_undone_each_has_a_live_job(town: Town, assigned: int) -> None:
    """The jobs that came go back, and who has none live gets a new one; twice is the same as once."""
    jobs = [town.job(), town.job(place=FAR)]
    actions.assign(town.session, jobs[assigned].id, "pump-1", by="dispatcher")
    incident_ids = [job.incident_id for job in jobs]
    _undo(town, _merge(town, *jobs))
    live = [queries.live_job_of(town.session, incident_id) for incident_id in incident_ids]
    assert all(job is not None for job in live)
    assert live[assigned] is not None
    assert live[assigned].id == jobs[assigned].id  # type: ignore[union-attr]  # asserted just above.


def test_a_merge_that_was_undone_at_once_moves_no_job(town: Town) -> None:
    """News that comes late finds the two apart and leaves them so."""
    one, other = town.job(), town.job(place=FAR)
    survivor = merging.merge_incidents(town.session, one.incident_id, other.incident_id, by="officer", reason="")
    merge = town.session.query(IncidentMerge).one()
    merging.undo_merge(town.session, merge.merged_id, by="officer")
    tasks.follow_merge(
        town.session, IncidentsMerged(merge.id, merge.merged_id, merge.into_id, survivor.number, "n")
    )
    assert town.session.get_one(Job, one.id).state == "open"
    assert town.session.get_one(Job, other.id).incident_id == other.incident_id


def test_news_of_an_incident_that_was_merged_meanwhile_opens_no_job_at_the_signpost(town: Town) -> None:
    """The job is the survivor's, and there is one."""
    one, other = town.incident(), town.incident(place=FAR)
    survivor = merging.merge_incidents(town.session, one.id, other.id, by="officer", reason="")
    for incident in (one, other):
        news = IncidentOpened(incident.id, incident.number, "flooded_road", 3, ("pump",), 100.0, 8.0, town.now)
        tasks.open_job(town.session, news)
    assert [job.incident_id for job in town.session.query(Job)] == [survivor.id]
