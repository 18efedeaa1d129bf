"""After an erasure nothing of the person is found, wherever one looks; what others said stays."""

from __future__ import annotations

import itertools
import json
import struct
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

import dispatch.tasks
from alerts import queries as alert_queries
from alerts import tasks as alert_tasks
from alerts.models import Alert, AlertRecipient
from core import clock, events, sealing
from core.db import transaction
from core.events import EventRecord
from core.settings import data_dir, settings
from dispatch.events import CrewMoved
from dispatch.models import Crew, Job
from gis.models import Road
from gis.points import LonLat
from incidents import actions as incident_actions
from incidents import queries as incident_queries
from incidents import tasks as incident_tasks
from incidents.models import Incident, Photo, Report
from line import outbox, rules, sender, webhook
from line import queries as line_queries
from line import tasks as line_tasks
from line.models import OutboxChunk
from residents import actions, codes, doors, erasure, household, queries, tasks
from residents.models import Resident
from residents.models_rights import Erasure
from tests.accounts import add_account
from tests.residents.whole_house import traces, traces_in_files

LOADED = (alert_tasks, dispatch.tasks, incident_tasks, tasks)
ME, NEIGHBOUR = "U" + "5e" * 16, "U" + "0b" * 16
NAME, PHONE, PHONE_AS_WRITTEN, HOME_NAME = "สมหญิง ใจดีพิเศษ", "0891234567", "089-123-4567", "บ้านยายปิ่นมณี"
HOME = LonLat(lon=99.961237, lat=8.431973)
SECOND = LonLat(lon=99.962511, lat=8.432617)
NEXT_DOOR = LonLat(lon=99.961537, lat=8.432073)
_numbers = itertools.count(1)


def picture(secret: bytes) -> bytes:
    """A JPEG of few bytes, some of which nobody else's picture has."""
    table = b"\xff\xdb" + struct.pack(">H", 2 + len(secret)) + secret
    return b"\xff\xd8" + table + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x12\x34\xff\xd9"


PICTURE, LATE_PICTURE = picture(b"MY-GARDEN-GATE"), picture(b"MY-FLOODED-BED")
WORDS = [ME, NAME, "สมหญิง", PHONE, PHONE_AS_WRITTEN, HOME_NAME, "99.961237", "8.431973", "99.962511"]
RAW = [sealing.fingerprint(ME), b"MY-GARDEN-GATE", b"MY-FLOODED-BED"]


class House:
    """The house without its network: what a person sends comes in by the webhook and is done to its end."""

    def __init__(self) -> None:
        """Time stands still until somebody speaks."""
        self._told = 0

    def send(self, user: str, event: dict[str, Any]) -> None:
        """LINE tells of something that this person did; every subscriber has heard it."""
        self.keep(user, event)
        with transaction() as session:
            line_tasks.hand_on_inbox.run(session)
        self.settle()

    def keep(self, user: str, event: dict[str, Any]) -> None:
        """LINE has told of it, and nobody has looked into the inbox yet."""
        number = next(_numbers)
        at_ms = int(clock.now().timestamp() * 1000) + number
        whole = {
            "webhookEventId": f"e{number}", "timestamp": at_ms, "mode": "active", "replyToken": f"t{number}",
            "source": {"type": "user", "userId": user}, "deliveryContext": {"isRedelivery": False}, **event,
        }
        raw = json.dumps({"destination": "U", "events": [whole]}).encode()
        secret = settings().line.channel_secret
        assert secret is not None
        signature = rules.signature(raw, channel_secret=secret.get_secret_value())
        with transaction() as session:
            webhook.accept(session, raw=raw, signature=signature)

    def say(self, user: str, text: str) -> None:
        """The person writes."""
        self.send(user, {"type": "message", "message": {"type": "text", "id": str(next(_numbers)), "text": text}})

    def pin(self, user: str, place: LonLat) -> None:
        """The person sends a place."""
        where = {"type": "location", "id": str(next(_numbers)), "longitude": place.lon, "latitude": place.lat}
        self.send(user, {"type": "message", "message": where})

    def photo(self, user: str, content: bytes) -> None:
        """The person sends a picture, and the city has fetched it."""
        message_id = str(next(_numbers))
        self.send(user, {"type": "message", "message": {"type": "image", "id": message_id}})
        with transaction() as session:
            photo = session.scalars(sa.select(Photo).where(Photo.line_message_id == message_id)).one()
            incident_actions.keep_line_photo(session, photo.id, content)

    def tap(self, user: str, data: str) -> None:
        """The person taps a button."""
        self.send(user, {"type": "postback", "postback": {"data": data}})

    def tap_next(self, user: str, verb: str) -> None:
        """The person taps the button of this verb under the city's last answer."""
        with transaction() as session:
            (messages,) = session.execute(
                sa.select(OutboxChunk.messages)
                .where(OutboxChunk.to_hash == sealing.fingerprint(user), OutboxChunk.subject == "conversation")
                .order_by(OutboxChunk.id.desc())
                .limit(1)
            ).one()
        actions_shown = [item["action"] for item in messages[-1]["quickReply"]["items"]]
        self.tap(user, next(one["data"] for one in actions_shown if f":{verb}" in one.get("data", "")))

    def settle(self) -> None:
        """Every event that was published has been heard by everybody."""
        while True:
            with transaction() as session:
                wanted = sa.select(EventRecord.id).where(EventRecord.id > self._told).order_by(EventRecord.id)
                waiting = session.scalars(wanted).all()
            if not waiting:
                return
            for event_id in waiting:
                events.deliver_now(event_id)
            self._told = waiting[-1]

    def send_outbox(self) -> list[tuple[str, ...]]:
        """LINE has taken all that waits; to whom it went."""
        with transaction() as session:
            claimed = line_queries.claim(session, most=25).chunks
        with transaction() as session:
            taken = rules.Outcome("accepted", request_id="r")
            sender.record(session, [sender.Answered(chunk, taken) for chunk in claimed])
        self.settle()
        return [chunk.to for chunk in claimed]


