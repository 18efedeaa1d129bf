"""Leaders' groups on LINE: who opens one, what it is told, whose acknowledgement counts, what is forgotten."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from shapely.geometry import Point
from sqlalchemy.orm import Session

from alerts import (
    acknowledging,
    actions,
    leader_queries,
    leader_rules,
    leaders,
    ledger,
    personal,
    proposals,
    tasks,
)
from alerts.events import AlertApproved
from alerts.leader_models import Leader, LeaderAcknowledgement, LeaderCall, LeaderGroup
from alerts.leader_tasks import tell_leaders, tell_standing
from alerts.models import Alert
from core import clock, sealing
from core.db import transaction
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.events import EventRecord
from line.models import OutboxChunk
from residents import actions as residents_actions
from residents import codes, erasure
from residents.errors import LeadersCodeError
from residents.models_rights import HandedCode
from staff.models import AuditEntry
from tests.alerts.groups import GROUP, LEADER, OTHER_GROUP, SECOND, STRANGER, Chat, community

ROOMS = (tasks,)  # They hear what the receiver tells.
WALL = datetime(2026, 11, 21, 2, 59, tzinfo=UTC)
START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
IN_A, IN_B = Point(100.005, 8.405), Point(100.015, 8.405)


@pytest.fixture
def flood(session: Session, town: Any) -> Any:
    """Two zones; three homes in A, one of them with somebody who needs help, and one in B."""
    town.zone("A")
    town.zone("B", at=0.01)
    town.resident(IN_A, vulnerable=True)
    town.resident(IN_A, Point(100.006, 8.406))
    town.resident(IN_B)
    town.ann, town.olu = town.account("ann", ["approver"]), town.account("olu", ["officer"])
    return town


def made(session: Session, flood: Any, *zones: str, name: str = "ผู้นำ") -> tuple[LeaderGroup, str]:
    return leaders.make_group(
        session, account=flood.olu, name_th=name, name_en="Leaders", language="th", area_id=None, zone_codes=zones
    )


def opened(session: Session, flood: Any, *zones: str, group: str = GROUP, user: str = LEADER) -> Chat:
    _, code = made(session, flood, *zones)
    chat = Chat(session, group)
    chat.say(code, user=user)
    return chat


def approved(session: Session, flood: Any, severities: dict[str, int]) -> Alert:
    """A picture of the flood has led to an alert, which was approved and is on its way to the groups."""
    actions.consider(
        session, run_id=flood.picture(severities), severity_by_code=severities, falling_by_code={},
        trigger_received_wall_at=WALL, is_without_data=False,
    )
    waiting = session.scalars(sa.select(Alert).where(Alert.state == "proposed").order_by(Alert.id.desc())).first()
    assert waiting is not None
    alert = actions.approve(session, waiting.id, waiting.revision, flood.ann)
    hear_of(session, alert)
    return alert


def hear_of(session: Session, alert: Alert) -> None:
    tell_leaders(session, AlertApproved(alert.id, alert.kind, alert.level, alert.audience_count))


def words_of(chunk: OutboxChunk) -> str:
    return json.dumps(chunk.messages, ensure_ascii=False)


# ── Codes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_code_typed_in_a_group_makes_it_one_of_leaders(session: Session, flood: Any) -> None:
    """It answers once, is known by a hash, its id is sealed, and who typed the code is its leader."""
    group, code = made(session, flood, "A")
    (answer,) = Chat(session).say(f"รหัส {code}")
    assert "ผู้นำ" in answer
    session.refresh(group)
    assert group.group_hash == sealing.fingerprint(GROUP)
    assert sealing.unseal(bytes(group.group_sealed or b"")) == GROUP
    assert leader_queries.is_leader(session, group.id, LEADER)
    assert not leader_queries.is_leader(session, group.id, STRANGER)


@pytest.mark.parametrize("text", ["รหัส ABCD-EFGH", "ABCD-EFGH", "รับทราบ", "สวัสดีครับ", "ติดตามพื้นที่ A"])
def test_without_a_code_the_group_hears_nothing(session: Session, flood: Any, text: str) -> None:
    """A wrong code, an acknowledgement, ordinary words: the group may be anybody's, and is met with silence."""
    made(session, flood, "A")
    chat = Chat(session)
    assert chat.say(text) == []
    assert chat.tap("ack:1") == []
    assert session.scalar(sa.select(sa.func.count()).select_from(Leader)) == 0


