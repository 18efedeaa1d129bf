"""The house without its network, and everything that it can know of one person and a neighbour."""

from __future__ import annotations

import itertools
import json
import struct
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import answers.tasks
import dispatch.tasks
from alerts import acknowledging, contacts, leaders
from alerts import queries as alert_queries
from alerts import tasks as alert_tasks
from alerts.models import Alert, AlertRecipient
from core import clock, events, sealing
from core.db import transaction
from core.events import EventRecord
from dispatch.events import CrewMoved
from dispatch.models import Crew, Job
from gis.points import LonLat
from incidents import actions as incident_actions
from incidents import cries, inbox_filters, keeping, merging, notes, redaction
from incidents import queries as incident_queries
from incidents import tasks as incident_tasks
from incidents.exchange.models import ServiceRequest
from incidents.models import Photo, Report
from line import outbox, receiver, rules, sender, webhook
from line import queries as line_queries
from line.models import InboxEvent, OutboxChunk
from residents import actions, codes, doors, household, queries, tasks
from residents.models import Resident
from tests.accounts import add_account

LOADED = (alert_tasks, answers.tasks, dispatch.tasks, incident_tasks, tasks)
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
        self.receive()
        self.settle()

    def receive(self) -> None:
        """Whoever waited in the inbox was heard."""
        while receiver.serve().count:
            pass
        with transaction() as session:
            assert session.scalars(sa.select(InboxEvent.error).where(InboxEvent.error.is_not(None))).all() == []

    def keep(self, user: str, event: dict[str, Any]) -> None:
        """LINE has told of it, and nobody has looked into the inbox yet."""
        number = next(_numbers)
        at_ms = int(clock.now().timestamp() * 1000) + number
        whole = {
            "webhookEventId": f"e{number}", "timestamp": at_ms, "mode": "active", "replyToken": f"t{number}",
            "source": {"type": "user", "userId": user}, "deliveryContext": {"isRedelivery": False}, **event,
        }
        raw = json.dumps({"destination": "U", "events": [whole]}).encode()
        with transaction() as session:
            webhook.keep(session, [raw], is_urgent=cries.is_cry)

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
    tell_on_the_page(officer)
    for user, text in ((ME, f"น้ำท่วมถนนหน้าบ้าน {NAME} โทร {PHONE_AS_WRITTEN}"), (NEIGHBOUR, "น้ำท่วมถนนสูงถึงเข่า")):
        house.say(user, text)
        house.tap_next(user, "category")
        if user == ME:
            house.photo(user, PICTURE)
        house.pin(user, HOME if user == ME else NEXT_DOOR)
        house.tap_next(user, "confirm")
    house.say(ME, f"ช่วยด้วย ติดอยู่บนหลังคา {NAME}")
    house.photo(ME, LATE_PICTURE)
    act_on_reports()
    alert()
    house.say(ME, f"ไฟส่องสว่างดับ หน้าบ้าน {NAME}")
    house.tap(ME, "me:export")


def tell_on_the_page(officer: Any) -> None:
    with transaction() as session:
        resident = me(session)
        shown = actions.Shown(text="ข้อความ", language="th", way="liff")
        actions.write_consent(session, resident, purpose="needs", is_given=True, at=clock.now(), shown=shown)
        second = actions.add_home(session, resident.id, place=SECOND, name=HOME_NAME)
        household.say_needs(session, resident, home_id=second.id, codes=["dialysis"], at=clock.now())
        household.look_at_needs(session, account=officer, resident_id=resident.id, reason=f"อพยพ {NAME}")
        doors.export_link(session, resident)


def add_and_rate(house: House) -> None:
    """ME added to a report, rated what was done with a name in it, and was about to add more."""
    with transaction() as session:
        mine = _incident_of(session, ME)[0]
    house.tap(ME, f"mine:add:{mine}")
    house.say(ME, f"ข้างบ้าน {NAME}")
    with transaction() as session:
        incident_actions.advance_state(session, mine, "done", by="pim", reason="")
    house.tap(ME, f"mine:stars:{mine}:4")
    house.tap(ME, f"mine:rate_words:{mine}")
    house.say(ME, f"ขอบคุณจาก {NAME} {PHONE_AS_WRITTEN}")


def act_on_reports() -> None:
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


