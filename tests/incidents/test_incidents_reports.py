"""Reports become incidents, neighbours' reports join, states change only as they may, reporters hear once a change."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock, sealing
from core.errors import InvalidInputError, NotFoundError
from core.events import EventRecord
from gis.citypack.layers import LayerMeta, LayerRows
from gis.points import LonLat
from incidents import actions, agencies, citypack, promise_queries, queries, routing, telling
from incidents.errors import WrongStateError
from incidents.models import Agency, Category, Incident, IncidentChange, Report
from incidents.rules import NewReport
from line.models import OutboxChunk

if TYPE_CHECKING:
    from tests.incidents.conftest import Talker

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
PLACE = LonLat(lon=99.960, lat=8.430)
NEXT_DOOR = LonLat(lon=99.9604, lat=8.430)  # 44 m east
FAR = LonLat(lon=99.962, lat=8.430)  # 220 m east


def _report(
    session: Session, *, place: LonLat = PLACE, resident_id: int | None = None, category: str = "flooded_road"
) -> tuple[Report, Incident]:
    new = NewReport(
        text="น้ำท่วมซอย มี 3 คน", category_code=category, place=place, place_source="pin", resident_id=resident_id
    )
    return actions.receive_report(session, new)


def _told(session: Session) -> list[tuple[str, str]]:
    """(LINE id, text) of every push about an incident, in their order; what waits is told first."""
    clock.freeze(lambda: NOW + timedelta(minutes=3))
    telling.tell_due(session)
    clock.freeze(lambda: NOW)
    chunks = session.scalars(
        sa.select(OutboxChunk).where(OutboxChunk.subject.startswith("incident:")).order_by(OutboxChunk.id)
    )
    return [(json.loads(sealing.unseal(chunk.to_sealed))[0], chunk.messages[0]["text"]) for chunk in chunks]


def test_loading_the_categories_twice_changes_nothing(town: Session) -> None:
    """A city's own promise hours survive the next start."""
    town.execute(sa.update(Category).where(Category.code == "road").values(promise_hours=72))
    assert actions.load_categories(town) == 0
    assert town.scalar(sa.select(sa.func.count()).select_from(Category)) == 24
    assert town.get_one(Category, "road").promise_hours == 72


def test_a_report_opens_an_incident_with_all_it_needs(town: Session) -> None:
    """Number, agency, promise, place in words, people, and news for the rooms above."""
    report, incident = _report(town)
    assert incident.number.startswith("2569-")
    assert len(incident.number) == 11
    assert (incident.state, incident.agency_code, incident.people) == ("new", "works", 3)
    assert incident.promised_at == NOW + timedelta(hours=24)
    assert incident.place_label_th
    assert report.join_terms is None
    event = town.scalar(sa.select(EventRecord).where(EventRecord.name == "incidents.incident_opened"))
    assert event is not None
    assert event.payload["needs"] == ["pump", "drain", "road"]


def test_numbers_never_repeat(town: Session) -> None:
    """Each incident has a number of its own."""
    numbers = {_report(town, category=code)[1].number for code in ("fallen_tree", "noise", "bridge")}
    assert len(numbers) == 3


def test_two_reports_50_m_apart_become_one_incident(town: Session) -> None:
    """Neighbours who report the same flood within minutes describe one incident, and the join says why."""
    _, first = _report(town)
    report, second = _report(town, place=NEXT_DOOR)
    assert first.id == second.id
    assert second.report_count == 2
    assert report.join_terms is not None
    assert {"place", "crowd", "time", "words"} <= set(report.join_terms["terms"])


def test_far_late_or_other_reports_open_their_own(town: Session, frozen_clock: Callable[[datetime], None]) -> None:
    """220 m away, the day after, or about a tree: another incident.

    A flood lasts for hours: the hour after which reports no longer joined was too short, and opened it again and again.
    """
    first = _report(town)[1].id
    assert _report(town, place=FAR)[1].id != first
    assert _report(town, category="fallen_tree")[1].id != first
    frozen_clock(NOW + timedelta(minutes=61))
    assert _report(town)[1].id == first
    frozen_clock(NOW + timedelta(hours=25))
    assert _report(town)[1].id != first