def test_a_code_opens_one_group_and_brings_in_its_other_leaders(session: Session, flood: Any) -> None:
    """Typed in a second group it opens nothing; typed again in the first by others it makes them leaders."""
    group, code = made(session, flood, "A")
    chat = Chat(session)
    chat.say(code)
    assert Chat(session, OTHER_GROUP).say(code, user=STRANGER) == []
    assert len(chat.say(code, user=SECOND)) == 1
    assert chat.say(code, user=SECOND) == []
    assert leader_queries.leader_counts(session, [group.id]) == {group.id: 2}


def test_a_code_lives_for_a_week(session: Session, flood: Any) -> None:
    """An older one opens nothing, without a word."""
    _, code = made(session, flood, "A")
    session.execute(sa.update(HandedCode).values(expires_wall_at=clock.wall_now() - timedelta(seconds=1)))
    assert Chat(session).say(code) == []
    assert leader_queries.open_group_ids(session) == []


def test_a_leaders_code_in_a_private_chat_is_not_used_up(session: Session, flood: Any) -> None:
    """The person hears where it belongs, and it still opens the group."""
    _, code = made(session, flood, "A")
    resident = residents_actions.resident_of(session, LEADER)
    with pytest.raises(LeadersCodeError):
        codes.use_code(session, resident, code)
    assert len(Chat(session).say(code)) == 1


def test_other_codes_open_no_group(session: Session, flood: Any) -> None:
    """A code that checks an identity stays good where it was typed before everybody's eyes."""
    code = codes.hand_over_identity(session, account=flood.olu, name="สมหญิง", phone=None)
    assert Chat(session).say(code) == []
    assert session.scalars(sa.select(HandedCode.used_wall_at)).one() is None


def test_a_group_needs_zones_and_a_language_that_the_city_writes(session: Session, flood: Any) -> None:
    """Leaders of nothing are no leaders; a zone that there is not is named."""
    make: dict[str, Any] = {"account": flood.olu, "name_th": "ก", "name_en": "x", "area_id": None}
    with pytest.raises(InvalidInputError):
        leaders.make_group(session, **make, language="th", zone_codes=[])
    with pytest.raises(NotFoundError, match="Z9"):
        leaders.make_group(session, **make, language="th", zone_codes=["A", "Z9"])
    with pytest.raises(InvalidInputError):
        leaders.make_group(session, **make, language="fr", zone_codes=["A"])


@pytest.mark.parametrize("way", ["left", "officer"])
def test_a_group_that_ended_is_told_nothing_and_keeps_nothing(session: Session, flood: Any, way: str) -> None:
    """Put out by its members or ended by an officer: neither its LINE id nor its leaders stay."""
    chat = opened(session, flood, "A")
    group = session.scalars(sa.select(LeaderGroup)).one()
    if way == "left":
        chat.happens({"type": "leave", "replyToken": None}, user=None)
    else:
        leaders.end_group(session, group.id, account=flood.olu)
    session.refresh(group)
    assert (group.group_hash, group.group_sealed, group.ended_why) == (None, None, way)
    assert session.scalar(sa.select(sa.func.count()).select_from(Leader)) == 0
    approved(session, flood, {"A": 3, "B": 0})
    assert chat.pushes() == []
    with pytest.raises(ConflictError):
        leaders.invite(session, group.id, account=flood.olu)


def test_who_left_the_group_is_no_leader_of_it(session: Session, flood: Any) -> None:
    """Their acknowledgement would be nobody's in the group."""
    chat = opened(session, flood, "A")
    group = session.scalars(sa.select(LeaderGroup)).one()
    chat.happens({"type": "memberLeft", "left": {"members": [{"type": "user", "userId": LEADER}]}}, user=None)
    assert not leader_queries.is_leader(session, group.id, LEADER)


def test_a_second_code_in_the_same_group_takes_the_first_ones_place(session: Session, flood: Any) -> None:
    """One group on LINE answers for one list of zones: the last that an officer's code gave it."""
    opened(session, flood, "A")
    chat = opened(session, flood, "B")
    approved(session, flood, {"A": 3, "B": 0})
    assert chat.pushes() == []
    assert session.scalars(sa.select(LeaderGroup.ended_why).order_by(LeaderGroup.id)).all() == ["moved", None]


