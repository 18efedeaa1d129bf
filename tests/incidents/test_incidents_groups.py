"""Groups and rooms: nothing said there is a report or answered in public, but for a cry for help."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import sealing
from core.errors import ConflictError, InvalidInputError
from core.events import EventRecord
from incidents import cries, group_calls, tasks
from incidents.group_models import GroupCall, GroupCry
from incidents.models import Draft, Incident
from line import receiver, webhook
from line.events import CriedInGroup, seal_line_user
from line.models import InboxEvent, OutboxChunk
from residents import tasks as residents_tasks
from residents.models import Resident
from staff.models import AuditEntry
from staff.rules import AccountRef
from tests.accounts import add_account

if TYPE_CHECKING:
    from tests.incidents.conftest import Talker

ROOMS = (residents_tasks,)  # They hear what the receiver tells.
GROUP = "C" + "1" * 32
STRANGER = "U" + "9" * 32
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
_numbers = itertools.count(1)
PLACE = {"type": "location", "id": "3", "latitude": 8.4, "longitude": 99.9}


def _happens(session: Session, event: dict[str, Any], *, user: str | None = None, kind: str = "group") -> list[Any]:
    """The event came from a group; what goes out then, by kind and message."""
    before = session.query(OutboxChunk).count()
    source = {"type": kind, f"{kind}Id": GROUP, **({"userId": user} if user else {})}
    common = {"mode": "active", "timestamp": 1_795_000_000_000, "webhookEventId": f"g{before}", "source": source}
    whole = {**common, **event}
    webhook.keep(session, [json.dumps({"events": [whole]}).encode()], is_urgent=cries.is_cry)
    while receiver.take(session).count:
        pass
    chunks = session.query(OutboxChunk).order_by(OutboxChunk.id).offset(before).all()
    return [(chunk.kind, chunk.messages) for chunk in chunks]


def _words(text: str) -> dict[str, Any]:
    return {"type": "message", "replyToken": "t", "message": {"type": "text", "id": "1", "text": text}}


@pytest.mark.parametrize("kind", ["group", "room"])
@pytest.mark.parametrize(
    "event",
    [
        _words("ต้นไม้ล้มขวางถนน"), _words("สถานะ"), _words("ข้อมูลของฉัน"),
        {"type": "message", "replyToken": "t", "message": {"type": "image", "id": "2"}},
        {"type": "message", "replyToken": "t", "message": PLACE},
        {"type": "postback", "replyToken": "t", "postback": {"data": "home:ask"}},
        {"type": "postback", "replyToken": "t", "postback": {"data": "me:export"}},
        {"type": "memberJoined", "replyToken": "t", "joined": {"members": []}}, {"type": "leave"},
    ],
)  # fmt: skip
def test_nothing_said_in_a_group_is_a_report_or_answered(
    town: Session, malee: Talker, event: dict[str, Any], kind: str
) -> None:
    """Neither words, pictures, places nor buttons: what is said among people is theirs."""
    assert _happens(town, event, user=malee.line_user_id, kind=kind) == []
    assert town.scalar(sa.select(Draft)) is None
    assert town.scalar(sa.select(Incident)) is None


def test_a_group_is_greeted_once(town: Session) -> None:
    """It reads that reports are told in a private chat; by the reply, which costs nothing."""
    ((kind, messages),) = _happens(town, {"type": "join", "replyToken": "t"})
    assert kind == "reply"
    assert "แชตส่วนตัว" in messages[0]["text"]


def test_a_members_cry_in_a_group_opens_a_rescue_and_tells_the_group_nothing_of_them(
    town: Session, malee: Talker
) -> None:
    """The group sees the numbers to call; number and home of the rescue are told to the one person alone."""
    said = _happens(town, _words("ช่วยด้วย น้ำท่วมถึงคอ"), user=malee.line_user_id)
    assert [kind for kind, _ in said] == ["reply", "push"]
    incident = town.scalars(sa.select(Incident)).one()
    assert (incident.category_code, incident.place_source) == ("rescue", "home")
    public, private = (json.dumps(messages, ensure_ascii=False) for _, messages in said)
    assert "tel:1669" in public
    assert incident.number not in public
    assert incident.number in private


def test_a_member_without_a_place_is_asked_alone(town: Session, somchai: Talker) -> None:
    """No incident without a place: the question goes to the person, and their pin opens the rescue."""
    said = _happens(town, _words("help me, trapped on the roof"), user=somchai.line_user_id)
    assert [kind for kind, _ in said] == ["reply", "push"]
    assert town.scalar(sa.select(Incident)) is None
    somchai.pin(99.96, 8.43)
    assert [incident.category_code for incident in town.scalars(sa.select(Incident))] == ["rescue"]


@pytest.mark.parametrize("user", [None, "U" + "9" * 32])
def test_a_strangers_cry_shows_the_numbers_and_makes_nobody_known(town: Session, user: str | None) -> None:
    """Whom the city does not know is not written to, and no record of them is made."""
    before = town.scalar(sa.select(sa.func.count()).select_from(Resident))
    ((kind, messages),) = _happens(town, _words("ช่วยด้วย น้ำท่วมถึงคอ"), user=user)
    assert (kind, messages[0]["type"]) == ("reply", "flex")
    assert town.scalar(sa.select(sa.func.count()).select_from(Resident)) == before


# ── A stranger's cry reaches an officer ──────────────────────────────────────────────────────────────────────────────


def _cry(session: Session, text: str, *, group: str = GROUP, user: str | None = STRANGER) -> None:
    number = next(_numbers)
    event = {**_words(text), "webhookEventId": f"cry{number}", "source": {"type": "group", "groupId": group}}
    if user is not None:
        event["source"]["userId"] = user
    _happens(session, event)


def _officer(session: Session) -> AccountRef:
    return add_account(session, "pim", roles=["officer"])


def test_officers_hear_a_strangers_cry_without_an_incident(town: Session) -> None:
    """In which group, since when, how often; the words only for who asks for them, and that is logged."""
    _cry(town, "ช่วยด้วย น้ำท่วมถึงคอ")
    (call,) = group_calls.waiting(town)
    assert (call.cries, call.ended_at) == (1, None)
    assert town.scalar(sa.select(Incident)) is None
    kept = town.scalars(sa.select(GroupCry)).one()
    assert "ถึงคอ".encode() not in bytes(kept.text_sealed)
    heard = group_calls.hear(town, call.id, account=_officer(town))
    assert [one.text for one in heard.cries] == ["ช่วยด้วย น้ำท่วมถึงคอ"]
    assert town.scalars(sa.select(AuditEntry.action)).all() == ["group_call.read"]
    assert town.scalars(sa.select(EventRecord.name)).all() == ["incidents.group_called"]


def test_a_members_cry_is_no_call(town: Session, malee: Talker) -> None:
    """Whom the city knows is asked alone; an officer hears of the rescue."""
    _cry(town, "ช่วยด้วย น้ำท่วมถึงคอ", user=malee.line_user_id)
    assert group_calls.waiting(town) == []


def test_who_cannot_be_written_to_is_heard_as_a_stranger(town: Session, malee: Talker) -> None:
    """A member who has blocked the city's account would get no question: an officer hears them all the same."""
    malee.resident.is_reachable = False
    town.flush()
    _cry(town, "ช่วยด้วย น้ำท่วมถึงคอ", user=malee.line_user_id)
    assert len(group_calls.waiting(town)) == 1


