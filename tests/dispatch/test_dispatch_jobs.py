"""Jobs open, are ranked, given and told of; crews' events change a job once and never back; residents hear of it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock, sealing
from core.errors import InvalidInputError, NotFoundError
from core.events import EventRecord
from dispatch import actions, citypack, queries, ranking, suggestions, tasks
from dispatch.actions import CrewEvent
from dispatch.errors import JobTakenError, NotYourJobError
from dispatch.events import JobAssigned
from dispatch.models import Crew, Job, JobEvent
from flood.events import FloodRedrawn
from flood.queries import current_run
from gis.citypack.layers import LayerMeta, LayerRows
from gis.points import LonLat
from incidents import actions as incident_actions
from incidents import telling
from incidents.events import IncidentChanged, IncidentMoved
from incidents.models import Incident
from line.models import OutboxChunk
from staff.rules import AccountRef

if TYPE_CHECKING:
    from tests.dispatch.conftest import Town

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
FAR = LonLat(lon=100.015, lat=8.010)
PUMP = AccountRef(1, "pump-one", "Pump 1", frozenset({"crew"}), "pump-1")
CAR = AccountRef(2, "pump-two", "Pump 2", frozenset({"crew"}), "pump-2")
BOAT = AccountRef(3, "boat-one", "Boat 1", frozenset({"crew"}), "boat-1")


def _event(kind: str, note: str | None = None, *, at: datetime = NOW) -> CrewEvent:
    return CrewEvent(uuid.uuid4(), kind, at, note)


def _told(session: Session) -> list[str]:
    """What reporters have heard two minutes later, in its order."""
    clock.freeze(lambda: NOW + timedelta(minutes=2))
    telling.tell_due(session)
    clock.freeze(lambda: NOW)
    chunks = session.scalars(
        sa.select(OutboxChunk).where(OutboxChunk.subject.startswith("incident:")).order_by(OutboxChunk.id)
    )
    return [chunk.messages[0]["text"] for chunk in chunks]


def _offers(session: Session, job: Job) -> dict[str, str]:
    return {found.crew_code: found.reason_key for found in queries.suggestions(session, job.id)}


def _events(session: Session, name: str) -> int:
    return session.scalar(sa.select(sa.func.count()).where(EventRecord.name == name)) or 0


# ── Opening and ranking ──────────────────────────────────────────────────────────────────────────────────────────────


def test_an_incident_opens_one_job_and_only_where_a_crew_goes(town: Town) -> None:
    """A flooded street gets a job once; a noisy neighbour gets none."""
    incident = town.incident()
    first = actions.open_job(town.session, incident.id)
    second = actions.open_job(town.session, incident.id)
    assert first is not None
    assert second is not None
    assert first.id == second.id
    assert actions.open_job(town.session, town.incident(category="noise").id) is None


def test_a_priority_keeps_its_terms_and_the_version_of_its_weights(town: Town) -> None:
    """What made the score stands beside it, with the weights it was made with."""
    job = town.job(category="rescue")
    assert (job.tier, job.weights_version) == (1, 1)
    assert [term["name"] for term in job.terms] == ["tier", "depth", "rise", "vulnerable", "people", "age"]
    assert job.score == pytest.approx(100 * sum(t["value"] * t["weight"] for t in job.terms), abs=0.05)


def test_waiting_raises_the_score_inside_the_tier(town: Town, frozen_clock: Callable[[datetime], None]) -> None:
    """An hour later the same job is a little more urgent, in the same tier."""
    job = town.job()
    before = job.score
    frozen_clock(NOW + timedelta(hours=1))
    tasks.age_priorities.run(town.session)
    assert job.score > before
    assert job.tier == 3


def test_jobs_are_listed_by_tier_then_score(town: Town) -> None:
    """A life comes before a street, whatever came first."""
    town.job(category="fallen_tree")
    town.job(category="rescue", place=FAR)
    assert [row.tier for row in queries.job_rows(town.session, ended_limit=10)] == [1, 3]


# ── Suggestions ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_nearest_capable_crew_by_road_comes_first(town: Town) -> None:
    """Crews are ranked by travel time; those that cannot are shown with the reason."""
    town.session.execute(sa.update(Crew).where(Crew.code == "pump-2").values(position="SRID=4326;POINT(100.018 8.0)"))
    job = town.job()
    suggestions.draw_suggestions(town.session)
    found = actions.suggest(town.session, job.id)
    assert [one.crew_code for one in found if not one.is_excluded] == ["pump-2", "pump-1"]
    assert _offers(town.session, job)["elec-1"] == "reason-cannot"
    route = found[0].route
    assert route is not None
    assert route["type"] == "LineString"


def test_a_flooded_street_is_gone_round_and_a_flooded_town_cuts_off(town: Town) -> None:
    """The car takes the long dry way; with all streets deep it is cut off while the boat is not."""
    job = town.job(category="supplies", place=EAST_PLACE)
    pump = town.job(category="flooded_road", place=EAST_PLACE)
    suggestions.draw_suggestions(town.session)
    dry = {one.crew_code: one for one in queries.suggestions(town.session, pump.id)}
    town.flood(s2=0.35)
    suggestions.draw_suggestions(town.session)
    wet = {one.crew_code: one for one in queries.suggestions(town.session, pump.id)}
    assert (wet["pump-2"].distance_m or 0) > 1.5 * (dry["pump-2"].distance_m or 0)
    town.flood(s1=1.2, s2=1.2, s3=1.2)
    suggestions.draw_suggestions(town.session)
    assert _offers(town.session, pump)["pump-2"] == "reason-cut-off"
    assert _offers(town.session, job)["boat-1"] != "reason-cut-off-boat"
    assert queries.suggestions(town.session, pump.id)[0].route is None


EAST_PLACE = LonLat(lon=100.020, lat=8.000)


def test_a_busy_crew_is_said_to_be_busy(town: Town) -> None:
    """A crew with a job is left out of the others, but not of its own."""
    first, second = town.job(), town.job(place=FAR)
    suggestions.draw_suggestions(town.session)
    actions.assign(town.session, first.id, "pump-1", by="dispatcher")
    suggestions.draw_suggestions(town.session)
    assert _offers(town.session, second)["pump-1"] == "reason-busy"
    assert _offers(town.session, first)["pump-1"] == "reason-way"


def test_those_that_wait_are_drawn_together_once_the_most_urgent_first(town: Town) -> None:
    """In a storm those that come first have their crews first; who has them already is drawn again after a change."""
    tree, life, street = town.job(category="fallen_tree"), town.job(category="rescue", place=FAR), town.job()
    assert suggestions.draw_due(town.session, most=1) == 1
    assert [bool(_offers(town.session, job)) for job in (life, street, tree)] == [True, False, False]
    assert [suggestions.draw_due(town.session, most=10) for _ in range(2)] == [2, 0]
    assert all(_offers(town.session, job) for job in (life, street, tree))
    assert _events(town.session, "dispatch.suggestions_drawn") == 2
    actions.assign(town.session, street.id, "pump-1", by="dispatcher")
    assigned = JobAssigned(street.id, street.incident_id, "pump-1", "dispatcher", has_route=True)
    tasks.suggest_after_assignment(town.session, assigned)
    tasks.draw_suggestions.run(town.session)
    assert _offers(town.session, life)["pump-1"] in {"reason-busy", "reason-cannot"}
    assert _events(town.session, "dispatch.suggestions_drawn") == 3


def test_a_job_at_a_better_known_place_is_drawn_again(town: Town) -> None:
    """Its way is another one; other jobs keep theirs."""
    moved, other = town.job(), town.job(place=FAR)
    tasks.draw_suggestions.run(town.session)
    tasks.follow_incident(town.session, IncidentMoved(moved.incident_id, "n", 100.02, 8.0))
    assert queries.jobs_to_draw(town.session, change=queries.change(town.session), most=10) == [moved.id]
    assert other.drawn_change is not None


def test_many_jobs_are_ranked_in_as_many_statements_as_one(town: Town) -> None:
    """Thousands wait in a storm, and every minute makes each of them older."""

    def asked() -> int:
        count = 0

        def note(*_: object) -> None:
            nonlocal count
            count += 1

        connection = town.session.connection()
        sa.event.listen(connection, "before_cursor_execute", note)
        ranking.rank(town.session)
        sa.event.remove(connection, "before_cursor_execute", note)
        return count

    jobs = [town.job(category="supplies")]
    alone = asked()
    jobs += [town.job(category="rescue", place=LonLat(lon=100.0 + 0.001 * n, lat=8.0)) for n in range(8)]
    clock.freeze(lambda: NOW + timedelta(minutes=10))
    before = [job.score for job in jobs]
    assert asked() == alone
    assert all(job.score > was for job, was in zip(jobs, before, strict=True))


def test_an_old_picture_of_the_flood_is_passed_over(town: Town) -> None:
    """Only the newest picture makes what is drawn old; the others would be work for nothing."""
    job = town.job()
    town.flood(s2=0.2)
    tasks.draw_suggestions.run(town.session)

    def due_after(run_id: int) -> list[int]:
        tasks.suggest_after_flood(town.session, FloodRedrawn(run_id, None, {}, {}, is_without_data=False))
        return queries.jobs_to_draw(town.session, change=queries.change(town.session), most=10)

    assert due_after(-1) == []
    newest = current_run(town.session)
    assert newest is not None
    assert due_after(newest.id) == [job.id]


def test_a_town_without_streets_offers_nobody_and_breaks_nothing(town: Town) -> None:
    """Dispatchers can still choose by hand."""
    job = town.job()
    town.session.execute(sa.text("DELETE FROM road"))
    assert suggestions.draw_suggestions(town.session) == 0
    actions.assign(town.session, job.id, "pump-1", by="dispatcher")
    assert job.state == "assigned"


# ── Giving and telling ───────────────────────────────────────────────────────────────────────────────────────────────


def test_an_assignment_tells_the_reporter_in_one_message(town: Town) -> None:
    """Accepted and in progress are one message with the crew's name; the same crew again is no news."""
    job = town.job(by=town.resident())
    suggestions.draw_suggestions(town.session)
    actions.assign(town.session, job.id, "pump-1", by="dispatcher")
    actions.assign(town.session, job.id, "pump-1", by="dispatcher")
    assert town.session.get_one(Incident, job.incident_id).state == "in_progress"
    assert len(_told(town.session)) == 1
    assert "ชุด pump-1" in _told(town.session)[0]
    assert job.route is not None
    actions.assign(town.session, job.id, "pump-2", by="dispatcher")
    assert len(_told(town.session)) == 1


