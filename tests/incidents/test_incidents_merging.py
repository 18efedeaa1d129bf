"""Merging, splitting, undoing: nothing of a resident is lost, every reporter hears once, officers do not collide."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock, sealing
from core.db import transaction
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.events import EventRecord
from gis.points import LonLat
from incidents import actions, merging, near_queries, queries, telling
from incidents.errors import AlreadyMergedError, WrongStateError
from incidents.models import Incident, IncidentLikeness, IncidentMerge, Photo, Report, ReporterNotice
from incidents.rules import NewReport
from line.models import OutboxChunk

if TYPE_CHECKING:
    from tests.incidents.conftest import Talker

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
PLACE = LonLat(lon=99.960, lat=8.430)
FAR = LonLat(lon=99.963, lat=8.430)  # 330 m east


def _report(
    session: Session, *, place: LonLat = PLACE, by: Talker | None = None, category: str = "road",
    text: str = "ถนนเป็นหลุม", photo_ids: tuple[int, ...] = (),
) -> Incident:
    resident_id = by.resident.id if by else None
    return actions.receive_report(
        session, NewReport(text, category, place, "pin", resident_id=resident_id, photo_ids=photo_ids)
    )[1]


def _told(session: Session) -> list[tuple[str, str]]:
    """(LINE id, text) of every push about an incident, in their order; what waits is told first."""
    now = clock.now()
    clock.freeze(lambda: now + timedelta(minutes=3))
    telling.tell_due(session)
    clock.freeze(lambda: now)
    chunks = session.scalars(
        sa.select(OutboxChunk).where(OutboxChunk.subject.startswith("incident")).order_by(OutboxChunk.id)
    )
    return [(json.loads(sealing.unseal(chunk.to_sealed))[0], chunk.messages[0]["text"]) for chunk in chunks]


def _events(session: Session, name: str) -> list[dict[str, object]]:
    return list(session.scalars(sa.select(EventRecord.payload).where(EventRecord.name == f"incidents.{name}")))


def _merge(session: Session, one: Incident, other: Incident) -> Incident:
    return merging.merge_incidents(session, one.id, other.id, by="officer", reason="")


def test_everything_of_both_is_at_the_survivor(town: Session, malee: Talker, somchai: Talker) -> None:
    """Reports, photos and counts move; the merged one is a closed signpost with its own number and history."""
    photo_id = actions.note_line_photo(town, "m1")
    first = _report(town, by=malee)
    second = _report(town, place=FAR, by=somchai, text="หลุมใหญ่ มี 2 คน ล้ม", photo_ids=(photo_id,))
    assert _merge(town, second, first).id == first.id
    assert (first.report_count, first.people, second.report_count) == (2, 2, 0)
    assert (second.state, second.merged_into_id) == ("closed", first.id)
    assert town.get_one(Photo, photo_id).incident_id == first.id
    assert set(town.scalars(sa.select(Report.incident_id))) == {first.id}
    assert near_queries.surviving_id(town, second.id) == first.id
    assert first.number in queries.change_rows(town, second.id)[-1].reason
    assert second.number in queries.change_rows(town, first.id)[-1].reason
    assert _events(town, "incidents_merged")[0]["into_id"] == first.id


def test_reporters_of_both_are_told_once_in_one_message(town: Session, malee: Talker, somchai: Talker) -> None:
    """Who reported both hears once; the message says where to follow it and how many people reported it."""
    first = _report(town, by=malee)
    second = _report(town, place=FAR, by=somchai)
    _report(town, place=FAR, by=malee)
    assert _told(town) == []
    _merge(town, first, second)
    told = _told(town)
    assert len(told) == 2
    assert {who for who, _ in told} == {malee.line_user_id, somchai.line_user_id}
    assert all(first.number in text and second.number in text and "2" in text for _, text in told)


def test_the_graver_survives_then_the_further_on_then_the_older(town: Session) -> None:
    """A rescue never goes under in a flooded road, whichever an officer opened."""
    flood = _report(town, category="flooded_home", text="น้ำท่วม")
    rescue = _report(town, place=FAR, category="rescue", text="ช่วยด้วย")
    assert _merge(town, flood, rescue).id == rescue.id
    older = _report(town, category="noise", text="เสียงดัง")
    further = _report(town, place=FAR, category="noise", text="เสียงดัง")
    actions.change_state(town, further.id, "accepted", by="officer", reason="")
    assert _merge(town, older, further).id == further.id


def test_the_earlier_promise_is_kept(town: Session, frozen_clock: Callable[[datetime], None]) -> None:
    """Merging never gives the city more time."""
    first = _report(town)
    promised_at = first.promised_at
    frozen_clock(NOW + timedelta(hours=10))
    second = _report(town, place=FAR)
    actions.change_state(town, second.id, "accepted", by="officer", reason="")
    assert _merge(town, first, second).id == second.id
    assert second.promised_at == promised_at


def test_only_two_open_incidents_are_merged(town: Session) -> None:
    """Not with itself, not with one that is done, not twice; each time in a sentence."""
    first, second, third = _report(town), _report(town, place=FAR), _report(town, category="noise", text="เสียงดัง")
    with pytest.raises(InvalidInputError):
        _merge(town, first, first)
    with pytest.raises(NotFoundError):
        merging.merge_incidents(town, first.id, 999_999, by="officer", reason="")
    actions.advance_state(town, third.id, "done", by="officer", reason="")
    with pytest.raises(WrongStateError, match="done"):
        _merge(town, first, third)
    _merge(town, first, second)
    with pytest.raises(AlreadyMergedError, match=first.number):
        _merge(town, second, first)


def test_a_merged_incident_goes_no_way_of_its_own(town: Session) -> None:
    """Its state changes with the survivor's, never by itself."""
    first, second = _report(town), _report(town, place=FAR)
    _merge(town, first, second)
    with pytest.raises(AlreadyMergedError):
        actions.change_state(town, second.id, "reopened", by="officer", reason="")