def test_a_joker_is_one_line_for_ten_minutes(town: Session, frozen_clock: Callable[[datetime], None]) -> None:
    """Thirty cries in one group are one call with ten of their words; looked at, it stays so until they are over."""
    frozen_clock(NOW)
    for number in range(30):
        _cry(town, f"ช่วยด้วย {number}" + "ๆ" * 900)
    (call,) = group_calls.waiting(town)
    assert call.cries == 30
    officer = _officer(town)
    heard = group_calls.hear(town, call.id, account=officer)
    assert len(heard.cries) == group_calls.MOST_KEPT
    assert all(len(one.text) <= group_calls.LONGEST for one in heard.cries)
    group_calls.look_at(town, call.id, account=officer)
    frozen_clock(NOW + timedelta(minutes=9))
    _cry(town, "ช่วยด้วยอีกที")
    assert group_calls.waiting(town) == []
    frozen_clock(NOW + timedelta(minutes=11))
    _cry(town, "ช่วยด้วยจริงๆ")
    (later,) = group_calls.waiting(town)
    assert later.id != call.id


def test_other_groups_are_other_calls_the_last_one_first(
    town: Session, frozen_clock: Callable[[datetime], None]
) -> None:
    """What one group cries does not hide the other."""
    frozen_clock(NOW)
    _cry(town, "ช่วยด้วย", group=GROUP)
    frozen_clock(NOW + timedelta(minutes=1))
    _cry(town, "ช่วยด้วย", group="C" + "2" * 32)
    assert [call.last_at for call in group_calls.waiting(town)] == [NOW + timedelta(minutes=1), NOW]