def test_a_way_that_was_not_known_at_the_assignment_is_filled_in(town: Town) -> None:
    """The crew gets its route as soon as it has been worked out."""
    job = town.job()
    actions.assign(town.session, job.id, "pump-1", by="dispatcher")
    assert job.route is None
    suggestions.draw_suggestions(town.session)
    row = queries.job_row(town.session, job.id)
    assert row.route is not None
    assert (row.travel_s or 0) > 0


def test_a_job_from_open_to_done_tells_the_note(town: Town) -> None:
    """Four taps; the incident is done, the reporter reads the crew's note, the crew stands where it worked."""
    job = town.job(by=town.resident())
    actions.assign(town.session, job.id, "pump-1", by="dispatcher")
    assert len(_told(town.session)) == 1
    for kind in ("accept", "depart", "arrive"):
        actions.apply_event(town.session, job.id, _event(kind), account=PUMP)
    answer = actions.apply_event(town.session, job.id, _event("finish", "สูบน้ำเสร็จแล้ว"), account=PUMP)
    assert answer == actions.EventAnswer("done", is_late=False, is_repeated=False)
    assert town.session.get_one(Incident, job.incident_id).state == "done"
    assert len(_told(town.session)) == 2
    assert "สูบน้ำเสร็จแล้ว" in _told(town.session)[-1]
    crew = next(c for c in queries.crews(town.session) if c.code == "pump-1")
    assert (round(crew.lon, 3), crew.job_id) == (100.020, None)