@pytest.fixture
def house(
    database: sa.Engine, fill: Callable[[Session], None], frozen_clock: Callable[[datetime], None]
) -> House:
    """A house of its own with the town in it."""
    with transaction() as session:
        fill(session)
        layer_id = session.scalar(sa.text("SELECT id FROM layer"))
        session.add(
            Road(
                layer_id=layer_id, code="R1", name_th="ถนนหนึ่ง", name_en="Road One", road_class="residential",
                is_bridge=False, length_m=1150.0, geom="SRID=4326;LINESTRING(99.955 8.43, 99.965 8.433)",
            )
        )
    return House()


def tell_everything(house: House) -> None:
    """The city knows all that it can know of ME, and a neighbour saw the same flood."""
    house.send(ME, {"type": "follow", "follow": {"isUnblocked": False}})
    house.tap(ME, "home:ask")
    house.pin(ME, HOME)
    with transaction() as session:
        officer = add_account(session, "pim", roles=["officer"])
        code = codes.hand_over_identity(session, account=officer, name=NAME, phone=PHONE)
        group = codes.make_group(
            session, account=officer, name_th="ผู้นำชุมชน", name_en="Leaders", is_leaders=True, area_id=None
        )
        group_code = codes.hand_over_group(session, account=officer, group_id=group.id)
    house.say(ME, f"รหัส {code}")
    house.say(ME, group_code)
    house.say(ME, "รหัส ABCD-EFGH")
    _tell_on_the_page(officer)
    for user, text in ((ME, f"น้ำท่วมบ้าน {NAME} โทร {PHONE_AS_WRITTEN}"), (NEIGHBOUR, "น้ำท่วมถนนสูงถึงเข่า")):
        house.say(user, text)
        house.tap_next(user, "category")
        house.photo(user, PICTURE) if user == ME else house.tap_next(user, "skip_photo")
        house.pin(user, HOME if user == ME else NEXT_DOOR)
        house.tap_next(user, "confirm")
    house.say(ME, f"ช่วยด้วย ติดอยู่บนหลังคา {NAME}")
    house.photo(ME, LATE_PICTURE)
    _act_on_reports()
    _alert()
    house.say(ME, f"ไฟส่องสว่างดับ หน้าบ้าน {NAME}")
    house.tap(ME, "me:export")


def _tell_on_the_page(officer: Any) -> None:
    with transaction() as session:
        resident = _me(session)
        shown = actions.Shown(text="ข้อความ", language="th", way="liff")
        actions.write_consent(session, resident, purpose="needs", is_given=True, at=clock.now(), shown=shown)
        second = actions.add_home(session, resident.id, place=SECOND, name=HOME_NAME)
        household.say_needs(session, resident, home_id=second.id, codes=["dialysis"], at=clock.now())
        household.look_at_needs(session, account=officer, resident_id=resident.id, reason=f"อพยพ {NAME}")
        doors.export_link(session, resident)


