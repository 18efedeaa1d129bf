"""Groups and rooms: nothing said there is a report or answered in public, but for a cry for help."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from incidents import cries
from incidents.models import Draft, Incident
from line import receiver, webhook
from line.models import InboxEvent, OutboxChunk
from residents import tasks as residents_tasks
from residents.models import Resident

if TYPE_CHECKING:
    from tests.incidents.conftest import Talker

ROOMS = (residents_tasks,)  # They hear what the receiver tells.
GROUP = "C" + "1" * 32
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


def test_what_is_said_in_a_group_is_no_flood_of_ones_own(town: Session, malee: Talker) -> None:
    """Who chats a lot in a group has sent the city nothing: their next word to it is heard."""
    for number in range(70):
        _happens(town, {**_words(f"คุยกัน {number}"), "webhookEventId": f"chat{number}"}, user=malee.line_user_id)
    assert town.scalar(sa.select(sa.func.count()).where(InboxEvent.held_at.is_not(None))) == 0
    assert "เป็นเรื่องใด" in malee.say("ต้นไม้ล้มขวางถนน")[0]["text"]