# ── Alerts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_group_of_the_zones_is_told_once(session: Session, flood: Any) -> None:
    """Text, homes in its own zones and how many need help, a button; behind the residents, and twice is once."""
    mine = opened(session, flood, "A")
    other = opened(session, flood, "B", group=OTHER_GROUP)
    session.execute(sa.update(LeaderGroup).values(member_count=12))
    alert = approved(session, flood, {"A": 3, "B": 0})
    for _ in range(2):
        hear_of(session, alert)
        tell_standing(session)
    (push,) = mine.pushes()
    assert other.pushes() == []
    assert (push.subject, push.recipient_count) == (f"leaders:{alert.id}", 12)
    assert json.loads(sealing.unseal(bytes(push.to_sealed))) == [GROUP]
    residents_first = session.scalars(sa.select(OutboxChunk.priority).where(OutboxChunk.subject == f"alert:{alert.id}"))
    assert push.priority == max(residents_first) + 1
    said = words_of(push)
    assert alert.texts["th"]["title"] in said
    assert "บ้านในพื้นที่ 3 หลัง" in said
    assert "ผู้ต้องการความช่วยเหลือ 1 หลัง" in said
    assert f'"data": "ack:{alert.id}"' in said
    call = session.get_one(LeaderCall, (alert.id, session.scalars(sa.select(LeaderGroup.id)).first()))
    assert (call.homes, call.vulnerable_homes, call.member_count) == (3, 1, 12)


def test_two_who_tell_at_the_same_time_are_one(database: sa.Engine, frozen_clock: Any, town_of: Any) -> None:
    """The event's job, the clock's and a group that came late may meet: each group has one message."""
    with transaction() as session:
        town = town_of(session)
        town.zone("A")
        town.zone("B", at=0.01)
        town.ann, town.olu = town.account("ann", ["approver"]), town.account("olu", ["officer"])
        severities = {"A": 3, "B": 3}
        actions.consider(
            session, run_id=town.picture(severities), severity_by_code=severities, falling_by_code={},
            trigger_received_wall_at=WALL, is_without_data=False,
        )  # fmt: skip
        for zone, group in (("A", GROUP), ("B", OTHER_GROUP)):
            opened(session, town, zone, group=group)
        waiting = session.scalars(sa.select(Alert)).one()
        alert_id = actions.approve(session, waiting.id, waiting.revision, town.ann).id
    together = Barrier(4)

    def tell() -> int:
        with transaction() as session:
            together.wait(timeout=10)
            return leaders.tell(session, alert_id)

    with ThreadPoolExecutor(4) as pool:
        told = [one.result() for one in [pool.submit(tell) for _ in range(4)]]
    assert sum(told) == 2
    with transaction() as session:
        chunks = session.scalars(sa.select(OutboxChunk).where(OutboxChunk.subject == f"leaders:{alert_id}")).all()
        assert len({bytes(chunk.to_hash or b"") for chunk in chunks}) == len(chunks) == 2


def test_a_group_of_a_community_answers_for_its_zones(session: Session, flood: Any) -> None:
    """Also for zones that the community got after the group was made."""
    area_id = community(session)
    _, code = leaders.make_group(
        session, account=flood.olu, name_th="ก", name_en="x", language="th", area_id=area_id, zone_codes=[]
    )
    chat = Chat(session)
    chat.say(code)
    session.execute(sa.text("UPDATE zone SET area_id = :area WHERE code = 'B'"), {"area": area_id})
    approved(session, flood, {"A": 0, "B": 3})
    assert len(chat.pushes()) == 1


def test_a_group_that_comes_later_is_told_of_what_stands(session: Session, flood: Any) -> None:
    """An alert in force goes to a group as soon as its code is typed."""
    approved(session, flood, {"A": 3, "B": 0})
    chat = opened(session, flood, "A")
    assert len(chat.pushes()) == 1


def exercised(session: Session, flood: Any) -> Alert:
    """An exercise for zone B is approved."""
    zone_id = session.scalar(sa.text("SELECT id FROM zone WHERE code = 'B'"))
    alert = proposals.open_proposal(
        session, kind="alert", level=3, zone_ids=[zone_id or 0], run_id=None, now=clock.now(), is_exercise=True
    )
    return actions.approve(session, alert.id, alert.revision, flood.ann)


