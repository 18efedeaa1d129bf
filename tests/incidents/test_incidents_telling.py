"""Reporters hear of everything, in one message where things come together, at night only what cannot wait."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import sealing
from gis.points import LonLat
from incidents import actions, promise_queries, queries, tasks
from incidents.errors import HandingError, WrongStateError
from incidents.models import Incident, ReporterNotice
from incidents.rules import NewReport
from line.models import OutboxChunk

if TYPE_CHECKING:
    from tests.incidents.conftest import Talker

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)  # Ten in the morning in Bangkok.
NIGHT = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)  # 23:00.
MORNING = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)  # 06:00.
PLACE = LonLat(lon=99.960, lat=8.430)
Clock = Callable[[datetime], None]


def _incident(session: Session, *reporters: Talker, category: str = "flooded_road", lon: float = 99.960) -> Incident:
    incident: Incident | None = None
    for reporter in reporters:
        new = NewReport(
            text="น้ำท่วม", category_code=category, place=LonLat(lon=lon, lat=8.430), place_source="pin",
            resident_id=reporter.resident.id,
        )
        _, incident = actions.receive_report(session, new)
    assert incident is not None
    return incident


def _pushes(session: Session) -> list[tuple[str, dict[str, Any]]]:
    chunks = session.scalars(sa.select(OutboxChunk).where(OutboxChunk.kind == "push").order_by(OutboxChunk.id))
    return [(json.loads(sealing.unseal(chunk.to_sealed))[0], chunk.messages[0]) for chunk in chunks]


def _move(session: Session, incident: Incident, *states: str) -> None:
    for state in states:
        actions.change_state(session, incident.id, state, by="officer", reason="")


def test_ten_changes_within_two_minutes_are_one_message(
    town: Session, malee: Talker, frozen_clock: Clock
) -> None:
    """Not before the time is over, with where it stands and by which way; told again it says nothing more."""
    incident = _incident(town, malee)
    _move(town, incident, "accepted")
    for number in range(4):
        frozen_clock(NOW + timedelta(seconds=20 * number))
        _move(town, incident, "in_progress", "accepted")
    _move(town, incident, "in_progress")
    frozen_clock(NOW + timedelta(seconds=119))
    tasks.tell_reporters.run(town)
    assert _pushes(town) == []
    frozen_clock(NOW + timedelta(seconds=120))
    tasks.tell_reporters.run(town)
    tasks.tell_reporters.run(town)
    ((_, message),) = _pushes(town)
    assert message["text"].startswith(f"เลขที่ {incident.number} น้ำท่วมถนน: กำลังดำเนินการ\nตั้งแต่ครั้งก่อน: มอบหมายแล้ว →")


def test_what_happens_to_two_incidents_of_a_reporter_is_one_message(
    town: Session, malee: Talker, somchai: Talker, frozen_clock: Clock
) -> None:
    """Each with its number; a button names its incident; the other reporter hears of their own only."""
    mine = _incident(town, malee)
    ours = _incident(town, malee, somchai, category="noise")
    actions.advance_state(town, mine.id, "done", by="crew", reason="สูบแล้ว")
    _move(town, ours, "accepted")
    frozen_clock(NOW + timedelta(minutes=2))
    tasks.tell_reporters.run(town)
    pushes = dict(_pushes(town))
    assert len(_pushes(town)) == 2
    both = pushes[malee.line_user_id]
    assert mine.number in both["text"]
    assert ours.number in both["text"]
    labels = [item["action"]["label"] for item in both["quickReply"]["items"]]
    assert labels == [f"{mine.number[-6:]} เรียบร้อยแล้ว", f"{mine.number[-6:]} ยังไม่เรียบร้อย"]
    assert "somebody is in charge" in pushes[somchai.line_user_id]["text"]
    assert mine.number not in pushes[somchai.line_user_id]["text"]
    told = town.scalars(sa.select(OutboxChunk.subject).where(OutboxChunk.kind == "push")).all()
    assert set(told) == {f"incidents:{mine.id},{ours.id}", f"incident:{ours.id}"}


def test_an_urgent_change_takes_the_ordinary_along(town: Session, malee: Talker, frozen_clock: Clock) -> None:
    """Twenty seconds after the boat has set out, with the street that was accepted a minute ago."""
    road, rescue = _incident(town, malee), _incident(town, malee, category="rescue")
    _move(town, road, "accepted")
    frozen_clock(NOW + timedelta(seconds=60))
    _move(town, rescue, "accepted")
    frozen_clock(NOW + timedelta(seconds=80))
    tasks.tell_reporters.run(town)
    ((_, message),) = _pushes(town)
    assert road.number in message["text"]
    assert rescue.number in message["text"]


def test_by_night_the_street_waits_for_the_morning_and_the_rescue_does_not(
    town: Session, malee: Talker, frozen_clock: Clock
) -> None:
    """23:00: the boat's message comes, the street's at six; neither is lost."""
    frozen_clock(NIGHT)
    road, rescue = _incident(town, malee), _incident(town, malee, category="rescue")
    _move(town, road, "accepted")
    _move(town, rescue, "accepted")
    frozen_clock(NIGHT + timedelta(minutes=5))
    tasks.tell_reporters.run(town)
    ((_, message),) = _pushes(town)
    assert rescue.number in message["text"]
    assert road.number not in message["text"]
    frozen_clock(MORNING)
    tasks.tell_reporters.run(town)
    assert road.number in _pushes(town)[-1][1]["text"]
    assert len(_pushes(town)) == 2


def test_who_writes_hears_at_once_what_waits_by_the_reply(town: Session, malee: Talker, frozen_clock: Clock) -> None:
    """Free of charge, by night too, before the answer, whose buttons stay the last; and then never again."""
    frozen_clock(NIGHT)
    incident = _incident(town, malee)
    _move(town, incident, "accepted")
    answers = malee.say("สถานะ")
    assert [incident.number in answer["text"] for answer in answers] == [True, True]
    assert "มีผู้รับผิดชอบแล้ว" in answers[0]["text"]
    frozen_clock(MORNING + timedelta(hours=1))
    tasks.tell_reporters.run(town)
    assert _pushes(town) == []
    assert [notice.state for notice in town.scalars(sa.select(ReporterNotice))] == ["handed"]


def test_the_reporters_own_verdict_is_answered_by_the_reply(town: Session, malee: Talker, frozen_clock: Clock) -> None:
    """The button under the finishing message closes it; the thanks come with the reply token, and how was it done?"""
    incident = _incident(town, malee)
    actions.advance_state(town, incident.id, "done", by="crew", reason="")
    frozen_clock(NOW + timedelta(minutes=2))
    tasks.tell_reporters.run(town)
    answer, asked = malee.tap_label(_pushes(town)[-1][1], "เรียบร้อยแล้ว")
    assert "คะแนน" in asked["text"]
    assert "ปิดเรื่องแล้ว" in answer["text"]
    assert len(_pushes(town)) == 1


def test_who_has_blocked_the_account_is_counted_and_not_written_to(
    town: Session, malee: Talker, somchai: Talker, frozen_clock: Clock
) -> None:
    """Blocked before the change, or between the change and the message."""
    incident = _incident(town, malee, somchai)
    malee.resident.is_reachable = False
    town.flush()
    _move(town, incident, "accepted")
    somchai.resident.is_reachable = False
    town.flush()
    frozen_clock(NOW + timedelta(minutes=2))
    tasks.tell_reporters.run(town)
    assert _pushes(town) == []
    assert promise_queries.unreachable_count(town, incident.id) == 2


# ── Sent on ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_sent_on_it_is_the_other_agencys_the_promise_goes_on_and_the_reporter_hears(
    town: Session, malee: Talker, frozen_clock: Clock
) -> None:
    """Who, when, why and to whom stand in the history; the new agency accepts it."""
    incident = _incident(town, malee)
    promised_at = incident.promised_at
    frozen_clock(NOW + timedelta(hours=1))
    actions.send_on(town, incident.id, "rescue", by="officer", reason="ต้องใช้เรือ")
    assert (incident.state, incident.agency_code, incident.promised_at) == ("sent_on", "rescue", promised_at)
    last = queries.change_rows(town, incident.id)[-1]
    assert (last.from_state, last.to_state, last.changed_by, last.reason) == ("new", "sent_on", "officer", "ต้องใช้เรือ")
    assert (last.from_agency_code, last.to_agency_code) == ("works", "rescue")
    assert [(row.code, row.role) for row in promise_queries.reached_rows(town, incident.id)] == [("rescue", "lead")]
    frozen_clock(NOW + timedelta(hours=1, minutes=2))
    tasks.tell_reporters.run(town)
    assert "ส่งต่อให้ งาน rescue แล้ว" in _pushes(town)[-1][1]["text"]
    _move(town, incident, "accepted")
    assert incident.agency_code == "rescue"


def test_an_incident_does_not_go_back_to_who_sent_it_on(town: Session, malee: Talker) -> None:
    """The sentence is there in both languages and names the desk; nothing has changed."""
    incident = _incident(town, malee)
    actions.send_on(town, incident.id, "rescue", by="officer", reason="เรือ")
    with pytest.raises(HandingError) as refused:
        actions.send_on(town, incident.id, "works", by="officer", reason="ไม่ใช่")
    assert refused.value.detail == "works has sent this incident on itself. Send it to clerk, which decides."
    assert "งาน works เคยส่งเหตุนี้ต่อมาแล้ว ให้ส่งไปที่ งาน clerk" in str(refused.value.facts["detail_th"])
    assert incident.agency_code == "rescue"
    actions.send_on(town, incident.id, "clerk", by="officer", reason="ตัดสิน")
    actions.send_on(town, incident.id, "works", by="clerk", reason="เป็นของงานนี้")
    assert incident.agency_code == "works"


def test_what_has_ended_is_not_sent_on(town: Session, malee: Talker) -> None:
    """It would have to be opened again first."""
    incident = _incident(town, malee)
    _move(town, incident, "rejected")
    with pytest.raises(WrongStateError):
        actions.send_on(town, incident.id, "rescue", by="officer", reason="เรือ")