def _act_on_reports() -> None:
    """Officers and a crew wrote of the person, and the crew has been at the door."""
    with transaction() as session:
        for incident_id in session.scalars(sa.select(Report.incident_id).distinct()).all():
            incident_actions.change_state(session, incident_id, "accepted", by="pim", reason=f"โทรหา {NAME} แล้ว")
            place = incident_queries.place_of(session, incident_id)
            session.add(
                Crew(
                    code=f"C{incident_id}", name_th="ชุด", name_en="Crew", kind="boat", capabilities=["rescue"],
                    vehicle="boat",
                    ford_limit_m=1.0, position=f"SRID=4326;POINT({place.lon} {place.lat})", position_at=clock.now(),
                    is_on_duty=True, trust="simulated",
                )
            )
            events.publish(session, CrewMoved(crew_code=f"C{incident_id}", lon=place.lon, lat=place.lat))
        for job in session.scalars(sa.select(Job)):
            job.note = f"พบ {NAME} {PHONE}"
            job.route = f"SRID=4326;LINESTRING(99.95 8.42, {HOME.lon} {HOME.lat})"


def _alert() -> None:
    """An alert went to both and another waits to go, each in one chunk."""
    with transaction() as session:
        both = {user: _of(session, user).id for user in (ME, NEIGHBOUR)}
        for number, state in ((1, "accepted"), (2, "queued")):
            alert = Alert(
                number=f"A{number}", event_id=1, kind="alert", level=number, state="sending", revision=1,
                depth_class=1, words_version=1, policy_version=1, proposed_at=clock.now(), revised_at=clock.now(),
                evidence=[], texts={}, audience_count=2, audience_hash="", audience_by_language={},
                vulnerable_count=1, suppressed_by_reason={}, references=[],
            )
            session.add(alert)
            session.flush()
            chunk_id = outbox.enqueue(
                session, subject=alert_queries.subject(alert.id), kind="multicast", to=[ME, NEIGHBOUR],
                messages=[{"type": "text", "text": "น้ำมา"}], priority=0,
            )
            session.get_one(OutboxChunk, chunk_id).state = state
            for resident_id in both.values():
                session.add(
                    AlertRecipient(
                        alert_id=alert.id, resident_id=resident_id, language="th", state="queued", reason="home",
                        chunk_id=chunk_id, answer="safe", answered_at=clock.now(),
                    )
                )


def _of(session: Session, user: str) -> Resident:
    resident = queries.by_line_user(session, user)
    assert resident is not None
    return resident


def _me(session: Session) -> Resident:
    return _of(session, ME)


def _everywhere() -> list[str]:
    with transaction() as session:
        return traces(session, words=WORDS, raw=RAW, lon=HOME.lon, lat=HOME.lat) + traces_in_files(
            data_dir() / "photos", words=WORDS, raw=RAW
        )


def _erase_by_chat(house: House) -> None:
    house.say(ME, "ลบข้อมูล")
    house.tap(ME, "me:erase-yes")


def test_nothing_of_the_person_is_found_after_the_erasure(house: House) -> None:
    """A search of every column of every table, sealed or not, and of every file finds nothing; before, it does."""
    tell_everything(house)
    before = _everywhere()
    tables = {found.split(".")[1].strip('"') for found in before if found.startswith('"')}
    assert tables >= {
        "resident", "home", "inbox_event", "event", "outbox_chunk", "report", "incident", "incident_change", "draft",
        "need_look", "job", "crew",
    }  # fmt: skip
    assert any(found.endswith(".jpg") for found in before)
    _erase_by_chat(house)
    assert (ME,) in [to[-1:] for to in house.send_outbox()], "the farewell went out"
    assert _everywhere() == []


def test_what_others_said_and_what_was_done_stays(house: House) -> None:
    """The neighbour's report, the incidents and the counts of alerts stay; that somebody was erased is on record."""
    tell_everything(house)
    _erase_by_chat(house)
    with transaction() as session:
        reports = session.scalars(sa.select(Report).order_by(Report.id)).all()
        assert [report.resident_id is None for report in reports] == [True, False, True]
        assert reports[1].text == "น้ำท่วมถนนสูงถึงเข่า"
        assert {report.text for report in reports if report.resident_id is None} == {""}
        shared = session.get_one(Incident, reports[0].incident_id)
        assert reports[1].incident_id == shared.id
        assert (shared.summary, shared.report_count) == (reports[1].text, 2)
        assert incident_queries.place_of(session, shared.id) == NEXT_DOOR
        alone = session.get_one(Incident, reports[2].incident_id)
        place = incident_queries.place_of(session, alone.id)
        assert place == LonLat(lon=99.96, lat=8.43)
        assert alone.area_id is not None
        for alert_id in session.scalars(sa.select(Alert.id)):
            assert sum(alert_queries.ledger_counts(session, alert_id).values()) == 2
            assert alert_queries.answers(session, [alert_id])[alert_id] == {"safe": 2}
        erased = session.scalars(sa.select(Erasure)).one()
        assert (erased.way, erased.resident_id, erased.done_at) == ("chat", None, clock.now())
        assert erased.counts == {"homes": 2, "reports": 2, "photos": 2, "alerts": 2}