def test_undone_each_has_what_it_had(town: Session, malee: Talker, somchai: Talker) -> None:
    """Reports, photos, counts, state and promise; a report that came since stays with the survivor."""
    photo_id = actions.note_line_photo(town, "m1")
    first = _report(town, by=malee)
    second = _report(town, place=FAR, by=somchai, text="หลุมใหญ่ มี 2 คน ล้ม", photo_ids=(photo_id,))
    promised_at = first.promised_at
    actions.change_state(town, second.id, "accepted", by="officer", reason="")
    actions.change_state(town, first.id, "accepted", by="officer", reason="")
    _merge(town, first, second)
    _report(town, text="ถนนเป็นหลุม อีกครั้ง")
    assert merging.undo_merge(town, second.id, by="officer").id == second.id
    assert (first.report_count, first.people, first.promised_at) == (2, None, promised_at)
    assert (second.report_count, second.people, second.state) == (1, 2, "accepted")
    assert second.merged_into_id is None
    assert second.closed_at is None
    assert town.get_one(Photo, photo_id).incident_id == second.id
    told = _told(town)
    assert [who for who, text in told if "แยก" in text or "case of its own" in text] == [somchai.line_user_id], told
    assert near_queries.perhaps_same(town, first.id) == []
    with pytest.raises(WrongStateError):
        merging.undo_merge(town, second.id, by="officer")


def test_merges_are_undone_from_the_last(town: Session) -> None:
    """What was merged into something that was itself merged comes apart in the order in which it came together."""
    first, second = _report(town), _report(town, place=FAR)
    third = _report(town, place=LonLat(lon=99.966, lat=8.430))
    _merge(town, second, third)
    _merge(town, first, second)
    assert near_queries.surviving_id(town, third.id) == first.id
    with pytest.raises(AlreadyMergedError, match="undo that first"):
        merging.undo_merge(town, third.id, by="officer")
    merging.undo_merge(town, second.id, by="officer")
    assert second.report_count == 2
    merging.undo_merge(town, third.id, by="officer")
    assert [first.report_count, second.report_count, third.report_count] == [1, 1, 1]


def test_notices_go_along_and_come_back(town: Session, malee: Talker) -> None:
    """What a reporter was told before is with the incident at which the report is."""
    first, second = _report(town), _report(town, place=FAR, by=malee)
    actions.change_state(town, second.id, "accepted", by="officer", reason="")
    actions.change_state(town, first.id, "accepted", by="officer", reason="")
    _merge(town, first, second)
    assert set(town.scalars(sa.select(ReporterNotice.incident_id))) == {first.id}
    merging.undo_merge(town, second.id, by="officer")
    assert town.scalars(sa.select(ReporterNotice.incident_id).order_by(ReporterNotice.change_id)).first() == second.id


def test_split_reports_are_an_incident_of_their_own(
    town: Session, malee: Talker, somchai: Talker, frozen_clock: Callable[[datetime], None]
) -> None:
    """It is promised from when its first report came, the sender hears its number, and it is not joined again."""
    photo_id = actions.note_line_photo(town, "m1")
    first = _report(town, by=malee)
    _report(town, by=somchai, text="ถนนเป็นหลุม มี 3 คน", photo_ids=(photo_id,))
    reports = near_queries.reports_of(town, first.id)
    frozen_clock(NOW + timedelta(hours=5))
    own = merging.split_reports(town, first.id, [reports[1].id], by="officer", reason="คนละหลุม")
    assert (own.opened_at, own.promised_at) == (NOW, NOW + timedelta(hours=48))
    assert (first.report_count, first.people, own.report_count, own.people) == (1, None, 1, 3)
    assert town.get_one(Photo, photo_id).incident_id == own.id
    assert [(who, own.number in text) for who, text in _told(town)] == [(somchai.line_user_id, True)]
    assert near_queries.perhaps_same(town, own.id) == []
    assert _events(town, "incident_opened")[-1]["incident_id"] == own.id