def test_ten_replays_of_one_event_change_nothing(town: Town) -> None:
    """A phone that sends again gets its first answer; nobody hears twice."""
    job = town.job(by=town.resident())
    actions.assign(town.session, job.id, "pump-1", by="dispatcher")
    finish = _event("finish", "เสร็จ")
    first = actions.apply_event(town.session, job.id, finish, account=PUMP)
    changes, told = _events(town.session, "dispatch.job_changed"), _told(town.session)
    for _ in range(10):
        again = actions.apply_event(town.session, job.id, finish, account=PUMP)
        assert (again.state, again.is_repeated) == (first.state, True)
    assert _events(town.session, "dispatch.job_changed") == changes
    assert _told(town.session) == told
    assert town.session.scalar(sa.select(sa.func.count()).select_from(JobEvent)) == 1


def test_late_events_are_kept_and_regress_nothing(town: Town) -> None:
    """`depart` that arrives after `finish` is history, not a new state."""
    job = town.job()
    actions.assign(town.session, job.id, "pump-1", by="dispatcher")
    actions.apply_event(town.session, job.id, _event("finish"), account=PUMP)
    answer = actions.apply_event(town.session, job.id, _event("depart", at=NOW - timedelta(hours=1)), account=PUMP)
    assert (answer.state, answer.is_late) == ("done", True)
    assert job.state == "done"
    assert town.session.scalar(sa.select(sa.func.count()).select_from(JobEvent)) == 2


def test_done_from_a_crew_that_lost_the_job_still_closes_it(town: Town) -> None:
    """The first crew finished while offline: that counts, and the second crew's later step changes nothing."""
    job = town.job()
    actions.assign(town.session, job.id, "pump-1", by="dispatcher")
    actions.assign(town.session, job.id, "pump-2", by="dispatcher")
    assert actions.apply_event(town.session, job.id, _event("depart"), account=PUMP).is_late
    assert actions.apply_event(town.session, job.id, _event("finish"), account=PUMP).state == "done"
    assert actions.apply_event(town.session, job.id, _event("arrive"), account=CAR).is_late