def test_an_officer_answers_the_group_once_and_the_reply_is_heard(town: Session) -> None:
    """One push to the group; who comes second reads that it has been seen to; a further cry waits anew."""
    _cry(town, "ช่วยด้วย น้ำท่วมถึงคอ")
    officer = _officer(town)
    (call,) = group_calls.waiting(town)
    before = town.query(OutboxChunk).count()
    group_calls.answer(town, call.id, " อยู่ที่ไหน ", account=officer)
    with pytest.raises(ConflictError):
        group_calls.answer(town, call.id, "อยู่ที่ไหน", account=officer)
    (chunk,) = town.query(OutboxChunk).order_by(OutboxChunk.id).offset(before).all()
    assert (chunk.kind, json.loads(sealing.unseal(chunk.to_sealed))) == ("push", [GROUP])
    assert chunk.messages[0]["text"] == "อยู่ที่ไหน"
    assert group_calls.waiting(town) == []
    _cry(town, "ช่วยด้วย อยู่ซอย 5")
    assert [one.id for one in group_calls.waiting(town)] == [call.id]
    assert len(group_calls.hear(town, call.id, account=officer).cries) == 2


@pytest.mark.parametrize("text", ["", "   ", "ก" * 1001])
def test_an_answer_without_words_is_none(town: Session, text: str) -> None:
    """Nothing goes out, and the call waits."""
    _cry(town, "ช่วยด้วย")
    (call,) = group_calls.waiting(town)
    with pytest.raises(InvalidInputError):
        group_calls.answer(town, call.id, text, account=_officer(town))
    assert group_calls.waiting(town) == [call]


def test_the_same_event_twice_is_as_once(town: Session) -> None:
    """LINE delivers again what it thinks was lost."""
    event = CriedInGroup("e1", None, None, "ช่วยด้วย", NOW, seal_line_user(GROUP))
    group_calls.note(town, event)
    group_calls.note(town, event)
    assert [call.cries for call in group_calls.waiting(town)] == [1]


def test_cries_are_forgotten_after_a_month_and_with_their_person(
    town: Session, frozen_clock: Callable[[datetime], None]
) -> None:
    """Whoever becomes a member later and wants to be forgotten is, with what the city answered; the rest waits out."""
    frozen_clock(NOW)
    _cry(town, "ช่วยด้วย ป้าสมหญิงติดอยู่")
    (call,) = group_calls.waiting(town)
    group_calls.answer(town, call.id, "คุณสมหญิง อยู่ที่ไหน", account=_officer(town))
    group_calls.forget_of(town, STRANGER)
    assert town.scalar(sa.select(sa.func.count()).select_from(GroupCry)) == 0
    assert town.scalar(sa.select(OutboxChunk).where(OutboxChunk.subject == f"group_call:{call.id}")) is None
    assert group_calls.forget_old(town, before=NOW) == 0
    frozen_clock(NOW + timedelta(days=31))
    tasks.forget_group_calls.run(town)
    assert town.scalar(sa.select(sa.func.count()).select_from(GroupCall)) == 0


def test_what_is_said_in_a_group_is_no_flood_of_ones_own(town: Session, malee: Talker) -> None:
    """Who chats a lot in a group has sent the city nothing: their next word to it is heard."""
    for number in range(70):
        _happens(town, {**_words(f"คุยกัน {number}"), "webhookEventId": f"chat{number}"}, user=malee.line_user_id)
    assert town.scalar(sa.select(sa.func.count()).where(InboxEvent.held_at.is_not(None))) == 0
    assert "เป็นเรื่องใด" in malee.say("ต้นไม้ล้มขวางถนน")[0]["text"]