@pytest.mark.parametrize("why", ["held", "exercise", "news"])
def test_what_does_not_go_out_goes_to_no_group(session: Session, flood: Any, why: str) -> None:
    """Neither what waits for the morning, until then, nor an exercise, whose list no group is on, nor news."""
    chat = opened(session, flood, "A")
    alert = exercised(session, flood) if why == "exercise" else approved(session, flood, {"A": 0, "B": 3})
    session.execute(sa.text("UPDATE alert_zone SET zone_id = (SELECT id FROM zone WHERE code = 'A')"))
    if why == "held":
        alert.hold_until_at = clock.now() + timedelta(hours=5)
    elif why == "news":
        alert.kind, alert.level = "news", 0
    session.flush()
    hear_of(session, alert)
    tell_standing(session)
    assert chat.pushes() == []
    alert.hold_until_at = None
    session.flush()
    tell_standing(session)
    assert len(chat.pushes()) == (why == "held")


def test_an_all_clear_goes_to_the_groups_that_were_warned(session: Session, flood: Any) -> None:
    """Without a button: there is nothing to pass on but that it is over, and nobody is called about it."""
    mine, other = opened(session, flood, "A"), opened(session, flood, "B", group=OTHER_GROUP)
    alert = approved(session, flood, {"A": 3, "B": 0})
    clear = actions.propose_all_clear(session, alert.id, flood.olu)
    actions.approve(session, clear.id, clear.revision, flood.ann)
    for _ in range(2):
        hear_of(session, clear)
    assert [push.subject for push in mine.pushes()] == [f"leaders:{alert.id}", f"leaders:{clear.id}"]
    assert "ack:" not in words_of(mine.pushes()[-1])
    assert other.pushes() == []


def test_cancelled_in_mid_send_no_group_that_waits_is_told(session: Session, flood: Any) -> None:
    """What has not gone to a group stays here with what has not gone to residents."""
    chat = opened(session, flood, "A")
    alert = approved(session, flood, {"A": 3, "B": 0})
    actions.cancel(session, alert.id, "ผิดพื้นที่", flood.ann)
    assert [push.state for push in chat.pushes()] == ["cancelled"]
    assert chat.say("รับทราบ") == []


def test_leaders_count_apart_from_residents(session: Session, flood: Any) -> None:
    """A group is none of the frozen audience: the residents' figures stay what was shown and approved."""
    opened(session, flood, "A")
    session.execute(sa.update(LeaderGroup).values(member_count=400))
    alert = approved(session, flood, {"A": 3, "B": 0})
    states = ledger.chunk_states(session, [alert.id])[alert.id]
    assert sum(recipients for _, recipients in states.values()) == alert.audience_count == 2
    assert leaders.messages_needed(session, alert.id) == 400


# ── Acknowledgements ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_acknowledgement_of_a_zone_counts(session: Session, flood: Any, frozen_clock: Any) -> None:
    """By button or in words; who is sealed, when is known, the screens are told; a second one changes nothing."""
    group, code = made(session, flood, "A", "B")
    chat = Chat(session)
    chat.say(code)
    chat.say(code, user=SECOND)
    alert = approved(session, flood, {"A": 3, "B": 3})
    frozen_clock(START + timedelta(minutes=4))
    (answer,) = chat.tap(f"ack:{alert.id}")
    assert "ชุมชนA, ชุมชนB" in answer
    assert "10:04" in answer
    frozen_clock(START + timedelta(minutes=9))
    assert chat.tap(f"ack:{alert.id}", user=SECOND) == []
    given = session.scalars(sa.select(LeaderAcknowledgement).order_by(LeaderAcknowledgement.zone_id)).all()
    assert {(one.way, one.leader_group_id, one.acknowledged_at) for one in given} == {
        ("button", group.id, START + timedelta(minutes=4))
    }
    assert {sealing.unseal(bytes(one.by_sealed or b"")) for one in given} == {LEADER}
    told = session.scalars(
        sa.select(EventRecord.payload).where(EventRecord.name == "alerts.alert_acknowledged")
    ).all()
    assert told == [{"alert_id": alert.id, "zones_acknowledged": 2, "zones_total": 2}]
    minutes = [
        leader_rules.minutes(one.told_at, one.acknowledgement.acknowledged_at)
        for one in leader_queries.zone_answers(session, alert)
        if one.acknowledgement is not None
    ]
    assert (minutes, leader_rules.median(minutes)) == ([4.0, 4.0], 4.0)