def test_rescues_of_two_houses_are_two_incidents(town: Session) -> None:
    """44 m apart, two families in danger are never taken for one."""
    assert _report(town, category="rescue")[1].id != _report(town, category="rescue", place=NEXT_DOOR)[1].id


def test_a_finished_incident_takes_no_more_reports(town: Session) -> None:
    """What was mended and comes back is a new incident."""
    _, first = _report(town)
    actions.advance_state(town, first.id, "done", by="officer", reason="")
    assert _report(town)[1].id != first.id


def test_an_unknown_category_is_refused(town: Session) -> None:
    """A sentence says which category there is not."""
    with pytest.raises(NotFoundError, match="nonsense"):
        _report(town, category="nonsense")


def test_every_reporter_hears_every_change_once(town: Session, malee: Talker, somchai: Talker) -> None:
    """Two reporters, two changes apart in time: four messages, each in its reader's language, none for anybody else."""
    _, incident = _report(town, resident_id=malee.resident.id)
    _report(town, resident_id=somchai.resident.id, place=NEXT_DOOR)
    _report(town, resident_id=malee.resident.id)
    actions.change_state(town, incident.id, "accepted", by="officer", reason="")
    _told(town)
    actions.change_state(town, incident.id, "in_progress", by="officer", reason="")
    told = _told(town)
    assert len(told) == 4
    assert len({(who, text) for who, text in told}) == 4
    assert ["กำลังดำเนินการ" in told[2][1], "under way" in told[3][1]] == [True, True]


def test_walking_through_states_tells_reporters_once(town: Session, malee: Talker) -> None:
    """Accepted and in progress at once is one message, and both lines of history."""
    _, incident = _report(town, resident_id=malee.resident.id)
    note = {"th": "ชุดเรือ 1 รับงานแล้ว", "en": "Boat 1 has taken it on"}
    actions.advance_state(town, incident.id, "in_progress", by="dispatcher", reason="boat-1", note=note)
    assert len(_told(town)) == 1
    assert "ชุดเรือ 1" in _told(town)[0][1]
    assert [change.to_state for change in queries.change_rows(town, incident.id)] == ["new", "accepted", "in_progress"]
    actions.advance_state(town, incident.id, "in_progress", by="dispatcher", reason="again")
    assert len(_told(town)) == 1


def test_the_finishing_message_carries_the_crews_note(town: Session, malee: Talker) -> None:
    """Done says what was done and asks whether all is well; only then does the telling count."""
    _, incident = _report(town, resident_id=malee.resident.id)
    actions.advance_state(town, incident.id, "done", by="pump-1", reason="สูบน้ำออกแล้ว")
    assert "สูบน้ำออกแล้ว" in _told(town)[-1][1]
    telling = queries.reporters_told(town)[0]
    assert (telling.reporters, telling.told, telling.is_told) == (1, 0, False)
    town.execute(sa.update(OutboxChunk).values(state="accepted", accepted_at=NOW))
    assert queries.reporters_told(town)[0].is_told


def test_a_reporter_who_blocked_us_is_not_written_to(town: Session, malee: Talker) -> None:
    """An unreachable resident gets no message; the change stands all the same."""
    _, incident = _report(town, resident_id=malee.resident.id)
    malee.resident.is_reachable = False
    town.flush()
    actions.change_state(town, incident.id, "rejected", by="officer", reason="นอกเขต")
    assert _told(town) == []
    assert town.get_one(Incident, incident.id).closed_at == NOW