def merge_and_ask() -> None:
    """ME came by the form without LINE too; an officer merged what is the same, and asked with a name in it."""
    with transaction() as session:
        form = Report(
            source="web", text=f"ขยะล้นถัง โทร {PHONE}", category_code="waste", place="SRID=4326;POINT(99.97 8.44)",
            place_source="pin", created_at=clock.now(), incident_id=_incident_of(session, ME)[0],
        )
        session.add(form)
        session.flush()
        session.add(
            ServiceRequest(
                door="web", request_id="W1", report_id=form.id, has_joined=False, description=f"โทร {PHONE}",
                contact_sealed=sealing.seal(json.dumps({"phone": PHONE_AS_WRITTEN})), answers={}, media_urls=[],
                repeat_key=b"k", created_at=clock.now(),
            )
        )
        mine = _incident_of(session, ME)
        keeping.wait_for_reporter(session, mine[0], f"คุณ {NAME} อยู่ฝั่งไหน", hours=1, by="pim")
        if len(mine) > 1:
            merging.merge_incidents(session, mine[0], mine[-1], by="pim", reason=f"ของ {NAME} ทั้งคู่")
        notes.write_note(session, mine[0], f"{NAME} โทรมาจาก {PHONE}", by="pim")
        redaction.hide_words(session, form.id, [PHONE], by="pim")
        pim_id = session.execute(sa.text("SELECT id FROM account WHERE username = 'pim'")).scalar_one()
        inbox_filters.save_filter(
            session, pim_id, name="ตามเรื่อง", wanted={"q": f"ขยะ {PHONE}"}, is_default=False, is_shared=False
        )


def _incident_of(session: Session, user: str) -> list[int]:
    wanted = sa.select(Report.incident_id).where(Report.resident_id == of(session, user).id).distinct()
    return list(session.scalars(wanted.order_by(Report.incident_id)))


def alert() -> None:
    """`alert_both`, and it is so."""
    with transaction() as session:
        alert_both(session)


def alert_both(session: Session) -> None:
    """An alert went to both and another waits to go, each in one chunk."""
    both = {user: of(session, user).id for user in (ME, NEIGHBOUR)}
    for number, state in ((1, "accepted"), (2, "queued")):
        alert = Alert(
            number=f"A{number}", event_id=1, kind="alert", level=number, state="sending", revision=1,
            depth_class=1, words_version=1, policy_version=1, proposed_at=clock.now(), revised_at=clock.now(),
            evidence=[], texts={}, audience_count=2, audience_hash="", audience_by_language={},
            vulnerable_count=1, suppressed_by_reason={}, references=[],
        )  # fmt: skip
        session.add(alert)
        session.flush()
        chunk_id = outbox.enqueue(
            session, subject=alert_queries.subject(alert.id), kind="multicast", to=[ME, NEIGHBOUR],
            messages=[{"type": "text", "text": "น้ำมา"}], priority=0,
        )  # fmt: skip
        session.get_one(OutboxChunk, chunk_id).state = state
        for resident_id in both.values():
            session.add(
                AlertRecipient(
                    alert_id=alert.id, resident_id=resident_id, language="th", state="queued", reason="home",
                    chunk_id=chunk_id, answer="safe", answered_at=clock.now(),
                )
            )  # fmt: skip


def of(session: Session, user: str) -> Resident:
    """The resident behind a LINE user id."""
    resident = queries.by_line_user(session, user)
    assert resident is not None
    return resident


def me(session: Session) -> Resident:
    """The resident behind ME."""
    return of(session, ME)


def lead(session: Session) -> None:
    """The person leads a community: in its group on LINE, by an acknowledgement, and on the list of whom to call."""
    account = add_account(session, "lek", roles=["officer"])
    area_id = session.scalar(sa.text("SELECT min(id) FROM area"))
    _, code = leaders.make_group(
        session, account=account, name_th="ผู้นำ", name_en="Leaders", language="th", area_id=area_id, zone_codes=[]
    )
    leaders.hear_code(session, code, line_group_id="C" + "7" * 32, line_user_id=ME, reply_token=None)
    alert_id = session.scalars(sa.select(Alert.id)).first()
    assert alert_id is not None
    acknowledging.acknowledge(session, alert_id, [1], way="words", line_user_id=ME)
    contacts.add_contact(session, area_id=area_id, name=NAME, phone=PHONE, position=None, account=account)