def test_without_its_first_report_an_incident_begins_with_the_next(town: Session) -> None:
    """Summary and place are those of what stayed."""
    first = _report(town, text="ถนนเป็นหลุม หน้าวัด")
    _report(town, place=LonLat(lon=99.96005, lat=8.430), text="หลุมใหญ่หน้าวัด")
    reports = near_queries.reports_of(town, first.id)
    merging.split_reports(town, first.id, [reports[0].id], by="officer", reason="")
    assert first.summary == "หลุมใหญ่หน้าวัด"
    assert queries.place_of(town, first.id) == LonLat(lon=99.96005, lat=8.430)


def test_a_split_leaves_something_and_takes_only_its_own(town: Session) -> None:
    """All reports, none, or another incident's are refused."""
    first, other = _report(town), _report(town, place=FAR)
    ids = [report.id for report in near_queries.reports_of(town, first.id)]
    others = [report.id for report in near_queries.reports_of(town, other.id)]
    for chosen in (ids, [], others):
        with pytest.raises(InvalidInputError):
            merging.split_reports(town, first.id, chosen, by="officer", reason="")


def test_what_is_in_doubt_is_shown_until_an_officer_has_decided(town: Session) -> None:
    """Two holes 40 m apart: one link, seen from both sides, gone with one word."""
    first = _report(town)
    second = _report(town, place=LonLat(lon=99.96036, lat=8.430))
    assert first.id != second.id
    assert [row[0] for row in near_queries.perhaps_same(town, first.id)] == [second.id]
    assert [row[0] for row in near_queries.perhaps_same(town, second.id)] == [first.id]
    merging.keep_apart(town, first.id, second.id, by="officer")
    assert near_queries.perhaps_same(town, second.id) == []
    link = town.get_one(IncidentLikeness, (second.id, first.id))
    assert (link.verdict, link.decided_by) == ("different", "officer")
    _merge(town, first, second)
    with pytest.raises(ConflictError):
        merging.keep_apart(town, first.id, second.id, by="officer")


def test_later_words_photos_and_pins_find_the_survivor(town: Session, malee: Talker) -> None:
    """Who still holds the old number loses nothing."""
    first, second = _report(town), _report(town, place=FAR, by=malee)
    _merge(town, first, second)
    actions.add_words(town, incident_id=second.id, resident_id=malee.resident.id, text="มี 5 คน")
    photo_id = actions.note_line_photo(town, "m9")
    actions.attach_photo(town, photo_id=photo_id, incident_id=second.id)
    assert town.get_one(Incident, first.id).people == 5
    assert town.get_one(Photo, photo_id).incident_id == first.id


def test_two_officers_at_once_merge_once(
    database: sa.Engine, frozen_clock: object, fill: Callable[[Session], None]
) -> None:
    """One of them gets a sentence; nothing is counted twice, whichever way round they asked."""
    with transaction() as session:
        fill(session)
        ids = [_report(session).id, _report(session, place=FAR).id]

    def merge(order: int) -> str:
        with transaction() as session:
            try:
                merging.merge_incidents(session, ids[order], ids[1 - order], by=f"officer-{order}", reason="")
            except AlreadyMergedError:
                return "refused"
            return "merged"

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(merge, (0, 1, 0, 1)))
    assert answers == ["merged", "refused", "refused", "refused"]
    with transaction() as session:
        assert session.scalars(sa.select(Incident.report_count).order_by(Incident.id)).all() == [2, 0]
        assert session.scalar(sa.select(sa.func.count()).select_from(IncidentMerge)) == 1


def test_a_report_that_comes_in_mid_merge_is_with_the_survivor(
    database: sa.Engine, frozen_clock: object, fill: Callable[[Session], None]
) -> None:
    """Reports pour in while two incidents are merged and parted again: none is lost, none at a signpost."""
    near = LonLat(lon=99.96036, lat=8.430)
    with transaction() as session:
        fill(session)
        first, second = _report(session).id, _report(session, place=near).id

    def report(number: int) -> None:
        with transaction() as session:
            _report(session, place=near if number % 2 else PLACE)

    def merge_and_part(_: int) -> None:
        with transaction() as session:
            merging.merge_incidents(session, first, second, by="officer", reason="")
        with transaction() as session:
            merging.undo_merge(session, second, by="officer")
        with transaction() as session:
            merging.merge_incidents(session, first, second, by="officer", reason="")

    with ThreadPoolExecutor(5) as pool:
        parted = pool.submit(merge_and_part, 0)
        list(pool.map(report, range(24)))
        parted.result()
    with transaction() as session:
        rows = session.execute(
            sa.select(Incident.report_count, Incident.merged_into_id, sa.func.count(Report.id))
            .outerjoin(Report, Report.incident_id == Incident.id)
            .group_by(Incident.id)
        ).all()
    assert sum(count for *_, count in rows) == 26
    assert all(told == count for told, _, count in rows)
    assert all(count == 0 for _, merged_into_id, count in rows if merged_into_id is not None)