def test_a_step_that_does_not_exist_changes_nothing(town: Session) -> None:
    """No state, no history, no message."""
    _, incident = _report(town)
    with pytest.raises(WrongStateError):
        actions.change_state(town, incident.id, "closed", by="officer", reason="")
    assert town.get_one(Incident, incident.id).state == "new"
    assert town.scalar(sa.select(sa.func.count()).select_from(IncidentChange)) == 1


def _agency_rows(categories: str, area_code: str | None = None) -> LayerRows:
    meta = LayerMeta(1, "agencies", "agencies", "agencies.csv", "test", "test", None, "simulated", 1)
    fields = {
        "code": ["NEW"], "name_th": ["งานใหม่"], "name_en": [None], "categories": [categories], "area_code": [area_code]
    }
    return LayerRows(meta, [2], fields, None)


def test_agencies_of_a_city_pack_replace_the_old_ones(town: Session) -> None:
    """An open incident of an agency that is gone is the new agency's, and so is the next one; none is nobody's."""
    _, before = _report(town)
    _, ended = _report(town, category="noise")
    actions.change_state(town, ended.id, "rejected", by="officer", reason="นอกเขต")
    assert citypack.load_agencies(town, _agency_rows("drainage; drainage;*")) == 1
    town.expire_all()
    assert town.get_one(Incident, before.id).agency_code == "NEW"
    assert town.get_one(Incident, ended.id).agency_code is None
    assert _report(town, place=FAR)[1].agency_code == "NEW"


def test_an_agency_with_an_unknown_category_is_refused_by_row(town: Session) -> None:
    """The sentence names the row, the field and what it could be."""
    with pytest.raises(InvalidInputError, match="row 2, column categories: 'dragons'"):
        citypack.load_agencies(town, _agency_rows("drainage;dragons"))


@pytest.mark.parametrize(("categories", "area_code"), [("drainage", None), ("*", "C1"), ("drainage;works", "C1")])
def test_agencies_without_one_for_everything_else_are_refused(
    town: Session, categories: str, area_code: str | None
) -> None:
    """Without an agency of the whole city that takes what nobody else takes a report could be nobody's."""
    with pytest.raises(InvalidInputError, match=r"one of them needs \* among its categories and no area_code"):
        citypack.load_agencies(town, _agency_rows(categories, area_code))


def test_an_agency_of_an_area_that_is_not_there_is_refused_by_row(town: Session) -> None:
    """Its incidents would reach nobody; the sentence names the row."""
    with pytest.raises(InvalidInputError, match="row 2, column area_code: 'C9' is no area of the city"):
        citypack.load_agencies(town, _agency_rows("*", "C9"))


def test_photos_that_are_no_photos_are_refused_with_a_reason(town: Session) -> None:
    """The report goes on; the reason stands beside the photo."""
    photo_id = actions.note_line_photo(town, "m1")
    assert photo_id == actions.note_line_photo(town, "m1")
    actions.keep_line_photo(town, photo_id, b"GIF89a")
    with pytest.raises(NotFoundError):
        queries.photo(town, photo_id)


def test_without_any_agency_the_desk_is_made_and_gives_its_work_to_who_comes(town: Session) -> None:
    """A city without a layer of agencies; later a clerk comes and has what nobody had."""
    town.execute(sa.delete(Agency))
    new = NewReport(text="ไฟดับ", category_code="other", place=PLACE, place_source="pin")
    incident = actions.receive_report(town, new)[1]
    assert incident.agency_code == routing.DESK_CODE
    assert town.get_one(Agency, routing.DESK_CODE).name_th == "ศูนย์รับเรื่องของเทศบาล"
    town.add(Agency(code="clerk", name_th="ธุรการ", name_en="Clerk", categories=["*"], trust="simulated"))
    town.execute(sa.delete(Agency).where(Agency.code == routing.DESK_CODE))
    assert agencies.adopt_orphans(town, now=NOW) == 1
    assert agencies.adopt_orphans(town, now=NOW) == 0
    assert [row.code for row in promise_queries.reached_rows(town, incident.id)] == ["clerk"]