def test_a_word_acknowledges_what_the_group_was_told(session: Session, flood: Any) -> None:
    """"รับทราบครับ" of a leader; nobody else's, and no sentence that only begins so."""
    chat = opened(session, flood, "A")
    alert = approved(session, flood, {"A": 3, "B": 3})
    assert chat.say("รับทราบ", user=STRANGER) == []
    assert chat.say("รับทราบ", user=None) == []
    assert chat.say("รับทราบว่าน้ำมาแล้วหรือ") == []
    assert len(chat.say("รับทราบครับ")) == 1
    answers = {one.code: one.acknowledgement for one in leader_queries.zone_answers(session, alert)}
    assert answers["A"] is not None
    assert answers["A"].way == "words"
    assert answers["B"] is None


def test_only_who_typed_the_code_acknowledges_by_the_button(session: Session, flood: Any) -> None:
    """A visitor's tap stops no call to the leaders, and is told so; a group that was not told has no say."""
    chat = opened(session, flood, "A")
    alert = approved(session, flood, {"A": 3, "B": 0})
    assert len(chat.tap(f"ack:{alert.id}", user=STRANGER)) == 1
    assert chat.tap(f"ack:{alert.id + 1}") == []
    assert chat.tap("ack:" + "9" * 30) == []
    assert Chat(session, OTHER_GROUP).tap(f"ack:{alert.id}") == []
    assert session.scalar(sa.select(sa.func.count()).select_from(LeaderAcknowledgement)) == 0


def test_an_alert_that_is_over_is_not_acknowledged(session: Session, flood: Any, frozen_clock: Any) -> None:
    """By the clock alone: the leader is asked to read what came last."""
    chat = opened(session, flood, "A")
    alert = approved(session, flood, {"A": 3, "B": 0})
    assert alert.expires_at is not None
    frozen_clock(alert.expires_at)
    assert len(chat.tap(f"ack:{alert.id}")) == 1
    assert chat.say("รับทราบ") == []
    assert session.scalar(sa.select(sa.func.count()).select_from(LeaderAcknowledgement)) == 0


def test_what_has_not_gone_to_a_group_stays_when_the_alert_ends(session: Session, flood: Any) -> None:
    """As for residents: a message that waits is stopped with its alert."""
    chat = opened(session, flood, "A")
    alert = approved(session, flood, {"A": 3, "B": 0})
    assert leaders.stop(session, alert.id) == 1
    assert [chunk.state for chunk in chat.pushes()] == ["cancelled"]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("รับทราบ", True), ("  รับทราบค่ะ  ", True), ("Acknowledged!", True), ("รับทราบ 🙏", True), ("maklum", True),
        ("သိပါပြီ", True), ("ไม่รับทราบ", False), ("รับทราบยัง", False), ("", False), ("รับทราบ" * 30, False),
    ],
)  # fmt: skip
def test_words_that_acknowledge(text: str, is_one: bool) -> None:
    """The word alone, politely or with a sign; anything more says something else."""
    assert leader_rules.is_acknowledgement(text) is is_one


# ── People's data ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_erased_leader_leaves_the_acknowledgement_alone(session: Session, flood: Any) -> None:
    """That the zone was acknowledged stays; by whom is gone, and so is the leader."""
    chat = opened(session, flood, "A")
    alert = approved(session, flood, {"A": 3, "B": 0})
    chat.tap(f"ack:{alert.id}")
    acknowledging.forget(session, LEADER)
    kept = session.scalars(sa.select(LeaderAcknowledgement)).one()
    session.refresh(kept)
    assert (kept.by_hash, kept.by_sealed, kept.way) == (None, None, "button")
    assert session.scalar(sa.select(sa.func.count()).select_from(Leader)) == 0


def test_erasing_a_resident_reaches_the_leaders(session: Session, flood: Any) -> None:
    """The alerts' room forgets leaders with everything else."""
    opened(session, flood, "A")
    person = erasure.Person(
        residents_actions.resident_of(session, LEADER).id, LEADER, message_ids=(), words=frozenset()
    )
    personal.forget(session, person)
    assert session.scalar(sa.select(sa.func.count()).select_from(Leader)) == 0


def test_what_officers_do_with_groups_is_on_record(session: Session, flood: Any) -> None:
    """Made, code handed over, ended: with the account, without the code."""
    group, code = made(session, flood, "A")
    leaders.end_group(session, group.id, account=flood.olu)
    entries = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [one.action for one in entries] == ["leader_group.made", "code.handed_over", "leader_group.ended"]
    assert code not in json.dumps([one.detail for one in entries])