def test_a_crew_that_never_had_the_job_may_not_tell_of_it(town: Town) -> None:
    """Another crew's job is refused with a sentence."""
    job = town.job()
    actions.assign(town.session, job.id, "pump-1", by="dispatcher")
    with pytest.raises(NotYourJobError):
        actions.apply_event(town.session, job.id, _event("finish"), account=BOAT)
    with pytest.raises(NotYourJobError):
        actions.add_photo(town.session, job.id, b"", account=BOAT)


def test_a_crew_on_its_way_keeps_its_job(town: Town) -> None:
    """After `depart` nobody else can be given the job without a person ending it first."""
    job = town.job()
    actions.assign(town.session, job.id, "pump-1", by="dispatcher")
    actions.apply_event(town.session, job.id, _event("depart"), account=PUMP)
    with pytest.raises(JobTakenError):
        actions.assign(town.session, job.id, "pump-2", by="dispatcher")


def test_a_failed_job_opens_the_next_one(town: Town) -> None:
    """A crew that could not do it leaves the incident waiting for another."""
    job = town.job()
    actions.assign(town.session, job.id, "pump-1", by="dispatcher")
    actions.apply_event(town.session, job.id, _event("fail", "เครื่องสูบเสีย"), account=PUMP)
    following = queries.live_job_of(town.session, job.incident_id)
    assert following is not None
    assert (following.id != job.id, following.state) == (True, "open")


def test_an_incident_closed_by_an_officer_frees_its_crew(town: Town) -> None:
    """No crew drives to what has ended; one opened again needs a crew again."""
    job = town.job()
    actions.assign(town.session, job.id, "pump-1", by="dispatcher")
    incident_actions.advance_state(town.session, job.incident_id, "done", by="officer", reason="")
    done = IncidentChanged(job.incident_id, 1, "n", "in_progress", "done", NOW)
    tasks.follow_incident_state(town.session, done)
    assert job.state == "cancelled"
    tasks.follow_incident_state(town.session, IncidentChanged(job.incident_id, 2, "n", "done", "reopened", NOW))
    assert queries.live_job_of(town.session, job.incident_id) is not None


def test_unknown_jobs_and_crews_are_said_to_be_unknown(town: Town) -> None:
    """A sentence, not a traceback."""
    with pytest.raises(NotFoundError):
        actions.suggest(town.session, 999)
    with pytest.raises(NotFoundError):
        actions.assign(town.session, town.job().id, "nobody", by="dispatcher")


# ── City packs ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _rows(**over: object) -> LayerRows:
    import numpy as np
    import shapely

    fields: dict[str, object] = {
        "code": "truck-9", "name_th": "ชุด 9", "name_en": None, "kind": "road", "capabilities": "road; drain;",
        "vehicle": "truck", "ford_limit_m": None,
    } | over  # fmt: skip
    meta = LayerMeta(1, "crews", "crews", "crews.csv", "test", "test", None, "simulated", 1)
    geoms = np.array([shapely.Point(100.0, 8.0)], dtype=object)
    return LayerRows(meta, [2], {name: [value] for name, value in fields.items()}, geoms)


def test_crews_of_a_city_pack_replace_the_old_ones(town: Town) -> None:
    """New crews are on duty with their default limits; old ones go off duty, since their jobs name them."""
    assert citypack.load_crews(town.session, _rows()) == 1
    assert citypack.load_crews(town.session, _rows()) == 1
    crews = {crew.code: crew for crew in queries.crews(town.session)}
    assert (crews["truck-9"].ford_limit_m, crews["truck-9"].capabilities) == (0.6, ["road", "drain"])
    assert [crew.code for crew in crews.values() if crew.is_on_duty] == ["truck-9"]


@pytest.mark.parametrize(("field", "value"), [("vehicle", "tank"), ("ford_limit_m", 30.0), ("ford_limit_m", -1.0)])
def test_bad_crews_are_refused_by_row_and_field(town: Town, field: str, value: object) -> None:
    """The sentence names the row and the field."""
    with pytest.raises(InvalidInputError, match=f"row 2, column {field}"):
        citypack.load_crews(town.session, _rows(**{field: value}))


def test_nobody_is_told_but_the_reporter(town: Town) -> None:
    """Every push of an incident goes to exactly its reporter."""
    job = town.job(by=town.resident(5))
    actions.assign(town.session, job.id, "pump-1", by="dispatcher")
    assert len(_told(town.session)) == 1
    chunks = town.session.scalars(sa.select(OutboxChunk)).all()
    assert [json.loads(sealing.unseal(chunk.to_sealed)) for chunk in chunks] == [[f"U{5:032x}"]]