def test_an_alert_in_flight_goes_to_the_others_only(house: House) -> None:
    """Who was erased is in no chunk that waits; a chunk for them alone is stopped."""
    tell_everything(house)
    _erase_by_chat(house)
    went = [to for to in house.send_outbox() if len(to[0]) == 33 and to[0].startswith("U")]
    assert (NEIGHBOUR,) in went
    assert all(ME not in to for to in went)


def test_a_later_message_begins_anew(house: House) -> None:
    """The same LINE user is somebody whom the city has never seen: no consent, no home, Thai, another number."""
    tell_everything(house)
    with transaction() as session:
        _me(session).language = "ms"
        old_id = _me(session).id
    _erase_by_chat(house)
    with transaction() as session:
        assert queries.by_line_user(session, ME) is None
    house.say(ME, "สวัสดี")
    with transaction() as session:
        anew = _me(session)
        assert (anew.id != old_id, anew.consented_at, anew.name_sealed, anew.language) == (True, None, None, "th")
        assert queries.homes_of(session, anew.id) == []
        assert incident_queries.newest_incident_of(session, anew.id) is None


def test_what_was_sent_behind_the_yes_is_heard(house: House) -> None:
    """A cry for help that came right after the yes is lost to nobody: it is the first word of somebody new."""
    house.say(ME, "ลบข้อมูล")
    house.keep(ME, {"type": "postback", "postback": {"data": "me:erase-yes"}})
    house.keep(ME, {"type": "message", "message": {"type": "text", "id": "9", "text": "ช่วยด้วย น้ำท่วมสูง ติดอยู่"}})
    with transaction() as session:
        line_tasks.hand_on_inbox.run(session)
    house.settle()
    with transaction() as session:
        line_tasks.hand_on_inbox.run(session)
    house.settle()
    with transaction() as session:
        assert session.scalars(sa.select(Erasure.counts)).one()["reports"] == 0
        assert queries.by_line_user(session, ME) is not None
        said = json.dumps(session.scalars(sa.select(OutboxChunk.messages)).all(), ensure_ascii=False)
        assert "1669" in said


def test_a_yes_without_a_fresh_question_erases_nobody(
    house: House, frozen_clock: Callable[[datetime], None]
) -> None:
    """A button of long ago asks again; a stranger's tap makes nobody known."""
    house.say(ME, "ลบข้อมูล")
    asked_at = clock.now()
    frozen_clock(asked_at + timedelta(minutes=16))
    house.tap(ME, "me:erase-yes")
    house.tap(NEIGHBOUR, "me:erase-no")
    with transaction() as session:
        assert queries.by_line_user(session, ME) is not None
        assert session.scalar(sa.select(sa.func.count(Erasure.id))) == 0


def test_an_officer_erases_on_request(house: House) -> None:
    """Who asks at the counter is erased as by chat, with the officer's account on record, and is told."""
    tell_everything(house)
    with transaction() as session:
        officer = add_account(session, "nok", roles=["admin"])
        ordered, receipt = erasure.order(session, _me(session), account=officer)
        assert len(receipt) == 12
    with transaction() as session:
        tasks.erase_as_ordered.run(session, erasure_id=ordered.id)
    house.send_outbox()
    assert _everywhere() == []
    with transaction() as session:
        assert session.scalars(sa.select(Erasure)).one().account_id == officer.id
        tasks.erase_as_ordered.run(session, erasure_id=ordered.id)


def test_logs_only_grow(house: House) -> None:
    """Nobody changes or deletes what a resident agreed to, or who looked: only an erasure does."""
    tell_everything(house)
    for statement in ("UPDATE consent_entry SET text = ''", "DELETE FROM consent_entry", "DELETE FROM need_look"):
        with pytest.raises(sa.exc.DBAPIError, match="only grows"), transaction() as session:
            session.execute(sa.text(statement))
