"""An officer keeps a resident from ordinary reports for a time: all is kept, emergencies pass, it can be undone."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import ConflictError, InvalidInputError
from incidents import cries
from incidents.models import Draft, Incident, Photo
from line import receiver, webhook
from line.models import InboxEvent, OutboxChunk
from residents import blocking
from residents import tasks as residents_tasks
from residents.models_rights import ResidentBlock
from staff.rules import AccountRef
from tests.accounts import add_account

if TYPE_CHECKING:
    from tests.incidents.conftest import Talker

ROOMS = (residents_tasks,)  # They hear what the receiver tells.
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.fixture
def officer(town: Session) -> AccountRef:
    """Who may block."""
    return add_account(town, "pim", roles=["officer"])


def _deliver(talker: Talker, number: int, message: dict[str, Any]) -> list[dict[str, Any]]:
    """By the webhook and the receiver, as in life; the city's answers."""
    session = talker.session
    before = session.query(OutboxChunk).count()
    event = {
        "type": "message", "mode": "active", "timestamp": 1_795_000_000_000 + number,
        "source": {"type": "user", "userId": talker.line_user_id}, "webhookEventId": f"w{number}",
        "replyToken": f"t{number}", "message": {"id": f"{number}", **message},
    }  # fmt: skip
    webhook.keep(session, [json.dumps({"events": [event]}).encode()], is_urgent=cries.is_cry)
    while receiver.take(session).count:
        pass
    chunks = session.query(OutboxChunk).order_by(OutboxChunk.id).offset(before).all()
    return [message for chunk in chunks for message in chunk.messages]


def _block(talker: Talker, officer: AccountRef, hours: int = 24) -> None:
    blocking.block(
        talker.session, account=officer, resident_id=talker.resident.id, lasts=timedelta(hours=hours), reason="ก่อกวน"
    )


def test_ordinary_words_are_held_and_the_block_told_once(town: Session, malee: Talker, officer: AccountRef) -> None:
    """Words, photos and places are kept and not acted on; the first is answered with until when, and how to cry."""
    _block(malee, officer)
    answers = _deliver(malee, 1, {"type": "text", "text": "ต้นไม้ล้มขวางถนน"})
    assert "1669" in answers[0]["text"]
    assert _deliver(malee, 2, {"type": "image"}) == []
    assert _deliver(malee, 3, {"type": "location", "longitude": 99.96, "latitude": 8.43}) == []
    assert town.scalar(sa.select(Draft)) is None
    assert town.scalar(sa.select(Photo)) is None
    (held,) = blocking.held_people(town)
    assert (held.resident_id, held.messages, held.held_for) == (malee.resident.id, 3, "block")


def test_a_cry_passes_and_all_that_belongs_to_it(town: Session, malee: Talker, officer: AccountRef) -> None:
    """Nobody is left in the water because they were a nuisance: cry, pin, photo and words are heard."""
    _block(malee, officer)
    card = _deliver(malee, 1, {"type": "text", "text": "ช่วยด้วย ติดอยู่บนหลังคา"})
    assert card[0]["type"] == "flex"
    _deliver(malee, 2, {"type": "image"})
    _deliver(malee, 3, {"type": "text", "text": "มี 3 คน"})
    incident = town.scalars(sa.select(Incident)).one()
    town.refresh(incident)
    assert incident.people == 3
    assert town.scalar(sa.select(Photo.incident_id)) == incident.id
    assert blocking.held_people(town) == []


def test_looking_and_ones_own_data_stay_open(malee: Talker, officer: AccountRef) -> None:
    """A block is no punishment: who asks where a report stands, or for their data, is answered."""
    _block(malee, officer)
    assert "ยังไม่มีเรื่อง" in _deliver(malee, 1, {"type": "text", "text": "สถานะ"})[0]["text"]
    assert _deliver(malee, 2, {"type": "text", "text": "ข้อมูลของฉัน"})


def test_a_block_ends_by_itself(
    malee: Talker, officer: AccountRef, frozen_clock: Callable[[datetime], None]
) -> None:
    """After its time the next word is a report again."""
    frozen_clock(NOW)
    _block(malee, officer, hours=1)
    frozen_clock(NOW + timedelta(hours=1, seconds=1))
    assert "เป็นเรื่องใด" in malee.say("ต้นไม้ล้มขวางถนน")[0]["text"]


def test_a_block_is_undone_and_what_was_held_is_heard(town: Session, malee: Talker, officer: AccountRef) -> None:
    """First the block ends, then its words may pass: each is answered, once, and nothing is held any more."""
    _block(malee, officer)
    _deliver(malee, 1, {"type": "text", "text": "ต้นไม้ล้มขวางถนน"})
    with pytest.raises(ConflictError):
        blocking.let_through(town, account=officer, resident_id=malee.resident.id)
    blocking.lift(town, account=officer, resident_id=malee.resident.id, reason="คุยกันแล้ว")
    assert blocking.let_through(town, account=officer, resident_id=malee.resident.id) == 1
    assert blocking.let_through(town, account=officer, resident_id=malee.resident.id) == 0
    while receiver.take(town).count:
        pass
    assert town.scalar(sa.select(Draft.step)) == "category"
    assert blocking.held_people(town) == []
    assert town.scalar(sa.select(sa.func.count()).where(InboxEvent.handled_at.is_(None))) == 0


def test_every_block_stands_in_the_history(town: Session, malee: Talker, officer: AccountRef) -> None:
    """Who, when, why, and how it ended; the reason is sealed."""
    _block(malee, officer)
    _block(malee, officer, hours=2)
    blocking.lift(town, account=officer, resident_id=malee.resident.id, reason="พอแล้ว")
    newest, first = blocking.blocks_of(town, malee.resident.id)
    assert (newest.reason, newest.lift_reason, newest.lifted_by) == ("ก่อกวน", "พอแล้ว", "pim")
    assert first.lifted_at is not None
    assert "ก่อกวน".encode() not in town.scalars(sa.select(ResidentBlock.reason_sealed)).first()
    with pytest.raises(ConflictError):
        blocking.lift(town, account=officer, resident_id=malee.resident.id, reason="อีกครั้ง")


@pytest.mark.parametrize("hours", [0, -1, 24 * 31])
def test_a_block_has_an_end(malee: Talker, officer: AccountRef, hours: int) -> None:
    """Nobody is blocked for good by a slip."""
    with pytest.raises(InvalidInputError):
        _block(malee, officer, hours=hours)
